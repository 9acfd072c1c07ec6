"""The TFTP daemon on loopback: both modes, both loops, no sleeps."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons import tftpd
from cucmsim.daemons.poller import LoopPoller
from cucmsim.daemons.tftpd import TftpOptions, TftpServer
from cucmsim.errors import FormatError, StartError
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorPacket,
    OptionAck,
    Packet,
    ReadRequest,
    WriteRequest,
    decode_packet,
    encode_packet,
)
from cucmsim.protocols.tftp_requests import Limits
from cucmsim.services.journal import Exchange, Journal

ADDRESS = "127.0.0.1"
WAIT_S = 10

Address = tuple[str, int]


class Files:
    """A file source whose files of the second kind take as long as the test wants."""

    def __init__(self, cached: dict[str, bytes], slow: dict[str, bytes] | None = None) -> None:
        self._cached = cached
        self._slow = slow or {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.fetched: list[str] = []
        self.asked = asyncio.Event()

    def cached(self, name: str) -> bytes | None:
        return self._cached.get(name)

    async def fetch(self, name: str) -> bytes | None:
        self.fetched.append(name)
        self.asked.set()
        await self.gate.wait()
        if name == "broken":
            raise FormatError("made to fail", 0)
        return self._slow.get(name)


class Phone(asyncio.DatagramProtocol):
    """A client's port."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[tuple[Packet, Address]] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None
        self.closed = asyncio.Event()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed.set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.inbox.put_nowait((decode_packet(data), addr))

    def send(self, packet: Packet | bytes, to: Address) -> None:
        assert self.transport is not None
        data = packet if isinstance(packet, bytes) else encode_packet(packet)
        self.transport.sendto(data, to)

    async def hear(self) -> tuple[Packet, Address]:
        async with asyncio.timeout(WAIT_S):
            return await self.inbox.get()

    async def ask(self, packet: Packet | bytes, to: Address) -> Packet:
        self.send(packet, to)
        return (await self.hear())[0]

    async def download(self, request: ReadRequest, to: Address) -> bytes:
        """Fetch a file as RFC 1350, 2347 and 7440 say."""
        self.send(request, to)
        blksize, windowsize, received, block, pending = 512, 1, bytearray(), 0, 0
        while True:
            packet, server = await self.hear()
            if isinstance(packet, OptionAck):
                accepted = dict(packet.options)
                blksize = int(accepted.get("blksize", blksize))
                windowsize = int(accepted.get("windowsize", windowsize))
                self.send(Ack(0), server)
                continue
            assert isinstance(packet, Data), packet
            assert packet.block == (block + 1) % 65536
            block, pending = block + 1, pending + 1
            received += packet.payload
            last = len(packet.payload) < blksize
            if last or pending == windowsize:
                self.send(Ack(packet.block), server)
                pending = 0
            if last:
                return bytes(received)


class Bench:
    """A running daemon, its journal, and phones."""

    def __init__(self, server: TftpServer, files: Files, journal: Journal) -> None:
        self.server, self.files = server, files
        self.finished: asyncio.Queue[Exchange] = asyncio.Queue()
        journal.subscribe(self.finished.put_nowait)
        self.phones: list[Phone] = []

    @property
    def address(self) -> Address:
        return ADDRESS, self.server.ports[0]

    async def phone(self, host: str = ADDRESS) -> Phone:
        loop = asyncio.get_running_loop()
        transport, phone = await loop.create_datagram_endpoint(Phone, local_addr=(host, 0))
        phone.transport = transport
        self.phones.append(phone)
        return phone

    async def end(self) -> Exchange:
        async with asyncio.timeout(WAIT_S):
            return await self.finished.get()

    async def barrier(self) -> None:
        """Return when the daemon has read everything that was sent to it before."""
        phone = await self.phone()
        await phone.ask(WriteRequest("barrier"), self.address)


SMALL = b"small file"
FILES = {
    "small": SMALL,
    "SEP001122334455.cnf.xml": bytes(range(256)) * 5,
    "empty": b"",
    "full": bytes(1024),
    "text": b"one\ntwo\r\n",
    "large text": b"line\n" * 60000,
    "large": bytes(range(251)) * 4000,
}


