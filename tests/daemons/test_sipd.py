"""SIP over TCP and TLS: phones that register, are ordered and vanish; clients that are none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.sipd import SipLimits, SipServer, SipSurroundings
from cucmsim.daemons.tls import TlsIdentity
from cucmsim.entropy import SeededEntropy
from cucmsim.errors import RefusedError, StartError
from cucmsim.formats.phonealarms import device_tl_info
from cucmsim.formats.servicecontrol import Action
from cucmsim.formats.sip import Message, Request, Response, format_message
from cucmsim.formats.sip_framing import MessageStream, StreamLimits
from cucmsim.phone.link import Link, LinkOptions
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.pki.release import Release
from cucmsim.protocols.phone_events import (
    AlarmDelivered,
    Ordered,
    PhoneEvent,
    Registered,
    Rejected,
    Send,
    Unregistered,
)
from cucmsim.protocols.sip_common import Instant, answer_to
from cucmsim.protocols.sip_phone import SipPhone
from cucmsim.protocols.sip_phone_messages import PhoneProfile
from cucmsim.services.journal import Journal
from cucmsim.services.registration import Registrations, UnregisterReason
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, StoredCertificate

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
NAME = "SEPB000B4BA0AEE"
SECURE = "SEP000000000002"
CLOCK = SystemClock()
PROFILE = PhoneProfile(NAME, "b000b4ba0aee", "uuid-of-contact", ("1000",))


def der(name: str) -> bytes:
    return (KEYS / f"{name}.crt.der").read_bytes()


def identity(name: str) -> TlsIdentity:
    key = load_private_key((KEYS / f"{name}.key.der").read_bytes())
    return TlsIdentity(load_certificate(der(name)), key)


def replica(mode: int) -> Replica:
    anchor = StoredCertificate(
        pkid="1",
        servername="",
        subjectname="",
        issuername="",
        serialnumber="",
        certificate_der=der("capf"),
        hash="",
        units=frozenset({"CallManager-trust"}),
    )
    return Replica(
        version=1,
        devices={NAME: Device(name=NAME, model="8861", security_mode=mode)},
        enterprise={"ClusterSecurityMode": "1"},
        certificates=(anchor,),
    )


class MovedClock(SystemClock):
    """The machine's clock, put forward by hand."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


