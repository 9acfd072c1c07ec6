r"""One file over HTTP, from a phone's side, without I/O.

The request is the one that an 8861 was seen to send, 64 bytes for this name:

    GET /CTLSEP2834A2823B58.tlv HTTP/1.1\r\nHost:198.51.100.0:6970\r\n\r\n

No other field and no space after `Host:`. The answer is parsed by h11. Only 200 brings a file; a
redirection is an answer like any other. The server may end the body by `Content-length` or by
closing, and any form of `Transfer-Encoding` but chunked is refused.

Source: phone.md 1.4 (request and reply on the wire), RFC 9112.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import quote

import h11

__all__ = [
    "FileAnswered",
    "HttpFailure",
    "HttpFileClient",
    "NoFile",
    "file_request",
    "page_request",
]

_OK: Final = 200
_NOT_FOUND: Final = 404
_LONGEST_HEAD: Final = 16_384
_UNQUOTED: Final = "/!$&'()*+,;=:@~-._"


class HttpFailure(StrEnum):
    """Why no file came."""

    NOT_FOUND = "not found"
    TOO_LARGE = "too large"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class FileAnswered:
    """The file came. `status_line` as it was on the wire."""

    data: bytes = field(repr=False)
    status_line: str


@dataclass(frozen=True, slots=True)
class NoFile:
    """It did not; `status_line` is empty where no answer could be read, `text` says why then."""

    failure: HttpFailure
    status_line: str = ""
    text: str = ""


def file_request(name: str, host: str, port: int) -> bytes:
    """Return the bytes that ask `host` for `name`; what a URL cannot hold is percent-encoded."""
    path = quote(name.lstrip("/").encode("utf-8", "surrogateescape"), _UNQUOTED)
    return _request(f"/{path}", host, port)


def page_request(target: str, host: str, port: int) -> bytes:
    """Return the bytes that ask `host` for `target`, the path and query of a URL."""
    return _request(quote(target, f"{_UNQUOTED}?%"), host, port)


def _request(target: str, host: str, port: int) -> bytes:
    shown = f"[{host}]" if ":" in host else host
    return f"GET {target} HTTP/1.1\r\nHost:{shown}:{port}\r\n\r\n".encode("ascii", "replace")


class HttpFileClient:
    """Reads the answer to one request, up to `size_limit` bytes of body."""

    def __init__(self, size_limit: int) -> None:
        self._size_limit = size_limit
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._connection.send(h11.Request(method="GET", target="/", headers=[("Host", "phone")]))
        self._connection.send(h11.EndOfMessage())
        self._status = 0
        self._status_line = ""
        self._body = bytearray()
        self._result: FileAnswered | NoFile | None = None

    @property
    def result(self) -> FileAnswered | NoFile | None:
        """What came of it; None while more has to be read."""
        return self._result

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the server, b"" when it closed; raises nothing."""
        if self._result is not None:
            return
        try:
            self._connection.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as error:
            self._result = NoFile(HttpFailure.ERROR, self._status_line, str(error))

    def _read(self) -> None:
        while self._result is None:
            event = self._connection.next_event()
            if isinstance(event, h11.Response):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._take(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._result = FileAnswered(bytes(self._body), self._status_line)
            elif not isinstance(event, h11.InformationalResponse):
                return

    def _begin(self, answer: h11.Response) -> None:
        self._status = answer.status_code
        reason = answer.reason.decode("latin-1")
        self._status_line = f"HTTP/{answer.http_version.decode()} {answer.status_code} {reason}"
        if self._status != _OK:
            missing = self._status == _NOT_FOUND
            failure = HttpFailure.NOT_FOUND if missing else HttpFailure.ERROR
            self._result = NoFile(failure, self._status_line.rstrip())
            return
        length = next((value for name, value in answer.headers if name == b"content-length"), b"0")
        if int(length) > self._size_limit:
            self._refuse_size()

    def _take(self, data: bytes) -> None:
        if len(self._body) + len(data) > self._size_limit:
            self._refuse_size()
        else:
            self._body += data

    def _refuse_size(self) -> None:
        text = f"more than {self._size_limit} bytes"
        self._result = NoFile(HttpFailure.TOO_LARGE, self._status_line, text)
