"""The conversation of the Trust Verification Service, both sides, without I/O.

The server: `receive_data`, then `next_event` until it gives None; each event is a request that
`answer` decides; `data_to_send` gives the messages to write, each whole. The client: `verify` or
`query`, `data_to_send`, `receive_data`, `next_event`. Requests may be cut anywhere, and several may
come on one connection (one is what phones do). What the peer does wrong is a RemoteProtocolError
that names the offset within the message, and closes the conversation.

Source: seeds 000, 001, 002, the public tvsd and tvsc. Vectors: tests/vectors/tvs/*.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cucmsim.errors import FormatError, LocalProtocolError, RemoteProtocolError
from cucmsim.formats.tvs import (
    HEADER_SIZE,
    Message,
    MessageType,
    QueryAnswer,
    QueryRequest,
    QueryTags,
    VerificationAnswer,
    VerificationRequest,
    decode_message,
    encode_message,
    message_size,
    parse_answer,
    parse_request,
    query_answer_message,
    query_message,
    verification_answer_message,
    verification_message,
)

__all__ = [
    "FIRST_SESSION_ID",
    "TRANSITIONS",
    "Answered",
    "Input",
    "Requested",
    "State",
    "TvsClient",
    "TvsServer",
]

FIRST_SESSION_ID = 1001
"""What phones start with: `00 00 03 e9` (seed 002)."""


class State(StrEnum):
    """Where a conversation stands. The first two are the server's, the next two the client's."""

    AWAIT_REQUEST = "TVS_STATE_AWAIT_REQ"
    DECIDING = "deciding"
    READY = "ready"
    AWAIT_ANSWER = "awaiting an answer"
    CLOSED = "closed"


class Input(StrEnum):
    """What can happen to a conversation."""

    REQUEST = "request received"
    ANSWER = "answer decided"
    ASK = "request made"
    ANSWERED = "answer received"
    END = "peer closed"
    FAULT = "peer broke the rules"


TRANSITIONS: Mapping[tuple[State, Input], State] = {
    (State.AWAIT_REQUEST, Input.REQUEST): State.DECIDING,
    (State.AWAIT_REQUEST, Input.END): State.CLOSED,
    (State.AWAIT_REQUEST, Input.FAULT): State.CLOSED,
    (State.DECIDING, Input.ANSWER): State.AWAIT_REQUEST,
    (State.DECIDING, Input.END): State.CLOSED,
    (State.READY, Input.ASK): State.AWAIT_ANSWER,
    (State.READY, Input.END): State.CLOSED,
    (State.READY, Input.FAULT): State.CLOSED,
    (State.AWAIT_ANSWER, Input.ANSWERED): State.READY,
    (State.AWAIT_ANSWER, Input.END): State.CLOSED,
    (State.AWAIT_ANSWER, Input.FAULT): State.CLOSED,
}
"""What is not here is illegal."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A request to decide; `data` is the message as it came."""

    request: VerificationRequest | QueryRequest
    session_id: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that came; `data` is the message as it came."""

    answer: VerificationAnswer | QueryAnswer
    session_id: int
    data: bytes = field(repr=False)


class _Conversation:
    """What both sides do: buffer, state, messages to send."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._buffer = bytearray()
        self._to_send: list[bytes] = []

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._state

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the peer, cut anywhere; nothing after the end counts."""
        if self._state is not State.CLOSED:
            self._buffer += data

    def receive_end(self) -> None:
        """Take note that the peer closed. Raises RemoteProtocolError within a message."""
        if self._state is State.CLOSED:
            return
        self._step(Input.END)
        if self._buffer:
            raise RemoteProtocolError(
                f"closed in the middle of a message (at offset {len(self._buffer)})"
            )

    def data_to_send(self) -> tuple[bytes, ...]:
        """Return the messages to write now, each whole, once."""
        to_send, self._to_send = tuple(self._to_send), []
        return to_send

    def _step(self, what: Input) -> None:
        """Change state by the table. Raises LocalProtocolError for what is not in it."""
        state = TRANSITIONS.get((self._state, what))
        if state is None:
            raise LocalProtocolError(f"{what} is not possible while {self._state}")
        self._state = state

    def _next_message(self) -> tuple[Message, bytes] | None:
        """Take the next whole message out of the buffer. Raises FormatError."""
        if not self._buffer:
            return None
        size = message_size(bytes(self._buffer[:HEADER_SIZE]))
        if size is None or len(self._buffer) < size:
            return None
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return decode_message(data), data

    def _fault(self, reason: str) -> RemoteProtocolError:
        """Close the conversation and return what to raise about the peer."""
        self._step(Input.FAULT)
        self._buffer.clear()
        return RemoteProtocolError(reason)

    def _queue(self, message: Message) -> None:
        self._to_send.append(encode_message(message))


class TvsServer(_Conversation):
    """The side that knows certificates. `reserved` goes into byte 3 of each answer."""

    def __init__(self, *, reserved: int = 0) -> None:
        super().__init__(State.AWAIT_REQUEST)
        self._reserved = reserved
        self._session_id = 0
        self._asked: VerificationRequest | QueryRequest | None = None

    def next_event(self) -> Requested | None:
        """Return the next request; None while one is undecided or none is complete.

        Raises RemoteProtocolError when the peer sent something else.
        """
        if self._state is not State.AWAIT_REQUEST:
            return None
        try:
            taken = self._next_message()
            if taken is None:
                return None
            message, data = taken
            request = parse_request(message)
        except FormatError as error:
            raise self._fault(str(error)) from error
        self._step(Input.REQUEST)
        self._session_id, self._asked = message.session_id, request
        return Requested(request, message.session_id, data)

    def answer(self, answer: VerificationAnswer | QueryAnswer) -> None:
        """Decide the request under way. Raises LocalProtocolError when the kinds do not match."""
        if isinstance(self._asked, VerificationRequest) != isinstance(answer, VerificationAnswer):
            raise LocalProtocolError(f"{type(answer).__name__} does not answer {self._asked}")
        self._step(Input.ANSWER)
        if isinstance(answer, VerificationAnswer):
            message = verification_answer_message(self._session_id, answer, reserved=self._reserved)
        else:
            message = query_answer_message(self._session_id, answer, reserved=self._reserved)
        self._queue(message)


class TvsClient(_Conversation):
    """The side that asks: a phone. `tags` are those of issuer and serial number in a query."""

    def __init__(
        self, *, first_session_id: int = FIRST_SESSION_ID, tags: QueryTags | None = None
    ) -> None:
        super().__init__(State.READY)
        self._session_id = first_session_id - 1
        self._expected = MessageType.VERIFICATION_RESPONSE
        self._tags = tags

    def verify(self, request: VerificationRequest) -> None:
        """Ask whether a certificate is trusted. Raises LocalProtocolError when not ready."""
        self._ask(MessageType.VERIFICATION_RESPONSE)
        self._queue(verification_message(self._session_id, request))

    def query(self, request: QueryRequest) -> None:
        """Ask for a certificate. Raises LocalProtocolError when not ready."""
        self._ask(MessageType.QUERY_RESPONSE)
        self._queue(query_message(self._session_id, request, self._tags))

    def _ask(self, expected: MessageType) -> None:
        self._step(Input.ASK)
        self._session_id = (self._session_id + 1) & 0xFFFFFFFF
        self._expected = expected

    def next_event(self) -> Answered | None:
        """Return the answer once it is complete. Raises RemoteProtocolError for anything else."""
        if self._state is State.CLOSED:
            return None
        try:
            taken = self._next_message()
            if taken is None:
                return None
            message, data = taken
            self._check(message)
            answer = parse_answer(message)
        except FormatError as error:
            raise self._fault(str(error)) from error
        self._step(Input.ANSWERED)
        return Answered(answer, message.session_id, data)

    def _check(self, message: Message) -> None:
        """Hold an answer against what was asked. Raises FormatError."""
        if self._state is not State.AWAIT_ANSWER:
            raise FormatError(f"{message.type.trace_name} that nothing asked for", 2)
        if message.type is not self._expected:
            raise FormatError(f"{message.type.trace_name}, expected {self._expected.trace_name}", 2)
        if message.session_id != self._session_id:
            raise FormatError(f"session id {message.session_id}, expected {self._session_id}", 4)
