"""sipp registers with our registrar, our phone with sipp; tshark reads what they said."""

import asyncio
import os
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.sipd import SipServer, SipSurroundings
from cucmsim.entropy import SeededEntropy
from cucmsim.formats.phonealarms import OutOfServiceReason, device_tl_info
from cucmsim.formats.phonevalues import CallManager, Line
from cucmsim.formats.servicecontrol import Action
from cucmsim.phone.events import DeviceTlInfo, Event
from cucmsim.phone.names import Names
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.steps import Register
from cucmsim.phone.steps import Registered as RegisteredOutcome
from cucmsim.phone.trust import TrustedPeers
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.values import PhoneIdentity, Purpose
from cucmsim.pki.release import Release
from cucmsim.protocols.phone_events import (
    AlarmDelivered,
    Ordered,
    PhoneEvent,
    Registered,
    Send,
    Unregistered,
)
from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.sip_phone import SipPhone
from cucmsim.protocols.sip_phone_messages import PhoneProfile
from cucmsim.services.journal import Journal
from cucmsim.services.registration import Registrations
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device
from tests.fixtures.sipnodes import until

SCENARIOS = Path(__file__).parent / "sipp"
NAME = "SEPB000B4BA0AEE"
PHONE = PhoneIdentity("B000B4BA0AEE")
CLOCK = SystemClock()
PROFILE = PhoneProfile(NAME, "b000b4ba0aee", "uuid-of-contact", ("1000",))
ALARM = device_tl_info(NAME, "127.0.0.1")


def needs(program: str) -> pytest.MarkDecorator:
    missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"needs {program}")


pytestmark = pytest.mark.interop


@dataclass
class Running:
    """A started registrar."""

    server: SipServer
    registrations: Registrations
    journal: Journal

    def told(self) -> list[tuple[str, str]]:
        return [(exchange.request, exchange.answer) for _, exchange in self.journal.since()]


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    view = View(Replica(version=1, devices={NAME: Device(name=NAME, model="8861")}))
    journal, registrations = Journal(), Registrations("pub", view, CLOCK)
    around = SipSurroundings(
        "pub", "127.0.0.1", Release(12, 5), registrations, CLOCK, SeededEntropy(1)
    )
    server = SipServer(around, Recorder("pub", "sip", journal, CLOCK), tcp=("127.0.0.1", 0))
    await server.start()
    try:
        yield Running(server, registrations, journal)
    finally:
        await server.stop(0)


