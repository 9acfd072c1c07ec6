"""The server's side of one connection of an SCCP phone: bytes in, events and answers out.

A Register becomes `RegisterRequested` and waits for `accept` or `refuse`; nothing more is read
meanwhile. All else is answered here: keepalives (of a phone that holds us as its standby too),
tokens, and what a registered phone asks about its buttons, lines and the time. `order` sends a
Reset. SCCP has no answer to that: the order counts as carried out when the phone leaves,
unregisters or registers anew, and as unanswered when it has not done so after 30 s. What nothing is
known of, and what would be a call, is told as `Ignored`. A message that cannot be read ends the
conversation with RemoteProtocolError.

Source: chan-sccp and Wireshark; the state machine is `TRANSITIONS`.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final

from cucmsim.errors import FormatError, RemoteProtocolError
from cucmsim.formats.phonealarms import Alarm, RegistrationReason
from cucmsim.formats.skinny import LARGEST, Frame, FrameStream, MessageId, encode_frame
from cucmsim.formats.skinny_answers import (
    Answer,
    NoFields,
    RegisterAck,
    RegisterReject,
    Reset,
    ResetType,
    TokenAck,
    UnregisterAck,
    encode_answer,
)
from cucmsim.formats.skinny_messages import (
    LineStatRequest,
    Plain,
    Register,
    StationAlarm,
    TokenRequest,
    Unregister,
    XmlAlarm,
    decode_request,
)
from cucmsim.formats.skinny_messages import Request as Message
from cucmsim.protocols.sccp_station import Station
from cucmsim.protocols.statemachine import StateMachine

__all__ = [
    "ORDER_TIME_S",
    "TRANSITIONS",
    "AlarmReported",
    "Answered",
    "Ignored",
    "KeptAlive",
    "OrderCarriedOut",
    "OrderUnanswered",
    "RegisterRequested",
    "RegistrarEvent",
    "RegistrarInput",
    "RegistrarState",
    "SccpRegistrar",
    "Unregistered",
]

ORDER_TIME_S: Final = 30.0
"""How long a phone may take to leave after a Reset."""


class RegistrarState(Enum):
    """Where a connection stands."""

    OPEN = "open"
    ASKED = "asked"
    HELD = "held"
    ORDERED = "held and ordered"
    CLOSED = "closed"


class RegistrarInput(Enum):
    """What moves it: what the phone sent, or what our side decided."""

    REGISTER = "Register"
    UNREGISTER = "Unregister"
    MESSAGE = "another message"
    FAULT = "a message that cannot be read"
    ACCEPT = "accept"
    REFUSE = "refuse"
    ORDER = "order"
    LATE = "order too old"
    FORGET = "forget"
    END = "end of the connection"


_S, _I = RegistrarState, RegistrarInput
TRANSITIONS: Final[Mapping[tuple[RegistrarState, RegistrarInput], RegistrarState]] = (
    MappingProxyType(
        {
            (_S.OPEN, _I.REGISTER): _S.ASKED,
            (_S.OPEN, _I.UNREGISTER): _S.OPEN,
            (_S.OPEN, _I.MESSAGE): _S.OPEN,
            (_S.OPEN, _I.FAULT): _S.CLOSED,
            (_S.OPEN, _I.FORGET): _S.OPEN,
            (_S.OPEN, _I.END): _S.CLOSED,
            (_S.ASKED, _I.ACCEPT): _S.HELD,
            (_S.ASKED, _I.REFUSE): _S.OPEN,
            (_S.ASKED, _I.FORGET): _S.ASKED,
            (_S.ASKED, _I.END): _S.CLOSED,
            (_S.HELD, _I.REGISTER): _S.ASKED,
            (_S.HELD, _I.UNREGISTER): _S.OPEN,
            (_S.HELD, _I.MESSAGE): _S.HELD,
            (_S.HELD, _I.FAULT): _S.CLOSED,
            (_S.HELD, _I.ORDER): _S.ORDERED,
            (_S.HELD, _I.FORGET): _S.OPEN,
            (_S.HELD, _I.END): _S.CLOSED,
            (_S.ORDERED, _I.REGISTER): _S.ASKED,
            (_S.ORDERED, _I.UNREGISTER): _S.OPEN,
            (_S.ORDERED, _I.MESSAGE): _S.ORDERED,
            (_S.ORDERED, _I.FAULT): _S.CLOSED,
            (_S.ORDERED, _I.LATE): _S.HELD,
            (_S.ORDERED, _I.FORGET): _S.OPEN,
            (_S.ORDERED, _I.END): _S.CLOSED,
        }
    )
)


@dataclass(frozen=True, slots=True)
class RegisterRequested:
    """A phone wants to be registered; `reason` is what its last alarm told."""

    register: Register
    reason: RegistrationReason


@dataclass(frozen=True, slots=True)
class KeptAlive:
    """A keepalive was answered; `is_held` tells whether the phone is registered here."""

    is_held: bool


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The phone left; it was answered."""

    was_held: bool


