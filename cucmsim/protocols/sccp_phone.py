"""An SCCP phone's side of registration: the members of its CallManager group, and failover.

Driven like `sip_phone`, with the same actions and events: whoever does the I/O connects and sends
as `take_actions` says, and tells `connected`, `disconnected`, `receive_data` and, at
`next_timeout`, `handle_timeout`; `next_event` says what became of it. The phone registers with the
first member that can be reached; the next one is its standby, with a connection that is only kept
alive. When the active one is lost, the standby is first to be asked. A phone that is not with its
first member connects to those above: it asks the one it reaches for a token, and when that is given
unregisters and goes there; when it is refused, it asks again after the time it is told.

Source: chan-sccp, Cisco's description of SCCP registration; choices stand in docs/divergences.md.
"""

from collections import deque
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Final

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.servicecontrol import Action, ServiceControl
from cucmsim.formats.skinny import Frame
from cucmsim.formats.skinny_answers import (
    Answer,
    RegisterAck,
    RegisterReject,
    Reset,
    TokenAck,
    TokenReject,
    UnregisterAck,
    decode_answer,
)
from cucmsim.formats.skinny_messages import (
    Register,
)
from cucmsim.protocols.phone_events import (
    AllFailed,
    Ordered,
    PhoneAction,
    PhoneEvent,
    Registered,
    RegistrationLost,
    Rejected,
    Unregistered,
)
from cucmsim.protocols.phone_phases import PHASES, PhoneInput, PhonePhase
from cucmsim.protocols.phone_timers import SccpTimers
from cucmsim.protocols.sccp_member import Member, MemberInput, MemberState
from cucmsim.protocols.sccp_questions import SccpQuestions
from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.statemachine import StateMachine

__all__ = ["SccpPhone"]

_KEPT_ALIVE: Final = (MemberState.STANDBY, MemberState.REGISTERED)
_ORDERS: Final = {1: Action.RESET, 2: Action.RESTART, 3: Action.APPLY_CONFIG}


