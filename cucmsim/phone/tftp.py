"""Gets a file over TFTP: `protocols.tftp_client` on a UDP socket of its own, as phones do.

Each file has a port of its own (phone.md 1.4). Datagrams from another address are not looked at.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from cucmsim.errors import FormatError
from cucmsim.phone.steps import Fetched, FetchFailure, NotFetched
from cucmsim.protocols.tftp_client import FileReceived, ReadFailed, TftpRead

__all__ = ["TftpPatience", "fetch_tftp"]

_QUEUED: Final = 64
_Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
_Item: TypeAlias = tuple[bytes, _Address] | OSError


@dataclass(frozen=True, slots=True)
class TftpPatience:
    """How long to wait: for an answer before the last packet is sent again, and how often that."""

    timeout_s: float = 0.5
    retransmissions: int = 6
    total_s: float = 120.0


async def fetch_tftp(
    server: tuple[str, int],
    name: str,
    size_limit: int,
    patience: TftpPatience | None = None,
    on_retransmit: Callable[[int], None] | None = None,
) -> Fetched | NotFetched:
    """Get `name` of `server`, an address and a port. `on_retransmit` is told the count."""
    patience = patience or TftpPatience()
    try:
        read = TftpRead(
            name,
            size_limit=size_limit,
            timeout_s=patience.timeout_s,
            max_retransmissions=patience.retransmissions,
        )
        wire = await _Wire.open(server)
    except (OSError, FormatError) as error:
        return NotFetched(FetchFailure.UNREACHABLE, text=str(error))
    try:
        async with asyncio.timeout(patience.total_s):
            return await _run(read, wire, on_retransmit or _ignore)
    except TimeoutError:
        return NotFetched(FetchFailure.TIMEOUT, text=f"not complete after {patience.total_s:g} s")
    finally:
        wire.close()


async def _run(
    read: TftpRead, wire: "_Wire", on_retransmit: Callable[[int], None]
) -> Fetched | NotFetched:
    now = asyncio.get_running_loop().time
    while True:
        for datagram in read.datagrams_to_send(now()):
            wire.send(datagram.data, datagram.peer)
        while (event := read.next_event()) is not None:
            if isinstance(event, FileReceived):
                return Fetched(event.data)
            if isinstance(event, ReadFailed):
                failure = FetchFailure(event.failure.value)
                return NotFetched(failure, code=event.code, text=event.text)
            on_retransmit(event.count)
        item = await wire.receive(read.next_timeout())
        if isinstance(item, OSError):
            read.handle_unreachable(str(item))
        elif item is not None:
            read.receive_datagram(*item, now())
        read.handle_timeout(now())  # also when a flood of datagrams leaves no pause


class _Wire(asyncio.DatagramProtocol):
    """A UDP socket towards one server, with a short queue of what came."""

    def __init__(self, server: _Address) -> None:
        self._server = server
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(_QUEUED)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, server: tuple[str, int]) -> "_Wire":
        """Open a socket on any free port. Raises OSError."""
        loop = asyncio.get_running_loop()
        is_v6 = ":" in server[0]
        address: _Address = (*server, 0, 0) if is_v6 else server
        local = ("::" if is_v6 else "0.0.0.0", 0)  # noqa: S104 - a client, on a free port
        _, wire = await loop.create_datagram_endpoint(lambda: cls(address), local_addr=local)
        return wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        """Queue what the server sent; a flood beyond the queue is lost, as UDP may be."""
        if addr[0] == self._server[0]:
            self._put((data, addr))

    def error_received(self, exc: Exception) -> None:
        """Queue what the network said."""
        if isinstance(exc, OSError):
            self._put(exc)

    def _put(self, item: _Item) -> None:
        if not self._queue.full():
            self._queue.put_nowait(item)

    async def receive(self, until: float | None) -> _Item | None:
        """Return the next datagram or error, None when it is `until` on the loop's clock."""
        try:
            async with asyncio.timeout_at(until):
                return await self._queue.get()
        except TimeoutError:
            return None

    def send(self, data: bytes, peer: object) -> None:
        """Send to a peer that was heard from, None is the server's own port."""
        if self._transport is not None:
            try:
                self._transport.sendto(data, peer if isinstance(peer, tuple) else self._server)
            except OSError as error:
                self._put(error)

    def close(self) -> None:
        """Send what is still to be sent, and close."""
        if self._transport is not None:
            self._transport.close()


def _ignore(_count: int) -> None:
    """Tell nobody."""
