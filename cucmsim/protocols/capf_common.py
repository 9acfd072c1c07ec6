"""What both sides of a CAPF conversation share: framing, session id, the table of legal messages.

A side is a table `TRANSITIONS[state, direction, message type] -> state`. A message that is sent or
received where the table has no row is refused: what we send with LocalProtocolError, what the peer
sends with RemoteProtocolError (reason 7) which also ends the conversation. Bytes are buffered as
they come, cut anywhere, and read one message at a time by `next_event`, so what the peer sends
ahead waits until the decision before it was taken.

Source: the CAPF reference (public capfd and capfc tools).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from cucmsim.errors import FormatError, LocalProtocolError, RemoteProtocolError
from cucmsim.formats.capf import (
    HEADER_SIZE,
    Curve,
    KeyType,
    Message,
    MessageType,
    Reason,
    Tag,
    byte_element,
    decode_message,
    encode_message,
    message_size,
    message_type_name,
    short_element,
)
from cucmsim.formats.tlv import Element
from cucmsim.pki.keys import KeyAlgorithm, KeySpec

__all__ = [
    "Aborted",
    "CapfConversation",
    "Direction",
    "InProgress",
    "StatusRequested",
    "decode_key_spec",
    "key_spec_elements",
    "required_byte",
]

_BUFFER_LIMIT = 2 * (HEADER_SIZE + 0xFFFF)

_State = TypeVar("_State", bound=Enum)
_Event = TypeVar("_Event")


class Direction(Enum):
    """Which way a message goes, seen from the side whose table it is."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class InProgress:
    """The peer is still at work."""


@dataclass(frozen=True, slots=True)
class StatusRequested:
    """The peer asked whether we are still there; the answer is queued."""


@dataclass(frozen=True, slots=True)
class Aborted:
    """The peer gave up, or agreed to our giving up; the conversation is over."""


class CapfConversation(ABC, Generic[_State, _Event]):
    """One side of a conversation: bytes in, events out, one bytes object a message to send."""

    def __init__(
        self,
        transitions: Mapping[tuple[_State, Direction, MessageType], _State],
        *,
        first: _State,
        ended: _State,
        session_id: int | None,
    ) -> None:
        self._transitions = transitions
        self._state = first
        self._end_state = ended
        self._session_id = session_id
        self._buffer = bytearray()
        self._outgoing: list[bytes] = []

    @property
    def state(self) -> _State:
        """Where the conversation stands."""
        return self._state

    @property
    def is_ended(self) -> bool:
        """Whether the conversation is over; close once `data_to_send` is empty."""
        return self._state is self._end_state

    @property
    def session_id(self) -> int | None:
        """The session id the server chose, None while a client does not know it."""
        return self._session_id

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, cut anywhere; what comes after the end is dropped.

        Raises RemoteProtocolError when the peer runs more than two messages ahead.
        """
        if self.is_ended:
            return
        self._buffer += data
        if len(self._buffer) > _BUFFER_LIMIT:
            raise self._fail(f"{len(self._buffer)} bytes sent ahead")

    def next_event(self) -> _Event | None:
        """Read one message and tell what it means, None when no whole message is there.

        Raises RemoteProtocolError (once; the conversation is over then).
        """
        if self.is_ended:
            return None
        try:
            message = self._take_message()
            return None if message is None else self._accept(message)
        except FormatError as error:
            raise self._fail(str(error)) from None

    def data_to_send(self) -> tuple[bytes, ...]:
        """Return the messages to send, each to be written in one piece, and forget them."""
        outgoing, self._outgoing = tuple(self._outgoing), []
        return outgoing

    @abstractmethod
    def _read(self, message: Message) -> _Event:
        """Turn a legal message into an event. Raises FormatError."""

    def _take_message(self) -> Message | None:
        size = message_size(self._buffer)
        if size is None or len(self._buffer) < size:
            return None
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return decode_message(data)

    def _accept(self, message: Message) -> _Event:
        following = self._following(Direction.RECEIVED, message.message_type)
        if following is None:
            name = message_type_name(message.message_type)
            raise self._fail(f"{name} is not expected while {self._state.value}")
        if self._session_id is None:
            self._session_id = message.session_id
        if message.session_id != self._session_id:
            raise self._fail(f"session id {message.session_id}, expected {self._session_id}")
        event = self._read(message)
        self._state = following
        self._answer_at_once(message.message_type)
        return event

    def _answer_at_once(self, message_type: int) -> None:
        if message_type == MessageType.STATUS_REQUEST:
            self._send(MessageType.STATUS_RESPONSE, byte_element(Tag.REASON, Reason.NO_ACTION))
        elif message_type == MessageType.ABORT_REQUEST:
            self._send(MessageType.ABORT_RESPONSE, byte_element(Tag.REASON, Reason.NO_ACTION))

    def _following(self, direction: Direction, message_type: int) -> _State | None:
        try:
            return self._transitions.get((self._state, direction, MessageType(message_type)))
        except ValueError:
            return None

    def _send(self, message_type: MessageType, *elements: Element) -> None:
        following = self._following(Direction.SENT, message_type)
        if following is None:
            name = message_type_name(message_type)
            raise LocalProtocolError(f"{name} cannot be sent while {self._state.value}")
        self._queue(message_type, *elements)
        self._state = following

    def _queue(self, message_type: MessageType, *elements: Element) -> None:
        message = Message(message_type, self._session_id or 0, elements)
        self._outgoing.append(encode_message(message))

    def _fail(self, problem: str) -> RemoteProtocolError:
        self._state = self._end_state
        self._buffer.clear()
        return RemoteProtocolError(problem, Reason.INVALID_ELEMENT)


def required_byte(message: Message, tag: Tag) -> int:
    """Return the one-byte number in element `tag`. Raises FormatError also if it is not there."""
    number = message.byte(tag)
    if number is None:
        raise FormatError(f"no {tag.name.lower().replace('_', ' ')} element", HEADER_SIZE)
    return number


def key_spec_elements(spec: KeySpec) -> tuple[Element, Element]:
    """Return the elements that ask for such a key: 10 and 17 for RSA, 17 and 18 for EC."""
    if spec.algorithm is KeyAlgorithm.RSA:
        return (
            short_element(Tag.KEY_SIZE, spec.size_bits),
            byte_element(Tag.KEY_TYPE, KeyType.RSA),
        )
    curve = next(curve for curve in Curve if curve.size_bits == spec.size_bits)
    return byte_element(Tag.KEY_TYPE, KeyType.EC), byte_element(Tag.CURVE, curve)


def decode_key_spec(message: Message) -> KeySpec:
    """Return the key that a key generate request asks for. Raises FormatError.

    A request without key type is one of protocol version 2 and before: RSA.
    """
    key_type = message.byte(Tag.KEY_TYPE)
    try:
        if key_type in (None, KeyType.RSA):
            return KeySpec(KeyAlgorithm.RSA, message.short(Tag.KEY_SIZE) or 0)
        if key_type == KeyType.EC:
            return KeySpec(KeyAlgorithm.EC, Curve(required_byte(message, Tag.CURVE)).size_bits)
    except ValueError as error:
        raise FormatError(str(error), HEADER_SIZE) from None
    raise FormatError(f"key type {key_type} is not known", HEADER_SIZE)
