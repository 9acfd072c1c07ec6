"""Which phones are registered with a node, what they report, and what they are told to do.

The daemons of SIP and SCCP ask `register` and say when a phone leaves; who is registered is kept in
memory, as on a real node: a restart of the service forgets it, and the phones register again. A
phone without keepalive is given up 15 s after its interval, as a rule after 135 s with SIP and 45 s
with SCCP. `order` sends a reset, a restart or apply-config over the connection the phone is
registered by.

Whether a phone may register is decided by `admission`.
Source: sip.md; EndPointUnregistered reasons of Cisco's Managed Services Guide; cucm.md 5.6.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Final, Protocol

from cucmsim.clock import Clock
from cucmsim.errors import LocalProtocolError, RefusedError
from cucmsim.formats.phonealarms import Alarm, RegistrationReason
from cucmsim.formats.servicecontrol import NO_STAMP, Action, ServiceControl
from cucmsim.services.admission import Admission, Applicant, Refusal
from cucmsim.services.alarms import AlarmBook
from cucmsim.services.view import View
from cucmsim.store.alarms import StoredAlarm

__all__ = [
    "KEEPALIVE_PARAMETER",
    "SCCP_KEEPALIVE_PARAMETER",
    "Courier",
    "OrderOutcome",
    "PhoneDetails",
    "Registration",
    "RegistrationListener",
    "Registrations",
    "UnregisterReason",
    "Welcome",
]

KEEPALIVE_PARAMETER: Final = "SIPStationKeepAliveInterval"
"""Service parameter of CallManager: seconds from one keepalive of a SIP phone to the next."""

SCCP_KEEPALIVE_PARAMETER: Final = "StationKeepAliveInterval"
"""The same of an SCCP phone."""

_KEEPALIVE: Final = {"SIP": (KEEPALIVE_PARAMETER, 120), "SCCP": (SCCP_KEEPALIVE_PARAMETER, 30)}
_GRACE_S = 15
_ORDERS_AT_ONCE = 100
_OKAY = 200
_APPLY_CONFIG: Final = (
    ("CUCMResult", "reregister_needed"),
    ("LoadId", ""),
    ("LoadServer", ""),
    ("LogServer", ""),
)


class UnregisterReason(IntEnum):
    """Why a phone is registered no more: the reasons of the alarm EndPointUnregistered."""

    CONNECTIVITY = 6
    DEVICE_RESET = 8
    CALLMANAGER_RESET = 9
    KEEPALIVE_TIMEOUT = 13
    DUPLICATE = 16
    APPLY_CONFIG = 17
    NO_ANSWER = 18


class Courier(Protocol):
    """The connection that a phone is registered by."""

    def deliver(self, control: ServiceControl, done: Callable[[int | None], None]) -> None:
        """Send an order; call `done` once with the phone's status, None when it does not answer.

        Raises LocalProtocolError when it cannot be sent now.
        """
        ...

    def dismiss(self, why: str) -> None:
        """Close the connection."""
        ...


@dataclass(frozen=True, slots=True)
class PhoneDetails:
    """What a phone says of itself when it registers."""

    number: str = ""
    contact: str = ""
    call_id: str = ""
    user_agent: str = ""
    model: str = ""
    reason: RegistrationReason = field(default=RegistrationReason())


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered phone; `expires_s` is on the monotonic clock, `connection` as in `Applicant`.

    `pending` is why it will leave, once it carries out an order.
    """

    device_name: str
    node: str
    protocol: str
    is_tls: bool
    address: str
    port: int
    connection: str
    details: PhoneDetails
    registered_at: datetime
    refreshed_at: datetime
    expires_s: float
    courier: Courier = field(compare=False, repr=False)
    pending: UnregisterReason | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """The phone is registered; `expires_s` is what it is told, `is_new` that it was not before."""

    registration: Registration
    is_new: bool
    expires_s: int


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """What came of an order; `status` is the phone's answer, None when there was none."""

    device_name: str
    action: str
    status: int | None

    @property
    def is_accepted(self) -> bool:
        """Whether the phone does it."""
        return self.status == _OKAY


RegistrationListener = Callable[[Registration, UnregisterReason | None], None]
"""Called with a phone newly registered (None), or registered no more and why."""


