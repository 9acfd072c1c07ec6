"""TVS messages against seed 002, the tools' transcripts and damage."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.tlv import Element
from cucmsim.formats.tvs import (
    Message,
    MessageType,
    QueryAnswer,
    QueryRequest,
    QueryTags,
    VerificationAnswer,
    VerificationRequest,
    decode_message,
    encode_message,
    message_size,
    parse_answer,
    parse_request,
    query_answer_message,
    query_message,
    verification_answer_message,
    verification_message,
)

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "vectors" / "tvs").glob("*.json"))

# Seed 002, its two dumps (the service prints 50 bytes of each) and its log lines.
REQUEST_DUMP = bytes.fromhex(
    "570103000000 03e9 008f 010018 0143502d383836312d534550423030304234424130414545"
    "030042 434e3d75636d31317075"
)
ANSWER_DUMP = bytes.fromhex(
    "570104f7000003e905be 07000100 0205ab"
    "308205a73082048fa003020102021324000000179479b8f124ac3f3b00000000"
)
SUBJECT = "CN=ucm11pub.stormin.local;OU=IST;O=Stormin;L=Brisbane;ST=QLD;C=AU"
QUERY = QueryRequest(
    "CP-8861-SEPB000B4BA0AEE",
    SUBJECT,
    "CN=stormin-WIN2012-CA",
    bytes.fromhex("24000000179479B8F124AC3F3B000000000017"),
)
CERTIFICATE = ANSWER_DUMP[17:] + bytes(1451 - len(ANSWER_DUMP[17:]))
FOUND = QueryAnswer(0, CERTIFICATE, (0, 3), 86400)


def test_the_query_of_seed_002_has_its_153_bytes() -> None:
    data = encode_message(query_message(1001, QUERY))
    assert len(data) == 153
    assert data[: len(REQUEST_DUMP)] == REQUEST_DUMP
    assert len(REQUEST_DUMP) == 50
    assert decode_message(data).length == 143


def test_the_answer_of_seed_002_has_its_1480_bytes() -> None:
    data = encode_message(query_answer_message(1001, FOUND, reserved=0xF7))
    assert len(data) == 1480
    assert data[: len(ANSWER_DUMP)] == ANSWER_DUMP
    assert data[-12:] == bytes.fromhex("0800020003 09000400015180")
    assert decode_message(data).length == 1470


def test_the_reserved_byte_is_zero_when_we_write_and_any_when_we_read() -> None:
    data = encode_message(query_answer_message(1001, FOUND))
    assert data[3] == 0
    with_rubbish = decode_message(data[:3] + b"\xf5" + data[4:])
    assert with_rubbish.reserved == 0xF5
    assert parse_answer(with_rubbish) == FOUND


@pytest.mark.parametrize("tags", [(4, 5), (5, 4), (5, 6), (6, 5), (4, 6), (6, 4)])
def test_issuer_and_serial_are_told_apart_under_any_tags(tags: tuple[int, int]) -> None:
    message = query_message(1, QUERY, QueryTags(*tags))
    assert parse_request(decode_message(encode_message(message))) == QUERY


@pytest.mark.parametrize(
    "serial", [b"", b"3", b"===", b"\x01CN=x", b"CN=\x07", bytes.fromhex("83e9080000005545af31")]
)
def test_a_serial_number_is_whatever_is_no_name(serial: bytes) -> None:
    query = QueryRequest("", "s", 'cn="SAST-ADN008580ef ";ou=IPCBU', serial)
    assert parse_request(query_message(1, query, QueryTags(5, 4))) == query


@pytest.mark.parametrize("issuer", ["CN=Zoë's CA;C=FR", "2.5.4.5=1;CN=x"])
def test_issuers_need_not_be_ascii_nor_start_with_a_common_name(issuer: str) -> None:
    query = QueryRequest("", "s", issuer, b"CN=twice")
    assert parse_request(query_message(1, query)) == query


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_what_the_tools_sent_is_read_and_written_back(path: Path) -> None:
    request_data, answer_data = (
        bytes.fromhex(entry["hex"]) for entry in json.loads(path.read_text())
    )
    request = parse_request(decode_message(request_data))
    assert isinstance(request, VerificationRequest)
    assert request.device_name == "CP-8861-SEPB000B4BA0AEE"
    assert encode_message(verification_message(1, request)) == request_data
    answer = parse_answer(decode_message(answer_data))
    assert isinstance(answer, VerificationAnswer)
    assert encode_message(verification_answer_message(1, answer)) == answer_data


def test_the_transcripts_say_trusted_and_not_trusted() -> None:
    answers = {
        path.stem: parse_answer(
            decode_message(bytes.fromhex(json.loads(path.read_text())[1]["hex"]))
        )
        for path in TRANSCRIPTS
    }
    assert answers == {
        "tvs-verify-callmanager-casigned": VerificationAnswer(0, (0, 3), 86400),
        "tvs-verify-callmanager-sub": VerificationAnswer(1),
        "tvs-verify-tomcat": VerificationAnswer(0, (7,), 86400),
    }


def test_a_query_without_answer_carries_the_reason_alone() -> None:
    data = encode_message(query_answer_message(7, QueryAnswer(1)))
    assert data == bytes.fromhex("57010400 00000007 0004 07000101")
    assert parse_answer(decode_message(data)) == QueryAnswer(1)


def test_unknown_elements_survive() -> None:
    message = Message(MessageType.QUERY_REQUEST, 5, (Element(200, b"new"), Element(1, b"")), 9)
    assert decode_message(encode_message(message)) == message


@pytest.mark.parametrize("size", range(len(ANSWER_DUMP)))
def test_the_size_is_known_when_the_header_is_there(size: int) -> None:
    assert message_size(ANSWER_DUMP[:size]) == (1480 if size >= 10 else None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("58", "protocol discriminator 0x58, expected 0x57 (at offset 0)"),
        ("5702", "version 0x02, expected 0x01 (at offset 1)"),
        ("570100", "message type 0, expected 1 to 4 (at offset 2)"),
        ("570105", "message type 5, expected 1 to 4 (at offset 2)"),
    ],
)
def test_a_wrong_start_is_refused_at_the_first_wrong_byte(data: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        message_size(bytes.fromhex(data))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("5701 01 00 00000001 0001 01", "expected 2 more bytes, found 0 (at offset 11)"),
        ("5701 01 00 00000001 0003 01ffff", "expected 65535 more bytes, found 0 (at offset 13)"),
        ("5701 01 00 00000001 0000 00", "1 bytes too many (at offset 10)"),
        ("5701 01 00 00000001", "expected 2 more bytes, found 0 (at offset 8)"),
        (
            "5701 01 00 00000001 0000",
            "TVS_MSG_CERT_VERIFICATION_REQ without element 2 (at offset 10)",
        ),
        (
            "5701 02 00 00000001 0000",
            "TVS_MSG_CERT_VERIFICATION_RES instead of a request (at offset 2)",
        ),
        ("5701 03 00 00000001 0003 030000", "a query without issuer (at offset 13)"),
        (
            "5701 03 00 00000001 000a 030000 040004 434e3d00",
            "a query without serial number (at offset 20)",
        ),
    ],
)
def test_a_damaged_request_is_refused_where_it_is_damaged(data: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_request(decode_message(bytes.fromhex(data)))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "5701 01 00 00000001 0000",
            "TVS_MSG_CERT_VERIFICATION_REQ instead of an answer (at offset 2)",
        ),
        ("5701 02 00 00000001 0005 0700020000", "element 7 of 2 bytes, expected 1 (at offset 10)"),
        (
            "5701 02 00 00000001 0008 07000100 09000100",
            "element 9 of 1 bytes, expected 4 (at offset 14)",
        ),
        (
            "5701 04 00 00000001 0004 07000100",
            "TVS_MSG_QUERY_CERT_RES without element 2 (at offset 14)",
        ),
    ],
)
def test_a_damaged_answer_is_refused_where_it_is_damaged(data: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_answer(decode_message(bytes.fromhex(data)))
    assert str(caught.value) == message


def test_a_message_that_its_length_field_cannot_hold_is_not_written() -> None:
    request = VerificationRequest("x", bytes(65535))
    with pytest.raises(ValueError, match="at most 65535"):
        encode_message(verification_message(1, request))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_format_error(data: bytes) -> None:
    try:
        message = decode_message(data)
    except FormatError:
        return
    assert encode_message(message) == data


_ELEMENTS = st.tuples(st.integers(0, 12), st.binary(max_size=12)).map(lambda pair: Element(*pair))


@given(st.sampled_from(MessageType), st.lists(_ELEMENTS, max_size=6))
def test_any_elements_are_understood_or_a_format_error(
    message_type: MessageType, elements: list[Element]
) -> None:
    message = decode_message(encode_message(Message(message_type, 1, tuple(elements))))
    for parse in (parse_request, parse_answer):
        try:
            parse(message)
        except FormatError:
            continue
