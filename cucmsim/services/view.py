"""A node's view: the replica it answers from.

A replica is immutable and replaced as a whole when the store announces a change, so a node serves
while the database is away, and no request waits for SQL.
"""

from collections.abc import Callable

from cucmsim.store.replica import Replica

__all__ = ["ReplicaListener", "View"]

ReplicaListener = Callable[[Replica, Replica], None]
"""Called with the old and the new replica, on the loop."""


class View:
    """Holds the current replica and tells its listeners when it is replaced."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._listeners: list[ReplicaListener] = []

    @property
    def replica(self) -> Replica:
        """The replica to answer from now."""
        return self._replica

    def replace(self, replica: Replica) -> None:
        """Answer from `replica` from now on, and tell the listeners."""
        old, self._replica = self._replica, replica
        if replica is not old:
            for listener in tuple(self._listeners):
                listener(old, replica)

    def subscribe(self, listener: ReplicaListener) -> Callable[[], None]:
        """Call `listener` at each later replacement; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
