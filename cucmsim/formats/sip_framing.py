"""SIP messages out of a byte stream: cut by Content-Length, several in a read or one in many.

Over TCP and TLS a message tells its own size, so whatever is wrong with that size ends the
connection: `next_message` raises FormatError and the stream cannot be read any further. What comes
from a stranger is bounded before it is held: a line, the number of headers, the head, the body.
Source: RFC 3261 18.3 and 7.5 (blank lines before a message are skipped; phones send them to keep a
connection open).
"""

import re
from dataclasses import dataclass, replace

from cucmsim.errors import FormatError
from cucmsim.formats.sip import HEAD_END, Message, parse_head

__all__ = ["MessageStream", "StreamLimits"]

_DIGITS = re.compile(r"[0-9]{1,10}")
_FIRST_BYTE = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]")


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The largest message that is read: bytes of a line, of all lines, of the body; headers."""

    line: int = 4096
    head: int = 16_384
    headers: int = 100
    body: int = 65_536


@dataclass(frozen=True, slots=True)
class _Head:
    """A message whose body lies, or will lie, from `start` to `end` of the buffer."""

    message: Message
    start: int
    end: int


class MessageStream:
    """Collects bytes and gives out whole messages."""

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self._limits = limits or StreamLimits()
        self._buffer = bytearray()
        self._searched = 0
        self._head: _Head | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no part of a message is held; the blank lines between messages are none."""
        return not self._buffer.strip(b"\r\n")

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """Take the next whole message out; None when there is none yet. Raises FormatError."""
        if self._head is None:
            self._head = self._find_head()
        if self._head is None or len(self._buffer) < self._head.end:
            return None
        head, self._head, self._searched = self._head, None, 0
        body = bytes(self._buffer[head.start : head.end])
        del self._buffer[: head.end]
        return replace(head.message, body=body)

    def _find_head(self) -> _Head | None:
        """Look for the end of the headers and read them."""
        self._skip_blank_lines()
        if not self._buffer or self._buffer == b"\r":
            return None
        if not _FIRST_BYTE.match(self._buffer):
            raise FormatError(f"byte 0x{self._buffer[0]:02x} begins no SIP message", 0)
        end = self._buffer.find(HEAD_END, max(self._searched - len(HEAD_END), 0))
        self._check_size(len(self._buffer) if end < 0 else end)
        self._searched = len(self._buffer)
        if end < 0:
            return None
        message = self._read_head(bytes(self._buffer[:end]))
        start = end + len(HEAD_END)
        return _Head(message, start, start + self._body_size(message))

    def _skip_blank_lines(self) -> None:
        count = 0
        while self._buffer[count : count + 2] == b"\r\n":
            count += 2
        if count:
            del self._buffer[:count]
            self._searched = 0

    def _check_size(self, size: int) -> None:
        """Refuse a head that is too large already, and a line that is."""
        limits = self._limits
        if size > limits.head:
            raise FormatError(f"headers of more than {limits.head} bytes", limits.head)
        last = self._buffer.rfind(b"\r\n", 0, size) + 1
        if size - last > limits.line:
            raise FormatError(f"a line of more than {limits.line} bytes", last)

    def _read_head(self, head: bytes) -> Message:
        limits = self._limits
        lines = head.split(b"\r\n")
        if len(lines) - 1 > limits.headers:
            raise FormatError(f"{len(lines) - 1} headers, expected at most {limits.headers}", 0)
        if any(len(line) > limits.line for line in lines):
            raise FormatError(f"a line of more than {limits.line} bytes", 0)
        return parse_head(head)

    def _body_size(self, message: Message) -> int:
        """Read Content-Length, which must stand there once and be a plain number."""
        length = message.only("Content-Length")
        if not _DIGITS.fullmatch(length):
            raise FormatError(f"Content-Length {length[:20]!r}, expected a number", 0)
        if int(length) > self._limits.body:
            raise FormatError(f"a body of {length} bytes, expected at most {self._limits.body}", 0)
        return int(length)
