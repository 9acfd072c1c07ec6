"""The server's side of an SCCP connection: a whole registration, every state, bad phones."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import LocalProtocolError, RemoteProtocolError
from cucmsim.formats.phonealarms import RegistrationReason, device_tl_info
from cucmsim.formats.skinny import Frame, FrameStream, MessageId, encode_frame
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
    UnregisterAck,
    Version,
    decode_answer,
)
from cucmsim.formats.skinny_messages import (
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
    encode_request,
)
from cucmsim.protocols.sccp_registrar import (
    ORDER_TIME_S,
    TRANSITIONS,
    AlarmReported,
    Answered,
    Ignored,
    KeptAlive,
    OrderCarriedOut,
    OrderUnanswered,
    RegisterRequested,
    RegistrarEvent,
    RegistrarInput,
    RegistrarState,
    SccpRegistrar,
    Unregistered,
)
from cucmsim.protocols.sccp_station import Station, StationLine

NAME = "SEP001B54C25A01"
NOW = datetime(2024, 3, 10, 13, 14, 15, tzinfo=UTC)
STATION = Station(
    NAME,
    "cucm-pub",
    (StationLine("2001", "Reception", "Desk"), StationLine("2002")),
    (Server("cucm-pub", 2000),),
    "SCCP42.9-4-2SR3-1S",
)
ACK = RegisterAck(30, standby_keepalive_s=60, protocol_version=11)
KEEPALIVE, KEEPALIVE_ACK = Plain(MessageId.KEEPALIVE), NoFields(MessageId.KEEPALIVE_ACK)
S, In = RegistrarState, RegistrarInput


def wire(*messages: Request) -> bytes:
    return b"".join(encode_frame(encode_request(message)) for message in messages)


def sent(machine: SccpRegistrar) -> list[Answer | Frame]:
    stream = FrameStream()
    stream.feed(b"".join(machine.data_to_send()))
    found = []
    while frame := stream.next_frame():
        found.append(decode_answer(frame))
    return found


def events(machine: SccpRegistrar, *messages: Request) -> list[RegistrarEvent]:
    machine.receive_data(wire(*messages))
    found = []
    while event := machine.next_event(NOW):
        found.append(event)
    return found


def registrar(state: RegistrarState) -> SccpRegistrar:
    machine = SccpRegistrar()
    if state in (S.ASKED, S.HELD, S.ORDERED):
        events(machine, Register(NAME))
    if state in (S.HELD, S.ORDERED):
        machine.accept(STATION, ACK)
    if state is S.ORDERED:
        machine.order(ResetType.RESET, 100)
    if state is S.CLOSED:
        machine.receive_end()
    machine.data_to_send()
    assert machine.state is state
    return machine


# a registration


def test_a_phone_registers_asks_and_leaves() -> None:
    machine = SccpRegistrar()
    alarm = StationAlarm(2, f"25: Name={NAME} Load=L Last=Initialized")
    reported, asked = events(machine, alarm, Register(NAME))
    reason = RegistrationReason(25, NAME, "L", last="Initialized")
    assert reported == AlarmReported(NAME, alarm.alarm)
    assert asked == RegisterRequested(Register(NAME), reason)
    assert sent(machine) == []
    machine.accept(STATION, ACK)
    assert sent(machine) == [ACK, NoFields(MessageId.CAPABILITIES_REQUEST)]
    questions = (
        MessageId.BUTTON_TEMPLATE_REQUEST,
        MessageId.SOFT_KEY_TEMPLATE_REQUEST,
        MessageId.SOFT_KEY_SET_REQUEST,
        MessageId.CONFIG_STAT_REQUEST,
        MessageId.TIME_DATE_REQUEST,
        MessageId.VERSION_REQUEST,
        MessageId.SERVER_REQUEST,
    )
    told = events(machine, *map(Plain, questions), *map(LineStatRequest, (1, 2, 3, 0)))
    assert told == [Answered(one.name) for one in questions] + [Answered("LineStatRequest")] * 4
    assert sent(machine) == [
        ButtonTemplate(((1, LINE_BUTTON), (2, LINE_BUTTON))),
        NoSoftKeys(MessageId.SOFT_KEY_TEMPLATE),
        NoSoftKeys(MessageId.SOFT_KEY_SETS),
        ConfigStat(NAME, server_name="cucm-pub", line_count=2),
        TimeDate.of(NOW),
        Version("SCCP42.9-4-2SR3"),
        Servers((Server("cucm-pub", 2000),)),
        LineStat(1, "2001", "Reception", "Desk"),
        LineStat(2, "2002", label="2002"),
        LineStat(3),
        LineStat(0),
    ]
    assert events(machine, KEEPALIVE, Unregister()) == [KeptAlive(is_held=True), Unregistered(True)]  # noqa: FBT003 - one value
    assert sent(machine) == [KEEPALIVE_ACK, UnregisterAck()]


def test_a_refused_phone_is_told_why() -> None:
    machine = registrar(S.ASKED)
    machine.refuse("Unknown device")
    assert sent(machine) == [RegisterReject("Unknown device")]
    assert events(machine, KEEPALIVE) == [KeptAlive(is_held=False)]


def test_a_phone_refused_when_it_registers_anew_is_held_no_more() -> None:
    machine = registrar(S.HELD)
    events(machine, Register(NAME))
    machine.refuse("Unknown device")
    assert events(machine, Unregister()) == [Unregistered(was_held=False)]


def test_a_standby_answers_keepalives_and_tokens_only() -> None:
    machine = SccpRegistrar()
    told = events(machine, KEEPALIVE, TokenRequest(NAME), Plain(MessageId.TIME_DATE_REQUEST))
    assert told == [
        KeptAlive(is_held=False),
        Answered("REGISTER_TOKEN_REQUEST"),
        Ignored("TIME_DATE_REQUEST"),
    ]
    assert sent(machine) == [KEEPALIVE_ACK, TokenAck()]


def test_what_needs_no_answer_gets_none() -> None:
    machine = registrar(S.HELD)
    machine.receive_data(encode_frame(Frame(0x26, bytes(12))))
    assert machine.next_event(NOW) == Ignored("message 0x0026")
    told = events(machine, IpPort(1), Capabilities(), LineStatRequest(1))
    assert told == [Ignored("IpPort"), Ignored("Capabilities"), Answered("LineStatRequest")]
    assert sent(machine) == [LineStat(1, "2001", "Reception", "Desk")]


def test_an_alarm_in_xml_is_told_with_its_device() -> None:
    alarm = device_tl_info(NAME, "10.1.2.3")
    assert events(SccpRegistrar(), XmlAlarm(alarm)) == [AlarmReported(NAME, alarm)]


# orders


@pytest.mark.parametrize("leaving", [Unregister(), Register(NAME), None], ids=str)
def test_a_phone_obeys_by_leaving(leaving: Request | None) -> None:
    machine = registrar(S.HELD)
    machine.order(ResetType.RESTART, 100)
    assert sent(machine) == [Reset(2)]
    assert machine.next_timeout() == 100 + ORDER_TIME_S
    assert events(machine, KEEPALIVE) == [KeptAlive(is_held=True)]
    if leaving is None:
        machine.receive_end()
    found = events(machine, *([leaving] if leaving else []))
    assert found[0] == OrderCarriedOut()
    assert machine.next_timeout() is None


def test_a_phone_that_stays_has_not_answered() -> None:
    machine = registrar(S.ORDERED)
    machine.handle_timeout(100 + ORDER_TIME_S - 1)
    assert machine.next_event(NOW) is None
    machine.handle_timeout(100 + ORDER_TIME_S)
    assert machine.next_event(NOW) == OrderUnanswered()
    machine.order(ResetType.RESET, 200)


def test_a_phone_forgotten_meanwhile_has_not_answered() -> None:
    machine = registrar(S.ORDERED)
    machine.forget()
    assert machine.next_event(NOW) == OrderUnanswered()
    assert machine.next_timeout() is None


# every state


DECISIONS: dict[RegistrarInput, Callable[[SccpRegistrar], None]] = {
    In.ACCEPT: lambda machine: machine.accept(STATION, ACK),
    In.REFUSE: lambda machine: machine.refuse("no"),
    In.ORDER: lambda machine: machine.order(ResetType.RESET, 0),
    In.FORGET: SccpRegistrar.forget,
}
RECEIVED = {
    In.REGISTER: wire(Register(NAME)),
    In.UNREGISTER: wire(Unregister()),
    In.MESSAGE: wire(KEEPALIVE),
    In.FAULT: b"\xff" * 4,
}


def test_every_input_is_tried() -> None:
    assert {*DECISIONS, *RECEIVED, In.LATE, In.END} == set(In)


@pytest.mark.parametrize(("state", "what"), list(product(S, DECISIONS)))
def test_a_decision_is_taken_where_the_table_has_it(
    state: RegistrarState, what: RegistrarInput
) -> None:
    machine = registrar(state)
    expected = TRANSITIONS.get((state, what))
    if expected is None:
        with pytest.raises(LocalProtocolError, match=f"{what.value} is not possible while"):
            DECISIONS[what](machine)
        assert machine.state is state
    else:
        DECISIONS[what](machine)
        assert machine.state is expected


@pytest.mark.parametrize(("state", "what"), list(product(S, RECEIVED)))
def test_what_the_phone_sends_moves_as_the_table_says_or_waits(
    state: RegistrarState, what: RegistrarInput
) -> None:
    machine = registrar(state)
    expected = TRANSITIONS.get((state, what), state)
    machine.receive_data(RECEIVED[what])
    fault = what is In.FAULT and (state, what) in TRANSITIONS
    with pytest.raises(RemoteProtocolError) if fault else contextlib.nullcontext():
        machine.next_event(NOW)
    assert machine.state is expected
    if state in (S.ASKED, S.CLOSED):
        assert machine.data_to_send() == ()


@pytest.mark.parametrize("state", S)
def test_time_and_the_end_move_as_the_table_says(state: RegistrarState) -> None:
    machine = registrar(state)
    machine.handle_timeout(1000)
    assert machine.state is TRANSITIONS.get((state, In.LATE), state)
    machine.receive_end()
    assert machine.state is S.CLOSED


def test_what_waited_during_a_decision_is_read_after_it() -> None:
    machine = SccpRegistrar()
    asked, *rest = events(machine, Register(NAME), KEEPALIVE)
    assert isinstance(asked, RegisterRequested)
    assert rest == []
    machine.accept(STATION, ACK)
    assert events(machine) == [KeptAlive(is_held=True)]
    assert machine.is_between_messages


# bad phones


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"GET / HTTP/1.1\r\n", "a message of 542393671 bytes, expected 4 to 8192"),
        (bytes(12), "a message of 0 bytes"),
        (encode_frame(Frame(1, b"SEP")), "a payload of 3 bytes, expected at least 36"),
        (encode_frame(Frame(0x15A, b"<a/>")), "x-cisco-alarm"),
    ],
)
def test_garbage_ends_the_conversation(data: bytes, problem: str) -> None:
    machine = SccpRegistrar()
    machine.receive_data(data)
    with pytest.raises(RemoteProtocolError, match=problem):
        machine.next_event(NOW)
    machine.receive_data(wire(KEEPALIVE))
    assert machine.next_event(NOW) is None


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_whatever_comes_only_a_remote_error_is_raised(chunks: list[bytes]) -> None:
    machine = registrar(S.HELD)
    with contextlib.suppress(RemoteProtocolError):
        for chunk in chunks:
            machine.receive_data(encode_frame(Frame(len(chunk), chunk)) + chunk)
            while machine.next_event(NOW):
                pass
