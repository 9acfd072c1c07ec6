"""Capture files: blocks as Wireshark's own tools write them and the specification draws them."""

import json
import struct
from pathlib import Path

import pytest

from cucmsim.formats.pcapng import (
    Frame,
    encode_interface,
    encode_packet,
    encode_secrets,
    encode_section,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "pcapng" / "blocks.json"
BLOCKS = {name: bytes.fromhex(text) for name, text in json.loads(VECTORS.read_text()).items()}


@pytest.mark.parametrize("name", ["udp4", "udp6", "tcp4"])
def test_a_packet_is_what_text2pcap_wrote(name: str) -> None:
    block = BLOCKS[name]
    interface, high, low, size = struct.unpack_from("<IIII", block, 8)
    frame = Frame(interface, high << 32 | low, block[28 : 28 + size])
    assert encode_packet(frame) == block


def test_secrets_are_what_editcap_injected() -> None:
    line = BLOCKS["secrets"][16:].partition(b"\n")[0]
    assert encode_secrets([line]) == BLOCKS["secrets"]


def test_a_section_begins_as_the_specification_draws_it() -> None:
    head = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff"
    assert encode_section("") == bytes.fromhex(head + "1c000000")
    options = "0100 0300 6f6e6500 0400 0500 7468656d65000000 0000 0000"
    expected = head.replace("1c000000", "34000000") + options + "34000000"
    assert encode_section("theme", "one") == bytes.fromhex(expected)


def test_an_interface_has_its_name() -> None:
    expected = "01000000 20000000 0100 0000 00000000 0200 0300 70756200 0000 0000 20000000"
    assert encode_interface("pub") == bytes.fromhex(expected)


def test_a_remark_follows_the_frame() -> None:
    frame = Frame(1, 0x0102030405060708, b"12345", "ok")
    expected = (
        "06000000 34000000 01000000 04030201 08070605 05000000 05000000 3132333435000000"
        "0100 0200 6f6b0000 0000 0000 34000000"
    )
    assert encode_packet(frame) == bytes.fromhex(expected)
