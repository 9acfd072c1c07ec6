"""What a process needs before its nodes start: which they are, the store, what it holds."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.bootstrap import fill_store, is_filled
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.entropy import Entropy
from cucmsim.errors import RefusedError
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store

__all__ = ["first_replica", "nodes_to_run", "open_store", "publishes"]

_WAIT_FOR_PUBLISHER_S = 300.0


def nodes_to_run(settings: Settings, name: str | None) -> tuple[NodeSettings, ...]:
    """Return the nodes of this process. Raises RefusedError for a name that is not described."""
    mine = tuple(node for node in settings.nodes if name in (None, node.name))
    if not mine:
        known = ", ".join(node.name for node in settings.nodes)
        raise RefusedError(f"{settings.path}: no node {name!r}; it describes: {known}")
    return mine


def publishes(mine: Sequence[NodeSettings]) -> bool:
    """Whether the publisher is among the nodes of this process."""
    return any(node.is_publisher for node in mine)


def open_store(
    settings: Settings, mine: Sequence[NodeSettings], clock: Clock, entropy: Entropy
) -> AbstractAsyncContextManager[Store]:
    """Open the store; who runs the publisher makes it, others wait for it."""
    makes_it = publishes(mine)
    return Store.open(
        settings.cluster.database,
        security_password=settings.cluster.security_password,
        clock=clock,
        entropy=entropy,
        nodes=[node.name for node in mine],
        migrate=makes_it,
        wait_s=0 if makes_it else _WAIT_FOR_PUBLISHER_S,
    )


async def first_replica(
    store: Store,
    settings: Settings,
    mine: Sequence[NodeSettings],
    clock: Clock,
    entropy: Entropy,
    *,
    prune_store: bool,
) -> Replica:
    """Fill the store if this process runs the publisher, else wait until it is filled."""
    if publishes(mine):
        return await fill_store(store, settings, clock, entropy, prune_store=prune_store)
    names = ", ".join(node.name for node in mine)
    structlog.get_logger().info("waiting for the publisher", node=names)
    return await store.wait_for_replica(
        lambda replica: all(is_filled(replica, node.name) for node in mine),
        f"certificates of node {names!r}",
        timeout_s=_WAIT_FOR_PUBLISHER_S,
    )
