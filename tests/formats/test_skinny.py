"""SCCP's messages: layouts spelled out by hand, damaged streams, tshark as second reader."""

import json
import struct
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import RegistrationReason, device_tl_info
from cucmsim.formats.skinny import LARGEST, Frame, FrameStream, MessageId, encode_frame
from cucmsim.formats.skinny_answers import (
    LINE_BUTTON,
    Answer,
    ButtonTemplate,
    ConfigStat,
    LineStat,
    NoFields,
    NoSoftKeys,
    RegisterAck,
    RegisterReject,
    Reset,
    ResetType,
    Server,
    Servers,
    TimeDate,
    TokenAck,
    TokenReject,
    UnregisterAck,
    Version,
    decode_answer,
    encode_answer,
)
from cucmsim.formats.skinny_messages import (
    AvailableLines,
    Capabilities,
    IpPort,
    LineStatRequest,
    Plain,
    Register,
    Request,
    StationAlarm,
    TokenRequest,
    Unregister,
    XmlAlarm,
    decode_request,
    encode_request,
)
from tests.fixtures.programs import program

NAME = "SEP001B54C25A01"
REGISTER = Register(
    NAME,
    address=bytes((10, 1, 2, 3)),
    device_type=434,
    max_streams=5,
    protocol_version=22,
    features=0x8510,
    mac=bytes.fromhex("001b54c25a01"),
    line_count=2,
    load="SCCP42.9-4-2SR3-1S",
    config_stamp="1700000000-11111111-2222",
)
ALARM_TEXT = f"25: Name={NAME} Load=SCCP42.9-4-2SR3-1S Last=Initialized"
REQUESTS: list[Request] = [
    REGISTER,
    TokenRequest(NAME, address=bytes((10, 1, 2, 3)), device_type=434),
    IpPort(0x4000),
    LineStatRequest(2),
    AvailableLines(2),
    Unregister(3),
    Capabilities(((4, 40), (2, 40), (11, 60))),
    StationAlarm(2, ALARM_TEXT, 0x400, 0x0302010A),
    XmlAlarm(device_tl_info(NAME, "10.1.2.3")),
    *map(
        Plain,
        (
            MessageId.KEEPALIVE,
            MessageId.CONFIG_STAT_REQUEST,
            MessageId.TIME_DATE_REQUEST,
            MessageId.BUTTON_TEMPLATE_REQUEST,
            MessageId.VERSION_REQUEST,
            MessageId.SERVER_REQUEST,
            MessageId.SOFT_KEY_SET_REQUEST,
            MessageId.SOFT_KEY_TEMPLATE_REQUEST,
        ),
    ),
]
NOW = datetime(2024, 3, 10, 13, 14, 15, 678_000, UTC)
ANSWERS: list[Answer] = [
    RegisterAck(30, "D.M.YA", 60, 11),
    RegisterReject("Unknown device SEP1"),
    Reset(ResetType.RESTART),
    UnregisterAck(),
    TokenAck(),
    TokenReject(90),
    LineStat(1, "2001", "Reception", "Desk"),
    ConfigStat(NAME, server_name="cucm-pub", line_count=2),
    TimeDate.of(NOW),
    Version("SCCP42.9-4-2SR3"),
    Servers((Server("cucm-pub", 2000, bytes((10, 0, 0, 1))), Server("cucm-sub", 2001))),
    ButtonTemplate(((1, LINE_BUTTON), (2, LINE_BUTTON))),
    NoSoftKeys(MessageId.SOFT_KEY_TEMPLATE),
    NoSoftKeys(MessageId.SOFT_KEY_SETS),
    NoFields(MessageId.KEEPALIVE_ACK),
    NoFields(MessageId.CAPABILITIES_REQUEST),
]


def ids(value: object) -> str:
    return type(value).__name__


# bytes spelled out by hand from the layouts of packet-skinny and chan-sccp


