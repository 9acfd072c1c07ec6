"""The registrar's side of a connection: the published exchange, every state, bad phones."""

import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import FormatError, LocalProtocolError, RemoteProtocolError
from cucmsim.formats.phonealarms import ALARM_TYPE
from cucmsim.formats.servicecontrol import Action, ServiceControl
from cucmsim.formats.sip import Header, Request, Response, parse_message
from cucmsim.formats.sip_multipart import bodies_of
from cucmsim.pki.release import Release
from cucmsim.protocols.sip_common import Instant, Transactions, address_pair
from cucmsim.protocols.sip_orders import ServerIdentity
from cucmsim.protocols.sip_registrar import (
    TRANSITIONS,
    KeptAlive,
    OrderAnswered,
    OrderUnanswered,
    RegistrarInput,
    RegistrarState,
    SipRegistrar,
    Unregistered,
)
from cucmsim.protocols.sip_requests import (
    AlarmReported,
    Asked,
    BadRequest,
    RegisterRequested,
    StrayResponse,
)

SIP = Path(__file__).parents[1] / "vectors" / "sip"
REGISTER, REFER = ((SIP / name).read_bytes() for name in ("register.sip", "refer-alarm.sip"))
START = datetime(2019, 3, 9, 18, 32, 46, tzinfo=UTC)
ME = ServerIdentity("UCM2-PUB", "192.168.7.200", 5060, "TCP", Release(11, 5))
CALL_ID = "c80084aa-87430003-255b99f4-783a63d4@192.168.7.104"
CONTACT = '<sip:1234@192.168.7.104:51778;transport=tcp>;+u.sip!devicename.ccm.cisco.com="SEP1"'
S, In = RegistrarState, RegistrarInput


class FixedEntropy:
    """The tag of the published answer, whatever is drawn."""

    def token(self, size: int) -> bytes:
        return (2121423204).to_bytes(max(size, 4), "big")[-size:]


def at(seconds: float = 0) -> Instant:
    return Instant(1000 + seconds, START + timedelta(seconds=seconds))


def registrar(state: RegistrarState = S.OPEN) -> SipRegistrar:
    found = SipRegistrar(ME, FixedEntropy())
    if state in (S.HELD, S.REASKED):
        register(found)
        found.accept(at(), is_new=True, expires_s=120)
    if state in (S.ASKED, S.REASKED):
        register(found)
    if state is S.CLOSED:
        found.receive_data(b"\x16")
        with pytest.raises(RemoteProtocolError):
            found.next_event(at())
    found.data_to_send()
    return found


