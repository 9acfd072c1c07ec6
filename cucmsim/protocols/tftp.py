"""The server's side of a TFTP read transfer, without sockets and clocks.

    transfer = ServerTransfer(limits)
    transfer.receive_datagram(data, now)
    match transfer.next_event():
        case FileRequested(name):   transfer.send_file(content, now)   # or refuse(code, text)
        case TransferEnded():       ...
    for datagram in transfer.datagrams_to_send(now): ...
    at transfer.next_timeout():     transfer.handle_timeout(now)

Blocks are counted without wrapping; on the wire the number is taken modulo 65536, so that 0 follows
65535. The option acknowledgement is sent as if it were block 0: the client's ACK 0 acknowledges it.
A window (RFC 7440) is what may be sent before an ACK; without the option it is one block.

An ACK within the window moves the window; one of the block before it says that the window's first
block was lost, and sends the window again, but once only, and never where the window is one block:
there a repeated ACK is answered by nothing but our own timeout (the Sorcerer's Apprentice, RFC 1123
4.2.3.1). Source: RFC 1350, 2347, 7440.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from cucmsim.errors import FormatError, LocalProtocolError, RemoteProtocolError
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorCode,
    ErrorPacket,
    OptionAck,
    Packet,
    ReadRequest,
    decode_packet,
    encode_packet,
)
from cucmsim.protocols.tftp_requests import (
    Limits,
    Mode,
    Terms,
    decode_request,
    legal_name,
    negotiate,
    requested_mode,
    to_netascii,
)

__all__ = [
    "TRANSITIONS",
    "Event",
    "FileRequested",
    "Input",
    "Outcome",
    "ServerTransfer",
    "State",
    "TransferEnded",
    "last_block",
]


class State(Enum):
    """Where a transfer is."""

    LISTENING = auto()
    DECIDING = auto()
    NEGOTIATING = auto()
    SENDING = auto()
    ENDED = auto()


class Input(Enum):
    """What can happen to a transfer."""

    REQUEST = auto()
    """A read request: the first, or the same one again."""
    OFFER = auto()
    """We send the file, with an option acknowledgement before it."""
    FILE = auto()
    """We send the file at once."""
    REFUSAL = auto()
    """We answer ERROR to the request."""
    PROGRESS = auto()
    """An ACK within the window."""
    LAST_ACK = auto()
    """The ACK of the last block."""
    PEER_ERROR = auto()
    """The client sends ERROR."""
    ILLEGAL = auto()
    """The client sends what has no place here; we answer ERROR 4."""
    SILENCE = auto()
    """No ACK after the last retransmission."""
    GONE = auto()
    """The network says that nobody listens at the client's port."""


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.LISTENING, Input.REQUEST): State.DECIDING,
    (State.LISTENING, Input.REFUSAL): State.ENDED,
    (State.LISTENING, Input.PEER_ERROR): State.ENDED,
    (State.DECIDING, Input.REQUEST): State.DECIDING,
    (State.DECIDING, Input.OFFER): State.NEGOTIATING,
    (State.DECIDING, Input.FILE): State.SENDING,
    (State.DECIDING, Input.REFUSAL): State.ENDED,
    (State.DECIDING, Input.PEER_ERROR): State.ENDED,
    (State.DECIDING, Input.ILLEGAL): State.ENDED,
    (State.DECIDING, Input.GONE): State.ENDED,
    (State.NEGOTIATING, Input.REQUEST): State.NEGOTIATING,
    (State.NEGOTIATING, Input.PROGRESS): State.SENDING,
    (State.NEGOTIATING, Input.PEER_ERROR): State.ENDED,
    (State.NEGOTIATING, Input.ILLEGAL): State.ENDED,
    (State.NEGOTIATING, Input.SILENCE): State.ENDED,
    (State.NEGOTIATING, Input.GONE): State.ENDED,
    (State.SENDING, Input.REQUEST): State.SENDING,
    (State.SENDING, Input.PROGRESS): State.SENDING,
    (State.SENDING, Input.LAST_ACK): State.ENDED,
    (State.SENDING, Input.PEER_ERROR): State.ENDED,
    (State.SENDING, Input.ILLEGAL): State.ENDED,
    (State.SENDING, Input.SILENCE): State.ENDED,
    (State.SENDING, Input.GONE): State.ENDED,
}


