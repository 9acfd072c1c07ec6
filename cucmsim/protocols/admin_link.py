"""The frames between `cucmsim admin` and a running cluster: kind, length (4 bytes), payload.

    client                                        server
    OPEN   {"node", "command", "terminal", ...}
    DATA   keys                                   DATA  what the terminal shows
    SIZE   {"columns", "rows"}                    EXIT  one byte: the exit status; the last
    END    nothing more is typed                  ERROR why there is no session, UTF-8; the last

The stream is local and private to one user; still, whatever comes is checked.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum

from cucmsim.errors import RemoteProtocolError
from cucmsim.protocols.admin_editor import Terminal

__all__ = [
    "Frame",
    "FrameKind",
    "FrameReader",
    "Opening",
    "encode_frame",
    "read_size",
    "size_frame",
]

_HEADER_SIZE = 5
_LONGEST = 1_000_000
_MOST_CELLS = 10_000


class FrameKind(IntEnum):
    """What a frame holds."""

    OPEN = 1
    DATA = 2
    SIZE = 3
    END = 4
    EXIT = 5
    ERROR = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: FrameKind
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client wants: a node (None: the publisher), one command or a session, a terminal."""

    node: str | None = None
    command: str | None = None
    terminal: str | None = None
    columns: int = 0
    rows: int = 0

    def frame(self) -> bytes:
        """Return the frame that asks for it."""
        return encode_frame(FrameKind.OPEN, json.dumps(asdict(self)).encode())

    @property
    def shown_on(self) -> Terminal:
        """The client's terminal."""
        return Terminal(self.terminal, self.columns, self.rows)

    @classmethod
    def read(cls, payload: bytes) -> "Opening":
        """Read what a client sent. Raises RemoteProtocolError."""
        found = _mapping(payload)
        columns, rows = _cells(found)
        node, command, terminal = (_text(found, name) for name in ("node", "command", "terminal"))
        return cls(node, command, terminal, columns, rows)


def encode_frame(kind: FrameKind, payload: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    return bytes([kind]) + len(payload).to_bytes(4) + payload


def size_frame(columns: int, rows: int) -> bytes:
    """Return the frame that tells a window's size."""
    return encode_frame(FrameKind.SIZE, json.dumps({"columns": columns, "rows": rows}).encode())


def read_size(payload: bytes, before: Terminal) -> Terminal:
    """Return the terminal with its new size. Raises RemoteProtocolError."""
    return Terminal(before.kind, *_cells(_mapping(payload)))


class FrameReader:
    """Cuts a stream into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def read(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes. Raises RemoteProtocolError."""
        self._rest += data
        frames: list[Frame] = []
        while len(self._rest) >= _HEADER_SIZE:
            end = _HEADER_SIZE + int.from_bytes(self._rest[1:_HEADER_SIZE])
            if self._rest[0] not in set(FrameKind) or end > _LONGEST:
                raise RemoteProtocolError(
                    f"found a frame of kind {self._rest[0]} with {end} bytes, expected kinds 1 to"
                    f" {len(FrameKind)} with at most {_LONGEST}"
                )
            if len(self._rest) < end:
                break
            frames.append(Frame(FrameKind(self._rest[0]), bytes(self._rest[_HEADER_SIZE:end])))
            del self._rest[:end]
        return frames


def _mapping(payload: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"found no JSON in a frame: {error}") from error
    if not isinstance(found, dict):
        raise RemoteProtocolError(f"found {type(found).__name__} in a frame, expected an object")
    return found


def _text(found: Mapping[str, object], name: str) -> str | None:
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise RemoteProtocolError(f"{name}: found {value!r}, expected a text")
    return value


def _cells(found: Mapping[str, object]) -> tuple[int, int]:
    """Return columns and rows; 0 is not known."""
    size = [found.get(name, 0) for name in ("columns", "rows")]
    whole = [value for value in size if isinstance(value, int) and 0 <= value <= _MOST_CELLS]
    if len(whole) != len(size):
        raise RemoteProtocolError(f"found a size of {size}, expected numbers to {_MOST_CELLS}")
    return whole[0], whole[1]