def request(
    method: str = "REGISTER",
    *,
    call_id: str = CALL_ID,
    contact: str | None = CONTACT,
    body: bytes = b"",
    **headers: str,
) -> bytes:
    """Write a request of the phone SEP1; keywords add headers, `_` standing for `-`."""
    lines = [
        f"{method} sip:192.168.7.200 SIP/2.0",
        "Via: SIP/2.0/TCP 192.168.7.104:51778;branch=z9hG4bK1",
        "From: <sip:1234@192.168.7.200>;tag=1",
        "To: <sip:1234@192.168.7.200>",
        f"Call-ID: {call_id}",
        f"CSeq: 101 {method}",
        *([] if contact is None else [f"Contact: {contact}"]),
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def register(found: SipRegistrar) -> RegisterRequested:
    found.receive_data(request())
    event = found.next_event(at())
    assert isinstance(event, RegisterRequested)
    return event


def sent(found: SipRegistrar) -> list[Response | Request]:
    return [parse_message(data) for data in found.data_to_send()]


def statuses(found: SipRegistrar) -> list[int]:
    return [message.status for message in sent(found) if isinstance(message, Response)]


def answer(order: Request, status: int = 200) -> bytes:
    copied = [
        f"{header.line}\r\n"
        for header in order.headers
        if header.key in ("via", "from", "to", "call-id", "cseq")
    ]
    return f"SIP/2.0 {status} Text\r\n{''.join(copied)}Content-Length: 0\r\n\r\n".encode()


def order_to(found: SipRegistrar) -> Request:
    found.order(at(), ServiceControl(Action.RESET, CALL_ID))
    (message,) = sent(found)
    assert isinstance(message, Request)
    return message


# the published exchange


def test_the_published_registration_is_answered_byte_for_byte() -> None:
    found = SipRegistrar(ME, FixedEntropy())
    found.receive_data(REFER + REGISTER)
    alarm = found.next_event(at())
    assert isinstance(alarm, AlarmReported)
    assert (alarm.device_name, alarm.alarms[0].name) == ("SEPC80084AA8743", "DeviceTLInfo")
    asked = found.next_event(at())
    assert isinstance(asked, RegisterRequested)
    assert found.next_event(at()) is None
    assert (asked.call_id, asked.device_name, asked.number) == (CALL_ID, "SEPC80084AA8743", "2222")
    assert (asked.expires_s, asked.model, asked.user_agent) == (3600, "621", "Cisco-CP7821/12.1.1")
    assert (asked.reason.alarm, asked.reason.last) == (23, "reset-restart")
    assert asked.offer.all_lines
    found.accept(at(), is_new=True, expires_s=120)
    assert found.data_to_send() == (
        (SIP / "refer-accepted.sip").read_bytes(),
        (SIP / "trying.sip").read_bytes(),
        (SIP / "register-ok.sip").read_bytes(),
    )
    assert (found.registration, found.state) == (asked, S.HELD)


def test_the_published_refusal_is_written_byte_for_byte() -> None:
    found = SipRegistrar(ME, FixedEntropy())
    found.receive_data(REGISTER)
    found.next_event(at())
    found.refuse(at(), warning="SIP OAuth Registration port Mismatch")
    _, refusal = found.data_to_send()
    assert refusal == (SIP / "forbidden.sip").read_bytes()
    assert found.registration is None


def test_the_order_has_the_form_of_the_published_one() -> None:
    me = ServerIdentity("pub", "192.168.7.200", 5060, "TCP", Release(12, 5))
    found = SipRegistrar(me, FixedEntropy())
    found.receive_data(REGISTER)
    found.next_event(at())
    found.accept(at(), is_new=True, expires_s=120)
    found.data_to_send()
    found.order(at(), ServiceControl(Action.RESET, CALL_ID))
    (data,) = found.data_to_send()
    published = (SIP / "notify-reset.sip").read_bytes()
    drawn = re.compile(rb"branch=\S+|tag=\d+|Call-ID: \S+|Date: [^\r]+")
    assert drawn.sub(b"", data) == drawn.sub(b"", published)


@pytest.mark.parametrize(
    ("release", "interface"),
    [("11.5", "8.0.0"), ("12.0", "9.0.0"), ("12.5", "9.2.0"), ("14", "10.0.0"), ("8.6", "8.0.0")],
)
def test_the_release_shows_in_what_the_server_says(release: str, interface: str) -> None:
    me = ServerIdentity("pub", "2001:db8::1", 5061, "TLS", Release.parse(release))
    assert me.supported == f"X-cisco-srtp-fallback,X-cisco-sis-{interface}"
    assert me.server.startswith("Cisco-CUCM")
    assert me.contact == "<sip:[2001:db8::1]:5061;transport=tls>"
    assert address_pair("192.0.2.1", 1) == "192.0.2.1:1"


# every state with every input

DECISIONS: dict[RegistrarInput, Callable[[SipRegistrar], object]] = {
    In.ACCEPT: lambda found: found.accept(at(), is_new=False, expires_s=120),
    In.REFUSE: lambda found: found.refuse(at(), warning="no"),
    In.ORDER: lambda found: found.order(at(), ServiceControl(Action.RESET, CALL_ID)),
    In.FORGET: SipRegistrar.forget,
}
RECEIVED: dict[RegistrarInput, bytes] = {
    In.REGISTER: request(),
    In.UNREGISTER: request(Expires="0"),
    In.REQUEST: request("OPTIONS"),
    In.RESPONSE: answer(Request((Header("Via", "SIP/2.0/TCP a"), Header("CSeq", "1 NOTIFY")))),
    In.FAULT: b"\x16\x03",
}


@pytest.mark.parametrize(("state", "what"), list(product(S, DECISIONS)))
def test_a_decision_is_possible_where_the_table_has_it(
    state: RegistrarState, what: RegistrarInput
) -> None:
    found = registrar(state)
    expected = TRANSITIONS.get((state, what))
    if expected is None:
        with pytest.raises(LocalProtocolError, match=f"{what.value} is not possible while"):
            DECISIONS[what](found)
        assert found.state is state
    else:
        DECISIONS[what](found)
        assert found.state is expected


@pytest.mark.parametrize(("state", "what"), list(product(S, RECEIVED)))
def test_what_the_phone_sends_moves_as_the_table_says_or_waits(
    state: RegistrarState, what: RegistrarInput
) -> None:
    found = registrar(state)
    found.receive_data(RECEIVED[what])
    expected = TRANSITIONS.get((state, what), state)
    with (
        pytest.raises(RemoteProtocolError)
        if what is In.FAULT and expected is S.CLOSED and (state is not S.CLOSED)
        else contextlib.nullcontext()
    ):
        found.next_event(at())
    assert found.state is expected
    if state in (S.ASKED, S.REASKED, S.CLOSED):
        assert found.data_to_send() == ()


def test_what_waited_during_a_decision_is_read_after_it() -> None:
    found = registrar(S.ASKED)
    found.receive_data(request("OPTIONS"))
    assert found.next_event(at()) is None
    found.accept(at(), is_new=True, expires_s=120)
    assert found.next_event(at()) == Asked("OPTIONS", "sip:192.168.7.200")


# registering


def test_a_refresh_gets_neither_mark_nor_body() -> None:
    found = registrar(S.HELD)
    register(found)
    found.accept(at(), is_new=False, expires_s=120)
    trying, okay = sent(found)
    assert isinstance(trying, Response)
    assert (trying.status, okay.body) == (100, b"")
    assert okay.only("Contact") == CONTACT
    assert (okay.only("Expires"), okay.value("Supported")) == ("120", None)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (S.HELD, request(Expires="0", call_id="other@phone")),
        (S.OPEN, request(Expires="0")),
        (S.HELD, request(Expires="3600", contact=f"{CONTACT};expires=0;cisco-keep-alive")),
    ],
)
def test_a_keepalive_changes_nothing(state: RegistrarState, message: bytes) -> None:
    found = registrar(state)
    found.receive_data(message)
    event = found.next_event(at())
    assert isinstance(event, KeptAlive)
    assert (event.device_name, found.state) == ("SEP1", state)
    assert statuses(found) == [100, 200]


