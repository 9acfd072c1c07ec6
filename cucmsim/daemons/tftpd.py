"""The TFTP daemon of a node: RFC 1350, 2347, 2348, 2349 and 7440, reading only.

`tftp_listener` takes the requests of one port, `tftp_transfers` runs the transfers, and this module
puts them together: ports, the sweep for timeouts, the journal, the log, starting and stopping.
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence

import structlog

from cucmsim.clock import Clock
from cucmsim.daemons.filesource import Elsewhere, FileSource, device_in
from cucmsim.daemons.poller import Poller, make_poller
from cucmsim.daemons.tftp_listener import Context, Listener, TftpOptions
from cucmsim.daemons.tftp_port_range import PortRangeListener
from cucmsim.daemons.tftp_single_port import SinglePortListener
from cucmsim.daemons.tftp_transfers import SWEEP_S, Ask, Peer, block_tables
from cucmsim.errors import StartError
from cucmsim.services.capture import Tap
from cucmsim.services.journal import Exchange, Journal

__all__ = ["TftpOptions", "TftpServer", "allow_descriptors"]

_SPARE_DESCRIPTORS = 512


class TftpServer:
    """Serves `files` at every one of `endpoints` (address and port; port 0 takes a free one).

    What they do not have is looked for `elsewhere`. `tap` is the capture's.
    """

    name = "tftp"

    def __init__(
        self,
        files: FileSource,
        endpoints: Sequence[tuple[str, int]],
        *,
        node: str,
        journal: Journal,
        clock: Clock,
        options: TftpOptions | None = None,
        elsewhere: Elsewhere | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._files = files
        self._elsewhere = elsewhere
        self._tap = tap
        self._endpoints = tuple(endpoints)
        self._node = node
        self._journal = journal
        self._clock = clock
        self._options = options or TftpOptions()
        self._log = structlog.get_logger()
        self._listeners: list[Listener] = []
        self._poller: Poller | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._stopping = False
        self._quiet = asyncio.Event()
        self._reported_drops = 0

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports bound, in the order of the endpoints; empty while stopped."""
        return tuple(listener.port for listener in self._listeners)

    @property
    def busy(self) -> int:
        """How many requests are not finished."""
        return sum(listener.busy for listener in self._listeners)

    @property
    def dropped(self) -> int:
        """How many requests were not answered since the start, too much going on."""
        return sum(listener.dropped for listener in self._listeners)

    async def start(self) -> None:
        """Bind every port and serve. Raises StartError, with nothing left bound."""
        # bound once: a filtered debug line then costs a call, not a new logger
        self._log = structlog.get_logger().bind(service=self.name, node=self._node)
        loop = asyncio.get_running_loop()
        allow_descriptors(self._options.max_transfers * len(self._endpoints))
        block_tables()
        self._poller = make_poller(loop)
        context = self._context(loop, self._poller)
        kind = _kind_of(self._options)
        try:
            for address, port in self._endpoints:
                self._listeners.append(kind(context, address, port))
        except StartError:
            await self._close()
            raise
        self._stopping = False
        self._reported_drops = 0
        self._sweeper = loop.call_later(SWEEP_S, self._sweep, loop)

    async def stop(self, drain_s: float) -> None:
        """Take no new request, let what runs finish for `drain_s` seconds, then close."""
        for listener in self._listeners:
            listener.stop_accepting()
        self._stopping = True
        if self.busy:
            self._quiet.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    await self._quiet.wait()
        await self._close()

    def sweep(self) -> None:
        """Look after every transfer's timeout; the running daemon does so four times a second."""
        for listener in self._listeners:
            listener.sweep()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sweep, and again in a quarter of a second."""
        self._sweeper = loop.call_later(SWEEP_S, self._sweep, loop)
        self.sweep()
        dropped = self.dropped
        if dropped != self._reported_drops:
            self._log.warning("tftp requests dropped", total=dropped)
            self._reported_drops = dropped

    async def _close(self) -> None:
        """Close every port, and let go of the loop."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for listener in self._listeners:
            await listener.close()
        self._listeners.clear()
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    def _context(self, loop: asyncio.AbstractEventLoop, poller: Poller) -> Context:
        """Put together what the ports share."""
        return Context(
            files=self._files,
            options=self._options,
            poller=poller,
            loop=loop,
            now=self._clock.monotonic,
            ended=self._ended,
            refused=self._refused,
            failed=self._failed,
            fetches=asyncio.Semaphore(self._options.max_fetches),
            elsewhere=self._elsewhere,
            tap=self._tap,
        )

    def _ended(self, ask: Ask, answer: str, reason: str) -> None:
        """Record a finished request; cheap, for a thousand phones boot at once."""
        milliseconds = (self._clock.monotonic() - ask.started) * 1000
        peer = f"{ask.peer[0]}:{ask.peer[1]}"
        self._journal.record(
            Exchange(
                self._clock.now(),
                self._node,
                self.name,
                peer,
                device_in(ask.name),
                ask.name,
                f"{answer}: {reason}" if reason else answer,
                milliseconds,
                ask.fault,
            )
        )
        self._log.debug(
            "tftp", peer=peer, file=ask.name, answer=answer, reason=reason, ms=milliseconds
        )
        if self._stopping and not self.busy:
            self._quiet.set()

    def _refused(self, peer: Peer, reason: str) -> None:
        """Log a request that is answered ERROR before any file is looked for."""
        self._log.info("tftp request refused", peer=f"{peer[0]}:{peer[1]}", reason=reason)

    def _failed(self, event: str, error: Exception) -> None:
        """Log a fault of our own side."""
        self._log.error(event, error=repr(error))


def _kind_of(options: TftpOptions) -> type[Listener]:
    """Return what serves a port."""
    if options.single_port:
        return SinglePortListener
    return PortRangeListener if options.transfer_ports else Listener


def allow_descriptors(transfers: int) -> None:
    """Raise this process's limit of open files so that `transfers` sockets fit, if it may be."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - absent on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = transfers + _SPARE_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
