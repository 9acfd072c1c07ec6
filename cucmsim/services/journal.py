"""The journal: what crossed the wire, as values.

Every daemon records one `Exchange` for each finished request. The journal keeps the latest of them
in memory for the management API and tells its subscribers at once.

    query = JournalQuery(service="tvs", fault=ANY_FAULT)
    journal.find(query)                             what was there, oldest first
    await journal.wait_for(query, after, timeout_s)  what comes, as soon as it does
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

__all__ = ["ANY_FAULT", "Exchange", "Journal", "JournalQuery", "Numbered", "Trace"]

Trace = Callable[[str], None]
"""Takes one trace line of a real service, without the time stamp."""

ANY_FAULT = "any"
"""As `JournalQuery.fault`: exchanges with whatever fault."""

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


Numbered = tuple[int, Exchange]
"""An exchange with its running number, from 1."""


@dataclass(frozen=True, slots=True)
class JournalQuery:
    """Which exchanges are wanted; what is not given says nothing.

    `fault` and `request` are parts of the text, in any case of letters, and `fault` may be
    ANY_FAULT. `since` belongs to what is wanted, `until` does not any more.
    """

    node: str = ""
    service: str = ""
    device: str = ""
    fault: str = ""
    request: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, exchange: Exchange) -> bool:
        """Tell whether `exchange` is wanted."""
        return (
            self.node in ("", exchange.node)
            and self.service in ("", exchange.service)
            and (not self.device or self.device.upper() == (exchange.device or "").upper())
            and self._matches_fault(exchange.fault)
            and self.request.lower() in exchange.request.lower()
            and (self.since is None or exchange.time >= self.since)
            and (self.until is None or exchange.time < self.until)
        )

    def _matches_fault(self, fault: str) -> bool:
        wanted = self.fault.lower()
        return bool(fault) if wanted == ANY_FAULT else wanted in fault.lower()


_EVERYTHING = JournalQuery()


class Journal:
    """The latest exchanges of a process, oldest first; belongs to the process's loop.

    Not `is_timed`, it keeps 0 for how long each took: then two runs can be the same.
    """

    def __init__(self, kept: int = _KEPT, *, is_timed: bool = True) -> None:
        self._is_timed = is_timed
        self._exchanges: deque[Numbered] = deque(maxlen=kept)
        self._subscribers: list[Callable[[Exchange], None]] = []
        self._waiting: set[asyncio.Event] = set()
        self._count = 0
        self._closed = False

    @property
    def count(self) -> int:
        """How many exchanges were recorded: the number of the last."""
        return self._count

    @property
    def is_closed(self) -> bool:
        """Whether nobody waits any more."""
        return self._closed

    def record(self, exchange: Exchange) -> None:
        """Keep `exchange` and tell every subscriber."""
        if not self._is_timed:
            exchange = replace(exchange, milliseconds=0.0)
        self._count += 1
        self._exchanges.append((self._count, exchange))
        for subscriber in tuple(self._subscribers):
            subscriber(exchange)

    def since(self, number: int = 0) -> list[Numbered]:
        """Return the kept exchanges after `number`, each with its running number (from 1)."""
        lost = self._count - len(self._exchanges)
        return list(islice(self._exchanges, max(0, number - lost), None))

    def find(self, query: JournalQuery = _EVERYTHING, after: int = 0) -> list[Numbered]:
        """Return the kept exchanges after number `after` that `query` wants, oldest first."""
        return [numbered for numbered in self.since(after) if query.matches(numbered[1])]

    def dropped_before(self, after: int = 0) -> int:
        """Return the number before which exchanges later than `after` are lost; 0 if none is."""
        lost = self._count - len(self._exchanges)
        return lost + 1 if after < lost else 0

    async def wait_for(
        self, query: JournalQuery, after: int = 0, timeout_s: float | None = None
    ) -> list[Numbered]:
        """Return what `query` wants after number `after` as soon as there is any.

        Returns [] after `timeout_s` seconds, None being for ever, and when the journal is closed.
        """
        arrived = asyncio.Event()

        def take(exchange: Exchange) -> None:
            if self._count > after and query.matches(exchange):
                arrived.set()

        found = self.find(query, after)
        if found or self._closed or timeout_s == 0:
            return found
        end = self.subscribe(take)
        self._waiting.add(arrived)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await arrived.wait()
        finally:
            end()
            self._waiting.discard(arrived)
        return self.find(query, after)

    def subscribe(self, subscriber: Callable[[Exchange], None]) -> Callable[[], None]:
        """Call `subscriber` for each later exchange; returns what ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def close(self) -> None:
        """End every wait, and let nobody wait any more; recording goes on."""
        self._closed = True
        for arrived in self._waiting:
            arrived.set()
