"""One registration of a phone: its state machine between connections, a clock and listeners.

`SipPhone` or `SccpPhone` decides; this carries out what it says on `MemberLinks`, wakes it up at
its deadlines, and makes an outcome, orders and events of what it tells. The first thing that comes
of it is the outcome of `outcome()`; everything later is told as events. What is special to the
protocol is its `Dialect`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from cucmsim.clock import Clock
from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.servicecontrol import ServiceControl
from cucmsim.phone.events import (
    Event,
    RegistrationFailed,
    RegistrationLost,
    RegistrationSucceeded,
)
from cucmsim.phone.memberlinks import MemberLinks, Route
from cucmsim.phone.orders import Order
from cucmsim.phone.performer import RegisterOutcome, Standing
from cucmsim.phone.sipprofile import trust_list_alarm
from cucmsim.phone.steps import (
    NotReached,
    PeerRefused,
    PeerUnproven,
    Register,
    Registered,
    RegistrationRefused,
)
from cucmsim.protocols import phone_events as told
from cucmsim.protocols.phone_phases import PHASES, PhoneInput, PhonePhase
from cucmsim.protocols.sccp_phone import SccpPhone
from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.sip_phone import SipPhone

__all__ = ["Dialect", "Session"]

_LONG_WAIT_S = 1.0
_NUMBER_S = 2.0
"""So long a registration waits to be told for the server to say the phone's number."""


class Dialect(Protocol):
    """What is special to a protocol: the machine, what an order means, what a lost service was."""

    @property
    def machine(self) -> SipPhone | SccpPhone:
        """The state machine of this registration."""
        ...

    @property
    def number(self) -> str:
        """The number that is registered, "" where there is none or it is not known yet."""
        ...

    @property
    def is_numbered(self) -> bool:
        """Whether the phone knows its number, or that it has none."""
        ...

    def order_of(self, control: ServiceControl) -> Order | None:
        """Return what the phone is to do, if anything."""
        ...

    def served(self, server: str, local: tuple[str, int]) -> None:
        """Take note of the server (its address) that serves from now on; `local` is our end."""
        ...

    def sent(self, data: bytes) -> None:
        """Take note of what was said to that server."""
        ...

    def received(self, data: bytes) -> None:
        """Take note of what it said."""
        ...

    def out_of_service(self, reason: OutOfServiceReason, at: datetime) -> Alarm | None:
        """Return what to tell of the service that ended at `at`, if anything."""
        ...


