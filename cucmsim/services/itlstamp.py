"""When a node's ITL was made, and what came out: it stays the same file while its contents do.

An ITL is built "when TFTP is first activated, and again whenever its contents change" (cucm.md
3.4), so a restart of TFTP, or of everything, must not give it another timestamp. RSA signatures
with PKCS #1 are deterministic: contents, key and time make the whole file, and the time and a
digest are all there is to remember.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import structlog

from cucmsim.errors import StoreError
from cucmsim.formats.header import decode_header
from cucmsim.store.store import Store

__all__ = ["ItlMemory", "ItlStamp", "build_or_repeat"]

_NAME = "itl"


@dataclass(frozen=True, slots=True)
class ItlStamp:
    """The timestamp of an ITL, and the SHA-256 of the whole file in hexadecimal."""

    made: datetime
    sha256: str

    @classmethod
    def of(cls, itl: bytes) -> Self:
        """Return the stamp of a file. Raises FormatError for what is no ITL."""
        made = decode_header(itl).modified or datetime.fromtimestamp(0, UTC)
        return cls(made, hashlib.sha256(itl).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote; None for anything else."""
        seconds, _, digest = text.partition(" ")
        if not seconds.isdecimal():
            return None
        return cls(datetime.fromtimestamp(int(seconds), UTC), digest)

    def __str__(self) -> str:
        """Return seconds since 1970, a blank and the digest."""
        return f"{int(self.made.timestamp())} {self.sha256}"


def build_or_repeat(
    stamp: ItlStamp | None, build: Callable[[datetime], bytes], now: datetime
) -> bytes:
    """Return the file of `stamp` if `build` still makes the same at its time, else one of `now`."""
    if stamp is not None:
        repeated = build(stamp.made)
        if ItlStamp.of(repeated) == stamp:
            return repeated
    return build(now)


class ItlMemory:
    """The stamp of a node's ITL in the store, held here too while the database is away."""

    def __init__(self, node_name: str, store: Store) -> None:
        self._node_name = node_name
        self._store = store
        self._held: ItlStamp | None = None
        self._is_stored = False

    async def recall(self) -> ItlStamp | None:
        """Return the stamp of the last ITL; None when there was none, or the database is away."""
        if self._held is None:
            try:
                async with self._store.transaction() as transaction:
                    text = (await transaction.platform(self._node_name)).get(_NAME, "")
            except StoreError as error:
                self._warn("the ITL of before is not known", error)
                return None
            self._held = ItlStamp.parse(text)
            self._is_stored = self._held is not None
        return self._held

    async def remember(self, stamp: ItlStamp) -> None:
        """Keep the stamp of the ITL that is served now; again at the next call when it fails."""
        if stamp == self._held and self._is_stored:
            return
        self._held, self._is_stored = stamp, False
        try:
            async with self._store.transaction() as transaction:
                await transaction.put_platform_value(self._node_name, _NAME, str(stamp))
        except StoreError as error:
            self._warn("the ITL is not remembered", error)
        else:
            self._is_stored = True

    def _warn(self, what: str, error: StoreError) -> None:
        structlog.get_logger().warning(what, node=self._node_name, why=str(error))