class Registrations:
    """The phones of one node."""

    def __init__(self, node: str, view: View, clock: Clock, book: AlarmBook | None = None) -> None:
        self._node = node
        self._view = view
        self._clock = clock
        self._admission = Admission(view)
        self._held: dict[str, Registration] = {}
        self._by_connection: dict[str, str] = {}
        self._book = book or AlarmBook(node, view, clock)
        self._listeners: list[RegistrationListener] = []

    @property
    def held(self) -> Mapping[str, Registration]:
        """The registered phones by name."""
        return self._held

    def keepalive_s(self, protocol: str) -> int:
        """Return the interval that phones of a protocol are told."""
        parameter, usual_s = _KEEPALIVE[protocol]
        value = self._view.replica.service_parameter("callmanager", parameter, self._node)
        return int(value) if value and value.isdecimal() else usual_s

    def subscribe(self, listener: RegistrationListener) -> Callable[[], None]:
        """Call `listener` at each registration and end of one; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # coming and going

    def register(
        self,
        applicant: Applicant,
        details: PhoneDetails,
        courier: Courier,
        *,
        asked_s: int | None = None,
    ) -> Welcome | Refusal:
        """Register a phone, or keep it registered, or say why not.

        `asked_s` is how long it wants to be so, None where the server decides alone. A phone that
        is registered by another connection is taken over: the old one is closed.
        """
        refusal = self._admission.check(applicant, self._clock.now())
        if refusal is not None:
            self._forget_refused(applicant)
            return refusal
        held = self._held.get(applicant.device_name)
        same = held is not None and held.connection == applicant.connection
        is_new = held is None or not same or held.details.call_id != details.call_id
        if held is not None and not same:
            self._end(held, UnregisterReason.DUPLICATE)
            held.courier.dismiss(f"registered again from {applicant.address}")
        interval_s = self.keepalive_s(applicant.protocol)
        expires_s = interval_s if asked_s is None else min(asked_s, interval_s)
        registration = self._registration(applicant, details, courier, expires_s)
        if held is not None and not is_new:
            registration = _refreshed(held, registration)
        self._hold(registration)
        if is_new:
            self._tell(registration, None)
        return Welcome(registration, is_new, expires_s)

    def unregister(
        self, connection: str, reason: UnregisterReason = UnregisterReason.CONNECTIVITY
    ) -> Registration | None:
        """End the registration by `connection`, if there is one, and return it.

        An order carried out before tells the reason better than `reason` does.
        """
        held = self.by_connection(connection)
        if held is not None:
            self._end(held, held.pending or reason)
        return held

    def by_connection(self, connection: str) -> Registration | None:
        """Return the phone registered by `connection`."""
        name = self._by_connection.get(connection)
        return None if name is None else self._held[name]

    def expire(self) -> tuple[Registration, ...]:
        """End the registrations whose keepalive is overdue, and return them."""
        now = self._clock.monotonic()
        overdue = tuple(held for held in self._held.values() if held.expires_s <= now)
        for held in overdue:
            self._end(held, UnregisterReason.KEEPALIVE_TIMEOUT)
        return overdue

    def drop(self, device_name: str, reason: UnregisterReason) -> None:
        """End a registration and close its connection: the phone is registered elsewhere, say."""
        held = self._held.get(device_name)
        if held is not None:
            self._end(held, reason)
            held.courier.dismiss(f"unregistered, reason {reason.value}")

    # alarms

    def report(self, device_name: str, address: str, alarm: Alarm) -> StoredAlarm:
        """Keep an alarm; the last of each kind is kept of every phone that is configured."""
        return self._book.report(device_name, address, alarm)

    def alarms(
        self, device_name: str | None = None, name: str | None = None
    ) -> tuple[StoredAlarm, ...]:
        """Return the newest alarms, oldest first, of one device and one kind where given."""
        return self._book.newest(device_name, name)

    def last_alarms(self, name: str) -> tuple[StoredAlarm, ...]:
        """Return the last alarm of a kind of each configured phone that sent one."""
        return self._book.last(name)

    def last_alarm(self, device_name: str, name: str) -> StoredAlarm | None:
        """Return the last alarm of a kind that a configured phone sent."""
        return self._book.last_of(device_name, name)

    # orders

    async def order(self, device_name: str, action: Action) -> OrderOutcome:
        """Order a registered phone, and wait for its answer. A phone that gives none is given up.

        Raises RefusedError when the phone is not registered here, or has too many orders already.
        """
        held = self._held.get(device_name)
        if held is None:
            raise RefusedError(f"{device_name} is not registered with {self._node}")
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        def done(status: int | None) -> None:
            self._take_answer(held, action, status)
            if not answer.done():
                answer.set_result(status)

        try:
            held.courier.deliver(self._control(held, action), done)
        except LocalProtocolError as error:
            raise RefusedError(f"{device_name} cannot be ordered now: {error}") from None
        return OrderOutcome(device_name, action.value, await answer)

    async def order_many(
        self, device_names: Iterable[str], action: Action
    ) -> tuple[OrderOutcome, ...]:
        """Order several phones, a hundred at a time; those not registered are left out."""
        gate = asyncio.Semaphore(_ORDERS_AT_ONCE)

        async def order(name: str) -> OrderOutcome:
            async with gate:
                try:
                    return await self.order(name, action)
                except RefusedError:
                    return OrderOutcome(name, action.value, None)

        names = [name for name in device_names if name in self._held]
        return tuple(await asyncio.gather(*(order(name) for name in names)))

    def _control(self, held: Registration, action: Action) -> ServiceControl:
        """Return the order with the stamp of the phone's configuration."""
        device = self._view.replica.devices.get(held.device_name)
        stamp = device.versionstamp if device is not None else ""
        return ServiceControl(
            action.value,
            held.details.call_id,
            config_stamp=stamp or NO_STAMP,
            others=_APPLY_CONFIG if action is Action.APPLY_CONFIG else (),
        )

    def _take_answer(self, asked: Registration, action: Action, status: int | None) -> None:
        """Remember why the phone will leave; give up one that did not answer."""
        held = self._held.get(asked.device_name)
        if held is None or held.connection != asked.connection:
            return
        if status is None:
            self.drop(held.device_name, UnregisterReason.NO_ANSWER)
        elif status == _OKAY and action in _LEAVING:
            self._hold(replace(held, pending=_LEAVING[action]))

    # the inside

    def _registration(
        self, applicant: Applicant, details: PhoneDetails, courier: Courier, expires_s: int
    ) -> Registration:
        now = self._clock.now()
        return Registration(
            device_name=applicant.device_name,
            node=self._node,
            protocol=applicant.protocol,
            is_tls=applicant.is_tls,
            address=applicant.address,
            port=applicant.port,
            connection=applicant.connection,
            details=details,
            registered_at=now,
            refreshed_at=now,
            expires_s=self._clock.monotonic() + expires_s + _GRACE_S,
            courier=courier,
        )

    def _hold(self, registration: Registration) -> None:
        """Keep it; a connection holds one phone at a time."""
        other = self.by_connection(registration.connection)
        if other is not None and other.device_name != registration.device_name:
            self._end(other, UnregisterReason.DEVICE_RESET)
        self._held[registration.device_name] = registration
        self._by_connection[registration.connection] = registration.device_name

    def _end(self, held: Registration, reason: UnregisterReason) -> None:
        del self._held[held.device_name]
        del self._by_connection[held.connection]
        self._tell(held, reason)

    def _forget_refused(self, applicant: Applicant) -> None:
        """End what the connection held: a phone refused is registered no more."""
        self.unregister(applicant.connection, UnregisterReason.DEVICE_RESET)

    def _tell(self, registration: Registration, reason: UnregisterReason | None) -> None:
        for listener in tuple(self._listeners):
            listener(registration, reason)


_LEAVING: Final = {
    Action.RESET: UnregisterReason.CALLMANAGER_RESET,
    Action.RESTART: UnregisterReason.CALLMANAGER_RESET,
    Action.APPLY_CONFIG: UnregisterReason.APPLY_CONFIG,
}


def _refreshed(held: Registration, again: Registration) -> Registration:
    """Return `held` kept alive: a refresh tells no loads and no reason."""
    details = replace(again.details, reason=held.details.reason)
    return replace(again, registered_at=held.registered_at, pending=held.pending, details=details)
