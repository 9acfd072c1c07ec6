"""A network that a test makes up."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cucmsim.errors import RefusedError

__all__ = ["FakeNetwork"]


@dataclass
class FakeNetwork:
    """Names with addresses, ports that do not answer, and milliseconds of each echo."""

    hosts: dict[str, Sequence[str]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    echoes: list[float | None] | None = field(default_factory=lambda: [0.25, None, 0.75])

    async def resolve(self, host: str) -> Sequence[str]:
        return self.hosts.get(host, ())

    async def connects(self, address: str, port: int) -> bool:
        return port not in self.silent and bool(address)

    async def echo(self, address: str, number: int) -> float | None:
        if self.echoes is None:
            raise RefusedError(f"ping: no way to {address}")
        return self.echoes[(number - 1) % len(self.echoes)]
