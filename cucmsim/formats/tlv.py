"""The element all formats are made of: tag (1 byte), length (2 bytes), value.

Trust lists, signed files, encrypted configuration, TVS and CAPF messages use it (formats.md
section 1, tvs.md, capf.md). The numbers of the tags belong to the formats; an element with an
unknown tag is an element like any other, and is written back as it was read.
"""

from dataclasses import dataclass, field

from cucmsim.formats.reader import Reader

__all__ = ["Element", "encode_element", "encode_elements", "read_element", "read_elements"]

_LENGTH_LIMIT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Element:
    """One element; `offset` is where its tag stood in the data it was read from."""

    tag: int
    value: bytes
    offset: int = field(default=0, compare=False)

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.offset + 3 + len(self.value)

    def reader(self) -> Reader:
        """Return a reader of the value that tells offsets as this element's own is told."""
        return Reader(self.value, base=self.offset + 3)


def read_element(reader: Reader) -> Element:
    """Read one element. Raises FormatError when it does not fit into what is left."""
    offset = reader.offset
    tag = reader.u8()
    return Element(tag, reader.take(reader.u16()), offset)


def read_elements(reader: Reader) -> tuple[Element, ...]:
    """Read elements up to the end of `reader`. Raises FormatError when the last one is cut."""
    elements = []
    while reader.remaining:
        elements.append(read_element(reader))
    return tuple(elements)


def encode_element(tag: int, value: bytes) -> bytes:
    """Return the bytes of one element. Raises ValueError when the value is over 65535 bytes."""
    if len(value) > _LENGTH_LIMIT:
        raise ValueError(f"element {tag} would have {len(value)} bytes, at most {_LENGTH_LIMIT}")
    return bytes((tag,)) + len(value).to_bytes(2) + value


def encode_elements(elements: tuple[Element, ...]) -> bytes:
    """Return the bytes of `elements`, one after another. Raises ValueError as encode_element."""
    return b"".join(encode_element(element.tag, element.value) for element in elements)
