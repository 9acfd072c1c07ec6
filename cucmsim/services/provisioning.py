"""Provisioning: the files that a node's TFTP service (and HTTP beside it) answers with.

`cached` answers at once or not at all, `fetch` builds and signs in a worker thread; requests for
the same file wait for the same build. A phone's file is good for one version stamp of the phone,
so a changed phone loses its own files only; when nodes, groups, pools or parameters change, every
configuration goes. What a real TFTP service reads at its start stays as it was until `load` is
called again: the node's CallManager key, the certificates of the trust lists, the CTL (up to 11.5),
static files, the rollback and signature parameters (seeds 000 and 003). An ITL that
`utils itl reset` sends to the node makes it read everything anew. `run` builds ahead, one batch at
a time and only while nobody waits for a build.
Source: the TFTP service in the reference (files, caching and signing); performance.md.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import CucmsimError, StoreError
from cucmsim.formats.encryptedfile import DRAWN_BYTES
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from cucmsim.services.filebuilds import Built, DrawnEntropy, Ingredients, Wanted
from cucmsim.services.filecache import FileCache
from cucmsim.services.filenames import FileKind
from cucmsim.services.itlstamp import ItlMemory, ItlStamp
from cucmsim.services.phonefiles import PhoneFiles
from cucmsim.services.tftpstart import TftpStart, load_start
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["DEFAULT_CACHE_BYTES", "Provisioning"]

DEFAULT_CACHE_BYTES = 128 << 20
_WORKERS = 2
_BATCH = 16  # phones built ahead in one job, about 8 ms
_LOOKED_AT = 256  # phones looked at before the loop gets its turn, about 0.3 ms
_DEVICE_NAME = len("SEP001122334455")
_CALM_S = 1.0  # between two rounds of building ahead, while phones keep changing

_Future = asyncio.Future[Built | None]


class Provisioning:
    """The files of one node: `start` or `load` first, `close` last; a FileSource of the daemons.

    `build_sign_count` and `encrypt_count` are the performance counters BuildSignCount and
    EncryptCount of the Cisco TFTP object.
    """

    def __init__(
        self,
        node_name: str,
        view: View,
        release: Release,
        *,
        clock: Clock,
        entropy: Entropy,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        memory: ItlMemory | None = None,
    ) -> None:
        self.build_sign_count = 0
        self.encrypt_count = 0
        self._node_name = node_name
        self._view = view
        self._release = release
        self._clock = clock
        self._entropy = entropy
        self._memory = memory
        self._stamp: ItlStamp | None = None
        self._cache = FileCache(cache_bytes)
        self._building: dict[tuple[str, str], _Future] = {}
        self._executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"tftp-{node_name}")
        self._changed = asyncio.Event()
        self._ingredients: Ingredients | None = None
        self._unsubscribe: Callable[[], None] = view.subscribe(self._replaced)

    async def start(self) -> None:
        """Do as `load`, with the ITL of the last start while its contents are the same."""
        if self._memory is not None:
            self._stamp = await self._memory.recall()
        self.load()
        await self._remember()

    def load(self, *, itl: bytes | None = None) -> None:
        """Read what a TFTP service reads at its start, and forget every file built before.

        `itl` is served as ITL until the next `load`, as `utils itl reset` leaves it. Raises
        StoreError when the node has no certificate, or no key that signs files.
        """
        replica = self._view.replica
        try:
            start = load_start(
                replica,
                self._node_name,
                self._release,
                timestamp=self._clock.now(),
                itl=itl,
                stamp=self._stamp,
            )
        except ValueError as error:
            raise StoreError(f"node {self._node_name!r} cannot sign its files: {error}") from error
        self._use(start, replica)

    def cached(self, name: str) -> bytes | None:
        """Return the file `name` if it is at hand; None if it is not, or does not exist."""
        # The usual name of a phone's configuration needs no parsing: 1.3 instead of 4 us a call
        device = self._view.replica.devices.get(name[:_DEVICE_NAME])
        if device is not None:
            data = self._cache.get(name, device.versionstamp)
            if data is not None:
                return data
        wanted = self._resolve(name)
        if isinstance(wanted, Wanted):
            return self._cache.get(wanted.key, wanted.stamp)
        return wanted

    async def fetch(self, name: str) -> bytes | None:
        """Return the file `name`, built if it is not at hand; None if there is no such file."""
        wanted = self._resolve(name)
        if not isinstance(wanted, Wanted):
            return wanted
        data = self._cache.get(wanted.key, wanted.stamp)
        if data is not None:
            return data
        # shielded: others may wait for this build when the one who asked first has gone
        built = await asyncio.shield(self._build(wanted))
        return None if built is None else built.data

    async def prebuild(self) -> int:
        """Build the signed configuration of each phone, as many as fit; return how many."""
        count = 0
        async for batch in self._missing():
            while self._building:
                await asyncio.wait(list(self._building.values()))
            ingredients = self._ingredients
            built = await asyncio.get_running_loop().run_in_executor(
                self._executor, _build_ahead, ingredients, batch, self._clock.now()
            )
            if ingredients is not self._ingredients:
                break  # made of what has changed meanwhile; `run` starts again
            for wanted, file in zip(batch, built, strict=True):
                if file is not None and file.packed is not None:
                    self._cache.put_packed(wanted.key, wanted.stamp, file.packed)
                    count += 1
        self.build_sign_count += count
        return count

    async def run(self) -> None:
        """Build ahead, and again after changes, until cancelled."""
        while True:
            self._changed.clear()
            await self._remember()
            await self.prebuild()
            await self._changed.wait()
            await asyncio.sleep(_CALM_S)

    def signers(self) -> list[Signer]:
        """Return everybody who may have signed a file of this node."""
        if self._ingredients is None:
            return []
        start = self._ingredients.start
        held = (start.replica, self._view.replica)
        keys = ((replica, place) for replica in held for place in replica.own_keys)
        others = (replica.signer(*place) for replica, place in keys if replica.has_signer(*place))
        return [start.signer, *others]

    def close(self) -> None:
        """Follow no more changes, end the threads; what still waits for a build is cancelled."""
        self._unsubscribe()
        self._unsubscribe = _do_nothing
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _resolve(self, name: str) -> Wanted | bytes | None:
        if self._ingredients is None:
            return None
        return self._ingredients.resolve(name, self._view.replica)

    def _replaced(self, old: Replica, new: Replica) -> None:
        """Drop exactly what the change makes stale; phones tell theirs by their version stamp."""
        if self._ingredients is None:
            return
        start = self._ingredients.start
        try:
            reset_itl = start.reset_itl(old, new)
            if reset_itl is not None:
                self.load(itl=reset_itl)
                return
            following = start.following(new, timestamp=self._clock.now())
            if following is not start or _shared(old) != _shared(new):
                self._use(following, new)
        except (StoreError, ValueError) as error:
            structlog.get_logger().warning(
                "files stay as they were", node=self._node_name, reason=str(error)
            )
        self._changed.set()

    async def _remember(self) -> None:
        """Keep the stamp of the ITL for the next start."""
        if self._memory is not None and self._stamp is not None:
            await self._memory.remember(self._stamp)

    def _use(self, start: TftpStart, replica: Replica) -> None:
        if not start.itl_is_given:
            self._stamp = ItlStamp.of(start.itl)
        files = PhoneFiles(replica, self._node_name, self._release)
        device = next(iter(replica.devices.values()), None)
        sample = files.default() if device is None else files.full(device)
        self._ingredients = Ingredients(start, files, sample)
        self._cache.clear()
        self._building.clear()  # who waits gets what was asked for then; nobody else does
        self._changed.set()

    def _build(self, wanted: Wanted) -> _Future:
        """Return the build of a file: the one that runs, or a new one."""
        key = (wanted.key, wanted.stamp)
        running = self._building.get(key)
        if running is None:
            running = self._building[key] = asyncio.get_running_loop().run_in_executor(
                self._executor,
                _build_one,
                self._ingredients,
                wanted,
                self._clock.now(),
                self._drawn(wanted),
            )
            running.add_done_callback(lambda future: self._finished(wanted, future))
        return running

    def _drawn(self, wanted: Wanted) -> DrawnEntropy:
        if wanted.request.kind is not FileKind.ENCRYPTED_CONFIG:
            return DrawnEntropy(b"")
        # a stream for each file: phones ask for theirs in an order that no seed decides
        entropy = stream_of(self._entropy, f"file/{wanted.key}/{wanted.stamp}")
        return DrawnEntropy(entropy.token(DRAWN_BYTES))

    def _finished(self, wanted: Wanted, future: _Future) -> None:
        """Keep a build, unless what it was made of has changed meanwhile."""
        current = self._building.get((wanted.key, wanted.stamp)) is future
        if current:
            del self._building[wanted.key, wanted.stamp]
        built = None if future.cancelled() or future.exception() else future.result()
        if built is None:
            return
        self.build_sign_count += 1
        self.encrypt_count += wanted.request.kind is FileKind.ENCRYPTED_CONFIG
        if current:
            self._cache.put(wanted.key, wanted.stamp, built.data)
            if built.packed is not None:
                self._cache.put_packed(wanted.key, wanted.stamp, built.packed)

    async def _missing(self) -> AsyncIterator[list[Wanted]]:
        """Yield, in batches, the signed configurations not at hand, while there is room."""
        batch: list[Wanted] = []
        for number, device in enumerate(tuple(self._view.replica.devices.values()), 1):
            name = f"{device.name}.cnf.xml.sgn"
            if not self._cache.holds(name, device.versionstamp):
                wanted = self._resolve(name)
                if isinstance(wanted, Wanted):
                    batch.append(wanted)
            if len(batch) == _BATCH:
                if not self._cache.has_room:
                    return
                yield batch
                batch = []
            if number % _LOOKED_AT == 0:
                await asyncio.sleep(0)
        if batch and self._cache.has_room:
            yield batch


def _do_nothing() -> None:
    """Do nothing: there is nothing left to unsubscribe."""


def _shared(replica: Replica) -> tuple[object, ...]:
    """Return what every configuration is made of."""
    return replica.nodes, replica.groups, replica.device_pools, replica.enterprise


def _build_one(
    ingredients: Ingredients | None, wanted: Wanted, timestamp: datetime, entropy: DrawnEntropy
) -> Built | None:
    """Build a file, in a worker thread."""
    return None if ingredients is None else ingredients.build(wanted, timestamp, entropy)


def _build_ahead(
    ingredients: Ingredients | None, batch: list[Wanted], timestamp: datetime
) -> list[Built | None]:
    """Build a batch, in a worker thread; a file that cannot be built says so when asked for."""
    built: list[Built | None] = []
    for wanted in batch:
        try:
            built.append(_build_one(ingredients, wanted, timestamp, DrawnEntropy(b"")))
        except (CucmsimError, ValueError):
            built.append(None)
    return built
