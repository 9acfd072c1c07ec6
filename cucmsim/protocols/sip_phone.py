"""A phone's side of registration: the members of its CallManager group, failover and fallback.

Whoever does the I/O connects and sends as `take_actions` says, and tells `connected`,
`disconnected`, `receive_data` and, at `next_timeout`, `handle_timeout`; `next_event` says what
became of it. The first member that is reached becomes the active one; the next one is the standby
and those above are watched, each with a connection of its own and REGISTERs that expire at once.
When the active one is silent for 32 s or the connection is lost, the first live one takes over;
when one above is alive again, the phone asks it for a token, unregisters and goes there.

Source: sip.md (failover and timers of SIPCC). `phone_phases` has the phone's state machine, and
`sip_member` the one of each member; choices stand in docs/divergences.md.
"""

from collections import deque
from collections.abc import Sequence

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.servicecontrol import Action
from cucmsim.formats.sip import Request, Response, format_message
from cucmsim.formats.sip_framing import StreamLimits
from cucmsim.protocols.phone_events import (
    AlarmDelivered,
    AllFailed,
    Disconnect,
    Ordered,
    PhoneAction,
    PhoneEvent,
    Registered,
    RegistrationLost,
    Rejected,
    Send,
    Unregistered,
    VersionsUnknown,
)
from cucmsim.protocols.phone_phases import PHASES, PhoneInput, PhonePhase
from cucmsim.protocols.phone_timers import SipTimers
from cucmsim.protocols.sip_common import Instant, header_date, header_number
from cucmsim.protocols.sip_member import Member, MemberInput, MemberState
from cucmsim.protocols.sip_others import Others
from cucmsim.protocols.sip_phone_answers import answer_request
from cucmsim.protocols.sip_phone_messages import PhoneProfile
from cucmsim.protocols.sip_questions import Questions
from cucmsim.protocols.statemachine import StateMachine

__all__ = ["SipPhone"]

_SHORTEST_REFRESH_S = 20
_FIRST_RETRY_S = 0.1
_RETRY_S = 120
_RETRY_SPREAD_S = 61
_GOOD = range(200, 300)
_RETRY_LATER = (404, 413, 480, 486, 503)


