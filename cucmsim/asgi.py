"""An ASGI application on a bound socket, inside a loop that runs other things besides.

uvicorn, left without signals, logs and lifespan: who starts it stops it. The management API, the
web server of a node and the pages of a simulated phone are served with it.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

__all__ = ["AsgiServer"]


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to others and tells when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets=sockets)
        self.serving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


class AsgiServer:
    """Serves `app` on `bound`, a listening socket that it closes at the end.

    TLS with `context`; `connections` bounds how many clients are served at once.
    """

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        context: ssl.SSLContext | None = None,
        *,
        connections: int | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=connections,
        )
        config.load()
        config.ssl = context
        self._server = _Server(config)
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
