"""SIP messages against the published ones, a second reader, and damage."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sipmessage
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.sip import (
    Header,
    Request,
    Response,
    format_message,
    parse_head,
    parse_message,
)
from cucmsim.formats.sip_framing import MessageStream, StreamLimits
from cucmsim.formats.sip_values import (
    Address,
    CSeq,
    Uri,
    format_date,
    parse_address,
    parse_cseq,
    parse_date,
    parse_media_type,
    parse_number,
    parse_uri,
    parse_via,
    quoted,
)

SIP = Path(__file__).parents[1] / "vectors" / "sip"
VECTORS = {path.stem: path.read_bytes() for path in sorted(SIP.glob("*.sip"))}
SMALL = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi"


def read_all(stream: MessageStream) -> list[bytes]:
    found = []
    while message := stream.next_message():
        found.append(format_message(message))
    return found


@pytest.mark.parametrize("name", VECTORS)
def test_a_message_is_written_back_byte_for_byte(name: str) -> None:
    assert format_message(parse_message(VECTORS[name])) == VECTORS[name]


def test_the_messages_have_the_published_sizes() -> None:
    register, refer = VECTORS["register"], VECTORS["refer-alarm"]
    assert (len(register), register.index(b"\r\n\r\n") + 4) == (2516, 1203)
    assert len(parse_message(register).body) == 1313
    assert (len(refer), len(parse_message(refer).body)) == (1503, 569)
    assert len(parse_message(VECTORS["register-ok"]).body) == 381


@pytest.mark.parametrize("name", VECTORS)
def test_a_second_reader_finds_the_same_headers(name: str) -> None:
    ours, theirs = parse_message(VECTORS[name]), sipmessage.Message.parse(VECTORS[name])
    assert [header.name for header in ours.headers] == theirs.headers.keys()
    for header in ours.headers:
        assert theirs.headers.get(header.name) == header.value
    assert theirs.body == ours.body
    assert theirs.cseq.method == parse_cseq(ours.only("CSeq")).method
    assert str(theirs.from_address.uri) == parse_address(ours.only("From")).uri
    via = theirs.via[0]
    read = parse_via(ours.only("Via"))
    assert (via.transport, f"{via.host}:{via.port}") == (read.transport, read.sent_by)
    assert via.parameters["branch"] == read.branch
    assert theirs.date == parse_date(ours.value("Date") or "")


def test_headers_are_found_by_any_of_their_names() -> None:
    message = parse_message(b"SIP/2.0 200 OK\r\nv: one\r\nVIA : two\r\nl:0\r\n\r\n")
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (200, "OK")
    assert message.values("Via") == ("one", "two")
    assert (message.value("via"), message.value("To")) == ("one", None)
    assert message.only("content-length") == "0"
    with pytest.raises(FormatError, match="2 headers Via, expected one"):
        message.only("Via")
    assert format_message(message) == b"SIP/2.0 200 OK\r\nv: one\r\nVIA : two\r\nl:0\r\n\r\n"


def test_a_folded_header_is_read_as_one_line_and_written_as_it_was() -> None:
    data = b"OPTIONS sip:a SIP/2.0\r\nSubject: one\r\n\ttwo\r\n  three\r\n\r\n"
    message = parse_message(data)
    assert message.value("Subject") == "one two three"
    assert format_message(message) == data


def test_a_message_is_made_of_its_parts() -> None:
    request = Request((Header("Subject", "x"),), b"", "OPTIONS", "sip:a")
    assert format_message(request) == b"OPTIONS sip:a SIP/2.0\r\nSubject: x\r\n\r\n"
    assert format_message(Response((), b"", 486, "Busy Here")).startswith(b"SIP/2.0 486 Busy Here")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"OPTIONS sip:a SIP/2.0\r\n", "no blank line"),
        (b"OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nhi", "Content-Length 3, found 2 bytes"),
        (b"OPTIONS sip:a SIP/2.0\r\nno header\r\n\r\n", r"is no header.* \(at offset 23\)"),
        (b"OPTIONS sip:a SIP/2.0\r\na: b\nc: d\r\n\r\n", "a control character in the header a"),
        (b"OPTIONS sip:\0a SIP/2.0\r\n\r\n", "a control character in the first line"),
        (b"OPTIONS sip:\xff SIP/2.0\r\n\r\n", "not UTF-8 .at offset 12"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "'GET / HTTP/1.1' begins no SIP message"),
        (b"OPTIONS sip:a\r\n\r\n", "begins no SIP message"),
        (b"OPT@ sip:a SIP/2.0\r\n\r\n", "begins no SIP message"),
        (b"OPTIONS  SIP/2.0\r\n\r\n", "begins no SIP message"),
        (b"SIP/2.0 2000 OK\r\n\r\n", "begins no SIP message"),
        (b"SIP/3.0 200 OK\r\n\r\n", "begins no SIP message"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        parse_message(data)


# framing


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_messages_come_out_of_a_stream_however_it_is_cut(size: int) -> None:
    stream = MessageStream()
    data = b"\r\n\r\n".join(VECTORS.values()) + b"\r\n"
    found = []
    for start in range(0, len(data), size):
        stream.feed(data[start : start + size])
        found += read_all(stream)
    assert found == list(VECTORS.values())
    assert stream.is_empty


def test_part_of_a_message_is_held_until_it_is_whole() -> None:
    stream = MessageStream()
    assert (stream.is_empty, stream.next_message()) == (True, None)
    stream.feed(SMALL[:-1])
    assert (stream.next_message(), stream.is_empty) == (None, False)
    stream.feed(SMALL[-1:] + b"\r")
    assert read_all(stream) == [SMALL]
    assert (stream.next_message(), stream.is_empty) == (None, True)


def sized(length: bytes) -> bytes:
    return b"OPTIONS sip:a SIP/2.0\r\n" + length + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (sized(b"Subject: x"), "0 headers Content-Length"),
        (sized(b"Content-Length: 0\r\nl: 0"), "2 headers Content-Length"),
        (sized(b"Content-Length: -1"), "expected a number"),
        (sized(b"Content-Length: +1"), "expected a number"),
        (sized(b"Content-Length: 1 1"), "expected a number"),
        (sized(b"Content-Length: 0x10"), "expected a number"),
        (sized("Content-Length: ٣".encode()), "expected a number"),
        (sized(b"Content-Length:"), "expected a number"),
        (sized(b"Content-Length: 99999999999"), "expected a number"),
        (sized(b"Content-Length: 65537"), "a body of 65537 bytes, expected at most 65536"),
        (sized(b"x: " + b"y" * 4096), "a line of more than 4096 bytes"),
        (sized(b"x: " + b"y" * 4096 + b"\r\na: b"), "a line of more than 4096 bytes"),
        (b"x" * 4098, "a line of more than 4096 bytes"),
        (sized(b"\r\n".join([b"x: y"] * 101)), "101 headers, expected at most 100"),
        (b"OPTIONS sip:a SIP/2.0\r\n" + b"x: y\r\n" * 4000, "headers of more than 16384 bytes"),
        (b"\x16\x03\x01\x02\x00", "byte 0x16 begins no SIP message"),
        (b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "begins no SIP message"),
    ],
)
def test_a_stream_that_cannot_be_framed_is_refused(data: bytes, problem: str) -> None:
    stream = MessageStream()
    stream.feed(data)
    with pytest.raises(FormatError, match=problem):
        stream.next_message()


def test_the_limits_can_be_set() -> None:
    stream = MessageStream(StreamLimits(body=1))
    stream.feed(SMALL)
    with pytest.raises(FormatError, match="expected at most 1"):
        stream.next_message()


@given(st.binary(max_size=400))
def test_noise_in_a_stream_raises_nothing_but_format_error(noise: bytes) -> None:
    stream = MessageStream()
    stream.feed(noise)
    with contextlib.suppress(FormatError):
        read_all(stream)


@given(st.integers(0, 2515), st.integers(0, 255))
def test_a_damaged_message_raises_nothing_but_format_error(place: int, byte: int) -> None:
    data = bytearray(VECTORS["register"])
    data[place] = byte
    stream = MessageStream()
    stream.feed(bytes(data))
    with contextlib.suppress(FormatError):
        read_all(stream)


# values


def test_the_contact_of_a_phone_is_read() -> None:
    contact = parse_address(parse_message(VECTORS["register-ok"]).only("Contact"))
    assert contact.uri.startswith("sip:04984998-fe29-08c0-6d47-5593bf4ce606@192.168.7.104:51778")
    assert contact.parameter("+U.sip!deviceName.ccm.cisco.com") == "SEPC80084AA8743"
    assert contact.parameter("x-cisco-newreg") == ""
    assert contact.parameter("expires") is None
    uri = parse_uri(contact.uri)
    assert (uri.user, uri.host, uri.port) == (
        "04984998-fe29-08c0-6d47-5593bf4ce606",
        "192.168.7.104",
        51778,
    )
    assert (uri.parameter("transport"), uri.parameter("lr")) == ("tcp", None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:a@b;tag=1", Address("sip:a@b", (("tag", "1"),))),
        ('"a <b> \\"c" <sip:x;y=z> ; tag = 1', Address("sip:x;y=z", (("tag", "1"),), 'a <b> "c')),
        ("Bob <cid:x>", Address("cid:x", (), "Bob")),
        ("<urn:X-cisco-remotecc:token>", Address("urn:X-cisco-remotecc:token")),
        ('<sip:x>;a="1;2";b', Address("sip:x", (("a", "1;2"), ("b", None)))),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "<>", "<sip:x", "<sip:x> y", '"a <sip:x>', "<sip:x>;;a", ";a"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_address(text)


def test_a_uri_is_read() -> None:
    assert parse_uri("sips:[2001:db8::1]:5061?x=y") == Uri("sips", None, "[2001:db8::1]", 5061)
    for wrong in ("tel:1", "sip:", "sip:a b", "sip:a:99999", "sip:a:b", "sip:a@"):
        with pytest.raises(FormatError):
            parse_uri(wrong)


def test_the_smaller_values_are_read_and_written() -> None:
    assert str(parse_cseq("113 REGISTER")) == "113 REGISTER" == str(CSeq(113, "REGISTER"))
    assert parse_via("SIP / 2.0 / tcp a:1 ;branch=x, SIP/2.0/TCP b").branch == "x"
    assert parse_via("SIP/2.0/UDP a").branch == ""
    media = parse_media_type("Multipart/Mixed; boundary=b")
    assert (media.name, media.parameter("boundary")) == ("multipart/mixed", "b")
    assert quoted('a"b\\') == '"a\\"b\\\\"'
    time = datetime(2019, 3, 9, 18, 32, 45, tzinfo=UTC)
    assert format_date(time) == "Sat, 09 Mar 2019 18:32:45 GMT"
    assert parse_date("Sat, 09 Mar 2019 18:32:45 GMT") == time
    assert parse_date("Sat, 09 Mar 2019 18:32:45 -0000") == time


def test_wrong_values_are_refused() -> None:
    for cseq in ("", "1", "REGISTER 1", "4294967296 REGISTER"):
        with pytest.raises(FormatError):
            parse_cseq(cseq)
    for via in ("", "SIP/2.0/TCP", "SIP/2.0/TCP a b", "SIP/1.0/TCP a"):
        with pytest.raises(FormatError):
            parse_via(via)
    for number in ("", "-1", "1e3", "²", "2147483648", "99999999999999"):
        with pytest.raises(FormatError):
            parse_number(number)
    for date in (
        "",
        "yesterday",
        "Sat, 99 Mar 2019 18:32:45 GMT",
        "Sat, 09 Mar 99999 18:32:45 GMT",
    ):
        with pytest.raises(FormatError):
            parse_date(date)
    with pytest.raises(FormatError):
        parse_media_type("text")


@given(st.text(max_size=80))
def test_any_text_is_a_value_or_a_format_error(text: str) -> None:
    for parse in (parse_address, parse_uri, parse_cseq, parse_via, parse_date, parse_media_type):
        with contextlib.suppress(FormatError):
            parse(text)
    with contextlib.suppress(FormatError):
        parse_head(text.encode(errors="replace"))
