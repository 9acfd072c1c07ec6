"""An ASGI application on a bound socket, inside a loop that runs other things besides.

uvicorn, left without signals, logs and lifespan: who starts it stops it. The management API, the
web server of a node and the pages of a simulated phone are served with it.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import cast

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cucmsim.asgitls import Acceptor, Reception

__all__ = ["AsgiLimits", "AsgiServer"]

_LAST = {"Connection": "close"}


_MakeProtocol = Callable[[uvicorn.Config, ServerState, dict[str, object]], asyncio.Protocol]


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to others and tells when it serves."""

    def __init__(
        self, config: uvicorn.Config, limits: "AsgiLimits", reception: Reception | None
    ) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()
        self._limits = limits
        self._reception = reception

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, but with a deadline for handshakes, then say so."""
        loop, config = asyncio.get_running_loop(), self.config
        make = cast("_MakeProtocol", config.http_protocol_class)
        if self._reception is not None:
            begin = partial(make, config, self.server_state)
            limits = self._limits.handshake_s, self._limits.connections
            acceptors = [
                Acceptor(bound, begin, self._reception, *limits) for bound in sockets or ()
            ]
            self.servers = cast("list[asyncio.base_events.Server]", acceptors)
            self._serve_now()
            return
        protocol = partial(make, config, self.server_state, self.lifespan.state)
        self.servers = [
            await loop.create_server(
                protocol,
                sock=bound,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=self._limits.handshake_s if config.ssl else None,
            )
            for bound in sockets or ()
        ]
        self._serve_now()

    def _serve_now(self) -> None:
        self.started = True
        self.serving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@dataclass(frozen=True, slots=True)
class AsgiLimits:
    """What clients are granted: `request_s` until a whole request has come, and between two.

    `handshake_s` is for TLS. `head` bounds the bytes of a request's lines. Above `connections` a
    client is answered 503.
    """

    connections: int = 2000
    request_s: float = 60.0
    handshake_s: float = 60.0
    head: int = 16_384


class _Strict:
    """Refuses what smuggles requests or is too long, and uvicorn lets pass."""

    def __init__(self, app: ASGIApp, head: int) -> None:
        self._app = app
        self._head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = scope.get("headers", ())
        names = {name for name, _ in headers}
        size = len(scope.get("raw_path", b"")) + sum(
            len(name) + len(text) for name, text in headers
        )
        if size > self._head:
            refusal = PlainTextResponse("the request's lines are too long", 431, _LAST)
            await refusal(scope, receive, send)
        elif {b"content-length", b"transfer-encoding"} <= names:
            refusal = PlainTextResponse("found Content-Length and Transfer-Encoding", 400, _LAST)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Dated:
    """Puts the date that `now` tells into every answer."""

    def __init__(self, app: ASGIApp, now: Callable[[], datetime]) -> None:
        self._app = app
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._now(), usegmt=True).encode()
                message = {**message, "headers": [(b"date", date), *message.get("headers", ())]}
            await send(message)

        await self._app(scope, receive, dated)


class _Protocol(H11Protocol):
    """uvicorn's, which waits for ever for the first request, or for the rest of one."""

    def __init__(
        self,
        request_s: float,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._request_s = request_s
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they do not prolong the wait, a whole request ends it."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Let time run while it is the client's turn."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._request_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class AsgiServer:
    """Serves `app` on `bound`, a listening socket that it closes at the end; TLS with `context`.

    With a `reception` the TLS is chosen for each client.
    Answers bear the date that `now` tells, in UTC, by default the machine's.
    """

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        context: ssl.SSLContext | None = None,
        limits: AsgiLimits | None = None,
        reception: Reception | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        limits = limits or AsgiLimits()
        strict = _Strict(app, limits.head)
        config = uvicorn.Config(
            strict if now is None else _Dated(strict, now),
            date_header=now is None,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            http=cast("type[asyncio.Protocol]", partial(_Protocol, limits.request_s)),
            h11_max_incomplete_event_size=limits.head,
            limit_concurrency=limits.connections + 1,  # it refuses at this number
        )
        config.load()
        config.ssl = context
        self._server = _Server(config, limits, reception)
        self._bound = bound
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; returns when requests are taken."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._bound]))
        await self._server.serving.wait()

    async def stop(self, drain_s: float) -> None:
        """Let running requests finish for `drain_s` seconds, then close."""
        if self._task is not None:
            self._server.config.timeout_graceful_shutdown = max(1, int(drain_s))
            self._server.should_exit = True
            await self._task
            self._task = None
