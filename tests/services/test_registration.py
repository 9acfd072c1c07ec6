"""Who may register, what is kept of a phone, and what it is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from cucmsim.errors import LocalProtocolError, RefusedError
from cucmsim.formats.phonealarms import Alarm, RegistrationReason
from cucmsim.formats.servicecontrol import Action, ServiceControl
from cucmsim.pki.certificates import load_certificate
from cucmsim.services.admission import Admission, Applicant, Refusal
from cucmsim.services.alarms import AlarmBook
from cucmsim.services.registration import (
    KEEPALIVE_PARAMETER,
    PhoneDetails,
    Registration,
    Registrations,
    UnregisterReason,
    Welcome,
)
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, StoredCertificate

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
NAME = "SEPB000B4BA0AEE"
STAMP = "1555108264-e3c45598-976b-2fb0-b800-b98f5e6d1091"
DETAILS = PhoneDetails(number="1000", call_id="one@phone", reason=RegistrationReason(25, NAME))
R = UnregisterReason


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2027, 1, 1, 12, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Wire:
    """A courier that answers with `status`; "silent" keeps what is to be called."""

    status: int | str | None = 200
    controls: list[ServiceControl] = field(default_factory=list)
    waiting: list[Callable[[int | None], None]] = field(default_factory=list)
    dismissed: list[str] = field(default_factory=list)

    def deliver(self, control: ServiceControl, done: Callable[[int | None], None]) -> None:
        self.controls.append(control)
        if isinstance(self.status, str):
            self.waiting.append(done)
        else:
            done(self.status)

    def dismiss(self, why: str) -> None:
        self.dismissed.append(why)


def certificate(name: str) -> x509.Certificate:
    return load_certificate((KEYS / f"{name}.crt.der").read_bytes())


def trusted(der: bytes) -> StoredCertificate:
    return StoredCertificate(
        pkid=str(len(der)),
        servername="",
        subjectname="",
        issuername="",
        serialnumber="",
        certificate_der=der,
        hash="",
        units=frozenset({"CallManager-trust"}),
    )


def view(*, mixed: bool = False, keepalive: str = "120") -> View:
    devices = (
        Device(name=NAME, model="8861", versionstamp=STAMP),
        Device(name="SEP000000000002", model="8861", security_mode=3),
        Device(name="SEP000000000003", model="7962", protocol="SCCP"),
    )
    secure = replace(devices[0], name=NAME, security_mode=2) if mixed else devices[0]
    return View(
        Replica(
            version=1,
            devices={device.name: device for device in (*devices, secure)},
            enterprise={"ClusterSecurityMode": "1" if mixed else "0"},
            service_parameters={("", "callmanager", KEEPALIVE_PARAMETER): keepalive},
            certificates=(
                trusted((KEYS / "capf.crt.der").read_bytes()),
                trusted(b"no certificate"),
                trusted((KEYS / "manufacturing-ca.crt.der").read_bytes()),
            ),
        )
    )


def applicant(**changes: object) -> Applicant:
    base = Applicant(NAME, "SIP", False, "192.0.2.9", 50000, "sip-tcp/1")  # noqa: FBT003 - plain
    return replace(base, **changes)  # type: ignore[arg-type] # a test's changes


class Office:
    """Registrations with what their listener heard."""

    def __init__(self, found: View | None = None) -> None:
        self.clock = Clock()
        held = found or view()
        book = AlarmBook("pub", held, self.clock, kept=3)
        self.registrations = Registrations("pub", held, self.clock, book)
        self.heard: list[tuple[str, UnregisterReason | None]] = []
        self.end = self.registrations.subscribe(self._hear)

    def _hear(self, registration: Registration, reason: UnregisterReason | None) -> None:
        self.heard.append((registration.connection, reason))

    def register(
        self, wire: Wire | None = None, details: PhoneDetails = DETAILS, **changes: object
    ) -> Welcome | Refusal:
        phone = applicant(**changes)
        return self.registrations.register(phone, details, wire or Wire(), asked_s=3600)

    @property
    def held(self) -> Registration:
        return self.registrations.held[NAME]


# who may register


@pytest.mark.parametrize(
    ("changes", "mixed", "warning"),
    [
        ({}, False, None),
        ({"device_name": "SEP000000000002"}, False, None),
        ({"device_name": "SEP00000000FFFF"}, False, "Unknown device SEP00000000FFFF"),
        (
            {"device_name": "SEP000000000003"},
            False,
            "Device protocol mismatch: expected SCCP, received SIP",
        ),
        ({"is_tls": True}, False, "Device security mismatch: expected TCP, received TLS"),
        ({}, True, "Device security mismatch: expected TLS, received TCP"),
        ({"is_tls": True}, True, f"InvalidX509NameInCertificate, Rcvd=, Expected={NAME}"),
        ({"is_tls": True, "certificate": "lsc-SEPB000B4BA0AEE"}, True, None),
        ({"is_tls": True, "certificate": "mic-SEPB000B4BA0AEE"}, True, None),
        (
            {"is_tls": True, "certificate": "tomcat"},
            True,
            f"InvalidX509NameInCertificate, Rcvd=cucm-1051-a-pub, Expected={NAME}",
        ),
    ],
)
def test_a_phone_is_admitted_by_the_rules(
    changes: dict[str, object],
    mixed: bool,  # noqa: FBT001 - a parameter of the test
    warning: str | None,
) -> None:
    given = dict(changes)
    if isinstance(name := given.get("certificate"), str):
        given["certificate"] = certificate(name)
    refusal = Admission(view(mixed=mixed)).check(applicant(**given), Clock().now())
    if warning is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.warning.startswith(warning.partition("Rcvd=c")[0])
        assert (refusal.status, refusal.retry_after_s) == (403, 35)


def test_a_certificate_of_a_stranger_is_not_trusted() -> None:
    found = view(mixed=True)
    admission = Admission(found)
    phone = applicant(is_tls=True, certificate=certificate("lsc-SEPB000B4BA0AEE"))
    assert admission.check(phone, Clock().now()) is None
    assert admission.check(phone, Clock().now()) is None
    found.replace(replace(found.replica, certificates=()))
    refusal = admission.check(phone, Clock().now())
    assert refusal == Refusal("Certificate not trusted: unknown issuer")


# what is kept


def test_a_phone_is_registered_refreshed_and_given_up_without_keepalive() -> None:
    office = Office()
    first = office.register()
    assert isinstance(first, Welcome)
    assert (first.is_new, first.expires_s) == (True, 120)
    assert office.held.expires_s == 1135
    office.clock.seconds += 115
    again = office.register(details=replace(DETAILS, reason=RegistrationReason()))
    assert isinstance(again, Welcome)
    assert not again.is_new
    assert office.held.details == DETAILS
    assert office.held.expires_s == 1250
    office.clock.seconds = 1249.9
    assert office.registrations.expire() == ()
    office.clock.seconds = 1250
    assert len(office.registrations.expire()) == 1
    assert office.heard == [("sip-tcp/1", None), ("sip-tcp/1", R.KEEPALIVE_TIMEOUT)]
    office.end()
    office.register()
    assert len(office.heard) == 2


def test_the_keepalive_interval_is_a_parameter() -> None:
    office = Office(view(keepalive="60"))
    welcome = office.register()
    assert isinstance(welcome, Welcome)
    assert welcome.expires_s == 60
    assert Office(view(keepalive="soon")).registrations.keepalive_s("SIP") == 120


def test_a_phone_that_comes_by_another_connection_takes_its_place() -> None:
    office, old = Office(), Wire()
    office.register(old)
    office.register(connection="sip-tcp/2", address="192.0.2.10")
    assert old.dismissed == ["registered again from 192.0.2.10"]
    assert office.heard[1:] == [("sip-tcp/1", R.DUPLICATE), ("sip-tcp/2", None)]
    assert office.registrations.unregister("sip-tcp/1") is None
    assert office.held.connection == "sip-tcp/2"


def test_a_new_call_id_is_a_new_registration() -> None:
    office = Office()
    office.register()
    welcome = office.register(details=replace(DETAILS, call_id="two@phone"))
    assert isinstance(welcome, Welcome)
    assert welcome.is_new


def test_a_connection_holds_one_phone() -> None:
    office = Office()
    office.register()
    office.register(device_name="SEP000000000002")
    assert list(office.registrations.held) == ["SEP000000000002"]
    assert office.heard[1] == ("sip-tcp/1", R.DEVICE_RESET)


def test_a_phone_that_is_refused_is_registered_no_more() -> None:
    office = Office()
    office.register()
    assert isinstance(office.register(is_tls=True), Refusal)
    assert office.registrations.held == {}


def test_a_phone_can_be_dropped() -> None:
    office, wire = Office(), Wire()
    office.register(wire)
    office.registrations.drop(NAME, R.DUPLICATE)
    office.registrations.drop(NAME, R.DUPLICATE)
    assert wire.dismissed == ["unregistered, reason 16"]


# alarms


def test_alarms_are_kept_and_found() -> None:
    office = Office()
    for name, kind in ((NAME, "A"), (NAME, "B"), ("SEP9", "A"), (NAME, "A")):
        office.registrations.report(name, "192.0.2.9", Alarm(kind))
    found = office.registrations
    assert [stored.alarm.name for stored in found.alarms()] == ["B", "A", "A"]
    assert len(found.alarms(NAME)) == 2
    assert len(found.alarms(name="A")) == 2
    last = found.last_alarm(NAME, "A")
    assert last is found.alarms()[-1]
    assert found.last_alarm("SEP9", "A") is None


# orders


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (Action.RESET, R.CALLMANAGER_RESET),
        (Action.RESTART, R.CALLMANAGER_RESET),
        (Action.APPLY_CONFIG, R.APPLY_CONFIG),
        (Action.CHECK_VERSION, R.CONNECTIVITY),
    ],
)
async def test_an_order_carries_the_stamp_and_explains_the_leaving(
    action: Action, reason: UnregisterReason
) -> None:
    office, wire = Office(), Wire()
    office.register(wire)
    outcome = await office.registrations.order(NAME, action)
    assert (outcome.is_accepted, outcome.action) == (True, action.value)
    (control,) = wire.controls
    assert (control.register_call_id, control.config_stamp) == ("one@phone", STAMP)
    assert bool(control.others) is (action is Action.APPLY_CONFIG)
    office.register(wire)
    office.registrations.unregister("sip-tcp/1")
    assert office.heard[-1] == ("sip-tcp/1", reason)


async def test_a_phone_that_refuses_stays_and_one_that_is_silent_is_given_up() -> None:
    office, wire = Office(), Wire(400)
    office.register(wire)
    outcome = await office.registrations.order(NAME, Action.RESET)
    assert (outcome.status, outcome.is_accepted) == (400, False)
    wire.status = None
    assert (await office.registrations.order(NAME, Action.RESET)).status is None
    assert office.heard[-1] == ("sip-tcp/1", R.NO_ANSWER)
    assert wire.dismissed == ["unregistered, reason 18"]
    with pytest.raises(RefusedError, match=f"{NAME} is not registered with pub"):
        await office.registrations.order(NAME, Action.RESET)


async def test_an_answer_that_comes_after_the_phone_came_anew_changes_nothing() -> None:
    office, wire = Office(), Wire("silent")
    office.register(wire)
    waiting = asyncio.create_task(office.registrations.order(NAME, Action.RESET))
    await asyncio.sleep(0)
    office.register(connection="sip-tcp/2")
    wire.waiting[0](200)
    wire.waiting[0](200)
    assert (await waiting).is_accepted
    assert office.held.pending is None


async def test_a_phone_with_too_many_orders_is_left_alone() -> None:
    class Busy(Wire):
        def deliver(self, *_order: object) -> None:
            raise LocalProtocolError("too many")

    office = Office()
    office.register(Busy())
    with pytest.raises(RefusedError, match="cannot be ordered now: too many"):
        await office.registrations.order(NAME, Action.RESET)
    assert office.held.connection == "sip-tcp/1"


async def test_several_phones_are_ordered_at_once() -> None:
    office, wire = Office(), Wire()
    office.register(wire)
    office.register(wire, device_name="SEP000000000002", connection="sip-tcp/2")
    names = [NAME, "SEP000000000002", "SEP9"]
    outcomes = await office.registrations.order_many(names, Action.RESTART)
    assert [(each.device_name, each.status) for each in outcomes] == [
        (NAME, 200),
        ("SEP000000000002", 200),
    ]


async def test_a_phone_that_leaves_before_its_turn_has_no_answer() -> None:
    office, wire = Office(), Wire()
    office.register(wire)
    waiting = asyncio.ensure_future(office.registrations.order_many([NAME], Action.RESET))
    await asyncio.sleep(0)
    office.registrations.unregister("sip-tcp/1")
    (outcome,) = await waiting
    assert outcome.status in (200, None)


async def test_a_configured_phone_may_be_deleted_while_it_is_registered() -> None:
    found = view()
    office, wire = Office(found), Wire()
    office.register(wire)
    found.replace(Replica(version=2))
    await office.registrations.order(NAME, Action.RESET)
    assert wire.controls[0].config_stamp == "00000000-0000-0000-0000-000000000000"
