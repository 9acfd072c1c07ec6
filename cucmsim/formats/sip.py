"""SIP messages as text: start line, headers in their order and spelling, body.

A message keeps what it was read from: `format_message(parse_message(data)) == data`. The names of
headers are compared without case, their compact forms (`l` for Content-Length) known. Numbers,
addresses and parameters inside header values are read by `sip_values`, messages are cut out of a
stream by `sip_framing`.

The library sipmessage is the second reader in the tests and not the first here: it writes headers
of one name together, spells out compact names, percent-encodes the parameters of a Cisco Contact
and refuses `urn:` addresses, so what a phone sent could not be written back.
Source: RFC 3261; messages of a 7821 with 12.1.1. Vectors: tests/vectors/sip.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cucmsim.errors import FormatError

__all__ = [
    "COMPACT_NAMES",
    "Header",
    "Message",
    "Request",
    "Response",
    "format_head",
    "format_message",
    "parse_head",
    "parse_message",
]

VERSION = "SIP/2.0"
HEAD_END = b"\r\n\r\n"

COMPACT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "b": "referred-by",
        "c": "content-type",
        "e": "content-encoding",
        "f": "from",
        "i": "call-id",
        "k": "supported",
        "l": "content-length",
        "m": "contact",
        "o": "event",
        "r": "refer-to",
        "s": "subject",
        "t": "to",
        "u": "allow-events",
        "v": "via",
        "x": "session-expires",
    }
)
"""Compact name of a header -> its name, both in lower case."""

_TOKEN: Final = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 - a token of the grammar, no secret
_FIELD: Final = re.compile(rf"({_TOKEN})[ \t]*:(.*)", re.DOTALL)
_METHOD: Final = re.compile(_TOKEN)
_STATUS: Final = re.compile(r"[1-6][0-9]{2}")
_FOLD: Final = re.compile(r"\r\n[ \t]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_REASON_PARTS = 3


@lru_cache(maxsize=512)  # a message is asked some 300 times; this halves what it costs
def _full_name(name: str) -> str:
    lower = name.lower()
    return COMPACT_NAMES.get(lower, lower)


@dataclass(frozen=True, slots=True)
class Header:
    """A header; `text` is the line it was read from where that is not `name: value`."""

    name: str
    value: str
    text: str = ""

    @property
    def line(self) -> str:
        """The line without its end."""
        return self.text or f"{self.name}: {self.value}"

    @property
    def key(self) -> str:
        """The full name in lower case."""
        return _full_name(self.name)


@dataclass(frozen=True, slots=True)
class _Headed:
    """What requests and responses share."""

    headers: tuple[Header, ...] = ()
    body: bytes = b""

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of all headers called `name`, in order."""
        key = name.lower()
        return tuple(header.value for header in self.headers if header.key == key)

    def value(self, name: str) -> str | None:
        """Return the value of the header `name`; the first one's of several."""
        return next(iter(self.values(name)), None)

    def only(self, name: str) -> str:
        """Return the value of the one header `name`. Raises FormatError unless there is one."""
        values = self.values(name)
        if len(values) != 1:
            raise FormatError(f"{len(values)} headers {name}, expected one", 0)
        return values[0]


@dataclass(frozen=True, slots=True)
class Request(_Headed):
    """A request; `method` and `uri` as they were sent."""

    method: str = ""
    uri: str = ""

    @property
    def start_line(self) -> str:
        """The first line."""
        return f"{self.method} {self.uri} {VERSION}"


@dataclass(frozen=True, slots=True)
class Response(_Headed):
    """A response; `status` is 100 to 699."""

    status: int = 0
    reason: str = ""

    @property
    def start_line(self) -> str:
        """The first line."""
        return f"{VERSION} {self.status} {self.reason}"


Message = Request | Response


def format_head(message: Message) -> bytes:
    """Return start line and headers with the blank line after them."""
    lines = (message.start_line, *(header.line for header in message.headers), "", "")
    return "\r\n".join(lines).encode()


def format_message(message: Message) -> bytes:
    """Return the bytes of a message, its Content-Length as it stands among the headers."""
    return format_head(message) + message.body


def parse_message(data: bytes) -> Message:
    """Read one whole message. Raises FormatError, also when Content-Length tells another size."""
    end = data.find(HEAD_END)
    if end < 0:
        raise FormatError("no blank line after the headers", len(data))
    body = data[end + len(HEAD_END) :]
    message = parse_head(data[:end], body)
    for length in message.values("Content-Length"):
        if length != str(len(body)):
            raise FormatError(f"Content-Length {length[:20]}, found {len(body)} bytes", 0)
    return message


def parse_head(head: bytes, body: bytes = b"") -> Message:
    """Read start line and headers, without the blank line; `body` is put behind them.

    Raises FormatError with the offset in `head` for text that is not UTF-8 or has control
    characters, for a start line of another protocol, and for a line that is no header.
    """
    try:
        start, *lines = _unfolded_lines(head.decode())
    except UnicodeDecodeError as error:
        raise FormatError("text that is not UTF-8", error.start) from None
    offset = len(start.encode()) + 2
    headers = []
    for line in lines:
        headers.append(_parse_header(line, offset))
        offset += len(line.encode()) + 2
    if _CONTROL.search(start):
        raise FormatError("a control character in the first line", 0)
    return _parse_start(start, tuple(headers), body)


def _unfolded_lines(text: str) -> list[str]:
    """Cut into lines, a continuation line staying with the one before it."""
    return re.split(r"\r\n(?![ \t])", text)


def _parse_header(line: str, offset: int) -> Header:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise FormatError(f"{line[:40]!r} is no header, expected name: value", offset)
    name, rest = match.groups()
    value = _FOLD.sub(" ", rest).strip(" \t")
    if _CONTROL.search(value):
        raise FormatError(f"a control character in the header {name[:40]}", offset)
    return Header(name, value, "" if line == f"{name}: {value}" else line)


def _parse_start(line: str, headers: tuple[Header, ...], body: bytes) -> Message:
    parts = line.split(" ", 2)
    if len(parts) == _REASON_PARTS:
        if parts[0] == VERSION and _STATUS.fullmatch(parts[1]):
            return Response(headers, body, int(parts[1]), parts[2])
        if parts[2] == VERSION and parts[1] and _METHOD.fullmatch(parts[0]):
            return Request(headers, body, parts[0], parts[1])
    raise FormatError(f"{line[:60]!r} begins no SIP message", 0)
