"""How the fields of SCCP messages lie one after another, as tables that a codec walks.

A layout lists the fields of a message in the order of the wire, which is the order of the fields of
the dataclass that holds it; `Gap` stands for bytes that mean nothing to us. Phones of different
ages send the same message with more or fewer fields at its end: what is missing there reads as
zero, what is over is not looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader

__all__ = ["U8", "U16", "U32", "Gap", "Layout", "Number", "Raw", "Text", "pack", "unpack"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned number, little-endian."""

    size: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text of one byte a character, cut at the first NUL.

    Written with a NUL at its end unless `is_full`; a character outside Latin-1 becomes `?`.
    """

    size: int
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are."""

    size: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that are written as zeros and not read."""

    size: int


U8, U16, U32 = Number(1), Number(2), Number(4)
Layout = tuple[Number | Text | Raw | Gap, ...]


def unpack(kind: Callable[..., T], layout: Layout, payload: bytes, least: int) -> T:
    """Read a message that has at least `least` bytes. Raises FormatError when it has fewer."""
    if len(payload) < least:
        raise FormatError(f"a payload of {len(payload)} bytes, expected at least {least}", 12)
    reader = Reader(payload.ljust(sum(part.size for part in layout), b"\0"), base=12)
    return kind(*_values(layout, reader))


def _values(layout: Layout, reader: Reader) -> Iterator[int | str | bytes]:
    for part in layout:
        data = reader.take(part.size)
        if isinstance(part, Number):
            yield int.from_bytes(data, "little")
        elif isinstance(part, Text):
            yield data.split(b"\0", 1)[0].decode("latin-1")
        elif isinstance(part, Raw):
            yield data


def pack(layout: Layout, *values: int | str | bytes) -> bytes:
    """Return the bytes of `values`; too long a text is cut. Raises OverflowError for a number."""
    left = iter(values)
    return b"".join(
        bytes(part.size) if isinstance(part, Gap) else _packed(part, next(left)) for part in layout
    )


def _packed(part: Number | Text | Raw, value: float | str | bytes) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(part.size, "little")
    data = value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")
    room = part.size - (isinstance(part, Text) and not part.is_full)
    return data[:room].ljust(part.size, b"\0")
