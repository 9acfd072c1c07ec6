"""What a TFTP server makes of a request: the name, the mode, and the terms of the transfer.

Source: RFC 1350 (names, modes, errors), 2347 (options), 2348 (blksize), 2349 (timeout, tsize),
7440 (windowsize). An option that is unknown, or whose value makes no sense, is left out of the
answer, which RFC 2347 calls "as if it were never requested"; a value over what we give is answered
with a smaller one where the option's RFC allows that.
"""

from dataclasses import dataclass
from enum import StrEnum

from cucmsim.errors import FormatError, RemoteProtocolError
from cucmsim.formats.tftp import (
    Ack,
    ErrorCode,
    ErrorPacket,
    Options,
    ReadRequest,
    WriteRequest,
    decode_packet,
)

__all__ = [
    "DEFAULT_BLKSIZE",
    "PROXIED",
    "Limits",
    "Mode",
    "Terms",
    "decode_request",
    "is_proxied",
    "legal_name",
    "negotiate",
    "requested_mode",
    "to_netascii",
]

DEFAULT_BLKSIZE = 512
PROXIED = ("proxied", "1")
"""The option by which a TFTP service tells another cluster's that it asks for somebody else.

It is our own. Other servers pass over an option that they do not know (RFC 2347); ours looks no
further than its own files then, so that services that point at each other do not ask in a ring.
"""
_BLKSIZES = range(8, 65465)
_TIMEOUTS_S = range(1, 256)
_MAX_REQUEST = 512
_MAX_DIGITS = 10


class Mode(StrEnum):
    """How the bytes of a file are written on the wire."""

    OCTET = "octet"
    NETASCII = "netascii"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server gives at most, and how long it waits.

    `timeout_s` is the wait for an acknowledgement where the client asked for none;
    after `max_retransmissions` of one window without progress the transfer is given up.
    """

    max_blksize: int = _BLKSIZES[-1]
    max_windowsize: int = 64
    timeout_s: float = 1.0
    max_retransmissions: int = 6


@dataclass(frozen=True, slots=True)
class Terms:
    """How one transfer runs; `accepted` is what the OACK says, empty where none is sent."""

    blksize: int = DEFAULT_BLKSIZE
    windowsize: int = 1
    timeout_s: float = 1.0
    accepted: Options = ()


def decode_request(data: bytes) -> ReadRequest | None:
    """Read what arrived at a server's port; None for an ERROR, which is never answered.

    Raises RemoteProtocolError whose reason is the error code to send: 2 for an upload, 4 for a
    damaged packet, a request over 512 octets (RFC 2347) or no request at all, 5 for a lost ACK.
    """
    try:
        packet = decode_packet(data)
    except FormatError as error:
        raise RemoteProtocolError(str(error), ErrorCode.ILLEGAL_OPERATION) from error
    match packet:
        case ReadRequest() if len(data) <= _MAX_REQUEST:
            return packet
        case ReadRequest():
            reason = f"A request of {len(data)} octets, at most {_MAX_REQUEST} are allowed"
            raise RemoteProtocolError(reason, ErrorCode.ILLEGAL_OPERATION)
        case WriteRequest():
            reason = "Access violation: uploads are not taken"
            raise RemoteProtocolError(reason, ErrorCode.ACCESS_VIOLATION)
        case Ack():
            raise RemoteProtocolError("Unknown transfer ID", ErrorCode.UNKNOWN_TRANSFER_ID)
        case ErrorPacket():
            return None
    raise RemoteProtocolError("Illegal TFTP operation", ErrorCode.ILLEGAL_OPERATION)


def is_proxied(request: ReadRequest) -> bool:
    """Tell whether another cluster asks, for one of its phones: see `PROXIED`."""
    return any(name.lower() == PROXIED[0] for name, _ in request.options)


def requested_mode(text: str) -> Mode:
    """Read the mode, in any case. Raises RemoteProtocolError with code 4 for any other."""
    try:
        return Mode(text.lower())
    except ValueError as error:
        reason = "Unknown mode, expected octet or netascii"
        raise RemoteProtocolError(reason, ErrorCode.ILLEGAL_OPERATION) from error


def legal_name(filename: str) -> str:
    """Return the name to look up: without the leading slashes that 79xx phones send.

    Raises RemoteProtocolError with code 1 for no name at all, with code 2 for a name that climbs
    (`..` between slashes or backslashes) or holds control characters or broken text.
    """
    name = filename.lstrip("/")
    if not name:
        raise RemoteProtocolError("File not found", ErrorCode.FILE_NOT_FOUND)
    if not name.isprintable():
        raise RemoteProtocolError(
            "Access violation: the name is not printable", ErrorCode.ACCESS_VIOLATION
        )
    if ".." in name and ".." in name.replace("\\", "/").split("/"):
        raise RemoteProtocolError(
            "Access violation: the name leaves the directory", ErrorCode.ACCESS_VIOLATION
        )
    return name


def negotiate(request: ReadRequest, mode: Mode, size: int, limits: Limits) -> Terms:
    """Settle the terms of sending `size` bytes in answer to `request`.

    Names count in any case; of an option given twice the first counts. tsize is left out for
    netascii, where the size of the file and of the transfer differ and the RFC does not choose.
    """
    options = {name.lower(): _number(value) for name, value in reversed(request.options)}
    blksize = options.get("blksize")
    if blksize is not None:
        blksize = min(blksize, limits.max_blksize) if blksize in _at_least(_BLKSIZES) else None
    windowsize = options.get("windowsize")
    if windowsize is not None:
        windowsize = min(windowsize, limits.max_windowsize) or None
    timeout_s = options.get("timeout")
    if timeout_s not in _TIMEOUTS_S:
        timeout_s = None
    tsize = size if options.get("tsize") is not None and mode is Mode.OCTET else None
    values = {"blksize": blksize, "windowsize": windowsize, "timeout": timeout_s, "tsize": tsize}
    return Terms(
        blksize=blksize or DEFAULT_BLKSIZE,
        windowsize=windowsize or 1,
        timeout_s=timeout_s or limits.timeout_s,
        accepted=_accepted(request.options, values),
    )


def to_netascii(data: bytes) -> bytes:
    """Write text for the wire: a line feed becomes CR LF, a carriage return CR NUL (RFC 764)."""
    return data.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")


def _accepted(asked: Options, values: dict[str, int | None]) -> Options:
    """Put the answers in the order, and with the spelling, in which they were asked."""
    answers: dict[str, tuple[str, str]] = {}
    for name, _ in asked:
        value = values.get(name.lower())
        if value is not None:
            answers.setdefault(name.lower(), (name, str(value)))
    return tuple(answers.values())


def _at_least(allowed: range) -> range:
    """Return the allowed values and every larger one that we would answer with less."""
    return range(allowed.start, 10**_MAX_DIGITS)


def _number(text: str) -> int | None:
    """Read a decimal number of at most 10 digits; None for anything else."""
    if len(text) > _MAX_DIGITS or not text.isascii() or not text.isdigit():
        return None
    return int(text)
