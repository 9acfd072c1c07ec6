"""Capture files as Wireshark reads them: pcapng, with the secrets of TLS inside.

Little-endian blocks, each with its length at both ends:

    section header    0A0D0D0A  byte order, version 1.0, length of the section unknown, options
    interface         00000001  link type Ethernet, no limit of length, options
    secrets           0000000A  `TLSK`, the lines of a key log
    enhanced packet   00000006  interface, time in microseconds, lengths, frame, options

Source: draft-ietf-opsawg-pcapng. Vectors: what text2pcap and editcap wrote (tests/vectors/pcapng).
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Frame", "encode_interface", "encode_packet", "encode_secrets", "encode_section"]

_SECTION, _INTERFACE, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 6, 10
_BYTE_ORDER = 0x1A2B3C4D
_ETHERNET = 1
_TLS_KEY_LOG = 0x544C534B
_END, _COMMENT, _NAME, _APPLICATION = 0, 1, 2, 4
_MOST = 0xFFFF  # bytes of an option's value


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet frame: on which interface (from 0), when (microseconds since 1970), remarks."""

    interface: int
    time_us: int
    data: bytes
    comment: str = ""


def encode_section(application: str, comment: str = "") -> bytes:
    """Encode the beginning of a file: what wrote it, and remarks."""
    options = _options({_COMMENT: comment, _APPLICATION: application})
    return _block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1) + options)


def encode_interface(name: str) -> bytes:
    """Encode an interface; frames name it by its place in the file, from 0."""
    return _block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, 0) + _options({_NAME: name}))


def encode_secrets(lines: Iterable[bytes]) -> bytes:
    """Encode lines of a TLS key log; what they open comes behind them in the file."""
    secrets = b"".join(line + b"\n" for line in lines)
    return _block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(secrets)) + _padded(secrets))


def encode_packet(frame: Frame) -> bytes:
    """Encode one frame."""
    high, low = frame.time_us >> 32, frame.time_us & 0xFFFFFFFF
    size = len(frame.data)
    head = struct.pack("<IIIII", frame.interface, high, low, size, size)
    return _block(_PACKET, head + _padded(frame.data) + _options({_COMMENT: frame.comment}))


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _options(texts: Mapping[int, str]) -> bytes:
    """Encode the options that are there, and what ends them if any is."""
    encoded = b""
    for code, text in texts.items():
        value = text.encode()[:_MOST]
        if value:
            encoded += struct.pack("<HH", code, len(value)) + _padded(value)
    return encoded + struct.pack("<HH", _END, 0) if encoded else b""


def _padded(data: bytes) -> bytes:
    """Fill up to 32 bits."""
    return data + bytes(-len(data) % 4)
