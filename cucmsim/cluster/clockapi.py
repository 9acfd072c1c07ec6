"""The part of the management API that shows and moves the cluster's clock."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from cucmsim.services.operations.clockmove import FURTHEST, advance_clock, advance_of
from cucmsim.services.operations.operator import Operator

__all__ = ["Advance", "ClockReport", "add_clock"]


class Advance(BaseModel):
    """How far to move the clock forward."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: Annotated[int, Field(ge=1, le=int(FURTHEST.total_seconds()))]


class ClockReport(BaseModel):
    """What the cluster's clock shows, and how far that is ahead of the machine's."""

    model_config = ConfigDict(frozen=True)

    now: datetime
    ahead_s: int

    @classmethod
    def of(cls, operator: Operator, ahead: timedelta) -> "ClockReport":
        """Return what is shown of the clock that `operator` reads."""
        return cls(now=operator.clock.now(), ahead_s=int(ahead.total_seconds()))


def add_clock(
    app: FastAPI, operator: Callable[[], Operator], settled: Callable[[], Awaitable[None]]
) -> None:
    """Add the routes to `app`; `settled` waits until the monitors have written what is due."""

    @app.get("/clock")
    async def clock() -> ClockReport:
        held = operator()
        return ClockReport.of(held, advance_of(await held.newest()))

    @app.post("/clock/advance")
    async def advance(wanted: Advance) -> ClockReport:
        held = operator()
        await settled()
        ahead = await advance_clock(held, timedelta(seconds=wanted.seconds))
        await settled()
        return ClockReport.of(held, ahead)
