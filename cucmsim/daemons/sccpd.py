"""CallManager's SCCP for phones: TCP 2000 and TLS 2443, registration only.

`protocols.sccp_registrar` reads and writes, `services.registration` decides; this module gives each
connection its deadlines, as `sipd` does. A phone is told to send a KeepAlive every 30 s; each one
keeps it registered, and is judged anew, so that a phone that was deleted is given up. A phone that
asks is told the time of its device pool.
"""

import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Final

from cucmsim.clock import Clock
from cucmsim.daemons.conversation import (
    SERVER_ABORTED,
    SERVER_STOPPED,
    Arrival,
    Limits,
    PeerInfo,
    Record,
    Recorder,
)
from cucmsim.daemons.mischief import Mischief
from cucmsim.daemons.pace import Pace
from cucmsim.daemons.registrationmischief import FAULT_WORDS, RegistrationMischief
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.transports import TcpAndTls, terms_of
from cucmsim.errors import LocalProtocolError
from cucmsim.formats.servicecontrol import Action, ServiceControl
from cucmsim.formats.skinny import LARGEST
from cucmsim.formats.skinny_answers import RegisterAck, ResetType
from cucmsim.protocols.sccp_registrar import (
    AlarmReported,
    Answered,
    Ignored,
    KeptAlive,
    OrderCarriedOut,
    RegisterRequested,
    RegistrarEvent,
    SccpRegistrar,
    Unregistered,
)
from cucmsim.services.admission import Applicant, Refusal
from cucmsim.services.registration import (
    PhoneDetails,
    Registrations,
    UnregisterReason,
    Welcome,
)
from cucmsim.services.stations import date_template_of, station_of, time_zone_of
from cucmsim.services.view import View

__all__ = ["SccpLimits", "SccpServer", "SccpSurroundings"]

_PROTOCOL_VERSION = 11
_STANDBY_KEEPALIVE_S = 60
_OKAY = 200
_ORDERS: Final = {
    Action.RESET.value: ResetType.RESET,
    Action.RESTART.value: ResetType.RESTART,
    Action.APPLY_CONFIG.value: ResetType.APPLY_CONFIG,
}


@dataclass(frozen=True, slots=True)
class SccpLimits:
    """What phones are granted.

    `connections` of each port; `idle_s` must be longer than the keepalive intervals (30 and 60 s);
    `burst` messages may come at once, then `rate` a second; `largest` bounds a message in bytes.
    """

    connections: int = 10_000
    handshake_s: float = 10.0
    idle_s: float = 180.0
    message_s: float = 30.0
    burst: int = 200
    rate: float = 20.0
    largest: int = LARGEST


@dataclass(frozen=True, slots=True)
class SccpSurroundings:
    """What every connection needs; `mischief` makes the faults of the plan happen."""

    node: str
    view: View
    registrations: Registrations
    clock: Clock
    limits: SccpLimits = field(default=SccpLimits())
    mischief: Mischief | None = None


class SccpServer(TcpAndTls):
    """SCCP of one node: `tcp` and `tls` are endpoints, either may be left out.

    `identity` is CallManager's certificate, needed for TLS. Raises StartError when it cannot be
    used.
    """

    def __init__(
        self,
        around: SccpSurroundings,
        recorder: Recorder,
        *,
        tcp: tuple[str, int] | None,
        tls: tuple[str, int] | None = None,
        identity: TlsIdentity | None = None,
        policy: TlsPolicy | None = None,
    ) -> None:
        limits = around.limits
        granted = Limits(limits.handshake_s, limits.idle_s, limits.connections)
        self._around = around
        super().__init__(
            "sccp",
            self._converse,
            recorder,
            granted,
            tcp=tcp,
            tls=tls,
            terms=terms_of(identity, policy),
            mischief=around.mischief,
        )

    def _converse(
        self, transport: str, _port: int, arrival: Arrival, record: Record
    ) -> "_Conversation":
        return _Conversation(self._around, transport, arrival, record)


