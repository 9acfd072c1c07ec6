"""Files over TFTP, HTTP and HTTPS, and names, over loopback: good servers and bad ones."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Limits, Recorder
from cucmsim.daemons.httpd import http_server, https_server
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tftpd import TftpServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.formats.tftp import Data, ErrorPacket, encode_packet
from cucmsim.phone.http import HttpPatience, fetch_http, fetch_https
from cucmsim.phone.link import LinkOptions
from cucmsim.phone.names import NameNotFoundError, Names
from cucmsim.phone.steps import (
    Fetched,
    FetchFailure,
    NotFetched,
    PeerRefused,
    PeerUnproven,
    PeerVerdict,
)
from cucmsim.phone.tftp import TftpPatience, fetch_tftp
from cucmsim.services.journal import Journal
from tests.fixtures.phonekit import der, signer

LIMIT = 2048 * 1024
QUICK = TftpPatience(timeout_s=0.05, retransmissions=2)
HASTY = HttpPatience(idle_s=0.1, total_s=1)
CONTENT = bytes(range(256)) * 20
OK = "HTTP/1.1 200 OK"
LOCAL = "127.0.0.1"


class Files:
    def cached(self, name: str) -> bytes | None:
        return CONTENT if name == "ITLFile.tlv" else None

    async def fetch(self, _name: str) -> bytes | None:
        return None


# --- TFTP


@asynccontextmanager
async def tftpd(address: str = LOCAL) -> AsyncIterator[tuple[str, int]]:
    server = TftpServer(Files(), [(address, 0)], node="n", journal=Journal(), clock=SystemClock())
    await server.start()
    try:
        yield address, server.ports[0]
    finally:
        await server.stop(0)


class Script(asyncio.DatagramProtocol):
    """A UDP server that answers each datagram as a test says."""

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer
        self.seen: list[bytes] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # it is a datagram one

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.seen.append(data)
        assert self.transport is not None
        for answer in self._answer(data):
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def scripted(
    answer: Callable[[bytes], list[bytes]],
) -> AsyncIterator[tuple[Script, tuple[str, int]]]:
    loop = asyncio.get_running_loop()
    transport, script = await loop.create_datagram_endpoint(
        lambda: Script(answer), local_addr=(LOCAL, 0)
    )
    try:
        yield script, transport.get_extra_info("sockname")
    finally:
        transport.close()


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("address", [LOCAL, "::1"])
async def test_tftp_brings_a_file(address: str) -> None:
    if address == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    async with tftpd(address) as server:
        assert await fetch_tftp(server, "ITLFile.tlv", LIMIT) == Fetched(CONTENT)


async def test_tftp_says_what_the_server_says() -> None:
    async with tftpd() as server:
        outcome = await fetch_tftp(server, "none.xml", LIMIT)
    assert isinstance(outcome, NotFetched)
    assert (outcome.failure, outcome.code) == (FetchFailure.NOT_FOUND, 1)


async def test_tftp_takes_no_more_than_its_limit() -> None:
    async with tftpd() as server:
        outcome = await fetch_tftp(server, "ITLFile.tlv", 1000)
    assert outcome == NotFetched(FetchFailure.TOO_LARGE, text="more than 1000 bytes")


async def test_tftp_asks_again_when_its_request_was_lost() -> None:
    answers = iter([[], [encode_packet(Data(1, b"late"))]])
    counts: list[int] = []
    async with scripted(lambda _data: next(answers, [])) as (script, server):
        outcome = await fetch_tftp(server, "a", LIMIT, QUICK, counts.append)
    assert outcome == Fetched(b"late")
    assert counts == [1]
    assert script.seen[0] == script.seen[1]


async def test_tftp_gives_up_on_the_silent() -> None:
    async with scripted(lambda _data: []) as (script, server):
        outcome = await fetch_tftp(server, "a", LIMIT, QUICK)
    assert isinstance(outcome, NotFetched)
    assert outcome.failure is FetchFailure.TIMEOUT
    assert len(script.seen) == 3


async def test_tftp_gives_up_on_a_server_that_never_comes_to_an_end() -> None:
    patience = TftpPatience(timeout_s=0.02, retransmissions=1000, total_s=0.1)
    async with scripted(lambda _data: []) as (_, server):
        outcome = await fetch_tftp(server, "a", LIMIT, patience)
    assert outcome == NotFetched(FetchFailure.TIMEOUT, text="not complete after 0.1 s")


async def test_tftp_survives_a_flood() -> None:
    flood = [encode_packet(Data(9, b"x"))] * 200 + [encode_packet(ErrorPacket(0, "enough"))]
    answers = iter([flood, [encode_packet(Data(1, b"x"))]])
    async with scripted(lambda _data: next(answers, [])) as (_, server):
        outcome = await fetch_tftp(server, "a", LIMIT, QUICK)
    assert isinstance(outcome, Fetched | NotFetched)


async def test_tftp_does_not_look_at_datagrams_of_other_addresses() -> None:
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    class Silent(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            del data
            requests.put_nowait(addr)

    transport, _ = await loop.create_datagram_endpoint(Silent, local_addr=(LOCAL, 0))
    server = transport.get_extra_info("sockname")
    fetching = asyncio.create_task(fetch_tftp(server, "a", LIMIT, QUICK))
    phone = await requests.get()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.3", 0))
        stranger.sendto(encode_packet(Data(1, b"evil")), (LOCAL, phone[1]))
    outcome = await fetching
    transport.close()
    assert isinstance(outcome, NotFetched)


async def test_tftp_cannot_ask_for_what_is_no_name_or_where_nothing_is() -> None:
    for server, name in (((LOCAL, 9), "a\0b"), (("255.255.255.255", 9), "a")):
        outcome = await fetch_tftp(server, name, LIMIT, QUICK)
        assert isinstance(outcome, NotFetched)
        assert outcome.failure is FetchFailure.UNREACHABLE


# --- HTTP


def recorder() -> Recorder:
    return Recorder("cucm-pub", "http", Journal(), SystemClock())


@asynccontextmanager
async def serving(server: StreamServer) -> AsyncIterator[tuple[str, int]]:
    await server.start()
    try:
        yield LOCAL, server.ports[0]
    finally:
        await server.stop(0)


def httpd() -> StreamServer:
    return http_server((LOCAL, 0), Files(), recorder(), limits=Limits())


@asynccontextmanager
async def raw(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[tuple[str, int]]:
    server = await asyncio.start_server(serve, LOCAL, 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()


async def test_http_brings_a_file() -> None:
    async with serving(httpd()) as server:
        assert await fetch_http(server, "ITLFile.tlv", LIMIT) == Fetched(CONTENT, OK)


async def test_http_says_what_the_server_says() -> None:
    async with serving(httpd()) as server:
        outcome = await fetch_http(server, "none.xml", LIMIT)
    assert outcome == NotFetched(FetchFailure.NOT_FOUND, "HTTP/1.1 404 Not Found")


async def test_the_request_on_the_wire_has_one_field() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-length: 0\r\n\r\n")
        writer.close()

    async with raw(serve) as server:
        outcome = await fetch_http(server, "CTLSEP2834A2823B58.tlv", LIMIT)
        port = server[1]
    request = f"GET /CTLSEP2834A2823B58.tlv HTTP/1.1\r\nHost:127.0.0.1:{port}\r\n\r\n"
    assert seen == [request.encode()]
    assert outcome == NotFetched(FetchFailure.ERROR, "HTTP/1.1 503 Service Unavailable")


async def test_http_gives_up_on_the_silent_and_on_the_slow() -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.wait([asyncio.create_task(reader.read(9))], timeout=0.02)
        writer.close()

    for serve, patience in ((stay_silent, HASTY), (drip, HttpPatience(idle_s=5, total_s=0.2))):
        async with raw(serve) as server:
            outcome = await fetch_http(server, "a", LIMIT, patience)
        assert isinstance(outcome, NotFetched)
        assert outcome.failure is FetchFailure.TIMEOUT


async def test_http_says_when_nobody_is_there() -> None:
    with socket.socket() as unused:
        unused.bind((LOCAL, 0))
        outcome = await fetch_http(unused.getsockname(), "a", LIMIT)
    assert isinstance(outcome, NotFetched)
    assert outcome.failure is FetchFailure.UNREACHABLE


# --- HTTPS


class Opinion:
    """A check that thinks the same of everybody."""

    def __init__(self, verdict: PeerVerdict) -> None:
        self._verdict = verdict
        self.shown: bytes | None = None

    def judge(self, certificate_der: bytes | None) -> PeerVerdict:
        self.shown = certificate_der
        return self._verdict


@asynccontextmanager
async def httpsd() -> AsyncIterator[tuple[str, int]]:
    callmanager = signer("callmanager-pub")
    identity = TlsIdentity(callmanager.certificate, callmanager.private_key)
    server = https_server((LOCAL, 0), Files(), recorder(), identity, policy=TlsPolicy())
    async with serving(server) as where:
        yield where


async def test_https_asks_a_trusted_server_only() -> None:
    shown = der("callmanager-pub")
    outcomes = []
    async with httpsd() as server:
        for verdict in PeerVerdict:
            check = Opinion(verdict)
            outcomes.append(await fetch_https(server, "ITLFile.tlv", LIMIT, check, LinkOptions()))
            assert check.shown == shown
    assert outcomes == [Fetched(CONTENT, OK), PeerUnproven(shown), PeerRefused(shown)]


async def test_https_with_a_server_that_knows_no_tls() -> None:
    check = Opinion(PeerVerdict.ACCEPTED)
    async with serving(httpd()) as server:
        outcome = await fetch_https(server, "a", LIMIT, check, LinkOptions(), HASTY)
    assert isinstance(outcome, NotFetched)
    assert outcome.failure is FetchFailure.UNREACHABLE
    assert check.shown is None


# --- names


async def test_addresses_stand_for_themselves_and_dns_comes_before_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names({"Cucm-Pub": "127.0.1.1", "cucm-sub": "127.0.1.2"})
    asked: list[str] = []

    async def find(_names: Names, host: str) -> str | None:
        asked.append(host)
        return "192.0.2.2" if host == "cucm-sub" else None

    monkeypatch.setattr(Names, "_ask_dns", find)
    assert await names.resolve("192.0.2.9") == "192.0.2.9"
    assert await names.resolve("2001:db8:0::1") == "2001:db8::1"
    assert await names.resolve("cucm-pub") == "127.0.1.1"
    assert await names.resolve("CUCM-PUB") == "127.0.1.1"
    assert await names.resolve("cucm-sub") == "192.0.2.2"
    with pytest.raises(NameNotFoundError, match="nowhere: no such host"):
        await names.resolve("nowhere")
    assert asked == ["cucm-pub", "cucm-sub", "nowhere"]
    assert names.unknown == ("nowhere",)


async def test_dns_is_really_asked() -> None:
    assert await Names({"localhost": "192.0.2.1"}).resolve("localhost") in {"127.0.0.1", "::1"}
    assert await Names({"x" * 64: "192.0.2.1"}).resolve("x" * 64) == "192.0.2.1"
    silent = Names({"localhost": "192.0.2.1"}, dns_timeout_s=0)
    assert await silent.resolve("localhost") == "192.0.2.1"