class Running:
    """A started daemon with its registrations and journal."""

    def __init__(self, limits: SipLimits, mode: int) -> None:
        self.clock = MovedClock()
        self.journal = Journal()
        self.registrations = Registrations("pub", View(replica(mode)), self.clock)
        self.left: list[UnregisterReason] = []
        self.registrations.subscribe(
            lambda _, reason: None if reason is None else self.left.append(reason)
        )
        around = SipSurroundings(
            "pub",
            "127.0.0.1",
            Release(12, 5),
            self.registrations,
            self.clock,
            SeededEntropy(1),
            limits,
        )
        self.server = SipServer(
            around,
            Recorder("pub", "sip", self.journal, self.clock),
            tcp=("127.0.0.1", 0),
            tls=("127.0.0.1", 0),
            identity=identity("callmanager-pub"),
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the daemon has no event for a test to await
                await asyncio.sleep(0.005)

    def answers(self) -> list[str]:
        return [exchange.answer for _, exchange in self.journal.since()]


@asynccontextmanager
async def running(limits: SipLimits | None = None, mode: int = 1) -> AsyncIterator[Running]:
    context = Running(limits or SipLimits(), mode)
    await context.server.start()
    try:
        yield context
    finally:
        await context.server.stop(0)


class Caller:
    """A phone's registration machine on one real connection."""

    def __init__(self, link: "Link | Plain | Trickle", profile: PhoneProfile) -> None:
        self.link = link
        self.phone = SipPhone(profile, ["127.0.0.1"], SeededEntropy(2))
        self.phone.start(Instant.of(CLOCK), alarms=[ALARM])
        self.phone.take_actions()
        self.phone.connected(0, ("127.0.0.1", 50000), Instant.of(CLOCK))

    async def next(self) -> PhoneEvent:
        """Send and receive until something happened."""
        while True:
            for action in self.phone.take_actions():
                if isinstance(action, Send):
                    await self.link.send(action.data)
            if event := self.phone.next_event():
                return event
            data = await self.link.receive()
            assert data, "the server closed"
            self.phone.receive_data(0, data, Instant.of(CLOCK))

    async def registered(self) -> None:
        assert await self.next() == AlarmDelivered(ALARM)
        event = await self.next()
        assert isinstance(event, Registered)
        assert (event.expires_s, event.is_new) == (120, True)


ALARM = device_tl_info(NAME, "127.0.0.1")


class Plain:
    """A plain TCP connection with the face of a Link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> bytes:
        try:
            return await self.reader.read(65536)
        except ConnectionError:
            return b""


@asynccontextmanager
async def plain(context: Running) -> AsyncIterator[Plain]:
    reader, writer = await asyncio.open_connection("127.0.0.1", context.server.ports[0])
    try:
        yield Plain(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def registered(context: Running) -> AsyncIterator[Caller]:
    async with plain(context) as link:
        caller = Caller(link, PROFILE)
        await caller.registered()
        yield caller


async def messages(link: Plain, count: int) -> list[Message]:
    stream, found = MessageStream(), list[Message]()
    async with asyncio.timeout(5):
        while len(found) < count:
            data = await link.receive()
            assert data, "the server closed"
            stream.feed(data)
            while message := stream.next_message():
                found.append(message)
    return found


# phones


async def test_a_phone_registers_over_tcp_with_its_alarm_and_leaves() -> None:
    async with running() as context:
        async with registered(context) as caller:
            held = context.registrations.held[NAME]
            assert (held.is_tls, held.details.number, held.details.model) == (False, "1000", "685")
            assert held.details.reason.last == "initialized"
            (alarm,) = context.registrations.alarms(NAME)
            assert alarm.alarm == ALARM
            caller.phone.stop(Instant.of(CLOCK))
            assert await caller.next() == Unregistered(0)
            assert context.registrations.held == {}
        assert context.left == [UnregisterReason.DEVICE_RESET]
        assert context.answers() == ["202", "200, expires 120 s", "200"]


async def test_a_phone_whose_connection_is_lost_is_registered_no_more() -> None:
    async with running() as context:
        async with registered(context):
            pass
        await context.until(lambda: not context.registrations.held)
        assert context.left == [UnregisterReason.CONNECTIVITY]


async def test_a_secure_phone_registers_over_tls_with_its_certificate() -> None:
    lsc = identity("lsc-SEPB000B4BA0AEE")
    options = LinkOptions(certificate=lsc.certificate, private_key=lsc.private_key)
    context = Running(SipLimits(), 3)
    at = lsc.certificate.not_valid_before_utc
    context.clock.now = lambda: at  # type: ignore[method-assign] # the certificate's own time
    await context.server.start()
    try:
        async with await Link.connect("127.0.0.1", context.server.ports[1], options) as link:
            caller = Caller(link, replace(PROFILE, transport="TLS"))
            await caller.registered()
            assert context.registrations.held[NAME].is_tls
        async with await Link.connect("127.0.0.1", context.server.ports[1]) as link:
            caller = Caller(link, replace(PROFILE, transport="TLS"))
            assert isinstance(await caller.next(), AlarmDelivered)
            event = await caller.next()
            assert isinstance(event, Rejected)
            assert event.warning == (
                f'399 pub "InvalidX509NameInCertificate, Rcvd=, Expected={NAME}"'
            )
    finally:
        await context.server.stop(0)


async def test_a_secure_phone_is_refused_over_tcp() -> None:
    async with running(mode=2) as context, plain(context) as link:
        caller = Caller(link, PROFILE)
        assert isinstance(await caller.next(), AlarmDelivered)
        event = await caller.next()
        assert isinstance(event, Rejected)
        assert (event.status, event.reason) == (403, "Forbidden")
        assert "Device security mismatch: expected TLS, received TCP" in event.warning


async def test_a_registered_phone_carries_out_an_order() -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
        event = await caller.next()
        assert isinstance(event, Ordered)
        assert event.control.action == "reset"
        caller.phone.stop(Instant.of(CLOCK))
        assert await caller.next() == Unregistered(0)
        assert (await order).is_accepted
        await context.until(lambda: bool(context.left))
        assert context.left == [UnregisterReason.CALLMANAGER_RESET]
        assert "200" in context.answers()


async def test_check_version_goes_out_as_a_refer() -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, Action.CHECK_VERSION))
        event = await caller.next()
        assert isinstance(event, Ordered)
        assert event.control.has_stamps
        caller.phone.report(replace(ALARM, name="x"), Instant.of(CLOCK))
        await caller.next()
        assert (await order).is_accepted


async def test_a_phone_that_does_not_answer_an_order_is_given_up() -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
        assert isinstance(caller.link, Plain)
        (notify,) = await messages(caller.link, 1)
        assert isinstance(notify, Request)
        context.clock.ahead_s = 33
        await caller.link.send(b"OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n")
        assert (await order).status is None
        while await caller.link.receive():
            pass
        assert context.left == [UnregisterReason.NO_ANSWER]


async def test_an_order_to_a_phone_that_is_just_leaving_has_no_answer() -> None:
    async with running() as context:
        async with registered(context) as caller:
            order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
            assert isinstance(caller.link, Plain)
            await messages(caller.link, 1)
        assert (await order).status is None
        await context.until(lambda: bool(context.left))
        assert context.left == [UnregisterReason.CONNECTIVITY]


async def test_too_many_orders_at_once_are_refused() -> None:
    async with running() as context:
        async with registered(context):
            waiting = [
                asyncio.create_task(context.registrations.order(NAME, Action.RESET))
                for _ in range(8)
            ]
            await asyncio.sleep(0)
            with pytest.raises(RefusedError, match="8 orders wait"):
                await context.registrations.order(NAME, Action.RESET)
        outcomes = await asyncio.gather(*waiting)
        assert [outcome.status for outcome in outcomes] == [None] * 8


async def test_a_phone_that_comes_again_is_taken_over() -> None:
    with structlog.testing.capture_logs() as logs:
        async with running() as context, registered(context) as old, registered(context):
            assert len(context.registrations.held) == 1
            while await old.link.receive():
                pass
            assert context.left == [UnregisterReason.DUPLICATE]
            assert "registered again from 127.0.0.1" in context.answers()
            await context.until(lambda: bool(logs))
    assert (logs[0]["device"], logs[0]["outcome"]) == (NAME, "registered again from 127.0.0.1")


async def test_a_phone_without_keepalive_is_given_up_after_135_seconds() -> None:
    async with running() as context, registered(context) as caller:
        context.clock.ahead_s = 134
        await caller.link.send(b"\r\n\r\n")
        context.clock.ahead_s = 136
        await caller.link.send(b"OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n")
        await context.until(lambda: bool(context.left))
        assert context.left == [UnregisterReason.KEEPALIVE_TIMEOUT]
        assert "expired" in context.answers()


async def test_a_standby_only_answers() -> None:
    async with running() as context, plain(context) as link:
        phone = SipPhone(PROFILE, ["192.0.2.1", "127.0.0.1"], SeededEntropy(1))
        now = Instant.of(CLOCK)
        phone.start(now)
        phone.connected(0, ("127.0.0.1", 1), now)
        for action in phone.take_actions():
            if isinstance(action, Send):
                stream = MessageStream()
                stream.feed(action.data)
                request = stream.next_message()
                assert isinstance(request, Request)
                phone.receive_data(0, format_message(answer_to(request, 200, now)), now)
        phone.connected(1, ("127.0.0.1", 2), now)
        for action in phone.take_actions():
            if isinstance(action, Send):
                await link.send(action.data)
        trying, okay = await messages(link, 2)
        assert isinstance(trying, Response)
        assert isinstance(okay, Response)
        assert (trying.status, okay.status) == (100, 200)
        assert context.registrations.held == {}
        assert context.answers() == ["200"]


async def test_calls_and_wrong_requests_are_answered() -> None:
    head = b"Via: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCall-ID: 1\r\n"
    invite = b"INVITE sip:b SIP/2.0\r\n" + head + b"CSeq: 1 INVITE\r\nl: 0\r\n\r\n"
    wrong = b"INVITE sip:b SIP/2.0\r\n" + head + b"CSeq: x\r\nl: 0\r\n\r\n"
    token = (
        b"REFER sip:b SIP/2.0\r\n" + head + b"CSeq: 1 REFER\r\nl: 0\r\n"
        b"Refer-To: <urn:X-cisco-remotecc:token-registration>\r\n\r\n"
    )
    async with running() as context, plain(context) as link:
        await link.send(invite + b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n" + wrong + token)
        found = await messages(link, 3)
        assert [each.status for each in found if isinstance(each, Response)] == [501, 400, 202]
        requests = [exchange.request for _, exchange in context.journal.since()]
        assert requests == ["INVITE sip:b", "INVITE", "REFER token"]


# no phones


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "begins no SIP message"),
        (b"\x16\x03\x01\x02\x00\x01", "byte 0x16 begins no SIP message"),
        (b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n", "a body of 99999999 bytes"),
        (b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 1\r\nl: 0\r\n\r\n", "2 headers Content-Length"),
        (b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 1x\r\n\r\n", "Content-Length"),
        (b"OPTIONS sip:a SIP/2.0\r\nSubject: a\r\n\r\n", "Content-Length"),
        (b"A" * 5000, "a line of more than 4096 bytes"),
        (b"OPTIONS sip:a SIP/2.0\r\nX: " + b"a" * 65_536 + b"\r\n", " of more than "),
        (b"OPTIONS sip:a SIP/2.0\r\n" + b"X: a\r\n" * 20_000, "more than"),
        (b"\0" * 100, "byte 0x00 begins no SIP message"),
        (b"OPTIONS sip:a SIP/2.0\r\nSubject: a\0b\r\nl: 0\r\n\r\n", ""),
    ],
)
async def test_garbage_closes_the_connection_with_one_log_line(data: bytes, outcome: str) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running() as context, plain(context) as link:
            await link.send(data)
            assert await link.receive() == b""
            await context.until(lambda: bool(logs))
    (line,) = [line for line in logs if line["event"] == "connection finished"]
    assert outcome in line["outcome"]
    assert line["log_level"] == "warning"


class Trickle:
    """A link that sends a byte at a time."""

    def __init__(self, link: "Link | Plain") -> None:
        self.link = link

    async def send(self, data: bytes) -> None:
        for place in range(len(data)):
            await self.link.send(data[place : place + 1])

    async def receive(self) -> bytes:
        return await self.link.receive()


async def test_a_registration_may_come_a_byte_at_a_time() -> None:
    async with running() as context, plain(context) as link:
        await Caller(Trickle(link), PROFILE).registered()
        assert list(context.registrations.held) == [NAME]


async def test_over_tls_too_a_registration_may_come_a_byte_at_a_time() -> None:
    async with (
        running() as context,
        await Link.connect("127.0.0.1", context.server.ports[1]) as link,
    ):
        caller = Caller(Trickle(link), replace(PROFILE, transport="TLS"))
        assert isinstance(await caller.next(), AlarmDelivered)
        event = await caller.next()
        assert isinstance(event, Rejected)
        assert "Device security mismatch: expected TCP, received TLS" in event.warning


async def test_rubbish_behind_a_registration_ends_it_with_its_connection() -> None:
    async with running() as context, registered(context) as caller:
        await caller.link.send(b"\r\n\r\n" + b"\xff\xfe rubbish \0" * 100)
        await context.until(lambda: not context.registrations.held)
        assert context.left == [UnregisterReason.CONNECTIVITY]


async def test_a_flood_is_cut_off() -> None:
    async with running(SipLimits(burst=10, rate=1)) as context, plain(context) as link:
        await link.send(b"OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n" * 20)
        received = b""
        while data := await link.receive():
            received += data
        assert received.count(b"SIP/2.0 400") == 11
        assert context.answers()[-1].startswith("400")


async def test_part_of_a_message_is_not_waited_for_for_ever() -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(SipLimits(message_s=0.05)) as context, plain(context) as link:
            await link.send(b"SIP/2.0 200 OK\r\nl: 0\r\n\r\nOPTIONS sip:a SIP/2.0\r\n")
            await asyncio.sleep(0.01)
            await link.send(b"Subject: x\r\n")
            assert await link.receive() == b""
            await context.until(lambda: bool(logs))
    assert logs[-1]["outcome"] == "no complete message within 0.05 s"


async def test_silent_clients_are_closed_and_do_not_disturb() -> None:
    async with running(SipLimits(idle_s=0.3)) as context:
        silent = [
            await asyncio.open_connection("127.0.0.1", context.server.ports[place])
            for place in (0, 1)
            for _ in range(50)
        ]
        async with registered(context):
            pass
        for reader, writer in silent[:50]:
            assert await reader.read() == b""
            writer.close()
        for _, writer in silent[50:]:
            writer.close()


async def test_there_is_a_limit_to_connections_and_to_messages() -> None:
    limits = SipLimits(connections=1, message=StreamLimits(body=10))
    async with running(limits) as context, plain(context) as first, plain(context) as second:
        assert await second.receive() == b""
        await first.send(b"OPTIONS sip:a SIP/2.0\r\nl: 11\r\n\r\n")
        assert await first.receive() == b""


async def test_a_port_in_use_leaves_nothing_bound() -> None:
    async with running() as context:
        around = context.server._around
        recorder = Recorder("pub", "sip", Journal(), CLOCK)
        second = SipServer(
            around,
            recorder,
            tcp=("127.0.0.1", 0),
            tls=("127.0.0.1", context.server.ports[1]),
            identity=identity("callmanager-pub"),
        )
        with pytest.raises(StartError, match="cannot listen"):
            await second.start()
        assert second.ports == ()
        only = SipServer(around, recorder, tcp=None)
        await only.start()
        assert only.ports == ()
        await only.stop(0)


async def test_stop_ends_all_registrations() -> None:
    context = Running(SipLimits(), 1)
    await context.server.start()
    async with registered(context):
        await context.server.stop(1)
        assert context.registrations.held == {}
    assert context.server.ports == ()
