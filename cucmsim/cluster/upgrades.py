"""What the nodes of this process do for their upgrades: finish them, and restart after a switch.

Any process can begin an upgrade of a node or switch its version; the node itself sees it in the
store. An installation that a stop of the process interrupts is finished at the next start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from cucmsim.cluster.power import NodePower
from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.upgrade import finish_upgrade
from cucmsim.services.operations.versions import Installation, has_sides, sides_of
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["UpgradeRunner"]

_RETRY_S = 1.0

WaitUntil = Callable[[datetime], Awaitable[None]]
"""Waits until the cluster's clock shows a moment."""


class UpgradeRunner:
    """The upgrades of the nodes that `powers` names, from `start` to `stop`."""

    def __init__(
        self,
        view: View,
        powers: Mapping[str, NodePower],
        operator: Callable[[], Operator],
        wait_until: WaitUntil,
    ) -> None:
        self._view = view
        self._powers = powers
        self._operator = operator
        self._wait_until = wait_until
        self._timers: dict[str, tuple[Installation, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Follow from now on; the nodes run what the view has now."""
        self._unsubscribe = self._view.subscribe(self._on_change)
        for node in self._powers:
            self._time(node, self._view.replica)

    async def stop(self) -> None:
        """Follow no longer; what has not begun is left to the next start."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _on_change(self, old: Replica, new: Replica) -> None:
        for node, power in self._powers.items():
            if not (has_sides(old, node) and has_sides(new, node)):
                continue  # taken out of the cluster by another process
            self._time(node, new)
            if sides_of(old, node).active != sides_of(new, node).active:
                self._begin(self._restart(power))

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _time(self, node: str, replica: Replica) -> None:
        """Have what is being installed on a node now finished in its time, and nothing else."""
        installation = sides_of(replica, node).installation
        if node in self._timers:
            timed, task = self._timers[node]
            if timed == installation:
                return
            del self._timers[node]
            task.cancel()
        if installation is not None:
            task = self._begin(self._finish(node, installation))
            self._timers[node] = (installation, task)

    async def _finish(self, node: str, installation: Installation) -> None:
        await self._wait_until(installation.ends)
        del self._timers[node]  # from here on it is not cancelled: it makes a change itself
        while True:
            try:
                await finish_upgrade(self._operator(), node)
            except RefusedError:
                return  # cancelled, or finished, meanwhile
            except StoreError as error:
                log: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=node)
                log.warning("upgrade not finished", why=str(error))
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _restart(self, power: NodePower) -> None:
        """Restart a node, after the restart or shutdown that is under way."""
        while True:
            await power.finished()
            with suppress(RefusedError):
                power.restart()
                return
