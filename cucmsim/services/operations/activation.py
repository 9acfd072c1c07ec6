"""Activating and deactivating the feature services of a node.

What is deactivated is stopped, stays so over a restart of the node, and leaves the trust lists: an
ITL names the nodes whose TFTP and the publisher whose CAPF is activated. Network services, such as
TVS and Tomcat, are always there. Source: cucm.md 1.7, 7 (row 15: "CAPF activated").
"""

from dataclasses import replace

from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.servicecontrol import parts_of
from cucmsim.store.rows import SERVICE_NAMES, ProcessNode

__all__ = ["FEATURE_SERVICES", "deactivated_parts", "set_activation"]

FEATURE_SERVICES = tuple(SERVICE_NAMES[short] for short in ("callmanager", "capf", "tftp"))
"""Those with a counterpart here, by Cisco's names."""

_PARTS = ("callmanager", "capf", "tftp", "http")


def deactivated_parts(node: ProcessNode) -> frozenset[str]:
    """Return the short names of the services that the node is not to start."""
    return frozenset(_PARTS) - frozenset(node.services)


async def set_activation(
    operator: Operator, node: str, service: str, *, is_activated: bool
) -> None:
    """Note that a feature service of a node is activated, or no longer.

    Raises:
        RefusedError: the service is none of the node's, or cannot be deactivated.
        StoreError: nothing was changed.

    """
    parts = parts_of(service, _PARTS)
    if not parts:
        raise RefusedError(f"{service} is a network service: it is always activated")
    async with operator.store.transaction() as transaction:
        held = (await transaction.replica()).node(node)
        services = set(held.services) - set(parts) | (set(parts) if is_activated else set())
        await transaction.put_node(replace(held, services=tuple(sorted(services))))
    await operator.newest()
