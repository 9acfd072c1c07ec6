"""Working on a cluster's store from a command, while no process of the cluster is at hand.

On PostgreSQL nodes may well run elsewhere: they hear of a change as of any other. A SQLite file
belongs to one process, which the store sees to.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.cluster.directory import make_directory
from cucmsim.cluster.settings import Settings
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import StoreError
from cucmsim.services.operations.clockmove import advance_of
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.versions import active_release
from cucmsim.store.store import Store

__all__ = ["offline_operator"]


@asynccontextmanager
async def offline_operator(settings: Settings, *, makes: bool = False) -> AsyncIterator[Operator]:
    """Give what operations work with while the block runs; `makes` tables that are not there.

    Raises StoreError when the store cannot be opened, or is empty and is not to be made, and
    StartError when its directory cannot be made.
    """
    described, clock = settings.cluster, MovableClock(SystemClock())
    if makes:
        make_directory(described.data_directory, "data directory", 0o700)
    async with Store.open(
        described.database,
        security_password=described.security_password,
        clock=clock,
        entropy=SystemEntropy(),
        migrate=makes,
        wait_s=0,
    ) as store:
        replica = await store.load_replica()
        clock.move(advance_of(replica))
        release = described.release
        if replica.nodes:
            release = active_release(replica, replica.publisher.name)
        elif not makes:
            raise StoreError("the store holds no cluster yet")
        yield Operator(
            store,
            store.load_replica,
            release,
            settings.certificates,
            clock,
            SystemEntropy(),
            described.security_password,
        )
