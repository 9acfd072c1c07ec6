"""Many sockets behind one place of the event loop, with epoll and without."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cucmsim.daemons.poller import EpollPoller, LoopPoller, Poller, make_poller

Pair = tuple[socket.socket, socket.socket]

KINDS = pytest.mark.parametrize("kind", [EpollPoller, LoopPoller])


@pytest.fixture
def pairs() -> Iterator[Callable[[], Pair]]:
    """Make pairs of connected datagram sockets."""
    with ExitStack() as opened:

        def make() -> Pair:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            for end in (ours, theirs):
                opened.enter_context(end)
                end.setblocking(False)  # noqa: FBT003 - the standard signature
            return ours, theirs

        yield make


@KINDS
@pytest.mark.parametrize("once", [False, True])
async def test_a_handler_is_called_for_what_arrives(
    kind: Callable[[asyncio.AbstractEventLoop], Poller],
    pairs: Callable[[], Pair],
    once: bool,  # noqa: FBT001 - a case
) -> None:
    poller = kind(asyncio.get_running_loop())
    arrived: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    ends = [pairs() for _ in range(3)]
    for number, (ours, _) in enumerate(ends):

        def handler(number: int = number, ours: socket.socket = ours) -> None:
            arrived.put_nowait((number, ours.recv(9)))

        poller.register(ours.fileno(), handler, once=once)
    for number in (2, 0, 1):
        ends[number][1].send(b"x")
    async with asyncio.timeout(10):
        assert {await arrived.get() for _ in range(3)} == {(0, b"x"), (1, b"x"), (2, b"x")}
    poller.close()


@KINDS
async def test_a_forgotten_socket_is_not_handled_in_the_same_batch(
    kind: Callable[[asyncio.AbstractEventLoop], Poller], pairs: Callable[[], Pair]
) -> None:
    poller = kind(asyncio.get_running_loop())
    (first, first_peer), (second, second_peer) = pairs(), pairs()
    handled: list[int] = []
    done = asyncio.Event()

    def handler_of(ours: socket.socket, other: socket.socket) -> Callable[[], None]:
        def handler() -> None:
            handled.append(ours.fileno())
            ours.recv(9)
            poller.forget(other.fileno())
            asyncio.get_running_loop().call_soon(done.set)

        return handler

    poller.register(first.fileno(), handler_of(first, second))
    poller.register(second.fileno(), handler_of(second, first))
    first_peer.send(b"x")
    second_peer.send(b"x")
    async with asyncio.timeout(10):
        await done.wait()
    assert len(handled) == 1
    poller.close()


async def test_the_system_decides_which_poller_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    poller = make_poller(loop)
    assert isinstance(poller, EpollPoller)
    poller.close()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isinstance(make_poller(loop), LoopPoller)