async def sipp(*arguments: str) -> tuple[int, str]:
    """Run sipp to its end; return its exit status and the errors it saw."""
    program = await asyncio.create_subprocess_exec(
        "sipp",
        *("-i", "127.0.0.1", "-t", "t1", "-m", "1", "-nostdin"),
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, errors = await program.communicate()
    lines = [line for line in errors.decode().splitlines() if not line.startswith("Resolving")]
    return program.returncode or 0, "\n".join(lines)


@needs("sipp")
async def test_sipp_registers_refreshes_keeps_alive_and_leaves() -> None:
    async with running() as context:
        port = context.server.ports[0]
        status, errors = await sipp(f"127.0.0.1:{port}", "-sf", str(SCENARIOS / "phone.xml"))
        assert (status, errors) == (0, "")
        assert [request for request, _ in context.told()] == [
            "REGISTER",
            "REGISTER",
            "REGISTER keepalive",
            "OPTIONS sip:127.0.0.1",
            "INVITE sip:2000@127.0.0.1",
            "ACK sip:2000@127.0.0.1",
            "REGISTER unregister",
        ]
        assert context.registrations.held == {}


@needs("sipp")
async def test_sipp_gets_clear_answers_to_wrong_requests() -> None:
    async with running() as context:
        port = context.server.ports[0]
        status, errors = await sipp(f"127.0.0.1:{port}", "-sf", str(SCENARIOS / "malformed.xml"))
        assert (status, errors) == (0, "")
        assert context.told()[-1] == ("REGISTER", "403 Unknown device SEP00000000FFFF")


@needs("sipp")
async def test_sipp_loses_its_connection_when_a_size_is_wrong() -> None:
    async with running() as context:
        port = context.server.ports[0]
        status, _ = await sipp(f"127.0.0.1:{port}", "-sf", str(SCENARIOS / "framing.xml"))
        assert status != 0
        (told,) = context.told()
        assert told[0] == "connection"
        assert "a body of 999999999 bytes" in told[1]


@dataclass
class Wired:
    """Our phone on one real connection; everything said is kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    phone: SipPhone
    said: list[tuple[bool, bytes]] = field(default_factory=list)
    ahead_s: float = 0

    @property
    def now(self) -> Instant:
        return Instant(CLOCK.monotonic() + self.ahead_s, CLOCK.now())

    async def next(self) -> PhoneEvent:
        """Send and receive until something happened."""
        while True:
            self.flush()
            if event := self.phone.next_event():
                return event
            data = await self.reader.read(65536)
            assert data, "the server closed"
            self.said.append((False, data))
            self.phone.receive_data(0, data, self.now)

    def flush(self) -> None:
        for action in self.phone.take_actions():
            if isinstance(action, Send):
                self.said.append((True, action.data))
                self.writer.write(action.data)


@asynccontextmanager
async def wired(port: int) -> AsyncIterator[Wired]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    phone = SipPhone(PROFILE, ["127.0.0.1"], SeededEntropy(1))
    found = Wired(reader, writer, phone)
    phone.start(found.now, alarms=[ALARM])
    phone.take_actions()
    phone.connected(0, writer.get_extra_info("sockname"), found.now)
    try:
        yield found
    finally:
        writer.close()


async def listening(port: int) -> None:
    """Wait until somebody listens on `port`, without connecting to it."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    async with asyncio.timeout(10):
        while wanted not in Path("/proc/net/tcp").read_text():  # noqa: ASYNC110, ASYNC240 - no event
            await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@needs("sipp")
async def test_our_phone_registers_with_sipp_refreshes_and_leaves() -> None:
    port = free_port()
    scenario = str(SCENARIOS / "server.xml")
    server = asyncio.create_task(sipp("-sf", scenario, "-p", str(port), "-m", "2"))
    await listening(port)
    async with wired(port) as found, asyncio.timeout(20):
        assert await found.next() == AlarmDelivered(ALARM)
        assert await found.next() == Registered(0, 120, is_new=True, date=None)
        found.ahead_s = 116
        found.phone.handle_timeout(found.now)
        assert await found.next() == Registered(0, 120, is_new=False, date=None)
        found.phone.stop(found.now)
        assert await found.next() == Unregistered(0)
        assert await server == (0, "")


def step(port: int, *, reason: OutOfServiceReason = OutOfServiceReason.INITIALIZED) -> Register:
    """Return the step that registers our whole phone at a port of this machine."""
    return Register(
        members=(CallManager("", "", "127.0.0.1", sip_port=port),),
        protocol="SIP",
        transport=1,
        security_mode=1,
        lines=(Line(1, "1000"),),
        alarms=(DeviceTlInfo(NAME, None, "", b"\1" * 20, "pub", 3, CLOCK.now()),),
        certified=None,
        check=TrustedPeers(TrustLists(), Purpose.SIP_PEER),
        reason=reason,
    )


class Ahead(SystemClock):
    """A clock put forward by hand."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


class Wiretap:
    """Carries what a phone and a server say to each other, and keeps it."""

    def __init__(self, port: int) -> None:
        self.said: list[tuple[bool, bytes]] = []
        self._server_port = port
        self._carriers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await asyncio.wait(self._carriers)

    def answers(self) -> int:
        """Return how often the server said 200."""
        return sum(
            data.count(b"SIP/2.0 200 OK") for from_phone, data in self.said if not from_phone
        )

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._server_port)
        pairs = ((True, reader, there), (False, there_reader, writer))
        self._carriers |= {asyncio.create_task(self._carry(*pair)) for pair in pairs}

    async def _carry(
        self,
        from_phone: bool,  # noqa: FBT001 - a column of what is kept
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(65536):
            self.said.append((from_phone, data))
            writer.write(data)
        writer.close()


@needs("sipp")
async def test_our_whole_phone_registers_with_sipp_refreshes_and_leaves() -> None:
    port, clock = free_port(), Ahead()
    scenario = str(SCENARIOS / "server.xml")
    server = asyncio.create_task(sipp("-sf", scenario, "-p", str(port), "-m", "2"))
    await listening(port)
    registrar, tap = PhoneRegistrar(PHONE, clock=clock), Wiretap(port)
    told: list[Event] = []
    registrar.listen(told.append)
    async with asyncio.timeout(60), tap.listening() as tapped:
        outcome = await registrar.register(step(tapped), Names())
        assert outcome == RegisteredOutcome("127.0.0.1", "TCP", "1000", 120)
        clock.ahead_s = 116
        registrar.wake()
        await until(lambda: tap.answers() == 2)
        await registrar.close()
        assert await server == (0, "")
    assert told == []


# tshark


@needs("tshark")
async def test_tshark_reads_our_whole_phone_without_a_malformed_packet(tmp_path: Path) -> None:
    async with running() as context:
        tap = Wiretap(context.server.ports[0])
        async with tap.listening() as port:
            registrar = PhoneRegistrar(PHONE)
            await registrar.register(step(port), Names())
            await context.registrations.order(NAME, Action.RESTART)
            assert await registrar.next_order() == "restart"
            await registrar.close()
            await registrar.register(step(port, reason=OutOfServiceReason.RESTART), Names())
            await registrar.close()
    path = tmp_path / "phone.pcap"
    path.write_bytes(capture(tap.said))
    warnings = "_ws.expert.severity >= 6291456"
    assert await tshark(path, "-Y", f"_ws.malformed || _ws.unreassembled || {warnings}") == []
    text = b"".join(data for _, data in tap.said).decode()
    assert "cisco-alarm:25 " in text
    assert "cisco-alarm:23 " in text
    lines = await tshark(path, "-T", "fields", "-e", "sip.Method")
    asked = [word for line in lines for word in line.split(",") if word]
    assert asked.count("REFER") == 3  # each time the trust lists, then the service lost
    assert asked.count("REGISTER") == 4
    assert asked.count("NOTIFY") == 1


def capture(said: list[tuple[bool, bytes]]) -> bytes:
    """Write what phone (True) and server (False) said as a capture of raw IPv4 with TCP."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    sequence = {True: 1000, False: 5000}
    for from_phone, data in said:
        for start in range(0, len(data), 1460):
            piece = data[start : start + 1460]
            ports = (50000, 5060) if from_phone else (5060, 50000)
            tcp = struct.pack(
                ">HHIIBBHHH",
                *ports,
                sequence[from_phone],
                sequence[not from_phone],
                0x50,
                0x18,
                65535,
                0,
                0,
            )
            ends = (b"\xc0\0\2\1", b"\xc0\0\2\2") if from_phone else (b"\xc0\0\2\2", b"\xc0\0\2\1")
            size = 40 + len(piece)
            packet = struct.pack(">BBHHHBBH", 0x45, 0, size, 0, 0, 64, 6, 0) + b"".join(ends)
            packet += tcp + piece
            out += struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet
            sequence[from_phone] += len(piece)
    return out


async def tshark(path: Path, *arguments: str) -> list[str]:
    program = await asyncio.create_subprocess_exec(
        "tshark",
        "-r",
        str(path),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        output, _ = await program.communicate()
    assert program.returncode == 0
    return output.decode().splitlines()


@needs("tshark")
async def test_tshark_reads_a_whole_registration_without_a_malformed_packet(tmp_path: Path) -> None:
    async with running() as context, wired(context.server.ports[0]) as found:
        assert await found.next() == AlarmDelivered(ALARM)
        assert isinstance(await found.next(), Registered)
        for action in (Action.RESTART, Action.CHECK_VERSION):
            order = asyncio.create_task(context.registrations.order(NAME, action))
            assert isinstance(await found.next(), Ordered)
            found.flush()
            assert (await order).is_accepted
        found.phone.stop(found.now)
        assert await found.next() == Unregistered(0)
    path = tmp_path / "registration.pcap"
    path.write_bytes(capture(found.said))
    warnings = "_ws.expert.severity >= 6291456"
    assert await tshark(path, "-Y", f"_ws.malformed || _ws.unreassembled || {warnings}") == []
    lines = await tshark(path, "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code")
    seen = [
        word for line in lines for field in line.split("\t") for word in field.split(",") if word
    ]
    expected = ["REFER", "REGISTER", "202", "100", "200", "NOTIFY", "200", "REFER", "200"]
    assert sorted(seen) == sorted([*expected, "REGISTER", "100", "200"])
