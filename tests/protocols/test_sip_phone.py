"""A phone's side of registration: the published messages, failover, fallback, refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import LocalProtocolError
from cucmsim.formats.phonealarms import (
    Alarm,
    OutOfServiceReason,
    RegistrationReason,
    parse_alarm,
)
from cucmsim.formats.servicecontrol import Action, ServiceControl, format_service_control
from cucmsim.formats.sip import Request, Response, format_message, parse_message
from cucmsim.protocols.phone_events import (
    AlarmDelivered,
    AllFailed,
    Connect,
    Disconnect,
    Ordered,
    OrderRefused,
    PhoneEvent,
    Registered,
    RegistrationLost,
    Rejected,
    Unregistered,
    VersionsUnknown,
)
from cucmsim.protocols.phone_phases import PHASES, PhoneInput, PhonePhase
from cucmsim.protocols.phone_timers import SipTimers
from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.sip_member import MEMBER_TRANSITIONS, Member, MemberInput, MemberState
from cucmsim.protocols.sip_phone import SipPhone
from cucmsim.protocols.sip_phone_messages import (
    PhoneProfile,
    RegisterKind,
    RegistrationDialog,
    alarm_request,
    digest_answer,
    register_request,
)
from cucmsim.protocols.sip_questions import Questions

SIP = Path(__file__).parents[1] / "vectors" / "sip"
START = datetime(2019, 3, 9, 18, 32, 45, tzinfo=UTC)
P, M = PhonePhase, MemberState
PROFILE = PhoneProfile(
    "SEPC80084AA8743",
    "c80084aa8743",
    "04984998-fe29-08c0-6d47-5593bf4ce606",
    ("2222",),
    user_agent="Cisco-CP7821/12.1.1",
    model_number=621,
    active_load="sip78xx.12-1-1-12.loads",
    inactive_load="sip78xx.10-3-1-12.loads",
)
ALARM = Alarm("DeviceTLInfo")
PHONE = ("192.168.7.104", 51778)


def at(seconds: float = 0) -> Instant:
    return Instant(1000 + seconds, START + timedelta(seconds=seconds))


class Drawn:
    """Bytes for one message, as the published phone drew them."""

    def __init__(self, *drawn: str) -> None:
        self.drawn = [bytes.fromhex(each) for each in drawn]

    def token(self, size: int) -> bytes:
        token = self.drawn.pop(0)
        assert len(token) == size
        return token


DIALOG = RegistrationDialog(
    "192.168.7.200",
    PHONE,
    "c80084aa-87430003-255b99f4-783a63d4@192.168.7.104",
    "c80084aa8743001411d7279b-7ecf20ad",
    "cead41d700105000a000c80084aa8743",
    113,
)


# the published messages


def test_the_first_register_is_the_published_one() -> None:
    reason = OutOfServiceReason.RESTART
    profile = PROFILE
    request = register_request(
        profile,
        DIALOG,
        at(),
        Drawn("66da98ae"),
        RegisterKind.FIRST,
        expires_s=3600,
        reason=RegistrationReason(
            reason, profile.device_name, profile.active_load, profile.inactive_load, reason.text
        ),
    )
    assert format_message(request) == (SIP / "register.sip").read_bytes()
    assert len(format_message(request)) == 2516


def test_the_alarm_is_the_published_one() -> None:
    dialog = replace(
        DIALOG,
        call_id="c80084aa-87430006-255b99f4-783a63d4@192.168.7.104",
        tag="c80084aa8743001211d7279b-7ecf20ad",
        sequence=1000,
    )
    published = (SIP / "refer-alarm.sip").read_bytes()
    body = parse_message(published).body
    request = alarm_request(PROFILE, dialog, at(), Drawn("5098d8fa", "66da98ae"), body)
    assert format_message(request) == published


def test_call_id_tag_and_session_have_the_published_form() -> None:
    drawn = Drawn("255b99f4", "783a63d4", "11d7279b", "7ecf20ad", "cead41d7")
    dialog = RegistrationDialog.create(PROFILE, "192.168.7.200", PHONE, 3, drawn)
    assert dialog.call_id == DIALOG.call_id
    assert dialog.tag == "c80084aa8743000311d7279b-7ecf20ad"
    assert (dialog.session_id, dialog.next().sequence) == (DIALOG.session_id, 101)


def test_an_old_phone_tells_no_name_and_a_keepalive_can_be_marked() -> None:
    profile = replace(PROFILE, names_device=False, marks_keepalive=True, lines=(), transport="TLS")
    request = register_request(
        profile, DIALOG, at(), SeededEntropy(1), RegisterKind.KEEPALIVE, expires_s=3600
    )
    contact = request.only("Contact")
    assert contact.endswith('"621";expires=0;cisco-keep-alive')
    assert "devicename" not in contact
    assert "transport=tls" in contact
    assert (request.only("To"), request.only("Expires")) == (
        "<sip:c80084aa8743@192.168.7.200>",
        "0",
    )
    assert request.value("Reason") is None


# a group of servers


class World:
    """A phone and what its servers see of it."""

    def __init__(self, count: int = 3, profile: PhoneProfile = PROFILE, **timers: float) -> None:
        servers = [f"192.0.2.{index + 1}" for index in range(count)]
        settings = SipTimers(**timers)  # type: ignore[arg-type] # whole numbers are floats too
        self.phone = SipPhone(profile, servers, SeededEntropy(1), timers=settings)
        self.seconds = 0.0
        self.connecting: set[int] = set()
        self.closed: list[int] = []
        self.sent: list[tuple[int, Request | Response]] = []

    @property
    def now(self) -> Instant:
        return at(self.seconds)

    def work(self) -> None:
        for action in self.phone.take_actions():
            if isinstance(action, Connect):
                self.connecting.add(action.member)
            elif isinstance(action, Disconnect):
                self.closed.append(action.member)
                self.connecting.discard(action.member)
            else:
                self.sent.append((action.member, parse_message(action.data)))

    def connect(self, index: int) -> None:
        self.work()
        self.connecting.remove(index)
        self.phone.connected(index, PHONE, self.now)
        self.work()

    def fail(self, index: int) -> None:
        self.work()
        self.connecting.discard(index)
        self.phone.disconnected(index, self.now)
        self.work()

    def request(self, index: int, method: str = "REGISTER") -> Request:
        """Take the next request of this method to a server out."""
        self.work()
        for place, (member, message) in enumerate(self.sent):
            if member == index and isinstance(message, Request) and message.method == method:
                del self.sent[place]
                return message
        raise AssertionError(f"no {method} to {index} among {self.sent}")

    def response(self) -> Response:
        self.work()
        (found,) = [message for _, message in self.sent if isinstance(message, Response)]
        self.sent = [pair for pair in self.sent if pair[1] is not found]
        return found

    def answer(
        self, index: int, status: int = 200, *headers: str, method: str = "REGISTER"
    ) -> Request:
        request = self.request(index, method)
        copied = [
            header.line
            for header in request.headers
            if header.key in ("via", "from", "to", "call-id", "cseq")
        ]
        lines = [f"SIP/2.0 {status} Text", *copied, *headers, "Content-Length: 0", "", ""]
        self.phone.receive_data(index, "\r\n".join(lines).encode(), self.now)
        self.work()
        return request

    def step(self, seconds: float) -> None:
        self.seconds += seconds
        self.phone.handle_timeout(self.now)
        self.work()

    def events(self) -> list[PhoneEvent]:
        found = []
        while event := self.phone.next_event():
            found.append(event)
        return found

    def in_service(self, index: int = 0) -> "World":
        """Register at server `index`, those above it unreachable; the standby is alive."""
        self.phone.start(self.now)
        for above in range(index):
            self.fail(above)
        self.connect(index)
        self.answer(index, 200, "Expires: 120")
        if index + 1 < len(self.phone.states):
            self.connect(index + 1)
            self.answer(index + 1)
        self.events()
        return self


def test_the_first_server_reached_is_registered_with_and_the_next_one_watched() -> None:
    world = World()
    world.phone.start(world.now, OutOfServiceReason.RESTART, [ALARM])
    world.fail(0)
    world.connect(1)
    assert parse_alarm(world.answer(1, 202, method="REFER").body) == ALARM
    first = world.answer(1, 200, "Expires: 120", "Date: Sat, 09 Mar 2019 18:32:46 GMT")
    assert 'text="cisco-alarm:23 Name=SEPC80084AA8743' in first.only("Reason")
    assert first.body
    date = START + timedelta(seconds=1)
    assert world.events() == [AlarmDelivered(ALARM), Registered(1, 120, is_new=True, date=date)]
    assert world.connecting == {0, 2}
    world.connect(2)
    probe = world.answer(2, 500)
    assert (probe.only("Expires"), probe.body, probe.value("Reason")) == ("0", b"", None)
    assert world.phone.states == (M.CONNECTING, M.REGISTERED, M.READY)
    assert world.phone.connected_others == (2,)
    assert (world.phone.active, world.phone.phase) == (1, P.IN_SERVICE)


def test_the_registration_is_refreshed_five_seconds_before_it_expires() -> None:
    world = World(1)
    world.phone.start(world.now)
    world.connect(0)
    first = world.answer(0, 200, "Expires: 120")
    assert world.phone.next_timeout() == 1115
    world.step(115)
    again = world.answer(0, 200, "Expires: 60;x")
    assert again.only("Call-ID") == first.only("Call-ID")
    assert (again.only("Expires"), again.body, again.value("Reason")) == ("3600", b"", None)
    assert world.events()[1:] == [Registered(0, 60, is_new=False, date=None)]
    assert world.phone.next_timeout() == 1120
    world.step(5)
    assert world.phone.next_timeout() == 1170


def test_an_expiry_too_short_to_refresh_is_not_believed() -> None:
    world = World(1)
    world.phone.start(world.now)
    world.connect(0)
    world.answer(0, 200, "Expires: soon", "Expires: 10")
    assert world.phone.next_timeout() == 1115
    world = World(1)
    world.phone.start(world.now)
    world.connect(0)
    world.answer(0, 200, "Expires: 10")
    assert world.phone.next_timeout() == 1115


def test_the_standby_is_asked_for_life_at_every_keepalive_interval() -> None:
    world = World(2).in_service()
    world.step(115)
    world.answer(0)
    world.step(5)
    probe = world.answer(1)
    assert probe.only("Expires") == "0"
    assert world.events() == [Registered(0, 120, is_new=False, date=None)]


def test_when_the_connection_is_lost_the_standby_takes_over() -> None:
    world = World().in_service()
    world.fail(0)
    taken = world.answer(1, 200, "Expires: 120")
    assert 'text="cisco-alarm:14 ' in taken.only("Reason")
    assert "Last=cm-closed-tcp" in taken.only("Reason")
    assert world.events() == [
        RegistrationLost(0, OutOfServiceReason.CM_CLOSED_TCP),
        Registered(1, 120, is_new=True, date=None),
    ]
    assert world.connecting == {0, 2}


def test_when_a_refresh_is_not_answered_in_32_seconds_the_standby_takes_over() -> None:
    world = World(2).in_service()
    world.step(115)
    world.request(0)
    world.step(5)
    world.answer(1)
    world.step(27)
    assert world.closed == [0]
    assert 'text="cisco-alarm:17 ' in world.answer(1).only("Reason")
    assert world.events()[0] == RegistrationLost(0, OutOfServiceReason.REGISTRATION_TIMEOUT)


def test_the_standby_takes_over_also_while_it_is_being_asked() -> None:
    world = World(2)
    world.phone.start(world.now)
    world.connect(0)
    world.answer(0)
    world.connect(1)
    probe = world.request(1)
    world.fail(0)
    assert world.phone.states == (M.IDLE, M.REGISTERING)
    register = world.request(1)
    assert register.only("Call-ID") != probe.only("Call-ID")


def test_without_a_live_standby_the_others_are_tried_in_order() -> None:
    world = World(3).in_service()
    world.fail(1)
    assert world.connecting == {2}
    world.fail(2)
    world.fail(0)
    assert world.connecting == {1}
    world.fail(1)
    world.fail(2)
    assert world.events()[-1] == AllFailed(0.1)
    assert world.phone.phase is P.WAITING
    world.step(0.1)
    assert world.connecting == {0}


def test_all_fail_is_followed_by_a_retry_at_once_and_then_by_long_waits() -> None:
    world = World(1)
    world.phone.start(world.now)
    world.fail(0)
    world.step(0.1)
    world.fail(0)
    first, second = world.events()
    assert first == AllFailed(0.1)
    assert isinstance(second, AllFailed)
    assert 120 <= second.retry_s <= 180
    world.step(180)
    assert world.connecting == {0}
    assert SipPhone(PROFILE, [], SeededEntropy(1)).next_timeout() is None


def test_a_standby_still_connecting_is_waited_for() -> None:
    world = World(2)
    world.phone.start(world.now)
    world.connect(0)
    world.answer(0)
    world.fail(0)
    assert (world.connecting, world.phone.phase) == ({1}, P.SEEKING)
    world.connect(1)
    assert world.answer(1).body


# going back


def watched() -> World:
    """Register at the second server, the first one being reached again."""
    world = World(2).in_service(1)
    world.connect(0)
    return world


def test_a_higher_server_is_asked_for_a_token_and_gone_back_to() -> None:
    world = watched()
    world.answer(0)
    token = world.answer(0, 202, method="REFER")
    assert token.only("Refer-To") == "<urn:X-cisco-remotecc:token-registration>"
    assert world.phone.phase is P.MOVING
    leaving = world.answer(1)
    assert leaving.only("Expires") == "0"
    back = world.answer(0)
    assert 'text="cisco-alarm:18 ' in back.only("Reason")
    assert world.events() == [Unregistered(1), Registered(0, 120, is_new=True, date=None)]
    assert (world.phone.active, world.phone.states) == (0, (M.REGISTERED, M.PROBING))


def test_a_higher_server_that_is_busy_is_asked_again_later() -> None:
    world = watched()
    world.answer(0)
    world.answer(0, 503, "Retry-After: 7", method="REFER")
    assert world.phone.next_timeout() == 1007
    world.step(7)
    world.answer(0, 486, method="REFER")
    assert world.phone.states[0] is M.READY
    world.step(108)
    world.answer(1)
    world.step(5)
    world.answer(0)
    world.step(7)
    assert world.phone.states == (M.ASKING, M.REGISTERED)


def test_a_token_is_not_asked_for_when_the_higher_server_is_gone_again() -> None:
    world = watched()
    world.answer(0)
    world.answer(0, 486, "Retry-After: 7", method="REFER")
    world.fail(0)
    world.step(7)
    assert world.phone.states == (M.IDLE, M.REGISTERED)


def test_one_token_is_asked_for_at_a_time() -> None:
    world = World(3).in_service(2)
    world.connect(1)
    world.answer(1)
    world.connect(0)
    world.answer(0)
    assert world.phone.states == (M.READY, M.ASKING, M.REGISTERED)


def test_a_phone_in_a_call_does_not_go_back() -> None:
    world = watched()
    world.phone.is_idle = False
    world.answer(0)
    assert world.phone.states[0] is M.READY


def test_a_lost_connection_ends_leaving_as_well() -> None:
    world = watched()
    world.answer(0)
    world.answer(0, 202, method="REFER")
    world.fail(1)
    assert world.events() == [Unregistered(1)]
    assert world.phone.states == (M.REGISTERING, M.IDLE)


def test_a_higher_server_that_goes_away_after_its_token_is_tried_again() -> None:
    world = watched()
    world.answer(0)
    world.answer(0, 202, method="REFER")
    world.fail(0)
    world.answer(1)
    assert (world.phone.phase, world.phone.states) == (P.SEEKING, (M.IDLE, M.REGISTERING))


def test_a_token_given_when_a_refresh_is_on_its_way_is_used() -> None:
    world = watched()
    world.answer(0)
    world.answer(0, 486, "Retry-After: 114", method="REFER")
    world.step(114)
    world.step(1)
    world.request(1)
    world.answer(0, 202, method="REFER")
    assert world.phone.states[1] is M.LEAVING


# refusals


def rejected(status: int, *headers: str, profile: PhoneProfile = PROFILE) -> World:
    world = World(1, profile)
    world.phone.start(world.now)
    world.connect(0)
    world.answer(0, status, *headers)
    return world


@pytest.mark.parametrize(
    ("status", "headers", "retry_s"),
    [
        (403, ("Retry-After: 35", 'Warning: 399 pub "no"'), 0.1),
        (404, ("Retry-After: 35", 'Warning: 399 pub "no"'), 35),
        (503, ("Retry-After: 9 (later)", 'Warning: 399 pub "no"'), 0.1),
        (486, ('Warning: 399 pub "no"',), 0.1),
    ],
)
def test_a_refusal_is_told_and_tried_again(
    status: int, headers: tuple[str, ...], retry_s: float
) -> None:
    world = rejected(status, *headers)
    assert world.events() == [Rejected(0, status, "Text", '399 pub "no"', retry_s)]
    assert (world.phone.phase, world.phone.states) == (P.WAITING, (M.READY,))
    world.step(retry_s)
    assert 'text="cisco-alarm:24 ' in world.answer(0).only("Reason")
    assert world.phone.phase is P.IN_SERVICE


def test_a_refused_refresh_ends_the_registration() -> None:
    world = World(2).in_service()
    world.step(115)
    world.answer(0, 403)
    assert world.events() == [Rejected(0, 403, "Text", "", 0.1)]
    assert world.phone.active is None


def test_an_expiry_that_is_too_brief_is_raised_three_times_at_most() -> None:
    world = rejected(423, "Min-Expires: 7200")
    assert world.answer(0, 423, "Min-Expires: 9000").only("Expires") == "7200"
    assert world.answer(0, 423, "Min-Expires: 9999").only("Expires") == "9000"
    assert world.phone.phase is P.WAITING
    assert rejected(423, "Min-Expires: soon").phone.phase is P.WAITING


SECRET = replace(PROFILE, auth_name="Mufasa", auth_password="Circle Of Life")


def test_a_challenge_is_answered_also_at_a_refresh() -> None:
    world = rejected(401, 'WWW-Authenticate: Digest realm="a,b",nonce="n"', profile=SECRET)
    answered = world.answer(0, 200, "Expires: 120")
    assert answered.only("Authorization").startswith('Digest username="Mufasa",realm="a,b",uri=')
    world.step(115)
    world.answer(0, 407, 'Proxy-Authenticate: Digest realm="a",nonce="n",qop="auth,auth-int"')
    assert "qop=auth,nc=00000001" in world.answer(0).only("Proxy-Authorization")
    assert world.phone.phase is P.IN_SERVICE


def test_the_digest_is_that_of_another_program() -> None:
    head = b'SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n'
    response = parse_message(head)
    assert isinstance(response, Response)
    header = digest_answer(SECRET, response, "sip:a")
    assert header is not None
    # by md5sum: of "<of Mufasa:r:Circle Of Life>:n:<of REGISTER:sip:a>"
    assert 'response="059751a5f726eb8cd02f8bd67f91c7f9"' in header.value


@pytest.mark.parametrize(
    "challenge",
    ['Basic realm="x"', 'Digest realm="x', 'Digest realm="x",nonce="y",algorithm=SHA-256', ""],
)
def test_a_challenge_that_cannot_be_answered_is_a_refusal(challenge: str) -> None:
    world = rejected(401, f"WWW-Authenticate: {challenge}", profile=SECRET)
    assert world.phone.phase is P.WAITING
    assert rejected(401, 'WWW-Authenticate: Digest realm="x"').phone.phase is P.WAITING


# orders


def order_text(
    world: World, action: str, call_id: str | None = None, **changes: str | None
) -> bytes:
    if call_id is None:
        dialog = world.phone._members[0].dialog
        assert dialog
        call_id = dialog.call_id
    control = ServiceControl(action, call_id)
    return format_service_control(replace(control, **changes))  # type: ignore[arg-type]


def notify(body: bytes, method: str = "NOTIFY", **changes: str) -> bytes:
    user = PROFILE.contact_user
    values = {
        "uri": f"sip:{user}@192.168.7.104:51778",
        "via": "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1",
        "from": "<sip:192.0.2.1>;tag=1",
        "to": f"<sip:{user}@192.168.7.104>",
        "event": "service-control",
        "type": "text/plain",
    } | changes
    event = f"Event: {values['event']}\r\n" if values["event"] else ""
    kind = f"Content-Type: {values['type']}\r\n" if values["type"] else ""
    return (
        f"{method} {values['uri']} SIP/2.0\r\nVia: {values['via']}\r\nFrom: {values['from']}\r\n"
        f"To: {values['to']}\r\nCall-ID: x@192.0.2.1\r\nCSeq: 101 {method}\r\n{event}{kind}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize("action", [Action.RESET, Action.CHECK_VERSION, "anything"])
def test_an_order_is_answered_and_told(action: str) -> None:
    world = World(1).in_service()
    world.phone.receive_data(0, notify(order_text(world, action)), world.now)
    response = world.response()
    assert (response.status, response.only("Server")) == (200, "Cisco-CP7821/12.1.1")
    assert ";tag=c80084aa8743" in response.only("To")
    (event,) = world.events()
    assert isinstance(event, Ordered)
    assert (event.member, event.control.action) == (0, action)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"event": ""}, 400),
        ({"event": "presence"}, 489),
        ({"uri": "sip:192.168.7.104"}, 400),
        ({"uri": "sip:9999@192.168.7.104"}, 404),
        ({"uri": "sip:2222@192.168.7.104"}, 200),
        ({"uri": "tel:1"}, 400),
        ({"to": "<sip:192.168.7.104>"}, 400),
        ({"from": "<sip:2222@192.0.2.1>"}, 200),
        ({"type": "text/html"}, 400),
        ({"type": ""}, 400),
        ({"type": "multipart/mixed"}, 400),
        ({"type": "text"}, 400),
    ],
)
def test_an_order_is_checked_as_phones_do(changes: dict[str, str], status: int) -> None:
    world = World(1).in_service()
    world.phone.receive_data(0, notify(order_text(world, "reset"), **changes), world.now)
    assert world.response().status == status
    (event,) = world.events()
    assert isinstance(event, Ordered if status == 200 else OrderRefused)


def test_the_body_of_an_order_is_checked() -> None:
    world = World(1).in_service()
    without = {"softkey_stamp": None}
    fifth = order_text(world, "reset") + b"FeatureControlVersionStamp={0}\r\n"
    for body in (
        b"",
        b"reset",
        order_text(world, "reset", "other@phone"),
        order_text(world, "check-version", None, **without),
        fifth,
    ):
        world.phone.receive_data(0, notify(body), world.now)
        assert world.response().status == 400
    world.phone.receive_data(0, notify(order_text(world, "reset", None, **without)), world.now)
    assert world.response().status == 200


def test_phones_differ_in_what_they_refuse() -> None:
    world = World(
        1, replace(PROFILE, refuses_fifth_line=False, refuses_from_user=True)
    ).in_service()
    fifth = order_text(world, "reset") + b"FeatureControlVersionStamp={0}\r\n"
    world.phone.receive_data(0, notify(fifth), world.now)
    assert world.response().status == 200
    other = notify(fifth, **{"from": "<sip:1@192.0.2.1>"})
    world.phone.receive_data(0, other, world.now)
    assert world.response().status == 400


def test_only_the_active_server_gives_orders() -> None:
    world = World(2).in_service()
    world.phone.receive_data(1, notify(order_text(world, "reset")), world.now)
    assert world.response().status == 400


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("INVITE", 486), ("MESSAGE", 405), ("REFER", 200)]
)
def test_other_requests_are_answered(method: str, status: int) -> None:
    world = World(1).in_service()
    world.phone.receive_data(0, notify(b"", method), world.now)
    assert world.response().status == status
    assert world.events() == []


def test_an_ack_is_not_answered_and_a_wrong_request_is() -> None:
    world = World(1).in_service()
    world.phone.receive_data(0, notify(b"", "ACK"), world.now)
    assert world.events() == []
    world.phone.receive_data(0, notify(b"", via="x"), world.now)
    assert world.response().status == 400
    assert isinstance(world.events()[0], OrderRefused)


def test_check_version_is_waited_for_after_a_failover_where_the_phone_does() -> None:
    world = World(2, version_wait_s=5).in_service()
    world.fail(0)
    world.answer(1)
    world.step(5)
    assert world.events()[-1] == VersionsUnknown()
    world = World(2, version_wait_s=5).in_service()
    world.fail(0)
    call_id = world.answer(1).only("Call-ID")
    world.phone.receive_data(1, notify(order_text(world, "check-version", call_id)), world.now)
    world.response()
    world.step(5)
    assert isinstance(world.events()[-1], Ordered)


# alarms, stopping, bad servers


def test_an_alarm_is_sent_at_once_or_with_the_next_registration() -> None:
    world = World(1)
    world.phone.report(ALARM, world.now)
    world.in_service()
    world.answer(0, 500, method="REFER")
    assert world.events() == []
    world.phone.report(Alarm("Second"), world.now)
    world.answer(0, 202, method="REFER")
    assert world.events() == [AlarmDelivered(Alarm("Second"))]
    world.fail(0)
    world.step(0.1)
    world.connect(0)
    assert parse_alarm(world.answer(0, 202, method="REFER").body) == ALARM


def test_an_alarm_that_is_not_answered_does_not_cost_the_registration() -> None:
    world = World(1).in_service()
    world.phone.report(ALARM, world.now)
    world.step(32)
    assert world.phone.phase is P.IN_SERVICE


def test_a_phone_that_is_stopped_unregisters() -> None:
    world = World(2).in_service()
    world.phone.stop(world.now)
    assert world.answer(0).only("Expires") == "0"
    assert world.events() == [Unregistered(0)]
    assert (sorted(world.closed), world.phone.states) == ([0, 1], (M.IDLE, M.IDLE))
    world.phone.start(world.now)
    assert world.phone.phase is P.SEEKING


def test_a_phone_that_is_stopped_while_it_goes_back_leaves_once() -> None:
    world = watched()
    world.answer(0)
    world.answer(0, 202, method="REFER")
    world.phone.stop(world.now)
    world.step(32)
    assert world.events() == [Unregistered(1)]
    assert world.phone.phase is P.STOPPED


def test_a_phone_that_is_not_registered_stops_at_once() -> None:
    world = World(1)
    world.phone.start(world.now)
    world.phone.stop(world.now)
    world.work()
    assert (world.phone.phase, world.closed) == (P.STOPPED, [0])


def test_a_server_that_talks_nonsense_is_left() -> None:
    world = World(2).in_service()
    world.phone.receive_data(0, b"HTTP/1.1 400 Bad Request\r\n\r\n", world.now)
    world.work()
    assert world.closed == [0]
    assert world.events() == [RegistrationLost(0, OutOfServiceReason.CM_RESET_TCP)]
    world.phone.receive_data(1, b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n", world.now)
    world.phone.disconnected(0, world.now)
    assert world.phone.states == (M.IDLE, M.REGISTERING)


def test_an_answer_to_a_question_of_before_is_passed_over() -> None:
    world = World(2)
    world.phone.start(world.now)
    world.connect(0)
    world.answer(0)
    world.connect(1)
    world.phone.disconnected(0, world.now)
    world.answer(1)
    assert world.phone.states == (M.IDLE, M.REGISTERING)


def test_a_connection_lost_while_waiting_changes_nothing() -> None:
    world = rejected(403)
    world.fail(0)
    assert (world.phone.phase, world.phone.states) == (P.WAITING, (M.IDLE,))


# the tables


@pytest.mark.parametrize("state", MemberState)
@pytest.mark.parametrize("what", MemberInput)
def test_a_member_moves_as_its_table_says(state: MemberState, what: MemberInput) -> None:
    member = Member(0, "192.0.2.1")
    member._machine.state = state
    expected = MEMBER_TRANSITIONS.get((state, what))
    assert member.can(what) is (expected is not None)
    if expected is None:
        with pytest.raises(LocalProtocolError, match="is not possible while"):
            member.move(what)
        assert member.state is state
    else:
        member.move(what)
        assert member.state is expected
        assert member.is_connected is (expected not in (M.IDLE, M.CONNECTING))


@pytest.mark.parametrize("phase", PhonePhase)
@pytest.mark.parametrize("what", PhoneInput)
def test_a_phone_moves_as_its_table_says(phase: PhonePhase, what: PhoneInput) -> None:
    phone = SipPhone(PROFILE, ["192.0.2.1"], SeededEntropy(1))
    phone._machine.state = phase
    expected = PHASES.get((phase, what))
    if expected is None:
        with pytest.raises(LocalProtocolError, match="is not possible while"):
            phone._machine.move(what)
    else:
        phone._machine.move(what)
    assert phone.phase is (expected or phase)


def test_every_question_belongs_to_a_decision_of_the_table() -> None:
    assert {what for _, what in MEMBER_TRANSITIONS} == set(MemberInput)
    assert Questions(PROFILE, SeededEntropy(1)).actions == []


MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["connect", "fail", "step", "busy", "good", "bad", "order", "noise", "stop"]
        ),
        st.integers(0, 2),
    ),
    max_size=40,
)


def do_move(world: World, move: str, index: int) -> None:
    """Let one thing happen, where it can."""
    world.work()
    if move == "connect" and index in world.connecting:
        world.connect(index)
    elif move == "fail":
        world.fail(index)
    elif move == "step":
        world.step((0.1, 32, 120)[index])
    elif move == "busy":
        world.phone.is_idle = not world.phone.is_idle
    elif move in {"good", "bad"}:
        answer_next(world, index, 200 if move == "good" else 503)
    elif move == "stop" and (world.phone.phase, PhoneInput.STOP) in PHASES:
        world.phone.stop(world.now)
    elif move in NONSENSE and world.phone.states[index] is not M.IDLE:
        world.phone.receive_data(index, NONSENSE[move], world.now)


def answer_next(world: World, index: int, status: int) -> None:
    """Answer the next request that server `index` got, if there is one."""
    for member, message in world.sent:
        if member == index and isinstance(message, Request):
            world.answer(index, status, method=message.method)
            return


NONSENSE = {"order": notify(b"action=reset"), "noise": b"\x16"}


@settings(deadline=None)
@given(MOVES)
def test_whatever_the_servers_do_the_phone_goes_on(moves: list[tuple[str, int]]) -> None:
    world = World(3, version_wait_s=5)
    world.phone.start(world.now)
    for move, index in moves:
        do_move(world, move, index)
    phase = world.phone.phase
    if phase is P.SEEKING:
        assert any(state is not M.IDLE for state in world.phone.states)
    if phase is P.WAITING:
        assert world.phone.next_timeout() is not None
    in_service = phase in (P.IN_SERVICE, P.MOVING, P.STOPPING)
    assert (world.phone.active is not None) is in_service
