"""The client's side of a TFTP read, without sockets and clocks: what a phone does (phone.md 1.4).

    read = TftpRead("ITLFile.tlv", size_limit=2048 * 1024)
    for datagram in read.datagrams_to_send(now): ...   # `peer` None: to the server's own port
    read.receive_datagram(data, peer, now)             # `peer` is any value that names a sender
    match read.next_event():
        case Retransmitted(count):   ...
        case FileReceived(data):     ...
        case ReadFailed(failure):    ...
    at read.next_timeout():          read.handle_timeout(now)

A phone's request has no options, a proxy's one that changes nothing (`tftp_requests.PROXIED`), so
blocks are of 512 bytes and no OACK has to come; a proxy agrees to one that changes nothing either.
The first sender of a block or an error is the other end of the transfer from then on; anybody else
is told so (ERROR 5) and disturbs nothing (RFC 1350, 4). A block that came before is acknowledged
again, for its acknowledgement was lost; any other block is passed over. A phone sends its last
packet again after half a second (seen on a 7821); how often before it gives up is not known.

Source: RFC 1350, phone.md 1.4. Vector: the request of 31 bytes for `CTLSEP<MAC>.tlv`.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from cucmsim.errors import FormatError
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorCode,
    ErrorPacket,
    OptionAck,
    Options,
    ReadRequest,
    decode_packet,
    encode_packet,
)

__all__ = [
    "TRANSITIONS",
    "Datagram",
    "Event",
    "FileReceived",
    "Input",
    "ReadFailed",
    "ReadFailure",
    "Retransmitted",
    "State",
    "TftpRead",
]

_BLOCK_SIZE = 512
_NUMBERS = 0x10000


class State(Enum):
    """Where a read is."""

    ASKED = auto()
    RECEIVING = auto()
    ENDED = auto()


class Input(Enum):
    """What can happen to a read."""

    BLOCK = auto()
    """The block that is expected, and it is full."""
    LAST_BLOCK = auto()
    """The block that is expected, and it is not full."""
    REFUSAL = auto()
    """The server sends ERROR."""
    EXCESS = auto()
    """The file is larger than we take."""
    ILLEGAL = auto()
    """The server sends what has no place here."""
    SILENCE = auto()
    """Nothing came after the last retransmission."""
    GONE = auto()
    """The network says that nobody listens there."""


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.ASKED, Input.BLOCK): State.RECEIVING,
    (State.ASKED, Input.LAST_BLOCK): State.ENDED,
    (State.ASKED, Input.REFUSAL): State.ENDED,
    (State.ASKED, Input.EXCESS): State.ENDED,
    (State.ASKED, Input.ILLEGAL): State.ENDED,
    (State.ASKED, Input.SILENCE): State.ENDED,
    (State.ASKED, Input.GONE): State.ENDED,
    (State.RECEIVING, Input.BLOCK): State.RECEIVING,
    (State.RECEIVING, Input.LAST_BLOCK): State.ENDED,
    (State.RECEIVING, Input.REFUSAL): State.ENDED,
    (State.RECEIVING, Input.EXCESS): State.ENDED,
    (State.RECEIVING, Input.ILLEGAL): State.ENDED,
    (State.RECEIVING, Input.SILENCE): State.ENDED,
    (State.RECEIVING, Input.GONE): State.ENDED,
}


class ReadFailure(StrEnum):
    """Why no file came."""

    NOT_FOUND = "not found"
    TOO_LARGE = "too large"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Retransmitted:
    """The last packet was sent again, the `count`-th time since the server was last heard."""

    count: int


@dataclass(frozen=True, slots=True)
class FileReceived:
    """The whole file."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The read is over; `code` and `text` are those of the server's ERROR, else `code` is None."""

    failure: ReadFailure
    code: int | None = None
    text: str = ""


Event = Retransmitted | FileReceived | ReadFailed


@dataclass(frozen=True, slots=True)
class Datagram:
    """What to send, and to whom: None is the server's own port, where requests go."""

    data: bytes
    peer: Hashable = None


