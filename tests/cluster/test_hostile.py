"""Clients that are none, at every port of a whole cluster: the phones beside them are served."""

import asyncio
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.formats.trustlist import ITL_FILENAME
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, Lab

REGISTER = (Path(__file__).parent.parent / "vectors" / "sip" / "register.sip").read_bytes()
PHONES = """
[[phones]]
mac = "C80084AA8743"
model = "7821"
protocol = "SIP"
lines = ["2222"]
"""
HOST = ADDRESSES[PUBLISHER]
CROWD = 1000
TLS_PORTS = ("https", "https_client", "tvs", "capf", "sip_tls", "sccp_tls", "web")
TCP_PORTS = ("http", "sip", "sccp")
HTTP_PORTS = ("http", "https", "web")
PATHS = {"http": ITL_FILENAME, "https": ITL_FILENAME, "web": "ccmcip/xmldirectory.jsp"}

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def cluster(lab: Lab, quiet: None) -> AsyncIterator[Cluster]:
    del quiet  # in place before it starts
    lab.phones = PHONES
    lab.extra = "\n[limits]\nidle_timeout_s = 20.0\nhandshake_timeout_s = 20.0\n"
    async with lab.running() as running:
        yield running


def port(cluster: Cluster, name: str) -> int:
    return next(node.services[name] for node in cluster.ready().nodes if node.name == PUBLISHER)


def any_server() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


@asynccontextmanager
async def connected(cluster: Cluster, name: str) -> AsyncIterator[Link]:
    context = any_server() if name in TLS_PORTS else None
    reader, writer = await asyncio.open_connection(HOST, port(cluster, name), ssl=context)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def ask(cluster: Cluster, name: str, request: bytes) -> bytes:
    """Send `request` and return all that comes until the server closes."""
    answer = b""
    async with asyncio.timeout(60), connected(cluster, name) as (reader, writer):
        writer.write(request)
        try:
            while data := await reader.read(65536):
                answer += data
        except ConnectionError:
            pass
    return answer


def get(path: str, *headers: str) -> bytes:
    lines = (f"GET /{path} HTTP/1.1", "Host: x", *headers, "", "")
    return "\r\n".join(lines).encode()


async def check_served(cluster: Cluster) -> None:
    """Be a phone: fetch over HTTP and HTTPS, register, open the directory, shake hands with all."""
    async with asyncio.timeout(60):
        for name in HTTP_PORTS:
            answer = await ask(cluster, name, get(PATHS[name], "Connection: close"))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), name
        async with connected(cluster, "sip") as (reader, writer):
            writer.write(REGISTER)
            await reader.readuntil(b"SIP/2.0 200 OK\r\n")
        for name in ("tvs", "capf", "sip_tls", "sccp_tls"):
            async with connected(cluster, name) as (_, writer):
                assert writer.get_extra_info("cipher") is not None


@asynccontextmanager
async def crowd(cluster: Cluster, name: str, count: int, say: bytes) -> AsyncIterator[None]:
    """Hold so many connections on which nothing follows after `say`."""
    links = [await asyncio.open_connection(HOST, port(cluster, name)) for _ in range(count)]
    try:
        for _, writer in links:
            writer.write(say)
        yield
    finally:
        for _, writer in links:
            writer.transport.abort()


def room_for(files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, hard)))


async def test_a_thousand_idle_connections_on_each_port_disturb_nobody(cluster: Cluster) -> None:
    room_for(4 * CROWD)
    for name in TCP_PORTS + TLS_PORTS:
        async with crowd(cluster, name, CROWD, b""):
            await check_served(cluster)


HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 100


async def test_handshakes_that_are_never_finished_hold_up_nobody(cluster: Cluster) -> None:
    for name in TLS_PORTS:
        async with crowd(cluster, name, 50, b"\x16"), crowd(cluster, name, 50, HALF_A_HELLO):
            await check_served(cluster)


