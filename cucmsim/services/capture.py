"""The capture: what crossed the wire byte for byte, as conversations of packets.

Off until somebody starts it. The daemons' taps then say what arrives and leaves:

    held = capture.begin(Ends(...))                     a connection, or a first datagram
    capture.add(held, Sender.CLIENT, Kind.DATA, data)   as it was on the wire
    capture.add_plain(held, Sender.CLIENT, data)        what TLS hid
    capture.snapshot()                                  values, for files and comparisons

It keeps a bounded number of bytes. Above that the oldest conversations go, whole, and it is said
how many. `lines` and `digest` tell a run in a form that is the same for the same run with the same
seed: without times, without port numbers that the system chose, and of TLS what was inside.
"""

import hashlib
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cucmsim.clock import Clock

__all__ = [
    "Capture",
    "CaptureState",
    "Conversation",
    "End",
    "Ends",
    "Held",
    "Kind",
    "Packet",
    "Sender",
    "Snapshot",
    "Tap",
    "Transport",
    "digest",
    "lines",
]

_KEPT = 64 << 20
_OVERHEAD = 64  # bytes counted for a packet besides its own
_WIDTH = 32  # bytes in a line
_PRINTED = range(0x20, 0x7F)


class Sender(StrEnum):
    """Who sent something."""

    CLIENT = "client"
    SERVER = "server"