def test_expiry_at_once_with_the_call_id_of_the_registration_ends_it() -> None:
    found = registrar(S.HELD)
    order_to(found)
    found.receive_data(request(Expires="0"))
    event = found.next_event(at())
    assert isinstance(event, Unregistered)
    assert found.next_event(at()) == OrderUnanswered(1)
    assert (found.registration, found.state) == (None, S.OPEN)


@pytest.mark.parametrize(
    ("contact", "name"),
    [
        ('<sip:1@a>;+sip.instance="<urn:uuid:0-c80084aa8743>"', "SEPC80084AA8743"),
        ("<sip:1@a>;+sip.instance=strange", "SEP2"),
        ("<sip:1@a>", "SEP2"),
    ],
)
def test_the_name_of_the_device_is_found(contact: str, name: str) -> None:
    found = registrar()
    reason = 'SIP;cause=200;text="cisco-alarm:25 Name=SEP2 Load=x Last=initialized"'
    found.receive_data(request(contact=contact, Reason=reason))
    event = found.next_event(at())
    assert isinstance(event, RegisterRequested)
    assert (event.device_name, event.reason.active_load) == (name, "x")


def test_a_reason_that_cannot_be_read_is_none_and_expires_is_an_hour_at_first() -> None:
    found = registrar()
    found.receive_data(request(Reason='SIP;text="'))
    event = found.next_event(at())
    assert isinstance(event, RegisterRequested)
    assert (event.reason.alarm, event.expires_s) == (None, 3600)