async def test_beginnings_of_requests_hold_up_nobody(cluster: Cluster) -> None:
    beginnings = {"http": b"GET /ITLF", "sip": b"REGISTER sip:a", "sccp": b"\x10\x00\x00\x00"}
    for name, beginning in beginnings.items():
        async with crowd(cluster, name, 200, beginning):
            await check_served(cluster)


SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
DOUBTFUL = (
    ("length and coding", f"Content-Length: {len(SMUGGLED)}\r\nTransfer-Encoding: chunked"),
    ("two lengths", f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}"),
    ("a signed length", "Content-Length: +5"),
    ("a negative length", "Content-Length: -1"),
    ("two codings", "Transfer-Encoding: chunked, identity"),
    ("a blank before the colon", "Transfer-Encoding : chunked"),
    ("a blank in a name", "Bad Name: x"),
    ("a NUL", "X: a\x00b"),
    ("64 KB in a line", "X: " + "a" * 65_536),
)
REFUSALS = (b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501")


async def test_a_request_of_doubtful_size_gets_one_refusal_and_the_end(cluster: Cluster) -> None:
    for name in HTTP_PORTS:
        for what, header in DOUBTFUL:
            request = get(PATHS[name], "Connection: keep-alive", header) + b"0\r\n\r\n"
            answer = await ask(cluster, name, request + SMUGGLED.encode())
            # a server that closes before it has read all may lose its answer on the way
            assert answer[:12] in (*REFUSALS, b""), f"{what} at {name}"
            assert answer.count(b"HTTP/1.1 ") <= 1, f"{what} at {name}"


OLD_WAYS = (
    ("bare line feeds", "GET {path} HTTP/1.1\nHost: x\nConnection: close\n\n"),
    (
        "a folded line",
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: a\r\n b: c\r\n\r\n",
    ),
)


async def test_an_old_way_of_writing_is_one_request(cluster: Cluster) -> None:
    for name in HTTP_PORTS:
        for what, request in OLD_WAYS:
            answer = await ask(cluster, name, request.format(path=f"/{PATHS[name]}").encode())
            assert answer[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400"), f"{what} at {name}"
            assert answer.count(b"HTTP/1.1 ") == 1, f"{what} at {name}"


OUTWARDS = (
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/..%5c..%5cetc%5cpasswd",
    "//etc/passwd",
    "/etc/passwd%00.tlv",
    "http://elsewhere/etc/passwd",
    "file:///etc/passwd",
)


async def test_no_path_leads_out(cluster: Cluster) -> None:
    for name in HTTP_PORTS:
        for target in OUTWARDS:
            request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            answer = await ask(cluster, name, request.encode())
            statuses = (b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 503")
            assert answer[:12] in statuses, f"{target} at {name}"
            assert b"root:" not in answer


async def test_a_huge_chunk_is_not_waited_for(cluster: Cluster) -> None:
    for name in HTTP_PORTS:
        request = get(PATHS[name], "Connection: close", "Transfer-Encoding: chunked")
        answer = await ask(cluster, name, request + b"ffffffffffffffff\r\n" + b"a" * 100_000)
        assert answer.count(b"HTTP/1.1 ") <= 1, name
    await check_served(cluster)


@pytest.mark.usefixtures("quiet")
async def test_limits_are_those_of_the_description(lab: Lab) -> None:
    lab.extra = "\n[limits]\nregistration_connections = 1\nhttp_head = 1024\nsip_body = 1024\n"
    async with lab.running() as cluster:
        long = get(PATHS["http"], "X: " + "a" * 2000)
        for name in HTTP_PORTS:
            assert (await ask(cluster, name, long))[:12] in REFUSALS, name
        assert await ask(cluster, "sip", b"OPTIONS sip:a SIP/2.0\r\nl: 1025\r\n\r\n") == b""
        async with connected(cluster, "sip"):
            assert await ask(cluster, "sip", REGISTER) == b""
