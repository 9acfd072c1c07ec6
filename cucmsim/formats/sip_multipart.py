"""Bodies of several parts, as phones send them with REGISTER and REFER.

Source: RFC 2046 5.1; the bulk registration of a 7821. Vector: tests/vectors/sip/register.sip.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cucmsim.errors import FormatError
from cucmsim.formats.sip import Header, Message, Request, parse_head
from cucmsim.formats.sip_values import parse_media_type

__all__ = ["Part", "bodies_of", "format_multipart", "parse_multipart"]

_PARTS = 20
_BOUNDARY = 70
_LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers in order, and what they describe."""

    headers: tuple[Header, ...]
    body: bytes

    @property
    def content_type(self) -> str:
        """The type without its parameters, in lower case; "" where none is told."""
        return _type_of(self.headers)


def format_multipart(parts: Sequence[Part], boundary: str) -> bytes:
    """Return the body made of `parts`; it begins with the first boundary, ends with a line end."""
    line = b"--" + boundary.encode()
    body = b""
    for part in parts:
        head = "".join(f"{header.line}\r\n" for header in part.headers)
        body += line + _LINE_END + head.encode() + _LINE_END + part.body + _LINE_END
    return body + line + b"--" + _LINE_END


def parse_multipart(body: bytes, boundary: str) -> tuple[Part, ...]:
    """Cut a body into its parts. Raises FormatError."""
    if not 0 < len(boundary) <= _BOUNDARY:
        raise FormatError(f"a boundary of {len(boundary)} characters, expected 1 to 70", 0)
    line = b"\r\n--" + boundary.encode()
    _, *pieces = (_LINE_END + body).split(line)
    if not pieces or not pieces[-1].startswith(b"--"):
        raise FormatError(f"no end of the parts, expected --{boundary}--", len(body))
    if len(pieces) - 1 > _PARTS:
        raise FormatError(f"{len(pieces) - 1} parts, expected at most {_PARTS}", 0)
    return tuple(_parse_part(piece) for piece in pieces[:-1])


def _parse_part(piece: bytes) -> Part:
    blank, _, rest = piece.partition(_LINE_END)
    if blank.strip(b" \t"):
        raise FormatError(f"{blank[:20]!r} behind a boundary", 0)
    if rest.startswith(_LINE_END):
        return Part((), rest[2:])
    head, found, body = rest.partition(b"\r\n\r\n")
    if not found:
        raise FormatError("a part without a blank line after its headers", 0)
    return Part(parse_head(b"X x SIP/2.0\r\n" + head).headers, body)


def bodies_of(message: Message) -> tuple[Part, ...]:
    """Return the parts of a message's body, one for a simple body. Raises FormatError."""
    if not message.body:
        return ()
    value = message.value("Content-Type")
    media = None if value is None else parse_media_type(value)
    if media is None or not media.name.startswith("multipart/"):
        return (Part(message.headers, message.body),)
    return parse_multipart(message.body, media.parameter("boundary") or "")


def _type_of(headers: tuple[Header, ...]) -> str:
    value = Request(headers).value("Content-Type")
    return "" if value is None else parse_media_type(value).name