class Remote:
    """Another cluster, which has one file and takes its time."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    async def find(self, name: str) -> bytes | None:
        self.asked.put_nowait(name)
        await self.gate.wait()
        return FILES["text"] if name == "remote" else None


@asynccontextmanager
async def running(
    options: TftpOptions | None = None,
    endpoints: tuple[Address, ...] = ((ADDRESS, 0),),
    elsewhere: Remote | None = None,
) -> AsyncIterator[Bench]:
    files = Files(FILES, {"slow": b"built and signed"})
    journal = Journal()
    server = TftpServer(
        files,
        endpoints,
        node="cucm1",
        journal=journal,
        clock=SystemClock(),
        options=options,
        elsewhere=elsewhere,
    )
    await server.start()
    bench = Bench(server, files, journal)
    try:
        yield bench
    finally:
        await server.stop(0)
        for phone in bench.phones:
            assert phone.transport is not None
            phone.transport.close()
            await phone.closed.wait()


MODES = pytest.mark.parametrize("single_port", [False, True], ids=["ports", "single-port"])


@MODES
@pytest.mark.parametrize("name", FILES)
async def test_a_file_arrives_whole(name: str, single_port: bool) -> None:  # noqa: FBT001 - a case
    async with running(TftpOptions(single_port=single_port)) as bench:
        phone = await bench.phone()
        assert await phone.download(ReadRequest(name), bench.address) == FILES[name]
        assert (await bench.end()).answer == f"{len(FILES[name])} bytes"
        assert bench.server.busy == 0


@MODES
@pytest.mark.parametrize(
    ("blksize", "windowsize"),
    # a client's socket here holds no more than two blocks of 65464
    [("8", "3"), ("8", "16"), ("1468", "2"), ("1468", "4"), ("1468", "65535"), ("65464", "2")],
)
async def test_a_file_arrives_whole_in_windows(
    blksize: str,
    windowsize: str,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    request = ReadRequest("full", options=(("blksize", blksize), ("windowsize", windowsize)))
    large = ReadRequest("large", options=request.options)
    async with running(TftpOptions(single_port=single_port)) as bench:
        phone = await bench.phone()
        assert await phone.download(request, bench.address) == FILES["full"]
        if blksize != "8":
            assert await phone.download(large, bench.address) == FILES["large"]


@MODES
async def test_netascii_is_converted(single_port: bool) -> None:  # noqa: FBT001 - a case
    async with running(TftpOptions(single_port=single_port)) as bench:
        phone = await bench.phone()
        text = await phone.download(ReadRequest("text", "netascii"), bench.address)
        assert text == b"one\r\ntwo\r\0\r\n"
        large = await phone.download(
            ReadRequest("large text", "netascii", (("blksize", "8192"),)), bench.address
        )
        assert large == b"line\r\n" * 60000


async def test_each_transfer_has_a_port_of_its_own() -> None:
    async with running() as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("full"), bench.address)
        _, server = await phone.hear()
        assert server[1] != bench.address[1]


async def test_in_single_port_mode_every_answer_comes_from_the_port_asked() -> None:
    async with running(TftpOptions(single_port=True)) as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("small"), bench.address)
        assert await phone.hear() == (Data(1, SMALL), bench.address)


def free_ports(count: int) -> range:
    """Return ports in a row that nobody has."""
    for first in range(24_000, 32_000, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    probe.bind((ADDRESS, port))
            except OSError:
                continue
            return range(first, first + count)
    raise AssertionError("no ports are free")


async def test_transfers_take_the_ports_of_a_range_in_order_and_pass_over_those_in_use() -> None:
    ports = free_ports(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((ADDRESS, ports[1]))
        async with running(TftpOptions(transfer_ports=ports)) as bench:
            phone, told = await bench.phone(), []
            for _ in range(3):
                phone.send(ReadRequest("small"), bench.address)
                packet, server = await phone.hear()
                assert packet == Data(1, SMALL)
                told.append(server[1])
                phone.send(Ack(1), server)
                await bench.end()
            assert told == [ports[0], ports[2], ports[0]]


async def test_a_request_is_not_answered_when_no_port_of_the_range_is_free() -> None:
    ports = free_ports(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((ADDRESS, ports[0]))
        async with running(TftpOptions(transfer_ports=ports)) as bench:
            phone = await bench.phone()
            phone.send(ReadRequest("small"), bench.address)
            exchange = await bench.end()
            assert exchange.answer == "not answered: no socket"


async def test_the_journal_says_who_got_what() -> None:
    async with running() as bench:
        phone = await bench.phone()
        await phone.download(ReadRequest("/SEP001122334455.cnf.xml"), bench.address)
        exchange = await bench.end()
        assert (exchange.node, exchange.service) == ("cucm1", "tftp")
        assert exchange.device == "SEP001122334455"
        assert exchange.request == "SEP001122334455.cnf.xml"
        assert exchange.answer == "1280 bytes"
        assert exchange.peer.startswith("127.0.0.1:")
        assert exchange.milliseconds >= 0


@MODES
@pytest.mark.parametrize(
    ("request_packet", "code"),
    [
        (ReadRequest("absent"), 1),
        (ReadRequest(""), 1),
        (ReadRequest("../etc/passwd"), 2),
        (ReadRequest("../etc/passwd", "netascii"), 2),
        (WriteRequest("small"), 2),
        (ReadRequest("small", "mail"), 4),
        (ReadRequest("n" * 505), 4),
        (Data(1, b""), 4),
        (b"\0\1small", 4),
        (b"\0", 4),
        (b"\0\0\0\0\0\0\0", 4),
    ],
)
async def test_what_cannot_be_served_is_answered_with_its_code(
    request_packet: Packet | bytes,
    code: int,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with running(TftpOptions(single_port=single_port)) as bench:
        phone = await bench.phone()
        answer = await phone.ask(request_packet, bench.address)
        assert isinstance(answer, ErrorPacket)
        assert answer.code == code
        assert bench.server.busy == 0


async def test_a_missing_file_is_in_the_journal() -> None:
    async with running() as bench:
        phone = await bench.phone()
        assert await phone.ask(ReadRequest("absent"), bench.address) == ErrorPacket(
            1, "File not found"
        )
        assert (await bench.end()).answer == "error 1: File not found"


async def test_an_error_at_the_port_is_not_answered() -> None:
    async with running() as bench:
        phone = await bench.phone()
        phone.send(ErrorPacket(0, ""), bench.address)
        await bench.barrier()
        assert phone.inbox.empty()


async def test_an_ack_without_a_transfer_is_told_so() -> None:
    async with running() as bench:
        answer = await (await bench.phone()).ask(Ack(1), bench.address)
        assert isinstance(answer, ErrorPacket)
        assert answer.code == 5


async def test_in_single_port_mode_an_ack_without_a_transfer_is_dropped() -> None:
    async with running(TftpOptions(single_port=True)) as bench:
        phone = await bench.phone()
        phone.send(Ack(1), bench.address)
        await bench.barrier()
        assert phone.inbox.empty()


@MODES
async def test_a_request_sent_twice_is_answered_once(single_port: bool) -> None:  # noqa: FBT001
    async with running(TftpOptions(single_port=single_port)) as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("full"), bench.address)
        phone.send(ReadRequest("full"), bench.address)
        _, server = await phone.hear()
        await bench.barrier()
        assert phone.inbox.empty()
        assert await phone.ask(Ack(1), server) == Data(2, bytes(512))


@MODES
async def test_another_request_from_the_same_port_replaces_the_transfer(
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    async with running(TftpOptions(single_port=single_port)) as bench:
        phone = await bench.phone()
        await phone.ask(ReadRequest("full"), bench.address)
        assert await phone.ask(ReadRequest("small"), bench.address) == Data(1, SMALL)
        assert (await bench.end()).answer == "peer gone: a new request came after block 0"


async def test_the_last_ack_is_read_before_a_request_from_the_same_port() -> None:
    """A new phone gets the port of one whose last ACK is still unread."""
    async with running() as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("small"), bench.address)
        _, server = await phone.hear()
        phone.send(Ack(1), server)
        phone.send(ReadRequest("small"), bench.address)
        assert (await phone.hear())[0] == Data(1, SMALL)
        assert (await bench.end()).answer == "10 bytes"


async def test_the_listener_reads_the_old_transfer_first() -> None:
    """The same, with the request read before the poller looks at the transfer."""
    async with running() as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("small"), bench.address)
        _, server = await phone.hear()
        phone.send(Ack(1), server)
        phone.send(ReadRequest("small"), bench.address)
        bench.server._listeners[0].readable()
        assert bench.finished.get_nowait().answer == "10 bytes"
        assert (await phone.hear())[0] == Data(1, SMALL)


async def test_requests_for_one_file_that_must_be_built_wait_together() -> None:
    async with running() as bench:
        bench.files.gate.clear()
        phones = [await bench.phone() for _ in range(5)]
        for phone in phones:
            phone.send(ReadRequest("slow"), bench.address)
            phone.send(ReadRequest("slow"), bench.address)
        await bench.barrier()
        assert bench.server.busy == 5
        bench.files.gate.set()
        for phone in phones:
            assert (await phone.hear())[0] == Data(1, b"built and signed")
        assert bench.files.fetched == ["slow"]


async def test_a_request_replaced_while_its_file_is_built_is_not_answered() -> None:
    async with running() as bench:
        bench.files.gate.clear()
        phone = await bench.phone()
        phone.send(ReadRequest("slow"), bench.address)
        await bench.files.asked.wait()
        assert await phone.ask(ReadRequest("small"), bench.address) == Data(1, SMALL)
        bench.files.gate.set()
        await bench.barrier()
        assert phone.inbox.empty()


async def test_a_file_that_cannot_be_made_is_an_undefined_error_and_no_more() -> None:
    async with running() as bench:
        phone = await bench.phone()
        answer = await phone.ask(ReadRequest("broken"), bench.address)
        assert answer == ErrorPacket(0, "The file cannot be made")
        assert await phone.download(ReadRequest("small"), bench.address) == SMALL


async def test_requests_over_the_limit_are_dropped_and_counted() -> None:
    async with running(TftpOptions(max_transfers=1)) as bench:
        first, second = await bench.phone(), await bench.phone()
        await first.ask(ReadRequest("full"), bench.address)
        second.send(ReadRequest("small"), bench.address)
        await bench.barrier()
        assert second.inbox.empty()
        assert bench.server.dropped == 1
        bench.server._sweep(asyncio.get_running_loop())


@MODES
async def test_silence_brings_a_block_again_and_ends_the_transfer(single_port: bool) -> None:  # noqa: FBT001
    limits = Limits(timeout_s=0.5, max_retransmissions=2)
    async with running(TftpOptions(single_port=single_port, limits=limits)) as bench:
        phone = await bench.phone()
        first = await phone.ask(ReadRequest("small"), bench.address)
        for _ in range(2):
            for _ in range(3):
                bench.server.sweep()
            assert (await phone.hear())[0] == first
        for _ in range(3):
            bench.server.sweep()
        assert (await bench.end()).answer == "no answer: no ACK after 2 retransmissions"
        assert phone.inbox.empty()


@MODES
async def test_an_ack_that_waits_to_be_read_stops_the_timeout(single_port: bool) -> None:  # noqa: FBT001
    limits = Limits(timeout_s=0.5)
    async with running(TftpOptions(single_port=single_port, limits=limits)) as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("full"), bench.address)
        _, server = await phone.hear()
        bench.server.sweep()
        bench.server.sweep()
        phone.send(Ack(1), server)
        bench.server.sweep()
        assert (await phone.hear())[0] == Data(2, bytes(512))
        await bench.barrier()
        assert phone.inbox.empty()


async def test_a_closed_port_ends_the_transfer() -> None:
    async with running(TftpOptions(limits=Limits(timeout_s=0.25))) as bench:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as phone:
            phone.bind((ADDRESS, 0))
            phone.sendto(encode_packet(ReadRequest("full")), bench.address)
        assert (await bench.end()).answer.startswith("peer gone")


async def test_stop_lets_a_running_transfer_finish() -> None:
    async with running() as bench:
        phone = await bench.phone()
        phone.send(ReadRequest("full"), bench.address)
        _, server = await phone.hear()
        stop = asyncio.create_task(bench.server.stop(WAIT_S))
        await asyncio.sleep(0)  # let it begin
        late = await bench.phone()
        late.send(ReadRequest("small"), bench.address)
        assert await phone.ask(Ack(1), server) == Data(2, bytes(512))
        assert await phone.ask(Ack(2), server) == Data(3, b"")
        phone.send(Ack(3), server)
        await stop
        assert (await bench.end()).answer == "1024 bytes"
        assert late.inbox.empty()
        assert bench.server.ports == ()


@MODES
async def test_stop_waits_no_longer_than_it_is_told(single_port: bool) -> None:  # noqa: FBT001
    async with running(TftpOptions(single_port=single_port)) as bench:
        bench.files.gate.clear()
        phone, other = await bench.phone(), await bench.phone()
        await phone.ask(ReadRequest("full"), bench.address)
        other.send(ReadRequest("slow"), bench.address)
        await bench.files.asked.wait()
        await bench.server.stop(0)
        assert (await bench.end()).answer == "refused: the server stops"
        assert bench.server.busy == 0


async def test_a_stopped_daemon_starts_again() -> None:
    async with running() as bench:
        await bench.server.stop(0)
        await bench.server.start()
        phone = await bench.phone()
        assert await phone.download(ReadRequest("small"), bench.address) == SMALL


async def test_a_port_in_use_is_named_and_nothing_stays_bound() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as holder:
        holder.bind((ADDRESS, 0))
        port = holder.getsockname()[1]
        server = TftpServer(
            Files({}),
            [(ADDRESS, 0), (ADDRESS, port)],
            node="cucm1",
            journal=Journal(),
            clock=SystemClock(),
        )
        with pytest.raises(StartError, match=f"127.0.0.1:{port}"):
            await server.start()
        assert server.ports == ()


async def test_both_ports_of_a_node_serve() -> None:
    async with running(endpoints=((ADDRESS, 0), (ADDRESS, 0))) as bench:
        phone = await bench.phone()
        for port in bench.server.ports:
            assert await phone.download(ReadRequest("small"), (ADDRESS, port)) == SMALL
        assert len(set(bench.server.ports)) == 2


@pytest.mark.parametrize(
    ("bound", "asked"),
    [
        ("0.0.0.0", ADDRESS),  # noqa: S104 - as in a container
        ("127.0.1.1", "127.0.1.1"),
        ("::1", "::1"),
    ],
)
async def test_any_kind_of_address_serves(bound: str, asked: str) -> None:
    try:
        async with running(endpoints=((bound, 0),)) as bench:
            phone = await bench.phone("::1" if ":" in asked else ADDRESS)
            address = (asked, bench.server.ports[0])
            assert await phone.download(ReadRequest("full"), address) == FILES["full"]
    except StartError as error:  # pragma: no cover - where the machine lacks the address
        pytest.skip(str(error))


async def test_without_epoll_every_socket_goes_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tftpd, "make_poller", LoopPoller)
    async with running() as bench:
        phone = await bench.phone()
        assert await phone.download(ReadRequest("large"), bench.address) == FILES["large"]


async def test_a_transfer_without_a_socket_ends_only_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(24, "Too many open files")

    async with running() as bench:
        phone = await bench.phone()
        with monkeypatch.context() as patch:
            patch.setattr(socket, "SocketType", refuse)
            phone.send(ReadRequest("small"), bench.address)
            assert (await bench.end()).answer == "not answered: no socket"
        assert await phone.download(ReadRequest("small"), bench.address) == SMALL


async def test_a_client_that_cannot_be_reached_ends_only_its_own_transfer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running() as bench:
        listener = bench.server._listeners[0]
        monkeypatch.setattr(listener, "_source", ("192.0.2.1", 0))
        phone = await bench.phone()
        phone.send(ReadRequest("small"), bench.address)
        assert (await bench.end()).answer == "not answered: no socket"


@pytest.mark.parametrize(
    ("before", "hard", "after"),
    [
        (1024, 1 << 20, 4096 + 512),
        (1024, 2048, 2048),
        (1024, resource.RLIM_INFINITY, 4096 + 512),
        (1 << 16, 1 << 20, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(
    before: int, hard: int, after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (before, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits[0]))
    tftpd.allow_descriptors(4096)
    assert asked == ([] if after is None else [after])


async def test_the_sweep_runs_by_itself() -> None:
    swept = asyncio.Event()
    async with running() as bench:
        loop = asyncio.get_running_loop()
        original: Callable[[], None] = bench.server.sweep

        def sweep() -> None:
            original()
            swept.set()

        bench.server.sweep = sweep  # type: ignore[method-assign] # to see it called
        async with asyncio.timeout(WAIT_S):
            await swept.wait()
        assert loop.is_running()


async def test_what_is_not_here_is_looked_for_elsewhere_and_holds_no_other_file_up() -> None:
    remote = Remote()
    async with running(TftpOptions(max_fetches=1), elsewhere=remote) as bench:
        waiting, other = await bench.phone(), await bench.phone()
        waiting.send(ReadRequest("remote"), bench.address)
        async with asyncio.timeout(WAIT_S):
            assert await remote.asked.get() == "remote"
        assert await other.download(ReadRequest("slow"), bench.address) == b"built and signed"
        remote.gate.set()
        packet, _ = await waiting.hear()
        assert packet == Data(1, FILES["text"])
        text = await other.download(ReadRequest("remote", "netascii"), bench.address)
        assert text == b"one\r\ntwo\r\0\r\n"
        refusal = await other.ask(ReadRequest("nowhere"), bench.address)
    assert refusal == ErrorPacket(1, "File not found")


async def test_who_asks_for_another_cluster_is_told_what_is_here_alone() -> None:
    remote = Remote()
    async with running(elsewhere=remote) as bench:
        waiting, proxy = await bench.phone(), await bench.phone()
        waiting.send(ReadRequest("remote"), bench.address)
        async with asyncio.timeout(WAIT_S):
            await remote.asked.get()
        request = ReadRequest("remote", options=(("Proxied", "1"),))
        assert await proxy.ask(request, bench.address) == ErrorPacket(1, "File not found")
        own = ReadRequest("small", options=request.options)
        assert await proxy.download(own, bench.address) == SMALL
    assert remote.asked.empty()
