"""The clusters and phones of a test run: a loop for them, keys and stores that are used again.

A `Labs` lives as long as the run, and has the clusters that several tests share. Each test has a
`Bench`: the clusters and phones that it made, its clock, and the keys that only it uses. What a
test has opened is closed with it, phones first, however the test ended.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import MappingProxyType

from cucmsim.clock import Clock, MovableClock, SystemClock
from cucmsim.cluster.cluster import RunOptions
from cucmsim.entropy import Entropy
from cucmsim.testing.clock import FIRST_MOMENT, ManualClock
from cucmsim.testing.clusterwork import ClusterWork
from cucmsim.testing.keypool import KeyPool, RememberingSource
from cucmsim.testing.labcluster import LabCluster, Surroundings
from cucmsim.testing.logs import quiet_logs
from cucmsim.testing.loopthread import LoopThread
from cucmsim.testing.phonework import PhoneWork
from cucmsim.testing.places import Place
from cucmsim.testing.shape import PhoneShape
from cucmsim.testing.shelf import Shelf
from cucmsim.testing.wishes import Wish

__all__ = ["Bench", "Labs"]


class Labs:
    """What all tests of a run share. Made by `Labs.running`."""

    def __init__(self, thread: LoopThread, directory: Path, *, captures: bool) -> None:
        self.thread = thread
        self._options = RunOptions(capture=captures)
        self.keys = KeyPool()
        self._directory = directory
        self._numbers = count(1)
        self._stack = AsyncExitStack()
        self._shared: dict[tuple[str, str], ClusterWork] = {}
        clocks: dict[str, Clock] = {"real": SystemClock(), "manual": ManualClock()}
        self._shelves: Mapping[str, Shelf] = MappingProxyType(
            {
                kind: Shelf(self._subdirectory(f"{kind}-stores"), clock, self.keys.lease())
                for kind, clock in clocks.items()
            }
        )

    @classmethod
    @contextmanager
    def running(cls, *, captures: bool = False) -> Iterator["Labs"]:
        """Have a loop, and a directory for stores, while the block runs.

        With `captures` every cluster keeps what crosses its wires.
        """
        with ExitStack() as stack:
            made = tempfile.TemporaryDirectory(prefix="cucmsim-", ignore_cleanup_errors=True)
            directory = Path(stack.enter_context(made))
            stack.enter_context(quiet_logs())
            labs = cls(stack.enter_context(LoopThread.running()), directory, captures=captures)
            try:
                yield labs
            finally:
                labs.thread.wait(labs._stack.aclose())

    @contextmanager
    def bench(self) -> Iterator["Bench"]:
        """Give a test what is its own."""
        bench = Bench(self)
        try:
            yield bench
        finally:
            self.thread.wait(bench.close())

    async def shared(self, wish: Wish, span: str) -> ClusterWork:
        """Return the cluster that is as wished and shared by a span of tests; start it if need be.

        Raises StartError, StoreError.
        """
        key = (span, repr(wish))
        if key not in self._shared:
            clock = ManualClock() if wish.clock == "manual" else MovableClock(SystemClock())
            entropy = _entropy(wish, "shared") or self.keys.lease()  # never given back
            self._shared[key] = await self.open(wish, clock, entropy, self._stack)
        opened = self._shared[key]
        return ClusterWork(opened.lab, opened.clock)

    async def open(
        self, wish: Wish, clock: MovableClock, entropy: Entropy, stack: AsyncExitStack
    ) -> ClusterWork:
        """Start a cluster that runs until `stack` is closed. Raises StartError, StoreError."""
        directory = await asyncio.to_thread(self._subdirectory, str(next(self._numbers)))
        stack.push_async_callback(asyncio.to_thread, _remove, directory)
        place = stack.enter_context(Place.take())
        # a store filled at another time would have certificates of another time
        is_moved = isinstance(clock, ManualClock) and clock.now() != FIRST_MOMENT
        shelf = None if wish.seed is not None or is_moved else self._shelves[wish.clock]
        around = Surroundings(place, directory, clock, entropy, self._options, shelf)
        lab = await stack.enter_async_context(LabCluster.running(wish.shape, around))
        return ClusterWork(lab, clock)

    def _subdirectory(self, name: str) -> Path:
        path = self._directory / name
        path.mkdir()
        return path


class Bench:
    """What one test has. Its coroutines run on the loop of the labs."""

    def __init__(self, labs: Labs) -> None:
        self.labs = labs
        self.clusters: list[ClusterWork] = []
        self.phones: list[PhoneWork] = []
        self.clock: ManualClock = ManualClock()
        """The manual clock that all clusters of the test have that want one."""
        self._keys = labs.keys.lease()
        self._chance: Entropy = self._keys
        self._stack = AsyncExitStack()

    async def cluster(self, wish: Wish, prefix: str, span: str = "") -> ClusterWork:
        """Start a cluster of the test, or take one that tests of a span share.

        Raises StartError, StoreError.
        """
        named = replace(wish, shape=replace(wish.shape, prefix=prefix))
        if span:
            work = await self.labs.shared(named, span)
            work.begin_anew()
        else:
            clock = self.clock if wish.clock == "manual" else MovableClock(SystemClock())
            entropy = _entropy(wish, f"cluster {len(self.clusters)}") or self._keys
            work = await self.labs.open(named, clock, entropy, self._stack)
        self._chance = _entropy(wish, "phones") or self._chance
        self.clusters.append(work)
        return work

    async def phone(self, shape: PhoneShape, *homes: ClusterWork) -> PhoneWork:
        """Make a phone that is told the TFTP servers of clusters."""
        phone = PhoneWork(shape, homes, lambda: self.clusters, self._chance)
        self.phones.append(phone)
        return phone

    async def close(self) -> None:
        """Switch the phones off, and stop the clusters that are the test's own."""
        await self.labs.thread.settled()
        try:
            for phone in self.phones:
                await phone.close()
        finally:
            await self._stack.aclose()
            self._keys.release()


def _entropy(wish: Wish, name: str) -> Entropy | None:
    """Return what chance is in a cluster; None for the machine's."""
    return None if wish.seed is None else RememberingSource(f"{wish.seed}/{name}")


def _remove(directory: Path) -> None:
    """Remove the directory of a cluster that has stopped."""
    shutil.rmtree(directory, ignore_errors=True)
