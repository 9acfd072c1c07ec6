"""The management API's server: a socket for its owner, TCP for who has the token."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cucmsim.daemons.managed import ManagementServer, TcpAccess
from cucmsim.errors import StartError

TOKEN = "0123456789abcdef"


def application(arrived: asyncio.Event | None = None) -> Starlette:
    """Answer "hello"; with `arrived`, never."""

    async def hello(_request: Request) -> PlainTextResponse:
        if arrived is not None:
            arrived.set()
            await asyncio.Event().wait()
        return PlainTextResponse("hello")

    return Starlette(routes=[Route("/", hello)])


def on_socket(path: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    return httpx.AsyncClient(transport=transport, base_url="http://cluster")


def _left(directory: Path) -> list[Path]:
    return list(directory.iterdir())


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ManagementServer]:
    server = ManagementServer(application(), tmp_path / "a.sock", TcpAccess("127.0.0.1", 0, TOKEN))
    await server.start()
    yield server
    await server.stop(1)


async def test_the_socket_answers_its_owner_only(server: ManagementServer, tmp_path: Path) -> None:
    assert (tmp_path / "a.sock").stat().st_mode & 0o777 == 0o600
    async with on_socket(tmp_path / "a.sock") as client:
        assert (await client.get("/")).text == "hello"
    assert server.name == "management"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": "Bearer é"}, 401),
        ({}, 401),
    ],
)
async def test_tcp_asks_for_the_token(
    server: ManagementServer, header: dict[str, str], status: int
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in header.items()]
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.ports[0]}/", headers=headers)
    assert answer.status_code == status
    assert ("hello" in answer.text) == (status == 200)


async def test_nothing_is_left_after_the_stop(tmp_path: Path) -> None:
    server = ManagementServer(application(), tmp_path / "a.sock", TcpAccess("127.0.0.1", 0, TOKEN))
    await server.start()
    port = server.ports[0]
    await server.stop(1)
    assert server.ports == ()
    assert not _left(tmp_path)
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_a_request_that_never_ends_is_cut_off_at_the_stop(tmp_path: Path) -> None:
    arrived = asyncio.Event()
    server = ManagementServer(application(arrived), tmp_path / "a.sock")
    await server.start()
    async with on_socket(tmp_path / "a.sock") as client:
        asking = asyncio.create_task(client.get("/", timeout=30))
        await arrived.wait()
        async with asyncio.timeout(10):
            await server.stop(1)
        asking.cancel()
        await asyncio.wait([asking])


async def test_a_socket_left_by_a_killed_process_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "a.sock"))
    server = ManagementServer(application(), tmp_path / "a.sock")
    await server.start()
    assert server.ports == ()
    await server.stop(1)


async def test_a_socket_that_is_answered_is_left_alone(
    server: ManagementServer, tmp_path: Path
) -> None:
    with pytest.raises(StartError, match="another process answers on the socket"):
        await ManagementServer(application(), tmp_path / "a.sock").start()
    assert len(server.ports) == 1
    async with on_socket(tmp_path / "a.sock") as client:
        assert (await client.get("/")).text == "hello"


async def test_a_socket_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot listen on the socket .*/no/a\.sock"):
        await ManagementServer(application(), tmp_path / "no" / "a.sock").start()


async def test_a_port_in_use_leaves_no_socket_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = ManagementServer(
            application(), tmp_path / "a.sock", TcpAccess("127.0.0.1", port, TOKEN)
        )
        with pytest.raises(StartError, match=f"management: cannot listen on 127.0.0.1:{port}"):
            await server.start()
    assert not _left(tmp_path)