class Outcome(StrEnum):
    """How a transfer ended."""

    COMPLETE = "complete"
    REFUSED = "refused"
    PEER_ERROR = "peer error"
    ILLEGAL = "illegal packet"
    SILENCE = "no answer"
    GONE = "peer gone"


@dataclass(frozen=True, slots=True)
class FileRequested:
    """The client wants `name`; decide with `send_file` or `refuse`."""

    name: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """The transfer is over; `reason` is a line for a person."""

    outcome: Outcome
    reason: str


Event = FileRequested | TransferEnded

_OFFERED = -1  # what is acknowledged while the option acknowledgement (block 0) is not
_NUMBERS = 0x10000


def last_block(size: int, blksize: int) -> int:
    """Return the number of the last block of `size` bytes: the first that is not full."""
    return size // blksize + 1


class ServerTransfer:
    """One read transfer, seen from the server."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self.state = State.LISTENING
        self.terms = Terms()
        self.acked = 0
        """The last block acknowledged, without wrapping; -1 while the options are not."""
        self.resent = 0
        """How often a window was sent again."""
        self._request = ReadRequest("")
        self._mode = Mode.OCTET
        self._content = b""
        self._last = 0
        self._tries = 0
        self._restarted = False
        self._deadline: float | None = None
        self._events: deque[Event] = deque()
        self._outbox: list[bytes] = []

    @classmethod
    def resumed(
        cls, limits: Limits, request: ReadRequest, terms: Terms, content: bytes, acked: int
    ) -> "ServerTransfer":
        """Take over a transfer that ran elsewhere; `content` is as it goes over the wire."""
        transfer = cls(limits)
        transfer._request = request
        transfer._begin(content, terms)
        transfer.acked = acked
        transfer.state = State.NEGOTIATING if acked == _OFFERED else State.SENDING
        return transfer

    def advance(self, acked: int, since: float) -> None:
        """Say that blocks up to `acked` were acknowledged elsewhere, the last at `since`."""
        if acked > self.acked:
            self.acked = acked
            self.state = State.SENDING
            self._tries = 0
            self._restarted = False
        self._deadline = since + self.terms.timeout_s

    @property
    def window_end(self) -> int:
        """The last block that may be sent before the next ACK, without wrapping."""
        return self.acked + self._window_count()

    def next_event(self) -> Event | None:
        """Return the oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return what is to be sent now, in order; the wait for the answer starts at `now`."""
        outbox, self._outbox = self._outbox, []
        if outbox and self.state in (State.NEGOTIATING, State.SENDING):
            self._deadline = now + self.terms.timeout_s
        return outbox

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None while nothing is waited for."""
        return self._deadline

    def receive_datagram(self, data: bytes, now: float) -> None:
        """Take one datagram of the client, whatever it holds; raises nothing."""
        if self.state is State.ENDED:
            return
        if self.state is State.LISTENING:
            self._receive_request(data)
            return
        try:
            packet = decode_packet(data)
        except FormatError as error:
            self._end_with_error(Input.ILLEGAL, str(error), ErrorCode.ILLEGAL_OPERATION)
            return
        self._receive_packet(packet, now)

    def send_file(self, content: bytes, now: float) -> None:
        """Answer the request with `content`. Raises LocalProtocolError where none is open."""
        if self._mode is Mode.NETASCII:
            content = to_netascii(content)
        terms = negotiate(self._request, self._mode, len(content), self._limits)
        self._move(Input.OFFER if terms.accepted else Input.FILE)
        self._begin(content, terms)
        self._queue_window(now)

    def refuse(self, code: int, message: str) -> None:
        """Answer the request with ERROR. Raises LocalProtocolError where none is open."""
        if self.state is not State.DECIDING:
            raise LocalProtocolError(f"no request to refuse in state {self.state.name}")
        self._end_with_error(Input.REFUSAL, message, code)

    def handle_timeout(self, now: float) -> None:
        """Send the window again, or give up; does nothing before `next_timeout()`."""
        if self._deadline is None or now < self._deadline:
            return
        if self._tries >= self._limits.max_retransmissions:
            self._end(Input.SILENCE, f"no ACK after {self._tries} retransmissions")
            return
        self._tries += 1
        self._restarted = False
        self._send_again(now)

    def handle_unreachable(self) -> None:
        """End the transfer: the network says that nobody listens at the client's port."""
        if (self.state, Input.GONE) in TRANSITIONS:
            self._end(Input.GONE, f"the client's port is closed after block {self.acked}")

    def _receive_request(self, data: bytes) -> None:
        """Take the first datagram: a request, or what is refused or ignored in its place."""
        try:
            request = decode_request(data)
            if request is None:
                self._end(Input.PEER_ERROR, "an ERROR without a transfer")
                return
            mode, name = requested_mode(request.mode), legal_name(request.filename)
        except RemoteProtocolError as error:
            self._end_with_error(Input.REFUSAL, str(error), error.reason or 0)
            return
        self._move(Input.REQUEST)
        self._request, self._mode = request, mode
        self._events.append(FileRequested(name, mode))

    def _receive_packet(self, packet: Packet, now: float) -> None:
        """Take a packet of a running transfer."""
        match packet:
            case Ack():
                self._receive_ack(packet.block, now)
            case ErrorPacket():
                self._end(
                    Input.PEER_ERROR, f"the client sent ERROR {packet.code}: {packet.message!a}"
                )
            case ReadRequest() if packet == self._request and self.acked <= 0:
                self._move(Input.REQUEST)  # sent again before our answer arrived
            case _:
                reason = f"Illegal TFTP operation: {type(packet).__name__} in a read transfer"
                self._end_with_error(Input.ILLEGAL, reason, ErrorCode.ILLEGAL_OPERATION)

    def _receive_ack(self, number: int, now: float) -> None:
        """Move the window, send it again, or leave an ACK of another time alone."""
        if self.state is State.DECIDING:
            return  # the last ACK of an earlier transfer from the same port
        ahead = (number - self.acked - 1) % _NUMBERS
        if ahead < self._window_count():
            self.acked += ahead + 1
            self._tries = 0
            self._restarted = False
            if self.acked == self._last:
                self._end(Input.LAST_ACK, f"{self._last} blocks")
            else:
                self._move(Input.PROGRESS)
                self._queue_window(now)
        elif ahead == _NUMBERS - 1 and self.terms.windowsize > 1 and not self._restarted:
            self._restarted = True
            self._send_again(now)

    def _begin(self, content: bytes, terms: Terms) -> None:
        """Set what is sent and how."""
        self._content, self.terms = content, terms
        self._last = last_block(len(content), terms.blksize)
        self.acked = _OFFERED if terms.accepted else 0

    def _window_count(self) -> int:
        """Return how many blocks are in the window; the options stand alone."""
        if self.acked == _OFFERED:
            return 1
        return min(self.terms.windowsize, self._last - self.acked)

    def _queue_window(self, now: float) -> None:
        """Send every block of the window."""
        self._deadline = now + self.terms.timeout_s
        if self.acked == _OFFERED:
            self._outbox.append(encode_packet(OptionAck(self.terms.accepted)))
            return
        size = self.terms.blksize
        for block in range(self.acked, self.acked + self._window_count()):
            payload = self._content[block * size : (block + 1) * size]
            self._outbox.append(encode_packet(Data((block + 1) % _NUMBERS, payload)))

    def _send_again(self, now: float) -> None:
        """Send the window once more, and count it."""
        self.resent += 1
        self._queue_window(now)

    def _end_with_error(self, what: Input, message: str, code: int) -> None:
        """Send ERROR, once, and end."""
        text = message.encode("ascii", "replace").decode("ascii")
        self._outbox.append(encode_packet(ErrorPacket(code, text)))
        self._end(what, message)

    def _end(self, what: Input, reason: str) -> None:
        """Move to the end and say why."""
        self._move(what)
        self._deadline = None
        self._events.append(TransferEnded(_OUTCOMES[what], reason))

    def _move(self, what: Input) -> None:
        """Take the transition of the table. Raises LocalProtocolError where there is none."""
        try:
            self.state = TRANSITIONS[self.state, what]
        except KeyError:
            raise LocalProtocolError(f"{what.name} in state {self.state.name}") from None


_OUTCOMES = {
    Input.REFUSAL: Outcome.REFUSED,
    Input.LAST_ACK: Outcome.COMPLETE,
    Input.PEER_ERROR: Outcome.PEER_ERROR,
    Input.ILLEGAL: Outcome.ILLEGAL,
    Input.SILENCE: Outcome.SILENCE,
    Input.GONE: Outcome.GONE,
}
