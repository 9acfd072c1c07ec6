"""One member of an SCCP phone's CallManager group: where the phone stands with it, and the table.

A connection that stands is kept alive: a KeepAlive goes out at each interval, and when three of
them are unanswered the server counts as lost. Source: chan-sccp; Cisco's description of SCCP
failover (three keepalives).
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from cucmsim.formats.skinny import FrameStream
from cucmsim.protocols.statemachine import StateMachine

__all__ = ["MEMBER_TRANSITIONS", "Member", "MemberInput", "MemberState"]

_MISSED = 3


class MemberState(Enum):
    """Where a phone stands with a member."""

    IDLE = "idle"
    CONNECTING = "connecting"
    STANDBY = "connected"
    REGISTERING = "registering"
    REGISTERED = "registered"
    ASKING = "token asked for"
    LEAVING = "unregistering"


class MemberInput(Enum):
    """What changes that."""

    CONNECT = "connect"
    CONNECTED = "connected"
    REGISTER = "register"
    ACCEPTED = "RegisterAck"
    LEAVE = "unregister"
    ASK = "ask for a token"
    ANSWERED = "token given or refused"
    CLOSE = "close"
    GONE = "connection lost"


_S, _I = MemberState, MemberInput
MEMBER_TRANSITIONS: Final[Mapping[tuple[MemberState, MemberInput], MemberState]] = MappingProxyType(
    {
        (_S.IDLE, _I.CONNECT): _S.CONNECTING,
        (_S.CONNECTING, _I.CONNECTED): _S.STANDBY,
        (_S.CONNECTING, _I.CLOSE): _S.IDLE,
        (_S.CONNECTING, _I.GONE): _S.IDLE,
        (_S.STANDBY, _I.REGISTER): _S.REGISTERING,
        (_S.STANDBY, _I.ASK): _S.ASKING,
        (_S.STANDBY, _I.CLOSE): _S.IDLE,
        (_S.STANDBY, _I.GONE): _S.IDLE,
        (_S.ASKING, _I.ANSWERED): _S.STANDBY,
        (_S.ASKING, _I.REGISTER): _S.REGISTERING,
        (_S.ASKING, _I.CLOSE): _S.IDLE,
        (_S.ASKING, _I.GONE): _S.IDLE,
        (_S.REGISTERING, _I.ACCEPTED): _S.REGISTERED,
        (_S.REGISTERING, _I.CLOSE): _S.IDLE,
        (_S.REGISTERING, _I.GONE): _S.IDLE,
        (_S.REGISTERED, _I.LEAVE): _S.LEAVING,
        (_S.REGISTERED, _I.CLOSE): _S.IDLE,
        (_S.REGISTERED, _I.GONE): _S.IDLE,
        (_S.LEAVING, _I.CLOSE): _S.IDLE,
        (_S.LEAVING, _I.GONE): _S.IDLE,
    }
)


class Member:
    """A member; `due` is the monotonic second of its next keepalive, or when an answer is late.

    `address` is our end of the connection, 4 bytes.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self._machine = StateMachine(MEMBER_TRANSITIONS, MemberState.IDLE)
        self.stream = FrameStream()
        self.address = bytes(4)
        self.due: float | None = None
        self._unanswered = 0

    @property
    def state(self) -> MemberState:
        """Where the phone stands with it."""
        return self._machine.state

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self.state not in (MemberState.IDLE, MemberState.CONNECTING)

    @property
    def is_lost(self) -> bool:
        """Whether too many keepalives are unanswered."""
        return self._unanswered >= _MISSED

    def can(self, what: MemberInput) -> bool:
        """Tell whether the table has it."""
        return self._machine.can(what)

    def move(self, what: MemberInput) -> None:
        """Change state by the table. Raises LocalProtocolError for what is not in it."""
        self._machine.move(what)
        if self.state is MemberState.IDLE:
            self.stream, self.due, self._unanswered = FrameStream(), None, 0

    def asked(self) -> None:
        """Count a keepalive that was sent."""
        self._unanswered += 1

    def answered(self) -> None:
        """Take note that the server lives."""
        self._unanswered = 0
