"""A daemon that speaks over TLS or plain TCP connections: the port, its connections, their limits.

`conversation.py` says how a protocol plugs in, `connection.py` drives one connection, `tls.py`
builds the context that all of them share.
"""

import asyncio
from typing import TYPE_CHECKING

import structlog
from OpenSSL import SSL

from cucmsim.daemons.base import bind_error
from cucmsim.daemons.connection import Connection
from cucmsim.daemons.conversation import (
    Arrival,
    Conversation,
    ConversationFactory,
    Limits,
    PeerInfo,
    Record,
    Recorder,
)
from cucmsim.daemons.mischief import Doorman, Welcome

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = [
    "Arrival",
    "Conversation",
    "ConversationFactory",
    "Limits",
    "PeerInfo",
    "Record",
    "Recorder",
    "StreamServer",
]

_BACKLOG = 1024
_ABORT_S = 1.0


class StreamServer:
    """Listens on one endpoint and gives every connection its conversation.

    With `context` None the connections are plain TCP. A `doorman` takes some clients otherwise.
    """

    def __init__(
        self,
        endpoint: tuple[str, int],
        context: SSL.Context | None,
        factory: ConversationFactory,
        recorder: Recorder,
        limits: Limits | None = None,
        doorman: Doorman | None = None,
    ) -> None:
        self.context = context
        self._doorman = doorman
        self.factory = factory
        self.recorder = recorder
        self.limits = limits or Limits()
        self.log: FilteringBoundLogger = structlog.get_logger(
            node=recorder.node, service=recorder.service
        )
        self._endpoint = endpoint
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._accepted = 0
        self._empty = asyncio.Event()

    @property
    def name(self) -> str:
        """The service's short name."""
        return self.recorder.service

    @property
    def ports(self) -> tuple[int, ...]:
        """The port bound, chosen by the system where 0 was asked for; empty while stopped."""
        if self._server is None:
            return ()
        return tuple(listener.getsockname()[1] for listener in self._server.sockets)

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    async def start(self) -> None:
        """Bind and serve. Raises StartError naming the port."""
        address, port = self._endpoint
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self), address, port, backlog=_BACKLOG
            )
        except OSError as error:
            raise bind_error(self.name, address, port, error) from error

    async def stop(self, drain_s: float) -> None:
        """Take no new client, let requests under way finish for `drain_s` seconds, close all."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in tuple(self._connections):
            connection.drain()
        if not await self._emptied(drain_s):
            for connection in tuple(self._connections):
                connection.abort()
            await self._emptied(_ABORT_S)
        await server.wait_closed()

    async def _emptied(self, timeout_s: float) -> bool:
        """Wait until no connection is left; return whether that came true in time."""
        if not self._connections:
            return True
        self._empty.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def welcome(self, address: str) -> Welcome:
        """Decide how a client at `address` is taken."""
        if self._doorman is None:
            return Welcome(self.context)
        return self._doorman.welcome(self.context, address)

    def admit(self, connection: Connection) -> int | None:
        """Count `connection` in and return its number; None when there are too many."""
        if self._server is None or len(self._connections) >= self.limits.connections:
            return None
        self._connections.add(connection)
        self._accepted += 1
        return self._accepted

    def forget(self, connection: Connection) -> None:
        """Count `connection` out."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