class Session:
    """Registers as `step` says and keeps at it until `stop`.

    `tell` is given what happens after the outcome, `order` what the phone is to do.
    """

    def __init__(
        self,
        dialect: Dialect,
        step: Register,
        route: Route,
        clock: Clock,
        tell: Callable[[Event], None],
        order: Callable[[Order], None],
    ) -> None:
        self._dialect, self._machine = dialect, dialect.machine
        self._step = step
        self._names = tuple(member.process_node_name for member in step.members)
        self._clock = clock
        self._tell, self._order = tell, order
        self._hosts = route.names
        self._links = MemberLinks(route, self)
        self._outcome: asyncio.Future[RegisterOutcome] = asyncio.get_running_loop().create_future()
        self._stopped = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._unfit: dict[int, PeerRefused | PeerUnproven] = {}
        self._problems: dict[int, str] = {}
        self._alarms = list(step.alarms)
        self._waited_s = 0.0
        self._loss: tuple[OutOfServiceReason, datetime] | None = None
        self._local: dict[int, tuple[str, int]] = {}
        self._server: int | None = None
        self._untold: told.Registered | None = None
        self._patience: asyncio.TimerHandle | None = None

    # what the registrar calls

    def start(self, alarm: Alarm | None = None) -> None:
        """Begin; `alarm` tells of a service that was lost before."""
        alarms = () if alarm is None else (alarm,)
        self._machine.start(self._now, self._step.reason, alarms)
        self._turn()

    async def outcome(self) -> RegisterOutcome:
        """Wait for what comes of it first; after PeerUnproven nothing else does."""
        return await asyncio.shield(self._outcome)

    @property
    def standing(self) -> Standing:
        """Where the phone stands with its group."""
        active, others = self._machine.active, self._machine.connected_others
        connected = tuple(self._names[index] for index in others)
        return Standing(None if active is None else self._names[active], connected)

    def wake(self) -> None:
        """Do what is due by the clock."""
        self._machine.handle_timeout(self._now)
        self._turn()

    def leaving_alarm(self, reason: OutOfServiceReason) -> Alarm | None:
        """Return the alarm for a phone that leaves now; None if there is nothing to tell."""
        return self._dialect.out_of_service(reason, self._clock.now())

    async def stop(self, patience_s: float) -> None:
        """Unregister, if the server answers within `patience_s`, and close everything."""
        if (self._machine.phase, PhoneInput.STOP) in PHASES:
            self._machine.stop(self._now)
            self._turn()
            try:
                async with asyncio.timeout(patience_s):
                    await self._stopped.wait()
            except TimeoutError:
                pass  # gone without a word
        for timer in (self._timer, self._patience):
            if timer is not None:
                timer.cancel()
        self._outcome.cancel()
        await self._links.end()

    # what the connections call

    def on_connected(self, index: int, local: tuple[str, int]) -> None:
        """Register over a new connection, with the alarms that wait for our address."""
        self._unfit.pop(index, None)
        self._local[index] = local
        alarms, self._alarms = self._alarms, []
        for alarm in alarms:
            self._machine.report(trust_list_alarm(alarm, local[0]), self._now)
        self._machine.connected(index, local, self._now)
        self._turn()

    def on_data(self, index: int, data: bytes) -> None:
        """Take what a server says."""
        if index == self._server:
            self._dialect.received(data)
        self._machine.receive_data(index, data, self._now)
        self._turn()
        if self._dialect.is_numbered:
            self._tell_registered()

    def on_lost(self, index: int, reason: OutOfServiceReason, text: str) -> None:
        """Go on without a connection."""
        self._problems[index] = text
        self._machine.disconnected(index, self._now, reason)
        self._turn()

    def on_unfit(self, index: int, outcome: PeerRefused | PeerUnproven) -> None:
        """Go on without a server that is not trusted, or have TVS asked about it first."""
        if isinstance(outcome, PeerUnproven) and not self._outcome.done():
            self._outcome.set_result(outcome)
            return
        self._unfit[index] = outcome
        name = self._names[index]
        self.on_lost(
            index, OutOfServiceReason.TLS_ERROR, f"{name} shows a certificate that is not trusted"
        )

    # the inside

    @property
    def _now(self) -> Instant:
        return Instant.of(self._clock)

    def _turn(self) -> None:
        """Carry out what the machine says, and tell what it tells."""
        while True:
            for action in self._machine.take_actions():
                self._do(action)
            event = self._machine.next_event()
            if event is None:
                break
            self._take(event)
        if self._machine.phase is PhonePhase.STOPPED:
            self._stopped.set()
        self._arm()

    def _do(self, action: told.PhoneAction) -> None:
        match action:
            case told.Connect():
                self._links.open(action.member)
            case told.Disconnect():
                self._links.close(action.member)
            case told.Send():
                if action.member == self._server:
                    self._dialect.sent(action.data)
                self._links.send(action.member, action.data)

    def _arm(self) -> None:
        """Wake up at the next deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._machine.next_timeout()
        if due is not None:
            delay_s = max(due - self._clock.monotonic(), 0)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.wake)

    def _take(self, event: told.PhoneEvent) -> None:
        match event:
            case told.Registered():
                self._take_registered(event)
            case told.RegistrationLost():
                self._tell_registered()
                self._loss = event.reason, self._clock.now()
                reason = self._problems.pop(event.member, f"no answer, {event.reason.text}")
                self._tell(RegistrationLost(self._names[event.member], reason))
            case told.Rejected():
                name = self._names[event.member]
                refused = RegistrationRefused(name, event.status, event.reason, event.warning)
                self._conclude(refused, RegistrationFailed(refused.text))
            case told.AllFailed():
                self._take_failure(event)
            case told.Ordered():
                order = self._dialect.order_of(event.control)
                if order is not None:
                    self._order(order)
            case told.VersionsUnknown():
                self._order(Order.CHECK_VERSION)
            case _:
                pass  # refused orders are answered, alarms delivered, and leaving is no news

    def _take_registered(self, event: told.Registered) -> None:
        self._waited_s = 0
        if not event.is_new:
            return
        if self._loss is not None:
            alarm = self._dialect.out_of_service(*self._loss)
            if alarm is not None:
                self._machine.report(alarm, self._now)
            self._loss = None
        self._server = event.member
        name = self._names[event.member]
        self._dialect.served(self._hosts.known(name), self._local[event.member])
        self._untold = event
        if self._dialect.is_numbered:
            self._tell_registered()
        else:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(_NUMBER_S, self._tell_registered)

    def _tell_registered(self) -> None:
        """Tell of a registration that was not told yet, with the number if it is known."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        event, self._untold = self._untold, None
        if event is None:
            return
        name = self._names[event.member]
        transport = "TLS" if self._step.is_secure else "TCP"
        facts = name, transport, self._dialect.number, event.expires_s
        self._conclude(Registered(*facts), RegistrationSucceeded(*facts))

    def _take_failure(self, event: told.AllFailed) -> None:
        """Tell that nobody is left to try; what is not trusted is looked at afresh in time."""
        unproven = any(isinstance(each, PeerUnproven) for each in self._unfit.values())
        waited_s, self._waited_s = self._waited_s, event.retry_s
        if unproven or (self._unfit and waited_s >= _LONG_WAIT_S):
            self._order(Order.RETRY)
        unfit = next(iter(self._unfit.values()), None)
        reason = "; ".join(self._problems.values()) or "no member answers"
        if unfit is None:
            self._conclude(NotReached(reason), RegistrationFailed(reason, unreachable=True))
        else:
            self._conclude(unfit, RegistrationFailed(reason))

    def _conclude(self, outcome: RegisterOutcome, event: Event) -> None:
        """Give the outcome, or tell it when one was given before."""
        self._problems.clear()
        if self._outcome.done():
            self._tell(event)
        else:
            self._outcome.set_result(outcome)
