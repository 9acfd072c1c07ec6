"""Frames around payloads: checksums of others, and the dialogue of TCP."""

import json
import struct
from pathlib import Path

import pytest

from cucmsim.formats.frames import Endpoint, TcpDialogue, udp_frame

VECTORS = Path(__file__).parents[1] / "vectors" / "pcapng" / "blocks.json"
BLOCKS = {name: bytes.fromhex(text) for name, text in json.loads(VECTORS.read_text()).items()}
REQUEST = b"\0\1ITLFile.tlv\0octet\0"
CLIENT, SERVER = Endpoint("192.0.2.10", 49152), Endpoint("198.51.100.1", 2445)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@pytest.mark.parametrize(
    ("name", "client", "server", "head"),
    [("udp4", "192.0.2.10", "198.51.100.1", 34), ("udp6", "2001:db8::a%2", "2001:db8::1", 54)],
)
def test_a_datagram_has_the_checksum_that_text2pcap_gave_it(
    name: str, client: str, server: str, head: int
) -> None:
    frame = udp_frame(Endpoint(client, 49152), Endpoint(server, 69), REQUEST)
    (size,) = struct.unpack_from("<I", BLOCKS[name], 20)
    theirs = BLOCKS[name][28 : 28 + size]
    assert len(frame) == size
    assert frame[12:14] == theirs[12:14]
    assert frame[head:] == theirs[head:]


def test_an_ipv4_header_has_the_checksum_of_the_textbook() -> None:
    # the worked example of the Internet checksum, 192.168.0.1 to 192.168.0.199
    frame = udp_frame(Endpoint("192.168.0.1", 1), Endpoint("192.168.0.199", 2), bytes(87))
    assert frame[14:34] == bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")
    assert frame[:12] == bytes.fromhex("0200c0a800c70200c0a80001")


def test_a_checksum_of_nothing_is_all_ones_as_none_would_mean_no_checksum() -> None:
    ends = Endpoint("0.0.0.0", 0), Endpoint("0.0.0.0", 0)  # noqa: S104
    without = udp_frame(*ends, bytes(2))[40:42]
    complement = struct.pack("!H", int.from_bytes(without))
    assert without != b"\xff\xff"
    assert udp_frame(*ends, complement)[40:42] == b"\xff\xff"


def test_addresses_of_two_kinds_become_one() -> None:
    mapped = udp_frame(Endpoint("::ffff:192.0.2.1", 1), Endpoint("192.0.2.2", 2), b"")
    assert mapped[12:14] == b"\x08\x00"
    mixed = udp_frame(Endpoint("2001:db8::1", 1), Endpoint("192.0.2.2", 2), b"")
    assert mixed[12:14] == b"\x86\xdd"
    assert mixed[38:54] == b"\0" * 10 + b"\xff\xff\xc0\0\2\2"


def segments(frames: list[bytes]) -> list[tuple[bool, int, int, int, int]]:
    """Return (by the client, flags, sequence, acknowledged, bytes) of each frame, all relative."""
    told = []
    for frame in frames:
        source, _, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", frame, 34)
        size = len(frame) - 34 - (offset >> 4) * 4
        told.append((source == CLIENT.port, flags, sequence, acknowledged, size))
    return told


def test_a_connection_opens_talks_and_ends() -> None:
    dialogue = TcpDialogue(CLIENT, SERVER)
    first = 1 << 31  # of the server
    assert segments(dialogue.open()) == [
        (True, SYN, 0, 0, 0),
        (False, SYN | ACK, first, 1, 0),
        (True, ACK, 1, first + 1, 0),
    ]
    assert segments(dialogue.data(b"hello", by_client=True)) == [
        (True, PSH | ACK, 1, first + 1, 5),
        (False, ACK, first + 1, 6, 0),
    ]
    assert segments(dialogue.data(bytes(1460 * 2 + 1), by_client=False)) == [
        (False, ACK, first + 1, 6, 1460),
        (False, ACK, first + 1461, 6, 1460),
        (True, ACK, 6, first + 2921, 0),
        (False, PSH | ACK, first + 2921, 6, 1),
        (True, ACK, 6, first + 2922, 0),
    ]
    assert segments(dialogue.finish(by_client=True)) == [
        (True, FIN | ACK, 6, first + 2922, 0),
        (False, ACK, first + 2922, 7, 0),
    ]
    assert segments(dialogue.reset(by_client=False)) == [(False, RST | ACK, first + 2922, 7, 0)]


def test_numbers_go_round_and_tell_connections_apart() -> None:
    dialogue = TcpDialogue(CLIENT, SERVER, 1)
    opening = segments(dialogue.open())
    assert opening[0][2] != segments(TcpDialogue(CLIENT, SERVER, 2).open())[0][2]
    dialogue._next[True] = 0xFFFFFFFF
    assert segments(dialogue.data(b"ab", by_client=True))[0][2] == 0xFFFFFFFF
    assert segments(dialogue.data(b"c", by_client=True))[0][2] == 1
