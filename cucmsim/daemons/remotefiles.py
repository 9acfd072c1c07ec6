"""Gets files of other clusters, for the TFTP service: over HTTP, or TFTP from a port of its own.

One connection, or one port, a file. Each wait has a deadline, and the whole file ten times that;
what is larger than the limit is not taken, and of what breaks off nothing is. Over HTTP the request
is the one that phones send, and whatever is not 200 means that there is no such file.
Source: cucm.md 3.1 (TCP 6970 between proxy and remote TFTP).
"""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias, cast

from cucmsim.daemons.sourceports import SourcePorts
from cucmsim.errors import FormatError
from cucmsim.protocols.http_client import FileAnswered, HttpFailure, HttpFileClient, file_request
from cucmsim.protocols.tftp_client import FileReceived, ReadFailed, ReadFailure, TftpRead
from cucmsim.protocols.tftp_requests import PROXIED
from cucmsim.services.filelocations import (
    FileLocation,
    Found,
    Missing,
    NoAnswer,
    RemoteAnswer,
    Scheme,
)

__all__ = ["Patience", "RemoteFileClient"]

_READ_SIZE = 65_536
_WHOLE_FILE = 10
_RESEND_S = 0.5
_QUEUED = 64
_ANY_PORT = ("0.0.0.0", 0)  # noqa: S104 - a client, on a free port

_Address: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent, in seconds, and how many bytes a file may have."""

    silence_s: float = 2.0
    size_limit: int = 4 << 20

    @property
    def whole_s(self) -> float:
        """How long a whole file may take."""
        return self.silence_s * _WHOLE_FILE


class RemoteFileClient:
    """Asks TFTP services of other clusters; the `RemoteFiles` of `services.filelocations`.

    It speaks from the ports of `source`, None: from any.
    """

    def __init__(self, patience: Patience | None = None, source: SourcePorts | None = None) -> None:
        self._patience = patience or Patience()
        self._source = source

    async def get(self, location: FileLocation, name: str) -> RemoteAnswer:
        """Ask one location for one file; raises nothing."""
        get = self._get_http if location.scheme is Scheme.HTTP else self._get_tftp
        try:
            async with asyncio.timeout(self._patience.whole_s):
                return await get(location, name)
        except TimeoutError:
            return NoAnswer("it takes too long", is_silent=True)
        except (OSError, UnicodeError) as error:
            return NoAnswer(str(error) or type(error).__name__)

    async def _get_http(self, location: FileLocation, name: str) -> RemoteAnswer:
        async with asyncio.timeout(self._patience.silence_s):
            reader, writer = await self._connect(location)
        try:
            writer.write(file_request(name, location.host, location.port))
            return await self._read(reader)
        finally:
            writer.transport.abort()  # nothing is owed to a server that closes after its answer

    async def _connect(
        self, location: FileLocation
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._source is None:
            return await asyncio.open_connection(
                location.host, location.port, family=socket.AF_INET
            )
        server = await _resolve(location)
        bound = self._source.bind(socket.SOCK_STREAM)
        try:
            await asyncio.get_running_loop().sock_connect(bound, server)
        except BaseException:
            bound.close()
            raise
        return await asyncio.open_connection(sock=bound)

    async def _read(self, reader: asyncio.StreamReader) -> RemoteAnswer:
        client = HttpFileClient(self._patience.size_limit)
        while client.result is None:
            async with asyncio.timeout(self._patience.silence_s):
                client.receive_data(await reader.read(_READ_SIZE))
        result = client.result
        if isinstance(result, FileAnswered):
            return Found(result.data)
        if result.failure is HttpFailure.ERROR and result.text:
            return NoAnswer(result.text)
        return Missing(result.text or result.status_line)

    async def _get_tftp(self, location: FileLocation, name: str) -> RemoteAnswer:
        resends = max(1, round(self._patience.silence_s / _RESEND_S)) - 1
        try:
            read = TftpRead(
                name,
                size_limit=self._patience.size_limit,
                timeout_s=self._patience.silence_s / (resends + 1),
                max_retransmissions=resends,
                options=(PROXIED,),
            )
        except FormatError as error:
            return Missing(str(error))
        server = await _resolve(location)
        port = await self._open(server)
        try:
            return await _run(read, port, server)
        finally:
            port.close()

    async def _open(self, server: _Address) -> "_Port":
        """Open a UDP port that takes what a server sends. Raises OSError."""
        loop = asyncio.get_running_loop()
        if self._source is None:
            _, port = await loop.create_datagram_endpoint(
                lambda: _Port(server), local_addr=_ANY_PORT
            )
        else:
            bound = self._source.bind(socket.SOCK_DGRAM)
            _, port = await loop.create_datagram_endpoint(lambda: _Port(server), sock=bound)
        return port


async def _resolve(location: FileLocation) -> _Address:
    """Return the IPv4 address of a location. Raises OSError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        location.host, location.port, family=socket.AF_INET, type=socket.SOCK_DGRAM
    )
    address = found[0][4]
    return str(address[0]), location.port


class _Port(asyncio.DatagramProtocol):
    """A UDP port that takes the datagrams of one host; a flood of them is lost."""

    def __init__(self, server: _Address) -> None:
        self._host = server[0]
        self._arrived: asyncio.Queue[tuple[bytes, _Address] | OSError] = asyncio.Queue(_QUEUED)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        """Queue what the host sent."""
        if addr[0] == self._host:
            self._put((data, addr))

    def error_received(self, exc: Exception) -> None:
        """Queue what the network says against it."""
        self._put(exc if isinstance(exc, OSError) else OSError(str(exc)))

    def _put(self, item: tuple[bytes, _Address] | OSError) -> None:
        with suppress(asyncio.QueueFull):
            self._arrived.put_nowait(item)

    def send(self, data: bytes, peer: _Address) -> None:
        """Send a datagram."""
        if self._transport is not None:
            self._transport.sendto(data, peer)

    async def receive(self, until: float | None) -> tuple[bytes, _Address] | None:
        """Return the next datagram; None at `until`, on the loop's clock. Raises OSError."""
        try:
            async with asyncio.timeout_at(until):
                item = await self._arrived.get()
        except TimeoutError:
            return None
        if isinstance(item, OSError):
            raise item
        return item

    def close(self) -> None:
        """Send what is still to be sent, and close."""
        if self._transport is not None:
            self._transport.close()


async def _run(read: TftpRead, port: _Port, server: _Address) -> RemoteAnswer:
    """Read a file to its end. Raises OSError when nobody listens there."""
    now = asyncio.get_running_loop().time
    while True:
        for datagram in read.datagrams_to_send(now()):
            peer = datagram.peer if isinstance(datagram.peer, tuple) else server
            port.send(datagram.data, peer)
        while (event := read.next_event()) is not None:
            if isinstance(event, FileReceived):
                return Found(event.data)
            if isinstance(event, ReadFailed):
                return _failed(event)
        arrived = await port.receive(read.next_timeout())
        if arrived is not None:
            read.receive_datagram(*arrived, now())
        read.handle_timeout(now())


def _failed(event: ReadFailed) -> RemoteAnswer:
    """Tell a server's refusal, and a file that is too large, from one that is away."""
    if event.failure is ReadFailure.TIMEOUT:
        return NoAnswer(event.text, is_silent=True)
    if event.code is None and event.failure is not ReadFailure.TOO_LARGE:
        return NoAnswer(event.text)
    return Missing("" if event.failure is ReadFailure.NOT_FOUND else event.text)
