"""What a protocol looks like to a stream server, and what it learns about its clients.

A protocol plugs in as a `Conversation`, one object a connection, which sees plain bytes in and
messages out. The order of calls, all on the loop:

    conversation = factory(arrival, record)       the client's TCP connection was accepted
    on_handshake(peer)                            TLS stands; a server that speaks first, speaks
    receive_data(data)                            some decrypted bytes, cut anywhere
    decide()                                      take decisions; see below
    data_to_send()                                messages, each written as one TLS record
    on_end(outcome)                               the connection is gone; called exactly once

After `on_handshake` and after each `receive_data` the server calls `decide()`. It answers at once
what can be answered at once and returns None. For a decision that must wait (a database, a
signature in a worker thread) it returns a coroutine: the server runs it as a task, reads nothing
more from this client meanwhile, then writes `data_to_send()` and calls `decide()` again. The
coroutine is not cancelled when the client goes away, so what a phone confirmed is written down;
only `stop()` ends it, after the drain time.

A server may be plain TCP as well: `on_handshake` then comes at once, with an empty TLS version. A
conversation that has something to say or to decide without the client having sent anything (a
deadline of its own, an order from elsewhere) calls `arrival.wake()`: the server calls `decide()`
soon after. One that is sent whole messages which are no requests calls `arrival.settle()` when it
holds no part of a message, so that the client does not seem to be in the middle of a request.
`arrival.reset(why)` ends the connection with a TCP reset, after what is to be written now.

When `closed` is true after that, the server closes the connection properly. `receive_data`,
`decide` and the coroutine raise RemoteProtocolError to give the client up: what is in
`data_to_send()` still goes out, then the connection ends and the reason is logged.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography import x509

from cucmsim.clock import Clock
from cucmsim.services.capture import Tap
from cucmsim.services.journal import Exchange, Journal

__all__ = [
    "SERVER_ABORTED",
    "SERVER_STOPPED",
    "Arrival",
    "Conversation",
    "ConversationFactory",
    "Limits",
    "PeerInfo",
    "Record",
    "Recorder",
]


def _nothing() -> None:
    """Do nothing."""


def _ignore(_why: str) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A TCP connection just accepted; `number` counts the connections of this server from 1.

    `wake`, `settle` and `reset` are the server's; see the head of this module.
    """

    number: int
    address: str
    port: int
    descriptor: int
    wake: Callable[[], None] = field(default=_nothing, compare=False, repr=False)
    settle: Callable[[], None] = field(default=_nothing, compare=False, repr=False)
    reset: Callable[[str], None] = field(default=_ignore, compare=False, repr=False)

    def __str__(self) -> str:
        """Format as `address:port`."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A client after its TLS handshake; `certificate` is what it presented, trusted or not.

    Over plain TCP version and cipher are empty.
    """

    address: str
    port: int
    tls_version: str
    cipher: str
    certificate: x509.Certificate | None


class Record(Protocol):
    """Takes what is known of a finished request; the server adds the rest."""

    def __call__(self, device: str | None, request: str, answer: str, fault: str = "") -> None:
        """Record who asked what and was told what; `fault` is the fault at work, if any."""
        ...


class Conversation(Protocol):
    """One connection of a protocol; see the head of this module."""

    @property
    def closed(self) -> bool:
        """Whether our side has nothing more to say."""
        ...

    def on_handshake(self, peer: PeerInfo) -> None:
        """Take note that TLS stands."""
        ...

    def receive_data(self, data: bytes) -> None:
        """Take decrypted bytes. Raises RemoteProtocolError."""
        ...

    def decide(self) -> Coroutine[None, None, None] | None:
        """Decide what can be decided; return a coroutine for what must wait."""
        ...

    def data_to_send(self) -> Sequence[bytes]:
        """Return the messages to write now, once."""
        ...

    def on_end(self, outcome: str) -> Mapping[str, object] | None:
        """Take note that the connection is gone; return what its log line is to say besides."""
        ...


SERVER_STOPPED: Final = "server stopped"
SERVER_ABORTED: Final = "aborted, the server stopped"
"""Outcomes of `on_end` that are our own doing, and nothing that the client did."""

ConversationFactory = Callable[[Arrival, Record], Conversation]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server grants its clients.

    `idle_s` is the time from one message to the next whole one, so a client that sends a byte a
    second is not kept longer than a silent one.
    """

    handshake_s: float = 10.0
    idle_s: float = 30.0
    connections: int = 2000


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes a service's exchanges of one node into the journal; `tap` is the capture's."""

    node: str
    service: str
    journal: Journal
    clock: Clock
    tap: Tap | None = None

    def record(
        self,
        peer: str,
        device: str | None,
        request: str,
        answer: str,
        milliseconds: float,
        fault: str = "",
    ) -> None:
        """Record one finished request, as of now."""
        asked = (peer, device, request, answer)
        self.journal.record(
            Exchange(self.clock.now(), self.node, self.service, *asked, milliseconds, fault)
        )
