"""The stream server without TLS, and conversations that speak up on their own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager

import structlog

from cucmsim.clock import SystemClock
from cucmsim.daemons.plain import PlainChannel
from cucmsim.daemons.stream import Arrival, Limits, PeerInfo, Record, Recorder, StreamServer
from cucmsim.errors import RemoteProtocolError
from cucmsim.services.journal import Journal


class Echo:
    """Says what it gets; a blank settles, an order from outside is said at the next wake."""

    def __init__(self, arrival: Arrival, record: Record) -> None:
        self.arrival, self.record = arrival, record
        self.peer: PeerInfo | None = None
        self.outcome: str | None = None
        self.closed = False
        self.order = b""
        self.mad = False
        self.gate: asyncio.Event | None = None
        self._out: list[bytes] = []

    def on_handshake(self, peer: PeerInfo) -> None:
        self.peer = peer

    def receive_data(self, data: bytes) -> None:
        if data == b" ":
            self.arrival.settle()
        elif data != b"part":
            self._out.append(data)
            self.record(None, data.decode(), "said")

    def decide(self) -> Coroutine[None, None, None] | None:
        if self.mad:
            raise RemoteProtocolError("mad")
        if self.gate is not None:
            gate, self.gate = self.gate, None
            return self._wait(gate)
        if self.order:
            self._out.append(self.order)
            self.closed = self.order == b"bye"
            self.order = b""
        return None

    async def _wait(self, gate: asyncio.Event) -> None:
        await gate.wait()

    def data_to_send(self) -> Sequence[bytes]:
        out, self._out = self._out, []
        return out

    def on_end(self, outcome: str) -> None:
        self.outcome = outcome


class Running:
    """A started plain server with one client."""

    def __init__(self, limits: Limits) -> None:
        self.conversations: list[Echo] = []
        self.writers: list[asyncio.StreamWriter] = []
        recorder = Recorder("pub", "echo", Journal(), SystemClock())
        self.server = StreamServer(("127.0.0.1", 0), None, self._make, recorder, limits)

    def _make(self, arrival: Arrival, record: Record) -> Echo:
        self.conversations.append(Echo(arrival, record))
        return self.conversations[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the server has no event for a test to await
                await asyncio.sleep(0.005)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Echo]:
        number = len(self.conversations)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.ports[0])
        self.writers.append(writer)
        await self.until(lambda: len(self.conversations) > number)
        return reader, writer, self.conversations[number]

    async def end_of(self, echo: Echo) -> str:
        await self.until(lambda: echo.outcome is not None)
        return echo.outcome or ""


@asynccontextmanager
async def running(limits: Limits | None = None) -> AsyncIterator[Running]:
    context = Running(limits or Limits())
    await context.server.start()
    try:
        yield context
    finally:
        for writer in context.writers:
            writer.close()
        await context.server.stop(0)


async def test_bytes_pass_as_they_are_and_the_log_names_no_tls() -> None:
    with structlog.testing.capture_logs() as logs:
        async with running() as context:
            reader, writer, echo = await context.connect()
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            assert echo.peer is not None
            assert (echo.peer.tls_version, echo.peer.cipher, echo.peer.certificate) == (
                "",
                "",
                None,
            )
            writer.close()
            assert await context.end_of(echo) == "closed by peer"
    (line,) = [line for line in logs if line["event"] == "connection finished"]
    assert line.keys().isdisjoint({"tls", "cipher", "client"})
    assert (line["requests"], line["log_level"]) == (1, "info")


async def test_a_conversation_speaks_when_it_is_woken_and_closes_when_it_is_done() -> None:
    async with running() as context:
        reader, _, echo = await context.connect()
        echo.order = b"ring"
        echo.arrival.wake()
        assert await reader.readexactly(4) == b"ring"
        echo.order = b"bye"
        echo.arrival.wake()
        assert await reader.read() == b"bye"
        assert await context.end_of(echo) == "done"
        echo.arrival.wake()


async def test_waking_a_conversation_that_waits_for_a_decision_is_no_second_decision() -> None:
    async with running() as context:
        reader, writer, echo = await context.connect()
        gate = echo.gate = asyncio.Event()
        writer.write(b"hello")
        await context.until(lambda: echo.gate is None)
        echo.order = b"ring"
        echo.arrival.wake()
        gate.set()
        assert await reader.readexactly(9) == b"helloring"


async def test_a_conversation_that_gives_up_when_woken_ends_its_connection() -> None:
    async with running() as context:
        reader, _, echo = await context.connect()
        echo.mad = True
        echo.arrival.wake()
        assert await reader.read() == b""
        assert await context.end_of(echo) == "mad"


async def test_part_of_a_request_counts_until_it_is_settled() -> None:
    async with running() as context:
        _, writer, echo = await context.connect()
        writer.write(b"part")
        writer.close()
        assert await context.end_of(echo) == "closed by peer in the middle of a request"
        _, writer, echo = await context.connect()
        writer.write(b" ")
        writer.close()
        assert await context.end_of(echo) == "closed by peer"


async def test_a_silent_plain_client_is_closed_after_the_idle_time() -> None:
    async with running(Limits(idle_s=0.05)) as context:
        reader, _, echo = await context.connect()
        assert await reader.read() == b""
        assert await context.end_of(echo) == "idle for 0.05 s"


def test_a_plain_channel_stands_at_once_and_says_no_goodbye() -> None:
    channel = PlainChannel()
    assert not channel.established
    assert channel.handshake()
    channel.write(b"x")
    channel.close()
    assert (channel.output(), channel.output(), channel.read()) == (b"x", b"", b"")


def test_an_arrival_of_no_server_can_be_woken_and_settled() -> None:
    arrival = Arrival(1, "127.0.0.1", 1, 3)
    arrival.wake()
    arrival.settle()
    assert str(arrival) == "127.0.0.1:1"
