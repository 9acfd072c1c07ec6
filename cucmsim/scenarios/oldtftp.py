"""The TFTP server of a cluster before 8.0: configurations, and no trust list of any kind."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from cucmsim.clock import Clock, SystemClock
from cucmsim.daemons.tftpd import TftpServer
from cucmsim.services.journal import Journal

__all__ = ["serving_before_8_0"]


class _Files:
    """Files as they are: a `FileSource`."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def cached(self, name: str) -> bytes | None:
        """Return the file, None when there is none."""
        return self._files.get(name)

    async def fetch(self, name: str) -> bytes | None:
        """Return the file, None when there is none."""
        return self._files.get(name)


@asynccontextmanager
async def serving_before_8_0(
    files: Mapping[str, bytes], address: tuple[str, int], clock: Clock | None = None
) -> AsyncIterator[str]:
    """Serve files at an address and port while the block runs.

    Gives the location as alternate file locations have it.
    """
    server = TftpServer(
        _Files(files),
        [address],
        node="before-8-0",
        journal=Journal(),
        clock=clock or SystemClock(),
    )
    await server.start()
    try:
        yield f"tftp://{address[0]}:{server.ports[0]}"
    finally:
        await server.stop(0)
