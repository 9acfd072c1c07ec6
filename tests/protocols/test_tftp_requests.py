"""What the server makes of names, modes and options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import RemoteProtocolError
from cucmsim.formats.tftp import Options, ReadRequest, encode_packet
from cucmsim.protocols.tftp_requests import (
    Limits,
    Mode,
    Terms,
    decode_request,
    is_proxied,
    legal_name,
    negotiate,
    requested_mode,
    to_netascii,
)


def asked(*options: tuple[str, str]) -> ReadRequest:
    return ReadRequest("f", "octet", options)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", 4),
        (b"\0\1f", 4),
        (b"\0\x09\0\0", 4),
        (b"\0\2f\0octet\0", 2),
        (b"\0\3\0\1data", 4),
        (b"\0\4\0\1", 5),
        (b"\0\6a\0b\0", 4),
        (b"\0\1" + b"n" * 504 + b"\0octet\0", 4),
    ],
)
def test_what_is_no_read_request_is_answered_with_its_code(data: bytes, reason: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_request(data)
    assert caught.value.reason == reason


def test_a_request_of_512_octets_is_taken() -> None:
    data = b"\0\1" + b"n" * 503 + b"\0octet\0"
    assert len(data) == 512
    request = decode_request(data)
    assert request is not None
    assert request.filename == "n" * 503


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), False), ((("blksize", "8"),), False), ((("tsize", "0"), ("PROXIED", "")), True)],
)
def test_a_proxy_says_that_it_is_one(options: tuple[tuple[str, str], ...], expected: bool) -> None:  # noqa: FBT001
    assert is_proxied(ReadRequest("a", options=options)) is expected


def test_an_error_is_never_answered() -> None:
    assert decode_request(b"\0\5\0\0\0") is None


@pytest.mark.parametrize("text", ["octet", "OCTET", "Octet"])
def test_a_mode_counts_in_any_case(text: str) -> None:
    assert requested_mode(text) is Mode.OCTET


@pytest.mark.parametrize("text", ["mail", "", "binary", "octet "])
def test_another_mode_is_an_illegal_operation(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        requested_mode(text)
    assert caught.value.reason == 4


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("CTLSEP001122334455.tlv", "CTLSEP001122334455.tlv"),
        ("/g3-tones.xml", "g3-tones.xml"),
        ("//United_States/7970-tones.xml", "United_States/7970-tones.xml"),
        ("a..b", "a..b"),
        ("..a/b..", "..a/b.."),
        ("Ringer ä.raw", "Ringer ä.raw"),
    ],
)
def test_a_legal_name_is_looked_up_without_leading_slashes(filename: str, name: str) -> None:
    assert legal_name(filename) == name


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("", 1),
        ("///", 1),
        ("..", 2),
        ("../etc/passwd", 2),
        ("/../etc/passwd", 2),
        ("a/../../etc/passwd", 2),
        ("a\\..\\boot.ini", 2),
        ("..\\boot.ini", 2),
        ("a/..", 2),
        ("a\nb", 2),
        ("a\x1b[2J", 2),
        ("\udcff", 2),
    ],
)
def test_an_illegal_name_is_answered_with_its_code(filename: str, reason: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        legal_name(filename)
    assert caught.value.reason == reason


def test_without_options_nothing_is_negotiated() -> None:
    assert negotiate(asked(), Mode.OCTET, 9, Limits(timeout_s=3)) == Terms(512, 1, 3, ())


def test_sensible_options_are_accepted_as_asked() -> None:
    request = asked(
        ("tsize", "0"), ("blksize", "1468"), ("timeout", "5"), ("WindowSize", "16"), ("x", "1")
    )
    assert negotiate(request, Mode.OCTET, 5302, Limits()) == Terms(
        1468,
        16,
        5,
        (("tsize", "5302"), ("blksize", "1468"), ("timeout", "5"), ("WindowSize", "16")),
    )


@pytest.mark.parametrize(
    ("option", "accepted"),
    [
        (("blksize", "8"), (("blksize", "8"),)),
        (("blksize", "65464"), (("blksize", "65464"),)),
        (("blksize", "65465"), (("blksize", "65464"),)),
        (("blksize", "9999999999"), (("blksize", "65464"),)),
        (("blksize", "7"), ()),
        (("blksize", "0"), ()),
        (("blksize", "-512"), ()),
        (("blksize", ""), ()),
        (("blksize", "512.0"), ()),
        (("blksize", "99999999999"), ()),
        (("blksize", "٥١٢"), ()),
        (("windowsize", "1"), (("windowsize", "1"),)),
        (("windowsize", "65535"), (("windowsize", "64"),)),
        (("windowsize", "0"), ()),
        (("windowsize", "x"), ()),
        (("timeout", "1"), (("timeout", "1"),)),
        (("timeout", "255"), (("timeout", "255"),)),
        (("timeout", "256"), ()),
        (("timeout", "0"), ()),
        (("tsize", "123"), (("tsize", "77"),)),
        (("tsize", "much"), ()),
        (("multicast", ""), ()),
    ],
)
def test_an_absurd_option_is_left_out_and_a_large_one_made_smaller(
    option: tuple[str, str], accepted: Options
) -> None:
    assert negotiate(asked(option), Mode.OCTET, 77, Limits()).accepted == accepted


def test_of_an_option_given_twice_the_first_counts() -> None:
    request = asked(("blksize", "1024"), ("BLKSIZE", "8"))
    assert negotiate(request, Mode.OCTET, 0, Limits()).accepted == (("blksize", "1024"),)


def test_tsize_is_left_out_for_netascii() -> None:
    assert negotiate(asked(("tsize", "0")), Mode.NETASCII, 9, Limits()).accepted == ()


def test_netascii_writes_line_ends_as_the_rfc_says() -> None:
    assert to_netascii(b"a\nb\rc\r\nd") == b"a\r\nb\r\0c\r\0\r\nd"


@given(st.binary())
def test_netascii_read_back_is_the_text(data: bytes) -> None:
    assert to_netascii(data).replace(b"\r\n", b"\n").replace(b"\r\0", b"\r") == data


@given(st.lists(st.tuples(st.text(), st.text()), max_size=6), st.integers(0, 2**40))
def test_any_options_give_terms_within_the_limits(
    options: list[tuple[str, str]], size: int
) -> None:
    terms = negotiate(asked(*options), Mode.OCTET, size, Limits())
    assert 8 <= terms.blksize <= 65464
    assert 1 <= terms.windowsize <= 64


@given(st.binary(max_size=600))
def test_any_bytes_are_a_request_or_a_remote_error(data: bytes) -> None:
    try:
        request = decode_request(data)
    except RemoteProtocolError as error:
        reason = error.reason
    else:
        reason = 0
        assert request is None or encode_packet(request) == data
    assert reason in (0, 2, 4, 5)