class SccpPhone:
    """Registration of one phone with a group of `count` members.

    `register` is what the phone says of itself, but for its address, which each connection tells.
    """

    def __init__(self, register: Register, count: int, *, timers: SccpTimers | None = None) -> None:
        self._timers = timers or SccpTimers()
        self._say = SccpQuestions(register, self._timers)
        self._members = [Member(index) for index in range(count)]
        self._machine = StateMachine(PHASES, PhonePhase.IDLE)
        self._active: int | None = None
        self._target: int | None = None
        self._tried: set[int] = set()
        self._reason = OutOfServiceReason.INITIALIZED
        self._alarms: list[Alarm] = []
        self._interval_s = self._standby_interval_s = self._timers.keepalive_s
        self._standby = 0
        self._due: dict[str, float] = {}
        self._events: deque[PhoneEvent] = deque()

    @property
    def phase(self) -> PhonePhase:
        """What the phone is about."""
        return self._machine.state

    @property
    def active(self) -> int | None:
        """The member registered with, None while there is none."""
        return self._active

    @property
    def connected_others(self) -> tuple[int, ...]:
        """The members besides the active one with which a connection stands."""
        connected = (member.index for member in self._members if member.is_connected)
        return tuple(index for index in connected if index != self._active)

    @property
    def states(self) -> tuple[MemberState, ...]:
        """Where the phone stands with each member."""
        return tuple(member.state for member in self._members)

    # what the owner tells

    def start(
        self,
        now: Instant,
        reason: OutOfServiceReason = OutOfServiceReason.INITIALIZED,
        alarms: Sequence[Alarm] = (),
    ) -> None:
        """Begin; `reason` and `alarms` are reported to the server first reached."""
        self._machine.move(PhoneInput.START)
        self._reason = reason
        self._alarms += alarms
        self._tried.clear()
        self._seek(now)

    def stop(self, now: Instant) -> None:
        """Unregister and close all connections; `Unregistered` comes when it is done."""
        self._machine.move(PhoneInput.STOP)
        self._due.clear()
        if self._active is None:
            self._close_all()
            return
        member = self._members[self._active]
        if member.can(MemberInput.LEAVE):
            self._say.leave(member, now)

    def report(self, alarm: Alarm, now: Instant) -> None:  # noqa: ARG002 - as for SIP
        """Send an alarm, now or with the next registration."""
        if self.phase is PhonePhase.IN_SERVICE and self._active is not None:
            self._say.report(self._members[self._active], alarm)
        else:
            self._alarms.append(alarm)

    def connected(self, index: int, local: tuple[str, int], now: Instant) -> None:
        """Take note that the connection to a member stands; `local` is our end of it."""
        member = self._members[index]
        member.move(MemberInput.CONNECTED)
        member.address = _packed(local[0])
        if self.phase is PhonePhase.SEEKING and index == self._target:
            self._register(member, now)
        else:
            self._keep_alive(member, now)
            self._ask_for_token(now)

    def disconnected(
        self,
        index: int,
        now: Instant,
        reason: OutOfServiceReason = OutOfServiceReason.CM_CLOSED_TCP,
    ) -> None:
        """Take note that a connection could not be opened, or is lost."""
        member = self._members[index]
        if member.can(MemberInput.GONE):
            member.move(MemberInput.GONE)
            self._gone(member, now, reason)

    def receive_data(self, index: int, data: bytes, now: Instant) -> None:
        """Take bytes of a member; what cannot be read costs its connection."""
        member = self._members[index]
        member.stream.feed(data)
        try:
            while member.can(MemberInput.GONE) and (frame := member.stream.next_frame()):
                self._take(member, decode_answer(frame), now)
        except FormatError:
            self._drop(member, now, OutOfServiceReason.CM_RESET_TCP)

    def next_timeout(self) -> float | None:
        """Return the monotonic second to call `handle_timeout` at, None for none."""
        deadlines = (*self._due.values(), *(member.due for member in self._members))
        return min((each for each in deadlines if each is not None), default=None)

    def handle_timeout(self, now: Instant) -> None:
        """Do what is due, give up what waited too long."""
        for member in self._members:
            if member.due is not None and member.due <= now.monotonic_s:
                self._member_due(member, now)
        for name in [name for name, due in self._due.items() if due <= now.monotonic_s]:
            del self._due[name]
            self._do_due(name, now)

    # what the owner is told

    def take_actions(self) -> tuple[PhoneAction, ...]:
        """Return what is to be done now, in order, and forget it."""
        actions, self._say.actions = tuple(self._say.actions), []
        return actions

    def next_event(self) -> PhoneEvent | None:
        """Return the next thing that happened, None when there is none."""
        return self._events.popleft() if self._events else None

    # phases

    def _do_due(self, name: str, now: Instant) -> None:
        if name == "retry":
            self._machine.move(PhoneInput.RETRY)
            self._tried.clear()
            self._seek(now)
        elif name == "token":
            self._ask_for_token(now)
        else:
            self._watch()

    def _seek(self, now: Instant) -> None:
        """Go for the next member not tried yet, those connected first."""
        left = [member for member in self._members if member.index not in self._tried]
        left.sort(key=lambda member: not member.can(MemberInput.REGISTER))
        if not left:
            self._machine.move(PhoneInput.EXHAUSTED)
            self._wait(now)
            self._events.append(AllFailed(self._timers.retry_s))
            return
        self._target = left[0].index
        if left[0].can(MemberInput.REGISTER):
            self._register(left[0], now)
        elif left[0].can(MemberInput.CONNECT):
            self._say.connect(left[0])

    def _wait(self, now: Instant) -> None:
        self._target = None
        self._due = {"retry": now.monotonic_s + self._timers.retry_s}

    def _gone(self, member: Member, now: Instant, reason: OutOfServiceReason) -> None:
        """Go on without a member's connection."""
        if member.index == self._active:
            self._active_gone(member, now, reason)
        elif self.phase is PhonePhase.SEEKING and member.index == self._target:
            self._tried.add(member.index)
            self._seek(now)
        elif self.phase is PhonePhase.IN_SERVICE:
            self._due["watch"] = now.monotonic_s + self._timers.retry_s

    def _active_gone(self, member: Member, now: Instant, reason: OutOfServiceReason) -> None:
        if self.phase is not PhonePhase.IN_SERVICE:
            self._left(member, now)
            return
        self._active = None
        self._events.append(RegistrationLost(member.index, reason))
        self._reason = reason
        self._tried = {member.index}
        self._due.clear()
        self._machine.move(PhoneInput.LOST)
        self._seek(now)

    def _drop(self, member: Member, now: Instant, reason: OutOfServiceReason) -> None:
        """Close a connection that is of no use any more."""
        self._say.close(member)
        self._gone(member, now, reason)

    def _close_all(self) -> None:
        for member in self._members:
            if member.can(MemberInput.CLOSE):
                self._say.close(member)
        self._active = self._target = None

    def _left(self, member: Member, now: Instant) -> None:
        """Be done, or go to the member that gave a token."""
        self._active = None
        self._machine.move(PhoneInput.LEFT)
        self._events.append(Unregistered(member.index))
        if self.phase is PhonePhase.STOPPED:
            self._close_all()
            return
        if member.can(MemberInput.CLOSE):
            self._say.close(member)
        self._reason = OutOfServiceReason.TO_HIGHER_SERVER
        self._tried.clear()
        self._seek(now)

    # the others of the group

    def _watch(self) -> None:
        """Connect to the members above, and to a standby: those below in turn."""
        others = [member for member in self._members if member.index != self._active]
        is_alone = all(member.state is MemberState.IDLE for member in others)
        above, below = self._beside()
        for member in above:
            if member.can(MemberInput.CONNECT):
                self._say.connect(member)
        if is_alone and below:
            following = [member for member in below if member.index > self._standby]
            chosen = (following or below)[0]
            self._standby = chosen.index
            self._say.connect(chosen)

    def _beside(self) -> tuple[list[Member], list[Member]]:
        """Return the members above the active one and those below; both empty out of service."""
        if self._active is None:
            return [], []
        return self._members[: self._active], self._members[self._active + 1 :]

    def _ask_for_token(self, now: Instant) -> None:
        """Ask the highest connected member above for a token; one at a time, and not too soon."""
        above, _ = self._beside()
        if "token" in self._due or self.phase is not PhonePhase.IN_SERVICE:
            return
        able = [member for member in above if member.can(MemberInput.ASK)]
        if able and not any(member.state is MemberState.ASKING for member in above):
            self._say.ask_for_token(able[0], now)

    def _token_given(self, member: Member, now: Instant) -> None:
        """Leave the active member; the one that gave the token is the next to register with."""
        self._token_answered(member, now)
        above, _ = self._beside()
        if member in above and self.phase is PhonePhase.IN_SERVICE:
            self._due.clear()
            self._machine.move(PhoneInput.TOKEN)
            self._say.leave(self._members[len(above)], now)

    def _token_refused(self, member: Member, wait_s: int, now: Instant) -> None:
        self._token_answered(member, now)
        if self.phase is PhonePhase.IN_SERVICE:
            self._due["token"] = now.monotonic_s + (wait_s or self._timers.retry_s)

    def _token_answered(self, member: Member, now: Instant) -> None:
        member.move(MemberInput.ANSWERED)
        member.due = now.monotonic_s + self._standby_interval_s

    # one member

    def _member_due(self, member: Member, now: Instant) -> None:
        """Send the next keepalive, or give up a member that owes an answer."""
        if member.state in _KEPT_ALIVE and not member.is_lost:
            self._keep_alive(member, now)
        elif member.state in _KEPT_ALIVE:
            self._drop(member, now, OutOfServiceReason.TCP_TIMEOUT)
        else:
            self._drop(member, now, OutOfServiceReason.REGISTRATION_TIMEOUT)

    def _keep_alive(self, member: Member, now: Instant) -> None:
        is_active = member.index == self._active
        interval_s = self._interval_s if is_active else self._standby_interval_s
        self._say.keep_alive(member, now.monotonic_s + interval_s)

    def _register(self, member: Member, now: Instant) -> None:
        alarms, self._alarms = self._alarms, []
        self._say.register(member, now, self._reason, alarms)

    # answers

    def _take(self, member: Member, answer: Answer | Frame, now: Instant) -> None:
        member.answered()
        match answer:
            case RegisterAck() if member.state is MemberState.REGISTERING:
                self._registered(member, answer, now)
            case RegisterReject() if member.state is MemberState.REGISTERING:
                self._rejected(member, answer, now)
            case UnregisterAck() if member.state is MemberState.LEAVING:
                self._left(member, now)
            case TokenAck() if member.state is MemberState.ASKING:
                self._token_given(member, now)
            case TokenReject(wait_s=wait_s) if member.state is MemberState.ASKING:
                self._token_refused(member, wait_s, now)
            case _ if member.state is MemberState.REGISTERED:
                self._answer(member, answer)
            case _:
                pass

    def _registered(self, member: Member, ack: RegisterAck, now: Instant) -> None:
        member.move(MemberInput.ACCEPTED)
        self._machine.move(PhoneInput.REGISTERED)
        self._active, self._target = member.index, None
        self._tried.clear()
        self._interval_s = float(ack.keepalive_s or self._timers.keepalive_s)
        self._standby_interval_s = float(ack.standby_keepalive_s or self._interval_s)
        member.due = now.monotonic_s + self._interval_s
        self._events.append(Registered(member.index, int(self._interval_s), True, None))  # noqa: FBT003 - a value
        self._say.ask_about_itself(member)
        self._standby = member.index
        self._watch()
        self._ask_for_token(now)

    def _rejected(self, member: Member, reject: RegisterReject, now: Instant) -> None:
        self._say.close(member)
        self._machine.move(PhoneInput.REJECTED)
        self._reason = OutOfServiceReason.REGISTRATION_REJECTED
        self._wait(now)
        self._events.append(Rejected(member.index, 0, reject.text, "", self._timers.retry_s))

    def _answer(self, member: Member, answer: Answer | Frame) -> None:
        """Do what the active server wants."""
        match answer:
            case Reset(kind=kind) if kind in _ORDERS:
                control = ServiceControl(_ORDERS[kind].value, "", None, None, None)
                self._events.append(Ordered(member.index, control))
            case _:
                self._say.answer(member, answer)


def _packed(address: str) -> bytes:
    """Return an IPv4 address as 4 bytes; SCCP's field has no room for another."""
    try:
        return IPv4Address(address).packed
    except ValueError:
        return bytes(4)
