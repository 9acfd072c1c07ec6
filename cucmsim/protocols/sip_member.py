"""A phone's dealings with one member of its group: a connection and what is asked on it.

`MEMBER_TRANSITIONS` says which duty may follow which; `sip_phone` decides which one does. One
question of a kind is on its way at a time (a REGISTER of some sort, or the REFER for a token);
alarms go beside it.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import Alarm
from cucmsim.formats.sip import Request, Response, format_message
from cucmsim.formats.sip_framing import MessageStream, StreamLimits
from cucmsim.protocols.sip_common import Instant, Transactions
from cucmsim.protocols.statemachine import StateMachine

if TYPE_CHECKING:
    from cucmsim.protocols.sip_phone_messages import RegistrationDialog

__all__ = ["MEMBER_TRANSITIONS", "Member", "MemberInput", "MemberState"]


class MemberState(Enum):
    """Where a phone stands with a server."""

    IDLE = "not connected"
    CONNECTING = "connecting"
    READY = "connected"
    PROBING = "keepalive sent"
    REGISTERING = "REGISTER sent"
    REGISTERED = "registered"
    REFRESHING = "refresh sent"
    ASKING = "token asked for"
    LEAVING = "unregistering"


class MemberInput(Enum):
    """What moves it: a decision of the phone, or what came of one."""

    CONNECT = "connect"
    PROBE = "probe"
    REGISTER = "register"
    REFRESH = "refresh"
    ASK = "ask for a token"
    LEAVE = "unregister"
    CLOSE = "close"
    CONNECTED = "connected"
    GOOD = "answered with 2xx"
    BAD = "answered with a refusal"
    GONE = "connection lost or no answer"


_S, _I = MemberState, MemberInput
MEMBER_TRANSITIONS: Final[Mapping[tuple[MemberState, MemberInput], MemberState]] = MappingProxyType(
    {
        (_S.IDLE, _I.CONNECT): _S.CONNECTING,
        (_S.CONNECTING, _I.CONNECTED): _S.READY,
        (_S.READY, _I.PROBE): _S.PROBING,
        (_S.READY, _I.REGISTER): _S.REGISTERING,
        (_S.READY, _I.ASK): _S.ASKING,
        (_S.PROBING, _I.GOOD): _S.READY,
        (_S.PROBING, _I.BAD): _S.READY,
        (_S.PROBING, _I.REGISTER): _S.REGISTERING,
        (_S.REGISTERING, _I.REGISTER): _S.REGISTERING,
        (_S.REGISTERING, _I.GOOD): _S.REGISTERED,
        (_S.REGISTERING, _I.BAD): _S.READY,
        (_S.REGISTERED, _I.REFRESH): _S.REFRESHING,
        (_S.REGISTERED, _I.LEAVE): _S.LEAVING,
        (_S.REFRESHING, _I.REFRESH): _S.REFRESHING,
        (_S.REFRESHING, _I.GOOD): _S.REGISTERED,
        (_S.REFRESHING, _I.BAD): _S.READY,
        (_S.REFRESHING, _I.LEAVE): _S.LEAVING,
        (_S.ASKING, _I.GOOD): _S.READY,
        (_S.ASKING, _I.BAD): _S.READY,
        (_S.ASKING, _I.REGISTER): _S.REGISTERING,
        (_S.LEAVING, _I.GOOD): _S.READY,
        (_S.LEAVING, _I.BAD): _S.READY,
        **{(state, _I.GONE): _S.IDLE for state in _S if state is not _S.IDLE},
        **{(state, _I.CLOSE): _S.IDLE for state in _S if state is not _S.IDLE},
    }
)

_CONNECTED = frozenset(MemberState) - {MemberState.IDLE, MemberState.CONNECTING}


class Member:
    """One server of the group; `index` is its place there, from 0."""

    def __init__(self, index: int, address: str, limits: StreamLimits | None = None) -> None:
        self.index = index
        self.address = address
        self._machine = StateMachine(MEMBER_TRANSITIONS, MemberState.IDLE)
        self.dialog: RegistrationDialog | None = None
        self._limits = limits
        self._stream = MessageStream(limits)
        self._asked: Transactions[MemberState | Alarm] = Transactions()

    @property
    def state(self) -> MemberState:
        """Where the phone stands with it."""
        return self._machine.state

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self.state in _CONNECTED

    def can(self, what: MemberInput) -> bool:
        """Whether `what` is possible now."""
        return self._machine.can(what)

    def move(self, what: MemberInput) -> None:
        """Go on by `what`. Raises LocalProtocolError where the table has no row."""
        self._machine.move(what)
        if self.state is MemberState.IDLE:
            self._stream = MessageStream(self._limits)
            self._asked.clear()
            self.dialog = None

    def ask(self, request: Request, now: Instant, alarm: Alarm | None = None) -> bytes:
        """Wait for the answer to `request`, which belongs to the state now or to `alarm`."""
        self._asked.add(request, self.state if alarm is None else alarm, now)
        return format_message(request)

    def receive_data(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._stream.feed(data)

    def next_message(self) -> Request | Response | None:
        """Take the next message out. Raises FormatError when the stream cannot be read on."""
        return self._stream.next_message()

    def answered(self, response: Response) -> MemberState | Alarm | None:
        """Return what a response is the answer to: the state asked in, an alarm, or nothing."""
        try:
            return self._asked.take(response)
        except FormatError:
            return None

    def next_deadline(self) -> float | None:
        """Return when the first question is given up, None when none waits."""
        return self._asked.next_deadline()

    def take_late(self, now: Instant) -> tuple[MemberState | Alarm, ...]:
        """Give up what waited too long, and return it."""
        return self._asked.take_late(now)
