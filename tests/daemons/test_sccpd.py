"""SCCP over TCP and TLS: phones that register, are ordered and vanish; clients that are none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.sccpd import SccpLimits, SccpServer, SccpSurroundings
from cucmsim.daemons.tls import TlsIdentity
from cucmsim.errors import RefusedError, StartError
from cucmsim.formats.phonealarms import device_tl_info
from cucmsim.formats.servicecontrol import Action
from cucmsim.formats.skinny import Frame, FrameStream, MessageId, encode_frame
from cucmsim.formats.skinny_answers import (
    Answer,
    LineStat,
    NoFields,
    RegisterAck,
    RegisterReject,
    Reset,
    Servers,
    UnregisterAck,
    Version,
    decode_answer,
)
from cucmsim.formats.skinny_messages import (
    STATION_ALARM,
    Capabilities,
    LineStatRequest,
    Plain,
    Register,
    Request,
    StationAlarm,
    Unregister,
    XmlAlarm,
    encode_request,
)
from cucmsim.phone.link import Link, LinkOptions
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.services.journal import Journal
from cucmsim.services.registration import Registrations, UnregisterReason
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    CallManagerGroup,
    Device,
    DevicePool,
    Line,
    ProcessNode,
    StoredCertificate,
)

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
NAME = "SEPB000B4BA0AEE"
SIP_NAME = "SEP000000000002"
ALARM = StationAlarm(2, f"25: Name={NAME} Load=SCCP42.9 Last=Initialized")
KEEPALIVE, KEEPALIVE_ACK = Plain(MessageId.KEEPALIVE), NoFields(MessageId.KEEPALIVE_ACK)
REGISTER = Register(NAME, device_type=434, protocol_version=22)


def identity(name: str) -> TlsIdentity:
    key = load_private_key((KEYS / f"{name}.key.der").read_bytes())
    return TlsIdentity(load_certificate((KEYS / f"{name}.crt.der").read_bytes()), key)


def replica(mode: int) -> Replica:
    anchor = StoredCertificate(
        pkid="1",
        servername="",
        subjectname="",
        issuername="",
        serialnumber="",
        certificate_der=(KEYS / "capf.crt.der").read_bytes(),
        hash="",
        units=frozenset({"CallManager-trust"}),
    )
    nodes = [
        ProcessNode(name="pub", host="pub", address="10.0.0.1", ports={"sccp": 2100}),
        ProcessNode(name="sub", host="sub", address="2001:db8::1", ports={"sccp": 0}),
    ]
    phones = [
        Device(
            name=NAME,
            model="7942",
            protocol="SCCP",
            security_mode=mode,
            lines=(Line("2001", "Desk", "Reception"),),
        ),
        Device(name=SIP_NAME, model="8861"),
    ]
    return Replica(
        version=1,
        nodes={node.name: node for node in nodes},
        groups={"Default": CallManagerGroup(name="Default", members=("pub", "sub"))},
        device_pools={"Default": DevicePool(name="Default", callmanager_group="Default")},
        devices={phone.name: phone for phone in phones},
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

    def __init__(self, limits: SccpLimits, mode: int) -> None:
        self.clock = MovedClock()
        self.journal = Journal()
        self.view = View(replica(mode))
        self.registrations = Registrations("pub", self.view, self.clock)
        self.left: list[UnregisterReason] = []
        self.registrations.subscribe(
            lambda _, reason: None if reason is None else self.left.append(reason)
        )
        self.around = SccpSurroundings("pub", self.view, self.registrations, self.clock, limits)
        self.server = SccpServer(
            self.around,
            Recorder("pub", "sccp", self.journal, self.clock),
            tcp=("127.0.0.1", 0),
            tls=("127.0.0.1", 0),
            identity=identity("callmanager-pub"),
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - the daemon has no event for a test to await
                await asyncio.sleep(0.005)

    def told(self) -> list[tuple[str, str]]:
        return [(exchange.request, exchange.answer) for _, exchange in self.journal.since()]


@asynccontextmanager
async def running(limits: SccpLimits | None = None, mode: int = 1) -> AsyncIterator[Running]:
    context = Running(limits or SccpLimits(), mode)
    await context.server.start()
    try:
        yield context
    finally:
        await context.server.stop(0)


class Caller:
    """A phone of a few lines on one real connection."""

    def __init__(
        self, send: Callable[[bytes], object], receive: Callable[[], object], link: Link | None
    ) -> None:
        self._send, self._receive, self._link = send, receive, link
        self._stream = FrameStream()

    async def send(self, *messages: Request) -> None:
        await self.send_bytes(b"".join(encode_frame(encode_request(one)) for one in messages))

    async def send_bytes(self, data: bytes) -> None:
        if self._link is not None:
            await self._link.send(data)
        else:
            self._send(data)

    async def next(self) -> Answer | Frame | None:
        """Return the next message, None when the server has closed."""
        async with asyncio.timeout(30):
            while (frame := self._stream.next_frame()) is None:
                data = await self._read()
                if not data:
                    return None
                self._stream.feed(data)
        return decode_answer(frame)

    async def _read(self) -> bytes:
        if self._link is not None:
            return await self._link.receive()
        try:
            data = await self._receive()  # type: ignore[misc]
        except ConnectionError:
            return b""
        assert isinstance(data, bytes)
        return data

    async def registered(self) -> None:
        await self.send(ALARM, REGISTER)
        assert await self.next() == RegisterAck(30, "M/D/Y", 60, 11)
        assert await self.next() == NoFields(MessageId.CAPABILITIES_REQUEST)


@asynccontextmanager
async def plain(context: Running) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", context.server.ports[0])
    try:
        yield Caller(writer.write, lambda: reader.read(65536), None)
    finally:
        writer.close()


@asynccontextmanager
async def registered(context: Running) -> AsyncIterator[Caller]:
    async with plain(context) as caller:
        await caller.registered()
        yield caller


# phones


async def test_a_phone_registers_keeps_alive_and_leaves() -> None:
    async with running() as context, registered(context) as caller:
        held = context.registrations.held[NAME]
        assert (held.protocol, held.is_tls, held.details.number) == ("SCCP", False, "2001")
        assert (held.details.model, held.details.user_agent) == ("434", "SCCP42.9")
        assert (held.details.reason.alarm, held.details.reason.last) == (25, "Initialized")
        context.clock.ahead_s = 30
        await caller.send(KEEPALIVE)
        assert await caller.next() == KEEPALIVE_ACK
        assert context.registrations.held[NAME].expires_s > held.expires_s
        await caller.send(Unregister())
        assert await caller.next() == UnregisterAck()
        assert context.registrations.held == {}
        assert context.left == [UnregisterReason.DEVICE_RESET]
        assert context.told() == [
            (f"Alarm {STATION_ALARM}", "kept"),
            ("Register", "RegisterAck, keepalive 30 s"),
            ("KeepAlive", "KeepAliveAck"),
            ("Unregister", "UnregisterAck"),
        ]


async def test_a_phone_is_told_its_lines_servers_and_load() -> None:
    async with running() as context, registered(context) as caller:
        await caller.send(Capabilities(), LineStatRequest(1), Plain(MessageId.SERVER_REQUEST))
        assert await caller.next() == LineStat(1, "2001", "Reception", "Desk")
        servers = await caller.next()
        assert isinstance(servers, Servers)
        assert [(one.name, one.port, one.address[0]) for one in servers.servers] == [
            ("pub", 2100, 10),
            ("sub", 2000, 0),
        ]
        await caller.send(Plain(MessageId.VERSION_REQUEST))
        assert await caller.next() == Version("SCCP42.9-4-2SR3")
        assert ("Capabilities", "no answer") in context.told()
        assert ("LineStatRequest", "answered") in context.told()


async def test_alarms_are_kept_in_both_forms() -> None:
    alarm = device_tl_info(NAME, "127.0.0.1")
    async with running() as context, plain(context) as caller:
        await caller.send(XmlAlarm(alarm), ALARM, StationAlarm(2, "nobody"), KEEPALIVE)
        assert await caller.next() == KEEPALIVE_ACK
        stored = context.registrations.alarms()
        assert [(one.device_name, one.alarm.name) for one in stored] == [
            (NAME, "DeviceTLInfo"),
            (NAME, STATION_ALARM),
            ("", STATION_ALARM),
        ]


async def test_a_phone_whose_connection_is_lost_is_registered_no_more() -> None:
    async with running() as context:
        async with registered(context):
            pass
        await context.until(lambda: not context.registrations.held)
        assert context.left == [UnregisterReason.CONNECTIVITY]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SEP000000000009", "Unknown device SEP000000000009"),
        (SIP_NAME, "Device protocol mismatch: expec"),
    ],
)
async def test_an_unfit_phone_is_refused(name: str, text: str) -> None:
    async with running() as context, plain(context) as caller:
        await caller.send(Register(name))
        assert await caller.next() == RegisterReject(text)
        await caller.send(KEEPALIVE)
        assert await caller.next() == KEEPALIVE_ACK
        assert context.registrations.held == {}


async def test_a_secure_phone_registers_over_tls_with_its_certificate() -> None:
    lsc = identity("lsc-SEPB000B4BA0AEE")
    options = LinkOptions(certificate=lsc.certificate, private_key=lsc.private_key)
    context = Running(SccpLimits(), 3)
    at = lsc.certificate.not_valid_before_utc
    context.clock.now = lambda: at  # type: ignore[method-assign] # the certificate's own time
    await context.server.start()
    try:
        async with await Link.connect("127.0.0.1", context.server.ports[1], options) as link:
            await Caller(print, print, link).registered()
            assert context.registrations.held[NAME].is_tls
        async with await Link.connect("127.0.0.1", context.server.ports[1]) as link:
            caller = Caller(print, print, link)
            await caller.send(REGISTER)
            assert await caller.next() == RegisterReject("InvalidX509NameInCertificate, R")
    finally:
        await context.server.stop(0)


async def test_a_secure_phone_is_refused_over_tcp() -> None:
    async with running(mode=2) as context, plain(context) as caller:
        await caller.send(REGISTER)
        assert await caller.next() == RegisterReject("Device security mismatch: expec")
        warning = "Device security mismatch: expected TLS, received TCP"
        assert ("Register", f"RegisterReject {warning}") in context.told()


# orders


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        (Action.RESET, 1, UnregisterReason.CALLMANAGER_RESET),
        (Action.RESTART, 2, UnregisterReason.CALLMANAGER_RESET),
        (Action.APPLY_CONFIG, 3, UnregisterReason.APPLY_CONFIG),
    ],
)
async def test_a_registered_phone_obeys_by_leaving(
    action: Action, kind: int, reason: UnregisterReason
) -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, action))
        assert await caller.next() == Reset(kind)
        await caller.send(Unregister())
        assert await caller.next() == UnregisterAck()
        assert (await order).is_accepted
        assert context.left == [reason]
        assert (f"order {action.value}", "the phone left") in context.told()


async def test_a_phone_that_hangs_up_after_a_reset_obeys_too() -> None:
    async with running() as context:
        async with registered(context) as caller:
            order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
            assert await caller.next() == Reset(1)
        assert (await order).is_accepted
        await context.until(lambda: bool(context.left))
        assert context.left == [UnregisterReason.CALLMANAGER_RESET]


async def test_an_order_is_unanswered_when_our_own_service_stops() -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
        assert await caller.next() == Reset(1)
        await context.server.stop(0)
        assert (await order).status is None
        assert ("order reset", "no answer") in context.told()


async def test_a_phone_that_ignores_a_reset_is_given_up() -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
        assert await caller.next() == Reset(1)
        context.clock.ahead_s = 31
        await caller.send(KEEPALIVE)
        assert (await order).status is None
        assert await caller.next() is None
        assert context.left == [UnregisterReason.NO_ANSWER]


async def test_a_second_order_and_one_that_sccp_has_not_are_refused() -> None:
    async with running() as context, registered(context) as caller:
        order = asyncio.create_task(context.registrations.order(NAME, Action.RESET))
        assert await caller.next() == Reset(1)
        with pytest.raises(RefusedError, match="order is not possible while held and ordered"):
            await context.registrations.order(NAME, Action.RESET)
        with pytest.raises(RefusedError, match="SCCP has no order check-version"):
            await context.registrations.order(NAME, Action.CHECK_VERSION)
        context.registrations.drop(NAME, UnregisterReason.CONNECTIVITY)
        assert (await order).status is None


# registrations that end


async def test_a_phone_that_comes_again_is_taken_over() -> None:
    async with running() as context, registered(context) as old, registered(context):
        assert len(context.registrations.held) == 1
        assert await old.next() is None
        assert context.left == [UnregisterReason.DUPLICATE]
        assert ("connection", "registered again from 127.0.0.1") in context.told()


async def test_a_phone_may_register_anew_on_its_connection() -> None:
    async with running() as context, registered(context) as caller:
        await caller.registered()
        assert context.left == []
        await caller.send(Register("SEP000000000009"))
        assert await caller.next() == RegisterReject("Unknown device SEP000000000009")
        assert context.left == [UnregisterReason.DEVICE_RESET]


async def test_a_phone_without_keepalive_is_given_up_after_45_seconds() -> None:
    async with running() as context, registered(context) as caller:
        context.clock.ahead_s = 46
        await caller.send(LineStatRequest(1))
        assert await caller.next() == LineStat(1, "2001", "Reception", "Desk")
        assert await caller.next() is None
        assert context.left == [UnregisterReason.KEEPALIVE_TIMEOUT]
        assert ("connection", "expired") in context.told()


async def test_a_timer_gives_up_a_silent_phone() -> None:
    context = Running(SccpLimits(), 1)
    parameter = ("", "callmanager", "StationKeepAliveInterval")
    context.view.replace(replace(context.view.replica, service_parameters={parameter: "0"}))
    await context.server.start()
    try:
        async with plain(context) as caller:
            await caller.send(REGISTER)
            assert isinstance(await caller.next(), RegisterAck)
            context.clock.ahead_s = 14.95
            await caller.send(LineStatRequest(1))
            await context.until(lambda: bool(context.left))
        assert context.left == [UnregisterReason.KEEPALIVE_TIMEOUT]
    finally:
        await context.server.stop(0)


async def test_a_phone_deleted_meanwhile_loses_its_connection_at_its_keepalive() -> None:
    async with running() as context, registered(context) as caller:
        context.view.replace(replace(context.view.replica, devices={}))
        await caller.send(KEEPALIVE)
        while await caller.next() is not None:
            pass
        assert context.registrations.held == {}
        told = ("connection", f"registered no more: Unknown device {NAME}")
        assert told in context.told()


# no phones


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "a message of 542393671 bytes"),
        (b"\x16\x03\x01\x02\x00\x01", "a message of 33620758 bytes"),
        (bytes(12), "a message of 0 bytes, expected 4 to 8192"),
        (encode_frame(Frame(MessageId.REGISTER, b"SEP")), "a payload of 3 bytes"),
        (encode_frame(Frame(MessageId.REGISTER, bytes(40))), "the device name ''"),
        (encode_frame(Frame(MessageId.XML_ALARM, b"<x>")), "XML"),
    ],
)
async def test_garbage_closes_the_connection_with_one_log_line(data: bytes, outcome: str) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running() as context, plain(context) as caller:
            await caller.send_bytes(data)
            assert await caller.next() is None
            await context.until(lambda: bool(logs))
    (line,) = [line for line in logs if line["event"] == "connection finished"]
    assert outcome in line["outcome"]
    assert line["log_level"] == "warning"


async def test_a_message_may_come_byte_by_byte() -> None:
    async with running() as context, plain(context) as caller:
        for byte in encode_frame(encode_request(REGISTER)):
            await caller.send_bytes(bytes((byte,)))
            await asyncio.sleep(0)
        assert isinstance(await caller.next(), RegisterAck)


async def test_a_flood_is_cut_off() -> None:
    async with running(SccpLimits(burst=10, rate=1)) as context, plain(context) as caller:
        await caller.send(*[KEEPALIVE] * 100)
        answers = 0
        while await caller.next() is not None:
            answers += 1
        assert answers == 11


async def test_half_a_message_is_not_waited_for_for_ever() -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(SccpLimits(message_s=0.05)) as context, plain(context) as caller:
            await caller.send_bytes(encode_frame(encode_request(REGISTER))[:50])
            assert await caller.next() is None
            await context.until(lambda: bool(logs))
    assert logs[-1]["outcome"] == "no complete message within 0.05 s"


async def test_silent_clients_are_closed_and_do_not_disturb() -> None:
    async with running(SccpLimits(idle_s=0.3)) as context:
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
    limits = SccpLimits(connections=1, largest=100)
    async with running(limits) as context, plain(context) as first, plain(context) as second:
        assert await second.next() is None
        await first.send_bytes(encode_frame(Frame(0x26, bytes(97))))
        assert await first.next() is None


async def test_a_port_in_use_leaves_nothing_bound() -> None:
    async with running() as context:
        second = SccpServer(
            context.around,
            Recorder("pub", "sccp", Journal(), context.clock),
            tcp=("127.0.0.1", 0),
            tls=("127.0.0.1", context.server.ports[1]),
            identity=identity("callmanager-pub"),
        )
        with pytest.raises(StartError, match="cannot listen"):
            await second.start()
        assert second.ports == ()


async def test_stop_ends_all_registrations() -> None:
    context = Running(SccpLimits(), 1)
    await context.server.start()
    async with registered(context):
        await context.server.stop(1)
        assert context.registrations.held == {}
    assert context.server.ports == ()
