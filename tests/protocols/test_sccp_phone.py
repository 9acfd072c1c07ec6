"""An SCCP phone: registering, keepalives, failover over its group, orders, every state."""

import contextlib
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import LocalProtocolError
from cucmsim.formats.phonealarms import OutOfServiceReason, device_tl_info
from cucmsim.formats.skinny import Frame, FrameStream, MessageId, encode_frame
from cucmsim.formats.skinny_answers import (
    Answer,
    ButtonTemplate,
    NoFields,
    RegisterAck,
    RegisterReject,
    Reset,
    TokenAck,
    TokenReject,
    UnregisterAck,
    encode_answer,
)
from cucmsim.formats.skinny_messages import (
    AvailableLines,
    Capabilities,
    LineStatRequest,
    Plain,
    Register,
    Request,
    StationAlarm,
    TokenRequest,
    Unregister,
    XmlAlarm,
    decode_request,
)
from cucmsim.protocols.phone_events import (
    AllFailed,
    Connect,
    Disconnect,
    Ordered,
    PhoneEvent,
    Registered,
    RegistrationLost,
    Rejected,
    Send,
    Unregistered,
)
from cucmsim.protocols.phone_phases import PhoneInput, PhonePhase
from cucmsim.protocols.sccp_member import MEMBER_TRANSITIONS, Member, MemberInput, MemberState
from cucmsim.protocols.sccp_phone import SccpPhone
from cucmsim.protocols.sip_common import Instant

NAME = "SEP001B54C25A01"
REGISTER = Register(NAME, device_type=434, load="SCCP42")
HOME, HOME_BYTES = ("10.0.0.9", 51000), bytes((10, 0, 0, 9))
KEEPALIVE, KEEPALIVE_ACK = Plain(MessageId.KEEPALIVE), NoFields(MessageId.KEEPALIVE_ACK)
S, In = MemberState, MemberInput
P, Why = PhonePhase, PhoneInput
Done = tuple[str, int] | tuple[int, Request | Frame]


def at(seconds: float = 0) -> Instant:
    start = datetime(2024, 3, 10, tzinfo=UTC)
    return Instant(1000 + seconds, start + timedelta(seconds=seconds))


def wire(*answers: Answer) -> bytes:
    return b"".join(encode_frame(encode_answer(answer)) for answer in answers)


def done(phone: SccpPhone) -> list[Done]:
    """Return what the phone did: connections by name, messages as they were meant."""
    found: list[Done] = []
    for action in phone.take_actions():
        if isinstance(action, Send):
            stream = FrameStream()
            stream.feed(action.data)
            frame = stream.next_frame()
            assert frame is not None
            found.append((action.member, decode_request(frame)))
        else:
            found.append((type(action).__name__, action.member))
    return found


def events(phone: SccpPhone) -> list[PhoneEvent]:
    found = []
    while event := phone.next_event():
        found.append(event)
    return found


def started(count: int = 2) -> SccpPhone:
    phone = SccpPhone(REGISTER, count)
    phone.start(at())
    assert done(phone) == [("Connect", 0)]
    return phone


def in_service(count: int = 2) -> SccpPhone:
    phone = started(count)
    phone.connected(0, HOME, at())
    phone.receive_data(0, wire(RegisterAck(30, standby_keepalive_s=60)), at())
    assert events(phone) == [Registered(0, 30, True, None)]  # noqa: FBT003 - a value
    done(phone)
    return phone


def with_standby() -> SccpPhone:
    phone = in_service()
    phone.connected(1, HOME, at())
    assert done(phone) == [(1, KEEPALIVE)]
    return phone


# registering


def test_a_phone_registers_asks_and_takes_a_standby() -> None:
    alarm = device_tl_info(NAME, "10.0.0.9")
    phone = SccpPhone(REGISTER, 2)
    phone.start(at(), OutOfServiceReason.RESET, [alarm])
    assert done(phone) == [("Connect", 0)]
    phone.connected(0, HOME, at())
    text = f"22: Name={NAME} Load=SCCP42 Last=reset-reset"
    me = Register(NAME, address=HOME_BYTES, device_type=434, load="SCCP42")
    assert done(phone) == [(0, XmlAlarm(alarm)), (0, StationAlarm(2, text)), (0, me)]
    phone.receive_data(0, wire(RegisterAck(30)), at())
    questions = (
        MessageId.BUTTON_TEMPLATE_REQUEST,
        MessageId.SOFT_KEY_TEMPLATE_REQUEST,
        MessageId.SOFT_KEY_SET_REQUEST,
        MessageId.TIME_DATE_REQUEST,
    )
    assert done(phone) == [*((0, Plain(one)) for one in questions), ("Connect", 1)]
    assert (phone.phase, phone.active) == (P.IN_SERVICE, 0)
    assert phone.states == (S.REGISTERED, S.CONNECTING)
    template = ButtonTemplate(((1, 9), (2, 9), (1, 2)))
    phone.receive_data(0, wire(NoFields(MessageId.CAPABILITIES_REQUEST), template), at())
    assert done(phone) == [
        (0, Capabilities(((4, 40), (2, 40), (11, 60)))),
        (0, LineStatRequest(1)),
        (0, LineStatRequest(2)),
        (0, AvailableLines(2)),
    ]


