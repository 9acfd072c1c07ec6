"""Stores that are filled already, so that a cluster starts from a copy of one in a fraction.

To fill a store takes tables, a dozen certificates and hundreds of rows. A shelf does it once for
each shape of cluster, and lends the result: a loan is with one cluster at a time, so that two
clusters that run never have the same keys. Every cluster has a copy of its own.
"""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from cucmsim.clock import Clock, movable
from cucmsim.cluster.opening import Beginning, open_store
from cucmsim.cluster.runoptions import RunOptions
from cucmsim.cluster.settings import Settings
from cucmsim.entropy import Entropy

__all__ = ["Shelf"]

_SQLITE = "sqlite:///"


class Shelf:
    """The filled stores of a process, in a directory. Belongs to one loop."""

    def __init__(self, directory: Path, clock: Clock, entropy: Entropy) -> None:
        self._directory = directory
        self._clock, self._entropy = clock, entropy
        self._free: dict[str, list[Path]] = defaultdict(list)
        self._numbers = count(1)

    @asynccontextmanager
    async def filled(self, shape: str, settings: Settings) -> AsyncIterator[None]:
        """Put a filled store where `settings` want theirs; it is lent while the block runs.

        Raises StartError and StoreError, where none can be filled.
        """
        if not settings.cluster.database.startswith(_SQLITE):
            yield
            return
        wanted = Path(settings.cluster.database.removeprefix(_SQLITE))
        if self._free[shape]:
            kept = self._free[shape].pop()
            await asyncio.to_thread(shutil.copyfile, kept, wanted)
        else:
            kept = self._directory / f"{next(self._numbers)}.db"
            await self._fill(settings)
            await asyncio.to_thread(shutil.copyfile, wanted, kept)
        try:
            yield
        finally:
            self._free[shape].append(kept)

    async def _fill(self, settings: Settings) -> None:
        clock, entropy = self._clock, self._entropy
        beginning = Beginning(settings, settings.nodes, movable(clock), entropy, RunOptions())
        async with open_store(beginning) as store:
            await beginning.fill(store)
