"""The part of the management API that tells what crossed the wire: the journal, page by page.

A page says after which number to ask next (`last`), so that nothing is told twice and nothing left
out, and it owns up to what is lost (`dropped_before`). With `wait_s` an empty page waits for
something to put in.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cucmsim.cluster.ports import ServiceName
from cucmsim.services.journal import Exchange, Journal, JournalQuery, Numbered

__all__ = ["LONGEST_WAIT_S", "EventPage", "EventQuery", "EventReport", "add_journal"]

LONGEST_WAIT_S = 30.0
_MOST = 1000


class EventQuery(BaseModel):
    """Which exchanges are told; what is not given says nothing. Times have a zone.

    `fault` is `any` or part of a fault's name, `request` part of the request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str = ""
    service: ServiceName | None = None
    device: str = ""
    fault: str = ""
    request: str = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 100
    newest_first: bool = False
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S, allow_inf_nan=False)] = 0

    @property
    def wanted(self) -> JournalQuery:
        """The same for the journal."""
        return JournalQuery(
            node=self.node,
            service=self.service or "",
            device=self.device,
            fault=self.fault,
            request=self.request,
            since=self.since,
            until=self.until,
        )


class EventReport(BaseModel):
    """An exchange of the journal with its running number."""

    model_config = ConfigDict(frozen=True)

    number: int
    time: datetime
    node: str
    service: str
    peer: str
    device: str | None
    request: str
    answer: str
    milliseconds: float
    fault: str

    @classmethod
    def of(cls, number: int, exchange: Exchange) -> "EventReport":
        """Return exchange `number` of the journal."""
        values = {name: getattr(exchange, name) for name in exchange.__slots__}
        return cls(number=number, **values)


class EventPage(BaseModel):
    """Some exchanges. After which number to ask next, and the number before which some are lost.

    `dropped_before` is 0 while none later than the `after` asked for is lost; `stopping` says that
    the process ends and nobody waits any more.
    """

    model_config = ConfigDict(frozen=True)

    events: list[EventReport]
    last: int
    dropped_before: int
    stopping: bool

    @classmethod
    def of(cls, journal: Journal, found: list[Numbered], query: EventQuery) -> "EventPage":
        """Return the page that `query` asks for of what was found."""
        if query.newest_first:
            told, last = found[: -query.limit - 1 : -1], journal.count
        else:
            told = found[: query.limit]
            last = told[-1][0] if len(found) > len(told) else journal.count
        return cls(
            events=[EventReport.of(*numbered) for numbered in told],
            last=last,
            dropped_before=journal.dropped_before(query.after),
            stopping=journal.is_closed,
        )


def add_journal(app: FastAPI, journal: Callable[[], Journal]) -> None:
    """Add the route to `app`."""

    @app.get("/events")
    async def events(query: Annotated[EventQuery, Query()]) -> EventPage:
        kept = journal()
        found = await kept.wait_for(query.wanted, query.after, query.wait_s)
        return EventPage.of(kept, found, query)
