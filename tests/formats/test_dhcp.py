"""DHCP messages: those of dnsmasq and udhcpc both ways, and what is no message."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.dhcp import (
    DhcpMessage,
    DhcpOption,
    MessageType,
    Operation,
    decode_dhcp,
    encode_dhcp,
)
from tests.fixtures.dhcp import CONVERSATIONS, conversation, said_by_server

MAC = bytes.fromhex("001b54c25a01")
TYPES = (MessageType.DISCOVER, MessageType.OFFER, MessageType.REQUEST, MessageType.ACK)
HEAD = 240
EMPTY = DhcpMessage(Operation.REPLY, 1, MAC)


def with_options(options: bytes, *, file: bytes = b"", sname: bytes = b"") -> bytes:
    """Return a message with these bytes in the places of options."""
    head = bytearray(encode_dhcp(EMPTY)[:HEAD])
    head[44 : 44 + len(sname)] = sname
    head[108 : 108 + len(file)] = file
    return bytes(head) + options


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_captured_conversation_is_read(name: str) -> None:
    messages = [decode_dhcp(data) for data in conversation(name)]
    assert tuple(message.message_type for message in messages) == TYPES
    assert {message.transaction_id for message in messages} == {messages[0].transaction_id}
    assert {message.hardware for message in messages} == {MAC}
    assert [message.operation for message in messages] == [1, 2, 1, 2]
    assert str(messages[3].your_address) == "10.9.8.58"
    assert messages[3].addresses(DhcpOption.SUBNET_MASK) == (IPv4Address("255.255.255.0"),)


@pytest.mark.parametrize("name", ["option150", "option66", "nextserver"])
def test_a_captured_message_is_written_as_it_was_but_for_its_padding(name: str) -> None:
    for data in conversation(name):
        written = encode_dhcp(decode_dhcp(data))
        assert written.rstrip(b"\0") == data.rstrip(b"\0")
        assert len(written) >= 300


@pytest.mark.parametrize("name", ["option150", "overload"])
def test_option_150_is_read_also_where_the_file_field_holds_it(name: str) -> None:
    for data in said_by_server(name):
        servers = decode_dhcp(data).addresses(DhcpOption.TFTP_SERVERS)
        assert list(map(str, servers)) == ["10.9.8.11", "10.9.8.12"]


def test_fields_that_hold_options_hold_no_names() -> None:
    message = decode_dhcp(said_by_server("overload")[1])
    assert (message.server_name, message.boot_file) == (b"", b"")
    assert message.option(52) is None
    assert message.addresses(44) == (IPv4Address("10.1.1.1"),)
    assert message.option(224) == b"x" * 60


def test_option_66_ends_before_its_nul() -> None:
    message = decode_dhcp(said_by_server("option66")[1])
    assert message.option(DhcpOption.TFTP_SERVER_NAME) == b"cucm-pub.lab.example\0"
    assert message.text(DhcpOption.TFTP_SERVER_NAME) == "cucm-pub.lab.example"


def test_the_next_server_and_the_boot_file_are_read() -> None:
    message = decode_dhcp(said_by_server("nextserver")[1])
    assert str(message.next_server) == "10.9.8.11"
    assert message.boot_file == b"boot.bin"


def test_every_field_is_written_where_it_is_read() -> None:
    message = DhcpMessage(
        Operation.REQUEST,
        0x01020304,
        MAC,
        ((53, b"\x08"), (200, b"")),
        client_address=IPv4Address("192.0.2.1"),
        your_address=IPv4Address("192.0.2.2"),
        next_server=IPv4Address("192.0.2.3"),
        relay=IPv4Address("192.0.2.4"),
        server_name=b"server",
        boot_file=b"file",
        hardware_type=6,
        hops=3,
        seconds=7,
        flags=0x8000,
    )
    assert decode_dhcp(encode_dhcp(message)) == message
    assert message.is_broadcast
    assert not EMPTY.is_broadcast


@pytest.mark.parametrize("size", [254, 255, 256, 600])
def test_a_long_value_is_split_and_put_together(size: int) -> None:
    value = bytes(index % 251 for index in range(size))
    data = encode_dhcp(replace(EMPTY, options=((150, value), (53, b"\2"))))
    assert decode_dhcp(data).options == ((150, value), (53, b"\2"))
    assert data[HEAD + 1] == min(size, 255)


def test_a_value_goes_on_from_the_options_to_file_and_server_name() -> None:
    data = with_options(
        b"\x34\x01\x03\x96\x02\x0a\x00\xff", file=b"\x96\x01\x00\xff", sname=b"\x96\x01\x01\xff"
    )
    assert decode_dhcp(data).addresses(150) == (IPv4Address("10.0.0.1"),)


@pytest.mark.parametrize(("overload", "read"), [(0, b"ab"), (1, b"abF"), (2, b"abS"), (3, b"abFS")])
def test_only_the_fields_that_option_52_names_hold_options(overload: int, read: bytes) -> None:
    data = with_options(
        bytes((52, 1, overload)) + b"\xe0\x01a\xe0\x01b\xff",
        file=b"\xe0\x01F\xff",
        sname=b"\xe0\x01S\xff",
    )
    message = decode_dhcp(data)
    assert message.option(224) == read
    assert bool(message.boot_file) == (not overload & 1)
    assert bool(message.server_name) == (not overload & 2)


def test_options_may_end_with_the_datagram_and_be_padded() -> None:
    assert decode_dhcp(with_options(b"\0\0\x35\x01\x05\0")).message_type == MessageType.ACK
    assert decode_dhcp(with_options(b"")).message_type is None


def test_what_follows_the_end_is_not_read() -> None:
    assert decode_dhcp(with_options(b"\xff\x35\x01\x05")).options == ()


@pytest.mark.parametrize("value", [b"", b"\1\2"])
def test_a_message_type_of_another_size_is_none(value: bytes) -> None:
    assert replace(EMPTY, options=((53, value),)).message_type is None


@pytest.mark.parametrize("value", [b"", b"\1\2\3", bytes(5)])
def test_a_list_of_addresses_of_a_wrong_size_is_refused(value: bytes) -> None:
    with pytest.raises(FormatError, match=f"option 150 of {len(value)} bytes, expected 4"):
        replace(EMPTY, options=((150, value),)).addresses(150)


def test_an_option_that_is_not_there_is_empty() -> None:
    assert EMPTY.addresses(150) == ()
    assert EMPTY.text(66) == ""
    assert EMPTY.option(66) is None


@pytest.mark.parametrize("value", [b"a\0b", b"\x1b[2J", b"caf\xe9"])
def test_a_text_of_other_than_printable_characters_is_refused(value: bytes) -> None:
    with pytest.raises(FormatError, match="option 66 has the byte"):
        replace(EMPTY, options=((66, value),)).text(66)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected 1 more"),
        (bytes(236), "expected 4 more bytes, found 0"),
        (bytes(240), "the cookie 00000000, expected 63825363"),
        (b"\1\1\x11" + bytes(237), "a hardware address of 17 bytes"),
        (with_options(b"\x96\x08\1"), "expected 8 more bytes, found 1"),
        (with_options(b"\x96"), "expected 1 more"),
        (with_options(b"\x34\1\4\xff"), "option 52 of value 4"),
        (with_options(b"\x34\1\1\xff", file=b"\x96\xff"), "expected 255 more"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        decode_dhcp(data)


@pytest.mark.parametrize(
    "message",
    [
        replace(EMPTY, operation=256),
        replace(EMPTY, transaction_id=-1),
        replace(EMPTY, seconds=0x10000),
        replace(EMPTY, hardware=bytes(17)),
        replace(EMPTY, server_name=bytes(65)),
        replace(EMPTY, boot_file=bytes(129)),
        replace(EMPTY, options=((0, b""),)),
        replace(EMPTY, options=((255, b""),)),
    ],
)
def test_what_does_not_fit_is_not_written(message: DhcpMessage) -> None:
    with pytest.raises(FormatError):
        encode_dhcp(message)


@given(st.sampled_from(CONVERSATIONS), st.integers(0, 3), st.data())
def test_a_damaged_message_raises_nothing_else(name: str, index: int, draw: st.DataObject) -> None:
    data = bytearray(conversation(name)[index])
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    read_everything(bytes(data[: draw.draw(st.integers(0, len(data)))]))


@given(st.binary(max_size=700))
def test_any_options_raise_nothing_else(options: bytes) -> None:
    read_everything(with_options(options))


def read_everything(data: bytes) -> None:
    try:
        message = decode_dhcp(data)
        assert decode_dhcp(encode_dhcp(message)) == message
        message.text(DhcpOption.TFTP_SERVER_NAME)
        message.addresses(DhcpOption.TFTP_SERVERS)
    except FormatError:
        pass