# other requests


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        ("INVITE", 501),
        ("SUBSCRIBE", 489),
        ("NOTIFY", 481),
        ("BYE", 481),
        ("CANCEL", 481),
        ("PUBLISH", 405),
        ("x", 405),
    ],
)
def test_other_methods_get_a_clear_answer(method: str, status: int) -> None:
    found = registrar()
    found.receive_data(request(method))
    assert found.next_event(at()) == Asked(method, "sip:192.168.7.200")
    (message,) = sent(found)
    assert isinstance(message, Response)
    assert message.status == status
    if status in (200, 405):
        assert message.only("Allow") == "REGISTER,REFER,OPTIONS"
    if status == 501:
        assert message.only("Warning") == '399 UCM2-PUB "This server makes no calls"'


def test_an_ack_is_not_answered() -> None:
    found = registrar()
    found.receive_data(request("ACK") + request("ACK", Content_Type="text"))
    assert found.next_event(at()) == Asked("ACK", "sip:192.168.7.200")
    assert isinstance(found.next_event(at()), BadRequest)
    assert sent(found) == []


def test_a_phone_may_ask_to_come_back() -> None:
    found = registrar()
    found.receive_data(request("REFER", Refer_To="<urn:X-cisco-remotecc:token-registration>"))
    assert found.next_event(at()) == AlarmReported("SEP1", (), wants_token=True)
    assert statuses(found) == [202]


def test_an_alarm_without_contact_is_told_by_its_own_name() -> None:
    found = registrar()
    body = parse_message(REFER).body
    found.receive_data(
        request("REFER", contact=None, body=body, Refer_To="cid:x", Content_Type=ALARM_TYPE)
    )
    event = found.next_event(at())
    assert isinstance(event, AlarmReported)
    assert event.device_name == "SEPC80084AA8743"


def without(name: str, data: bytes) -> bytes:
    return re.sub(rb"%s: [^\r]*\r\n" % name.encode(), b"", data)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (without("Via", request()), "no header Via"),
        (without("From", request()), "0 headers From"),
        (without("CSeq", request()), "0 headers CSeq"),
        (request(call_id=""), "an empty Call-ID"),
        (request(contact=None), "0 headers Contact"),
        (request(contact="*"), "is no SIP address"),
        (request(contact="<sip:a>, <sip:b>"), "behind an address"),
        (request(Expires="soon"), "expected a number"),
        (request(Call_ID="second"), "2 headers Call-ID"),
        (request().replace(b"101 REGISTER", b"101 INVITE"), "CSeq of INVITE, expected REGISTER"),
        (request(Content_Type="multipart/mixed;boundary=x", body=b"y"), "no end of the parts"),
        (request("REFER"), "0 headers Refer-To"),
        (request("REFER", Refer_To="cid:x", Content_Type=ALARM_TYPE, body=b"<"), "XML"),
    ],
)
def test_a_wrong_request_gets_400_and_the_connection_goes_on(message: bytes, problem: str) -> None:
    found = registrar()
    found.receive_data(message + request("OPTIONS"))
    event = found.next_event(at())
    assert isinstance(event, BadRequest)
    assert problem in event.problem
    assert isinstance(found.next_event(at()), Asked)
    assert statuses(found) == [400, 200]


def test_a_stream_that_cannot_be_framed_ends_the_conversation() -> None:
    found = registrar()
    found.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not found.is_between_messages
    with pytest.raises(RemoteProtocolError, match="begins no SIP message"):
        found.next_event(at())
    found.receive_data(request())
    assert found.next_event(at()) is None


