"""What a process needs before its nodes start: which they are, the store, what it holds.

When the database is away the store is opened on the process's own copy of it, and its nodes start
from that; what a publisher does to the store at its start waits then (`following.py`).
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

import structlog

from cucmsim.clock import MovableClock
from cucmsim.cluster.bootstrap import fill_store, is_filled
from cucmsim.cluster.directory import replica_path
from cucmsim.cluster.following import Fill, Follower
from cucmsim.cluster.runoptions import RunOptions
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.cluster.timekeeping import Timekeeper
from cucmsim.entropy import Entropy
from cucmsim.errors import RefusedError
from cucmsim.services.view import View
from cucmsim.store.localcopy import LocalCopy
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store

__all__ = ["Beginning", "first_replica", "follower_of", "nodes_to_run", "open_store", "publishes"]

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


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a process starts with."""

    settings: Settings
    mine: Sequence[NodeSettings]
    clock: MovableClock
    entropy: Entropy
    options: RunOptions

    @property
    def names(self) -> str:
        """The nodes of this process, for a person."""
        return ", ".join(node.name for node in self.mine)

    def is_filled(self, replica: Replica) -> bool:
        """Tell whether these nodes can start from a replica."""
        return all(is_filled(replica, node.name) for node in self.mine)

    def filling(self, store: Store) -> Fill | None:
        """Return what brings the store to the description; None where the publisher is not run."""
        return partial(self.fill, store) if publishes(self.mine) else None

    async def fill(self, store: Store) -> Replica:
        """Bring the store to the description. Raises StoreError, StartError."""
        return await fill_store(
            store, self.settings, self.clock, self.entropy, prune_store=self.options.prune
        )


def open_store(beginning: Beginning) -> AbstractAsyncContextManager[Store]:
    """Open the store; who runs the publisher makes it, others wait for it.

    A process keeps a copy of a store that is not its own, and starts from that in need.
    """
    described, makes_it = beginning.settings.cluster, publishes(beginning.mine)
    copy = None
    if not described.database.startswith("sqlite:"):
        path = replica_path(described.data_directory, beginning.options.node)
        copy = LocalCopy(path, beginning.is_filled)
    return Store.open(
        described.database,
        security_password=described.security_password,
        clock=beginning.clock,
        entropy=beginning.entropy,
        nodes=[node.name for node in beginning.mine],
        migrate=makes_it,
        wait_s=0 if makes_it else _WAIT_FOR_PUBLISHER_S,
        copy=copy,
    )


def follower_of(store: Store, view: View, beginning: Beginning, names: Collection[str]) -> Follower:
    """Return what keeps the view at the newest version, and the files of these nodes."""
    directory = beginning.settings.cluster.certs_directory
    return Follower(store, view, directory, names, beginning.filling(store))


async def first_replica(store: Store, beginning: Beginning) -> Replica:
    """Fill the store if this process runs the publisher, else wait until it is filled.

    Without a database it is what the local copy has.
    """
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    await Timekeeper(store, beginning.clock).look()
    copied = store.opened.copied
    if copied is not None:
        log.warning(
            "database away, started from the local copy",
            node=beginning.names,
            version=copied.replica.version,
            since=f"{copied.written:%Y-%m-%d %H:%M:%S} UTC",
            why=store.opened.why,
        )
        return copied.replica
    if publishes(beginning.mine):
        return await beginning.fill(store)
    log.info("waiting for the publisher", node=beginning.names)
    return await store.wait_for_replica(
        beginning.is_filled,
        f"certificates of node {beginning.names!r}",
        timeout_s=_WAIT_FOR_PUBLISHER_S,
    )