class SipPhone:
    """Registration of one phone; `servers` are the addresses of its group in order.

    `is_idle` False keeps it from going back to a higher server.
    """

    def __init__(
        self,
        profile: PhoneProfile,
        servers: Sequence[str],
        entropy: Entropy,
        *,
        timers: SipTimers | None = None,
        limits: StreamLimits | None = None,
    ) -> None:
        self.profile = profile
        self.is_idle = True
        self._entropy = entropy
        self._ask = Questions(profile, entropy)
        self._timers = timers or SipTimers()
        self._members = [Member(index, server, limits) for index, server in enumerate(servers)]
        self._others = Others(self._members, self._ask)
        self._machine = StateMachine(PHASES, PhonePhase.IDLE)
        self._active: int | None = None
        self._target: int | None = None
        self._tried: set[int] = set()
        self._reason = OutOfServiceReason.INITIALIZED
        self._alarms: list[Alarm] = []
        self._failures = 0
        self._failed_over = False
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
        self._failures = 0
        self._seek(now)

    def stop(self, now: Instant) -> None:
        """Unregister and close all connections; `Unregistered` comes when it is done."""
        active = self._active
        self._machine.move(PhoneInput.STOP)
        self._due.clear()
        if active is None:
            self._close_all()
            return
        member = self._members[active]
        if member.can(MemberInput.LEAVE):
            self._ask.leave(member, now)

    def report(self, alarm: Alarm, now: Instant) -> None:
        """Send an alarm, now or with the next registration."""
        self._alarms.append(alarm)
        if self.phase is PhonePhase.IN_SERVICE and self._active is not None:
            self._ask.report(self._members[self._active], now, alarm)

    def connected(self, index: int, local: tuple[str, int], now: Instant) -> None:
        """Take note that the connection to a member stands; `local` is our end of it."""
        member = self._members[index]
        member.move(MemberInput.CONNECTED)
        self._ask.begin(member, local)
        if self.phase is PhonePhase.SEEKING and index == self._target:
            self._ask.register(member, now, self._reason, self._alarms)
        else:
            self._ask.probe(member, now)

    def disconnected(
        self,
        index: int,
        now: Instant,
        reason: OutOfServiceReason = OutOfServiceReason.CM_CLOSED_TCP,
    ) -> None:
        """Take note that a connection could not be opened, or is lost."""
        member = self._members[index]
        if member.state is not MemberState.IDLE:
            member.move(MemberInput.GONE)
            self._gone(member, now, reason)

    def receive_data(self, index: int, data: bytes, now: Instant) -> None:
        """Take bytes of a member; what cannot be framed costs its connection."""
        member = self._members[index]
        member.receive_data(data)
        try:
            while member.is_connected and (message := member.next_message()):
                if isinstance(message, Response):
                    self._take_response(member, message, now)
                else:
                    self._take_request(member, message, now)
        except FormatError:
            self._drop(member, now, OutOfServiceReason.CM_RESET_TCP)

    def next_timeout(self) -> float | None:
        """Return the monotonic second to call `handle_timeout` at, None for none."""
        deadlines = [member.next_deadline() for member in self._members]
        found = [*self._due.values(), *(each for each in deadlines if each is not None)]
        return min(found, default=None)

    def handle_timeout(self, now: Instant) -> None:
        """Do what is due, give up what waited too long."""
        for member in self._members:
            if member.state in member.take_late(now):
                self._drop(member, now, OutOfServiceReason.REGISTRATION_TIMEOUT)
        for name in [name for name, due in self._due.items() if due <= now.monotonic_s]:
            del self._due[name]
            self._do_due(name, now)

    # what the owner is told

    def take_actions(self) -> tuple[PhoneAction, ...]:
        """Return what is to be done now, in order, and forget it."""
        actions, self._ask.actions = tuple(self._ask.actions), []
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
        elif name == "refresh":
            self._ask.refresh(self._active_member(), now)
        elif name == "watch":
            self._watch(now)
        elif name == "token":
            self._others.ask_for_token(self._active_member().index, now)
        else:
            self._events.append(VersionsUnknown())

    def _seek(self, now: Instant, *, live_first: bool = False) -> None:
        """Go for the next member not tried yet; after a failover the live ones come first."""
        left = [member for member in self._members if member.index not in self._tried]
        if live_first:
            left.sort(key=lambda member: not member.can(MemberInput.REGISTER))
        if not left:
            self._target = None
            self._machine.move(PhoneInput.EXHAUSTED)
            self._events.append(AllFailed(self._wait(now)))
            return
        member = left[0]
        self._target = member.index
        if member.can(MemberInput.REGISTER):
            self._ask.register(member, now, self._reason, self._alarms)
        elif member.can(MemberInput.CONNECT):
            self._ask.connect(member)

    def _wait(self, now: Instant, retry_s: float | None = None) -> float:
        """Try again later: after 100 ms at the first time, then after 120 to 180 s."""
        self._due.clear()
        if retry_s is None:
            spread = int.from_bytes(self._entropy.token(2), "big") % _RETRY_SPREAD_S
            retry_s = _RETRY_S + spread if self._failures else _FIRST_RETRY_S
            self._failures += 1
        self._due["retry"] = now.monotonic_s + retry_s
        return retry_s

    def _gone(self, member: Member, now: Instant, reason: OutOfServiceReason) -> None:
        """Go on without a member's connection."""
        index = member.index
        if index == self._active:
            self._active_gone(index, now, reason)
        elif self.phase is PhonePhase.SEEKING and index == self._target:
            self._tried.add(index)
            self._seek(now, live_first=True)
        elif self.phase is PhonePhase.IN_SERVICE:
            self._others.failed(index, self._active_member().index)

    def _active_gone(self, index: int, now: Instant, reason: OutOfServiceReason) -> None:
        if self.phase is PhonePhase.IN_SERVICE:
            self._active = None
            self._due.clear()
            self._events.append(RegistrationLost(index, reason))
            self._reason, self._failed_over = reason, True
            self._tried = {index}
            self._machine.move(PhoneInput.LOST)
            self._seek(now, live_first=True)
        else:
            self._left(index, now)

    def _drop(self, member: Member, now: Instant, reason: OutOfServiceReason) -> None:
        """Close a connection that is of no use any more."""
        member.move(MemberInput.CLOSE)
        self._ask.actions.append(Disconnect(member.index))
        self._gone(member, now, reason)

    def _close_all(self) -> None:
        for member in self._members:
            if member.state is not MemberState.IDLE:
                member.move(MemberInput.CLOSE)
                self._ask.actions.append(Disconnect(member.index))
        self._active = self._target = None

    def _active_member(self) -> Member:
        if self._active is None:
            raise AssertionError("these timers run in service only")
        return self._members[self._active]

    # the others of the group

    def _watch(self, now: Instant) -> None:
        """Look after the others now, and again after the keepalive interval."""
        self._due["watch"] = now.monotonic_s + self._timers.keepalive_s
        self._others.watch(self._active_member().index, now)

    def _alive(self, member: Member, now: Instant) -> None:
        """Take note that a keepalive was answered, in whatever way."""
        free = self.is_idle and self.phase is PhonePhase.IN_SERVICE and "token" not in self._due
        if free and member.index < self._active_member().index:
            self._others.ask_for_token(member.index + 1, now)

    def _token_answered(self, member: Member, response: Response, now: Instant) -> None:
        if response.status in _GOOD:
            self._target = member.index
            self._due.clear()
            self._machine.move(PhoneInput.TOKEN)
            self._ask.leave(self._active_member(), now)
        else:
            delay_s = header_number(response, "Retry-After") or self._timers.keepalive_s
            self._due["token"] = now.monotonic_s + delay_s

    def _left(self, index: int, now: Instant) -> None:
        """Go on after the registration was given up."""
        self._active = None
        self._machine.move(PhoneInput.LEFT)
        self._events.append(Unregistered(index))
        if self.phase is PhonePhase.STOPPED:
            self._close_all()
            return
        self._reason = OutOfServiceReason.TO_HIGHER_SERVER
        self._tried.clear()
        self._seek(now, live_first=True)

    # answers

    def _take_response(self, member: Member, response: Response, now: Instant) -> None:
        asked = member.answered(response)
        good = response.status in _GOOD
        if isinstance(asked, Alarm):
            if good and asked in self._alarms:
                self._alarms.remove(asked)
                self._events.append(AlarmDelivered(asked))
        elif asked is not None and asked is member.state:
            self._take_answer(member, response, now)

    def _take_answer(self, member: Member, response: Response, now: Instant) -> None:
        """Take the answer to the question that the member's state stands for."""
        good = response.status in _GOOD
        state = member.state
        registering = state in (MemberState.REGISTERING, MemberState.REFRESHING)
        if registering and not good and self._ask.try_again(member, response, now):
            return
        member.move(MemberInput.GOOD if good else MemberInput.BAD)
        if registering and good:
            self._registered(member, response, now, is_new=state is MemberState.REGISTERING)
        elif registering:
            self._rejected(member, response, now)
        elif state is MemberState.PROBING:
            self._alive(member, now)
        elif state is MemberState.ASKING:
            self._token_answered(member, response, now)
        else:
            self._left(member.index, now)

    def _registered(
        self, member: Member, response: Response, now: Instant, *, is_new: bool
    ) -> None:
        expires_s = header_number(response, "Expires") or self._timers.keepalive_s
        refresh_s = expires_s - self._timers.delta_s
        if refresh_s < _SHORTEST_REFRESH_S:
            refresh_s = self._timers.keepalive_s - self._timers.delta_s
        self._due["refresh"] = now.monotonic_s + refresh_s
        self._failures = 0
        self._events.append(Registered(member.index, expires_s, is_new, header_date(response)))
        if is_new:
            self._active, self._target = member.index, None
            self._tried.clear()
            self._machine.move(PhoneInput.REGISTERED)
            if self._failed_over and self._timers.version_wait_s is not None:
                self._due["versions"] = now.monotonic_s + self._timers.version_wait_s
            self._failed_over = False
            self._watch(now)

    def _rejected(self, member: Member, response: Response, now: Instant) -> None:
        self._active = self._target = None
        self._reason = OutOfServiceReason.REGISTRATION_REJECTED
        self._machine.move(PhoneInput.REJECTED)
        told_s = header_number(response, "Retry-After") if response.status in _RETRY_LATER else None
        retry_s = self._wait(now, told_s)
        warning = response.value("Warning") or ""
        self._events.append(
            Rejected(member.index, response.status, response.reason, warning, retry_s)
        )

    # requests of the server

    def _take_request(self, member: Member, request: Request, now: Instant) -> None:
        call_id = None
        if member.index == self._active and member.dialog is not None:
            call_id = member.dialog.call_id
        answer, event = answer_request(self.profile, member, request, call_id, now)
        if answer is not None:
            self._ask.actions.append(Send(member.index, format_message(answer)))
        if event is not None:
            self._events.append(event)
        if isinstance(event, Ordered) and event.control.action == Action.CHECK_VERSION:
            self._due.pop("versions", None)