@dataclass(frozen=True, slots=True)
class AlarmReported:
    """An alarm; `device_name` is "" where nothing tells it."""

    device_name: str
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Answered:
    """A registered phone asked something and was answered."""

    request: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message needed no answer, or has none here."""

    request: str


@dataclass(frozen=True, slots=True)
class OrderCarriedOut:
    """The phone left after an order."""


@dataclass(frozen=True, slots=True)
class OrderUnanswered:
    """The phone did not leave after an order, or its registration ended before."""


RegistrarEvent = (
    RegisterRequested
    | KeptAlive
    | Unregistered
    | AlarmReported
    | Answered
    | Ignored
    | OrderCarriedOut
    | OrderUnanswered
)


class SccpRegistrar:
    """One connection; `largest` bounds a message in bytes."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._stream = FrameStream(largest)
        self._machine = StateMachine(TRANSITIONS, RegistrarState.OPEN)
        self._station: Station | None = None
        self._reason = RegistrationReason()
        self._deadline: float | None = None
        self._events: deque[RegistrarEvent] = deque()
        self._outgoing: list[bytes] = []

    @property
    def state(self) -> RegistrarState:
        """Where the connection stands."""
        return self._machine.state

    @property
    def is_between_messages(self) -> bool:
        """Whether no part of a message is held."""
        return self._stream.is_empty

    def receive_data(self, data: bytes) -> None:
        """Take bytes as they came."""
        if self.state is not RegistrarState.CLOSED:
            self._stream.feed(data)

    def receive_end(self) -> None:
        """Take note that the connection is gone: a phone that was ordered has done it."""
        if self.state is RegistrarState.CLOSED:
            return
        self._move(RegistrarInput.END)

    def next_event(self, now: datetime) -> RegistrarEvent | None:
        """Read on until there is an event; None when more bytes, or a decision, are needed.

        `now` is what a phone that asks is told. Raises RemoteProtocolError when the stream cannot
        be read any further.
        """
        while not self._events:
            if not self._machine.can(RegistrarInput.MESSAGE):
                return None
            try:
                frame = self._stream.next_frame()
                message = None if frame is None else decode_request(frame)
            except FormatError as error:
                self._move(RegistrarInput.FAULT)
                raise RemoteProtocolError(str(error)) from None
            if message is None:
                return None
            self._take(message, now)
        return self._events.popleft()

    def accept(self, station: Station, ack: RegisterAck) -> None:
        """Answer the Register: the phone is registered, and is asked for its codecs."""
        self._move(RegistrarInput.ACCEPT)
        self._station = station
        self._send(ack)
        self._send(NoFields(MessageId.CAPABILITIES_REQUEST))

    def refuse(self, text: str) -> None:
        """Answer the Register with a refusal; whoever was registered here is so no more."""
        self._move(RegistrarInput.REFUSE)
        self._station = None
        self._send(RegisterReject(text))

    def order(self, kind: ResetType, now_s: float) -> None:
        """Send the registered phone a Reset; `now_s` is monotonic.

        Raises LocalProtocolError when nobody is registered here or an order is under way.
        """
        self._move(RegistrarInput.ORDER)
        self._deadline = now_s + ORDER_TIME_S
        self._send(Reset(kind))

    def forget(self) -> None:
        """Regard nobody as registered here; the phone is told nothing."""
        if self.state is RegistrarState.ORDERED:
            self._events.append(OrderUnanswered())
        self._move(RegistrarInput.FORGET)
        self._station = self._deadline = None

    def next_timeout(self) -> float | None:
        """Return the monotonic second to call `handle_timeout` at, None for none."""
        return self._deadline

    def handle_timeout(self, now_s: float) -> None:
        """Give up an order that waited too long."""
        if self._deadline is not None and self._deadline <= now_s:
            self._move(RegistrarInput.LATE)
            self._deadline = None
            self._events.append(OrderUnanswered())

    def data_to_send(self) -> tuple[bytes, ...]:
        """Return the messages to send, each to be written in one piece, and forget them."""
        outgoing, self._outgoing = tuple(self._outgoing), []
        return outgoing

    # the inside

    def _move(self, what: RegistrarInput) -> None:
        was_ordered = self.state is RegistrarState.ORDERED
        self._machine.move(what)
        if was_ordered and what in _LEAVING:
            self._deadline = None
            self._events.append(OrderCarriedOut())

    def _send(self, answer: Answer) -> None:
        self._outgoing.append(encode_frame(encode_answer(answer)))

    def _take(self, message: Message | Frame, now: datetime) -> None:
        if isinstance(message, Register):
            self._move(RegistrarInput.REGISTER)
            self._events.append(RegisterRequested(message, self._reason))
        elif isinstance(message, Unregister):
            was_held = self._station is not None
            self._move(RegistrarInput.UNREGISTER)
            self._station = None
            self._send(UnregisterAck())
            self._events.append(Unregistered(was_held))
        else:
            self._move(RegistrarInput.MESSAGE)
            self._events.append(self._answer(message, now))

    def _answer(self, message: Message | Frame, now: datetime) -> RegistrarEvent:
        """Answer what needs no decision, and return what to tell of it."""
        match message:
            case Plain(message_id=MessageId.KEEPALIVE):
                self._send(NoFields(MessageId.KEEPALIVE_ACK))
                return KeptAlive(is_held=self._station is not None)
            case StationAlarm():
                self._reason = message.reason
                return AlarmReported(message.reason.name, message.alarm)
            case XmlAlarm(alarm=alarm):
                return AlarmReported(alarm.value("DeviceName") or "", alarm)
            case TokenRequest():
                self._send(TokenAck())
                return Answered(MessageId.REGISTER_TOKEN_REQUEST.name)
            case Plain() | LineStatRequest() if self._station is not None:
                self._send(self._station.answer(message, now))
                return Answered(_name(message))
            case _:
                return Ignored(_name(message))


_LEAVING: Final = frozenset({_I.REGISTER, _I.UNREGISTER, _I.END})


def _name(message: Message | Frame) -> str:
    if isinstance(message, Frame):
        return message.name
    if isinstance(message, Plain):
        return message.message_id.name
    return type(message).__name__
