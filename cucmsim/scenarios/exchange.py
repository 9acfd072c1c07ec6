"""An SFTP server on the stage, for what clusters leave there and take: bulk certificates, backups.

What crosses it is between administrators and servers; no phone sees any of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncssh

from cucmsim.daemons.sftpserver import SftpDirectory, SftpLogin

__all__ = ["Exchange", "serving"]

_LOCALHOST: Final = "127.0.0.1"
_LOGIN: Final = SftpLogin("lab", "exchange-2022")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A running SFTP server: where it is, who is let in, and the directory that it serves."""

    port: int
    directory: Path
    host: str = _LOCALHOST
    user: str = _LOGIN.user
    password: str = field(default=_LOGIN.password, repr=False)

    @property
    def answers(self) -> tuple[str, str, str, str]:
        """What the command line asks about a server: host, port, user, password."""
        return self.host, str(self.port), self.user, self.password


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Exchange]:
    """Serve a directory while the block runs. Raises StartError."""
    key = await asyncio.to_thread(asyncssh.generate_private_key, "ssh-rsa")
    server = SftpDirectory((_LOCALHOST, 0), directory, _LOGIN, key)
    await server.start()
    try:
        yield Exchange(server.ports[0], directory)
    finally:
        await server.stop()
