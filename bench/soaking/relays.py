"""Ways that can be cut, held up or made lossy: TCP to the database, UDP to TFTP."""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Final, cast

__all__ = ["TcpWay", "UdpWay"]

_SIZE: Final = 65_536
_SILENT_S: Final = 30.0
Address = tuple[str, int]


class TcpWay:
    """Carries TCP connections from a port of its own to `target`.

    `refuse` closes all and lets nobody in; `hold` keeps connections but carries nothing, new ones
    included; `open` ends either.
    """

    def __init__(self, target: Address) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self.port = 0

    async def open(self) -> None:
        """Let connections through."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Carry nothing for a while."""
        self._flows.clear()

    async def refuse(self) -> None:
        """Cut everything; connecting is refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._flows.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(far_writer)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        for one in (writer, far_writer):
            one.transport.abort()
            self._writers.discard(one)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_SIZE):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


class _Conversation(asyncio.DatagramProtocol):
    """One client's transfers: what comes from the client goes to the server, and back."""

    def __init__(self, way: "UdpWay", client: Address) -> None:
        self._way = way
        self._client = client
        self._server = way.target
        self.transport: asyncio.DatagramTransport | None = None
        self.heard = asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what sends."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Carry a packet to the other one."""
        self.heard = asyncio.get_running_loop().time()
        if addr == self._client:
            self._send(data, self._server)
        else:
            self._server = addr  # the port that a transfer has of its own
            self._send(data, self._client)

    def first(self, data: bytes) -> None:
        """Carry a request, which goes to the well-known port."""
        self._send(data, self._way.target)

    def _send(self, data: bytes, to: Address) -> None:
        if self.transport is not None and not self._way.loses():
            self.transport.sendto(data, to)


class UdpWay(asyncio.DatagramProtocol):
    """Carries TFTP between clients and `target`, and loses a share `loss` of the packets."""

    def __init__(self, target: Address, chance: random.Random) -> None:
        self.target = target
        self.loss = 0.0
        self._chance = chance
        self._conversations: dict[Address, _Conversation] = {}
        self._pending: set[asyncio.Task[None]] = set()
        self._transport: asyncio.BaseTransport | None = None

    async def start(self) -> int:
        """Listen beside the target; return on which port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.target[0], 0)
        )
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Carry nothing more."""
        for task in self._pending:
            task.cancel()
        for one in self._conversations.values():
            if one.transport is not None:
                one.transport.close()
        if self._transport is not None:
            self._transport.close()

    def loses(self) -> bool:
        """Tell whether the next packet gets lost."""
        return self._chance.random() < self.loss

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Carry a client's request."""
        known = self._conversations.get(addr)
        if known is not None:
            known.first(data)
            return
        self._drop_old()
        self._run(self._begin(data, addr))

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _begin(self, data: bytes, client: Address) -> None:
        loop = asyncio.get_running_loop()
        conversation = _Conversation(self, client)
        self._conversations[client] = conversation
        await loop.create_datagram_endpoint(lambda: conversation, local_addr=(self.target[0], 0))
        conversation.first(data)

    def _drop_old(self) -> None:
        now = asyncio.get_running_loop().time()
        for client, one in tuple(self._conversations.items()):
            if now - one.heard > _SILENT_S and one.transport is not None:
                one.transport.close()
                del self._conversations[client]