def test_both_connections_are_kept_alive() -> None:
    phone = with_standby()
    assert phone.next_timeout() == at(30).monotonic_s
    phone.handle_timeout(at(30))
    assert done(phone) == [(0, KEEPALIVE)]
    phone.receive_data(0, wire(KEEPALIVE_ACK), at(30))
    phone.handle_timeout(at(60))
    assert done(phone) == [(0, KEEPALIVE), (1, KEEPALIVE)]


def test_a_server_that_tells_no_interval_is_kept_alive_by_our_own() -> None:
    phone = started(1)
    phone.connected(0, HOME, at())
    phone.receive_data(0, wire(RegisterAck(0)), at())
    assert phone.next_timeout() == at(30).monotonic_s


def test_an_alarm_goes_out_at_once_or_with_the_registration() -> None:
    alarm = device_tl_info(NAME, "10.0.0.9")
    phone = in_service()
    phone.report(alarm, at())
    assert done(phone) == [(0, XmlAlarm(alarm))]
    phone = started()
    phone.report(alarm, at())
    assert done(phone) == []
    phone.connected(0, HOME, at())
    assert done(phone)[0] == (0, XmlAlarm(alarm))


def test_a_refused_phone_waits_and_tries_again() -> None:
    phone = started()
    phone.connected(0, HOME, at())
    done(phone)
    phone.receive_data(0, wire(RegisterReject("Unknown device")), at())
    assert events(phone) == [Rejected(0, 0, "Unknown device", "", 30)]
    assert done(phone) == [("Disconnect", 0)]
    assert phone.phase is P.WAITING
    phone.handle_timeout(at(30))
    assert done(phone) == [("Connect", 0)]
    phone.connected(0, HOME, at(30))
    alarm = done(phone)[0][1]
    assert isinstance(alarm, StationAlarm)
    assert alarm.text.startswith("24: ")


# failover


def test_the_next_member_is_tried_when_one_is_not_reached_or_does_not_answer() -> None:
    phone = started(3)
    phone.disconnected(0, at())
    assert done(phone) == [("Connect", 1)]
    phone.connected(1, HOME, at())
    done(phone)
    phone.handle_timeout(at(10))
    assert done(phone) == [("Disconnect", 1), ("Connect", 2)]
    phone.disconnected(2, at(10))
    assert events(phone) == [AllFailed(30)]
    phone.handle_timeout(at(39))
    assert done(phone) == []
    phone.handle_timeout(at(40))
    assert done(phone) == [("Connect", 0)]


def test_a_group_without_members_fails_at_once() -> None:
    phone = SccpPhone(REGISTER, 0)
    phone.start(at())
    assert events(phone) == [AllFailed(30)]


def test_the_standby_takes_over_when_the_connection_is_lost() -> None:
    phone = with_standby()
    phone.disconnected(0, at(5))
    assert events(phone) == [RegistrationLost(0, OutOfServiceReason.CM_CLOSED_TCP)]
    alarm, register = done(phone)
    assert alarm == (1, StationAlarm(2, f"14: Name={NAME} Load=SCCP42 Last=cm-closed-tcp"))
    assert register[0] == 1
    phone.receive_data(1, wire(RegisterAck(30)), at(5))
    assert events(phone) == [Registered(1, 30, True, None)]  # noqa: FBT003 - a value
    assert done(phone)[-1] == ("Connect", 0)
    assert phone.active == 1


