"""What happens to the cluster, by seed: a plan made beforehand, and who carries it out.

A round has two tracks: faults of nodes, one after the other, so that two nodes of three always
serve, and faults of the database, of the ways to it and of the phones' link, which may meet them.
The last node is never restarted, the publisher only early, so that their memory can be watched.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .database import Database
from .nodes import NodeProcess
from .place import NODES, PUBLISHER
from .relays import TcpWay, UdpWay
from .truth import Availability

__all__ = ["Chaos", "Fault", "plan_round"]

ALONE: Final = "return without database"
_NODE_FAULTS: Final = ("kill", "stop", "freeze", ALONE)
_DATABASE_FAULTS: Final = (
    *("database stopped", "database killed", "database frozen"),
    *("refused to one", "refused to all", "silent to one", "silent to all", "lossy link"),
)
_LASTS_S: Final = (2.0, 10.0)
_BETWEEN_S: Final = (2.0, 6.0)
_FIRST_S: Final = (0.5, 4.0)
_EARLY: Final = 0.4
_LOSS: Final = 0.3
_START_AGAIN_S: Final = 0.5
_LATE_S: Final = 3.0
_RECONNECT_S: Final = 3.0
"""Until every node may be expected to use its database again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens `at` seconds into a round, to `target`, and lasts."""

    at: float
    kind: str
    target: str
    lasts: float

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.kind} {self.target}".strip() + f" for {self.lasts:.0f} s"


def plan_round(chance: random.Random, length_s: float, progress: float) -> list[Fault]:
    """Return the faults of a round that begins at `progress` (0 to 1) of the soak."""
    mortal = [PUBLISHER, NODES[1]] if progress < _EARLY else [NODES[1]]
    nodes = _track(chance, length_s, lambda: _node_fault(chance, mortal))
    database = _track(chance, length_s, lambda: _database_fault(chance))
    return sorted([*nodes, *database], key=lambda fault: fault.at)


def _track(
    chance: random.Random, length_s: float, choose: Callable[[], tuple[str, str]]
) -> list[Fault]:
    faults: list[Fault] = []
    at = chance.uniform(*_FIRST_S)
    while at < length_s - _LASTS_S[0]:
        kind, target = choose()
        lasts = min(chance.uniform(*_LASTS_S), length_s - at)
        faults.append(Fault(at, kind, target, lasts))
        at += lasts + chance.uniform(*_BETWEEN_S)
    return faults


def _node_fault(chance: random.Random, mortal: Sequence[str]) -> tuple[str, str]:
    kind = chance.choice(_NODE_FAULTS)
    return kind, chance.choice(NODES if kind == "freeze" else mortal)


def _database_fault(chance: random.Random) -> tuple[str, str]:
    kind = chance.choice(_DATABASE_FAULTS)
    return kind, chance.choice(NODES) if kind.endswith("to one") else ""


@dataclass
class Chaos:
    """Carries out faults; tells `show` of each."""

    nodes: Mapping[str, NodeProcess]
    database: Database
    ways: Mapping[str, TcpWay]
    links: Sequence[UdpWay]
    availability: Availability
    show: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    _database_track: asyncio.Lock = field(default_factory=asyncio.Lock)
    starts_refused: int = 0
    slowest_start_s: float = 0.0
    slowest_start_alone_s: float = 0.0
    slowest_stop_s: float = 0.0

    async def carry_out(self, plan: Sequence[Fault]) -> None:
        """Carry out a round; when it returns everything is up again."""
        began = time.monotonic()
        is_node: dict[bool, list[Fault]] = {True: [], False: []}
        for fault in plan:
            is_node[fault.kind in _NODE_FAULTS].append(fault)
        async with asyncio.TaskGroup() as group:
            for track in is_node.values():
                group.create_task(self._track(track, began))

    async def _track(self, faults: Sequence[Fault], began: float) -> None:
        for fault in faults:
            is_database = fault.kind not in _NODE_FAULTS
            late_s = time.monotonic() - began - fault.at
            if late_s > _LATE_S:
                continue  # on a busy machine a node takes long to come back
            await asyncio.sleep(max(0.0, -late_s))
            self.show(str(fault))
            self.counts[fault.kind] += 1
            if is_database:
                async with self._database_track:
                    await self._harm_database(fault)
            else:
                await self._harm_node(self.nodes[fault.target], fault)

    async def _harm_node(self, node: NodeProcess, fault: Fault) -> None:
        if fault.kind == "freeze":
            node.freeze()
            await asyncio.sleep(fault.lasts)
            node.thaw()
            return
        if fault.kind in ("kill", ALONE):
            await node.kill()
        else:
            self.slowest_stop_s = max(self.slowest_stop_s, await node.stop())
        if fault.kind == ALONE:
            await self._return_alone(node, fault)
        else:
            await asyncio.sleep(fault.lasts)
            self.slowest_start_s = max(self.slowest_start_s, await self._start(node))

    async def _return_alone(self, node: NodeProcess, fault: Fault) -> None:
        """Start a node that cannot reach the database, and let it find the database later."""
        way = self.ways[node.name]
        async with self._database_track:
            self._mark([node.name], up=False)
            await way.refuse()
            taken = await self._start(node)
            self.slowest_start_alone_s = max(self.slowest_start_alone_s, taken)
            await asyncio.sleep(fault.lasts)
            await way.open()
            await asyncio.sleep(_RECONNECT_S)
            self._mark([node.name], up=True)

    async def _start(self, node: NodeProcess) -> float:
        """Start a node as something that watches over it does: again, when it gives up.

        Return how long it took.
        """
        began = time.monotonic()
        while True:
            try:
                await node.start()
            except ChildProcessError:
                self.starts_refused += 1
                await asyncio.sleep(_START_AGAIN_S)
            else:
                return time.monotonic() - began

    async def _harm_database(self, fault: Fault) -> None:
        if fault.kind == "lossy link":
            await self._lose_packets(fault)
            return
        concerned = [fault.target] if fault.target else list(NODES)
        self._mark(concerned, up=False)
        await self._begin(fault, concerned)
        await asyncio.sleep(fault.lasts)
        await self._end(fault, concerned)
        await asyncio.sleep(_RECONNECT_S)
        self._mark(concerned, up=True)

    async def _begin(self, fault: Fault, concerned: Sequence[str]) -> None:
        match fault.kind:
            case "database stopped":
                await self.database.stop("fast")
            case "database killed":
                await self.database.stop("immediate")
            case "database frozen":
                self.database.freeze()
            case "refused to one" | "refused to all":
                for node in concerned:
                    await self.ways[node].refuse()
            case _:
                for node in concerned:
                    self.ways[node].hold()

    async def _end(self, fault: Fault, concerned: Sequence[str]) -> None:
        match fault.kind:
            case "database stopped" | "database killed":
                await self.database.start()
            case "database frozen":
                self.database.thaw()
            case _:
                for node in concerned:
                    await self.ways[node].open()

    def _mark(self, nodes: Sequence[str], *, up: bool) -> None:
        for node in nodes:
            self.availability.mark(f"{node}/database", time.time(), up=up)

    async def _lose_packets(self, fault: Fault) -> None:
        self.availability.mark("link", time.time(), up=False)
        for link in self.links:
            link.loss = _LOSS
        await asyncio.sleep(fault.lasts)
        for link in self.links:
            link.loss = 0.0
        self.availability.mark("link", time.time(), up=True)
