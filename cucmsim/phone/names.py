"""From the names in a configuration to addresses: DNS first, then a table that a person gave.

Configurations name servers as CUCM knows them, `cucm-pub`. Where a lab has no DNS the phone finds
them in the table (`--host NAME=ADDRESS`); a real phone would not. An answer is kept for as long as
the phone runs, and a DNS server that says nothing is not waited for longer than `dns_timeout_s`.
With `asks_dns` False there is the table alone: a lab's names may be those of a real cluster too.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping

from cucmsim.errors import CucmsimError

__all__ = ["NameNotFoundError", "Names"]


class NameNotFoundError(CucmsimError):
    """Neither DNS nor the table knows a name."""


class Names:
    """What names stand for; those of `table` are compared without regard to case."""

    def __init__(
        self,
        table: Mapping[str, str] | None = None,
        *,
        dns_timeout_s: float = 2.0,
        asks_dns: bool = True,
    ) -> None:
        self._table = {name.lower(): address for name, address in (table or {}).items()}
        self._dns_timeout_s = dns_timeout_s
        self._asks_dns = asks_dns
        self._known: dict[str, str] = {}
        self._unknown: set[str] = set()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names that were asked for in vain, sorted."""
        return tuple(sorted(self._unknown))

    def known(self, name: str) -> str:
        """Return the address that `name` was found to have; the name itself where none was."""
        return self._known.get(name.lower(), name)

    async def resolve(self, name: str) -> str:
        """Return the address of `name`, itself if it is one. Raises NameNotFoundError."""
        try:
            return str(ipaddress.ip_address(name))
        except ValueError:
            pass
        key = name.lower()
        if key not in self._known:
            found = await self._ask_dns(name) or self._table.get(key)
            if found is None:
                self._unknown.add(name)
                raise NameNotFoundError(f"{name}: no such host in DNS or among the given hosts")
            self._known[key] = found
        return self._known[key]

    async def _ask_dns(self, name: str) -> str | None:
        if not self._asks_dns:
            return None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._dns_timeout_s):
                found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            return None
        return str(found[0][4][0])
