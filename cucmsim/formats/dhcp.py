"""The messages of DHCP for IPv4, which a phone finds its TFTP servers with.

    op 1 | htype 1 | hlen 1 | hops 1 | xid 4 | secs 2 | flags 2
    ciaddr 4 | yiaddr 4 | siaddr 4 | giaddr 4 | chaddr 16 | sname 64 | file 128
    63 82 53 63 | options: (code 1 | length 1 | value)*, 0 pads, 255 ends

A value longer than 255 bytes stands in several options of the same code, which are put together in
the order of the fields: options, `file`, `sname` (RFC 3396). The latter two hold options when
option 52 says so. Options of unknown code are kept. What is written uses no option 52 and is padded
to the 300 bytes of BOOTP, which some relays insist on.

Source: RFC 2131, RFC 2132, RFC 3396, RFC 5859 (option 150), phone.md 1.1. Vectors: what dnsmasq and
a busybox client said to each other, tests/vectors/dhcp.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader

__all__ = [
    "CLIENT_PORT",
    "SERVER_PORT",
    "DhcpMessage",
    "DhcpOption",
    "MessageType",
    "Operation",
    "Options",
    "decode_dhcp",
    "encode_dhcp",
]

Options = tuple[tuple[int, bytes], ...]
"""Codes and values."""
SERVER_PORT = 67
CLIENT_PORT = 68

_COOKIE = bytes.fromhex("63825363")
_COOKIE_OFFSET = 236
_SNAME_OFFSET, _SNAME_SIZE = 44, 64
_FILE_OFFSET, _FILE_SIZE = 108, 128
_HARDWARE_SIZE = 16
_ADDRESS_SIZE = 4
_LONGEST = 255
_PAD, _OVERLOAD, _END = 0, 52, 255
_FILE_HAS_OPTIONS, _SNAME_HAS_OPTIONS = 1, 2
_BOOTP_SIZE = 300
_BROADCAST = 0x8000
_NOWHERE = IPv4Address(0)


class Operation(IntEnum):
    """Who speaks: the first byte."""

    REQUEST = 1
    REPLY = 2


class MessageType(IntEnum):
    """The value of option 53."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class DhcpOption(IntEnum):
    """The options that a phone has to do with."""

    SUBNET_MASK = 1
    ROUTERS = 3
    DNS_SERVERS = 6
    DOMAIN_NAME = 15
    ARP_TIMEOUT = 35
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    MESSAGE_TYPE = 53
    SERVER_IDENTIFIER = 54
    PARAMETER_LIST = 55
    MESSAGE = 56
    VENDOR_CLASS = 60
    CLIENT_IDENTIFIER = 61
    TFTP_SERVER_NAME = 66
    TFTP_SERVERS = 150


@dataclass(frozen=True, slots=True)
class DhcpMessage:
    """One message. `hardware` is the client's hardware address, 16 bytes at most.

    `server_name` and `boot_file` end before their first NUL and are empty where the fields hold
    options. `options` are in the order in which their codes first came, each code once.
    """

    operation: int
    transaction_id: int
    hardware: bytes
    options: Options = ()
    client_address: IPv4Address = _NOWHERE
    your_address: IPv4Address = _NOWHERE
    next_server: IPv4Address = _NOWHERE
    relay: IPv4Address = _NOWHERE
    server_name: bytes = b""
    boot_file: bytes = b""
    hardware_type: int = 1
    hops: int = 0
    seconds: int = 0
    flags: int = 0

    @property
    def is_broadcast(self) -> bool:
        """Whether the client wants the answer broadcast, having no address yet."""
        return bool(self.flags & _BROADCAST)

    @property
    def message_type(self) -> int | None:
        """The value of option 53; None where it is not there or not of one byte."""
        value = self.option(DhcpOption.MESSAGE_TYPE)
        return value[0] if value is not None and len(value) == 1 else None

    def option(self, code: int) -> bytes | None:
        """Return the value of an option, None where it is not there."""
        return dict(self.options).get(code)

    def addresses(self, code: int) -> tuple[IPv4Address, ...]:
        """Return an option's list of addresses, empty where it is not there.

        Raises FormatError when the value is no such list; the offset is that within the value.
        """
        value = self.option(code)
        if value is None:
            return ()
        if not value or len(value) % _ADDRESS_SIZE:
            raise FormatError(f"option {code} of {len(value)} bytes, expected 4 for an address", 0)
        parts = (value[start : start + _ADDRESS_SIZE] for start in range(0, len(value), 4))
        return tuple(map(IPv4Address, parts))

    def text(self, code: int) -> str:
        """Return an option's text without NULs at its end, empty where it is not there.

        Raises FormatError when a character is no printable ASCII; the offset is that in the value.
        """
        value = (self.option(code) or b"").rstrip(b"\0")
        for offset, byte in enumerate(value):
            if not 0x20 <= byte < 0x7F:  # noqa: PLR2004 - the printable characters of ASCII
                raise FormatError(f"option {code} has the byte {byte:#04x} in its text", offset)
        return value.decode("ascii")


