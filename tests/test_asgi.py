"""An ASGI application on a socket: clients that never finish a request, and those that do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cucmsim.asgi import AsgiLimits, AsgiServer
from cucmsim.daemons.base import listen_tcp

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT = AsgiLimits(request_s=0.05)


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


async def _wait(_request: Request) -> PlainTextResponse:
    await asyncio.sleep(4 * SHORT.request_s)
    return PlainTextResponse("at last")


APP = Starlette(
    routes=[Route("/", _echo, methods=["GET", "POST"]), Route("/wait", _wait, methods=["GET"])]
)


@asynccontextmanager
async def connected(
    limits: AsgiLimits,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    bound = listen_tcp("web", "127.0.0.1", 0)
    port = bound.getsockname()[1]
    server = AsgiServer(APP, bound, limits=limits)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.close()
    finally:
        await server.stop(1)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Read until the server closes, politely or not."""
    answer = b""
    async with asyncio.timeout(30):
        try:
            while data := await reader.read(65536):
                answer += data
        except ConnectionResetError:
            pass
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost:",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_client_that_never_finishes_its_request_is_cut(sent: bytes) -> None:
    async with connected(SHORT) as (reader, writer):
        writer.write(sent)
        assert await rest(reader) == b""


async def test_a_client_that_never_finishes_its_second_request_is_cut() -> None:
    async with connected(SHORT) as (reader, writer):
        writer.write(GET + b"GET")
        assert (await rest(reader)).endswith(b"0 bytes")


async def test_a_slow_application_does_not_cost_its_client_the_connection() -> None:
    async with connected(SHORT) as (reader, writer):
        writer.write(GET.replace(b"/ ", b"/wait "))
        assert (await rest(reader)).endswith(b"at last")


async def test_a_head_that_is_too_long_is_refused() -> None:
    async with connected(AsgiLimits(head=1024)) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2000)
        assert (await rest(reader)).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"X: " + b"a" * 2000, b"431 Request Header Fields Too Large"),
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"400 Bad Request"),
    ],
)
async def test_what_smuggles_requests_is_refused_and_ends_the_connection(
    header: bytes, status: bytes
) -> None:
    async with connected(AsgiLimits(head=1024)) as (reader, writer):
        writer.write(GET.replace(b"Host", header + b"\r\nHost") + b"0\r\n\r\n" + GET)
        answer = await rest(reader)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1") == 1


async def test_one_client_too_many_is_told_to_come_later() -> None:
    last = GET.replace(b"Host", b"Connection: close\r\nHost")
    async with connected(AsgiLimits(connections=1)) as (reader, writer):
        writer.write(GET)
        assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 200 OK\r\n"
        late, late_writer = await asyncio.open_connection(*writer.get_extra_info("peername"))
        late_writer.write(last)
        assert (await rest(late)).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        late_writer.close()
