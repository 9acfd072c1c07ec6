"""Many sockets behind one place of the event loop.

A TFTP server opens and closes a socket for every file. `loop.add_reader` for each of them costs a
handle, a registration in Python and a trip through the loop for every datagram: 1520 boots/s with
256 phones at once, against 2997 with one epoll object that holds all the sockets and is handed to
the loop once (2 cores, client on the other one; the same on asyncio and on uvloop).

Where the system has no epoll (macOS, Windows' selector loop) `LoopPoller` gives every socket to the
loop: slower, but right. Windows' proactor loop has no add_reader and cannot be used.
"""

import asyncio
import select
import sys
from collections.abc import Callable
from typing import Protocol

__all__ = ["EpollPoller", "LoopPoller", "Poller", "make_poller"]

_BATCH = 256

Handler = Callable[[], None]


class Poller(Protocol):
    """Calls a handler whenever its socket can be read."""

    def register(self, descriptor: int, handler: Handler, *, once: bool = False) -> None:
        """Call `handler` while there is something to read from `descriptor`.

        With `once` it may be called once for every arrival only, even if it leaves something.
        """
        ...

    def forget(self, descriptor: int) -> None:
        """Call nothing more for `descriptor`, which the caller closes right after."""
        ...

    def close(self) -> None:
        """Let go of the loop."""
        ...


if sys.platform == "linux":
    _EDGE = select.EPOLLIN | select.EPOLLET

    class EpollPoller:
        """All sockets in one epoll object."""

        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self._loop = loop
            self._epoll = select.epoll()
            self._handlers: dict[int, Handler] = {}
            loop.add_reader(self._epoll.fileno(), self._drain)

        def register(self, descriptor: int, handler: Handler, *, once: bool = False) -> None:
            """Call `handler` while there is something to read, or `once` for every arrival."""
            self._handlers[descriptor] = handler
            self._epoll.register(descriptor, _EDGE if once else select.EPOLLIN)

        def forget(self, descriptor: int) -> None:
            """Call nothing more for `descriptor`; its closing takes it out of the epoll object."""
            self._handlers.pop(descriptor, None)

        def close(self) -> None:
            """Let go of the loop."""
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

        def _drain(self) -> None:
            """Call the handler of every socket that can be read.

            And of those that become so meanwhile, up to a batch: no turn of the loop between them.
            A descriptor may have been closed, and used again, earlier in the same batch: a handler
            must bear to be called with nothing to read.
            """
            handlers, poll, left = self._handlers, self._epoll.poll, _BATCH
            while left > 0 and (events := poll(0, left)):
                left -= len(events)
                for descriptor, _ in events:
                    handler = handlers.get(descriptor)
                    if handler is not None:
                        handler()


class LoopPoller:
    """Every socket with the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._descriptors: set[int] = set()

    def register(
        self,
        descriptor: int,
        handler: Handler,
        *,
        once: bool = False,  # noqa: ARG002 - allowed, not required
    ) -> None:
        """Call `handler` while there is something to read from `descriptor`."""
        self._descriptors.add(descriptor)
        self._loop.add_reader(descriptor, handler)

    def forget(self, descriptor: int) -> None:
        """Call nothing more for `descriptor`."""
        self._descriptors.discard(descriptor)
        self._loop.remove_reader(descriptor)

    def close(self) -> None:
        """Let go of the loop."""
        for descriptor in tuple(self._descriptors):
            self.forget(descriptor)


def make_poller(loop: asyncio.AbstractEventLoop) -> Poller:
    """Make the poller that this system is fastest with."""
    if sys.platform == "linux":
        return EpollPoller(loop)
    return LoopPoller(loop)