def decode_dhcp(data: bytes) -> DhcpMessage:
    """Read one datagram. Raises FormatError, and nothing else, when it is no DHCP message.

    Options that end with the datagram instead of 255 are taken, as all clients take them.
    """
    head = Reader(data)
    operation, hardware_type, hardware_size, hops = (head.u8() for _ in range(4))
    transaction_id, seconds, flags = head.u32(), head.u16(), head.u16()
    client, yours, server, relay = (IPv4Address(head.take(_ADDRESS_SIZE)) for _ in range(4))
    if hardware_size > _HARDWARE_SIZE:
        raise FormatError(f"a hardware address of {hardware_size} bytes, expected 16 at most", 2)
    hardware = head.take(_HARDWARE_SIZE)[:hardware_size]
    server_name, boot_file = head.take(_SNAME_SIZE), head.take(_FILE_SIZE)
    if (cookie := head.take(len(_COOKIE))) != _COOKIE:
        raise FormatError(f"the cookie {cookie.hex()}, expected {_COOKIE.hex()}", _COOKIE_OFFSET)
    options, overload = _gather(data)
    return DhcpMessage(
        operation,
        transaction_id,
        hardware,
        tuple(options.items()),
        client_address=client,
        your_address=yours,
        next_server=server,
        relay=relay,
        server_name=b"" if overload & _SNAME_HAS_OPTIONS else server_name.partition(b"\0")[0],
        boot_file=b"" if overload & _FILE_HAS_OPTIONS else boot_file.partition(b"\0")[0],
        hardware_type=hardware_type,
        hops=hops,
        seconds=seconds,
        flags=flags,
    )


def encode_dhcp(message: DhcpMessage) -> bytes:
    """Write one datagram. Raises FormatError for what its fields cannot hold."""
    data = b"".join(
        (
            _number("operation", message.operation, 1, 0),
            _number("hardware type", message.hardware_type, 1, 1),
            bytes((len(message.hardware) & 0xFF,)),
            _number("hops", message.hops, 1, 3),
            _number("transaction id", message.transaction_id, 4, 4),
            _number("seconds", message.seconds, 2, 8),
            _number("flags", message.flags, 2, 10),
            message.client_address.packed,
            message.your_address.packed,
            message.next_server.packed,
            message.relay.packed,
            _field("hardware address", message.hardware, _HARDWARE_SIZE, 28),
            _field("server name", message.server_name, _SNAME_SIZE, _SNAME_OFFSET),
            _field("boot file", message.boot_file, _FILE_SIZE, _FILE_OFFSET),
            _COOKIE,
            *(part for code, value in message.options for part in _parts(code, value)),
            bytes((_END,)),
        )
    )
    return data.ljust(_BOOTP_SIZE, b"\0")


def _gather(data: bytes) -> tuple[dict[int, bytes], int]:
    """Read all options, and the value of option 52, which is not among them."""
    options: dict[int, bytes] = {}
    _add(options, Reader(data, _COOKIE_OFFSET + len(_COOKIE)))
    overload = int.from_bytes(options.pop(_OVERLOAD, b"\0"))
    if overload > _FILE_HAS_OPTIONS | _SNAME_HAS_OPTIONS:
        raise FormatError(f"option 52 of value {overload}, expected 1 to 3", _COOKIE_OFFSET)
    if overload & _FILE_HAS_OPTIONS:
        _add(options, Reader(data, _FILE_OFFSET, _FILE_OFFSET + _FILE_SIZE))
    if overload & _SNAME_HAS_OPTIONS:
        _add(options, Reader(data, _SNAME_OFFSET, _SNAME_OFFSET + _SNAME_SIZE))
    options.pop(_OVERLOAD, None)  # within `file` or `sname` it means nothing
    return options, overload


def _add(options: dict[int, bytes], field: Reader) -> None:
    """Add the options of one field, a value that goes on to the one begun before."""
    parts: dict[int, list[bytes]] = {}
    for code, value in _options(field):
        parts.setdefault(code, []).append(value)
    for code, values in parts.items():
        options[code] = b"".join((options.get(code, b""), *values))


def _options(field: Reader) -> Iterator[tuple[int, bytes]]:
    """Yield code and value of each option of a field."""
    while field.remaining and (code := field.u8()) != _END:
        if code != _PAD:
            yield code, field.take(field.u8())


def _parts(code: int, value: bytes) -> Iterator[bytes]:
    """Yield an option, in as many parts as its value needs."""
    if not _PAD < code < _END:
        raise FormatError(f"an option of code {code}, expected 1 to 254", _COOKIE_OFFSET)
    for start in range(0, max(len(value), 1), _LONGEST):
        part = value[start : start + _LONGEST]
        yield bytes((code, len(part))) + part


def _number(what: str, value: int, size: int, offset: int) -> bytes:
    """Write a number of `size` bytes."""
    if not 0 <= value < 1 << 8 * size:
        raise FormatError(f"{what} {value}, expected a number of {size} bytes", offset)
    return value.to_bytes(size)


def _field(what: str, value: bytes, size: int, offset: int) -> bytes:
    """Write bytes into a field of fixed size, zeros after them."""
    if len(value) > size:
        raise FormatError(f"{what} of {len(value)} bytes, expected {size} at most", offset)
    return value.ljust(size, b"\0")
