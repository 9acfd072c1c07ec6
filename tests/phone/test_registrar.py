"""A phone that registers by SIP over real sockets: with our nodes, and with servers unlike them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.formats.phonealarms import DEVICE_TL_INFO, LAST_OUT_OF_SERVICE, OutOfServiceReason
from cucmsim.formats.phonevalues import CallManager, Line
from cucmsim.formats.servicecontrol import Action
from cucmsim.formats.sip import Request, format_message
from cucmsim.formats.sip_framing import MessageStream
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
from cucmsim.phone.sipprofile import sip_profile
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
from cucmsim.protocols.sip_common import Instant, answer_to
from cucmsim.store.rows import Device
from tests.fixtures.phonekit import NAME, NOW, PHONE, certified, ctl, der
from tests.fixtures.sipnodes import STAMP, MovedClock, SipNodes, nodes, until

ALARM = DeviceTlInfo(NAME, None, "", b"\1" * 20, "pub", 3, NOW)
PEERS = TrustedPeers(TrustLists.of(Flash(ctl=ctl())), Purpose.SIP_PEER)
FIRST, SECOND = "127.0.0.1", "127.0.0.2"
OVER_TCP = Registered(FIRST, "TCP", "1000", 120)


def step(*members: CallManager, secure: bool = False) -> Register:
    return Register(
        members=members,
        protocol="SIP",
        transport=3 if secure else 1,
        security_mode=3 if secure else 1,
        lines=(Line(1, "1000"),),
        alarms=(ALARM,),
        certified=certified("lsc") if secure else None,
        check=PEERS,
        version_stamp=STAMP,
    )


@dataclass
class Caller:
    """A phone's registrar, and what it told."""

    clock: MovedClock = field(default_factory=MovedClock)
    told: list[Event] = field(default_factory=list)
    registrar: PhoneRegistrar = field(init=False)

    def __post_init__(self) -> None:
        self.registrar = PhoneRegistrar(
            PHONE,
            LinkOptions(timeout_s=10),
            clock=self.clock,
            entropy=SeededEntropy(1),
            goodbye_s=0.5,
        )
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
async def registered(*, secure: bool = False) -> AsyncIterator[tuple[SipNodes, Caller]]:
    async with nodes(3 if secure else 1) as both, calling(both.clock) as caller:
        outcome = await caller.register(step(*both.members, secure=secure))
        assert isinstance(outcome, Registered), outcome
        yield both, caller


async def test_it_reports_its_alarms_and_registers_with_the_first_member() -> None:
    async with registered() as (both, caller):
        held = both.first.registrations.held[NAME]
        assert held.details.reason.alarm == OutOfServiceReason.INITIALIZED
        assert held.details.reason.active_load == "sip88xx.12-1-1SR1-4.loads"
        assert held.details.user_agent == "Cisco-CP8861/12.1.1"
        assert [request for request, _ in both.first.told] == ["REFER DeviceTLInfo", "REGISTER"]
        alarm = both.first.registrations.last_alarm(NAME, DEVICE_TL_INFO)
        assert alarm is not None
        assert alarm.alarm.value("IPv4Address") == "127.0.0.1"
        assert caller.registrar.standing.active == FIRST
        assert caller.told == []


async def test_it_unregisters_when_it_is_closed() -> None:
    async with registered() as (both, caller):
        await caller.registrar.close()
        assert both.first.told[-1] == ("REGISTER unregister", "200")
        assert both.first.registrations.held == {}
        assert caller.registrar.standing == Standing()


async def test_it_refreshes_before_the_registration_expires() -> None:
    async with registered() as (both, caller):
        caller.later(116)
        await until(lambda: [asked for asked, _ in both.first.told].count("REGISTER") == 2)
        assert both.first.registrations.held[NAME].expires_s > both.clock.monotonic() + 60
        assert caller.registrar.standing.active == FIRST
        assert caller.told == []


