"""The phone's web server: its pages on a port of their own, and buttons pressed from afar.

Pages come from pages.py and a view that is asked for anew each time; buttons go to whoever runs the
phone. `POST /CGI/Execute` needs a name and a password, which a real phone has its authentication
URL check: that is `authorize` (directory.py), and without one every pair of them will do.
"""

import base64
import binascii
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cucmsim.asgi import AsgiLimits, AsgiServer
from cucmsim.errors import FormatError, StartError
from cucmsim.phone.execute import (
    ACCEPTED,
    Button,
    ExecuteError,
    ExecuteResult,
    Keypad,
    error_document,
    parse_execute,
    response_document,
)
from cucmsim.phone.pages import page
from cucmsim.phone.view import PhoneView

__all__ = ["PhoneFace", "PhoneWeb", "phone_application"]

_XML = "text/xml; charset=UTF-8"
_EXECUTE = "/CGI/Execute"
_BODY_LIMIT = 16 * 1024
_BACKLOG = 16
_CONNECTIONS = 64
_REFUSED = (
    "Not supported by this phone: Key:Directories, Key:Settings, keypad keys and, in unlocked"
    " settings, Key:Soft4 (Erase) only"
)


@dataclass(frozen=True, slots=True)
class PhoneFace:
    """What the pages need of a phone.

    `view` returns what it shows now; `press` does what a button does and says whether it could;
    `authorize` checks name and password, None takes every pair.
    """

    view: Callable[[], PhoneView]
    press: Callable[[Button], Awaitable[bool]]
    authorize: Callable[[str, str], Awaitable[bool]] | None = None


def phone_application(face: PhoneFace) -> Starlette:
    """Return the ASGI application of a phone."""
    pages = _Pages(face)
    return Starlette(
        routes=[
            Route(_EXECUTE, pages.execute, methods=["POST"]),
            Route("/{path:path}", pages.show, methods=["GET", "HEAD"]),
        ]
    )


class _Pages:
    """The two things a phone's web server does."""

    def __init__(self, face: PhoneFace) -> None:
        self._face = face
        self._keypad = Keypad()

    async def show(self, request: Request) -> Response:
        """Answer with a page."""
        shown = page(self._face.view(), request.url.path, request.url.query)
        return Response(shown.body, shown.status, media_type=shown.media_type)

    async def execute(self, request: Request) -> Response:
        """Press the buttons of the document in the form field `XML`."""
        credentials = _credentials(request.headers.get("authorization", ""))
        if credentials is None or not await self._is_allowed(*credentials):
            return Response(
                error_document(ExecuteError.AUTHENTICATION),
                401,
                {"WWW-Authenticate": 'Basic realm="user"'},
                _XML,
            )
        try:
            urls = parse_execute(await _document(request))
        except FormatError:
            return Response(error_document(ExecuteError.PARSING), media_type=_XML)
        results = tuple([await self._press(url) for url in urls])
        return Response(response_document(results), media_type=_XML)

    async def _is_allowed(self, name: str, password: str) -> bool:
        return self._face.authorize is None or await self._face.authorize(name, password)

    async def _press(self, url: str) -> ExecuteResult:
        button = self._keypad.press(url)
        if button is None:
            return ExecuteResult(url, 1, _REFUSED)
        if button is Button.KEY or await self._face.press(button):
            return ExecuteResult(url, 0, ACCEPTED)
        return ExecuteResult(url, 1, "Failure")


async def _document(request: Request) -> bytes:
    """Return the form field `XML`. Raises FormatError."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise FormatError(f"found a form beyond {_BODY_LIMIT} bytes", _BODY_LIMIT)
    try:
        fields = parse_qs(body.decode(), max_num_fields=8)
    except ValueError as error:
        raise FormatError("found no form", 0) from error
    return fields.get("XML", [""])[0].encode()


def _credentials(header: str) -> tuple[str, str] | None:
    """Return name and password of `Authorization: Basic ...`; None when there are none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


class PhoneWeb:
    """Serves a phone's pages on `address`, `port`; port 0 takes any that is free."""

    def __init__(self, face: PhoneFace, address: str = "127.0.0.1", port: int = 0) -> None:
        self._application = phone_application(face)
        self._address = address
        self._wanted = port
        self._server: AsgiServer | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port served, 0 while it is not."""
        return self._port

    async def start(self) -> None:
        """Bind and serve. Raises StartError."""
        bound = self._bind()
        self._port = bound.getsockname()[1]
        self._server = AsgiServer(self._application, bound, limits=AsgiLimits(_CONNECTIONS))
        await self._server.start()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._address, self._wanted))
            bound.listen(_BACKLOG)
        except OSError as error:
            bound.close()
            raise StartError(
                f"phone's web pages: cannot listen on TCP {self._address} port {self._wanted}: "
                f"{error.strerror or error}"
            ) from error
        return bound

    async def stop(self) -> None:
        """Close, letting running requests finish for a second."""
        if self._server is not None:
            await self._server.stop(1)
        self._server, self._port = None, 0
