"""Ethernet frames around what two programs said to each other, as a network would have shown them.

A socket hands over payloads only, so what was around them is made here: Ethernet, IPv4 or IPv6,
UDP or TCP with checksums; for TCP the handshake, segments, an acknowledgement of every second one,
FIN and RST. Addresses of network cards are made from the IP addresses.

Source: RFC 768, 791, 8200, 9293, 1071. Held against text2pcap and Wireshark's own checks.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag
from ipaddress import IPv4Address, IPv6Address, ip_address

__all__ = ["Endpoint", "TcpDialogue", "udp_frame"]

_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_HOPS = 64
_DONT_FRAGMENT = 0x4000
_SEGMENT = 1460
_WINDOW = 0xFFFF
_MAXIMUM_SEGMENT = struct.pack("!BBH", 2, 4, _SEGMENT)
_STEP = (
    0x01000193  # between the first numbers of two connections, so that a reused port shows as one
)
_MASK = 0xFFFFFFFF
_HALF = 0x80000000


class _Flag(IntFlag):
    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a conversation; the address is text, IPv4 or IPv6, with or without a zone."""

    address: str
    port: int


def udp_frame(source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    """Return a frame with one datagram."""
    size = len(payload) + 8
    head = struct.pack("!HHH", source.port, destination.port, size)
    addresses = _packed(source.address, destination.address)
    checksum = _checksum(_pseudo_header(addresses, _UDP, size) + head + b"\0\0" + payload)
    return _frame(addresses, _UDP, head + struct.pack("!H", checksum or 0xFFFF) + payload)


class TcpDialogue:
    """The frames of one TCP connection; `number` tells it from others between the same ends."""

    def __init__(self, client: Endpoint, server: Endpoint, number: int = 0) -> None:
        self._ends = {True: client, False: server}
        first = number * _STEP & _MASK
        self._next = {True: first, False: first ^ _HALF}

    def open(self) -> list[bytes]:
        """Return the handshake."""
        synchronise = self._frame(_Flag.SYN, by_client=True)
        self._advance(1, by_client=True)
        answer = self._frame(_Flag.SYN | _Flag.ACK, by_client=False)
        self._advance(1, by_client=False)
        return [synchronise, answer, self._frame(_Flag.ACK, by_client=True)]

    def data(self, payload: bytes, *, by_client: bool) -> list[bytes]:
        """Return the segments of what one side sent, and the other's acknowledgements."""
        frames = []
        for start in range(0, len(payload), _SEGMENT):
            part = payload[start : start + _SEGMENT]
            is_last = start + _SEGMENT >= len(payload)
            flags = _Flag.ACK | (_Flag.PSH if is_last else _Flag(0))
            frames.append(self._frame(flags, part, by_client=by_client))
            self._advance(len(part), by_client=by_client)
            if is_last or start // _SEGMENT % 2:
                frames.append(self._frame(_Flag.ACK, by_client=not by_client))
        return frames

    def finish(self, *, by_client: bool) -> list[bytes]:
        """Return the end of what one side has to say, and its acknowledgement."""
        finish = self._frame(_Flag.FIN | _Flag.ACK, by_client=by_client)
        self._advance(1, by_client=by_client)
        return [finish, self._frame(_Flag.ACK, by_client=not by_client)]

    def reset(self, *, by_client: bool) -> list[bytes]:
        """Return the end of everything."""
        return [self._frame(_Flag.RST | _Flag.ACK, by_client=by_client)]

    def _advance(self, count: int, *, by_client: bool) -> None:
        self._next[by_client] = self._next[by_client] + count & _MASK

    def _frame(self, flags: _Flag, payload: bytes = b"", *, by_client: bool) -> bytes:
        """Return a segment; a SYN says how long one may be."""
        source, destination = self._ends[by_client], self._ends[not by_client]
        options = _MAXIMUM_SEGMENT if _Flag.SYN in flags else b""
        acknowledged = self._next[not by_client] if _Flag.ACK in flags else 0
        head = struct.pack(
            "!HHIIBBH",
            source.port,
            destination.port,
            self._next[by_client],
            acknowledged,
            20 + len(options) << 2,
            flags,
            _WINDOW,
        )
        rest = b"\0\0" + options + payload  # an urgent pointer that points at nothing
        addresses = _packed(source.address, destination.address)
        size = len(head) + 2 + len(rest)
        checksum = _checksum(_pseudo_header(addresses, _TCP, size) + head + b"\0\0" + rest)
        return _frame(addresses, _TCP, head + struct.pack("!H", checksum) + rest)


_Addresses = tuple[bytes, bytes]
"""Source and destination, 4 bytes both or 16 bytes both."""


def _packed(source: str, destination: str) -> _Addresses:
    """Read two addresses; where only one is IPv6 the other is mapped."""
    ends = _address(source), _address(destination)
    if ends[0].version == ends[1].version:
        return ends[0].packed, ends[1].packed
    one, other = (
        end.packed if end.version == 6 else b"\0" * 10 + b"\xff\xff" + end.packed  # noqa: PLR2004
        for end in ends
    )
    return one, other


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address; an IPv4 one that a socket for both shows as IPv6 is one again."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _pseudo_header(addresses: _Addresses, protocol: int, size: int) -> bytes:
    """Return what a checksum covers besides the segment; the order does not matter to it."""
    return b"".join(addresses) + struct.pack("!II", size, protocol)


def _frame(addresses: _Addresses, protocol: int, segment: bytes) -> bytes:
    """Put a segment into an IP packet, and that into a frame."""
    source, destination = addresses
    cards = b"\2\0" + destination[-4:] + b"\2\0" + source[-4:]
    if len(source) == 4:  # noqa: PLR2004
        return cards + struct.pack("!H", _IPV4) + _ipv4(addresses, protocol, segment)
    head = struct.pack("!IHBB", 6 << 28, len(segment), protocol, _HOPS)
    return cards + struct.pack("!H", _IPV6) + head + source + destination + segment


def _ipv4(addresses: _Addresses, protocol: int, segment: bytes) -> bytes:
    size = 20 + len(segment)
    head = struct.pack("!BBHHHBB", 0x45, 0, size, 0, _DONT_FRAGMENT, _HOPS, protocol)
    ends = b"".join(addresses)
    return head + struct.pack("!H", _checksum(head + ends)) + ends + segment


def _checksum(data: bytes) -> int:
    """Return the ones' complement of the ones' complement sum of 16-bit words (RFC 1071)."""
    total = int.from_bytes(data + bytes(len(data) % 2))
    return 0xFFFF - (total % 0xFFFF or 0xFFFF)
