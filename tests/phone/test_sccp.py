"""A phone that registers by SCCP over real sockets: with our nodes, and with other servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from cucmsim.formats.phonealarms import DEVICE_TL_INFO, OutOfServiceReason
from cucmsim.formats.phonevalues import CallManager
from cucmsim.formats.servicecontrol import Action
from cucmsim.formats.skinny import encode_frame
from cucmsim.formats.skinny_answers import Answer, ButtonTemplate, LineStat, encode_answer
from cucmsim.phone.events import (
    DeviceTlInfo,
    Event,
    RegistrationFailed,
    RegistrationLost,
    RegistrationSucceeded,
)
from cucmsim.phone.flash import Flash
from cucmsim.phone.link import LinkOptions
from cucmsim.phone.names import Names
from cucmsim.phone.orders import Order
from cucmsim.phone.performer import RegisterOutcome, Standing
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.sccp import SccpDialect, register_message
from cucmsim.phone.steps import (
    NotReached,
    PeerRefused,
    PeerUnproven,
    Register,
    Registered,
    RegistrationRefused,
)
from cucmsim.phone.trust import TrustedPeers
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.values import Certified, PhoneIdentity, Purpose
from cucmsim.services.view import View
from cucmsim.store.rows import Device, Line
from tests.fixtures.phonekit import NAME, NOW, certified, ctl, der
from tests.fixtures.sipnodes import STAMP, MovedClock, SccpNode, replica, until

PHONE = PhoneIdentity(NAME.removeprefix("SEP"), "7942")
ALARM = DeviceTlInfo(NAME, None, "", b"\1" * 20, "pub", 3, NOW)
PEERS = TrustedPeers(TrustLists.of(Flash(ctl=ctl())), Purpose.SIP_PEER)
FIRST, SECOND = "127.0.0.1", "127.0.0.2"


def step(*members: CallManager, secure: bool = False) -> Register:
    return Register(
        members=members,
        protocol="SCCP",
        transport=1,
        security_mode=3 if secure else 1,
        lines=(),
        alarms=(ALARM,),
        certified=certified("lsc") if secure else None,
        check=PEERS,
        version_stamp=STAMP,
        load="SCCP42.9-4-2SR3-1S",
    )


class Nodes:
    """Two nodes with one clock and one view."""

    def __init__(self, mode: int) -> None:
        self.clock = MovedClock()
        phone = Device(
            name=NAME, model="7942", protocol="SCCP", security_mode=mode, lines=(Line("2001"),)
        )
        self.view = View(replace(replica(mode), devices={NAME: phone}))
        self.first = SccpNode(FIRST, self.clock, self.view)
        self.second = SccpNode(SECOND, self.clock, self.view)

    @property
    def members(self) -> tuple[CallManager, ...]:
        return self.first.member, self.second.member


@asynccontextmanager
async def nodes(mode: int = 1) -> AsyncIterator[Nodes]:
    both = Nodes(mode)
    await both.first.start()
    await both.second.start()
    try:
        yield both
    finally:
        await both.first.stop()
        await both.second.stop()


@dataclass
class Caller:
    """A phone's registrar, and what it told."""

    clock: MovedClock = field(default_factory=MovedClock)
    told: list[Event] = field(default_factory=list)
    registrar: PhoneRegistrar = field(init=False)

    def __post_init__(self) -> None:
        options = LinkOptions(timeout_s=10, tls_version="1.2")
        self.registrar = PhoneRegistrar(PHONE, options, clock=self.clock, goodbye_s=0.5)
        self.registrar.listen(self.told.append)

    async def register(self, wanted: Register) -> RegisterOutcome:
        async with asyncio.timeout(30):
            return await self.registrar.register(wanted, Names())

    async def order(self) -> str:
        async with asyncio.timeout(30):
            return await self.registrar.next_order()

    def later(self, seconds: float) -> None:
        self.clock.ahead_s += seconds
        self.registrar.wake()


@asynccontextmanager
async def calling(clock: MovedClock | None = None) -> AsyncIterator[Caller]:
    caller = Caller(clock or MovedClock())
    try:
        yield caller
    finally:
        await caller.registrar.close()


@asynccontextmanager
async def registered() -> AsyncIterator[tuple[Nodes, Caller]]:
    async with nodes() as both, calling(both.clock) as caller:
        assert await caller.register(step(*both.members)) == Registered(FIRST, "TCP", "2001", 30)
        yield both, caller


def asked(node: SccpNode) -> list[str]:
    return [request for request, _ in node.told]


