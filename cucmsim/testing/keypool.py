"""Private keys that are made once and used again, by one test at a time.

    pool = KeyPool()
    lease = pool.lease()      an entropy that is a KeySource: give it to clusters and phones
    lease.release()           its keys are free for the next

A key is with one lease at most, so no two nodes of a test, no rebuilt cluster and no second
cluster ever share one. Whoever needs keys for good never releases.
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial

from cucmsim.entropy import SystemEntropy
from cucmsim.pki.keys import KeySpec, PrivateKey, generate_key
from cucmsim.pki.keysource import SeededSource, derive_key

__all__ = ["KeyLease", "KeyPool", "RememberingSource"]


class KeyPool:
    """The keys made so far in this process that nobody has. May be used by any thread."""

    def __init__(self, generate: Callable[[KeySpec], PrivateKey] = generate_key) -> None:
        self._generate = generate
        self._free: dict[KeySpec, list[PrivateKey]] = defaultdict(list)
        self._lock = threading.Lock()

    def lease(self) -> "KeyLease":
        """Return a source of keys that nobody else has."""
        return KeyLease(self)

    def take(self, spec: KeySpec) -> PrivateKey:
        """Return a key that is free, or make one; blocks meanwhile."""
        with self._lock:
            free = self._free[spec]
            if free:
                return free.pop(0)
        return self._generate(spec)

    def put(self, spec: KeySpec, key: PrivateKey) -> None:
        """Take a key back."""
        with self._lock:
            self._free[spec].append(key)


class KeyLease(SystemEntropy):
    """Random bytes of the system, and keys of a pool until they are released."""

    def __init__(self, pool: KeyPool) -> None:
        self._pool = pool
        self._taken: list[tuple[KeySpec, PrivateKey]] = []

    def key_job(self, spec: KeySpec) -> Callable[[], PrivateKey]:
        """Return what takes the next key of a kind, and makes it if need be."""
        return partial(self._take, spec)

    def release(self) -> None:
        """Give every key back: nobody uses them any more."""
        taken, self._taken = self._taken, []
        for spec, key in taken:
            self._pool.put(spec, key)

    def _take(self, spec: KeySpec) -> PrivateKey:
        key = self._pool.take(spec)
        self._taken.append((spec, key))
        return key


class RememberingSource(SeededSource):
    """A seeded source that derives the key of a seed once a process: it is the same every time."""

    def key_job(self, spec: KeySpec) -> Callable[[], PrivateKey]:
        """Draw the seed of the next key, and return what derives the key from it."""
        return partial(_remembered, spec, self.token(32))


@cache
def _remembered(spec: KeySpec, seed: bytes) -> PrivateKey:
    return derive_key(spec, seed)
