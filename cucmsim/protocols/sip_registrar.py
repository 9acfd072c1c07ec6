"""The registrar's side of one connection of a phone: bytes in, events and answers out.

A REGISTER becomes `RegisterRequested` and waits for `accept` or `refuse`, with 100 sent at once;
nothing more is read meanwhile. All else is answered here: keepalives, alarms (REFER), OPTIONS, and
with a refusal whatever would be a call. `order` sends a phone that is registered here a NOTIFY, and
the answer, or that there is none, comes back as an event. A message that is wrong but whole gets a
400; when the size of a message is in doubt the conversation ends with RemoteProtocolError.

Source: sip.md; the state machine is `TRANSITIONS`. Vectors: tests/vectors/sip.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError, LocalProtocolError, RemoteProtocolError
from cucmsim.formats.remotecc import RESPONSE_TYPE, RemoteccOffer, format_register_response
from cucmsim.formats.servicecontrol import ServiceControl
from cucmsim.formats.sip import Header, Message, Request, Response, format_message
from cucmsim.formats.sip_framing import MessageStream, StreamLimits
from cucmsim.formats.sip_values import quoted
from cucmsim.protocols.sip_common import Instant, Transactions, answer_to, check_request
from cucmsim.protocols.sip_orders import OrderNumber, ServerIdentity, notify, refer
from cucmsim.protocols.sip_requests import (
    ALLOWED,
    AlarmReported,
    Asked,
    BadRequest,
    RegisterRequested,
    StrayResponse,
    read_alarm,
    read_register,
)
from cucmsim.protocols.statemachine import StateMachine

__all__ = [
    "TRANSITIONS",
    "KeptAlive",
    "OrderAnswered",
    "OrderUnanswered",
    "RegistrarEvent",
    "RegistrarInput",
    "RegistrarState",
    "SipRegistrar",
    "Unregistered",
]

_ORDERS = 8
_NEW_REGISTRATION: Final = ";x-cisco-newreg"


class RegistrarState(Enum):
    """Where a connection stands."""

    OPEN = "open"
    ASKED = "asked"
    HELD = "held"
    REASKED = "held and asked"
    CLOSED = "closed"


class RegistrarInput(Enum):
    """What moves it: what the phone sent, or what our side decided."""

    REGISTER = "REGISTER"
    UNREGISTER = "REGISTER with Expires 0"
    REQUEST = "another request"
    RESPONSE = "a response"
    FAULT = "a message that cannot be framed"
    ACCEPT = "accept"
    REFUSE = "refuse"
    ORDER = "order"
    FORGET = "forget"


_S, _I = RegistrarState, RegistrarInput
TRANSITIONS: Final[Mapping[tuple[RegistrarState, RegistrarInput], RegistrarState]] = (
    MappingProxyType(
        {
            (_S.OPEN, _I.REGISTER): _S.ASKED,
            (_S.OPEN, _I.REQUEST): _S.OPEN,
            (_S.OPEN, _I.RESPONSE): _S.OPEN,
            (_S.OPEN, _I.FAULT): _S.CLOSED,
            (_S.OPEN, _I.FORGET): _S.OPEN,
            (_S.ASKED, _I.ACCEPT): _S.HELD,
            (_S.ASKED, _I.REFUSE): _S.OPEN,
            (_S.ASKED, _I.FORGET): _S.ASKED,
            (_S.HELD, _I.REGISTER): _S.REASKED,
            (_S.HELD, _I.UNREGISTER): _S.OPEN,
            (_S.HELD, _I.REQUEST): _S.HELD,
            (_S.HELD, _I.RESPONSE): _S.HELD,
            (_S.HELD, _I.FAULT): _S.CLOSED,
            (_S.HELD, _I.ORDER): _S.HELD,
            (_S.HELD, _I.FORGET): _S.OPEN,
            (_S.REASKED, _I.ACCEPT): _S.HELD,
            (_S.REASKED, _I.REFUSE): _S.OPEN,
            (_S.REASKED, _I.ORDER): _S.REASKED,
            (_S.REASKED, _I.FORGET): _S.ASKED,
        }
    )
)


@dataclass(frozen=True, slots=True)
class KeptAlive:
    """A keepalive of a phone for which this is the standby; it was answered, nothing changes."""

    call_id: str
    device_name: str


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The phone gave up its registration; it was answered."""

    request: RegisterRequested


@dataclass(frozen=True, slots=True)
class OrderAnswered:
    """The phone answered an order."""

    number: OrderNumber
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrderUnanswered:
    """The phone did not answer an order in 32 s, or its registration ended before."""

    number: OrderNumber


