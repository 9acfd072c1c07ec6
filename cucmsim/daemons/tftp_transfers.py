"""A running TFTP transfer: the hot loop.

`protocols.tftp.ServerTransfer` says what is right. This class does the one thing that happens 48
times in every boot, the expected ACK and the next window, without it: the ACK is compared with four
bytes made beforehand, and a DATA packet is a ready head and a slice of the file. That is what makes
2997 boots/s of 3341 that a minimal C server reaches on the same machine (256 phones at once). For
everything else - another packet, a timeout - it hands its place to a `ServerTransfer`, does what
that says, and goes on from there; so there is one set of rules. The tests run both over the same
datagrams and compare.

Windows of 4 blocks and more leave in one system call, cut by the kernel (UDP_SEGMENT): 4 to 5 times
the rate of atftpd for firmware. Where the network card's frame is smaller than a block the kernel
refuses, and the blocks are sent one by one.
"""

import functools
import math
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cucmsim.formats.tftp import OptionAck, ReadRequest, encode_packet
from cucmsim.protocols.tftp import Outcome, ServerTransfer, TransferEnded, last_block
from cucmsim.protocols.tftp_requests import Limits, Mode, Terms

__all__ = ["SWEEP_S", "Ask", "Channel", "Peer", "Transfer", "block_tables"]

SWEEP_S = 0.25
"""Time between two looks for transfers that have heard nothing, in seconds."""

Peer = tuple[str, int] | tuple[str, int, int, int]
"""A client's address as the socket gives it, IPv4 or IPv6."""

Segments = Sequence[tuple[int, int, bytes]]

_RECEIVED = 256  # more than any packet a client may send during a transfer needs to be understood
_UDP_SEGMENT = 103  # linux/udp.h
_GSO_WINDOW = 4
_GSO_SEGMENTS = 64  # UDP_MAX_SEGMENTS
_GSO_BYTES = 65000  # under what one UDP datagram could hold


@functools.cache
def block_tables() -> tuple[list[bytes], list[bytes]]:
    """Make the first four bytes of every DATA packet, and every ACK, by block number."""
    numbers = [number.to_bytes(2, "big") for number in range(0x10000)]
    return [b"\0\3" + number for number in numbers], [b"\0\4" + number for number in numbers]


class Ask(NamedTuple):
    """A request that is being answered: who sent which datagram, when (monotonic seconds).

    `fault` names what the fault plan did to the request or the file. A tuple, as Channel is: made
    for every file in a third of a frozen dataclass's time.
    """

    peer: Peer
    data: bytes
    request: ReadRequest
    name: str
    mode: Mode
    started: float
    fault: str = ""

    def with_fault(self, fault: str) -> "Ask":
        """Return the request with one more fault; itself for ""."""
        if not fault:
            return self
        return self._replace(fault=f"{self.fault}; {fault}" if self.fault else fault)


class Channel(NamedTuple):
    """How a transfer reaches its client; one port for all has nothing to receive from here."""

    send: Callable[[bytes], object]
    send_segments: Callable[[Sequence[bytes], Segments], object]
    receive: Callable[[int], bytes] | None
    descriptor: int | None
    close: Callable[[], None]


