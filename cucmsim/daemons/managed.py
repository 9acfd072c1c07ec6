"""The management API's server: an ASGI application on a Unix socket and, when set, on TCP.

The socket lies in the data directory with mode 0600, so its file permissions are its access
control. On TCP every request needs the token (`Authorization: Bearer ...`). The application itself
is `cucmsim.cluster.management`.
"""

import asyncio
import contextlib
import hmac
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cucmsim.asgi import AsgiServer
from cucmsim.daemons.base import listen_tcp
from cucmsim.errors import StartError

__all__ = ["ManagementServer", "TcpAccess", "TokenGuard", "bind_unix"]

_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class TcpAccess:
    """Where the API answers besides its socket, and the token it asks for there."""

    address: str
    port: int
    token: str


class TokenGuard:
    """Lets a request through to `app` when it carries the token; answers 401 otherwise."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not self._is_allowed(scope):
            refusal = JSONResponse(
                {"detail": "found no valid token, expected Authorization: Bearer TOKEN"}, 401
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "")
        return hmac.compare_digest(given.encode(), self._expected)


class ManagementServer:
    """Serves `app` on `socket_path` and, where given, over TCP."""

    name = "management"

    def __init__(self, app: ASGIApp, socket_path: Path, tcp: TcpAccess | None = None) -> None:
        self._app = app
        self._path = socket_path
        self._tcp = tcp
        self._servers: list[AsgiServer] = []
        self._ports: tuple[int, ...] = ()

    @property
    def ports(self) -> tuple[int, ...]:
        """The TCP port, if there is one."""
        return self._ports

    async def start(self) -> None:
        """Bind socket and port and serve. Raises StartError."""
        listening = [(bind_unix(self._path), self._app)]
        if self._tcp is not None:
            try:
                bound = listen_tcp(self.name, self._tcp.address, self._tcp.port)
            except StartError:
                listening[0][0].close()
                self._path.unlink(missing_ok=True)
                raise
            self._ports = (bound.getsockname()[1],)
            listening.append((bound, TokenGuard(self._app, self._tcp.token)))
        self._servers = [AsgiServer(app, bound) for bound, app in listening]
        await asyncio.gather(*(server.start() for server in self._servers))

    async def stop(self, drain_s: float) -> None:
        """Let running requests finish for `drain_s` seconds, then close."""
        if not self._servers:
            return
        await asyncio.gather(*(server.stop(drain_s) for server in self._servers))
        self._servers, self._ports = [], ()
        self._path.unlink(missing_ok=True)


def bind_unix(path: Path) -> socket.socket:
    """Bind a socket file, replacing one that nobody answers any more. Raises StartError."""
    _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        os.chmod(path, 0o600)  # noqa: PTH101 - a socket file: no symlink to follow, one call
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        reason = error.strerror or error
        raise StartError(f"management: cannot listen on the socket {path}: {reason}") from error
    return bound


def _remove_stale(path: Path) -> None:
    """Remove a socket file that a killed process left; refuse one that is answered."""
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            return
    raise StartError(f"management: another process answers on the socket {path}")