def test_a_register_lies_as_the_dissector_has_it() -> None:
    data = encode_frame(encode_request(REGISTER))
    expected = struct.pack(
        "<III 16sII 4sIII BBH II 6s6x II 16sI 32s48s16x",
        *(4 + 188, 0, 1),
        *(NAME.encode(), 0, 1),
        *(bytes((10, 1, 2, 3)), 434, 5, 0),
        *(22, 0, 0x8510),
        *(0, 0),
        bytes.fromhex("001b54c25a01"),
        *(0, 2),
        *(bytes(16), 0),
        *(b"SCCP42.9-4-2SR3-1S", b"1700000000-11111111-2222"),
    )
    assert data == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (NoFields(MessageId.KEEPALIVE_ACK), "04000000 00000000 00010000"),
        (Reset(1), "08000000 00000000 9f000000 01000000"),
        (UnregisterAck(), "08000000 00000000 18010000 00000000"),
        (
            RegisterAck(30, "M/D/Y", 60, 11),
            "18000000 00000000 81000000 1e000000 4d2f442f59000000 3c000000 0b000000",
        ),
        (TokenAck(), "08000000 00000000 1a010000 00000000"),
    ],
    ids=ids,
)
def test_short_answers_have_these_bytes(message: Answer, expected: str) -> None:
    assert encode_frame(encode_answer(message)).hex() == expected.replace(" ", "")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Plain(MessageId.KEEPALIVE), "04000000 00000000 00000000"),
        (Unregister(), "08000000 00000000 27000000 00000000"),
        (LineStatRequest(1), "08000000 00000000 0b000000 01000000"),
        (IpPort(0x4000), "08000000 00000000 02000000 00400000"),
    ],
    ids=ids,
)
def test_short_requests_have_these_bytes(message: Request, expected: str) -> None:
    assert encode_frame(encode_request(message)).hex() == expected.replace(" ", "")


@pytest.mark.parametrize("message", REQUESTS, ids=ids)
def test_a_request_is_read_as_it_was_written(message: Request) -> None:
    assert decode_request(encode_request(message)) == message


@pytest.mark.parametrize("message", ANSWERS, ids=ids)
def test_an_answer_is_read_as_it_was_written(message: Answer) -> None:
    assert decode_answer(encode_answer(message)) == message


# what phones and servers of other ages send


def test_a_register_of_an_old_phone_ends_after_its_streams() -> None:
    payload = encode_request(REGISTER).payload
    assert decode_request(Frame(1, payload[:36])) == Register(
        NAME, address=bytes((10, 1, 2, 3)), device_type=434, max_streams=5
    )
    with pytest.raises(FormatError, match="a payload of 35 bytes, expected at least 36"):
        decode_request(Frame(1, payload[:35]))


def test_what_follows_the_known_fields_is_not_looked_at() -> None:
    payload = encode_request(REGISTER).payload
    assert decode_request(Frame(1, payload + b"more")) == REGISTER


def test_an_unregister_may_have_no_reason() -> None:
    assert decode_request(Frame(0x27)) == Unregister(0)


@pytest.mark.parametrize("name", ["", "SEP\x01", "\x7f"])
def test_a_device_name_must_be_printable(name: str) -> None:
    with pytest.raises(FormatError, match="expected printable characters"):
        decode_request(encode_request(Register(name)))
    with pytest.raises(FormatError, match="expected printable characters"):
        decode_request(encode_request(TokenRequest(name)))


def test_an_unknown_message_stays_as_it_is() -> None:
    frame = Frame(0x1234, b"abc", 17)
    assert decode_request(frame) is frame
    assert decode_answer(frame) is frame
    assert (frame.name, Frame(1).name) == ("message 0x1234", "REGISTER")


def test_more_codecs_or_buttons_than_there_can_be_are_refused() -> None:
    with pytest.raises(FormatError, match="19 codecs, expected at most 18"):
        decode_request(Frame(MessageId.CAPABILITIES, struct.pack("<I", 19) + bytes(19 * 16)))
    with pytest.raises(FormatError, match="43 buttons, expected at most 42"):
        decode_answer(Frame(MessageId.BUTTON_TEMPLATE, struct.pack("<III", 0, 43, 43)))


