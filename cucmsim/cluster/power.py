"""Restarting and shutting down a node from its own command line.

All its services stop, that of SSH too, whose session asked for it; so it is done behind the
session's back. After a restart everything is loaded anew and what is activated runs.
"""

import asyncio
from collections.abc import Callable, Collection

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.node import Node, ServiceAction
from cucmsim.errors import RefusedError, StartError, StoreError

__all__ = ["NodePower"]


class NodePower:
    """The power of one node; `started` is when it came up last."""

    def __init__(
        self,
        node: Callable[[], Node],
        deactivated: Callable[[], Collection[str]],
        clock: Clock,
        drain_s: float,
    ) -> None:
        self.started = clock.now()
        self._node = node
        self._deactivated = deactivated
        self._clock = clock
        self._drain_s = drain_s
        self._task: asyncio.Task[None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def restart(self) -> None:
        """Begin to stop every service, and to start those that are activated."""
        self._begin(comes_up=True)

    def shut_down(self) -> None:
        """Begin to stop every service; they can be started one by one from outside."""
        self._begin(comes_up=False)

    def _begin(self, *, comes_up: bool) -> None:
        if self._task is not None and not self._task.done():
            raise RefusedError("The system is already going down.")
        self._task = asyncio.create_task(self._cycle(comes_up=comes_up))

    async def finished(self) -> None:
        """Wait until what was begun is done."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _cycle(self, *, comes_up: bool) -> None:
        node = self._node()
        self._log.info("node restarts" if comes_up else "node shuts down", node=node.name)
        for service in reversed(node.parts):
            await node.act(service, ServiceAction.STOP, self._drain_s)
        if not comes_up:
            return
        self.started = self._clock.now()
        for service in node.parts:
            if service not in self._deactivated():
                try:
                    await node.act(service, ServiceAction.START, self._drain_s)
                except (RefusedError, StartError, StoreError) as error:
                    self._log.error("service not started", node=node.name, why=str(error))