class Transport(StrEnum):
    """What a conversation went over."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Kind(StrEnum):
    """What a packet is: data, or the end of what a side of a connection sends."""

    DATA = "data"
    FINISH = "finish"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class End:
    """An address and a port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Who talks with whom, and over what. Of TFTP, `server` is the port that was asked."""

    node: str
    service: str
    transport: Transport
    client: End
    server: End


@dataclass(frozen=True, slots=True)
class Packet:
    """What one side put on the wire; `number` counts the packets of a capture.

    `server_port` is the server's own where it is another than the conversation's: TFTP's.
    """

    number: int
    time: datetime
    sender: Sender
    kind: Kind
    data: bytes = b""
    server_port: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A connection, or the datagrams of one client's port; `plain` is what TLS hid, by record."""

    number: int
    started: datetime
    ends: Ends
    packets: tuple[Packet, ...]
    plain: tuple[tuple[Sender, bytes], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that was kept, in the order in which it began; `dropped` conversations were not.

    `secrets` are lines of a TLS key log.
    """

    conversations: tuple[Conversation, ...] = ()
    secrets: tuple[bytes, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class CaptureState:
    """How a capture is; `size` is what its packets take, of `limit` bytes."""

    on: bool
    conversations: int
    packets: int
    size: int
    limit: int
    dropped: int


@dataclass(slots=True)
class Held:
    """A conversation under way; `is_kept` is false once it was dropped."""

    number: int
    started: datetime
    ends: Ends
    packets: list[Packet] = field(default_factory=list)
    plain: list[tuple[Sender, bytes]] = field(default_factory=list)
    size: int = 0
    is_kept: bool = True

    def frozen(self) -> Conversation:
        """Return it as it is now."""
        return Conversation(
            self.number, self.started, self.ends, tuple(self.packets), tuple(self.plain)
        )


class Capture:
    """What crossed the wire of a process since it was started; belongs to the process's loop."""

    def __init__(self, clock: Clock, limit: int = _KEPT) -> None:
        self._clock = clock
        self._limit = limit
        self.is_on = False
        self._held: dict[int, Held] = {}
        self._forget()

    def start(self) -> None:
        """Forget what was captured and begin; goes on where it is on already."""
        if not self.is_on:
            self._forget()
            self.is_on = True

    def stop(self) -> None:
        """Take no more; what was captured stays."""
        self.is_on = False

    @property
    def state(self) -> CaptureState:
        """How it is now."""
        return CaptureState(
            on=self.is_on,
            conversations=len(self._held),
            packets=sum(len(held.packets) for held in self._held.values()),
            size=self._size,
            limit=self._limit,
            dropped=self._dropped,
        )

    def begin(self, ends: Ends) -> Held | None:
        """Begin a conversation; None while the capture is off."""
        if not self.is_on:
            return None
        held = Held(next(self._numbers), self._clock.now(), ends)
        self._held[held.number] = held
        self._grow(held, _OVERHEAD)
        return held

    def add(
        self,
        held: Held,
        sender: Sender,
        kind: Kind,
        data: bytes = b"",
        server_port: int | None = None,
    ) -> None:
        """Take what one side put on the wire."""
        if self.is_on and held.is_kept:
            now = self._clock.now()
            held.packets.append(Packet(next(self._numbers), now, sender, kind, data, server_port))
            self._grow(held, len(data) + _OVERHEAD)

    def add_plain(self, held: Held, sender: Sender, data: bytes) -> None:
        """Take what a record of TLS held."""
        if self.is_on and held.is_kept:
            held.plain.append((sender, data))
            self._grow(held, len(data) + _OVERHEAD)

    def add_secret(self, line: bytes) -> None:
        """Take a line of the TLS key log."""
        if self.is_on:
            self._secrets.append((next(self._numbers), line))
            self._size += len(line) + _OVERHEAD

    def snapshot(self) -> Snapshot:
        """Return what was captured, as values."""
        return Snapshot(
            tuple(held.frozen() for held in self._held.values()),
            tuple(line for _, line in self._secrets),
            self._dropped,
        )

    def _forget(self) -> None:
        for held in self._held.values():
            held.is_kept = False
        self._numbers = itertools.count(1)
        self._held = {}
        self._secrets: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._dropped = 0

    def _grow(self, held: Held, size: int) -> None:
        """Count what was added, and make room."""
        held.size += size
        self._size += size
        while self._size > self._limit and self._held:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Drop the conversation that began first, and the secrets from before the next."""
        oldest = self._held.pop(next(iter(self._held)))
        oldest.is_kept = False
        self._size -= oldest.size
        self._dropped += 1
        first = next(iter(self._held), None)
        while self._secrets and (first is None or self._secrets[0][0] < first):
            _, line = self._secrets.popleft()
            self._size -= len(line) + _OVERHEAD


@dataclass(frozen=True, slots=True)
class Tap:
    """Where a service of a node tells what crosses the wire.

    `address` is the node's, for sockets that are bound to any.
    """

    capture: Capture
    node: str
    service: str
    address: str

    def begin(self, transport: Transport, client: End, server: End) -> Held | None:
        """Begin a conversation with a client; None while the capture is off."""
        if not self.capture.is_on:
            return None
        if server.address in ("0.0.0.0", "::"):  # noqa: S104 - compared
            server = End(self.address, server.port)
        return self.capture.begin(Ends(self.node, self.service, transport, client, server))


def digest(snapshot: Snapshot) -> str:
    """Return the SHA-256 over the lines of a capture: the same for two runs that were alike."""
    told = hashlib.sha256()
    for line in lines(snapshot):
        told.update(line.encode() + b"\n")
    return told.hexdigest()


def lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield what was said, so that two runs can be compared line by line.

    Datagrams in their order; of a connection all that the client said, then all that the server
    did, for where a stream is cut, and who is a little faster, is chance.
    """
    if snapshot.dropped:
        yield f"{snapshot.dropped} conversations were dropped"
    for place, conversation in enumerate(snapshot.conversations, 1):
        ends = conversation.ends
        yield f"{place} {ends.node} {ends.service} {ends.transport}"
        for sender, data in _said(conversation):
            mark = ">" if sender is Sender.CLIENT else "<"
            for start in range(0, len(data), _WIDTH):
                yield f"{mark} {start:06x} {_shown(data[start : start + _WIDTH])}"


def _said(conversation: Conversation) -> Iterator[tuple[Sender, bytes]]:
    """Yield datagrams, or the two halves of a stream."""
    sent = [(one.sender, one.data) for one in conversation.packets if one.kind is Kind.DATA]
    if conversation.ends.transport is Transport.UDP:
        yield from sent
        return
    if conversation.ends.transport is Transport.TLS:
        sent = list(conversation.plain)
    for sender in Sender:
        whole = b"".join(data for one, data in sent if one is sender)
        yield sender, _without_ports(whole, conversation.ends)


def _without_ports(data: bytes, ends: Ends) -> bytes:
    """Put roles in place of the ends that protocols such as SIP write into their messages."""
    for role, end in (("CLIENT", ends.client), ("SERVER", ends.server)):
        data = data.replace(f"{end.address}:{end.port}".encode(), role.encode())
    return data


def _shown(data: bytes) -> str:
    text = "".join(chr(byte) if byte in _PRINTED else "." for byte in data)
    return f"{data.hex():<{2 * _WIDTH}} {text}"