class Transfer:
    """One file on its way to one client; `content` is as it goes over the wire."""

    __slots__ = (
        "_acked",
        "_acks",
        "_blksize",
        "_content",
        "_ended",
        "_expected",
        "_gso_count",
        "_heads",
        "_idle",
        "_last",
        "_limits",
        "_machine",
        "_now",
        "_patience",
        "_receive",
        "_seen",
        "_send",
        "_straight",
        "_window",
        "ask",
        "block",
        "channel",
        "over",
        "terms",
    )

    def __init__(
        self,
        ask: Ask,
        content: bytes,
        terms: Terms,
        limits: Limits,
        channel: Channel,
        now: Callable[[], float],
        ended: "Callable[[Transfer, Outcome, str], None]",
    ) -> None:
        self.ask = ask
        self.channel = channel
        self.terms = terms
        self.block = 0  # the last block sent, without wrapping; 0 is the options or nothing yet
        self._content = content
        self._blksize = terms.blksize
        self._window = terms.windowsize
        self._last = last_block(len(content), terms.blksize)
        # up to here the next block follows an ACK; windows and the end take the longer way
        self._straight = self._last if terms.windowsize == 1 else 0
        self._heads, self._acks = block_tables()
        self._expected = self._acks[0]
        self._acked = -1  # kept in windows only; the block before the last one sent otherwise
        self._limits = limits
        self._send = channel.send
        self._receive = channel.receive
        self._now = now
        self._ended = ended
        self._machine: ServerTransfer | None = None
        self._gso_count = _gso_count(terms)
        self.over = False
        self._seen = -1
        self._idle = 0
        self._patience = max(1, math.ceil(terms.timeout_s / SWEEP_S))

    @property
    def size(self) -> int:
        """How many bytes the transfer carries."""
        return len(self._content)

    @property
    def acked(self) -> int:
        """The last block acknowledged, without wrapping; -1 while the options are not."""
        return self._acked if self._window > 1 else self.block - 1

    @property
    def fault(self) -> str:
        """The faults of the plan that happened to it; "" for none."""
        return self.ask.fault

    @property
    def resent(self) -> int:
        """How often a window was sent again."""
        return self._machine.resent if self._machine else 0

    def start(self) -> None:
        """Send the first packet or window."""
        try:
            if self.terms.accepted:
                self._send(encode_packet(OptionAck(self.terms.accepted)))
            else:
                self._next()
        except OSError as error:
            self._trouble(error)

    def readable(self) -> None:
        """Take what arrived at the transfer's own port, if it has one: to the expected ACK.

        Behind that there is nothing, as a rule, and the poller is told of every arrival once: what
        is there nevertheless is read with the next arrival, or by the sweep.
        """
        if self._receive is None:
            return
        try:
            while (data := self._receive(_RECEIVED)) != self._expected:
                self._unexpected(data)
                if self.over:
                    return
            block = self.block
            if block >= self._straight:
                self._next()
                return
            # _next_block, written out: the call is a tenth of our own time in a packet
            start = block * self._blksize
            self.block = block = block + 1
            number = block & 0xFFFF
            self._expected = self._acks[number]
            self._send(self._heads[number] + self._content[start : start + self._blksize])
        except BlockingIOError:
            pass  # nothing to read; or no room to send, which is a lost packet
        except OSError as error:
            self._trouble(error)

    def take(self, data: bytes) -> None:
        """Take one datagram that arrived at a port shared by all transfers."""
        try:
            if data == self._expected:
                self._next()
            else:
                self._unexpected(data)
        except OSError as error:
            self._trouble(error)

    def sweep(self) -> None:
        """Note whether there was progress since the last sweep; send again when it is time."""
        if self.block != self._seen:
            self._seen = self.block
            self._idle = 0
            return
        self._idle += 1
        if self._idle >= self._patience:
            self._time_out()

    def end(self, outcome: Outcome, reason: str) -> None:
        """End the transfer, once."""
        if not self.over:
            self.over = True
            self._ended(self, outcome, reason)

    def _next(self) -> None:
        """Send what follows the block or window sent last, which has arrived; or end."""
        if self.block == self._last:
            self.end(Outcome.COMPLETE, "")
        elif self._window > 1:
            self._next_window()
        else:
            self._next_block()

    def _next_block(self) -> None:
        """Send the block after the one sent last."""
        start = self.block * self._blksize
        self.block = block = self.block + 1
        number = block & 0xFFFF
        self._expected = self._acks[number]
        self._send(self._heads[number] + self._content[start : start + self._blksize])

    def _next_window(self) -> None:
        """Send the window after the last block sent."""
        first = self._acked = self.block
        self.block = end = min(first + self._window, self._last)
        self._expected = self._acks[end & 0xFFFF]
        size, heads, content = self._blksize, self._heads, self._content
        packets = [
            heads[(block + 1) & 0xFFFF] + content[block * size : (block + 1) * size]
            for block in range(first, end)
        ]
        if self._gso_count and len(packets) > 1 and self._send_segmented(packets):
            return
        for packet in packets:
            self._send(packet)

    def _send_segmented(self, packets: list[bytes]) -> bool:
        """Let the kernel cut the window into datagrams; False where it cannot."""
        count = self._gso_count
        control = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", self._blksize + 4))]
        try:
            for start in range(0, len(packets), count):
                self.channel.send_segments(packets[start : start + count], control)
        except (BlockingIOError, ConnectionRefusedError):
            raise
        except OSError:
            self._gso_count = 0
            return False
        return True

    def _unexpected(self, data: bytes) -> None:
        """Let the state machine say what any other datagram means."""
        now = self._now()
        machine = self._resume(now)
        machine.receive_datagram(data, now)
        self._follow(machine, now)

    def _time_out(self) -> None:
        """Read what has arrived meanwhile; where that is nothing, let the machine send again."""
        before = self.block
        self.readable()
        if self.over or self.block != before or self._idle < self._patience:
            return
        now = self._now()
        machine = self._resume(-math.inf)
        machine.handle_timeout(now)
        try:
            self._follow(machine, now)
        except OSError as error:
            self._trouble(error)

    def _resume(self, since: float) -> ServerTransfer:
        """Give the state machine our place in the transfer."""
        if self._machine is None:
            self._machine = ServerTransfer.resumed(
                self._limits, self.ask.request, self.terms, self._content, self.acked
            )
        self._machine.advance(self.acked, since)
        return self._machine

    def _follow(self, machine: ServerTransfer, now: float) -> None:
        """Take the machine's place, and send what it wants sent."""
        datagrams = machine.datagrams_to_send(now)
        self._acked = machine.acked
        self.block = machine.window_end
        self._expected = self._acks[self.block & 0xFFFF]
        if datagrams:
            self._idle = 0
        try:
            for datagram in datagrams:
                self._send(datagram)
        finally:
            event = machine.next_event()
            if isinstance(event, TransferEnded):
                self.end(event.outcome, event.reason)

    def _trouble(self, error: OSError) -> None:
        """Take what the network says: nobody listens there, or the packet could not be sent.

        A packet that could not be sent (no buffer, no route, a firewall's EPERM) counts as lost.
        """
        if isinstance(error, ConnectionRefusedError):
            self.end(Outcome.GONE, f"the client's port is closed after block {self.acked}")


def _gso_count(terms: Terms) -> int:
    """Return how many blocks leave in one system call; 0 for one by one."""
    count = min(_GSO_SEGMENTS, _GSO_BYTES // (terms.blksize + 4))
    if sys.platform != "linux" or terms.windowsize < _GSO_WINDOW or count < _GSO_WINDOW:
        return 0
    return count