async def test_the_next_member_stands_by_and_is_kept_alive() -> None:
    async with registered() as (both, caller):
        keepalive = ("REGISTER keepalive", "200")
        await until(lambda: keepalive in both.second.told)
        assert caller.registrar.standing == Standing(FIRST, (SECOND,))
        assert both.second.registrations.held == {}


async def test_the_standby_takes_over_and_the_first_one_is_gone_back_to() -> None:
    async with registered() as (both, caller):
        await until(lambda: both.second.told)
        await both.first.stop()
        await until(lambda: caller.registrar.standing.active == SECOND)
        assert NAME in both.second.registrations.held
        lost, succeeded = caller.told
        assert lost == RegistrationLost(FIRST, f"{FIRST} closed the connection")
        assert succeeded == RegistrationSucceeded(SECOND, "TCP", "1000", 120)
        known = both.second.registrations
        await until(lambda: known.last_alarm(NAME, LAST_OUT_OF_SERVICE))
        alarm = known.last_alarm(NAME, LAST_OUT_OF_SERVICE)
        assert alarm is not None
        assert alarm.alarm.value("ReasonForOutOfService") == "14"
        assert alarm.alarm.value("UnifiedCMIPAddress") == FIRST
        sent = alarm.alarm.value("LastProtocolEventSent") or ""
        assert sent == "" or sent.startswith(f"Sent:REGISTER sip:{FIRST} SIP/2.0  Cseq:")

        await both.first.start()
        caller.later(121)
        await until(lambda: caller.registrar.standing.active == FIRST)
        assert NAME in both.first.registrations.held
        assert NAME not in known.held


async def test_a_phone_that_lost_every_server_keeps_trying() -> None:
    async with registered() as (both, caller):
        await both.first.stop()
        await both.second.stop()
        await until(lambda: any(isinstance(each, RegistrationFailed) for each in caller.told))
        assert caller.registrar.standing == Standing()
        await both.first.start()
        caller.later(300)
        await until(lambda: caller.registrar.standing.active == FIRST)
        assert NAME in both.first.registrations.held


@pytest.mark.parametrize(
    ("action", "order"),
    [
        (Action.RESET, Order.RESET),
        (Action.RESTART, Order.RESTART),
        (Action.APPLY_CONFIG, Order.APPLY_CONFIG),
    ],
)
async def test_an_order_is_answered_and_passed_on(action: Action, order: Order) -> None:
    async with registered() as (both, caller):
        assert (await both.first.registrations.order(NAME, action)).is_accepted
        assert await caller.order() == order


async def test_check_version_matters_when_the_stamp_is_another_one() -> None:
    async with registered() as (both, caller):
        registrations = both.first.registrations
        assert (await registrations.order(NAME, Action.CHECK_VERSION)).is_accepted
        both.configure(Device(name=NAME, model="8861", versionstamp="2-other"))
        assert (await registrations.order(NAME, Action.CHECK_VERSION)).is_accepted
        assert (await registrations.order(NAME, Action.RESET)).is_accepted
        assert [await caller.order(), await caller.order()] == [Order.CHECK_VERSION, Order.RESET]


async def test_an_order_that_it_does_not_know_is_answered_and_ignored() -> None:
    async with registered() as (both, caller):
        registrations = both.first.registrations
        assert (await registrations.order(NAME, Action.PRT_REPORT)).is_accepted
        assert (await registrations.order(NAME, Action.RESTART)).is_accepted
        assert await caller.order() == Order.RESTART


async def test_after_a_restart_it_says_so_and_tells_of_the_service_it_lost() -> None:
    async with registered() as (both, caller):
        again = replace(step(*both.members), reason=OutOfServiceReason.RESTART)
        assert await caller.register(again) == OVER_TCP
        registrations = both.first.registrations
        assert registrations.held[NAME].details.reason.alarm == OutOfServiceReason.RESTART
        alarm = registrations.last_alarm(NAME, LAST_OUT_OF_SERVICE)
        assert alarm is not None
        assert alarm.alarm.value("ReasonForOutOfService") == "23"
        assert (alarm.alarm.value("LastProtocolEventReceived") or "").startswith("Rcvd:SIP/2.0 200")
        assert ("REGISTER unregister", "200") in both.first.told


