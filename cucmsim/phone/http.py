"""Gets a file over HTTP 6970 or HTTPS 6971, one connection a file (phone.md 1.4).

Over HTTPS the certificate shown is judged after the handshake, before anything is sent. The server
has `idle_s` for each part of its answer and `total_s` for all of it.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.phone.localends import LocalEnds, connect_stream
from cucmsim.phone.peers import judge
from cucmsim.phone.steps import (
    Fetched,
    FetchFailure,
    NotFetched,
    PeerCheck,
    PeerRefused,
    PeerUnproven,
)
from cucmsim.protocols.http_client import FileAnswered, HttpFileClient, file_request

__all__ = [
    "HttpPatience",
    "HttpResult",
    "HttpStream",
    "exchange",
    "exchange_plain",
    "fetch_http",
    "fetch_https",
]

_READ_SIZE: Final = 65_536
HttpResult: TypeAlias = Fetched | NotFetched
"""The file or page, or why it did not come."""


@dataclass(frozen=True, slots=True)
class HttpPatience:
    """How long to wait for the connection, for each part of the answer, and for all of it."""

    idle_s: float = 5.0
    total_s: float = 120.0


async def fetch_http(
    server: tuple[str, int],
    name: str,
    size_limit: int,
    patience: HttpPatience | None = None,
    ends: LocalEnds | None = None,
) -> HttpResult:
    """Get `name` of `server`, an address and a port, from one of our `ends`."""
    patience = patience or HttpPatience()
    return await exchange_plain(server, file_request(name, *server), size_limit, patience, ends)


async def exchange_plain(
    server: tuple[str, int],
    request: bytes,
    size_limit: int,
    patience: HttpPatience,
    ends: LocalEnds | None = None,
) -> HttpResult:
    """Connect without TLS, send `request` and read the answer."""
    try:
        async with asyncio.timeout(patience.idle_s):
            reader, writer = await connect_stream(*server, ends)
    except (OSError, TimeoutError) as error:
        return NotFetched(FetchFailure.UNREACHABLE, text=str(error) or "no answer")
    plain = _Plain(reader, writer, patience.idle_s)
    try:
        return await exchange(plain, request, size_limit, patience)
    finally:
        writer.transport.abort()  # nothing is owed to a server that closes after each answer


async def fetch_https(
    server: tuple[str, int],
    name: str,
    size_limit: int,
    check: PeerCheck,
    options: LinkOptions,
    patience: HttpPatience | None = None,
) -> HttpResult | PeerRefused | PeerUnproven:
    """Get `name` over TLS, if the server is trusted."""
    patience = patience or HttpPatience()
    try:
        async with await Link.connect(*server, replace(options, timeout_s=patience.idle_s)) as link:
            verdict = judge(check, link.server_certificate)
            if verdict is not None:
                return verdict
            return await exchange(link, file_request(name, *server), size_limit, patience)
    except LinkError as error:
        return NotFetched(FetchFailure.UNREACHABLE, text=str(error))


class HttpStream(Protocol):
    """What an exchange needs of a connection."""

    async def send(self, message: bytes) -> None:
        """Send bytes. Raises LinkError."""
        ...

    async def receive(self) -> bytes:
        """Return the next bytes, b"" at the end. Raises LinkError."""
        ...


class _Plain:
    """TCP without TLS."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_s: float
    ) -> None:
        self._reader, self._writer, self._idle_s = reader, writer, idle_s

    async def send(self, message: bytes) -> None:
        """Send bytes; a request fits into any buffer."""
        self._writer.write(message)

    async def receive(self) -> bytes:
        """Return the next bytes, b"" at the end. Raises LinkError."""
        try:
            async with asyncio.timeout(self._idle_s):
                return await self._reader.read(_READ_SIZE)
        except (OSError, TimeoutError) as error:
            raise LinkError(str(error) or f"no answer within {self._idle_s:g} s") from error


async def exchange(
    stream: HttpStream, request: bytes, size_limit: int, patience: HttpPatience
) -> HttpResult:
    """Send `request` over a connection and read the answer."""
    client = HttpFileClient(size_limit)
    try:
        async with asyncio.timeout(patience.total_s):
            await stream.send(request)
            while (result := client.result) is None:
                client.receive_data(await stream.receive())
    except TimeoutError:
        return NotFetched(FetchFailure.TIMEOUT, text=f"not complete after {patience.total_s:g} s")
    except LinkError as error:
        return NotFetched(FetchFailure.TIMEOUT, text=str(error))
    if isinstance(result, FileAnswered):
        return Fetched(result.data, result.status_line)
    return NotFetched(FetchFailure(result.failure.value), result.status_line, text=result.text)
