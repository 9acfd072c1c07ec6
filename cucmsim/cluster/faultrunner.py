"""Takes nodes and services down while the fault plan says so, and up again when it no longer does.

A service goes as with a machine that is killed: nothing is drained. What an administrator orders
meanwhile is remembered; a service that was stopped by him stays so when the fault is cleared.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.node import Node
from cucmsim.errors import RefusedError, StartError, StoreError
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault, FaultPlan
from cucmsim.services.journal import Exchange, Journal

__all__ = ["FaultRunner"]

_KINDS = (FaultKind.NODE_DOWN, FaultKind.SERVICE_DOWN)
_Place = tuple[str, str]


class FaultRunner:
    """The lasting faults of the nodes of this process, from `start` to `stop`."""

    def __init__(
        self, plan: FaultPlan, nodes: Mapping[str, Node], journal: Journal, clock: Clock
    ) -> None:
        self._plan = plan
        self._nodes = nodes
        self._journal = journal
        self._clock = clock
        self._down: dict[_Place, Fault] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        """Take down what is to be down already, and follow the plan from now on."""
        self._unsubscribe = self._plan.subscribe(self._changed.set)
        await self._follow()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Follow no longer; what is down stays so."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._follow()

    async def _follow(self) -> None:
        """Make every service as the plan wants it."""
        wanted = {
            (node.name, service): fault
            for node in self._nodes.values()
            for service in node.parts
            if (fault := self._plan.lasting(_KINDS, node.name, service)) is not None
        }
        for place, fault in wanted.items():
            if place not in self._down:
                await self._take_down(place, fault)
        for place in tuple(self._down.keys() - wanted.keys()):
            await self._let_up(place)

    async def _take_down(self, place: _Place, fault: Fault) -> None:
        node, service = place
        self._down[place] = fault
        await self._nodes[node].set_down(service)
        self._record(place, "fault added", "down", fault)

    async def _let_up(self, place: _Place) -> None:
        node, service = place
        fault = self._down.pop(place)
        try:
            is_up = await self._nodes[node].let_up(service)
        except (RefusedError, StartError, StoreError) as error:
            structlog.get_logger(node=node).error(
                "service not started", service=service, why=str(error)
            )
            self._record(place, "fault cleared", f"not started: {error}", fault)
        else:
            self._record(place, "fault cleared", "up" if is_up else "stays stopped", fault)

    def _record(self, place: _Place, request: str, answer: str, fault: Fault) -> None:
        """Write into the journal what became of a service; nobody asked for it over the wire."""
        node, service = place
        now = self._clock.now()
        self._journal.record(
            Exchange(now, node, service, "", None, request, answer, 0.0, str(fault))
        )
