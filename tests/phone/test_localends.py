"""The ports that a phone is told to speak from."""

import asyncio
import socket
from typing import Self

import pytest

from cucmsim.phone.http import HttpPatience, fetch_http
from cucmsim.phone.localends import LocalEnds, connect_stream
from cucmsim.phone.steps import Fetched, NotFetched
from cucmsim.phone.tftp import fetch_tftp

SERVER, PHONE = "127.0.0.1", "127.45.0.7"
FIRST = 20_000


class Server:
    """Notes which ports connect, and answers as an HTTP server that closes first."""

    def __init__(self) -> None:
        self.peers: list[tuple[str, int]] = []
        self.address = (SERVER, 0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, SERVER, 0)
        self.address = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peername"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()


async def fetch(server: Server, ends: LocalEnds) -> bytes:
    got = await fetch_http(server.address, "file", 100, HttpPatience(), ends)
    assert isinstance(got, Fetched), got
    return got.data


async def test_two_runs_in_direct_succession_speak_from_the_same_ports() -> None:
    async with Server() as server:
        for _ in range(2):
            ends = LocalEnds(PHONE, FIRST)
            for _ in range(3):
                assert await fetch(server, ends) == b"hi"
        assert server.peers == [(PHONE, FIRST + number) for number in (0, 1, 2)] * 2


async def test_a_port_still_connected_to_that_server_is_passed_over() -> None:
    async with Server() as server:
        _, writer = await connect_stream(*server.address, LocalEnds(PHONE, FIRST + 10))
        assert await fetch(server, LocalEnds(PHONE, FIRST + 10)) == b"hi"
        writer.close()
        await writer.wait_closed()
        assert [port for _, port in server.peers] == [FIRST + 10, FIRST + 11]


def test_datagrams_have_ports_in_order_too_round_and_round_past_those_in_use() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((PHONE, FIRST + 21))
        ends, taken = LocalEnds(PHONE, FIRST + 20, 3), []
        for _ in range(3):
            with ends.bind_datagrams() as bound:
                taken.append(bound.getsockname()[1])
        assert taken == [FIRST + 20, FIRST + 22, FIRST + 20]


async def test_where_no_port_is_free_the_server_is_not_reached() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((PHONE, FIRST + 30))
        got = await fetch_tftp((SERVER, 69), "file", 100, ends=LocalEnds(PHONE, FIRST + 30, 1))
    assert isinstance(got, NotFetched)
    assert "from 20030 to 20030 is free" in got.text


async def test_a_connection_that_is_refused_is_not_tried_from_every_port() -> None:
    with socket.socket() as closed:
        closed.bind((SERVER, 0))
        with pytest.raises(ConnectionRefusedError):
            await connect_stream(SERVER, closed.getsockname()[1], LocalEnds(PHONE, FIRST + 40))


async def test_an_address_of_somebody_else_is_an_error() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        await connect_stream(SERVER, 1, LocalEnds("192.0.2.1", FIRST))


@pytest.mark.parametrize(("first", "count"), [(0, 1), (65_000, 1000), (1, 0)])
def test_ports_that_there_cannot_be_are_refused(first: int, count: int) -> None:
    with pytest.raises(ValueError, match="expected some from 1 to 65535"):
        LocalEnds(PHONE, first, count)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="phone-1"):
        LocalEnds("phone-1", FIRST)
