"""The cluster's clock is the database's, as a real one's is the publisher's (NTP).

A process measures how far the clock of its machine is from that, before its nodes make or check
anything and then at intervals, and follows the database where the two differ by more than a second.
Only the machine's own clock is set right: one that a test or a run from a seed was given is not.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from cucmsim.clock import MovableClock
from cucmsim.errors import StoreError
from cucmsim.store.store import Store

__all__ = ["Timekeeper"]

_INTERVAL_S = 30.0
_TOLERATED = timedelta(seconds=1)


def _nothing() -> None:
    """Do nothing."""


class Timekeeper:
    """Keeps `clock` at the time of `store`, between `start` and `stop`."""

    def __init__(self, store: Store, clock: MovableClock) -> None:
        self.machine_ahead = timedelta(0)
        self._store = store
        self._clock = clock
        self._wanted = asyncio.Event()
        self._unsubscribe = _nothing
        self._task: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def now(self) -> datetime:
        """Return the cluster's time of day."""
        return self._clock.now()

    def start(self) -> None:
        """Look from now on, at intervals and when the database is back."""
        self._unsubscribe = self._store.subscribe_connection(lambda _: self._wanted.set())
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no longer."""
        self._unsubscribe()
        self._unsubscribe = _nothing
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def look(self) -> None:
        """Measure, and follow where it is needed; nothing changes while the database is away."""
        with suppress(StoreError):  # who follows the store says that it is away
            await self._look()

    async def _look(self) -> None:
        found = await self._store.measure_clock(self._clock.uncorrected)
        if found is None:
            return
        self.machine_ahead = -found.ahead
        if not self._clock.is_of_machine:
            return
        wrong = abs(found.ahead - self._clock.correction)
        if wrong > _TOLERATED + found.uncertainty:
            self._clock.correct(found.ahead if abs(found.ahead) > _TOLERATED else timedelta(0))
            self._log.warning(
                "the machine's clock is not the cluster's, which is followed",
                machine_ahead_s=round(-found.ahead.total_seconds(), 1),
                now=f"{self._clock.now():%Y-%m-%d %H:%M:%S} UTC",
            )

    async def _run(self) -> None:
        while True:
            self._wanted.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_S):
                    await self._wanted.wait()
