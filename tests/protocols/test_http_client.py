"""The request for a file as phones send it, and every kind of answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.protocols.http_client import (
    FileAnswered,
    HttpFailure,
    HttpFileClient,
    NoFile,
    file_request,
    page_request,
)
from cucmsim.protocols.http_files import FileRequested, HttpFileServer

OK = "HTTP/1.1 200 OK"
HEAD = b"HTTP/1.1 200 OK\r\nContent-length: %d\r\nCache-Control: no-store\r\n\r\n"


def answer(*parts: bytes, limit: int = 1000) -> FileAnswered | NoFile | None:
    client = HttpFileClient(limit)
    for part in parts:
        client.receive_data(part)
    return client.result


def test_the_request_is_the_64_bytes_of_an_8861() -> None:
    request = file_request("CTLSEP2834A2823B58.tlv", "198.51.100.0", 6970)
    assert request == b"GET /CTLSEP2834A2823B58.tlv HTTP/1.1\r\nHost:198.51.100.0:6970\r\n\r\n"
    assert len(request) == 64


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/g3-tones.xml", "/g3-tones.xml"),
        ("United_States/mk-sip.jar", "/United_States/mk-sip.jar"),
        ("a b\r\n?#%.xml", "/a%20b%0D%0A%3F%23%25.xml"),
        ("caf\u00e9.xml", "/caf%C3%A9.xml"),
    ],
)
def test_a_name_stands_in_the_request_as_a_path(name: str, path: str) -> None:
    assert file_request(name, "h", 1).split(b" ")[1] == path.encode()


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert b"Host:[2001:db8::1]:6970\r\n" in file_request("a", "2001:db8::1", 6970)


def test_a_page_is_asked_for_with_its_query() -> None:
    request = page_request("/a%20b/c?f=x+y&l=\u00e9 z", "cucm-pub", 8443)
    assert request == b"GET /a%20b/c?f=x+y&l=%C3%A9%20z HTTP/1.1\r\nHost:cucm-pub:8443\r\n\r\n"


def test_our_server_and_this_client_understand_each_other() -> None:
    server = HttpFileServer()
    server.receive_data(file_request("ITLFile.tlv", "192.0.2.1", 6970))
    asked = server.next_event()
    assert isinstance(asked, FileRequested)
    assert asked.name == "ITLFile.tlv"
    server.answer(b"content")
    assert answer(*server.data_to_send()) == FileAnswered(b"content", OK)


def test_an_answer_may_come_byte_by_byte() -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD % 3 + b"abc"
    assert answer(*(whole[i : i + 1] for i in range(len(whole)))) == FileAnswered(b"abc", OK)


def test_closing_ends_a_body_without_length() -> None:
    parts = (b"HTTP/1.1 200 OK\r\n\r\nab", b"c")
    assert answer(*parts) is None
    assert answer(*parts, b"") == FileAnswered(b"abc", OK)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("404 Not Found", HttpFailure.NOT_FOUND),
        ("503 Service Unavailable", HttpFailure.ERROR),
        ("302 Found", HttpFailure.ERROR),
        ("206 Partial Content", HttpFailure.ERROR),
    ],
)
def test_anything_but_200_is_no_file(status: str, failure: HttpFailure) -> None:
    line = f"HTTP/1.1 {status}"
    assert answer(f"{line}\r\nContent-length: 0\r\n\r\n".encode()) == NoFile(failure, line)


def test_a_closed_connection_is_no_file() -> None:
    for parts in ([b""], [b"HTTP/1.1 200"], [HEAD % 5 + b"ab"]):
        result = answer(*parts, b"")
        assert isinstance(result, NoFile)
        assert result.failure is HttpFailure.ERROR
        assert result.text


@pytest.mark.parametrize(
    "whole",
    [
        HEAD % 1001,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
    ],
)
def test_a_file_beyond_the_limit_is_refused(whole: bytes) -> None:
    assert answer(whole) == NoFile(HttpFailure.TOO_LARGE, OK, "more than 1000 bytes")


def test_a_file_of_exactly_the_limit_is_taken() -> None:
    assert answer(HEAD % 1000 + b"x" * 1000) == FileAnswered(b"x" * 1000, OK)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x80\x00\x01\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-length: 1\r\nContent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000,
    ],
)
def test_what_is_no_answer_is_no_file(garbage: bytes) -> None:
    client = HttpFileClient(1000)
    client.receive_data(garbage)
    client.receive_data(b"more")
    assert isinstance(client.result, NoFile)
    assert client.result.failure is HttpFailure.ERROR


@given(st.lists(st.binary(max_size=60)))
def test_nothing_that_comes_raises(parts: list[bytes]) -> None:
    client = HttpFileClient(10)
    for part in [HEAD % 5, *parts, b""]:
        client.receive_data(part)
    assert client.result is not None
