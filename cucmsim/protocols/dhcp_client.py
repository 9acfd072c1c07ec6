"""The client's side of DHCP, without sockets and clocks: how a phone asks for its TFTP servers.

    client = DhcpClient(DhcpIdentity(mac, vendor_class), transaction_id, address=own_address)
    for datagram in client.datagrams_to_send(now): ...   # `server` None: broadcast
    client.receive_datagram(data, now)
    match client.next_event():
        case Asked(kind, count):     ...   # `count` 1: for the first time
        case Offered(message):       ...
        case Configured(message):    ...   # the end
        case Unanswered():           ...   # the end
    at client.next_timeout():        client.handle_timeout(now)

With an address of its own, which a phone in a container has, the client only asks for what goes
with it: INFORM, answered by ACK. Without one, or where nobody answers INFORM, it does what real
phones do: DISCOVER, OFFER, REQUEST, ACK. A client that keeps its own address gives the lease back
at once (RELEASE), so that asking costs the server nothing. NAK begins anew with DISCOVER. A message
of another transaction, or that is none, is passed over: on a broadcast socket anything arrives.

Each message is sent again after 4, 8, 16 … 64 seconds, one more or less at random (RFC 2131, 4.1).

Source: RFC 2131, phone.md 1.1 (options 55 and 60). Vectors: tests/vectors/dhcp.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from ipaddress import IPv4Address

from cucmsim.errors import FormatError
from cucmsim.formats.dhcp import (
    DhcpMessage,
    DhcpOption,
    MessageType,
    Operation,
    Options,
    decode_dhcp,
    encode_dhcp,
)

__all__ = [
    "TRANSITIONS",
    "Asked",
    "Configured",
    "Datagram",
    "DhcpClient",
    "DhcpIdentity",
    "DhcpPatience",
    "Event",
    "Input",
    "Offered",
    "Refused",
    "State",
    "Unanswered",
]

_PARAMETERS = bytes((1, 66, 6, 3, 15, 150, 35))
"""Option 55 as phones send it (phone.md 1.1)."""
_ETHERNET = b"\x01"
_BROADCAST = 0x8000
_NOWHERE = IPv4Address(0)
_SECONDS = 0xFFFF
_LONGEST_WAIT_S = 64.0


class State(Enum):
    """Where a client is."""

    INFORMING = auto()
    SELECTING = auto()
    REQUESTING = auto()
    ENDED = auto()


class Input(Enum):
    """What can happen to a client."""

    OFFER = auto()
    ACK = auto()
    NAK = auto()
    SILENCE = auto()
    """Nobody answered the last retransmission."""
    EXHAUSTION = auto()
    """So, and everything was tried."""


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.INFORMING, Input.ACK): State.ENDED,
    (State.INFORMING, Input.SILENCE): State.SELECTING,
    (State.SELECTING, Input.OFFER): State.REQUESTING,
    (State.SELECTING, Input.EXHAUSTION): State.ENDED,
    (State.REQUESTING, Input.ACK): State.ENDED,
    (State.REQUESTING, Input.NAK): State.SELECTING,
    (State.REQUESTING, Input.SILENCE): State.SELECTING,
}
"""What is not here is passed over: a message that nobody asked for."""

_ANSWERS: dict[int, Input] = {
    MessageType.OFFER: Input.OFFER,
    MessageType.ACK: Input.ACK,
    MessageType.NAK: Input.NAK,
}
_QUESTIONS = {
    State.INFORMING: MessageType.INFORM,
    State.SELECTING: MessageType.DISCOVER,
    State.REQUESTING: MessageType.REQUEST,
}


@dataclass(frozen=True, slots=True)
class DhcpIdentity:
    """Who asks: six bytes of MAC address, and the value of option 60."""

    mac: bytes
    vendor_class: bytes


@dataclass(frozen=True, slots=True)
class DhcpPatience:
    """How long to wait for the first answer, and how often each message is sent.

    `discovers` counts over all rounds: what follows a NAK or a REQUEST in vain uses it up, too.
    """

    first_s: float = 4.0
    informs: int = 2
    discovers: int = 4
    requests: int = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A message goes out, the `count`-th time in a row; `kind` is INFORM, DISCOVER or REQUEST."""

    kind: MessageType
    count: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A server offers an address, which is now requested; others that offer are not looked at."""

    message: DhcpMessage


@dataclass(frozen=True, slots=True)
class Refused:
    """A server refuses the address that was requested."""

    message: DhcpMessage


@dataclass(frozen=True, slots=True)
class Configured:
    """A server answered: the end. `is_leased`: with an address, which the caller now holds."""

    message: DhcpMessage
    is_leased: bool


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody answers: the end."""


Event = Asked | Offered | Refused | Configured | Unanswered


@dataclass(frozen=True, slots=True)
class Datagram:
    """What to send from port 68 to port 67, and to whom: None is everybody."""

    data: bytes = field(repr=False)
    server: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class _Choice:
    """The offer that was chosen."""

    address: IPv4Address
    server: IPv4Address


