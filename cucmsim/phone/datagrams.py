"""A UDP socket with a short queue of what came, for the machines of TFTP and DHCP.

wire = await Datagrams.open(("192.0.2.1", 0))
wire.send(data, peer)
match await wire.receive(until): ...
wire.close()
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final, TypeAlias, cast

__all__ = ["Address", "Datagrams"]

_QUEUED: Final = 64
Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
_Item: TypeAlias = tuple[bytes, Address] | OSError


class Datagrams(asyncio.DatagramProtocol):
    """Takes the datagrams of peers that `accepts` says yes to; a flood of them is lost."""

    def __init__(self, accepts: Callable[[Address], bool]) -> None:
        self._accepts = accepts
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(_QUEUED)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(
        cls, bound: socket.socket | Address, accepts: Callable[[Address], bool] = lambda _: True
    ) -> "Datagrams":
        """Take over a bound socket, or open one on an address. Raises OSError."""
        loop = asyncio.get_running_loop()
        if isinstance(bound, socket.socket):
            _, wire = await loop.create_datagram_endpoint(lambda: cls(accepts), sock=bound)
        else:
            local = (bound[0], bound[1])
            _, wire = await loop.create_datagram_endpoint(lambda: cls(accepts), local_addr=local)
        return wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Queue what a peer sent; a flood beyond the queue is lost, as UDP may be."""
        if self._accepts(addr):
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

    def send(self, data: bytes, peer: Address) -> None:
        """Send to a peer; what the network says against it is received."""
        if self._transport is not None:
            try:
                self._transport.sendto(data, peer)
            except OSError as error:
                self._put(error)

    def close(self) -> None:
        """Send what is still to be sent, and close."""
        if self._transport is not None:
            self._transport.close()
