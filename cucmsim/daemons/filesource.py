"""Where the TFTP and HTTP daemons get their files: what `services/provisioning` offers them."""

import re
from typing import Protocol

from cucmsim.services.faults.served import Served

__all__ = ["Elsewhere", "FileFaults", "FileSource", "Served", "device_in"]

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


class FileFaults(Protocol):
    """What the fault plan does to files: `services/faults/filefaults`.

    A daemon asks `concerns` first, and takes a file that it concerns to `spoil` once a request,
    whether the file was at hand or not. What is not there is not spoilt.
    """

    def concerns(self, name: str, address: str) -> bool:
        """Tell whether a fault could happen to this file for this client; counts nothing."""
        ...

    async def spoil(self, name: str, address: str, data: bytes) -> Served:
        """Return the right file, or what becomes of it; keys are made in a worker thread."""
        ...


def device_in(name: str) -> str | None:
    """Return the phone that a file name speaks of (`SEP001B54C25A01`); None when it does not."""
    found = _DEVICE.search(name)
    return found[0].upper() if found else None
