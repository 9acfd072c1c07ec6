"""Where the TFTP and HTTP daemons get their files: what `services/provisioning` offers them."""

from typing import Protocol

__all__ = ["FileSource"]


class FileSource(Protocol):
    """Files by name."""

    def cached(self, name: str) -> bytes | None:
        """Return the file if it is at hand, at once; None when it would have to be looked for."""
        ...

    async def fetch(self, name: str) -> bytes | None:
        """Return the file, built and signed off the loop; None when there is no such file."""
        ...
