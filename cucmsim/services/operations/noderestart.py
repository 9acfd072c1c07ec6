"""Ordering a node to restart its services, from wherever the cluster is managed.

The order stands in the store as a parameter of our own, so the process that runs the node hears of
it as of any change, whichever machine it is on. One that is not there does not get it later: it
starts anyway.
"""

from cucmsim.errors import RefusedError
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.drs.restore import RESTORED
from cucmsim.services.operations.operator import Operator
from cucmsim.store.replica import Replica
from cucmsim.store.transaction import Transaction

__all__ = ["is_restart_ordered", "order_restart", "put_restart_order"]

_ORDER = "RestartOrdered"


async def order_restart(operator: Operator, node: str) -> None:
    """Have a node stop its services in order, and start those that are activated.

    Raises:
        RefusedError: there is no such node.
        StoreError: nothing was ordered.

    """
    async with operator.store.transaction() as transaction:
        nodes = (await transaction.replica()).nodes
        if node not in nodes:
            raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(nodes)}")
        await put_restart_order(transaction, node, str(operator.clock.now()))
    await operator.newest()


async def put_restart_order(transaction: Transaction, node: str, stamp: str) -> None:
    """Write the order, told apart from the one before by its stamp. Raises StoreError."""
    await transaction.set_service_parameter(OWN_SERVICE, _ORDER, stamp, node)


def is_restart_ordered(old: Replica, new: Replica, node: str) -> bool:
    """Tell whether a node was ordered to restart between two replicas.

    What a restore only brought back is no order; it gives one that bears its own stamp.
    """
    before, now, restored_before, restored = (
        each.service_parameter(OWN_SERVICE, name, node)
        for name in (_ORDER, RESTORED)
        for each in (old, new)
    )
    return now is not None and now != before and (restored in (restored_before, now))
