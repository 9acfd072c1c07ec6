"""Cluster Security Mode: mixed and back, by `utils ctl set-cluster` without eTokens.

Mixed mode sets the enterprise parameter ClusterSecurityMode to 1 and writes the CTL. Going back
sets it to 0; the CTL stays on every node, its CCM+TFTP records shortened to four fields, until
somebody deletes it. Parameter and file change in one transaction.
Source: cucm.md 1.2, 1.3 and 7 (row 16); seed 001.
"""

from dataclasses import replace

import structlog

from cucmsim.errors import RefusedError
from cucmsim.services.operations.ctl import put_ctl, told_to_restart
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.publisher import UTILS_FROM, refuse_before, refuse_on_subscriber
from cucmsim.services.trustlists import build_ctl, is_mixed_mode
from cucmsim.store.replica import Replica

__all__ = ["SECURITY_MODE", "set_mixed_mode", "set_non_secure_mode", "with_security_mode"]

SECURITY_MODE = "ClusterSecurityMode"


async def set_mixed_mode(operator: Operator, node: str) -> Outcome:
    """Set the cluster to mixed mode (`utils ctl set-cluster mixed-mode`).

    Raises:
        RefusedError: on a subscriber, before release 10.0, or the cluster is in mixed mode.
        StoreError: nothing was changed.

    """
    await _set(operator, node, mixed=True)
    moving = ("Moving Cluster to Mixed Mode", "Cluster set to Mixed Mode")
    return told_to_restart(operator.release, *moving)


async def set_non_secure_mode(operator: Operator, node: str) -> Outcome:
    """Set the cluster to non-secure mode (`utils ctl set-cluster non-secure-mode`).

    Raises:
        RefusedError: on a subscriber, before release 10.0, or the cluster is not in mixed mode.
        StoreError: nothing was changed.

    """
    await _set(operator, node, mixed=False)
    moving = ("Moving Cluster to Non Secure Mode", "Cluster set to Non Secure Mode")
    return told_to_restart(operator.release, *moving)


def with_security_mode(replica: Replica, *, mixed: bool) -> Replica:
    """Return the replica as it will be with the mode set."""
    return replace(replica, enterprise={**replica.enterprise, SECURITY_MODE: "01"[mixed]})


async def _set(operator: Operator, node: str, *, mixed: bool) -> None:
    refuse_before(UTILS_FROM, operator.release, "utils ctl")
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        refuse_on_subscriber(replica, node)
        if is_mixed_mode(replica) == mixed:
            mode = "Mixed" if mixed else "Non Secure"
            raise RefusedError(f"The cluster is already in {mode} mode.")
        future = with_security_mode(replica, mixed=mixed)
        data = build_ctl(future, operator.release, timestamp=operator.clock.now())
        await transaction.set_enterprise_parameter(SECURITY_MODE, "01"[mixed])
        await put_ctl(transaction, replica, data)
    structlog.get_logger().info("security mode set", mode="mixed" if mixed else "non-secure")
    await operator.newest()
