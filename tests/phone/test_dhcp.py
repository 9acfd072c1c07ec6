"""A phone asks for its TFTP servers, over real sockets on the loopback interface."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from cucmsim.formats.dhcp import (
    DhcpMessage,
    DhcpOption,
    MessageType,
    Operation,
    Options,
    decode_dhcp,
    encode_dhcp,
)
from cucmsim.formats.models import Generation
from cucmsim.phone import dhcp
from cucmsim.phone.datagrams import Address, Datagrams
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.dhcp import DhcpAnswer, DhcpFinder, DhcpWay, tftp_servers, vendor_class
from cucmsim.phone.dhcpevents import (
    DhcpAnswered,
    DhcpAsked,
    DhcpEvent,
    DhcpOffered,
    DhcpRefused,
    DhcpTimedOut,
    ServerSource,
)
from cucmsim.phone.interface import Interface, InterfaceError, read_interface
from cucmsim.phone.networkview import network_view
from cucmsim.phone.performer import FileServer, Network
from cucmsim.phone.statustexts import status_message
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.texts import console_texts
from cucmsim.phone.values import PhoneIdentity, Transport
from cucmsim.protocols.dhcp_client import DhcpPatience
from tests.fixtures.dhcp import said_by_server

IDENTITY = PhoneIdentity("001B54C25A01", "8861")
LOOPBACK = "lo"
IMPATIENT = DhcpPatience(first_s=0.02, informs=1, discovers=2, requests=1)
PATIENT = DhcpPatience(first_s=60.0)
GIVEN, SERVER = IPv4Address("127.0.9.9"), IPv4Address("127.0.0.1")
FROM_SERVER = (DhcpOption.SERVER_IDENTIFIER, SERVER.packed)
SERVERS = (
    DhcpOption.TFTP_SERVERS,
    IPv4Address("127.0.1.1").packed + IPv4Address("127.0.1.2").packed,
)
MORE: Options = (
    (DhcpOption.SUBNET_MASK, IPv4Address("255.0.0.0").packed),
    (DhcpOption.ROUTERS, SERVER.packed),
    (DhcpOption.DNS_SERVERS, SERVER.packed * 2),
    (DhcpOption.DOMAIN_NAME, b"lab.example"),
)
Answers = dict[MessageType, tuple[MessageType, Options]]
INFORMED: Answers = {MessageType.INFORM: (MessageType.ACK, (FROM_SERVER, SERVERS, *MORE))}
LEASED: Answers = {
    MessageType.DISCOVER: (MessageType.OFFER, (FROM_SERVER,)),
    MessageType.REQUEST: (MessageType.ACK, (FROM_SERVER, SERVERS)),
}
REFUSED: Answers = {
    MessageType.DISCOVER: (MessageType.OFFER, (FROM_SERVER,)),
    MessageType.REQUEST: (
        MessageType.NAK,
        (FROM_SERVER, (DhcpOption.MESSAGE, b"address in use")),
    ),
}


class Server:
    """Answers as it is told; `heard` is what it was asked."""

    def __init__(self, answers: Answers, wire: Datagrams, way: DhcpWay) -> None:
        self.heard: list[DhcpMessage] = []
        self.way = way
        self._answers = answers
        self._wire = wire

    async def serve(self) -> None:
        while True:
            item = await self._wire.receive(None)
            assert isinstance(item, tuple)
            question = decode_dhcp(item[0])
            self.heard.append(question)
            kind = MessageType(question.message_type or 0)
            if kind in self._answers:
                client = ("127.0.0.1", self.way.client_port)
                self._wire.send(self._answer(question, *self._answers[kind]), client)

    def _answer(self, question: DhcpMessage, kind: MessageType, options: Options) -> bytes:
        is_leased = question.message_type != MessageType.INFORM and kind is not MessageType.NAK
        return encode_dhcp(
            DhcpMessage(
                Operation.REPLY,
                question.transaction_id,
                question.hardware,
                ((DhcpOption.MESSAGE_TYPE, bytes((kind,))), *options),
                your_address=GIVEN if is_leased else IPv4Address(0),
            )
        )

    async def hears(self, kind: MessageType) -> DhcpMessage:
        async with asyncio.timeout(30):
            while True:
                for message in self.heard:
                    if message.message_type == kind:
                        return message
                await asyncio.sleep(0)


@asynccontextmanager
async def server_of(answers: Answers, patience: DhcpPatience = PATIENT) -> AsyncIterator[Server]:
    """Run a server on ports of its own; a client that is bound to `lo` finds it there."""
    with free_port() as client_port, udp_socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        bound.bind(("0.0.0.0", 0))  # noqa: S104 - broadcasts come to no other address
        way = DhcpWay(patience, bound.getsockname()[1], client_port)
        wire = await Datagrams.open(bound)
        server = Server(answers, wire, way)
        serving = asyncio.create_task(server.serve())
        try:
            yield server
        finally:
            serving.cancel()
            wire.close()


@contextmanager
def free_port() -> Iterator[int]:
    """Keep a port that only sockets which share addresses may bind as well."""
    with udp_socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.9", 0))
        yield keeper.getsockname()[1]


def udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)  # noqa: FBT003 - its only parameter
    return made


async def ask(server: Server) -> tuple[DhcpAnswer | None, list[DhcpEvent]]:
    told: list[DhcpEvent] = []
    finder = DhcpFinder(LOOPBACK, IDENTITY, way=server.way)
    return await finder.find(told.append), told


async def test_a_phone_with_an_address_is_told_its_servers_in_order() -> None:
    async with server_of(INFORMED) as server:
        answer, told = await ask(server)
    assert answer == DhcpAnswer(
        ("127.0.1.1", "127.0.1.2"),
        ServerSource.OPTION_150,
        server="127.0.0.1",
        subnet_mask="255.0.0.0",
        default_router="127.0.0.1",
        domain_name="lab.example",
        dns_servers=("127.0.0.1", "127.0.0.1"),
    )
    assert told == [
        DhcpAsked(LOOPBACK, "INFORM", 1),
        DhcpAnswered("127.0.0.1", ("127.0.1.1", "127.0.1.2"), ServerSource.OPTION_150),
    ]
    (question,) = server.heard
    assert question.client_address == IPv4Address("127.0.0.1")
    assert question.hardware.hex().upper() == IDENTITY.mac


async def test_a_server_that_gives_only_leases_gets_its_lease_back() -> None:
    async with server_of(LEASED, replace(PATIENT, first_s=0.3, informs=1)) as server:
        answer, told = await ask(server)
        release = await server.hears(MessageType.RELEASE)
    assert answer is not None
    assert answer.tftp_servers == ("127.0.1.1", "127.0.1.2")
    assert DhcpOffered("127.0.0.1", str(GIVEN)) in told
    assert release.client_address == GIVEN


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the interface seem to have no address."""
    found = replace(read_interface(LOOPBACK), address=None, mask=None)
    monkeypatch.setattr(dhcp, "read_interface", lambda _name: found)


