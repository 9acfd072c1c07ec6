"""Telling the cluster about the nodes of this process: which replica, services, phones and ITL.

Every few seconds, and at once when the replica or a service changed; what changes in quick
succession is told once. While the database is away nothing is told, and nobody waits for it.
"""

import asyncio
import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from cucmsim import __version__
from cucmsim.cluster.node import Node
from cucmsim.cluster.power import NodePower
from cucmsim.cluster.surroundings import NodeFiles
from cucmsim.cluster.timekeeping import Timekeeper
from cucmsim.errors import StoreError
from cucmsim.formats.trustlist import ITL_FILENAME
from cucmsim.services.registration import Registrations
from cucmsim.services.view import View
from cucmsim.store.presence import Presence
from cucmsim.store.store import Store

__all__ = ["PresenceTeller"]

_INTERVAL_S = 5.0
_CALM_S = 0.2


class PresenceTeller:
    """Tells about `nodes` between `start` and `stop`."""

    def __init__(
        self,
        store: Store,
        view: View,
        nodes: Mapping[str, Node],
        registrations: Mapping[str, Registrations],
        files: Mapping[str, NodeFiles],
        powers: Mapping[str, NodePower],
        timekeeper: Timekeeper,
    ) -> None:
        self._store = store
        self._view = view
        self._nodes = nodes
        self._registrations = registrations
        self._files = files
        self._powers = powers
        self._timekeeper = timekeeper
        self._news = asyncio.Event()
        self._ends: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tell from now on."""
        self._ends = [
            self._view.subscribe(lambda _old, _new: self._news.set()),
            self._store.subscribe_connection(lambda _is_connected: self._news.set()),
            *(node.subscribe(self._news.set) for node in self._nodes.values()),
        ]
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Tell no longer."""
        for end in self._ends:
            end()
        self._ends = []
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def own(self) -> tuple[Presence, ...]:
        """Return what there is to tell now."""
        return tuple(self._presence(node) for node in self._nodes.values())

    async def _run(self) -> None:
        await self._timekeeper.look()
        while True:
            self._news.clear()
            with suppress(StoreError):  # who follows the store says that it is away
                await self._store.put_presence(self.own())
            await asyncio.sleep(_CALM_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_S):
                    await self._news.wait()

    def _presence(self, node: Node) -> Presence:
        itl = self._files[node.name].cached(ITL_FILENAME)
        return Presence(
            node=node.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            program=__version__,
            started=self._powers[node.name].started,
            seen=self._timekeeper.now(),
            version=self._view.replica.version,
            services={held.name: held.state.value for held in node.services()},
            registered=len(self._registrations[node.name].held),
            itl="" if itl is None else hashlib.sha1(itl, usedforsecurity=False).hexdigest(),
            clock_offset_s=self._timekeeper.machine_ahead.total_seconds(),
        )
