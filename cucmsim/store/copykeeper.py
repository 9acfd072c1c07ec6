"""Keeping the local copy of a store up to date, in the background.

Whenever there may be news the copy follows, `CALM_S` after the last time at the earliest: many
changes that come quickly cost one copy, and who serves never waits for it.
"""

import asyncio

import structlog

from cucmsim.errors import StoreError
from cucmsim.store.faults import is_away
from cucmsim.store.store import Store

__all__ = ["CopyKeeper"]

_CALM_S = 1.0


class CopyKeeper:
    """Keeps the copy of a store, if it has one, from `start` to `stop`."""

    def __init__(self, store: Store, *, calm_s: float = _CALM_S) -> None:
        self._store = store
        self._calm_s = calm_s
        self._is_failing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Make the copy, or bring up to date what an earlier run left, and follow the store."""
        if self._store.copy is not None:
            self._task = asyncio.create_task(self._run(self._store.copy.is_behind))

    async def stop(self) -> None:
        """End; what was begun is undone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, is_behind: asyncio.Event) -> None:
        unsubscribe = self._store.subscribe_connection(lambda _: is_behind.set())
        try:
            is_behind.set()
            while await is_behind.wait():
                is_behind.clear()
                if not await self._refresh():
                    is_behind.set()
                await asyncio.sleep(self._calm_s)
        finally:
            unsubscribe()

    async def _refresh(self) -> bool:
        """Copy; False when that is to be tried again though nothing is new."""
        try:
            await self._store.refresh_copy()
        except StoreError as error:
            if is_away(error) or not self._store.is_connected:
                return True  # it is told when it is back
            self._warn(error)
            return False
        self._is_failing = False
        return True

    def _warn(self, error: StoreError) -> None:
        """Say so once; nodes serve on."""
        if not self._is_failing:
            log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
            log.warning("local copy not up to date", why=str(error))
        self._is_failing = True
