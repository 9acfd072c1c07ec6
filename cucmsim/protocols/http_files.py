"""HTTP as phones fetch files with it (TCP 6970 to 6972): the server's side, without I/O.

Messages are parsed by h11, which refuses what smuggles requests (lengths that contradict each
other, both length and transfer coding, bare line ends in fields). The answer has the headers of a
real server, in its order and spelling: `Content-length`, `Cache-Control: no-store`,
`Content-type: */*`. A connection is closed after the answer, as a real one does, unless the client
asked for it to be kept (`Connection: keep-alive`).

Source: phone.md 1.4 (request and reply on the wire), cucm.md 3.3 (answers), RFC 9110 and 9112.
"""

import re
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes

import h11

from cucmsim.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["LONGEST_HEAD", "ByteRange", "FileRequested", "HttpFileServer", "State"]

LONGEST_HEAD: Final = 16_384
"""Bytes of a request's lines."""

_RANGE = re.compile(rb"bytes=([0-9]{0,18})-([0-9]{0,18})")
_REASONS = {
    200: b"OK",
    206: b"Partial Content",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    416: b"Range Not Satisfiable",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    503: b"Service Unavailable",
}
_CHOSEN = {status.value: status.phrase.encode() for status in HTTPStatus} | _REASONS
"""Those that a caller may ask for besides."""