def test_three_unanswered_keepalives_lose_the_server() -> None:
    phone = with_standby()
    for seconds in (30, 60, 90):
        phone.receive_data(1, wire(KEEPALIVE_ACK), at(seconds))
        phone.handle_timeout(at(seconds))
    assert events(phone) == []
    phone.receive_data(1, wire(KEEPALIVE_ACK), at(119))
    done(phone)
    phone.handle_timeout(at(120))
    assert events(phone) == [RegistrationLost(0, OutOfServiceReason.TCP_TIMEOUT)]
    assert done(phone)[0] == ("Disconnect", 0)


def test_a_standby_that_is_being_connected_is_awaited() -> None:
    phone = in_service()
    phone.disconnected(0, at(5))
    assert done(phone) == []
    phone.connected(1, HOME, at(6))
    assert isinstance(done(phone)[1][1], Register)


def test_a_lost_standby_is_replaced_in_turn() -> None:
    phone = in_service(3)
    phone.disconnected(1, at(1))
    assert done(phone) == []
    phone.handle_timeout(at(31))
    assert ("Connect", 2) in done(phone)
    phone.disconnected(2, at(32))
    phone.handle_timeout(at(62))
    assert ("Connect", 1) in done(phone)
    phone.connected(1, HOME, at(63))
    phone.disconnected(1, at(64))
    phone.disconnected(1, at(64))


def test_a_phone_with_one_server_has_no_standby() -> None:
    phone = in_service(1)
    phone.disconnected(0, at(1))
    assert events(phone)[-1] == AllFailed(30)


def test_another_member_that_fails_while_the_phone_seeks_changes_nothing() -> None:
    phone = in_service(3)
    phone.disconnected(1, at(1))
    phone.handle_timeout(at(31))
    phone.disconnected(0, at(32))
    assert done(phone)[-2:] == [("Connect", 2), ("Connect", 1)]
    events(phone)
    phone.disconnected(2, at(33))
    assert (phone.phase, events(phone), done(phone)) == (P.SEEKING, [], [])


def test_another_member_that_is_reached_while_the_phone_seeks_is_kept_alive() -> None:
    phone = in_service(3)
    phone.disconnected(1, at(1))
    phone.handle_timeout(at(31))
    phone.disconnected(0, at(32))
    done(phone)
    phone.connected(2, HOME, at(33))
    assert (phone.phase, done(phone)) == (P.SEEKING, [(2, KEEPALIVE)])


# going back


TOKEN = TokenRequest(NAME, address=HOME_BYTES)


def failed_over(count: int = 2, *lost: int) -> SccpPhone:
    """Return a phone that lost the members before `lost[-1] + 1` and is registered there."""
    phone = in_service(count)
    for index in lost:
        phone.disconnected(index, at())
    active = lost[-1] + 1
    phone.connected(active, HOME, at())
    phone.receive_data(active, wire(RegisterAck(30, standby_keepalive_s=60)), at())
    assert phone.active == active
    events(phone)
    return phone


def test_a_phone_goes_back_to_a_higher_member_that_gives_it_a_token() -> None:
    phone = failed_over(2, 0)
    assert done(phone)[-1] == ("Connect", 0)
    phone.connected(0, HOME, at(1))
    assert done(phone) == [(0, KEEPALIVE), (0, TOKEN)]
    phone.receive_data(0, wire(KEEPALIVE_ACK, TokenAck()), at(2))
    assert done(phone) == [(1, Unregister())]
    assert (phone.phase, phone.states) == (P.MOVING, (S.STANDBY, S.LEAVING))
    phone.receive_data(1, wire(UnregisterAck()), at(2))
    disconnect, alarm, register = done(phone)
    assert disconnect == ("Disconnect", 1)
    assert alarm == (0, StationAlarm(2, f"18: Name={NAME} Load=SCCP42 Last=to-higher-server"))
    assert isinstance(register[1], Register)
    phone.receive_data(0, wire(RegisterAck(30)), at(2))
    assert events(phone) == [Unregistered(1), Registered(0, 30, True, None)]  # noqa: FBT003 - a value
    assert done(phone)[-1] == ("Connect", 1)
    assert phone.connected_others == ()


def test_a_refused_token_is_asked_for_again_after_the_time_told() -> None:
    phone = failed_over(2, 0)
    phone.connected(0, HOME, at(1))
    phone.receive_data(0, wire(TokenReject(7)), at(2))
    done(phone)
    phone.handle_timeout(at(8))
    assert done(phone) == []
    phone.handle_timeout(at(9))
    assert done(phone) == [(0, TOKEN)]
    phone.receive_data(0, wire(TokenReject(0)), at(9))
    assert (phone.active, phone.connected_others) == (1, (0,))
    for seconds in (30, 39):
        phone.receive_data(1, wire(KEEPALIVE_ACK), at(seconds))
        phone.handle_timeout(at(seconds))
    assert done(phone)[-1] == (0, TOKEN)


