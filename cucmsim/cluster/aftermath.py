"""Carries out what nodes do by themselves after a change: restarts, then resets of phones.

Each process looks at the changes of the store and sees to its own nodes and to the phones that are
registered with them. What fails is logged: the change itself stands.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from cucmsim.errors import RefusedError, StartError, StoreError
from cucmsim.formats.servicecontrol import Action
from cucmsim.services.operations.aftermath import Aftermath, aftermath
from cucmsim.services.operations.servicecontrol import ServiceAction, ServiceControl, parts_of
from cucmsim.services.operations.versions import active_release
from cucmsim.services.registration import Registrations
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["ActOnService", "AftermathRunner"]

ActOnService = Callable[[str, str, ServiceAction], Awaitable[None]]
"""Acts on a service of a node, given by their names."""


class AftermathRunner:
    """Follows the changes of `view` between `start` and `stop`; does what they entail in order."""

    def __init__(
        self,
        view: View,
        nodes: Mapping[str, ServiceControl],
        registrations: Mapping[str, Registrations],
        act: ActOnService,
    ) -> None:
        self._nodes = nodes
        self._registrations = registrations
        self._act = act
        self._view = view
        self._due: asyncio.Queue[Aftermath] = asyncio.Queue()
        self._acting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    def start(self) -> None:
        """Follow from now on."""
        self._unsubscribe = self._view.subscribe(self._on_change)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Follow no longer; a restart that has begun is finished, or a port would stay bound."""
        if self._task is None or self._unsubscribe is None:
            return
        self._unsubscribe()
        async with self._acting:
            self._task.cancel()
        await asyncio.wait([self._task])
        self._task = self._unsubscribe = None

    async def settled(self) -> None:
        """Wait until all that changes so far entail is done."""
        await self._due.join()

    def _on_change(self, old: Replica, new: Replica) -> None:
        due = aftermath(old, new, active_release(new, new.publisher.name))
        if due != Aftermath():
            self._due.put_nowait(due)

    async def _run(self) -> None:
        while True:
            due = await self._due.get()
            try:
                for node, service in due.restarts:
                    await self._restart(node, service)
                if due.resets_phones:
                    await self._reset_phones()
            finally:
                self._due.task_done()

    async def _restart(self, node: str, service: str) -> None:
        control = self._nodes.get(node)
        if control is None or not parts_of(service, control.parts):
            return
        self._log.info("service restarts after a change", node=node, service=service)
        try:
            async with self._acting:
                await self._act(node, service, ServiceAction.RESTART)
        except (RefusedError, StartError, StoreError) as error:
            self._log.error("service not restarted", node=node, service=service, why=str(error))

    async def _reset_phones(self) -> None:
        for node, registrations in self._registrations.items():
            names = list(registrations.held)
            if names:
                self._log.info("phones are reset after a change", node=node, count=len(names))
                await registrations.order_many(names, Action.RESET)
