"""What phones report: the newest alarms of a node, and the last of each kind of every phone.

Phones tell which trust lists they hold when they boot, and not again when they come back to a
server that was restarted; so the last alarms are kept in the store (phone.md 3.5). They are written
in batches, a second apart at least: thousands of phones that boot make a handful of transactions.
What was reported within that second before a kill -9 is lost.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

import structlog

from cucmsim.clock import Clock
from cucmsim.errors import StoreError
from cucmsim.formats.phonealarms import Alarm
from cucmsim.services.view import View
from cucmsim.store.alarms import StoredAlarm
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store

__all__ = ["KINDS_KEPT", "AlarmBook", "AlarmKeeper"]

KINDS_KEPT: Final = 16
"""Of so many kinds the last alarm of a phone is kept; a phone may call an alarm anything."""

_NEWEST: Final = 10_000
_BATCH: Final = 500
_CALM_S: Final = 1.0


class AlarmBook:
    """The alarms that one node got from phones. `unwritten` is set while some are to be kept."""

    def __init__(self, node: str, view: View, clock: Clock, *, kept: int = _NEWEST) -> None:
        self._node = node
        self._view = view
        self._clock = clock
        self._newest: deque[StoredAlarm] = deque(maxlen=kept)
        self._last: dict[str, dict[str, StoredAlarm]] = {}
        self._waiting: dict[str, None] = {}
        self.unwritten = asyncio.Event()
        view.subscribe(self._forget_deleted)

    def report(self, device_name: str, address: str, alarm: Alarm) -> StoredAlarm:
        """Keep an alarm; the last of each kind is kept of every phone that is configured."""
        stored = StoredAlarm(self._clock.now(), self._node, device_name, address, alarm)
        self._newest.append(stored)
        if device_name in self._view.replica.devices:
            self._keep_last(stored)
            self._await_writing([device_name])
        return stored

    def restore(self, held: Iterable[StoredAlarm]) -> None:
        """Take over what was kept before, oldest first."""
        for stored in held:
            self._newest.append(stored)
            self._keep_last(stored)

    def newest(
        self, device_name: str | None = None, name: str | None = None
    ) -> tuple[StoredAlarm, ...]:
        """Return the newest alarms, oldest first, of one device and one kind where given."""
        return tuple(
            stored
            for stored in self._newest
            if device_name in (None, stored.device_name) and name in (None, stored.alarm.name)
        )

    def last(self, name: str) -> tuple[StoredAlarm, ...]:
        """Return the last alarm of a kind of each configured phone that sent one."""
        return tuple(kinds[name] for kinds in self._last.values() if name in kinds)

    def last_of(self, device_name: str, name: str) -> StoredAlarm | None:
        """Return the last alarm of a kind that a configured phone sent."""
        return self._last.get(device_name, {}).get(name)

    def take_unwritten(self, phones: int) -> tuple[StoredAlarm, ...]:
        """Return the last alarms of so many of the phones that are to be written."""
        names = tuple(islice(self._waiting, phones))
        for name in names:
            del self._waiting[name]
        if not self._waiting:
            self.unwritten.clear()
        return tuple(held for name in names for held in self._last.get(name, {}).values())

    def give_back(self, alarms: Iterable[StoredAlarm]) -> None:
        """Note that these could not be written."""
        self._await_writing(held.device_name for held in alarms)

    def _await_writing(self, names: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(names))
        if self._waiting:
            self.unwritten.set()

    def _keep_last(self, stored: StoredAlarm) -> None:
        kinds = self._last.setdefault(stored.device_name, {})
        kinds.pop(stored.alarm.name, None)
        kinds[stored.alarm.name] = stored
        if len(kinds) > KINDS_KEPT:
            del kinds[next(iter(kinds))]

    def _forget_deleted(self, old: Replica, new: Replica) -> None:
        if new.devices is not old.devices:
            for name in self._last.keys() - new.devices.keys():
                del self._last[name]


class AlarmKeeper:
    """Keeps the last alarms of a node's phones in the store, from `start` to `stop`."""

    def __init__(
        self, node: str, book: AlarmBook, store: Store, *, calm_s: float = _CALM_S
    ) -> None:
        self._node = node
        self._book = book
        self._store = store
        self._calm_s = calm_s
        self._is_away = False
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Give the book what was kept before, and follow it. Raises StoreError."""
        self._book.restore(await self._store.read_alarms(self._node))
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is still to be written, once; a batch that has begun is finished."""
        if self._task is not None:
            async with self._writing:
                self._task.cancel()
            await asyncio.wait([self._task])
            await self._write()

    async def _run(self) -> None:
        while True:
            await self._book.unwritten.wait()
            await asyncio.sleep(self._calm_s)
            await self._write()

    async def _write(self) -> None:
        """Write all that waits, a batch at a time; what fails is for the next time."""
        async with self._writing:
            while alarms := self._book.take_unwritten(_BATCH):
                try:
                    async with self._store.transaction() as transaction:
                        await transaction.put_alarms(self._node, alarms)
                except StoreError as error:
                    self._book.give_back(alarms)
                    self._warn(error)
                    return
                self._is_away = False

    def _warn(self, error: StoreError) -> None:
        """Say so once."""
        if not self._is_away:
            log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
            log.warning("alarms of phones not kept yet", node=self._node, why=str(error))
        self._is_away = True