def test_a_higher_member_that_does_not_answer_is_left_and_tried_again() -> None:
    phone = failed_over(2, 0)
    phone.connected(0, HOME, at(1))
    done(phone)
    phone.handle_timeout(at(11))
    assert done(phone) == [("Disconnect", 0)]
    assert phone.active == 1
    phone.receive_data(1, wire(KEEPALIVE_ACK), at(30))
    phone.handle_timeout(at(41))
    assert done(phone)[-1] == ("Connect", 0)


def test_one_member_is_asked_for_a_token_at_a_time_the_highest_first() -> None:
    phone = failed_over(3, 0, 1)
    assert done(phone)[-2:] == [("Connect", 0), ("Connect", 1)]
    phone.connected(1, HOME, at(1))
    phone.connected(0, HOME, at(1))
    assert done(phone) == [(1, KEEPALIVE), (1, TOKEN), (0, KEEPALIVE)]
    phone.receive_data(1, wire(TokenReject(5)), at(1))
    phone.handle_timeout(at(6))
    assert done(phone) == [(0, TOKEN)]


def test_a_higher_member_that_is_there_is_left_in_peace_while_another_is_tried() -> None:
    phone = failed_over(3, 0, 1)
    phone.connected(0, HOME, at(1))
    phone.receive_data(0, wire(TokenReject(600)), at(1))
    phone.disconnected(1, at(1))
    done(phone)
    phone.receive_data(2, wire(KEEPALIVE_ACK), at(30))
    phone.handle_timeout(at(31))
    assert done(phone) == [(2, KEEPALIVE), ("Connect", 1)]


def test_a_token_that_comes_too_late_changes_nothing() -> None:
    phone = failed_over(3, 0, 1)
    phone.connected(1, HOME, at(1))
    phone.connected(0, HOME, at(1))
    phone.disconnected(2, at(2))
    done(phone)
    assert phone.states == (S.REGISTERING, S.ASKING, S.IDLE)
    phone.receive_data(1, wire(TokenAck()), at(2))
    assert (phone.phase, phone.states[1]) == (P.SEEKING, S.STANDBY)
    phone.receive_data(0, wire(TokenAck(), RegisterAck(30)), at(2))
    assert (phone.phase, phone.active) == (P.IN_SERVICE, 0)


def test_a_refusal_that_comes_too_late_changes_nothing() -> None:
    phone = failed_over(2, 0)
    phone.connected(0, HOME, at(1))
    phone.stop(at(1))
    phone.receive_data(0, wire(TokenReject(5)), at(1))
    assert (phone.phase, phone.states) == (P.STOPPING, (S.STANDBY, S.LEAVING))


def test_a_member_that_is_lost_on_the_way_back_is_not_waited_for() -> None:
    phone = failed_over(2, 0)
    phone.connected(0, HOME, at(1))
    phone.receive_data(0, wire(TokenAck()), at(1))
    phone.disconnected(0, at(1))
    done(phone)
    phone.disconnected(1, at(1))
    assert done(phone) == [("Connect", 0)]
    assert (phone.phase, events(phone)) == (P.SEEKING, [Unregistered(1)])


def test_a_phone_that_goes_back_can_be_stopped() -> None:
    phone = failed_over(2, 0)
    phone.connected(0, HOME, at(1))
    phone.receive_data(0, wire(TokenAck()), at(1))
    done(phone)
    phone.stop(at(1))
    assert done(phone) == []
    phone.receive_data(1, wire(UnregisterAck()), at(1))
    assert phone.phase is P.STOPPED
    assert done(phone) == [("Disconnect", 0), ("Disconnect", 1)]


def test_an_address_that_the_field_has_no_room_for_is_left_out() -> None:
    phone = started()
    phone.connected(0, ("2001:db8::1", 51000), at())
    register = done(phone)[-1][1]
    assert isinstance(register, Register)
    assert register.address == bytes(4)


# orders


@pytest.mark.parametrize((("kind"), "action"), [(1, "reset"), (2, "restart"), (3, "apply-config")])
def test_a_reset_of_the_active_server_is_an_order(kind: int, action: str) -> None:
    phone = with_standby()
    phone.receive_data(0, wire(Reset(kind)), at())
    (event,) = events(phone)
    assert isinstance(event, Ordered)
    assert (event.member, event.control.action) == (0, action)


