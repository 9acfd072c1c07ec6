"""A cache of finished files in two halves, each with a bound in bytes and the oldest use first out.

Half of the bytes holds files as they are sent. The other half holds them deflated against a sample
file: the configurations of two phones of a cluster differ in a few hundred bytes and the
signature, so 40,000 files of 12 KiB fit into some 30 MB, and one is inflated in about 25
microseconds, a tenth of what signing it again takes. Not for several threads, but for `pack`.
"""

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["FileCache", "Packed", "pack"]

_Value = TypeVar("_Value")
_ENTRY_OVERHEAD = 300  # bytes a dictionary entry, its key, stamp and tuple take besides the data
_ROOM = 32 << 10
_LEVEL = 1  # faster than 6, and against a sample hardly larger


@dataclass(frozen=True, slots=True)
class Packed:
    """A file deflated against `sample`."""

    data: bytes
    sample: bytes


def pack(data: bytes, sample: bytes) -> Packed:
    """Deflate `data` against `sample`; may run in any thread."""
    deflate = zlib.compressobj(_LEVEL, zdict=sample)
    return Packed(deflate.compress(data) + deflate.flush(), sample)


def _unpack(packed: Packed) -> bytes:
    return zlib.decompressobj(zdict=packed.sample).decompress(packed.data)


class _Half(Generic[_Value]):
    """Values with a stamp and a size, the one used longest ago first out."""

    def __init__(self, byte_bound: int) -> None:
        self.byte_bound = byte_bound
        self.size = 0
        self._entries: OrderedDict[str, tuple[str, _Value, int]] = OrderedDict()

    def get(self, key: str, stamp: str) -> _Value | None:
        """Return the value of `key` when it carries `stamp`."""
        entry = self._entries.get(key)
        if entry is None or entry[0] != stamp:
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: str, stamp: str, value: _Value, size: int) -> None:
        """Hold `value`, and let go of others until all fit; one too large is not held."""
        size += _ENTRY_OVERHEAD
        replaced = self._entries.pop(key, None)
        if replaced is not None:
            self.size -= replaced[2]
        if size > self.byte_bound:
            return
        self._entries[key] = (stamp, value, size)
        self.size += size
        while self.size > self.byte_bound:
            self.size -= self._entries.popitem(last=False)[1][2]

    def clear(self) -> None:
        """Let go of everything."""
        self._entries.clear()
        self.size = 0


class FileCache:
    """Finished files by name; `stamp` says which state of its phone a file was made from."""

    def __init__(self, byte_bound: int) -> None:
        self._plain: _Half[bytes] = _Half(byte_bound // 2)
        self._packed: _Half[Packed] = _Half(byte_bound // 2)

    @property
    def size(self) -> int:
        """Bytes held, book-keeping included."""
        return self._plain.size + self._packed.size

    @property
    def has_room(self) -> bool:
        """Tell whether a few more packed files fit without others having to go."""
        return self._packed.size + _ROOM <= self._packed.byte_bound

    def holds(self, key: str, stamp: str) -> bool:
        """Tell whether `get` would return something."""
        return self._plain.get(key, stamp) is not None or self._packed.get(key, stamp) is not None

    def get(self, key: str, stamp: str) -> bytes | None:
        """Return the file `key` when it was made from the state `stamp`."""
        data = self._plain.get(key, stamp)
        if data is not None:
            return data
        packed = self._packed.get(key, stamp)
        if packed is None:
            return None
        data = _unpack(packed)
        self._plain.put(key, stamp, data, len(data))
        return data

    def put(self, key: str, stamp: str, data: bytes) -> None:
        """Hold a file as it is sent."""
        self._plain.put(key, stamp, data, len(data))

    def put_packed(self, key: str, stamp: str, packed: Packed) -> None:
        """Hold a file that may not be asked for soon."""
        self._packed.put(key, stamp, packed, len(packed.data))

    def clear(self) -> None:
        """Let go of everything."""
        self._plain.clear()
        self._packed.clear()