def test_what_has_no_room_is_cut() -> None:
    long = "x" * 100
    assert decode_answer(encode_answer(RegisterReject(long))) == RegisterReject("x" * 31)
    assert decode_answer(encode_answer(LineStat(1, "1", "Łukasz"))) == LineStat(1, "1", "?ukasz")
    many = ButtonTemplate(tuple((place, 9) for place in range(1, 60)))
    assert decode_answer(encode_answer(many)) == ButtonTemplate(many.buttons[:42])
    servers = Servers(tuple(Server(f"s{place}", 2000) for place in range(7)))
    assert decode_answer(encode_answer(servers)) == Servers(servers.servers[:5])
    assert len(encode_answer(servers).payload) == 280


def test_a_time_is_told_in_its_zone_and_in_unix_seconds() -> None:
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    assert TimeDate.of(NOW) == TimeDate(2024, 3, 0, 10, 13, 14, 15, 678, 1710076455)
    assert (TimeDate.of(berlin).hour, TimeDate.of(berlin).unix_time) == (14, 1710076455)


def test_an_alarm_tells_why_the_phone_was_without_service() -> None:
    alarm = StationAlarm(2, ALARM_TEXT, 1, 2)
    load = "SCCP42.9-4-2SR3-1S"
    assert alarm.reason == RegistrationReason(25, NAME, load, last="Initialized")
    assert [(one.name, one.value) for one in alarm.alarm.parameters] == [
        ("AlarmSeverity", "2"),
        ("Text", ALARM_TEXT),
        ("Parm1", "1"),
        ("Parm2", "2"),
    ]
    assert StationAlarm(2, "no = sense\n").reason == RegistrationReason()


def test_an_alarm_in_xml_fills_2000_bytes_or_more() -> None:
    frame = encode_request(XmlAlarm(device_tl_info(NAME, "10.1.2.3")))
    assert len(frame.payload) == 2000
    assert frame.payload.endswith(
        b"</x-cisco-alarm>" + bytes(2000 - len(frame.payload.rstrip(b"\0")))
    )
    with pytest.raises(FormatError):
        decode_request(Frame(MessageId.XML_ALARM, b"<x-cisco-alarm>"))


# streams


def test_a_stream_may_be_cut_anywhere() -> None:
    frames = [encode_request(message) for message in REQUESTS]
    stream, found = FrameStream(), []
    for byte in b"".join(map(encode_frame, frames)):
        stream.feed(bytes((byte,)))
        while frame := stream.next_frame():
            found.append(frame)
    assert found == frames
    assert stream.is_empty


@pytest.mark.parametrize("size", [0, 3, LARGEST + 1, 0xFFFFFFFF])
def test_a_wrong_length_is_refused_before_anything_is_held(size: int) -> None:
    stream = FrameStream()
    stream.feed(size.to_bytes(4, "little"))
    with pytest.raises(FormatError, match=f"a message of {size} bytes, expected 4 to {LARGEST}"):
        stream.next_frame()


def test_half_a_message_is_none() -> None:
    stream = FrameStream()
    stream.feed(encode_frame(Frame(0x20, bytes(92)))[:-1])
    assert stream.next_frame() is None
    assert not stream.is_empty


@given(st.integers(0, 0x200), st.binary(max_size=400))
def test_any_payload_is_read_or_refused(number: int, payload: bytes) -> None:
    for decode in (decode_request, decode_answer):
        try:
            decode(Frame(number, payload))
        except FormatError:
            continue


# tshark


def leaves(tree: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Give the fields of a dissection, however deep they lie."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, key.removeprefix("skinny."))
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value, name)
    else:
        yield name, str(tree)


