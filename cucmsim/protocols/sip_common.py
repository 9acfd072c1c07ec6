"""What both sides of a SIP conversation share: time, answers, requests waiting for theirs.

Over TCP and TLS nothing is sent twice, so a transaction is a name (the branch) and a deadline of
32 s (64 times T1). Time is an input: an `Instant` has the seconds that deadlines are counted in and
the time of day that messages carry.
Source: RFC 3261 17.1.2 and 8.2.6; the order of headers is that of the real server and phone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError
from cucmsim.formats.sip import Header, Message, Request, Response
from cucmsim.formats.sip_values import (
    format_date,
    parse_address,
    parse_cseq,
    parse_date,
    parse_media_type,
    parse_number,
    parse_via,
)

__all__ = [
    "ANSWER_TIME_S",
    "REASON_PHRASES",
    "Instant",
    "Transactions",
    "address_pair",
    "answer_to",
    "branch",
    "check_request",
    "content",
    "header_date",
    "header_number",
    "hex_token",
]

ANSWER_TIME_S: Final = 32.0
"""How long an answer is waited for: 64 times T1."""

REASON_PHRASES: Final[Mapping[int, str]] = MappingProxyType(
    {
        100: "Trying",
        200: "OK",
        202: "Accepted",
        400: "Bad Request",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        481: "Call/Transaction Does Not Exist",
        486: "Busy Here",
        489: "Bad Event",
        500: "Server Internal Error",
        501: "Not Implemented",
        503: "Service Unavailable",
        600: "Busy Everywhere",
    }
)

_FINAL: Final = 200
"""Responses below only say that something is being done."""

_COPIED: Final = ("via", "from")
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment: `monotonic_s` for deadlines, `time` (aware) for messages."""

    monotonic_s: float
    time: datetime

    @classmethod
    def of(cls, clock: Clock) -> "Instant":
        """Return now."""
        return cls(clock.monotonic(), clock.now())


def hex_token(entropy: Entropy, size: int) -> str:
    """Return `size` random bytes in hex."""
    return entropy.token(size).hex()


def branch(entropy: Entropy) -> str:
    """Return the name of a new transaction."""
    return f"z9hG4bK{hex_token(entropy, 4)}"


def address_pair(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def content(media_type: str, body: bytes) -> tuple[Header, ...]:
    """Return the headers that describe a body; without one only its length 0."""
    length = Header("Content-Length", str(len(body)))
    return (Header("Content-Type", media_type), length) if body else (length,)


def check_request(request: Request) -> None:
    """Make sure of the headers every request needs. Raises FormatError."""
    vias = request.values("Via")
    if not vias:
        raise FormatError("no header Via", 0)
    parse_via(vias[0])
    parse_address(request.only("From"))
    parse_address(request.only("To"))
    if not request.only("Call-ID"):
        raise FormatError("an empty Call-ID", 0)
    method = parse_cseq(request.only("CSeq")).method
    if method != request.method:
        raise FormatError(f"CSeq of {method}, expected {request.method}", 0)
    for value in request.values("Content-Type"):
        parse_media_type(value)


def answer_to(
    request: Request,
    status: int,
    now: Instant,
    *,
    tag: str = "",
    server: str = "",
    extra: tuple[Header, ...] = (),
    body: bytes = b"",
    media_type: str = "",
) -> Response:
    """Return an answer with the headers in the order of the real server.

    `tag` is put behind To where it has none; `extra` stands between CSeq and the content.
    """
    headers = [header for header in request.headers if header.key in _COPIED]
    headers += [Header("To", _tagged(value, tag)) for value in request.values("To")]
    headers.append(Header("Date", format_date(now.time)))
    headers += [header for header in request.headers if header.key == "call-id"]
    if server:
        headers.append(Header("Server", server))
    headers += [header for header in request.headers if header.key == "cseq"]
    headers += [*extra, *content(media_type, body)]
    return Response(tuple(headers), body, status, REASON_PHRASES.get(status, "Refused"))


def header_number(message: Message, name: str) -> int | None:
    """Return the number in a header, before any parameters; None where none can be read."""
    value = message.value(name)
    try:
        return None if value is None else parse_number(value.partition(";")[0].strip())
    except FormatError:
        return None


def header_date(message: Message) -> datetime | None:
    """Return the time in Date, None where none can be read."""
    try:
        return parse_date(message.value("Date") or "")
    except FormatError:
        return None


def _tagged(to: str, tag: str) -> str:
    return f"{to};tag={tag}" if tag and ";tag=" not in to else to


@dataclass(slots=True)
class Transactions(Generic[_Kept]):
    """Requests that wait for their answer: what is kept of each, by branch and method."""

    _waiting: dict[tuple[str, str], tuple[float, _Kept]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def add(self, request: Request, kept: _Kept, now: Instant) -> None:
        """Wait for the answer to `request`."""
        key = parse_via(request.values("Via")[0]).branch, request.method
        self._waiting[key] = now.monotonic_s + ANSWER_TIME_S, kept

    def take(self, response: Response) -> _Kept | None:
        """Return what was kept of the request this answers for good, None if of none.

        Raises FormatError for a response without proper Via and CSeq.
        """
        vias = response.values("Via")
        key = (parse_via(vias[0]).branch if vias else "", parse_cseq(response.only("CSeq")).method)
        if response.status < _FINAL:
            return None
        found = self._waiting.pop(key, None)
        return None if found is None else found[1]

    def next_deadline(self) -> float | None:
        """Return when the first of them is given up, None when none waits."""
        return min((deadline for deadline, _ in self._waiting.values()), default=None)

    def take_late(self, now: Instant) -> tuple[_Kept, ...]:
        """Give up and return those whose deadline has come."""
        late = [key for key, held in self._waiting.items() if held[0] <= now.monotonic_s]
        return tuple(self._waiting.pop(key)[1] for key in late)

    def clear(self) -> tuple[_Kept, ...]:
        """Give up and return all of them."""
        kept = tuple(held for _, held in self._waiting.values())
        self._waiting.clear()
        return kept
