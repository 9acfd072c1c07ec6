"""The packets of TFTP: requests, data, acknowledgements and errors.

    RRQ/WRQ   opcode 2 | file name | 0 | mode | 0 | (option | 0 | value | 0)*
    DATA      opcode 2 | block 2 | payload
    ACK       opcode 2 | block 2
    ERROR     opcode 2 | code 2 | text | 0
    OACK      opcode 2 | (option | 0 | value | 0)*

Source: RFC 1350, RFC 2347 (options). Text is decoded as UTF-8 where it is, and any other byte is
kept as a lone surrogate, so that every packet is written back as it was read. Cross-checked in the
tests against the packets of tftpy.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from cucmsim.errors import FormatError

__all__ = [
    "Ack",
    "Data",
    "ErrorCode",
    "ErrorPacket",
    "Opcode",
    "OptionAck",
    "Options",
    "Packet",
    "ReadRequest",
    "WriteRequest",
    "decode_packet",
    "encode_packet",
]

Options = tuple[tuple[str, str], ...]
"""Option names and values in the order of the packet, as they were written."""

_HEAD = struct.Struct(">HH")
_HEAD_SIZE = 4
_MAX_NUMBER = 0xFFFF


class Opcode(IntEnum):
    """The first two bytes of a packet."""

    RRQ = 1
    WRQ = 2
    DATA = 3
    ACK = 4
    ERROR = 5
    OACK = 6


class ErrorCode(IntEnum):
    """The codes of an ERROR packet (RFC 1350, 8 from RFC 2347)."""

    UNDEFINED = 0
    FILE_NOT_FOUND = 1
    ACCESS_VIOLATION = 2
    DISK_FULL = 3
    ILLEGAL_OPERATION = 4
    UNKNOWN_TRANSFER_ID = 5
    FILE_EXISTS = 6
    NO_SUCH_USER = 7
    OPTIONS_REFUSED = 8


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A client asks for a file; `mode` is `octet` or `netascii` in any case."""

    filename: str
    mode: str = "octet"
    options: Options = ()


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A client wants to send a file."""

    filename: str
    mode: str = "octet"
    options: Options = ()


@dataclass(frozen=True, slots=True)
class Data:
    """One block of a file; `block` is its number modulo 65536."""

    block: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """Everything up to `block` has arrived."""

    block: int


@dataclass(frozen=True, slots=True)
class ErrorPacket:
    """The end of a transfer, and why; `code` may be one that `ErrorCode` does not know."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class OptionAck:
    """The options a server accepts, with the values it will use."""

    options: Options


Packet = ReadRequest | WriteRequest | Data | Ack | ErrorPacket | OptionAck


def decode_packet(data: bytes) -> Packet:
    """Read one datagram. Raises FormatError, and nothing else, when it is no TFTP packet."""
    if len(data) < _HEAD_SIZE:
        raise FormatError(f"a packet of {len(data)} bytes, expected 4 or more", 0)
    opcode, number = _HEAD.unpack_from(data)
    match opcode:
        case Opcode.DATA:
            return Data(number, data[_HEAD_SIZE:])
        case Opcode.ACK:
            if len(data) != _HEAD_SIZE:
                raise FormatError(f"an ACK of {len(data)} bytes, expected 4", _HEAD_SIZE)
            return Ack(number)
        case Opcode.ERROR:
            # The text's final NUL is left out by some clients, and so is the text.
            return ErrorPacket(number, _decode_text(data[_HEAD_SIZE:].partition(b"\0")[0]))
        case Opcode.RRQ:
            return ReadRequest(*_decode_request(data))
        case Opcode.WRQ:
            return WriteRequest(*_decode_request(data))
        case Opcode.OACK:
            return OptionAck(_pairs(_decode_strings(data)))
    raise FormatError(f"opcode {opcode}, expected 1 to 6", 0)


def encode_packet(packet: Packet) -> bytes:
    """Write one datagram. Raises FormatError for a number over 16 bits or a NUL within a text."""
    match packet:
        case Data():
            return _head(Opcode.DATA, packet.block) + packet.payload
        case Ack():
            return _head(Opcode.ACK, packet.block)
        case ErrorPacket():
            return _head(Opcode.ERROR, packet.code) + _encode_text(packet.message)
        case ReadRequest():
            return b"\0\1" + _encode_request(packet)
        case WriteRequest():
            return b"\0\2" + _encode_request(packet)
    return b"\0\6" + _encode_options(packet.options)


def _decode_request(data: bytes) -> tuple[str, str, Options]:
    """Read file name, mode and options of a request."""
    strings = _decode_strings(data)
    if len(strings) < 2:  # noqa: PLR2004 - a file name and a mode
        raise FormatError(f"a request of {len(strings)} strings, expected name and mode", 2)
    return strings[0], strings[1], _pairs(strings[2:])


def _decode_strings(data: bytes) -> list[str]:
    """Read the NUL-terminated strings after the opcode, to the end of the packet."""
    if data[-1] != 0:
        raise FormatError("the last string has no NUL at its end", len(data))
    return [_decode_text(part) for part in data[2:-1].split(b"\0")]


def _pairs(strings: list[str]) -> Options:
    """Put option names and values together."""
    if len(strings) % 2:
        raise FormatError(f"{len(strings)} strings of options, expected names and values", 2)
    return tuple(zip(strings[::2], strings[1::2], strict=True))


def _encode_request(request: ReadRequest | WriteRequest) -> bytes:
    """Write what follows the opcode of a request."""
    start = _encode_text(request.filename) + _encode_text(request.mode)
    return start + _encode_options(request.options)


def _encode_options(options: Options) -> bytes:
    """Write option names and values, each with its NUL."""
    return b"".join(_encode_text(text) for option in options for text in option)


def _head(opcode: Opcode, number: int) -> bytes:
    """Write an opcode and a block number or error code."""
    if not 0 <= number <= _MAX_NUMBER:
        raise FormatError(f"the number {number}, expected 0 to {_MAX_NUMBER}", 2)
    return _HEAD.pack(opcode, number)


def _decode_text(data: bytes) -> str:
    """Read text; bytes that are not UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def _encode_text(text: str) -> bytes:
    """Write text and its NUL. Raises FormatError when it cannot be written."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise FormatError(f"text that is no UTF-8: {text!a}", error.start) from error
    if b"\0" in data:
        raise FormatError(f"a NUL within {text!a}", data.index(b"\0"))
    return data + b"\0"