async def test_a_refusal_is_told_with_its_warning_and_the_phone_asks_again() -> None:
    async with nodes() as both, calling(both.clock) as caller:
        both.configure()
        outcome = await caller.register(step(*both.members))
        warning = f'399 pub "Unknown device {NAME}"'
        assert outcome == RegistrationRefused(FIRST, 403, "Forbidden", warning)
        assert outcome.text == f"{FIRST}: 403 Forbidden, {warning}"
        await until(lambda: caller.told)  # the second try comes after 100 ms
        assert caller.told == [RegistrationFailed(outcome.text)]
        both.configure(Device(name=NAME, model="8861"))
        caller.later(300)
        await until(lambda: caller.registrar.standing.active == FIRST)


async def test_a_server_that_is_not_there_is_not_reached_until_it_is() -> None:
    async with nodes() as both:
        members = both.members
        await both.first.stop()
        await both.second.stop()
        async with calling(both.clock) as caller:
            outcome = await caller.register(step(*members))
            assert isinstance(outcome, NotReached)
            assert FIRST in outcome.reason
            assert SECOND in outcome.reason
            assert caller.registrar.standing == Standing()
            await both.second.start()
            caller.later(300)
            await until(lambda: caller.registrar.standing.active == SECOND)


async def test_a_name_that_nobody_knows_is_not_reached() -> None:
    async with calling() as caller:
        outcome = await caller.register(step(CallManager("", "", "no-such-host.invalid")))
        assert isinstance(outcome, NotReached)
        assert "no such host" in outcome.reason