def test_no_other_reset_is_one() -> None:
    phone = with_standby()
    phone.receive_data(0, wire(Reset(9)), at())
    phone.receive_data(1, wire(Reset(1), RegisterAck(30), UnregisterAck()), at())
    phone.receive_data(0, encode_frame(Frame(0x111, bytes(8))), at())
    assert (events(phone), done(phone)) == ([], [])


@pytest.mark.parametrize("data", [b"\xff" * 12, encode_frame(Frame(MessageId.RESET))])
def test_what_cannot_be_read_costs_the_connection(data: bytes) -> None:
    phone = with_standby()
    phone.receive_data(0, data + wire(Reset(1)), at())
    assert events(phone) == [RegistrationLost(0, OutOfServiceReason.CM_RESET_TCP)]
    assert done(phone)[0] == ("Disconnect", 0)
    phone.receive_data(0, wire(Reset(1)), at())
    assert events(phone) == []


# leaving


def test_a_phone_leaves_with_an_unregister() -> None:
    phone = with_standby()
    phone.stop(at(1))
    assert done(phone) == [(0, Unregister())]
    phone.receive_data(0, wire(UnregisterAck()), at(1))
    assert events(phone) == [Unregistered(0)]
    assert done(phone) == [("Disconnect", 0), ("Disconnect", 1)]
    assert (phone.phase, phone.active, phone.next_timeout()) == (P.STOPPED, None, None)
    phone.start(at(2))
    assert done(phone) == [("Connect", 0)]


def test_a_server_that_does_not_answer_an_unregister_is_left() -> None:
    phone = in_service()
    phone.stop(at())
    phone.handle_timeout(at(10))
    assert events(phone) == [Unregistered(0)]
    assert phone.phase is P.STOPPED


def test_a_phone_that_seeks_or_waits_just_stops() -> None:
    phone = started()
    phone.stop(at())
    assert done(phone) == [("Disconnect", 0)]
    assert (events(phone), phone.phase) == ([], P.STOPPED)


# every state


@pytest.mark.parametrize(("state", "what"), list(product(S, In)))
def test_a_member_moves_as_the_table_says(state: MemberState, what: MemberInput) -> None:
    member = Member(0)
    member._machine.state = state
    expected = MEMBER_TRANSITIONS.get((state, what))
    assert member.can(what) is (expected is not None)
    if expected is None:
        with pytest.raises(LocalProtocolError, match=f"{what.value} is not possible while"):
            member.move(what)
    else:
        member.move(what)
    assert member.state is (expected or state)
    assert member.is_connected is (member.state not in (S.IDLE, S.CONNECTING))


ANSWERS: list[Answer] = [
    RegisterAck(30),
    RegisterReject("no"),
    Reset(1),
    UnregisterAck(),
    TokenAck(),
    TokenReject(5),
    KEEPALIVE_ACK,
    NoFields(MessageId.CAPABILITIES_REQUEST),
    ButtonTemplate(()),
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["connected", "lost", "data", "time", "stop"]),
            st.integers(0, 2),
            st.sampled_from([*(wire(answer) for answer in ANSWERS), b"\xff" * 4]),
        ),
        max_size=30,
    )
)
def test_whatever_happens_the_phone_goes_on(
    happenings: list[tuple[str, int, bytes]],
) -> None:
    phone, now = SccpPhone(REGISTER, 3), at()
    phone.start(now)
    open_ones: dict[int, bool] = {}
    for what, index, data in happenings:
        for action in phone.take_actions():
            if isinstance(action, Connect):
                open_ones[action.member] = False
            elif isinstance(action, Disconnect):
                open_ones.pop(action.member, None)
            else:
                assert open_ones[action.member]
        if what == "connected" and open_ones.get(index) is False:
            open_ones[index] = True
            phone.connected(index, HOME, now)
        elif what == "lost" and index in open_ones:
            del open_ones[index]
            phone.disconnected(index, now)
        elif what == "data" and open_ones.get(index):
            phone.receive_data(index, data, now)
        elif what == "time" and (due := phone.next_timeout()) is not None:
            now = at(due - 1000)
            phone.handle_timeout(now)
            assert (phone.next_timeout() or now.monotonic_s + 1) > now.monotonic_s
        elif what == "stop":
            with contextlib.suppress(LocalProtocolError):
                phone.stop(now)
