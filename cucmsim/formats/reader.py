"""The bounded reader: the only way bytes of an unknown sender are looked at.

A `Reader` walks one stretch of a byte string and never steps outside it; whatever is missing ends
in a FormatError that names the offset within the whole data, also when the stretch is a nested
element (architecture.md: "bytes are read through the bounded reader only"). Big-endian throughout.
"""

from cucmsim.errors import FormatError

__all__ = ["Reader"]


class Reader:
    """Reads `data` from `start` up to `end`.

    Offsets count from the start of `data`; where `data` was itself cut out of something larger,
    `base` is the offset of its first byte there, and is added to every offset told.
    """

    __slots__ = ("_base", "_data", "_end", "_position")

    def __init__(
        self, data: bytes, start: int = 0, end: int | None = None, *, base: int = 0
    ) -> None:
        stop = len(data) if end is None else end
        if not 0 <= start <= stop <= len(data):
            raise FormatError(f"{start} to {stop} is not within {len(data)} bytes", base + start)
        self._data = data
        self._position = start
        self._end = stop
        self._base = base

    @property
    def offset(self) -> int:
        """Where the next byte is read, counted as the class says."""
        return self._base + self._position

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self._end - self._position

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises FormatError when fewer are left."""
        if not 0 <= size <= self.remaining:
            raise FormatError(f"expected {size} more bytes, found {self.remaining}", self.offset)
        taken = self._data[self._position : self._position + size]
        self._position += size
        return taken

    def peek(self) -> int:
        """Return the next byte without taking it. Raises FormatError at the end."""
        if not self.remaining:
            raise FormatError("expected 1 more byte, found 0", self.offset)
        return self._data[self._position]

    def u8(self) -> int:
        """Return the next byte as a number. Raises FormatError at the end."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Return the next 2 bytes as a number. Raises FormatError when they are not there."""
        return int.from_bytes(self.take(2))

    def u32(self) -> int:
        """Return the next 4 bytes as a number. Raises FormatError when they are not there."""
        return int.from_bytes(self.take(4))

    def nested(self, size: int) -> "Reader":
        """Return a reader of the next `size` bytes and step over them. Raises FormatError."""
        start = self._position
        self.take(size)
        return Reader(self._data, start, start + size, base=self._base)

    def expect_end(self) -> None:
        """Do nothing at the end. Raises FormatError when bytes are left."""
        if self.remaining:
            raise FormatError(f"{self.remaining} bytes too many", self.offset)