def dissected(tmp_path: Path, frames: list[Frame]) -> list[dict[str, list[str]]]:
    """Have Wireshark read messages, each in a TCP segment of its own."""
    tshark, text2pcap = program("tshark"), program("text2pcap")
    dump = "".join(f"0000 {encode_frame(frame).hex(' ')}\n" for frame in frames)
    (tmp_path / "hex").write_text(dump)
    capture = str(tmp_path / "sccp.pcap")
    convert = [text2pcap, "-q", "-T", "50000,2000", str(tmp_path / "hex"), capture]
    subprocess.run(convert, check=True, capture_output=True, timeout=60)
    command = [tshark, "-r", capture, "-T", "json", "--no-duplicate-keys"]
    text = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    found: list[dict[str, list[str]]] = []
    for packet in json.loads(text):
        fields: dict[str, list[str]] = {}
        for name, value in leaves(packet["_source"]["layers"]["skinny"]):
            fields.setdefault(name, []).append(value)
        found.append(fields)
    assert len(found) == len(frames)
    assert "_ws.malformed" not in text.decode()
    return found


@pytest.mark.interop
def test_wireshark_reads_what_a_phone_says(tmp_path: Path) -> None:
    frames = [encode_request(message) for message in REQUESTS]
    found = dissected(tmp_path, frames)
    assert [one["messageId"] for one in found] == [[str(frame.message_id)] for frame in frames]
    register, token, port, line, available, _, codecs, alarm = found[:8]
    wanted = {
        "DeviceName": NAME,
        "instance": "1",
        "stationIpAddr": "10.1.2.3",
        "deviceType": "0x000001b2",
        "maxStreams": "5",
        "protocolVer": "22",
        "macAddress": "00:1b:54:c2:5a:01",
        "maxNumberOfLines": "2",
        "firmwareLoadName": REGISTER.load,
        "configVersionStamp": REGISTER.config_stamp,
    }
    assert {key: register[key] for key in wanted} == {key: [wanted[key]] for key in wanted}
    assert (token["DeviceName"], token["deviceType"]) == ([NAME], ["0x000001b2"])
    assert (port["rtpMediaPort"], line["lineNumber"]) == (["16384"], ["2"])
    assert available["maxNumOfAvailLines"] == ["2"]
    assert codecs["payloadCapability"] == ["0x00000004", "0x00000002", "0x0000000b"]
    assert codecs["maxFramesPerPacket"] == ["40", "40", "60"]
    assert alarm["text"] == [ALARM_TEXT]
    assert (alarm["parm1"], alarm["parm2"]) == (["1024"], [str(0x0302010A)])


@pytest.mark.interop
def test_wireshark_reads_what_a_server_says(tmp_path: Path) -> None:
    frames = [encode_answer(message) for message in ANSWERS]
    found = dissected(tmp_path, frames)
    assert [one["messageId"] for one in found] == [[str(frame.message_id)] for frame in frames]
    ack, reject, reset, left, _, token, line, config, time, version, servers, buttons = found[:12]
    assert (ack["keepAliveInterval"], ack["secondaryKeepAliveInterval"]) == (["30"], ["60"])
    assert (ack["dateTemplate"], ack["maxProtocolVer"]) == (["D.M.YA"], ["11"])
    assert reject["text"] == ["Unknown device SEP1"]
    assert (reset["resetType"], left["status"]) == (["0x00000002"], ["0x00000000"])
    assert token["waitTimeBeforeNextReq"] == ["90"]
    names = ("lineNumber", "lineDirNumber", "lineFullyQualifiedDisplayName", "lineTextLabel")
    assert [line[name] for name in names] == [["1"], ["2001"], ["Reception"], ["Desk"]]
    assert (config["serverName"], config["numberOfLines"]) == (["cucm-pub"], ["2"])
    clock = ("wYear", "wMonth", "wDayOfWeek", "wDay", "wHour", "wMinute", "wSecond", "systemTime")
    told = [*map(str, (2024, 3, 0, 10, 13, 14, 15, 1710076455))]
    assert [value for name in clock for value in time[name]] == told
    assert version["versionStr"] == ["SCCP42.9-4-2SR3"]
    assert servers["ServerName"][:2] == ["cucm-pub", "cucm-sub"]
    assert servers["serverTcpListenPort"] == ["2000", "2001", "0", "0", "0"]
    assert buttons["buttonDefinition"] == ["0x09", "0x09"]
