"""HTTP without I/O: requests of phones and of others, and the bytes that answer them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import LocalProtocolError, RemoteProtocolError
from cucmsim.protocols.http_files import ByteRange, FileRequested, HttpFileServer, State

PHONE = b"GET /CTLSEP2834A2823B58.tlv HTTP/1.1\r\nHost:198.51.100.0:6970\r\n\r\n"
"""The request of an 8861, byte for byte (phone.md 1.4: 64 bytes, no blank after `Host:`)."""

HEAD = b"Content-length: %d\r\nCache-Control: no-store\r\nContent-type: */*\r\n"


def _asked(data: bytes) -> FileRequested:
    server = HttpFileServer()
    server.receive_data(data)
    asked = server.next_event()
    assert asked is not None
    return asked


def _answered(data: bytes, file: bytes | None, status: int = 404) -> bytes:
    server = HttpFileServer(missing_status=status)
    server.receive_data(data)
    assert server.next_event() is not None
    server.answer(file)
    return b"".join(server.data_to_send())


def _get(*fields: bytes, target: bytes = b"/a") -> bytes:
    return (
        b"GET %s HTTP/1.1\r\nHost: x\r\n" % target + b"".join(f + b"\r\n" for f in fields) + b"\r\n"
    )


def test_the_request_of_a_real_phone_is_answered_with_the_headers_of_a_real_server() -> None:
    assert len(PHONE) == 64
    expected = b"HTTP/1.1 200 OK\r\n" + HEAD % 5 + b"\r\nhello"
    assert _answered(PHONE, b"hello") == expected


@pytest.mark.parametrize("step", [1, 3, 63])
def test_a_request_may_be_cut_anywhere(step: int) -> None:
    server = HttpFileServer()
    for at in range(0, len(PHONE), step):
        assert server.next_event() is None
        server.receive_data(PHONE[at : at + step])
    assert server.next_event() == FileRequested("GET", "CTLSEP2834A2823B58.tlv", None, keeps=False)


@pytest.mark.parametrize(
    ("status", "line"),
    [(404, b"HTTP/1.1 404 Not Found\r\n"), (503, b"HTTP/1.1 503 Service Unavailable\r\n")],
)
def test_a_missing_file_is_answered_as_the_release_does(status: int, line: bytes) -> None:
    assert _answered(PHONE, None, status) == line + HEAD % 0 + b"\r\n"


def test_the_connection_closes_after_the_answer_unless_it_is_to_be_kept() -> None:
    server = HttpFileServer()
    server.receive_data(_get(b"Connection: Keep-Alive") + _get(target=b"/b"))
    for name, state in (("a", State.AWAIT_REQUEST), ("b", State.CLOSED)):
        asked = server.next_event()
        assert asked is not None
        assert asked.name == name
        assert server.next_event() is None, "one request at a time"
        server.answer(b"x")
        assert server.state is state
    assert server.is_closed
    with pytest.raises(RemoteProtocolError, match="after the end"):
        server.receive_data(b"more")


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        (b"bytes=0-3", 0, 3),
        (b"bytes=4-", 4, None),
        (b"bytes=-2", None, 2),
    ],
)
def test_a_range_is_understood(field: bytes, first: int | None, last: int | None) -> None:
    assert _asked(_get(b"Range: " + field)).byte_range == ByteRange(first, last)


@pytest.mark.parametrize(
    "field", [b"bytes=-", b"bytes=3-1", b"bytes=0-1,3-4", b"lines=1-2", b"bytes=x-y", b""]
)
def test_what_is_no_single_range_is_ignored(field: bytes) -> None:
    assert _asked(_get(b"Range: " + field)).byte_range is None


@pytest.mark.parametrize(
    ("field", "where", "body"),
    [
        (b"bytes=1-2", b"bytes 1-2/5", b"el"),
        (b"bytes=3-99", b"bytes 3-4/5", b"lo"),
        (b"bytes=1-", b"bytes 1-4/5", b"ello"),
        (b"bytes=-2", b"bytes 3-4/5", b"lo"),
        (b"bytes=-9", b"bytes 0-4/5", b"hello"),
    ],
)
def test_a_range_is_answered_with_the_part(field: bytes, where: bytes, body: bytes) -> None:
    answer = _answered(_get(b"Range: " + field), b"hello")
    head = HEAD % len(body) + b"Content-Range: " + where + b"\r\n\r\n"
    assert answer == b"HTTP/1.1 206 Partial Content\r\n" + head + body


@pytest.mark.parametrize(("field", "file"), [(b"bytes=5-", b"hello"), (b"bytes=-1", b"")])
def test_a_range_outside_of_the_file_is_refused(field: bytes, file: bytes) -> None:
    answer = _answered(_get(b"Range: " + field), file)
    assert answer.startswith(b"HTTP/1.1 416 Range Not Satisfiable\r\n")
    assert b"Content-Range: bytes */%d\r\n" % len(file) in answer


def test_head_is_answered_without_the_file() -> None:
    request = PHONE.replace(b"GET", b"HEAD")
    assert _answered(request, b"hello") == b"HTTP/1.1 200 OK\r\n" + HEAD % 5 + b"\r\n"


def test_an_http_1_0_client_is_told_that_the_connection_closes() -> None:
    answer = _answered(b"GET /a HTTP/1.0\r\n\r\n", b"x")
    assert b"Connection: close\r\n" in answer


def test_a_name_is_decoded_and_loses_its_query() -> None:
    assert _asked(_get(target=b"/New%20Zealand/g3-tones.xml?x=1")).name == (
        "New Zealand/g3-tones.xml"
    )
    assert _asked(_get(target=b"/%FF")).name == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, "POST"),
        (_get(b"Content-Length: 3", b"Transfer-Encoding: chunked"), 400, "transfer coding"),
        (_get(b"Content-Length: 3", b"Content-Length: 4"), 400, "no HTTP request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "no HTTP request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Host"),
        (b"GET /" + b"a" * 20_000, 431, "too long"),
        (_get(b"X: " + b"a" * 20_000), 431, "a head of more than 16384 bytes"),
        (_get(b"X : y"), 400, "no HTTP request"),
    ],
)
def test_what_is_no_request_for_a_file_is_refused(data: bytes, status: int, reason: str) -> None:
    server = HttpFileServer()
    with pytest.raises(RemoteProtocolError, match=reason) as caught:
        server.receive_data(data)
    assert caught.value.reason == status
    assert b"".join(server.data_to_send()).startswith(b"HTTP/1.1 %d " % status)
    assert server.is_closed


def test_a_body_that_comes_with_get_is_passed_over() -> None:
    server = HttpFileServer()
    server.receive_data(_get(b"Connection: keep-alive", b"Content-Length: 3"))
    assert server.next_event() is not None
    server.answer(b"x")
    server.receive_data(b"abc" + _get(target=b"/b"))
    asked = server.next_event()
    assert asked is not None
    assert asked.name == "b"


def test_garbage_after_a_request_does_not_answer_twice() -> None:
    server = HttpFileServer()
    server.receive_data(PHONE)
    assert server.next_event() is not None
    server.answer(b"x")
    assert len(server.data_to_send()) == 1
    assert server.data_to_send() == []


def test_answering_what_nobody_asked_is_our_own_fault() -> None:
    with pytest.raises(LocalProtocolError, match="await request"):
        HttpFileServer().answer(b"x")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    server = HttpFileServer()
    try:
        server.receive_data(data)
    except RemoteProtocolError:
        assert server.is_closed