@pytest.mark.usefixtures("bare")
async def test_an_interface_without_an_address_keeps_the_lease() -> None:
    async with server_of(LEASED) as server:
        answer, told = await ask(server)
    assert answer is not None
    assert [event.kind for event in told if isinstance(event, DhcpAsked)] == ["DISCOVER", "REQUEST"]
    assert {message.message_type for message in server.heard} == {
        MessageType.DISCOVER,
        MessageType.REQUEST,
    }


@pytest.mark.usefixtures("bare")
async def test_a_refused_request_is_told_with_its_reason() -> None:
    async with server_of(REFUSED, replace(PATIENT, discovers=2)) as server:
        answer, told = await ask(server)
    assert answer is None
    assert told.count(DhcpRefused("address in use")) == 2
    assert told[-1] == DhcpTimedOut(LOOPBACK)


async def test_nobody_answers() -> None:
    async with server_of({}, IMPATIENT) as server:
        answer, told = await ask(server)
    assert answer is None
    kinds = [event.kind for event in told if isinstance(event, DhcpAsked)]
    assert kinds == ["INFORM", "DISCOVER", "DISCOVER"]
    assert told[-1] == DhcpTimedOut(LOOPBACK)


async def test_an_interface_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InterfaceError, match=r"no interface nowhere9, expected one of .*lo"):
        await DhcpFinder("nowhere9", IDENTITY).find(lambda _event: None)


