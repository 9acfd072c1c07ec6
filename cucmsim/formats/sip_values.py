"""What stands in SIP headers: addresses, parameters, CSeq, Via, numbers, dates.

Every reader goes over the text once, so a long value costs no more than its length, and raises
FormatError only. Quoted strings are read without their quotes; writers quote where they must.
Source: RFC 3261 section 20; the Contact of Cisco phones has parameters such as
`+u.sip!devicename.ccm.cisco.com="SEP..."`, whose names are compared without case.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from cucmsim.errors import FormatError

__all__ = [
    "Address",
    "CSeq",
    "MediaType",
    "Parameters",
    "Uri",
    "Via",
    "format_date",
    "parse_address",
    "parse_cseq",
    "parse_date",
    "parse_media_type",
    "parse_number",
    "parse_uri",
    "parse_via",
    "quoted",
]

Parameters = tuple[tuple[str, str | None], ...]
"""Names and values in order; None for a name alone."""

_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)")
_VIA: Final = re.compile(r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z0-9]+)[ \t]+([^ \t;,]+)[ \t]*")
_URI: Final = re.compile(
    r"(sips?):(?:([^@]*)@)?(\[[0-9A-Fa-f:.]+\]|[^:;?@\[\] ]+)(?::([0-9]{1,5}))?"
)
_PORTS = 0xFFFF
_SEQUENCE_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class Address:
    """An address with the parameters after it; `uri` as written between the angle brackets."""

    uri: str
    parameters: Parameters = ()
    display: str = ""

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value: "" for a name alone, None when it is not there."""
        return _parameter(self.parameters, name)


@dataclass(frozen=True, slots=True)
class Uri:
    """A `sip:` or `sips:` address; `user` None when there is none, `port` None for the usual."""

    scheme: str
    user: str | None
    host: str
    port: int | None
    parameters: Parameters = ()

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value: "" for a name alone, None when it is not there."""
        return _parameter(self.parameters, name)


@dataclass(frozen=True, slots=True)
class CSeq:
    """Number and method of a request."""

    number: int
    method: str

    def __str__(self) -> str:
        """Format as the header's value."""
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class Via:
    """The way a response goes back; `sent_by` is host and port as written."""

    transport: str
    sent_by: str
    parameters: Parameters

    @property
    def branch(self) -> str:
        """The transaction's name, "" when there is none."""
        return _parameter(self.parameters, "branch") or ""


@dataclass(frozen=True, slots=True)
class MediaType:
    """A content type in lower case, with its parameters."""

    name: str
    parameters: Parameters = ()

    def parameter(self, name: str) -> str | None:
        """Return a parameter's value: "" for a name alone, None when it is not there."""
        return _parameter(self.parameters, name)


def quoted(text: str) -> str:
    """Return `text` as a quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse_address(text: str) -> Address:
    """Read `"display" <uri>;parameters` or `uri;parameters`. Raises FormatError."""
    opening = _outside_quotes(text, "<")
    if opening < 0:
        uri, _, rest = text.partition(";")
        return Address(_some(uri.strip(), "address"), _parse_parameters(rest))
    closing = text.find(">", opening)
    if closing < 0:
        raise FormatError("an address without >", opening)
    rest = text[closing + 1 :].strip()
    if rest and not rest.startswith(";"):
        raise FormatError(f"{rest[:20]!r} behind an address, expected parameters", closing + 1)
    display = _unquoted(text[:opening].strip())
    uri = _some(text[opening + 1 : closing].strip(), "address")
    return Address(uri, _parse_parameters(rest[1:]), display)


def parse_uri(text: str) -> Uri:
    """Read a `sip:` or `sips:` address without brackets. Raises FormatError."""
    match = _URI.match(text)
    if match is None:
        raise FormatError(f"{text[:60]!r} is no SIP address", 0)
    rest = text[match.end() :].partition("?")[0]
    if rest and not rest.startswith(";"):
        raise FormatError(f"{rest[:20]!r} in a SIP address, expected parameters", match.end())
    scheme, user, host, port = match.groups()
    number = None if port is None else parse_number(port, limit=_PORTS)
    return Uri(scheme, user, host, number, _parse_parameters(rest[1:]))


def parse_cseq(text: str) -> CSeq:
    """Read the value of CSeq. Raises FormatError."""
    match = _CSEQ.fullmatch(text)
    if match is None:
        raise FormatError(f"CSeq {text[:40]!r}, expected a number and a method", 0)
    return CSeq(parse_number(match[1], limit=_SEQUENCE_LIMIT - 1), match[2])


def parse_via(text: str) -> Via:
    """Read one Via, the first of several in one header. Raises FormatError."""
    match = _VIA.match(text)
    if match is None:
        raise FormatError(f"Via {text[:40]!r}, expected SIP/2.0/TRANSPORT and an address", 0)
    rest = _split(text[match.end() :], ",")[0].strip()
    if rest and not rest.startswith(";"):
        raise FormatError(f"{rest[:20]!r} in Via, expected parameters", match.end())
    return Via(match[1].upper(), match[2], _parse_parameters(rest[1:]))


def parse_media_type(text: str) -> MediaType:
    """Read a content type. Raises FormatError."""
    name, _, rest = text.partition(";")
    if "/" not in name:
        raise FormatError(f"content type {name[:40]!r}, expected type/subtype", 0)
    return MediaType(name.strip().lower(), _parse_parameters(rest))


def parse_number(text: str, *, limit: int = _SEQUENCE_LIMIT - 1) -> int:
    """Read a plain decimal number up to `limit`. Raises FormatError."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(limit))):
        raise FormatError(f"{text[:20]!r}, expected a number", 0)
    if int(text) > limit:
        raise FormatError(f"{text}, expected at most {limit}", 0)
    return int(text)


def format_date(time: datetime) -> str:
    """Format an aware time as `Sat, 09 Mar 2019 18:32:45 GMT`."""
    return format_datetime(time.astimezone(UTC), usegmt=True)


def parse_date(text: str) -> datetime:
    """Read the value of Date. Raises FormatError."""
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise FormatError(f"Date {text[:40]!r}, expected as in RFC 1123", 0) from None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _parameter(parameters: Parameters, name: str) -> str | None:
    key = name.lower()
    return next((value or "" for held, value in parameters if held.lower() == key), None)


def _parse_parameters(text: str) -> Parameters:
    """Read `name=value;name`, without a semicolon before it."""
    if not text.strip():
        return ()
    found: list[tuple[str, str | None]] = []
    for part in _split(text, ";"):
        name, equals, value = part.partition("=")
        found.append(
            (_some(name.strip(), "parameter"), _unquoted(value.strip()) if equals else None)
        )
    return tuple(found)


def _some(text: str, what: str) -> str:
    if not text:
        raise FormatError(f"an empty {what}", 0)
    return text


def _unquoted(text: str) -> str:
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _split(text: str, separator: str) -> list[str]:
    """Cut at each separator outside quotes. Raises FormatError for an open quote."""
    parts = []
    while (place := _outside_quotes(text, separator)) >= 0:
        parts.append(text[:place])
        text = text[place + 1 :]
    return [*parts, text]


def _outside_quotes(text: str, wanted: str) -> int:
    """Return where `wanted` first stands outside quotes, -1 when nowhere. Raises FormatError."""
    if '"' not in text:
        return text.find(wanted)
    in_quotes = escaped = False
    for place, character in enumerate(text):
        if in_quotes:
            in_quotes = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == wanted:
            return place
        else:
            in_quotes = character == '"'
    if in_quotes:
        raise FormatError("a quote that is not closed", len(text))
    return -1
