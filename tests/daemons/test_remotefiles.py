"""Files of other clusters over loopback: what each kind of answer, and of silence, comes to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Recorder
from cucmsim.daemons.httpd import http_server
from cucmsim.daemons.remotefiles import Patience, RemoteFileClient
from cucmsim.daemons.tftpd import TftpServer
from cucmsim.formats.tftp import Data, ErrorCode, ErrorPacket, encode_packet
from cucmsim.services.filelocations import (
    FileLocation,
    Found,
    Missing,
    NoAnswer,
    RemoteAnswer,
    Scheme,
)
from cucmsim.services.journal import Journal

LOCAL = "127.0.0.1"
NAME = "SEP001B54C25A01.cnf.xml.sgn"
FILE = bytes(range(256)) * 20
HASTY = Patience(silence_s=0.1)
PATIENT = Patience(silence_s=10, size_limit=len(FILE))
BOTH = pytest.mark.parametrize("scheme", list(Scheme))


class Files:
    """What a remote cluster has."""

    def cached(self, _name: str) -> bytes | None:
        return None

    async def fetch(self, name: str) -> bytes | None:
        return {NAME: FILE, "exact": b"x" * 512, "large": FILE + b"x"}.get(name)


class Elsewhere:
    """What another remote cluster would have."""

    async def find(self, _name: str) -> bytes | None:
        return b"of a third cluster"


@asynccontextmanager
async def cluster(scheme: Scheme) -> AsyncIterator[FileLocation]:
    """Run our own server of files, which itself asks others."""
    if scheme is Scheme.TFTP:
        tftp = TftpServer(
            Files(),
            [(LOCAL, 0)],
            node="n",
            journal=Journal(),
            clock=SystemClock(),
            elsewhere=Elsewhere(),
        )
        await tftp.start()
        yield FileLocation(scheme, LOCAL, tftp.ports[0])
        await tftp.stop(1)
    else:
        http = http_server((LOCAL, 0), Files(), Recorder("n", "http", Journal(), SystemClock()))
        await http.start()
        yield FileLocation(scheme, LOCAL, http.ports[0])
        await http.stop(1)


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def http_server_of(script: Script) -> AsyncIterator[FileLocation]:
    """Run a server that does with each connection what `script` says, and hangs up."""
    connections: asyncio.Queue[asyncio.Task[None]] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(OSError):
            await script(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.put_nowait(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, LOCAL, 0)
    async with server:
        yield FileLocation(Scheme.HTTP, LOCAL, server.sockets[0].getsockname()[1])
    await connections.get_nowait()


@asynccontextmanager
async def http_says(said: bytes) -> AsyncIterator[FileLocation]:
    """Run a server that says the same to everybody."""

    async def say(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    async with http_server_of(say) as location:
        yield location


class Talker(asyncio.DatagramProtocol):
    """A TFTP server that says what a test gives it."""

    def __init__(self, *packets: bytes) -> None:
        self.packets = packets
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        if data[1] == 1:
            for packet in self.packets:
                self.transport.sendto(packet, addr)


@asynccontextmanager
async def tftp_says(*packets: bytes) -> AsyncIterator[tuple[FileLocation, Talker]]:
    transport, talker = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Talker(*packets), local_addr=(LOCAL, 0)
    )
    try:
        yield FileLocation(Scheme.TFTP, LOCAL, transport.get_extra_info("sockname")[1]), talker
    finally:
        transport.close()


async def get(
    location: FileLocation, name: str = NAME, patience: Patience = PATIENT
) -> RemoteAnswer:
    return await RemoteFileClient(patience).get(location, name)


@BOTH
async def test_a_file_comes_as_it_is_and_a_missing_or_too_large_one_does_not(
    scheme: Scheme,
) -> None:
    async with cluster(scheme) as location:
        assert await get(location, NAME) == Found(FILE)
        assert await get(location, "exact") == Found(b"x" * 512)
        missing = await get(location, "CTLSEP001B54C25A01.tlv")
        large = await get(location, "large")
    assert (
        str(missing)
        == {
            Scheme.HTTP: "not found: HTTP/1.1 404 Not Found",
            Scheme.TFTP: "not found",
        }[scheme]
    )
    assert large == Missing("more than 5120 bytes")


async def test_a_name_that_no_request_can_hold_is_missing() -> None:
    async with tftp_says() as (location, talker):
        assert isinstance(await get(location, "a\0b"), Missing)
    assert talker.heard == []


async def test_where_nobody_listens_http_knows_at_once_and_tftp_waits() -> None:
    async with cluster(Scheme.HTTP) as http, cluster(Scheme.TFTP) as tftp:
        pass
    refused, silent = await get(http), await get(tftp, NAME, HASTY)
    assert isinstance(refused, NoAnswer)
    assert isinstance(silent, NoAnswer)
    assert (refused.is_silent, silent.is_silent) == (False, True)


async def test_what_the_network_does_not_send_is_away() -> None:
    answer = await get(FileLocation(Scheme.TFTP, "255.255.255.255", 69))
    assert isinstance(answer, NoAnswer)
    assert not answer.is_silent


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64])
@BOTH
async def test_a_host_that_has_no_address_is_away(scheme: Scheme, host: str) -> None:
    assert isinstance(await get(FileLocation(scheme, host, 6970)), NoAnswer)


async def test_http_that_says_nothing_is_silent() -> None:
    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with http_server_of(listen) as location:
        answer = await get(location, NAME, HASTY)
    assert answer == NoAnswer("it takes too long", is_silent=True)


async def test_tftp_that_says_nothing_is_silent_and_is_told_who_asks() -> None:
    async with tftp_says() as (location, talker):
        answer = await get(location, NAME, HASTY)
    assert isinstance(answer, NoAnswer)
    assert answer.is_silent
    assert talker.heard == [b"\0\1" + NAME.encode() + b"\0octet\0proxied\x001\0"]


async def test_a_server_that_trickles_is_given_up_in_the_end() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-length: 5000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await reader.read(100)

    async with http_server_of(trickle) as location:
        answer = await get(location, NAME, HASTY)
    assert answer == NoAnswer("it takes too long", is_silent=True)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-length: 50",
        b"HTTP/1.1 200 OK\r\nContent-length: 50\r\n\r\nhalf of it",
        b"\0\1\2\3 no HTTP\r\n\r\n",
    ],
)
async def test_of_an_answer_that_breaks_off_nothing_is_taken(said: bytes) -> None:
    async with http_says(said) as location:
        answer = await get(location)
    assert isinstance(answer, NoAnswer)
    assert not answer.is_silent


@pytest.mark.parametrize("status", ["503 Service Unavailable", "302 Found", "404 Not Found"])
async def test_whatever_is_not_200_is_no_such_file(status: str) -> None:
    async with http_says(f"HTTP/1.1 {status}\r\nContent-length: 0\r\n\r\n".encode()) as location:
        assert await get(location) == Missing(f"HTTP/1.1 {status}")


async def test_tftp_that_breaks_off_or_the_rules_is_away() -> None:
    half = encode_packet(Data(1, FILE[:512]))
    illegal = encode_packet(Data(1, FILE[:1024]))
    async with tftp_says(half) as (location, _):
        stuck = await get(location, NAME, HASTY)
    async with tftp_says(illegal) as (location, _):
        broken = await get(location)
    assert isinstance(stuck, NoAnswer)
    assert isinstance(broken, NoAnswer)
    assert stuck.is_silent
    assert not broken.is_silent


async def test_any_refusal_by_tftp_is_no_such_file() -> None:
    refusal = encode_packet(ErrorPacket(ErrorCode.ACCESS_VIOLATION, "no entry"))
    async with tftp_says(refusal) as (location, _):
        assert await get(location) == Missing("no entry")


async def test_a_flood_of_datagrams_is_lost_and_harms_nobody() -> None:
    last = encode_packet(Data(1, b"short"))
    async with tftp_says(last, *[encode_packet(Data(9, b"no")) for _ in range(200)]) as (place, _):
        assert await get(place) == Found(b"short")
