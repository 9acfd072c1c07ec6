"""CallManager's SIP for phones: TCP 5060 and TLS 5061, registration only.

`protocols.sip_registrar` reads and writes, `services.registration` decides; this module gives each
connection its deadlines. A connection is closed when it is silent for `idle_s`, holds part of a
message for `message_s`, or brings more messages than a phone does; each with one log line. Over TLS
any client certificate is taken, and judged at the REGISTER.

Source: sip.md.
"""

import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from cucmsim.clock import Clock
from cucmsim.daemons.conversation import Arrival, Limits, PeerInfo, Record, Recorder
from cucmsim.daemons.mischief import Mischief
from cucmsim.daemons.pace import Pace
from cucmsim.daemons.registrationmischief import FAULT_WORDS, RegistrationMischief
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.transports import TcpAndTls, terms_of
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import LocalProtocolError
from cucmsim.formats.servicecontrol import Action, ServiceControl
from cucmsim.formats.sip_framing import StreamLimits
from cucmsim.pki.release import Release
from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.sip_orders import OrderNumber, ServerIdentity
from cucmsim.protocols.sip_registrar import (
    KeptAlive,
    OrderAnswered,
    RegistrarEvent,
    SipRegistrar,
    Unregistered,
)
from cucmsim.protocols.sip_requests import (
    AlarmReported,
    Asked,
    BadRequest,
    RegisterRequested,
    StrayResponse,
)
from cucmsim.services.admission import Applicant, Refusal
from cucmsim.services.faults.plan import Fault
from cucmsim.services.registration import PhoneDetails, Registrations, UnregisterReason

__all__ = ["SipLimits", "SipServer", "SipSurroundings"]


@dataclass(frozen=True, slots=True)
class SipLimits:
    """What phones are granted.

    `connections` of each port; `idle_s` must be longer than the keepalive interval (120 s);
    `burst` messages may come at once, then `rate` a second.
    """

    connections: int = 10_000
    handshake_s: float = 10.0
    idle_s: float = 180.0
    message_s: float = 30.0
    burst: int = 200
    rate: float = 20.0
    message: StreamLimits = field(default=StreamLimits())


@dataclass(frozen=True, slots=True)
class SipSurroundings:
    """What every connection needs. `address` is the node's, as phones are told it.

    `mischief` makes the faults of the plan happen.
    """

    node: str
    address: str
    release: Release
    registrations: Registrations
    clock: Clock
    entropy: Entropy
    limits: SipLimits = field(default=SipLimits())
    mischief: Mischief | None = None


class SipServer(TcpAndTls):
    """SIP of one node: `tcp` and `tls` are endpoints, either may be left out.

    `identity` is CallManager's certificate, needed for TLS. Raises StartError when it cannot be
    used.
    """

    def __init__(
        self,
        around: SipSurroundings,
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
            "sip",
            self._converse,
            recorder,
            granted,
            tcp=tcp,
            tls=tls,
            terms=terms_of(identity, policy),
            mischief=around.mischief,
        )

    def _converse(
        self, transport: str, port: int, arrival: Arrival, record: Record
    ) -> "_Conversation":
        around = self._around
        me = ServerIdentity(around.node, around.address, port, transport, around.release)
        return _Conversation(around, me, arrival, record)