async def test_it_reports_its_alarms_and_registers_with_the_first_member() -> None:
    async with registered() as (both, caller):
        held = both.first.registrations.held[NAME]
        assert (held.protocol, held.details.number, held.details.model) == ("SCCP", "2001", "434")
        assert held.details.reason.alarm == OutOfServiceReason.INITIALIZED
        assert held.details.user_agent == "SCCP42.9-4-2SR3-1S"
        await until(lambda: "AvailableLines" in asked(both.first))
        assert asked(both.first)[:3] == ["Alarm DeviceTLInfo", "Alarm StationAlarm", "Register"]
        alarm = both.first.registrations.last_alarm(NAME, DEVICE_TL_INFO)
        assert alarm is not None
        assert alarm.alarm.value("IPv4Address") == FIRST
        assert {"LineStatRequest", "TIME_DATE_REQUEST", "Capabilities"} <= {*asked(both.first)}
        assert caller.told == []


async def test_it_unregisters_when_it_is_closed() -> None:
    async with registered() as (both, caller):
        await caller.registrar.close()
        assert both.first.told[-1] == ("Unregister", "UnregisterAck")
        assert both.first.registrations.held == {}
        assert caller.registrar.standing == Standing()


async def test_it_keeps_alive_and_holds_a_standby() -> None:
    async with registered() as (both, caller):
        await until(lambda: caller.registrar.standing == Standing(FIRST, (SECOND,)))
        caller.later(30)
        await until(lambda: "KeepAlive" in asked(both.first))
        caller.later(30)
        await until(lambda: asked(both.first).count("KeepAlive") == 2)
        await until(lambda: "KeepAlive" in asked(both.second))
        assert both.first.registrations.held[NAME].expires_s > both.clock.monotonic()
        assert caller.told == []


async def test_it_fails_over_to_the_standby_when_the_server_stops() -> None:
    async with registered() as (both, caller):
        await until(lambda: caller.registrar.standing.standby == (SECOND,))
        await both.first.stop()
        await until(lambda: len(caller.told) == 2)
        assert caller.registrar.standing.active == SECOND
        lost, again = caller.told
        assert isinstance(lost, RegistrationLost)
        assert lost.server == FIRST
        assert again == RegistrationSucceeded(SECOND, "TCP", "2001", 30)
        reason = both.second.registrations.held[NAME].details.reason
        assert reason.alarm == OutOfServiceReason.CM_CLOSED_TCP


async def test_it_goes_back_to_the_first_member_when_that_is_there_again() -> None:
    async with registered() as (both, caller):
        await until(lambda: caller.registrar.standing.standby == (SECOND,))
        await both.first.stop()
        await until(lambda: NAME in both.second.registrations.held)
        await both.first.start()
        caller.later(31)
        await until(lambda: caller.registrar.standing.active == FIRST)
        await until(lambda: len(caller.told) == 3)
        assert caller.told[-1] == RegistrationSucceeded(FIRST, "TCP", "2001", 30)
        assert ("REGISTER_TOKEN_REQUEST", "answered") in both.first.told
        assert ("Unregister", "UnregisterAck") in both.second.told
        assert both.second.registrations.held == {}
        reason = both.first.registrations.held[NAME].details.reason
        assert reason.alarm == OutOfServiceReason.TO_HIGHER_SERVER


@pytest.mark.parametrize(
    ("action", "order"),
    [
        (Action.RESET, Order.RESET),
        (Action.RESTART, Order.RESTART),
        (Action.APPLY_CONFIG, Order.APPLY_CONFIG),
    ],
)
async def test_it_passes_on_orders_and_obeys_by_leaving(action: Action, order: Order) -> None:
    async with registered() as (both, caller):
        sent = asyncio.create_task(both.first.registrations.order(NAME, action))
        assert await caller.order() == order
        await caller.registrar.close()
        assert (await sent).is_accepted


async def test_a_refusal_is_told_in_the_servers_words() -> None:
    async with nodes() as both, calling(both.clock) as caller:
        both.view.replace(replace(both.view.replica, devices={}))
        refused = RegistrationRefused(FIRST, 0, f"Unknown device {NAME}")
        assert await caller.register(step(*both.members)) == refused
        assert refused.text == f"{FIRST}: Unknown device {NAME}"
        assert caller.registrar.standing == Standing()
        caller.later(30)
        await until(lambda: caller.told)
        assert caller.told == [RegistrationFailed(refused.text)]


async def test_nobody_there_is_told_and_tried_again() -> None:
    async with nodes() as both, calling(both.clock) as caller:
        members = both.members
        await both.first.stop()
        await both.second.stop()
        outcome = await caller.register(step(*members))
        assert isinstance(outcome, NotReached)
        assert "cannot connect" in outcome.reason
        await both.second.start()
        caller.later(30)
        await until(lambda: caller.registrar.standing.active == SECOND)
        await until(lambda: caller.told)
        assert caller.told == [RegistrationSucceeded(SECOND, "TCP", "2001", 30)]
        await both.second.stop()
        await until(lambda: len(caller.told) == 3)
        failed = caller.told[-1]
        assert isinstance(failed, RegistrationFailed)
        assert failed.unreachable


