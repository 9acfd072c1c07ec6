"""The journal: what crossed the wire, as values.

Every daemon records one `Exchange` for each finished request. The journal keeps the latest of them
in memory for the management API and tells its subscribers at once.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Exchange", "Journal", "Trace"]

Trace = Callable[[str], None]
"""Takes one trace line of a real service, without the time stamp."""

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One finished request: who asked which service what, and what it was told.

    `device` is a name such as `SEP001122334455` where the request told it; `milliseconds` is from
    the first byte of the request to the last of the answer; `fault` names the fault of the plan
    that was at work, "" for none.
    """

    time: datetime
    node: str
    service: str
    peer: str
    device: str | None
    request: str
    answer: str
    milliseconds: float
    fault: str = ""


class Journal:
    """The latest exchanges of a process, oldest first."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._exchanges: deque[tuple[int, Exchange]] = deque(maxlen=kept)
        self._subscribers: list[Callable[[Exchange], None]] = []
        self._count = 0

    def record(self, exchange: Exchange) -> None:
        """Keep `exchange` and tell every subscriber."""
        self._count += 1
        self._exchanges.append((self._count, exchange))
        for subscriber in self._subscribers:
            subscriber(exchange)

    def since(self, number: int = 0) -> list[tuple[int, Exchange]]:
        """Return the kept exchanges after `number`, each with its running number (from 1)."""
        return [numbered for numbered in self._exchanges if numbered[0] > number]

    def subscribe(self, subscriber: Callable[[Exchange], None]) -> Callable[[], None]:
        """Call `subscriber` for each later exchange; returns what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)
