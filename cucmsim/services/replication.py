"""How far each node is behind the database, in the terms that a real cluster has for it.

What a real cluster replicates is here the replica that each process keeps of one database: the
queue is how many versions a node is behind. A node that reaches the database knows it of all, by
what their processes tell; one that does not knows of nobody what changed since, itself included.
States as the Real-Time Monitoring Tool numbers them (Replicate_State of Cisco's articles on
database replication): 2 is whole, 3 that nobody is sure the tables match, 4 that a server gets no
changes any more, 0 that it never did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from cucmsim.services.view import View
from cucmsim.store.presence import Presence
from cucmsim.store.rows import ProcessNode

__all__ = ["NodeReplication", "ReplicationState", "Replications"]

_SILENT_S = 20.0


class ReplicationState(IntEnum):
    """Replicate_State."""

    INITIALIZING = 0
    COMPLETED = 2
    OUT_OF_SYNC = 3
    FAILED = 4

    def __str__(self) -> str:
        """Return the number and its words."""
        return f"({self.value}) {_WORDS[self]}"


_WORDS = {
    ReplicationState.INITIALIZING: "Initializing",
    ReplicationState.COMPLETED: "Setup Completed",
    ReplicationState.OUT_OF_SYNC: "Out of Sync",
    ReplicationState.FAILED: "Setup Failed",
}


@dataclass(frozen=True, slots=True)
class NodeReplication:
    """A node as another one sees it; `queue` None where the versions behind are not known.

    `ways`: whether it is connected to the database, answers on the network, and its process tells.
    """

    state: ReplicationState
    queue: int | None
    ways: tuple[bool, bool, bool]

    @property
    def letters(self) -> str:
        """Return database, RPC and monitor, each Y or N."""
        return "/".join("Y" if one else "N" for one in self.ways)


class Replications:
    """What node `here` knows; `told` is None when it does not reach the database."""

    def __init__(
        self, here: str, view: View, newest: int, told: Mapping[str, Presence] | None
    ) -> None:
        self._here = here
        self._held = view.replica.version
        self._newest = max(newest, self._held)
        self._told = told

    @property
    def is_connected(self) -> bool:
        """Whether the node reaches the database."""
        return self._told is not None

    def of(self, node: ProcessNode, *, answers: bool) -> NodeReplication:
        """Return what is known of a node that answers on the network, or does not."""
        if self._told is None:
            is_lost = node.name == self._here or not answers
            state = ReplicationState.FAILED if is_lost else ReplicationState.OUT_OF_SYNC
            return NodeReplication(state, None, (False, answers, False))
        if node.name == self._here:
            behind = self._newest - self._held
            return NodeReplication(ReplicationState.COMPLETED, behind, (True, answers, True))
        return self._elsewhere(self._told.get(node.name), answers=answers)

    def _elsewhere(self, told: Presence | None, *, answers: bool) -> NodeReplication:
        if told is None:
            return NodeReplication(ReplicationState.INITIALIZING, None, (False, answers, False))
        tells = told.is_alive and told.age_s < _SILENT_S
        state = ReplicationState.COMPLETED if tells else ReplicationState.OUT_OF_SYNC
        if not told.is_alive:
            state = ReplicationState.FAILED
        behind = max(self._newest - told.version, 0)
        return NodeReplication(state, behind, (told.is_alive, answers, tells))

    def summary(self, nodes: Mapping[str, ProcessNode]) -> str:
        """Say in a line whether all nodes have the newest version."""
        if self._told is None:
            return (
                f"the database does not answer; version {self._held} is served,"
                " and what changed since is not known"
            )
        known = {name: self.of(node, answers=True) for name, node in nodes.items()}
        words = [
            f"{nodes[name].host} {one.queue} versions behind"
            for name, one in known.items()
            if one.queue
        ] + [
            f"{nodes[name].host} not replicating"
            for name, one in known.items()
            if one.state is not ReplicationState.COMPLETED
        ]
        return ", ".join(words) or "Replication is up to date"
