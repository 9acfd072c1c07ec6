"""What the nodes of this process are ordered through the store: to restart, or to leave.

Any process can give the order (`services/operations/noderestart.py`), or take a node out of the
cluster; the one that runs the node sees it when its view follows, and does it behind the back of
whoever asked.
"""

from collections.abc import Callable, Mapping

import structlog

from cucmsim.cluster.power import NodePower
from cucmsim.errors import RefusedError
from cucmsim.services.operations.noderestart import is_restart_ordered
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["OrderRunner"]


class OrderRunner:
    """Carries out the orders to the nodes that `powers` names, from `start` to `stop`."""

    def __init__(
        self, view: View, powers: Mapping[str, NodePower], leave: Callable[[str], None]
    ) -> None:
        self._view = view
        self._powers = powers
        self._leave = leave
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Follow from now on."""
        self._unsubscribe = self._view.subscribe(self._on_change)

    def stop(self) -> None:
        """Follow no longer; a restart that has begun is `NodePower`'s."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _on_change(self, old: Replica, new: Replica) -> None:
        for node, power in tuple(self._powers.items()):
            if node not in new.nodes:
                structlog.get_logger(node=node).warning("node is not in the cluster any more: ends")
                self._leave(node)
            elif is_restart_ordered(old, new, node):
                try:
                    power.restart()
                except RefusedError as error:
                    structlog.get_logger(node=node).warning("not restarted", why=str(error))
