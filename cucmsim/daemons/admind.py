"""The command line without a network: `cucmsim admin` on a Unix socket in the data directory.

Who may open the socket (mode 0600) is the administrator of the installation. The frames are those
of `protocols/admin_link.py`.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import structlog

from cucmsim.clock import Clock
from cucmsim.daemons.console import Console, end_sessions
from cucmsim.daemons.managed import bind_unix
from cucmsim.errors import RemoteProtocolError, StoreError
from cucmsim.protocols.admin_link import (
    Frame,
    FrameKind,
    FrameReader,
    Opening,
    encode_frame,
    read_size,
)
from cucmsim.services.admin.commandline import BANNER, CommandLine
from cucmsim.services.admin.platform import INSTALL_LEVEL

__all__ = ["AdminServer"]

_CHUNK = 65536
_LAST_FRAME_S = 1.0
_USER = "admin"


class AdminServer:
    """Serves the command lines of a process's nodes on the socket `path`."""

    name = "admin"

    def __init__(self, path: Path, nodes: Mapping[str, CommandLine], clock: Clock) -> None:
        self._path = path
        self._nodes = nodes
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], None] = {}
        self._sessions: dict[asyncio.Task[None], Console] = {}

    async def start(self) -> None:
        """Bind the socket and serve. Raises StartError."""
        self._server = await asyncio.start_unix_server(self._accept, sock=bind_unix(self._path))

    async def stop(self, drain_s: float) -> None:
        """Let running commands finish for `drain_s` seconds, then close."""
        if self._server is None:
            return
        self._server.close()
        await end_sessions(self._sessions, drain_s)
        links = tuple(self._links)
        if links:
            await asyncio.wait(links, timeout=_LAST_FRAME_S)
            for task in links:
                task.cancel()
            await asyncio.wait(links)
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._links[task] = None
        try:
            with contextlib.suppress(asyncio.CancelledError):  # by `stop`; asyncio would log it
                await self._serve(reader, writer)
        finally:
            self._links.pop(task)
            writer.transport.abort()  # closing would wait for a client that does not read

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Link(reader, writer, self).serve()
        except (ConnectionError, RemoteProtocolError) as error:
            log: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=self.name)
            log.warning("session broke off", reason=str(error))
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def command_line(self, node: str | None) -> CommandLine | None:
        """Return the command line of a node; without a name the publisher's, or the first."""
        if node is not None:
            return self._nodes.get(node)
        lines = sorted(self._nodes.values(), key=_is_subscriber)
        return lines[0] if lines else None

    def refusal(self, node: str | None) -> str:
        """Say that there is no such node."""
        return f"no node {node!r} in this process; it runs: {', '.join(self._nodes)}"

    async def hold(self, console: Console, command: str | None) -> None:
        """Hold a session, known to `stop`."""
        work = console.run(BANNER) if command is None else console.run_command(command)
        task = asyncio.create_task(work)
        self._sessions[task] = console
        try:
            await task
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._sessions.pop(task)

    @property
    def clock(self) -> Clock:
        """The clock that sessions go by."""
        return self._clock


def _is_subscriber(line: CommandLine) -> bool:
    return not line.view.replica.node(line.node_name).is_publisher


class _Link:
    """One client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: AdminServer
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._server = server
        self._frames = FrameReader()
        self._waiting: list[Frame] = []
        self._shown = asyncio.Event()

    async def serve(self) -> None:
        """Serve the client to its end."""
        first = await self._next_frame()
        if first is None or first.kind is not FrameKind.OPEN:
            raise RemoteProtocolError("expected a frame that opens a session")
        opening = Opening.read(first.payload)
        line = self._server.command_line(opening.node)
        if line is None:
            self._send(FrameKind.ERROR, self._server.refusal(opening.node).encode())
            await self._writer.drain()
            return
        try:
            opened = line.open(_USER, INSTALL_LEVEL, opening.shown_on)
        except StoreError as error:
            self._send(FrameKind.ERROR, str(error).encode())
            await self._writer.drain()
            return
        console = Console(opened, self._server.clock, lambda data: self._show(console, data))
        await self._hold(console, opening)
        self._send(FrameKind.EXIT, bytes([not console.has_succeeded]))
        await self._writer.drain()

    async def _hold(self, console: Console, opening: Opening) -> None:
        """Hold the session until it ends, or the client goes away."""
        holding = asyncio.create_task(self._server.hold(console, opening.command))
        carrying = (
            asyncio.create_task(self._read(console, opening)),
            asyncio.create_task(self._resume_when_taken(console)),
        )
        try:
            await asyncio.wait([holding, *carrying], return_when=asyncio.FIRST_COMPLETED)
            if not holding.done():
                for task in carrying:
                    if task.done():
                        task.result()
        finally:
            for task in (holding, *carrying):
                task.cancel()
            await asyncio.wait([holding, *carrying])

    async def _resume_when_taken(self, console: Console) -> None:
        """Let the session write again each time that the client has taken what was shown."""
        while True:
            await self._shown.wait()
            self._shown.clear()
            await self._writer.drain()
            console.resume()

    async def _read(self, console: Console, opening: Opening) -> None:
        """Pass on what the client sends, until it is gone."""
        terminal = opening.shown_on
        while (frame := await self._next_frame()) is not None:
            match frame.kind:
                case FrameKind.DATA:
                    console.receive_data(frame.payload)
                case FrameKind.END:
                    console.receive_eof()
                case FrameKind.SIZE:
                    terminal = read_size(frame.payload, terminal)
                    console.resize(terminal)
                case _:
                    raise RemoteProtocolError(f"found an unexpected {frame.kind.name} frame")

    async def _next_frame(self) -> Frame | None:
        while not self._waiting:
            data = await self._reader.read(_CHUNK)
            if not data:
                return None
            self._waiting += self._frames.read(data)
        return self._waiting.pop(0)

    def _show(self, console: Console, data: bytes) -> None:
        self._send(FrameKind.DATA, data)
        console.pause()
        self._shown.set()

    def _send(self, kind: FrameKind, payload: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode_frame(kind, payload))