@asynccontextmanager
async def server(
    says: bytes, *, closes: bool = False, heard: asyncio.Event | None = None
) -> AsyncIterator[CallManager]:
    """Run a server that waits for a request, says something and waits, or closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        if heard is not None:
            heard.set()
        writer.write(says)
        while not closes and await reader.read(65536):
            pass
        writer.close()

    running = await asyncio.start_server(talk, FIRST, 0)
    try:
        port = running.sockets[0].getsockname()[1]
        yield CallManager("", "", FIRST, sip_port=port, secured_sip_port=port)
    finally:
        running.close()


async def test_a_server_that_says_nothing_is_given_up_after_32_seconds() -> None:
    heard = asyncio.Event()
    async with nodes() as both, server(b"", heard=heard) as silent, calling(both.clock) as caller:
        members = (silent, both.second.member)
        outcome = asyncio.create_task(caller.register(step(*members)))
        await heard.wait()
        assert not outcome.done()
        caller.later(33)
        assert await outcome == Registered(SECOND, "TCP", "1000", 120)


@pytest.mark.parametrize(
    ("says", "closes"),
    [
        (b"\0\xff\xfe\r\n\r\n", False),
        (b"SIP/2.0 200 OK\r\nContent-Length: 999999999\r\n\r\n", False),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/T", True),
        (b"", True),
    ],
    ids=["rubbish", "a size that cannot be", "half a message", "nothing at all"],
)
async def test_a_server_that_speaks_no_sip_is_passed_over(says: bytes, *, closes: bool) -> None:
    async with nodes() as both, server(says, closes=closes) as odd, calling(both.clock) as caller:
        outcome = await caller.register(step(odd, both.second.member))
        assert outcome == Registered(SECOND, "TCP", "1000", 120)


@asynccontextmanager
async def forgetful_server() -> AsyncIterator[tuple[CallManager, asyncio.Queue[str]]]:
    """Run a server that answers the first REGISTER and nothing after it; give what it was asked."""
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream, answered = MessageStream(), False
        while data := await reader.read(65536):
            stream.feed(data)
            while isinstance(message := stream.next_message(), Request):
                asked.put_nowait(f"{message.method} {message.value('Expires')}")
                if message.method == "REGISTER" and not answered:
                    answered = True
                    now = Instant.of(MovedClock())
                    writer.write(format_message(answer_to(message, 200, now, tag="1")))
        writer.close()

    running = await asyncio.start_server(talk, FIRST, 0)
    try:
        port = running.sockets[0].getsockname()[1]
        yield CallManager("", "", FIRST, sip_port=port), asked
    finally:
        running.close()


async def heard(asked: asyncio.Queue[str], text: str) -> None:
    async with asyncio.timeout(30):
        while await asked.get() != text:
            pass


async def test_a_server_that_does_not_answer_the_refresh_is_lost() -> None:
    async with nodes() as both, forgetful_server() as (odd, asked), calling(both.clock) as caller:
        outcome = await caller.register(step(odd, both.second.member))
        assert isinstance(outcome, Registered)
        await heard(asked, "REGISTER 3600")
        caller.later(116)
        await heard(asked, "REGISTER 3600")
        caller.later(33)
        await until(lambda: caller.registrar.standing.active == SECOND)
        assert caller.told[0] == RegistrationLost(FIRST, "no answer, registration-timeout")


async def test_a_server_that_does_not_answer_the_goodbye_is_not_waited_for() -> None:
    async with forgetful_server() as (odd, asked), calling() as caller:
        assert isinstance(await caller.register(step(odd)), Registered)
        await caller.registrar.close()
        await heard(asked, "REGISTER 0")
        assert caller.registrar.standing == Standing()


@pytest.mark.parametrize(
    ("model", "lines", "user"),
    [
        ("8861", (Line(1, "1000", uuid="04984998-fe29"),), "04984998-fe29"),
        ("8861", (), "56e97d9b-915a-50ed-a6e0-0a6962abb707"),
        ("7962", (Line(1, "1000"),), "1000"),
        ("7962", (), "b000b4ba0aee"),
    ],
)
def test_the_user_of_contact(model: str, lines: tuple[Line, ...], user: str) -> None:
    wanted = replace(step(), lines=lines, load="", inactive_load="sip88xx.10-3-1-20")
    profile = sip_profile(PhoneIdentity(PHONE.mac, model), wanted)
    assert profile.contact_user == user
    assert profile.inactive_load == "sip88xx.10-3-1-20.loads"


def test_the_user_agent_follows_the_load() -> None:
    profile = sip_profile(PHONE, replace(step(), load="sip88xx.14-0-1-6"))
    assert profile.user_agent == "Cisco-CP8861/14.0.1"
    assert profile.active_load == "sip88xx.14-0-1-6.loads"
    assert sip_profile(PHONE, replace(step(), load="odd")).user_agent == "Cisco-CP8861/0.0.0"


# --- TLS


@pytest.mark.parametrize("kind", ["lsc", "mic"])
async def test_over_tls_it_presents_its_lsc_or_mic(kind: str) -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        wanted = replace(step(*both.members, secure=True), certified=certified(kind))
        assert await caller.register(wanted) == Registered(FIRST, "TLS", "1000", 120)
        assert both.first.registrations.held[NAME].is_tls
        await until(lambda: caller.registrar.standing.standby == (SECOND,))


async def test_over_tls_without_certificate_it_is_refused() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        outcome = await caller.register(replace(step(*both.members, secure=True), certified=None))
        assert isinstance(outcome, RegistrationRefused)
        assert "InvalidX509NameInCertificate" in outcome.warning


async def test_a_damaged_certificate_of_its_own_registers_nowhere() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        wanted = replace(step(*both.members, secure=True), certified=Certified(b"x", b"y"))
        outcome = await caller.register(wanted)
        assert isinstance(outcome, NotReached)
        assert "LSC or MIC" in outcome.reason
        assert both.first.told == []


async def test_a_server_that_tvs_is_to_be_asked_about_is_told_nothing() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        await both.first.stop()
        await both.first.start("callmanager-sub")
        wanted = step(*both.members, secure=True)
        assert await caller.register(wanted) == PeerUnproven(der("callmanager-sub"))
        assert both.first.told == []
        assert caller.registrar.standing == Standing()
        vouched = replace(PEERS, vouched=frozenset({der("callmanager-sub")}))
        outcome = await caller.register(replace(wanted, check=vouched))
        assert outcome == Registered(FIRST, "TLS", "1000", 120)


async def test_a_server_that_is_not_trusted_is_passed_over() -> None:
    distrust = replace(PEERS, refused=frozenset({der("callmanager-sub")}))
    async with nodes(3) as both, calling(both.clock) as caller:
        await both.first.stop()
        await both.first.start("callmanager-sub")
        wanted = replace(step(*both.members, secure=True), check=distrust)
        assert await caller.register(wanted) == Registered(SECOND, "TLS", "1000", 120)
        assert both.first.told == []


async def test_a_group_that_is_not_trusted_refuses_and_is_looked_at_again_in_time() -> None:
    distrust = replace(PEERS, refused=frozenset({der("callmanager-sub")}))
    async with nodes(3) as both, calling(both.clock) as caller:
        await both.first.stop()
        await both.first.start("callmanager-sub")
        wanted = replace(step(both.first.member, secure=True), check=distrust)
        assert await caller.register(wanted) == PeerRefused(der("callmanager-sub"))
        await until(lambda: caller.told)  # the second try comes after 100 ms
        caller.later(300)
        assert await caller.order() == Order.RETRY


async def test_a_server_that_came_back_with_another_certificate_is_looked_into() -> None:
    async with nodes(3) as both, calling(both.clock) as caller:
        wanted = step(both.first.member, secure=True)
        assert isinstance(await caller.register(wanted), Registered)
        await both.first.stop()
        await both.first.start("callmanager-sub")
        assert await caller.order() == Order.RETRY


async def test_a_server_that_speaks_no_tls_is_not_reached() -> None:
    async with server(b"what?", closes=True) as odd, calling() as caller:
        outcome = await caller.register(step(odd, secure=True))
        assert isinstance(outcome, NotReached)
        assert "TLS handshake" in outcome.reason


# --- by protocol


async def test_the_protocol_of_the_configuration_decides_who_registers() -> None:
    async with nodes() as both:
        registrar = PhoneRegistrar(PHONE, clock=both.clock)
        told: list[Event] = []
        registrar.listen(told.append)
        assert await registrar.register(step(*both.members), Names()) == OVER_TCP
        assert registrar.standing.active == FIRST
        await both.first.registrations.order(NAME, Action.RESET)
        assert await registrar.next_order() == Order.RESET
        other = await registrar.register(replace(step(*both.members), protocol="MGCP"), Names())
        assert other == NotReached("MGCP is not spoken here")
        assert both.first.registrations.held == {}
        await registrar.close()
        assert told == []


async def test_the_alarm_about_a_lost_service_tells_the_address_of_a_server_known_by_name() -> None:
    async with nodes(1) as both, calling(both.clock) as caller:
        first, second = both.members
        wanted = step(replace(first, process_node_name="pub.example.invalid"), second)
        outcome = await caller.registrar.register(wanted, Names({"pub.example.invalid": FIRST}))
        assert isinstance(outcome, Registered)
        await until(lambda: caller.registrar.standing.standby == (SECOND,))
        await both.first.stop()
        known = both.second.registrations
        await until(lambda: known.last_alarm(NAME, LAST_OUT_OF_SERVICE))
        alarm = known.last_alarm(NAME, LAST_OUT_OF_SERVICE)
        assert alarm is not None
        assert alarm.alarm.value("UnifiedCMIPAddress") == FIRST
