"""Makes the backups that are scheduled, when the cluster's clock shows their time.

The process that runs the publisher looks when it starts, when a schedule changes, and when the next
one is due, however the clock gets there. What fails stands in the history and the log; the schedule
goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.backup import back_up
from cucmsim.services.operations.drs.progress import Mode, fail_interrupted
from cucmsim.services.operations.drs.schedules import Schedule, schedule_ran, schedules_of
from cucmsim.services.view import View

__all__ = ["DrsScheduler"]

WaitUntil = Callable[[datetime], Awaitable[None]]
"""Waits until the cluster's clock shows a moment."""


class DrsScheduler:
    """Runs the schedules from `start` to `stop`; `drs` is what backups work with."""

    def __init__(self, view: View, drs: Callable[[], Drs], wait_until: WaitUntil) -> None:
        self._view = view
        self._drs = drs
        self._wait_until = wait_until
        self._changed = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def start(self) -> None:
        """Look now, and again whenever it is time."""
        self._unsubscribe = self._view.subscribe(lambda _old, _new: self._changed.set())
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no longer; a backup that runs is given up."""
        if self._task is None or self._unsubscribe is None:
            return
        self._unsubscribe()
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = self._unsubscribe = None

    async def _run(self) -> None:
        try:
            await fail_interrupted(self._drs().operator)
        except StoreError as error:
            self._log.warning("interrupted backups not noted", why=str(error))
        while True:
            self._changed.clear()
            await self._wait(await self._look())

    async def _look(self) -> datetime | None:
        """Make the backups that are due; return when the next one is."""
        now = self._drs().operator.clock.now()
        for schedule in self._schedules():
            if schedule.due_at is not None and schedule.due_at <= now:
                await self._make(schedule)
        return min((one.due_at for one in self._schedules() if one.due_at), default=None)

    def _schedules(self) -> list[Schedule]:
        return list(schedules_of(self._view.replica).values())

    async def _make(self, schedule: Schedule) -> None:
        """Note first that it ran: a backup that fails comes again at its next time."""
        drs = self._drs()
        try:
            await schedule_ran(drs.operator, schedule.name, drs.zone)
            await back_up(drs, schedule.device, schedule.features, Mode.SCHEDULED)
        except (RefusedError, StoreError) as error:
            self._log.error("scheduled backup failed", schedule=schedule.name, why=str(error))

    async def _wait(self, due: datetime | None) -> None:
        """Wait until a schedule changes, or the moment comes."""
        waits: set[asyncio.Task[bool]] = {asyncio.create_task(self._change())}
        if due is not None:
            waits.add(asyncio.create_task(self._until(due)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)

    async def _change(self) -> bool:
        return bool(await self._changed.wait())

    async def _until(self, due: datetime) -> bool:
        await self._wait_until(due)
        return True
