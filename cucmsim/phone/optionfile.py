"""TFTP servers that a file names, an address a line: option 150 for phones without a DHCP server.

    finder = OptionFile(path)
    finder.read()                   # raises OptionFileError

Read at each boot, so whoever moves the option by writing the file moves the phones at their next
reset. A file that cannot be read then is a DHCP server that does not answer: the phone goes on with
what it was told before. Blank lines, and what follows a `#`, are passed over.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from cucmsim.errors import CucmsimError
from cucmsim.phone.dhcp import DhcpAnswer
from cucmsim.phone.dhcpevents import DhcpAnswered, DhcpEvent, DhcpTimedOut, ServerSource

__all__ = ["OptionFile", "OptionFileError"]

_SERVERS: Final = 2  # a phone holds TFTP server 1 and 2


class OptionFileError(CucmsimError):
    """A file names no TFTP server."""


class OptionFile:
    """Finds the TFTP servers in a file, for as many phones as there are."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[str, ...]:
        """Return the servers that the file names now. Raises OptionFileError."""
        try:
            lines = self.path.read_text().splitlines()
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", "not a text")
            raise OptionFileError(f"{self.path}: {why}") from None
        found = [line.partition("#")[0].strip() for line in lines]
        servers = tuple(server for server in found if server)[:_SERVERS]
        if not servers:
            raise OptionFileError(f"{self.path}: found no TFTP server, expected an address a line")
        return servers

    async def find(self, tell: Callable[[DhcpEvent], None]) -> DhcpAnswer | None:
        """Return the servers, None when the file names none; `tell` is given what happens."""
        try:
            servers = self.read()
        except OptionFileError:
            tell(DhcpTimedOut(str(self.path)))
            return None
        tell(DhcpAnswered(str(self.path), servers, ServerSource.OPTION_150))
        return DhcpAnswer(servers, ServerSource.OPTION_150)