class _Conversation:
    """One phone's connection; the courier of its orders."""

    def __init__(
        self, around: SccpSurroundings, transport: str, arrival: Arrival, record: Record
    ) -> None:
        self.closed = False
        limits = around.limits
        self._around = around
        self._arrival = arrival
        self._record = record
        self._machine = SccpRegistrar(limits.largest)
        self._is_tls = transport == "TLS"
        self._connection = f"sccp-{transport.lower()}/{arrival.number}"
        self._mischief = RegistrationMischief(around.mischief, arrival, record)
        self._peer: PeerInfo | None = None
        self._asked: RegisterRequested | None = None
        self._registers = 0
        self._order: tuple[str, Callable[[int | None], None]] | None = None
        self._pace = Pace(
            arrival, limits.burst, limits.rate, limits.message_s, around.clock.monotonic()
        )

    # what the server calls

    def on_handshake(self, peer: PeerInfo) -> None:
        """Take note of the phone's certificate."""
        self._peer = peer
        self._mischief.connected()

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the phone."""
        self._machine.receive_data(data)

    def decide(self) -> Coroutine[None, None, None] | None:
        """Do what came and what is due. Raises RemoteProtocolError."""
        now_s = self._around.clock.monotonic()
        self._machine.handle_timeout(now_s)
        while not self.closed and (event := self._next_event()):
            self._pace.count(now_s)
            self._take(event)
        self._check_expiry(now_s)
        self._pace.check_partial(now_s, is_between=self._machine.is_between_messages)
        self._arm(now_s)
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return the messages to write."""
        messages = self._machine.data_to_send()
        return () if self._mischief.is_silenced else messages

    def on_end(self, outcome: str) -> None:
        """Take note that the phone is registered no more; leaving is how it obeys a Reset.

        Where our service stopped the phone did not leave: an order goes unanswered.
        """
        self._pace.sleep()
        if outcome in (SERVER_STOPPED, SERVER_ABORTED):
            with contextlib.suppress(LocalProtocolError):
                self._machine.forget()
        self._machine.receive_end()
        while event := self._next_event():
            self._take(event)
        self._finish_order(None)
        self._around.registrations.unregister(self._connection)

    # what the registrations call

    def deliver(self, control: ServiceControl, done: Callable[[int | None], None]) -> None:
        """Send an order. Raises LocalProtocolError when SCCP has none such, or one is under way."""
        kind = _ORDERS.get(control.action)
        if kind is None:
            raise LocalProtocolError(f"SCCP has no order {control.action}")
        self._machine.order(kind, self._around.clock.monotonic())
        self._order = control.action, done
        self._arrival.wake()

    def dismiss(self, why: str) -> None:
        """Close the connection; the registration is somebody else's now."""
        with contextlib.suppress(LocalProtocolError):
            self._machine.forget()
        self._finish_order(None)
        self._close(why)
        self._arrival.wake()

    # events

    def _next_event(self) -> RegistrarEvent | None:
        zone = time_zone_of(self._around.view.replica, self._device_name or "")
        return self._machine.next_event(self._around.clock.now().astimezone(zone))

    def _take(self, event: RegistrarEvent) -> None:
        match event:
            case RegisterRequested():
                self._meet_register(event)
            case KeptAlive():
                self._keep_alive(event)
            case Unregistered():
                registrations = self._around.registrations
                registrations.unregister(self._connection, UnregisterReason.DEVICE_RESET)
                self._note("Unregister", "UnregisterAck")
            case AlarmReported():
                name = event.device_name or self._device_name or ""
                self._around.registrations.report(name, self._arrival.address, event.alarm)
                self._record(name[:40] or None, f"Alarm {event.alarm.name}", "kept")
            case Answered():
                self._note(event.request, "answered")
            case Ignored():
                self._note(event.request, "no answer")
            case OrderCarriedOut():
                self._finish_order(_OKAY)
            case _:
                self._finish_order(None)

    def _meet_register(self, event: RegisterRequested) -> None:
        """Take a Register, unless a fault does something else with it."""
        name, mischief = event.register.device_name[:40], self._mischief
        if mischief.asked(name, "Register", is_refresh=False):
            return
        fault = mischief.refusal(name)
        if fault is None:
            self._take_register(event)
        else:
            registrations = self._around.registrations
            registrations.unregister(self._connection, UnregisterReason.DEVICE_RESET)
            self._machine.refuse(FAULT_WORDS)
            self._record(name, "Register", f"RegisterReject {FAULT_WORDS}", str(fault))
        mischief.answered(name)

    def _take_register(self, event: RegisterRequested) -> None:
        self._asked, self._registers = event, self._registers + 1
        decided = self._admit(event)
        if isinstance(decided, Refusal):
            self._machine.refuse(decided.warning)
            self._note("Register", f"RegisterReject {decided.warning}")
            return
        replica, name = self._around.view.replica, event.register.device_name
        ack = RegisterAck(
            decided.expires_s,
            date_template_of(replica, name),
            _STANDBY_KEEPALIVE_S,
            min(event.register.protocol_version, _PROTOCOL_VERSION),
        )
        self._machine.accept(station_of(replica, name, self._around.node), ack)
        self._note("Register", f"RegisterAck, keepalive {decided.expires_s} s")

    def _keep_alive(self, event: KeptAlive) -> None:
        """Keep the phone registered, unless it may not be so any more."""
        name = self._device_name
        if event.is_held and name and self._mischief.asked(name, "KeepAlive", is_refresh=True):
            return
        decided = self._admit(self._asked) if event.is_held and self._asked else None
        if isinstance(decided, Refusal):
            self._machine.forget()
            self._close(f"registered no more: {decided.warning}")
        else:
            self._note("KeepAlive", "KeepAliveAck")

    def _admit(self, asked: RegisterRequested) -> Welcome | Refusal:
        arrival, peer, register = self._arrival, self._peer, asked.register
        applicant = Applicant(
            device_name=register.device_name,
            protocol="SCCP",
            is_tls=self._is_tls,
            address=arrival.address,
            port=arrival.port,
            connection=self._connection,
            certificate=None if peer is None else peer.certificate,
        )
        device = self._around.view.replica.devices.get(register.device_name)
        details = PhoneDetails(
            number=device.lines[0].number if device and device.lines else "",
            call_id=str(self._registers),
            user_agent=register.load or asked.reason.active_load,
            model=str(register.device_type),
            reason=asked.reason,
        )
        return self._around.registrations.register(applicant, details, self)

    @property
    def _device_name(self) -> str | None:
        return None if self._asked is None else self._asked.register.device_name[:40]

    def _note(self, request: str, answer: str) -> None:
        self._record(self._device_name, request, answer)

    def _finish_order(self, status: int | None) -> None:
        if self._order is not None:
            (action, done), self._order = self._order, None
            self._note(f"order {action}", "the phone left" if status else "no answer")
            done(status)

    def _close(self, why: str) -> None:
        self._note("connection", why)
        self.closed = True

    # deadlines

    def _check_expiry(self, now_s: float) -> None:
        """Give the phone up, and its connection, when its keepalive is overdue."""
        held = self._around.registrations.by_connection(self._connection)
        if held is not None and held.expires_s <= now_s:
            registrations = self._around.registrations
            registrations.unregister(self._connection, UnregisterReason.KEEPALIVE_TIMEOUT)
            self._machine.forget()
            self._close("expired")

    def _arm(self, now_s: float) -> None:
        """Wake up at the next deadline."""
        held = self._around.registrations.by_connection(self._connection)
        expires_s = None if held is None else held.expires_s
        self._pace.wake_at(now_s, self._machine.next_timeout(), expires_s)
