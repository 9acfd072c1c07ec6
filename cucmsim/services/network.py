"""What services ask of the network around a node; `daemons/probes.py` finds it out."""

from collections.abc import Sequence
from typing import Protocol

__all__ = ["NetworkProbes"]


class NetworkProbes(Protocol):
    """Looks into the network from a node."""

    async def resolve(self, host: str) -> Sequence[str]:
        """Return the addresses that the machine's resolver has of a host; none for no such host."""
        ...

    async def connects(self, address: str, port: int) -> bool:
        """Tell whether a TCP connection can be made."""
        ...

    async def echo(self, address: str, number: int) -> float | None:
        """Send an ICMP echo request; return the milliseconds to its answer, None without one.

        Raises RefusedError when this process may not, or there is no way to the address.
        """
        ...
