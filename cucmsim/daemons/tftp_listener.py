"""A TFTP port: takes requests, finds the files, starts the transfers.

Every transfer gets a port of its own on the same address (RFC 1350 section 4), connected to the
client, so that the kernel keeps everybody else's packets away from it: 12 microseconds with its
place in the epoll object and its closing. `tftp_single_port` has the other way.

Duplicates and reused ports: a client that hears nothing sends its request again; and a new client
can get the port of one whose last ACK is still unread here. Taking that one's request for a
duplicate costs it a second. So the old transfer is read first; it gives way to the new request
unless it is still at its first block and was asked for in the same words.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from cucmsim.daemons.base import listen_udp
from cucmsim.daemons.filesource import Elsewhere, FileSource
from cucmsim.daemons.poller import Poller
from cucmsim.daemons.tftp_disturbed import Disturbance, FaultyRequests, FaultyTransfer
from cucmsim.daemons.tftp_faults import TftpFaults
from cucmsim.daemons.tftp_tap import DatagramTap
from cucmsim.daemons.tftp_transfers import Ask, Channel, Peer, Transfer
from cucmsim.errors import RemoteProtocolError
from cucmsim.formats.tftp import ErrorCode, ErrorPacket, ReadRequest, encode_packet
from cucmsim.protocols.tftp import Outcome
from cucmsim.protocols.tftp_requests import (
    Limits,
    Mode,
    Terms,
    decode_request,
    is_proxied,
    legal_name,
    negotiate,
    requested_mode,
    to_netascii,
)
from cucmsim.services.capture import Tap
from cucmsim.services.faults.plan import FaultPlan

__all__ = ["Context", "Ended", "Listener", "TftpOptions"]

_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)  # Linux; saves a system call for each transfer
_DATAGRAMS = socket.SOCK_DGRAM | _NONBLOCK
_BURST = 256
_RECEIVED = 2048  # over any legal request (512), so that a longer one is seen to be longer
_RRQ = b"\0\1"
_OCTET = b"\0octet\0"
_MAX_PLAIN = 500  # of the 512 a request may have
_LARGE_TEXT = 1 << 18  # netascii of more than this is made in a thread
_NOT_FOUND = "File not found"


@dataclass(frozen=True, slots=True)
class TftpOptions:
    """How a TFTP daemon behaves.

    `max_transfers` bounds transfers and open requests of one port; a request over it is not
    answered, and the client asks again. `max_fetches` bounds the files that are looked for at once.
    `faults` is what goes wrong. `transfer_ports` are what transfers take in turn; none: any port.
    """

    single_port: bool = False
    limits: Limits = field(default_factory=Limits)
    max_transfers: int = 4096
    max_fetches: int = 64
    faults: TftpFaults = field(default_factory=lambda: TftpFaults(FaultPlan(), ""))
    transfer_ports: range = range(0)


class _Wanted(NamedTuple):
    """What is looked for; who proxies for another cluster is told what is here alone.

    `client` is set where the file may be spoilt for one client.
    """

    name: str
    mode: Mode
    is_proxied: bool
    client: Peer | None = None


Ended = Callable[[Ask, str, str], None]
"""Takes a finished request: what was asked, what was answered, and why (may be empty)."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all ports of one daemon share."""

    files: FileSource
    options: TftpOptions
    poller: Poller
    loop: asyncio.AbstractEventLoop
    now: Callable[[], float]
    ended: Ended
    refused: Callable[[Peer, str], None]
    failed: Callable[[str, Exception], None]
    fetches: asyncio.Semaphore
    elsewhere: Elsewhere | None = None
    tap: Tap | None = None