class TftpRead:
    """One read of one file. Raises FormatError for a name that no request can hold.

    `size_limit` in bytes; `timeout_s` is the wait before the last packet is sent again, which is
    done `max_retransmissions` times at most. `options` must be such that a
    server's agreement to them changes nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        size_limit: int,
        timeout_s: float = 0.5,
        max_retransmissions: int = 6,
        options: Options = (),
    ) -> None:
        self.state = State.ASKED
        self._offered = {option.lower() for option, _ in options}
        self._size_limit = size_limit
        self._timeout_s = timeout_s
        self._max_retransmissions = max_retransmissions
        self._last_packet = encode_packet(ReadRequest(name, options=options))
        self._outbox = [Datagram(self._last_packet)]
        self._peer: Hashable = None
        self._content = bytearray()
        self._received = 0
        self._tries = 0
        self._deadline: float | None = None
        self._events: deque[Event] = deque()

    def next_event(self) -> Event | None:
        """Return the oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def datagrams_to_send(self, now: float) -> list[Datagram]:
        """Return what is to be sent now, in order; the wait for the request's answer begins."""
        outbox, self._outbox = self._outbox, []
        if self._deadline is None and self.state is not State.ENDED:
            self._deadline = now + self._timeout_s
        return outbox

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None before the request is sent and at the end."""
        return self._deadline

    def receive_datagram(self, data: bytes, peer: Hashable, now: float) -> None:
        """Take one datagram of `peer`, whatever it holds; raises nothing."""
        if self.state is State.ENDED:
            return
        if self._peer not in (None, peer):
            self._send_error(ErrorCode.UNKNOWN_TRANSFER_ID, "unknown transfer", peer)
            return
        self._peer = peer
        try:
            packet = decode_packet(data)
        except FormatError as error:
            self._break_off(Input.ILLEGAL, ReadFailure.ERROR, str(error))
            return
        match packet:
            case Data(block, payload):
                self._receive_block(block, payload, now)
            case ErrorPacket(code, message):
                missing = code == ErrorCode.FILE_NOT_FOUND
                failure = ReadFailure.NOT_FOUND if missing else ReadFailure.ERROR
                self._end(Input.REFUSAL, ReadFailed(failure, code, message))
            case OptionAck(options) if self._offered and self._changes_nothing(options):
                self._agree(now)
            case OptionAck():
                text = "options that nobody asked for"
                self._break_off(Input.ILLEGAL, ReadFailure.ERROR, text, ErrorCode.OPTIONS_REFUSED)
            case _:
                text = f"{type(packet).__name__} in place of a block"
                self._break_off(Input.ILLEGAL, ReadFailure.ERROR, text)

    def handle_timeout(self, now: float) -> None:
        """Send the last packet again, or give up; does nothing before `next_timeout()`."""
        if self._deadline is None or now < self._deadline:
            return
        if self._tries >= self._max_retransmissions:
            text = f"no answer after {self._tries} retransmissions"
            self._end(Input.SILENCE, ReadFailed(ReadFailure.TIMEOUT, text=text))
            return
        self._tries += 1
        self._outbox.append(Datagram(self._last_packet, self._peer))
        self._deadline = now + self._timeout_s
        self._events.append(Retransmitted(self._tries))

    def handle_unreachable(self, reason: str) -> None:
        """Say that the network cannot bring anything to the server."""
        if self.state is not State.ENDED:
            self._end(Input.GONE, ReadFailed(ReadFailure.UNREACHABLE, text=reason))

    def _changes_nothing(self, options: Options) -> bool:
        """Tell whether a server agrees to what was offered; tftpy adds the usual block size."""
        usual = ("blksize", str(_BLOCK_SIZE))
        return all(
            name.lower() in self._offered or (name.lower(), value) == usual
            for name, value in options
        )

    def _agree(self, now: float) -> None:
        """Acknowledge the server's options, unless it sends the file by now (RFC 2347)."""
        if self.state is State.ASKED:
            self._deadline = now + self._timeout_s
            self._last_packet = encode_packet(Ack(0))
            self._outbox.append(Datagram(self._last_packet, self._peer))

    def _receive_block(self, block: int, payload: bytes, now: float) -> None:
        if len(payload) > _BLOCK_SIZE:
            text = f"a block of {len(payload)} bytes, expected {_BLOCK_SIZE} at most"
            self._break_off(Input.ILLEGAL, ReadFailure.ERROR, text)
        elif block == (self._received + 1) % _NUMBERS:
            self._take_block(payload, now)
        elif block == self._received % _NUMBERS and self._received:
            self._outbox.append(Datagram(self._last_packet, self._peer))

    def _take_block(self, payload: bytes, now: float) -> None:
        if len(self._content) + len(payload) > self._size_limit:
            text = f"more than {self._size_limit} bytes"
            self._break_off(Input.EXCESS, ReadFailure.TOO_LARGE, text, ErrorCode.DISK_FULL)
            return
        self._content += payload
        self._received += 1
        self._tries = 0
        self._deadline = now + self._timeout_s
        self._last_packet = encode_packet(Ack(self._received % _NUMBERS))
        self._outbox.append(Datagram(self._last_packet, self._peer))
        if len(payload) == _BLOCK_SIZE:
            self.state = TRANSITIONS[self.state, Input.BLOCK]
        else:
            self._end(Input.LAST_BLOCK, FileReceived(bytes(self._content)))

    def _break_off(
        self,
        cause: Input,
        failure: ReadFailure,
        text: str,
        code: ErrorCode = ErrorCode.ILLEGAL_OPERATION,
    ) -> None:
        """Tell the server why, and end."""
        self._send_error(code, text, self._peer)
        self._end(cause, ReadFailed(failure, text=text))

    def _send_error(self, code: ErrorCode, text: str, peer: Hashable) -> None:
        self._outbox.append(Datagram(encode_packet(ErrorPacket(code, text)), peer))

    def _end(self, cause: Input, event: Event) -> None:
        self.state = TRANSITIONS[self.state, cause]
        self._deadline = None
        self._events.append(event)