def test_an_instant_is_taken_from_a_clock() -> None:
    class Still:
        def now(self) -> datetime:
            return START

        def monotonic(self) -> float:
            return 1000.0

    assert Instant.of(Still()) == at()


# orders


def test_the_answer_to_an_order_comes_with_its_number() -> None:
    found = registrar(S.HELD)
    first, second = order_to(found), order_to(found)
    assert (first.only("CSeq"), second.only("CSeq")) == ("101 NOTIFY", "102 NOTIFY")


def test_an_order_is_answered_once() -> None:
    found = SipRegistrar(ME, SeededEntropy(1))
    register(found)
    found.accept(at(), is_new=True, expires_s=120)
    found.data_to_send()
    message = order_to(found)
    found.receive_data(answer(message, 100) + answer(message, 481) + answer(message))
    assert found.next_event(at()) == StrayResponse(100)
    assert found.next_event(at()) == OrderAnswered(1, 481, "Text")
    assert found.next_event(at()) == StrayResponse(200)
    assert found.next_event(at()) is None
    assert found.next_timeout() is None


def test_an_order_without_answer_is_given_up_after_32_seconds() -> None:
    found = registrar(S.HELD)
    order_to(found)
    assert found.next_timeout() == 1032
    found.handle_timeout(at(31.9))
    assert found.next_event(at(31.9)) is None
    found.handle_timeout(at(32))
    assert found.next_event(at(32)) == OrderUnanswered(1)


def test_too_many_orders_are_refused() -> None:
    found = SipRegistrar(ME, SeededEntropy(1))
    register(found)
    found.accept(at(), is_new=True, expires_s=120)
    for _ in range(8):
        found.order(at(), ServiceControl(Action.RESET, CALL_ID))
    with pytest.raises(LocalProtocolError, match="8 orders wait"):
        found.order(at(), ServiceControl(Action.RESET, CALL_ID))


def test_an_order_can_travel_in_a_refer() -> None:
    found = registrar(S.HELD)
    found.order(at(), ServiceControl(Action.CHECK_VERSION, CALL_ID), by_refer=True)
    (message,) = sent(found)
    assert isinstance(message, Request)
    assert (message.method, message.only("Require")) == ("REFER", "norefersub")
    assert message.only("Content-Id") == f"<{message.only('Refer-To').removeprefix('cid:')}>"
    (part,) = bodies_of(message)
    assert part.body.startswith(b"action=check-version\r\nRegisterCallId={c80084aa-")


def test_a_phone_without_user_and_port_can_be_ordered() -> None:
    found = registrar()
    found.receive_data(request(contact="<sip:192.0.2.9>"))
    found.next_event(at())
    found.accept(at(), is_new=True, expires_s=120)
    found.data_to_send()
    message = order_to(found)
    assert (message.uri, message.only("To")) == ("sip:192.0.2.9", "<sip:192.0.2.9>")


def test_a_response_that_cannot_be_read_is_passed_over() -> None:
    found = registrar(S.HELD)
    found.receive_data(b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n")
    assert found.next_event(at()) == StrayResponse(200)
    with pytest.raises(FormatError):
        Transactions[int]().take(Response((), b"", 200, "OK"))
    assert len(Transactions[int]()) == 0


PIECES = [
    request(),
    request(Expires="0"),
    REGISTER,
    REFER,
    b"\r\n",
    b"\x16",
    request("INVITE"),
    b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n",
]


@settings(deadline=None)  # a byte at a time takes its time
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.integers(1, 3000))
def test_any_order_of_messages_in_any_pieces_is_survived(parts: list[bytes], size: int) -> None:
    found = SipRegistrar(ME, SeededEntropy(1))
    data = b"".join(parts)
    with contextlib.suppress(RemoteProtocolError):
        for start in range(0, len(data), size):
            found.receive_data(data[start : start + size])
            while found.next_event(at()):
                if found.state in (S.ASKED, S.REASKED):
                    found.accept(at(), is_new=True, expires_s=120)
    for message in found.data_to_send():
        parse_message(message)
