"""Bodies of SIP messages: parts, features, alarms, orders."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import (
    Alarm,
    AlarmParameter,
    OutOfServiceReason,
    RegistrationReason,
    device_tl_info,
    format_alarm,
    format_registration_reason,
    last_out_of_service,
    parse_alarm,
    parse_registration_reason,
)
from cucmsim.formats.remotecc import (
    BULK_REGISTER,
    OPTIONS_INDICATION,
    RemoteccOffer,
    format_register_response,
    parse_offer,
    register_body,
)
from cucmsim.formats.servicecontrol import (
    NO_STAMP,
    Action,
    ServiceControl,
    format_service_control,
    parse_service_control,
)
from cucmsim.formats.sip import Header, Request, parse_message
from cucmsim.formats.sip_multipart import Part, bodies_of, format_multipart, parse_multipart

SIP = Path(__file__).parents[1] / "vectors" / "sip"
CALL_ID = "c80084aa-87430003-255b99f4-783a63d4@192.168.7.104"


def body(name: str) -> bytes:
    return parse_message((SIP / name).read_bytes()).body


# parts and features


def test_the_body_of_the_first_register_is_the_published_one() -> None:
    assert register_body() == body("register.sip")
    assert (len(BULK_REGISTER), len(OPTIONS_INDICATION)) == (185, 856)
    assert (SIP / "bulkregister.xml").read_bytes() == BULK_REGISTER
    assert (SIP / "optionsind.xml").read_bytes() == OPTIONS_INDICATION


def test_the_parts_of_the_register_are_read() -> None:
    first, second = bodies_of(parse_message((SIP / "register.sip").read_bytes()))
    assert (first.body, second.body) == (BULK_REGISTER, OPTIONS_INDICATION)
    assert first.content_type == "application/x-cisco-remotecc-request+xml"
    assert [header.name for header in first.headers] == ["Content-Type", "Content-Disposition"]


def test_the_answer_selects_from_the_offer() -> None:
    offer = parse_offer(parse_message((SIP / "register.sip").read_bytes()))
    assert offer.all_lines
    assert "dialog hook status" in offer.options
    assert format_register_response(offer) == body("register-ok.sip")
    nothing = format_register_response(RemoteccOffer())
    assert b"<optionsind>\n</optionsind>" in nothing


def test_a_register_without_such_a_body_offers_nothing() -> None:
    assert parse_offer(Request()) == RemoteccOffer()
    assert parse_offer(Request((Header("c", "text/plain"),), b"x")) == RemoteccOffer()
    assert parse_offer(Request((), b"x")) == RemoteccOffer()


def test_parts_are_cut_and_joined() -> None:
    parts = (Part((Header("A", "b"),), b"one\r\n--x"), Part((), b""))
    written = format_multipart(parts, "xy")
    assert written == b"--xy\r\nA: b\r\n\r\none\r\n--x\r\n--xy\r\n\r\n\r\n--xy--\r\n"
    assert parse_multipart(written, "xy") == parts
    assert parts[1].content_type == ""


@pytest.mark.parametrize(
    ("data", "boundary", "problem"),
    [
        (b"", "", "a boundary of 0 characters"),
        (b"", "x" * 71, "a boundary of 71 characters"),
        (b"nothing", "x", "no end of the parts"),
        (b"--x\r\n\r\nbody", "x", "no end of the parts"),
        (b"--xtra\r\n\r\n\r\n--x--", "x", "b'tra' behind a boundary"),
        (b"--x\r\nA: b\r\n--x--", "x", "without a blank line"),
        (b"--x\r\nA b\r\n\r\n\r\n--x--", "x", "is no header"),
        (b"--x\r\n\r\n\r\n" * 21 + b"--x--", "x", "21 parts, expected at most 20"),
    ],
)
def test_wrong_parts_are_refused(data: bytes, boundary: str, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        parse_multipart(data, boundary)


BOMB = b'<!DOCTYPE a [<!ENTITY b "c">]><x-cisco-alarm>&b;</x-cisco-alarm>'


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "XML that cannot be read"),
        (b" " * 8193, "an alarm of 8193 bytes"),
        (b"<a", "XML that cannot be read"),
        (b"<a/>", "XML of 'a', expected x-cisco-alarm"),
        (BOMB, "document type"),
        (b"<x-cisco-alarm/>", "no alarm with a name"),
        (b"<x-cisco-alarm><Alarm/></x-cisco-alarm>", "no alarm with a name"),
        (b'<x-cisco-alarm><Alarm Name="a&#10;b"/></x-cisco-alarm>', "no alarm with a name"),
        (
            b'<x-cisco-alarm><Alarm Name="a"><ParameterList>'
            + b"<String/>" * 101
            + b"</ParameterList></Alarm></x-cisco-alarm>",
            "101 parameters, expected at most 100",
        ),
    ],
)
def test_wrong_alarms_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        parse_alarm(data)


@given(st.binary(max_size=200))
def test_noise_is_a_body_or_a_format_error(noise: bytes) -> None:
    for read in (parse_alarm, parse_service_control, lambda data: parse_multipart(data, "x")):
        with contextlib.suppress(FormatError):
            read(noise)


# alarms


def test_the_published_alarm_is_written_and_read() -> None:
    digest = bytes.fromhex("1BA1" + "".join(f"{x:02x}" for x in range(0x10, 0x21)) + "6D")
    alarm = device_tl_info(
        "SEPC80084AA8743", "192.168.7.104", itl_sha1=digest, itl_server="cucm-115.home.lab"
    )
    assert format_alarm(alarm) == body("refer-alarm.sip")
    assert len(format_alarm(alarm)) == 569
    assert parse_alarm(body("refer-alarm.sip")) == alarm
    assert alarm.value("CTL_Signature") == "Not Installed"
    assert alarm.value("CTL_Signatur") is None


def test_the_last_loss_of_service_has_its_parameters_in_order() -> None:
    alarm = last_out_of_service((("DeviceName", "SEP1"), ("ReasonForOutOfService", "25")))
    lines = format_alarm(alarm).decode().splitlines()
    assert lines[4] == '<String name="DeviceName">SEP1</String>'
    assert lines[14] == '<Enum name="DHCPv4Status">0</Enum>'
    assert lines[24] == '<Enum name="ReasonForOutOfService">25</Enum>'
    assert parse_alarm(format_alarm(alarm)) == alarm
    assert len(alarm.parameters) == 23


def test_text_of_an_alarm_is_escaped() -> None:
    alarm = Alarm('a"<', (AlarmParameter("b&", "<c>"),))
    assert parse_alarm(format_alarm(alarm)) == alarm


def test_the_published_reason_is_written_and_read() -> None:
    value = parse_message((SIP / "register.sip").read_bytes()).only("Reason")
    reason = RegistrationReason(
        OutOfServiceReason.RESTART,
        "SEPC80084AA8743",
        "sip78xx.12-1-1-12.loads",
        "sip78xx.10-3-1-12.loads",
        OutOfServiceReason.RESTART.text,
    )
    assert format_registration_reason(reason) == value
    assert parse_registration_reason(value) == reason
    assert OutOfServiceReason.INITIALIZED.text == "initialized"
    assert OutOfServiceReason.CM_CLOSED_TCP.text == "cm-closed-tcp"


def test_the_reason_of_an_old_phone_is_read() -> None:
    value = 'SIP;cause=200;text="cisco-alarm:25 Name=SEP1 Load=SIP70.8-4-0-28S Last=initialized"'
    assert parse_registration_reason(value) == RegistrationReason(
        25, "SEP1", "SIP70.8-4-0-28S", "", "initialized"
    )
    assert parse_registration_reason("Q.850;cause=16") == RegistrationReason()
    assert format_registration_reason(RegistrationReason()).startswith(
        'SIP;cause=200;text="cisco-alarm:0 Name='
    )


# orders


def test_the_published_order_is_written_and_read() -> None:
    control = ServiceControl(Action.RESET, CALL_ID)
    assert format_service_control(control) == body("notify-reset.sip")
    assert parse_service_control(body("notify-reset.sip")) == control
    assert control.has_stamps


def test_other_lines_of_an_order_are_kept() -> None:
    data = b"action=apply-config\nRegisterCallId={a@b}\nCUCMResult={no_change}\nLoadId=x\n\n"
    control = parse_service_control(data)
    assert control.others == (("CUCMResult", "no_change"), ("LoadId", "x"))
    assert (control.config_stamp, control.has_stamps) == (None, False)
    assert format_service_control(control) == (
        b"action=apply-config\r\nRegisterCallId={a@b}\r\nCUCMResult={no_change}\r\nLoadId={x}\r\n"
    )
    assert parse_service_control(b"action=reset").register_call_id == ""
    assert NO_STAMP.count("-") == 4


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff", "not UTF-8"),
        (b"", "no action"),
        (b"reset", "expected key="),
        (b"action={reset", "expected key="),
        (b"action=reset\naction=restart", "twice"),
        (b"\n".join(b"k%d=1" % count for count in range(33)), "33 lines"),
    ],
)
def test_what_is_no_order_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        parse_service_control(data)