RegistrarEvent = (
    RegisterRequested
    | KeptAlive
    | Unregistered
    | AlarmReported
    | Asked
    | OrderAnswered
    | OrderUnanswered
    | BadRequest
    | StrayResponse
)


class SipRegistrar:
    """One connection."""

    def __init__(
        self, me: ServerIdentity, entropy: Entropy, limits: StreamLimits | None = None
    ) -> None:
        self._me = me
        self._entropy = entropy
        self._stream = MessageStream(limits)
        self._machine = StateMachine(TRANSITIONS, RegistrarState.OPEN)
        self._asked: tuple[Request, RegisterRequested] | None = None
        self._held: RegisterRequested | None = None
        self._orders: Transactions[OrderNumber] = Transactions()
        self._order_count = 0
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

    @property
    def registration(self) -> RegisterRequested | None:
        """The REGISTER that was accepted last, None when nobody is registered here."""
        return self._held

    def receive_data(self, data: bytes) -> None:
        """Take bytes as they came."""
        if self.state is not RegistrarState.CLOSED:
            self._stream.feed(data)

    def next_event(self, now: Instant) -> RegistrarEvent | None:
        """Read on until there is an event; None when more bytes, or a decision, are needed.

        Raises RemoteProtocolError when the stream cannot be read any further.
        """
        while not self._events:
            if not self._machine.can(RegistrarInput.REQUEST):
                return None
            try:
                message = self._stream.next_message()
            except FormatError as error:
                self._machine.move(RegistrarInput.FAULT)
                raise RemoteProtocolError(str(error)) from None
            if message is None:
                return None
            self._take(message, now)
        return self._events.popleft()

    def accept(self, now: Instant, *, is_new: bool, expires_s: int) -> None:
        """Answer the REGISTER with 200: the phone is registered for `expires_s` seconds."""
        self._machine.move(RegistrarInput.ACCEPT)
        request, asked = self._take_asked()
        contact = asked.contact + (_NEW_REGISTRATION if is_new else "")
        extra = [Header("Expires", str(expires_s)), Header("Contact", contact)]
        if is_new:
            extra.append(Header("Supported", self._me.supported))
        body = b"" if asked.offer == RemoteccOffer() else format_register_response(asked.offer)
        self._answer(request, 200, now, extra=tuple(extra), body=body, media_type=RESPONSE_TYPE)
        self._held = asked

    def refuse(
        self, now: Instant, *, warning: str, status: int = 403, retry_after_s: int = 35
    ) -> None:
        """Answer the REGISTER with a refusal; whoever was registered here is so no more.

        With `retry_after_s` 0 it says nothing of when to come again.
        """
        self._machine.move(RegistrarInput.REFUSE)
        request, _ = self._take_asked()
        later = (Header("Retry-After", str(retry_after_s)),) if retry_after_s else ()
        extra = (*later, self._warning(warning))
        self._answer(request, status, now, extra=extra)
        self._end_registration()

    def order(
        self, now: Instant, control: ServiceControl, *, by_refer: bool = False
    ) -> OrderNumber:
        """Send the registered phone an order; the answer comes as an event with its number.

        `by_refer` sends it as the server sends check-version after a registration. Raises
        LocalProtocolError when nobody is registered here or too many orders wait.
        """
        self._machine.move(RegistrarInput.ORDER)
        assert self._held is not None  # noqa: S101 - orders are legal in these states only
        if len(self._orders) >= _ORDERS:
            raise LocalProtocolError(f"{_ORDERS} orders wait for their answer already")
        self._order_count += 1
        write = refer if by_refer else notify
        request = write(self._me, self._held, control, self._order_count, now, self._entropy)
        self._orders.add(request, self._order_count, now)
        self._outgoing.append(format_message(request))
        return self._order_count

    def forget(self) -> None:
        """Regard nobody as registered here; the phone is told nothing."""
        self._machine.move(RegistrarInput.FORGET)
        self._end_registration()

    def next_timeout(self) -> float | None:
        """Return the monotonic second to call `handle_timeout` at, None for none."""
        return self._orders.next_deadline()

    def handle_timeout(self, now: Instant) -> None:
        """Give up what waited too long."""
        self._events.extend(OrderUnanswered(number) for number in self._orders.take_late(now))

    def data_to_send(self) -> tuple[bytes, ...]:
        """Return the messages to send, each to be written in one piece, and forget them."""
        outgoing, self._outgoing = tuple(self._outgoing), []
        return outgoing

    # the inside

    def _take_asked(self) -> tuple[Request, RegisterRequested]:
        assert self._asked is not None  # noqa: S101 - the states with a question have one
        asked, self._asked = self._asked, None
        return asked

    def _end_registration(self) -> None:
        self._held = None
        self._events.extend(OrderUnanswered(number) for number in self._orders.clear())

    def _take(self, message: Message, now: Instant) -> None:
        if isinstance(message, Response):
            self._take_response(message)
            return
        try:
            check_request(message)
            self._take_request(message, now)
        except FormatError as error:
            self._machine.move(RegistrarInput.REQUEST)
            self._events.append(BadRequest(message.method, error.message))
            if message.method != "ACK":
                self._answer(message, 400, now, extra=(self._warning(error.message),))

    def _take_response(self, response: Response) -> None:
        self._machine.move(RegistrarInput.RESPONSE)
        try:
            number = self._orders.take(response)
        except FormatError:
            number = None
        if number is None:
            self._events.append(StrayResponse(response.status))
        else:
            self._events.append(OrderAnswered(number, response.status, response.reason))

    def _take_request(self, request: Request, now: Instant) -> None:
        """Do what the method says. Raises FormatError before anything is done."""
        if request.method == "REGISTER":
            self._take_register(request, read_register(request), now)
        elif request.method == "REFER":
            self._take_refer(request, read_alarm(request), now)
        else:
            self._machine.move(RegistrarInput.REQUEST)
            self._events.append(Asked(request.method, request.uri))
            if request.method != "ACK":
                self._refuse_method(request, now)

    def _take_register(self, request: Request, asked: RegisterRequested, now: Instant) -> None:
        held = self._held is not None and self._held.call_id == asked.call_id
        if asked.expires_s == 0 and (asked.is_keepalive or not held):
            self._machine.move(RegistrarInput.REQUEST)
            self._answer_expired(request, asked, now)
            self._events.append(KeptAlive(asked.call_id, asked.device_name))
        elif asked.expires_s == 0:
            self._machine.move(RegistrarInput.UNREGISTER)
            self._answer_expired(request, asked, now)
            self._events.append(Unregistered(asked))
            self._end_registration()
        else:
            self._machine.move(RegistrarInput.REGISTER)
            self._outgoing.append(format_message(answer_to(request, 100, now)))
            self._asked = request, asked
            self._events.append(asked)

    def _answer_expired(self, request: Request, asked: RegisterRequested, now: Instant) -> None:
        self._outgoing.append(format_message(answer_to(request, 100, now)))
        extra = (Header("Expires", "0"), Header("Contact", asked.contact))
        self._answer(request, 200, now, extra=extra)

    def _take_refer(self, request: Request, event: AlarmReported, now: Instant) -> None:
        self._machine.move(RegistrarInput.REQUEST)
        contact = Header("Contact", self._me.contact)
        accepted = answer_to(request, 202, now, tag=self._tag(), extra=(contact,))
        self._outgoing.append(format_message(accepted))
        self._events.append(event)

    def _refuse_method(self, request: Request, now: Instant) -> None:
        """Answer OPTIONS; refuse the rest, each as a server does that knows no calls."""
        allow = Header("Allow", ",".join(ALLOWED))
        answers: Mapping[str, tuple[int, tuple[Header, ...]]] = {
            "OPTIONS": (200, (allow,)),
            "INVITE": (501, (self._warning("This server makes no calls"), allow)),
            "SUBSCRIBE": (489, (self._warning("No subscriptions on this server"),)),
            "NOTIFY": (481, ()),
            "BYE": (481, ()),
            "CANCEL": (481, ()),
            "PRACK": (481, ()),
            "UPDATE": (481, ()),
        }
        status, extra = answers.get(request.method, (405, (allow,)))
        self._answer(request, status, now, extra=extra)

    def _answer(
        self,
        request: Request,
        status: int,
        now: Instant,
        *,
        extra: tuple[Header, ...],
        body: bytes = b"",
        media_type: str = "",
    ) -> None:
        answer = answer_to(
            request,
            status,
            now,
            tag=self._tag(),
            server=self._me.server,
            extra=extra,
            body=body,
            media_type=media_type,
        )
        self._outgoing.append(format_message(answer))

    def _tag(self) -> str:
        return str(int.from_bytes(self._entropy.token(4), "big"))

    def _warning(self, text: str) -> Header:
        return Header("Warning", f"399 {self._me.node} {quoted(text)}")