class DhcpClient:
    """One search for servers.

    `address` is the caller's own, None where it has none and wants to keep the lease. `jitter_s`
    returns a random number of seconds from -1 to 1; the waits of `patience.first_s` are scaled
    with it.
    """

    def __init__(
        self,
        identity: DhcpIdentity,
        transaction_id: int,
        *,
        address: IPv4Address | None = None,
        patience: DhcpPatience | None = None,
        jitter_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.state = State.SELECTING if address is None else State.INFORMING
        self._identity = identity
        self._transaction_id = transaction_id
        self._address = address
        self._patience = patience or DhcpPatience()
        self._jitter_s = jitter_s
        self._choice: _Choice | None = None
        self._count = 0
        self._discovers = 0
        self._began: float | None = None
        self._deadline: float | None = None
        self._outbox: list[Datagram] = []
        self._events: deque[Event] = deque()

    def next_event(self) -> Event | None:
        """Return the oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def datagrams_to_send(self, now: float) -> list[Datagram]:
        """Return what is to be sent now, in order; the first call begins."""
        if self._began is None:
            self._began = now
            self._ask(now)
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None before the first message and at the end."""
        return self._deadline

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take one datagram, whatever it holds; raises nothing."""
        try:
            message = decode_dhcp(data)
        except FormatError:
            return
        cause = _ANSWERS.get(message.message_type or 0)
        if cause is None or (self.state, cause) not in TRANSITIONS or not self._is_ours(message):
            return
        match cause:
            case Input.OFFER:
                self._take_offer(message, now)
            case Input.NAK:
                self._events.append(Refused(message))
                self._begin_anew(Input.NAK, now)
            case _:
                self._take_ack(message)

    def handle_timeout(self, now: float) -> None:
        """Send the last message again, or go on without it; nothing before `next_timeout()`."""
        if self._deadline is None or now < self._deadline:
            return
        if self.state is State.SELECTING:
            self._discover(now)
        elif self._count < self._tries():
            self._ask(now)
        else:
            self._begin_anew(Input.SILENCE, now)

    def _tries(self) -> int:
        """Return how often INFORM or REQUEST is sent."""
        informs = self.state is State.INFORMING
        return self._patience.informs if informs else self._patience.requests

    def _take_offer(self, message: DhcpMessage, now: float) -> None:
        """Request what is offered; an offer without address or server is none."""
        server = _server_of(message)
        if server is None or message.your_address == _NOWHERE:
            return
        self._choice = _Choice(message.your_address, server)
        self._events.append(Offered(message))
        self._move(Input.OFFER)
        self._ask(now)

    def _take_ack(self, message: DhcpMessage) -> None:
        """Take the answer; a lease that is not wanted goes back."""
        choice = self._choice
        if choice is not None and message.your_address != choice.address:
            return  # the late answer to an INFORM
        if choice is not None and self._address is not None:
            self._outbox.append(self._release(choice))
        self._move(Input.ACK)
        self._deadline = None
        self._events.append(Configured(message, is_leased=choice is not None))

    def _begin_anew(self, cause: Input, now: float) -> None:
        self._move(cause)
        self._discover(now)

    def _discover(self, now: float) -> None:
        """Send DISCOVER, or give up when that was done often enough."""
        if self._discovers < self._patience.discovers:
            self._ask(now)
            return
        self._move(Input.EXHAUSTION)
        self._deadline = None
        self._events.append(Unanswered())

    def _ask(self, now: float) -> None:
        """Send the message of this state and wait for the answer, longer each time."""
        self._count += 1
        self._discovers += self.state is State.SELECTING
        kind = _QUESTIONS[self.state]
        self._outbox.append(Datagram(encode_dhcp(self._question(kind, now))))
        self._events.append(Asked(kind, self._count))
        first = self._patience.first_s
        wait = min(first * 2 ** (self._count - 1), _LONGEST_WAIT_S)
        self._deadline = now + max(wait + self._jitter_s() * first / 4, 0.0)

    def _question(self, kind: MessageType, now: float) -> DhcpMessage:
        """Return INFORM, DISCOVER or REQUEST."""
        seconds = int(now - (now if self._began is None else self._began))
        address = self._address if kind is MessageType.INFORM else None
        return replace(
            self._message(kind, *self._chosen(), *self._wishes()),
            client_address=address or _NOWHERE,
            seconds=min(seconds, _SECONDS),
            flags=0 if address else _BROADCAST,
        )

    def _chosen(self) -> Options:
        """Return what REQUEST says of the offer."""
        if self._choice is None:
            return ()
        return (
            (DhcpOption.REQUESTED_ADDRESS, self._choice.address.packed),
            (DhcpOption.SERVER_IDENTIFIER, self._choice.server.packed),
        )

    def _wishes(self) -> Options:
        return (
            (DhcpOption.VENDOR_CLASS, self._identity.vendor_class),
            (DhcpOption.PARAMETER_LIST, _PARAMETERS),
        )

    def _release(self, choice: _Choice) -> Datagram:
        """Return what gives a lease back."""
        identifier = (DhcpOption.SERVER_IDENTIFIER, choice.server.packed)
        release = replace(
            self._message(MessageType.RELEASE, identifier), client_address=choice.address
        )
        return Datagram(encode_dhcp(release), choice.server)

    def _message(self, kind: MessageType, *options: tuple[int, bytes]) -> DhcpMessage:
        """Return a message with the options that each of them has, and more."""
        own = (
            (DhcpOption.MESSAGE_TYPE, bytes((kind,))),
            (DhcpOption.CLIENT_IDENTIFIER, _ETHERNET + self._identity.mac),
        )
        return DhcpMessage(
            Operation.REQUEST, self._transaction_id, self._identity.mac, (*own, *options)
        )

    def _is_ours(self, message: DhcpMessage) -> bool:
        """Tell whether a reply belongs to this search."""
        return (message.operation, message.transaction_id, message.hardware) == (
            Operation.REPLY,
            self._transaction_id,
            self._identity.mac,
        )

    def _move(self, cause: Input) -> None:
        self.state = TRANSITIONS[self.state, cause]
        self._count = 0
        if self.state is State.SELECTING:
            self._choice = None


def _server_of(message: DhcpMessage) -> IPv4Address | None:
    """Return which server speaks, None where it does not say so as it must."""
    try:
        (server,) = message.addresses(DhcpOption.SERVER_IDENTIFIER)
    except (FormatError, ValueError):
        return None
    return server
