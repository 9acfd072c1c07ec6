"""A phone's lasting connection to a CallManager: TCP, or TLS to a server that was judged.

A file or TVS connection ends within seconds; this one is silent for minutes between two
keepalives. So reading has no deadline here: whoever reads knows when an answer is overdue.
"""

import asyncio
from typing import Protocol

from cucmsim.phone.link import Link, LinkError, LinkOptions, unreached
from cucmsim.phone.localends import connect_stream
from cucmsim.phone.peers import judge
from cucmsim.phone.steps import PeerCheck, PeerRefused, PeerUnproven

__all__ = ["UnfitPeerError", "Wire", "open_tcp", "open_tls"]

_READ_SIZE = 65536


class UnfitPeerError(Exception):
    """The server's certificate does not let it be talked to; `outcome` says how."""

    def __init__(self, outcome: PeerRefused | PeerUnproven) -> None:
        super().__init__()
        self.outcome = outcome


class Wire(Protocol):
    """A connection that stands."""

    @property
    def local(self) -> tuple[str, int]:
        """Address and port of our end."""
        ...

    async def send(self, data: bytes) -> None:
        """Send. Raises LinkError."""
        ...

    async def receive(self) -> bytes:
        """Return what comes next, however long it takes; b"" at the end. Raises LinkError."""
        ...

    async def close(self) -> None:
        """Close; never fails."""
        ...


async def open_tcp(host: str, port: int, options: LinkOptions) -> Wire:
    """Connect over TCP within `options.timeout_s`. Raises LinkError."""
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(options.timeout_s):
            reader, writer = await connect_stream(host, port, options.ends)
    except (OSError, TimeoutError) as error:
        raise LinkError(f"{where}: cannot connect: {unreached(error)}") from error
    return _TcpWire(where, reader, writer, options.timeout_s)


async def open_tls(host: str, port: int, options: LinkOptions, check: PeerCheck) -> Wire:
    """Connect over TLS and judge the server. Raises LinkError, UnfitPeerError."""
    link = await Link.connect(host, port, options)
    verdict = judge(check, link.server_certificate)
    if verdict is not None:
        await link.close()
        raise UnfitPeerError(verdict)
    return _TlsWire(link)


class _TcpWire:
    def __init__(
        self,
        where: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeout_s: float,
    ) -> None:
        self._where = where
        self._reader, self._writer = reader, writer
        self._timeout_s = timeout_s

    @property
    def local(self) -> tuple[str, int]:
        name = self._writer.get_extra_info("sockname")
        return str(name[0]), int(name[1])

    async def send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._timeout_s):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise LinkError(f"{self._where}: cannot send: {error or 'timeout'}") from error

    async def receive(self) -> bytes:
        try:
            return await self._reader.read(_READ_SIZE)
        except OSError as error:
            raise LinkError(f"{self._where}: {error}") from error

    async def close(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()


class _TlsWire:
    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def local(self) -> tuple[str, int]:
        return self._link.local

    async def send(self, data: bytes) -> None:
        await self._link.send(data)

    async def receive(self) -> bytes:
        return await self._link.receive(patient=True)

    async def close(self) -> None:
        await self._link.close()
