"""A cluster of this process in a place of its own: started from a shape, operated, looked into."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from cucmsim.clock import Clock, MovableClock, SystemClock, movable
from cucmsim.cluster.cluster import Cluster, RunOptions
from cucmsim.entropy import Entropy
from cucmsim.services.faults.plan import FaultPlan
from cucmsim.services.journal import Journal
from cucmsim.testing.administrator import Administrator
from cucmsim.testing.places import Place
from cucmsim.testing.reached import ReachedCluster
from cucmsim.testing.shape import ClusterShape, describe
from cucmsim.testing.shelf import Shelf

__all__ = ["LabCluster", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a cluster runs, what time and chance it has (None: the machine's), and how it runs.

    With a `shelf` it starts from a store that is filled already, with keys of the shelf's.
    """

    place: Place
    directory: Path
    clock: Clock | None = None
    entropy: Entropy | None = None
    options: RunOptions | None = None
    shelf: Shelf | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether another run is to be the same: nothing may depend on what the machine picks."""
        return self.options is not None and not self.options.is_timed


class LabCluster(ReachedCluster):
    """A running cluster of this process. Made by `LabCluster.running`."""

    def __init__(
        self,
        shape: ClusterShape,
        cluster: Cluster,
        administrator: Administrator,
        clock: MovableClock,
    ) -> None:
        super().__init__(administrator, cluster.ready().nodes)
        self.shape = shape
        self.cluster = cluster
        self.clock = clock

    @classmethod
    @asynccontextmanager
    async def running(
        cls, shape: ClusterShape, around: Surroundings
    ) -> AsyncIterator["LabCluster"]:
        """Run a cluster while the block runs. Raises SettingsError, StartError, StoreError."""
        await asyncio.to_thread(around.directory.mkdir, parents=True, exist_ok=True)
        place = around.place
        ports = place.transfer_ports if around.is_repeatable else None
        settings = describe(shape, place, around.directory, transfer_ports=ports)
        shelf, options = around.shelf, around.options
        filled = nullcontext() if shelf is None else shelf.filled(repr(shape), settings)
        clock, entropy = movable(around.clock or SystemClock()), around.entropy
        async with (
            filled,
            Cluster.running(settings, options, clock=clock, entropy=entropy) as cluster,
        ):
            administrator = Administrator.of(cluster)
            try:
                yield cls(shape, cluster, administrator, clock)
            finally:
                await administrator.close()

    @property
    def journal(self) -> Journal:
        """What crossed the wire."""
        return self.cluster.journal

    @property
    def faults(self) -> FaultPlan:
        """What is to go wrong."""
        return self.cluster.faults
