"""The packet codec of TFTP against bytes written by hand from the RFCs, and against tftpy."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tftpy.TftpPacketFactory import TftpPacketFactory
from tftpy.TftpPacketTypes import (
    TftpPacketACK,
    TftpPacketDAT,
    TftpPacketERR,
    TftpPacketOACK,
    TftpPacketRRQ,
    TftpPacketWRQ,
)

from cucmsim.errors import FormatError
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorPacket,
    OptionAck,
    Packet,
    ReadRequest,
    WriteRequest,
    decode_packet,
    encode_packet,
)

VECTORS: list[tuple[bytes, Packet]] = [
    # the 31 bytes a 79xx and an 8861 sent (nbytes(31), Mode(octet)), with another phone's MAC
    (b"\0\1CTLSEP001122334455.tlv\0octet\0", ReadRequest("CTLSEP001122334455.tlv")),
    (
        b"\0\1a\0NetASCII\0blksize\x001468\0tsize\x000\0",
        ReadRequest("a", "NetASCII", (("blksize", "1468"), ("tsize", "0"))),
    ),
    (b"\0\2up\0octet\0", WriteRequest("up")),
    (b"\0\3\0\1payload", Data(1, b"payload")),
    (b"\0\3\xff\xff", Data(65535, b"")),
    (b"\0\4\0\0", Ack(0)),
    (b"\0\4\x12\x34", Ack(0x1234)),
    (b"\0\5\0\1File not found\0", ErrorPacket(1, "File not found")),
    (b"\0\5\0\x63\0", ErrorPacket(99, "")),
    (b"\0\6blksize\x001024\0", OptionAck((("blksize", "1024"),))),
    (b"\0\1\xe9\xff\0octet\0", ReadRequest("\udce9\udcff")),
    (b"\0\1\0\0", ReadRequest("", "")),
]


@pytest.mark.parametrize(("data", "packet"), VECTORS)
def test_a_packet_is_read_as_the_rfc_says(data: bytes, packet: Packet) -> None:
    assert decode_packet(data) == packet


@pytest.mark.parametrize(("data", "packet"), VECTORS)
def test_a_packet_is_written_as_the_rfc_says(data: bytes, packet: Packet) -> None:
    assert encode_packet(packet) == data


def test_a_phones_request_is_31_bytes() -> None:
    assert len(encode_packet(ReadRequest("CTLSEP001122334455.tlv"))) == 31


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"", 0),
        (b"\0\4\0", 0),
        (b"\0\0\0\0", 0),
        (b"\0\7\0\0", 0),
        (b"\1\4\0\1", 0),
        (b"\0\4\0\1\0", 4),
        (b"\0\1name", 6),
        (b"\0\1name\0octet", 12),
        (b"\0\1name\0", 2),
        (b"\0\1name\0octet\0blksize\0", 2),
        (b"\0\2nm\0", 2),
        (b"\0\6blksize\0", 2),
        (b"\0\6blksize\x001024", 14),
    ],
)
def test_a_damaged_packet_is_refused_with_its_offset(data: bytes, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        decode_packet(data)
    assert caught.value.offset == offset


def test_an_error_without_its_last_nul_is_read() -> None:
    assert decode_packet(b"\0\5\0\0gone") == ErrorPacket(0, "gone")
    assert decode_packet(b"\0\5\0\0") == ErrorPacket(0, "")


@pytest.mark.parametrize(
    "packet",
    [
        Ack(65536),
        Ack(-1),
        Data(70000, b""),
        ErrorPacket(65536, ""),
        ReadRequest("a\0b"),
        ReadRequest("a", "octet", (("blk\0", "1"),)),
        OptionAck((("tsize", "\0"),)),
        ErrorPacket(0, "\ud800"),
    ],
)
def test_a_packet_that_cannot_be_written_is_refused(packet: Packet) -> None:
    with pytest.raises(FormatError):
        encode_packet(packet)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_a_format_error(data: bytes) -> None:
    try:
        packet = decode_packet(data)
    except FormatError:
        return
    if not isinstance(packet, ErrorPacket):
        assert encode_packet(packet) == data


@given(st.sampled_from([data for data, _ in VECTORS]), st.data())
def test_a_packet_cut_anywhere_is_a_packet_or_a_format_error(
    data: bytes, draw: st.DataObject
) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    with contextlib.suppress(FormatError):
        decode_packet(data[:cut])


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
OPTIONS = st.lists(st.tuples(TEXTS, TEXTS), max_size=4).map(tuple)
NUMBERS = st.integers(0, 65535)
PACKETS: st.SearchStrategy[Packet] = st.one_of(
    st.builds(ReadRequest, TEXTS, TEXTS, OPTIONS),
    st.builds(WriteRequest, TEXTS, TEXTS, OPTIONS),
    st.builds(Data, NUMBERS, st.binary(max_size=64)),
    st.builds(Ack, NUMBERS),
    st.builds(ErrorPacket, NUMBERS, TEXTS),
    st.builds(OptionAck, OPTIONS.filter(bool)),
)


@given(PACKETS)
def test_what_is_written_is_read_back(packet: Packet) -> None:
    assert decode_packet(encode_packet(packet)) == packet


def test_tftpy_reads_what_we_write() -> None:
    parse = TftpPacketFactory().parse
    request = parse(encode_packet(ReadRequest("f", "octet", (("blksize", "8"),))))
    assert isinstance(request, TftpPacketRRQ)
    assert (request.filename, request.mode, request.options) == ("f", "octet", {"blksize": "8"})
    data = parse(encode_packet(Data(7, b"x")))
    assert isinstance(data, TftpPacketDAT)
    assert (data.blocknumber, data.data) == (7, b"x")
    ack = parse(encode_packet(Ack(9)))
    assert isinstance(ack, TftpPacketACK)
    assert ack.blocknumber == 9
    error = parse(encode_packet(ErrorPacket(1, "no")))
    assert isinstance(error, TftpPacketERR)
    assert (error.errorcode, error.errmsg) == (1, b"no")
    accepted = parse(encode_packet(OptionAck((("tsize", "12"),))))
    assert isinstance(accepted, TftpPacketOACK)
    assert accepted.options == {"tsize": "12"}


def test_we_read_what_tftpy_writes() -> None:
    request = TftpPacketRRQ()
    request.filename, request.mode, request.options = "f", "octet", {"blksize": "1024"}
    assert decode_packet(bytes(request.encode().buffer)) == ReadRequest(
        "f", "octet", (("blksize", "1024"),)
    )
    upload = TftpPacketWRQ()
    upload.filename, upload.mode, upload.options = "f", "octet", {}
    assert decode_packet(bytes(upload.encode().buffer)) == WriteRequest("f")
    error = TftpPacketERR()
    error.errorcode = 2
    assert decode_packet(bytes(error.encode().buffer)) == ErrorPacket(2, "Access violation")
