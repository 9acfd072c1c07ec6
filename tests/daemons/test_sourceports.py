"""A node asks other clusters from the ports that it was given."""

import asyncio
import errno
import socket

import pytest

from cucmsim.daemons.remotefiles import Patience, RemoteFileClient
from cucmsim.daemons.sourceports import SourcePorts
from cucmsim.services.filelocations import FileLocation, Found, Scheme

ADDRESS = "127.0.1.9"
PORTS = range(40_210, 40_213)


def bound(source: SourcePorts, kind: socket.SocketKind) -> int:
    with source.bind(kind) as one:
        port: int = one.getsockname()[1]
        return port


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_ports_come_in_turn_from_the_last_on_and_one_in_use_is_passed_over(
    kind: socket.SocketKind,
) -> None:
    source = SourcePorts(ADDRESS, PORTS)
    assert [bound(source, kind) for _ in range(4)] == [40_212, 40_211, 40_210, 40_212]
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((ADDRESS, 40_211))
        if kind is socket.SOCK_STREAM:
            other.listen()
        assert bound(source, kind) == 40_210


def test_where_none_is_free_that_is_said() -> None:
    source = SourcePorts(ADDRESS, range(40_220, 40_221))
    with source.bind(socket.SOCK_DGRAM), pytest.raises(OSError, match="use") as refused:
        source.bind(socket.SOCK_DGRAM)
    assert refused.value.errno == errno.EADDRINUSE


def serve(server: socket.socket) -> tuple[str, int]:
    """Answer one request; return who asked."""
    server.settimeout(30)
    _, peer = server.recvfrom(512)
    server.sendto(b"\0\3\0\1data", peer)
    host, port = peer
    return str(host), int(port)


async def test_a_file_is_asked_for_from_one_of_them_over_tftp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        location = FileLocation(Scheme.TFTP, "127.0.0.1", server.getsockname()[1])
        source = SourcePorts(ADDRESS, range(40_230, 40_232))
        client = RemoteFileClient(Patience(silence_s=5), source)
        serving = asyncio.to_thread(serve, server)
        found, peer = await asyncio.gather(client.get(location, "SEP.cnf.xml"), serving)
    assert found == Found(b"data")
    assert peer == (ADDRESS, 40_231)