class State(StrEnum):
    """Where a connection stands."""

    AWAIT_REQUEST = "await request"
    AWAIT_ANSWER = "await answer"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The range asked for: from `first`, or (None) the `last` bytes; `last` None is to the end."""

    first: int | None
    last: int | None

    def of(self, size: int) -> slice | None:
        """Return the part of a file of `size` bytes; None when it lies outside."""
        if self.first is None:
            return slice(max(0, size - (self.last or 0)), size) if self.last and size else None
        if self.first >= size:
            return None
        return slice(self.first, size if self.last is None else min(self.last + 1, size))


@dataclass(frozen=True, slots=True)
class FileRequested:
    """The client asks for a file; `name` is the path without its first slash and any query."""

    method: str
    name: str
    byte_range: ByteRange | None
    keeps: bool


class HttpFileServer:
    """One connection. Ask `next_event`, decide with `answer`, write `data_to_send`."""

    def __init__(self, *, missing_status: int = 404, longest_head: int = LONGEST_HEAD) -> None:
        self._missing_status = missing_status
        self._longest_head = longest_head
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=longest_head)
        self._requests: deque[FileRequested] = deque()
        self._asked: FileRequested | None = None
        self._out: list[bytes] = []
        self._state = State.AWAIT_REQUEST

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will be said."""
        return self._state is State.CLOSED

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the client.

        Raises RemoteProtocolError for what is no request that is served; the refusal to send is
        in `data_to_send`.
        """
        if self.is_closed:
            raise RemoteProtocolError("data after the end of the connection")
        try:
            self._connection.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
            self._refuse(status if status in _REASONS else 400)
            raise RemoteProtocolError(f"no HTTP request: {error}", status) from error

    def next_event(self) -> FileRequested | None:
        """Return the request to answer next; None while there is none."""
        if self._state is State.AWAIT_REQUEST and self._requests:
            self._asked = self._requests.popleft()
            self._state = State.AWAIT_ANSWER
            return self._asked
        return None

    def answer(self, data: bytes | None, *, missing_status: int | None = None) -> None:
        """Answer the request with the file; None: there is no such file.

        `missing_status` then takes the place of the usual one. Raises LocalProtocolError when
        nothing was asked.
        """
        asked = self._asked
        if self._state is not State.AWAIT_ANSWER or asked is None:
            raise LocalProtocolError(f"no request to answer in state {self._state.value!r}")
        missing = missing_status or self._missing_status
        status, fields, body = self._contents(asked, data, missing)
        reason = _CHOSEN.get(status, b"Unknown")
        head = h11.Response(status_code=status, reason=reason, headers=fields)
        message = self._send(head)
        if asked.method != "HEAD":
            message += self._send(h11.Data(data=body))
        self._out.append(message + self._send(h11.EndOfMessage()))
        self._asked = None
        self._go_on(keeps=asked.keeps)

    def data_to_send(self) -> list[bytes]:
        """Return what to write, once."""
        out, self._out = self._out, []
        return out

    def _contents(
        self, asked: FileRequested, data: bytes | None, missing_status: int
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Return status, headers and body of the answer."""
        if data is None:
            return missing_status, _fields(0), b""
        if asked.byte_range is None:
            return 200, _fields(len(data)), data
        part = asked.byte_range.of(len(data))
        if part is None:
            return 416, [*_fields(0), (b"Content-Range", b"bytes */%d" % len(data))], b""
        chosen = data[part]
        where = b"bytes %d-%d/%d" % (part.start, part.stop - 1, len(data))
        return 206, [*_fields(len(chosen)), (b"Content-Range", where)], chosen

    def _go_on(self, *, keeps: bool) -> None:
        """Await the next request, or close."""
        if not keeps or self._connection.our_state is not h11.DONE:
            self._state = State.CLOSED
            return
        self._state = State.AWAIT_REQUEST
        self._begin_next()
        self._read()

    def _read(self) -> None:
        """Take from the parser what is complete; one request at a time."""
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.Request):
                self._take(event)
            elif isinstance(event, h11.EndOfMessage):
                self._begin_next()
            elif not isinstance(event, h11.Data):
                return

    def _begin_next(self) -> None:
        """Let the parser go on to the next request when this one is read and answered."""
        both = (self._connection.our_state, self._connection.their_state)
        if both == (h11.DONE, h11.DONE):
            self._connection.start_next_cycle()

    def _take(self, request: h11.Request) -> None:
        """Take a request, or refuse a method that files do not have."""
        method = request.method.decode("ascii")
        if method not in ("GET", "HEAD"):
            self._refuse(405, (b"Allow", b"GET, HEAD"))
            raise RemoteProtocolError(f"found method {method}, expected GET or HEAD", 405)
        if _head_size(request) > self._longest_head:  # h11 looks at what is incomplete only
            self._refuse(431)
            raise RemoteProtocolError(f"a head of more than {self._longest_head} bytes", 431)
        fields = {bytes(name): bytes(value) for name, value in request.headers}
        if b"transfer-encoding" in fields:
            self._refuse(400)
            raise RemoteProtocolError("found a transfer coding, expected no body", 400)
        keeps = b"keep-alive" in fields.get(b"connection", b"").lower()
        self._requests.append(
            FileRequested(method, _file_name(request.target), _range_of(fields), keeps)
        )

    def _refuse(self, status: int, *more: tuple[bytes, bytes]) -> None:
        """Answer with an error and close."""
        self._state = State.CLOSED
        head = h11.Response(
            status_code=status, reason=_REASONS[status], headers=[*_fields(0), *more]
        )
        self._out.append(self._send(head) + self._send(h11.EndOfMessage()))

    def _send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> bytes:
        return self._connection.send(event) or b""


def _fields(size: int) -> list[tuple[bytes, bytes]]:
    """Return the headers of a real server, in its order and spelling."""
    return [
        (b"Content-length", b"%d" % size),
        (b"Cache-Control", b"no-store"),
        (b"Content-type", b"*/*"),
    ]


def _head_size(request: h11.Request) -> int:
    """Return about how many bytes the lines of a request have."""
    return len(request.target) + sum(len(name) + len(value) for name, value in request.headers)


def _file_name(target: bytes) -> str:
    """Return the name in a request's target; what is no UTF-8 becomes a name nobody has."""
    path = target.split(b"?", 1)[0]
    return unquote_to_bytes(path.removeprefix(b"/")).decode("utf-8", "replace")


def _range_of(fields: dict[bytes, bytes]) -> ByteRange | None:
    """Return the one range asked for; several, or what is no range, are ignored (RFC 9110 14.2)."""
    match = _RANGE.fullmatch(fields.get(b"range", b"").strip())
    if match is None or not (match[1] or match[2]):
        return None
    first = int(match[1]) if match[1] else None
    last = int(match[2]) if match[2] else None
    if first is not None and last is not None and last < first:
        return None
    return ByteRange(first, last)