async def test_a_silent_server_is_given_up() -> None:
    async def keep_quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(keep_quiet, FIRST, 0)
    member = CallManager("", "", FIRST, ethernet_phone_port=silent.sockets[0].getsockname()[1])
    async with calling() as caller:
        outcome = asyncio.create_task(caller.register(step(member)))
        await until(lambda: caller.registrar._session is not None)
        await until(lambda: caller.registrar.standing.standby == (FIRST,))
        caller.later(10)
        assert await outcome == NotReached("no member answers")
    silent.close()
    await silent.wait_closed()


# TLS


async def test_a_secure_phone_registers_over_tls_with_its_lsc() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        wanted = step(both.first.secure_member, secure=True)
        assert await caller.register(wanted) == Registered(FIRST, "TLS", "2001", 30)
        assert both.first.registrations.held[NAME].is_tls


async def test_a_server_that_tvs_is_to_be_asked_about_is_told_nothing() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        await both.first.stop()
        await both.first.start("callmanager-sub")
        wanted = step(both.first.secure_member, secure=True)
        assert await caller.register(wanted) == PeerUnproven(der("callmanager-sub"))
        assert both.first.told == []
        assert caller.registrar.standing == Standing()


async def test_a_phone_without_a_trust_list_takes_no_server() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        await both.first.stop()
        await both.first.start("callmanager-sub")
        nobody = TrustedPeers(TrustLists.of(Flash()), Purpose.SIP_PEER)
        wanted = replace(step(both.first.secure_member, secure=True), check=nobody)
        assert await caller.register(wanted) == PeerRefused(der("callmanager-sub"))
        caller.later(30)
        assert await caller.order() == Order.RETRY
        (failed,) = caller.told
        assert isinstance(failed, RegistrationFailed)
        assert failed.reason == f"{FIRST} shows a certificate that is not trusted"


async def test_a_damaged_lsc_is_told() -> None:
    async with calling() as caller:
        wanted = replace(step(secure=True), certified=Certified(b"x", b"y"))
        outcome = await caller.register(wanted)
        assert isinstance(outcome, NotReached)
        assert "cannot be used" in outcome.reason


# the rest


async def test_the_protocol_of_the_configuration_chooses_sccp() -> None:
    async with nodes() as both:
        registrar = PhoneRegistrar(PHONE, clock=both.clock)
        outcome = await registrar.register(step(*both.members), Names())
        assert outcome == Registered(FIRST, "TCP", "2001", 30)
        await registrar.close()


def test_a_phone_says_what_it_is() -> None:
    message = register_message(PHONE, replace(step(), load=""))
    assert (message.device_name, message.device_type, message.line_count) == (NAME, 434, 2)
    assert (message.load, message.config_stamp) == ("SCCP42.9-4-2SR3-1S", STAMP)
    assert message.mac.hex().upper() == PHONE.mac


async def test_a_server_that_never_says_the_number_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SccpDialect, "received", lambda _dialect, _data: None)
    monkeypatch.setattr("cucmsim.phone.session._NUMBER_S", 0.0)
    async with nodes() as both, calling(both.clock) as caller:
        assert await caller.register(step(*both.members)) == Registered(FIRST, "TCP", "", 30)


async def test_a_server_lost_before_it_said_the_number_is_told_after_the_registration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SccpDialect, "received", lambda _dialect, _data: None)
    monkeypatch.setattr("cucmsim.phone.session._NUMBER_S", 600.0)
    async with nodes() as both, calling(both.clock) as caller:
        outcome = asyncio.create_task(caller.register(step(both.first.member)))
        await until(lambda: caller.registrar.standing.active == FIRST)
        await both.first.stop()
        assert await outcome == Registered(FIRST, "TCP", "", 30)
        await until(lambda: caller.told)
        assert isinstance(caller.told[0], RegistrationLost)


def test_the_number_is_that_of_the_first_line() -> None:
    dialect = SccpDialect(PHONE, step())
    dialect.received(answer(ButtonTemplate(((1, 9), (2, 9)))))
    dialect.received(answer(LineStat(2, "2002")))
    assert not dialect.is_numbered
    dialect.received(answer(LineStat(1, "2001")))
    dialect.received(answer(LineStat(1, "2003")))
    assert (dialect.number, dialect.is_numbered) == ("2001", True)
    dialect.served(FIRST, (FIRST, 1))
    assert (dialect.number, dialect.is_numbered) == ("", False)
    dialect.received(b"\xff" * 12)
    dialect.received(answer(ButtonTemplate(())))
    assert (dialect.number, dialect.is_numbered) == ("", True)


def answer(said: Answer) -> bytes:
    return encode_frame(encode_answer(said))