class _Conversation:
    """One phone's connection; the courier of its orders."""

    def __init__(
        self, around: SipSurroundings, me: ServerIdentity, arrival: Arrival, record: Record
    ) -> None:
        self.closed = False
        self._around = around
        self._arrival = arrival
        self._record = record
        entropy = stream_of(around.entropy, f"sip/{arrival.address}")
        self._machine = SipRegistrar(me, entropy, around.limits.message)
        self._is_tls = me.transport == "TLS"
        self._connection = f"sip-{me.transport.lower()}/{arrival.number}"
        self._mischief = RegistrationMischief(around.mischief, arrival, record)
        self._peer: PeerInfo | None = None
        self._device: str | None = None
        self._dismissed = ""
        self._orders: dict[OrderNumber, tuple[str, Callable[[int | None], None]]] = {}
        limits = around.limits
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
        now = Instant.of(self._around.clock)
        self._machine.handle_timeout(now)
        while event := self._machine.next_event(now):
            self._pace.count(now.monotonic_s)
            self._take(event, now)
        self._check_expiry(now)
        self._pace.check_partial(now.monotonic_s, is_between=self._machine.is_between_messages)
        self._arm(now)
        return None

    def data_to_send(self) -> Sequence[bytes]:
        """Return the messages to write."""
        messages = self._machine.data_to_send()
        return () if self._mischief.is_silenced else messages

    def on_end(self, outcome: str) -> Mapping[str, object] | None:
        """Take note that the phone is registered no more; name it in the log."""
        self._pace.sleep()
        self._around.registrations.unregister(self._connection)
        orders, self._orders = self._orders, {}
        for _, done in orders.values():
            done(None)
        if self._device is None:
            return None
        return {"device": self._device, "outcome": self._dismissed or outcome}

    # what the registrations call

    def deliver(self, control: ServiceControl, done: Callable[[int | None], None]) -> None:
        """Send an order. Raises LocalProtocolError when too many wait."""
        now = Instant.of(self._around.clock)
        by_refer = control.action == Action.CHECK_VERSION
        number = self._machine.order(now, control, by_refer=by_refer)
        self._orders[number] = control.action, done
        self._arrival.wake()

    def dismiss(self, why: str) -> None:
        """Close the connection; the registration is somebody else's now."""
        with contextlib.suppress(LocalProtocolError):
            self._machine.forget()
        self._record(self._device, "connection", why)
        self._dismissed = why
        self.closed = True
        self._arrival.wake()

    # events

    def _take(self, event: RegistrarEvent, now: Instant) -> None:
        match event:
            case RegisterRequested():
                self._meet_register(event, now)
            case KeptAlive():
                self._record(event.device_name[:40] or None, "REGISTER keepalive", "200")
            case Unregistered():
                registrations = self._around.registrations
                registrations.unregister(self._connection, UnregisterReason.DEVICE_RESET)
                self._record(event.request.device_name, "REGISTER unregister", "200")
            case AlarmReported():
                self._take_alarms(event)
            case Asked():
                self._record(self._device, f"{event.method[:40]} {event.uri[:80]}", "no calls here")
            case BadRequest():
                self._record(self._device, event.method[:40], f"400 {event.problem}")
            case StrayResponse():
                pass
            case OrderAnswered():
                self._finish_order(event.number, event.status)
            case _:
                self._finish_order(event.number, None)

    def _meet_register(self, asked: RegisterRequested, now: Instant) -> None:
        """Take a REGISTER, unless a fault does something else with it."""
        name, mischief = asked.device_name[:40], self._mischief
        held = self._around.registrations.by_connection(self._connection)
        if mischief.asked(name, "REGISTER", is_refresh=held is not None):
            return
        fault = mischief.refusal(name)
        if fault is None:
            self._take_register(asked, now)
        else:
            self._refuse(name, fault, now)
        mischief.answered(name)

    def _refuse(self, name: str, fault: Fault, now: Instant) -> None:
        """Refuse a phone as a fault has it; it is registered no more."""
        registrations = self._around.registrations
        registrations.unregister(self._connection, UnregisterReason.DEVICE_RESET)
        status, later_s = fault.whole("status"), fault.whole("retry_after_s")
        self._machine.refuse(now, warning=FAULT_WORDS, status=status, retry_after_s=later_s)
        said = f"{status}, Retry-After {later_s}" if later_s else str(status)
        self._record(name or None, "REGISTER", said, str(fault))

    def _take_register(self, asked: RegisterRequested, now: Instant) -> None:
        arrival, peer = self._arrival, self._peer
        applicant = Applicant(
            device_name=asked.device_name,
            protocol="SIP",
            is_tls=self._is_tls,
            address=arrival.address,
            port=arrival.port,
            connection=self._connection,
            certificate=None if peer is None else peer.certificate,
        )
        registrations = self._around.registrations
        decided = registrations.register(applicant, _details(asked), self, asked_s=asked.expires_s)
        if isinstance(decided, Refusal):
            self._machine.refuse(
                now,
                warning=decided.warning,
                status=decided.status,
                retry_after_s=decided.retry_after_s,
            )
            answer = f"{decided.status} {decided.warning}"
        else:
            self._device = asked.device_name
            self._machine.accept(now, is_new=decided.is_new, expires_s=decided.expires_s)
            answer = f"200, expires {decided.expires_s} s"
        self._record(asked.device_name[:40] or None, "REGISTER", answer)

    def _take_alarms(self, event: AlarmReported) -> None:
        for alarm in event.alarms:
            self._around.registrations.report(event.device_name, self._arrival.address, alarm)
        told = ", ".join(alarm.name for alarm in event.alarms) or "no alarm"
        request = "REFER token" if event.wants_token else f"REFER {told}"
        self._record(event.device_name[:40] or None, request, "202")

    def _finish_order(self, number: OrderNumber, status: int | None) -> None:
        action, done = self._orders.pop(number)
        self._record(self._device, f"order {action}", str(status or "no answer"))
        done(status)

    # deadlines

    def _check_expiry(self, now: Instant) -> None:
        """Give the phone up when its keepalive is overdue."""
        held = self._around.registrations.by_connection(self._connection)
        if held is not None and held.expires_s <= now.monotonic_s:
            registrations = self._around.registrations
            registrations.unregister(self._connection, UnregisterReason.KEEPALIVE_TIMEOUT)
            self._machine.forget()
            self._record(self._device, "registration", "expired")

    def _arm(self, now: Instant) -> None:
        """Wake up at the next deadline."""
        held = self._around.registrations.by_connection(self._connection)
        expires_s = None if held is None else held.expires_s
        self._pace.wake_at(now.monotonic_s, self._machine.next_timeout(), expires_s)


def _details(asked: RegisterRequested) -> PhoneDetails:
    return PhoneDetails(
        number=asked.number,
        contact=asked.contact,
        call_id=asked.call_id,
        user_agent=asked.user_agent,
        model=asked.model,
        reason=asked.reason,
    )
