"""Where the TFTP and HTTP daemons get their files: what `services/provisioning` offers them."""

import re
from typing import Protocol

__all__ = ["Elsewhere", "FileSource", "device_in"]

_DEVICE = re.compile(r"SEP[0-9A-Fa-f]{12}")


class FileSource(Protocol):
    """Files by name."""

    def cached(self, name: str) -> bytes | None:
        """Return the file if it is at hand, at once; None when it would have to be looked for."""
        ...

    async def fetch(self, name: str) -> bytes | None:
        """Return the file, built and signed off the loop; None when there is no such file."""
        ...


class Elsewhere(Protocol):
    """Where files are looked for that a `FileSource` does not have: `services/filelocator`."""

    async def find(self, name: str) -> bytes | None:
        """Return the file, in bounded time; None when there is none elsewhere either."""
        ...


def device_in(name: str) -> str | None:
    """Return the phone that a file name speaks of (`SEP001B54C25A01`); None when it does not."""
    found = _DEVICE.search(name)
    return found[0].upper() if found else None