class Listener:
    """One bound port."""

    def __init__(self, context: Context, address: str, port: int) -> None:
        self._context = context
        self._options = context.options
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._asks: dict[Peer, Ask] = {}
        self._waiting: dict[_Wanted, list[Ask]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = True
        self._faults = context.options.faults
        self._faulty = FaultyRequests(
            self._faults, context.loop.call_later, self._redirected, self._lost, self._send_to
        )
        self._default_terms = Terms(timeout_s=context.options.limits.timeout_s)
        self.transfers: dict[Peer, Transfer] = {}
        self.dropped = 0
        """Requests that were not answered because too much was going on."""
        self._socket = listen_udp("tftp", address, port)
        self.port: int = self._socket.getsockname()[1]
        tap = context.tap
        self._tap = None if tap is None else DatagramTap(tap, address, self.port)
        # A wildcard address stays unbound in the transfers: connect() finds the one to send from.
        self._source = None if address in ("0.0.0.0", "::") else (address, 0)  # noqa: S104 - compared
        context.poller.register(self._socket.fileno(), self.readable)

    @property
    def busy(self) -> int:
        """How many requests are not finished."""
        return len(self.transfers) + len(self._asks)

    def stop_accepting(self) -> None:
        """Take no new request; what runs goes on, and the port stays bound until `close`."""
        self._accepting = False

    def sweep(self) -> None:
        """Look after every transfer's timeout."""
        for transfer in tuple(self.transfers.values()):
            transfer.sweep()

    async def close(self) -> None:
        """End everything at once."""
        self.stop_accepting()
        self._faulty.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transfer in tuple(self.transfers.values()):
            transfer.end(Outcome.REFUSED, "the server stops")
        self._context.poller.forget(self._socket.fileno())
        self._socket.close()

    def readable(self) -> None:
        """Take the requests that have arrived; those over a burst at the next turn."""
        for _ in range(_BURST):
            try:
                data, peer = self._socket.recvfrom(_RECEIVED)
            except OSError:
                return  # nothing to read (or, on some systems, an ICMP error of an earlier answer)
            if self._tap and self._tap.is_on:
                self._tap.received(data, peer)
            self._received(data, peer)

    def _received(self, data: bytes, peer: Peer) -> None:
        """Take a datagram at the listening port."""
        running = self.transfers.get(peer)
        if running is not None:
            running.readable()
        self._requested(data, peer)

    def _requested(self, data: bytes, peer: Peer) -> None:
        """Take a request that came."""
        if not self._accepting:
            return
        try:
            ask = self._read(data, peer)
        except RemoteProtocolError as error:
            self._send_error(peer, error.reason or 0, str(error))
            self._context.refused(peer, str(error))
            return
        if ask is None:
            return
        if self._faults.is_active:
            self._faulty.arrived(ask)
        else:
            self._accept(ask)

    def _redirected(self, data: bytes, ask: Ask) -> None:
        """Take what a fault made of a request."""
        if not self._accepting:
            return
        try:
            read = self._read(data, ask.peer)
        except RemoteProtocolError as error:
            self._send_error(ask.peer, error.reason or 0, str(error))
            self._context.ended(ask, f"error {error.reason or 0}", str(error))
            return
        if read is not None:
            self._accept(read.with_fault(ask.fault))

    def _lost(self, ask: Ask) -> None:
        """Take note of a request that did not arrive."""
        self._context.ended(ask, "not answered", "the request did not arrive")

    def _accept(self, ask: Ask) -> None:
        """Answer a request, unless it is a duplicate or there are too many."""
        if self._is_duplicate(ask):
            return
        if self.busy >= self._options.max_transfers:
            self.dropped += 1
            return
        if self._faults.is_active and self._goes_wrong(ask):
            return
        content = self._context.files.cached(ask.name) if ask.mode is Mode.OCTET else None
        if content is None:
            self._look_for(ask)
        else:
            self._start(ask, content)

    def _read(self, data: bytes, peer: Peer) -> Ask | None:
        """Read a request; None for what is never answered. Raises RemoteProtocolError."""
        request, mode = _plain_request(data), Mode.OCTET
        if request is None:
            request = decode_request(data)
            if request is None:
                return None
            mode = requested_mode(request.mode)
        return Ask(peer, data, request, legal_name(request.filename), mode, self._context.now())

    def _is_duplicate(self, ask: Ask) -> bool:
        """Tell whether this request is being answered; what it replaces is ended."""
        waiting = self._asks.get(ask.peer)
        if waiting is not None:
            if waiting.data == ask.data:
                return True
            del self._asks[ask.peer]
        running = self.transfers.get(ask.peer)
        if running is not None:
            if running.acked <= 0 and running.ask.data == ask.data:
                return True
            running.end(Outcome.GONE, f"a new request came after block {running.acked}")
        return False

    def _goes_wrong(self, ask: Ask) -> bool:
        """Refuse a request, or look for a file to be spoilt, if the plan has it so."""
        fault = self._faults.error(ask)
        if fault is not None:
            self._refuse(ask.with_fault(str(fault)), fault.whole("code"), fault.text("text"))
            return True
        if self._faults.concerns_file(ask):
            self._look_for(ask, ask.peer)
            return True
        return False

    def _look_for(self, ask: Ask, client: Peer | None = None) -> None:
        """Look for a file off the loop; requests for one file wait together."""
        self._asks[ask.peer] = ask
        key = _Wanted(ask.name, ask.mode, is_proxied(ask.request), client)
        asks = self._waiting.setdefault(key, [])
        asks.append(ask)
        if len(asks) == 1:
            task = self._context.loop.create_task(self._fetch(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, wanted: _Wanted) -> None:
        """Get one file and answer everybody who waits for it."""
        content: bytes | None = None
        fault = ""
        code, message = ErrorCode.FILE_NOT_FOUND, _NOT_FOUND
        try:
            content, fault = await self._content(wanted)
        except Exception as error:  # noqa: BLE001 - one file's fault must not end the daemon
            code, message = ErrorCode.UNDEFINED, "The file cannot be made"
            self._context.failed(f"file {wanted.name} cannot be made", error)
        finally:
            asks = self._waiting.pop(wanted)
        for ask in asks:
            if self._asks.get(ask.peer) is not ask:
                continue  # replaced meanwhile
            del self._asks[ask.peer]
            if content is None:
                self._refuse(ask, code, message)
            else:
                self._start(ask.with_fault(fault), content)

    def _refuse(self, ask: Ask, code: int, message: str) -> None:
        """Answer a request with an error, and report it."""
        if self._faults.is_active:
            ask = self._faulty.refuse(ask, _error_packet(code, message))
        else:
            self._send_error(ask.peer, code, message)
        self._context.ended(ask, f"error {int(code)}", message)

    async def _content(self, wanted: _Wanted) -> tuple[bytes | None, str]:
        """Return the file as it goes over the wire, and its fault; None when there is none."""
        files, elsewhere = self._context.files, self._context.elsewhere
        async with self._context.fetches:
            content = files.cached(wanted.name)
            if content is None:
                content = await files.fetch(wanted.name)
        if content is None and elsewhere is not None and not wanted.is_proxied:
            content = await elsewhere.find(wanted.name)  # may be slow, so it holds no fetch up
        fault, faults = "", self._faults.files
        if content is not None and wanted.client is not None and faults is not None:
            served = await faults.spoil(wanted.name, str(wanted.client[0]), content)
            content, fault = served.data, served.fault
        if content is None or wanted.mode is Mode.OCTET:
            return content, fault
        if len(content) <= _LARGE_TEXT:
            return to_netascii(content), fault
        return await asyncio.to_thread(to_netascii, content), fault

    def _start(self, ask: Ask, content: bytes) -> None:
        """Send a file."""
        options, terms = ask.request.options, self._default_terms
        if options:
            terms = negotiate(ask.request, ask.mode, len(content), self._options.limits)
        try:
            channel = self._tapped(self._open(ask.peer), ask.peer)
        except OSError as error:
            self._context.failed(f"no socket for {ask.peer[0]}:{ask.peer[1]}", error)
            self._context.ended(ask, "not answered", "no socket")
            return
        limits, now = self._options.limits, self._context.now
        if self._faults.is_active and self._faults.concerns(ask):
            disturbance = Disturbance(self._faults, self._context.loop.call_later)
            transfer: Transfer = FaultyTransfer(
                ask, content, terms, limits, channel, now, self._ended, disturbance
            )
        else:
            transfer = Transfer(ask, content, terms, limits, channel, now, self._ended)
        self.transfers[ask.peer] = transfer
        if channel.descriptor is not None:
            self._context.poller.register(channel.descriptor, transfer.readable, once=True)
        transfer.start()

    def _open(self, peer: Peer) -> Channel:
        """Open a port for one transfer. Raises OSError."""
        # SocketType, the C class: the Python class around it costs another microsecond
        channel = socket.SocketType(self._family, _DATAGRAMS)
        try:
            if not _NONBLOCK:
                channel.setblocking(False)  # noqa: FBT003 - the standard library's signature
            if self._source is not None:
                channel.bind(self._source)
            channel.connect(peer)
        except OSError:
            channel.close()
            raise
        return Channel(channel.send, channel.sendmsg, channel.recv, channel.fileno(), channel.close)

    def _tapped(self, channel: Channel, peer: Peer) -> Channel:
        """Return `channel` as it is, or with the capture's tap where that is on."""
        if self._tap is None or not self._tap.is_on:
            return channel
        return self._tap.channel(channel, peer)

    def _ended(self, transfer: Transfer, outcome: Outcome, reason: str) -> None:
        """Close a transfer's port and report it."""
        ask, fault = transfer.ask, transfer.fault
        del self.transfers[ask.peer]
        if transfer.channel.descriptor is not None:
            self._context.poller.forget(transfer.channel.descriptor)
        transfer.channel.close()
        answer = f"{transfer.size} bytes" if outcome is Outcome.COMPLETE else outcome.value
        self._context.ended(ask._replace(fault=fault) if fault else ask, answer, reason)

    def _send_error(self, peer: Peer, code: int, message: str) -> None:
        """Answer ERROR."""
        self._send_to(_error_packet(code, message), peer)

    def _send_to(self, packet: bytes, peer: Peer) -> None:
        """Send a packet from the listening port."""
        with contextlib.suppress(OSError):  # lost, as any datagram may be
            self._socket.sendto(packet, peer)
            if self._tap:
                self._tap.sent(packet, peer)


def _error_packet(code: int, message: str) -> bytes:
    return encode_packet(ErrorPacket(code, message.encode("ascii", "replace").decode("ascii")))


def _plain_request(data: bytes) -> ReadRequest | None:
    """Read what every phone sends, a name and `octet`: in a quarter of the time."""
    end = len(data) - len(_OCTET)
    if data[end:] == _OCTET and data[:2] == _RRQ and data.find(0, 2) == end <= _MAX_PLAIN:
        return ReadRequest(data[2:end].decode("utf-8", "surrogateescape"))
    return None