async def test_a_port_that_somebody_has_is_named() -> None:
    with udp_socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - not shared
        way = DhcpWay(client_port=taken.getsockname()[1])
        with pytest.raises(InterfaceError, match="another DHCP client has it"):
            await DhcpFinder(LOOPBACK, IDENTITY, way=way).find(lambda _event: None)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "CAP_NET_BIND_SERVICE"),
        (errno.EPERM, "CAP_NET_RAW"),
        (errno.ENODEV, "lo: cannot be bound to: No such device$"),
    ],
)
async def test_a_missing_privilege_is_named(
    number: int, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise OSError(number, "No such device")

    monkeypatch.setattr(socket.socket, "setsockopt", refuse)
    with pytest.raises(InterfaceError, match=hint):
        await DhcpFinder(LOOPBACK, IDENTITY).find(lambda _event: None)


async def test_a_network_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(wire: Datagrams, _data: bytes, _peer: Address) -> None:
        wire.error_received(OSError(errno.ENETDOWN, "Network is down"))

    monkeypatch.setattr(Datagrams, "send", refuse)
    way = DhcpWay(PATIENT, 1, 0)
    with pytest.raises(InterfaceError, match=r"lo: cannot send on it: .*the interface is down"):
        await DhcpFinder(LOOPBACK, IDENTITY, way=way).find(lambda _event: None)


def test_an_interface_is_read_from_the_kernel() -> None:
    found = read_interface(LOOPBACK)
    assert found == Interface(
        LOOPBACK, bytes(6), IPv4Address("127.0.0.1"), IPv4Address("255.0.0.0")
    )


@pytest.mark.parametrize(
    ("name", "servers", "source"),
    [
        ("option150", ("10.9.8.11", "10.9.8.12"), ServerSource.OPTION_150),
        ("overload", ("10.9.8.11", "10.9.8.12"), ServerSource.OPTION_150),
        ("option66", ("cucm-pub.lab.example",), ServerSource.OPTION_66),
    ],
)
def test_servers_are_taken_from_what_dnsmasq_said(
    name: str, servers: tuple[str, ...], source: ServerSource
) -> None:
    for data in said_by_server(name):
        assert tftp_servers(decode_dhcp(data)) == (servers, source)


BOTH: Options = (SERVERS, (DhcpOption.TFTP_SERVER_NAME, b"tftp.lab.example"))
NEXT = IPv4Address("10.9.8.11")


@pytest.mark.parametrize(
    ("options", "next_server", "servers"),
    [
        (BOTH, NEXT, ("127.0.1.1", "127.0.1.2")),
        (BOTH[1:], NEXT, ("tftp.lab.example",)),
        ((), NEXT, ("10.9.8.11",)),
        ((), IPv4Address(0), ("CiscoCM1",)),
        (((DhcpOption.TFTP_SERVERS, b"\1\2\3"), BOTH[1]), NEXT, ("tftp.lab.example",)),
        (((DhcpOption.TFTP_SERVER_NAME, b"\x1b[2J"),), NEXT, ("10.9.8.11",)),
        (((DhcpOption.TFTP_SERVER_NAME, b"\0"),), NEXT, ("10.9.8.11",)),
    ],
)
def test_option_150_wins_over_66_over_the_next_server_over_ciscocm1(
    options: Options, next_server: IPv4Address, servers: tuple[str, ...]
) -> None:
    message = DhcpMessage(2, 1, b"", options, next_server=next_server)
    assert tftp_servers(message)[0] == servers


def test_a_79xx_says_its_full_name() -> None:
    old = vendor_class(PhoneIdentity(IDENTITY.mac, "7941"))
    assert old == b"Cisco Systems, Inc. IP Phone CP-7941G\0"
    assert vendor_class(IDENTITY) == b"Cisco Systems, Inc. IP Phone CP-8861\0"


EVENTS: list[tuple[DhcpEvent, str]] = [
    (DhcpAsked("eth0", "INFORM", 1), "INFORM sent on eth0"),
    (DhcpAsked("eth0", "DISCOVER", 2), "DISCOVER sent on eth0 (2)"),
    (DhcpOffered("10.0.0.1", "10.0.0.9"), "OFFER of 10.0.0.9 from 10.0.0.1"),
    (DhcpRefused(""), "NAK"),
    (
        DhcpAnswered("10.0.0.1", ("a", "b"), ServerSource.OPTION_150),
        "ACK from 10.0.0.1, TFTP servers a, b (option 150)",
    ),
    (DhcpTimedOut("eth0"), "timeout, no answer on eth0"),
]


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize(("event", "text"), EVENTS)
def test_the_console_tells_of_dhcp(generation: Generation, event: DhcpEvent, text: str) -> None:
    (line,) = console_texts(generation).render(event)
    assert (line.module, line.text) == ("DHCP", text)


@pytest.mark.parametrize("generation", Generation)
def test_the_screen_shows_a_timeout_only(generation: Generation) -> None:
    shown = [status_message(event, generation) for event, _ in EVENTS]
    assert shown == [None] * 5 + ["DHCP timeout"]


class Finder:
    """Says one answer after the other."""

    def __init__(self, *answers: DhcpAnswer | None) -> None:
        self._answers = iter(answers)

    async def find(self, tell: Callable[[DhcpEvent], None]) -> DhcpAnswer | None:
        tell(DhcpTimedOut("eth0"))
        return next(self._answers)


def phone_with(finder: Finder) -> Phone:
    network = Network(finder=finder, ports=FileServer("", tftp_port=1, http_port=1, https_port=1))
    options = PhoneOptions(retry_s=0, transports=(Transport.HTTP,))
    return Phone(IDENTITY, network, options=options)


async def test_a_phone_without_an_answer_asks_nobody_for_files() -> None:
    phone = phone_with(Finder(None))
    summary = await phone.boot()
    assert not summary.was_answered
    assert [message.text for message in phone.status.messages] == ["DHCP timeout"]
    assert phone.view().network.dhcp_enabled
    assert phone.view().network.tftp_servers == ()


async def test_each_boot_asks_anew_and_silence_leaves_the_servers_known() -> None:
    first = DhcpAnswer(("127.0.1.1",), ServerSource.OPTION_150, server="127.0.0.1")
    second = replace(first, tftp_servers=("127.0.1.2", "127.0.1.3"))
    phone = phone_with(Finder(first, second, None))
    seen = []
    for _ in range(3):
        await phone.boot()
        seen.append(phone.view().network.tftp_servers)
    assert seen == [("127.0.1.1",), second.tftp_servers, second.tftp_servers]
    assert phone.view().network.dhcp_server == "127.0.0.1"


async def test_a_kept_phone_boots_again_until_dhcp_answers() -> None:
    answer = DhcpAnswer(("127.0.1.1",), ServerSource.OPTION_150)
    phone = phone_with(Finder(None, None, answer))
    answered = asyncio.Event()

    def on_boot(_summary: BootSummary) -> None:
        if phone.view().network.tftp_servers:
            answered.set()

    staying = asyncio.create_task(phone.stay(on_boot, await phone.boot()))
    async with asyncio.timeout(30):
        await answered.wait()
    staying.cancel()
    await asyncio.wait([staying])


def test_servers_that_a_person_gave_are_alternate_ones() -> None:
    shown = network_view(Network((FileServer("127.0.1.1"),)))
    assert shown.alternate_tftp
    assert not shown.dhcp_enabled
    assert shown.ip_address == "127.0.0.1"
