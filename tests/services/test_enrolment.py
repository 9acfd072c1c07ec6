"""What CAPF decides about phones, over the real store."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import StoreError
from cucmsim.formats.capf import CertificateType, NestedCertificate, Reason
from cucmsim.pki.certificates import issue_lsc, load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.keys import KeySpec, dump_public_key, generate_key, load_private_key
from cucmsim.pki.signatures import Signer
from cucmsim.protocols.capf_client import CapfClientConversation, Credentials
from cucmsim.protocols.capf_server import AuthenticationReceived, CapfServerConversation
from cucmsim.services import enrolment as enrolment_module
from cucmsim.services.enrolment import Admission, Enrolment, Refusal
from cucmsim.services.view import View
from cucmsim.store.rows import (
    AuthenticationMode,
    CallManagerGroup,
    CertificateStatus,
    Device,
    DevicePool,
    KeyOrder,
    PendingOperation,
    ProcessNode,
)
from cucmsim.store.store import Store
from tests.fixtures.postgres import SECURITY_PASSWORD

KEYS = Path(__file__).parent.parent / "vectors" / "keys"
NAME = "SEPB000B4BA0AEE"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEVICE = Device(name=NAME, model="8861")
RSA_1024 = KeySpec.parse("rsa-1024")


def der(name: str) -> bytes:
    return (KEYS / f"{name}.der").read_bytes()


def signer(name: str) -> Signer:
    return Signer(load_certificate(der(f"{name}.crt")), load_private_key(der(f"{name}.key")))


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


@dataclass
class Desk:
    """A publisher with CAPF, and one phone."""

    store: Store
    view: View
    clock: Time
    enrolment: Enrolment

    async def put(self, device: Device) -> None:
        async with self.store.transaction() as transaction:
            await transaction.put_device(device)

    async def set_parameter(self, name: str, value: str) -> None:
        async with self.store.transaction() as transaction:
            await transaction.set_service_parameter("capf", name, value)
        self.view.replace(await self.store.update_replica(self.view.replica))

    async def device(self) -> Device:
        return (await self.store.update_replica(self.view.replica)).devices[NAME]

    async def admit(self, password: str | None = "") -> Admission | Refusal:
        return await self.enrolment.admit(AuthenticationReceived(NAME, 3, password), 4)

    async def admitted(self) -> Admission:
        decided = await self.admit()
        assert isinstance(decided, Admission)
        return decided


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with Store.open(
        store_url, security_password=SECURITY_PASSWORD, clock=Time(), entropy=SeededEntropy(2)
    ) as store:
        yield store


@pytest.fixture
async def desk(store: Store) -> Desk:
    async with store.transaction() as transaction:
        node = ProcessNode(name="pub", host="pub", address="127.0.0.1", is_publisher=True)
        await transaction.put_node(node)
        await transaction.put_group(CallManagerGroup(name="Default", members=("pub",)))
        await transaction.put_device_pool(DevicePool(name="Default", callmanager_group="Default"))
        await transaction.put_own_certificate("pub", "CAPF", der("capf.crt"), der("capf.key"), (4,))
        await transaction.put_trust_certificate("CAPF-trust", der("manufacturing-ca.crt"))
        await transaction.put_device(DEVICE)
    view, clock = View(await store.load_replica()), Time()
    enrolment = Enrolment("pub", store, view, clock=clock, entropy=SeededEntropy(1))
    return Desk(store, view, clock, enrolment)


def by_string(operation: PendingOperation = PendingOperation.INSTALL) -> Device:
    return replace(
        DEVICE,
        authentication_mode=AuthenticationMode.AUTHENTICATION_STRING,
        authentication_string="4711",
        pending_operation=operation,
    )


def to_install(spec: str = "rsa-1024") -> Device:
    key = KeySpec.parse(spec)
    device = replace(DEVICE, pending_operation=PendingOperation.INSTALL)
    if spec.startswith("ec"):
        return replace(device, key_type=KeyOrder.EC_ONLY, ec_size_bits=key.size_bits)
    return replace(device, key_size_bits=key.size_bits)


def public_key(spec: str = "rsa-1024") -> bytes:
    return dump_public_key(generate_key(KeySpec.parse(spec)).public_key())


async def test_an_unknown_phone_is_refused_with_reason_9(desk: Desk) -> None:
    claim = AuthenticationReceived("SEP000000000000", 3, "")
    assert await desk.enrolment.admit(claim, 4) == Refusal(Reason.UNKNOWN_DEVICE, "unknown device")


async def test_a_phone_added_a_moment_ago_is_known(desk: Desk) -> None:
    await desk.put(replace(DEVICE, name="SEP000000000001"))
    claim = AuthenticationReceived("SEP000000000001", 3, "")
    decided = await desk.enrolment.admit(claim, 4)
    assert decided == Admission("SEP000000000001", PendingOperation.NONE)


@pytest.mark.parametrize("operation", PendingOperation)
async def test_the_pending_operation_is_told_and_nothing_is_written(
    desk: Desk, operation: PendingOperation
) -> None:
    await desk.put(replace(DEVICE, pending_operation=operation))
    before = await desk.store.load_replica()
    for _ in range(2):
        assert (await desk.admitted()).operation is operation
    assert (await desk.store.load_replica()).version == before.version


async def test_the_right_string_is_admitted(desk: Desk) -> None:
    await desk.put(by_string())
    assert isinstance(await desk.admit("4711"), Admission)


@pytest.mark.parametrize("password", [None, "47110"])
async def test_a_wrong_string_is_refused_with_reason_7(desk: Desk, password: str | None) -> None:
    await desk.put(by_string())
    decided = await desk.admit(password)
    assert decided == Refusal(Reason.INVALID_ELEMENT, "wrong authentication string")
    device = await desk.device()
    assert (device.wrong_strings, device.pending_operation) == (1, PendingOperation.INSTALL)


async def test_ten_wrong_strings_lock_a_phone_for_ten_minutes(desk: Desk) -> None:
    await desk.put(by_string())
    for _ in range(9):
        await desk.admit("0000")
    assert isinstance(await desk.admit("4711"), Admission)
    assert (await desk.device()).wrong_strings == 0
    for _ in range(10):
        await desk.admit("0000")
    locked = await desk.admit("4711")
    assert isinstance(locked, Refusal)
    assert locked.text == "locked until 12:10:00 after wrong strings"
    desk.clock.time += timedelta(minutes=9, seconds=59)
    assert isinstance(await desk.admit("4711"), Refusal)
    desk.clock.time += timedelta(seconds=1)
    assert isinstance(await desk.admit("4711"), Admission)
    device = await desk.device()
    assert (device.wrong_strings, device.locked_until) == (0, None)


async def test_a_wrong_string_after_the_lock_starts_to_count_anew(desk: Desk) -> None:
    await desk.put(replace(by_string(), locked_until=START - timedelta(seconds=1)))
    await desk.admit("0000")
    device = await desk.device()
    assert (device.wrong_strings, device.locked_until) == (1, None)


async def test_tries_in_parallel_all_count(desk: Desk) -> None:
    await desk.put(by_string())
    decided = await asyncio.gather(*(desk.admit("0000") for _ in range(12)))
    assert all(isinstance(one, Refusal) for one in decided)
    assert (await desk.device()).locked_until == START + timedelta(minutes=10)


async def test_counting_is_no_change_of_the_phones_configuration(desk: Desk) -> None:
    await desk.put(by_string())
    stamp = (await desk.device()).versionstamp
    await desk.admit("0000")
    assert (await desk.device()).versionstamp == stamp


async def test_lock_parameters_count_after_a_restart_only(desk: Desk) -> None:
    await desk.put(by_string())
    await desk.set_parameter("MaximumAllowableAttempts", "1")
    await desk.set_parameter("LockoutMinutes", "3")
    await desk.admit("0000")
    assert (await desk.device()).locked_until is None
    desk.enrolment.load()
    await desk.admit("0000")
    assert (await desk.device()).locked_until == START + timedelta(minutes=3)


async def test_a_phone_without_string_cannot_enrol_by_string(desk: Desk) -> None:
    await desk.put(replace(by_string(), authentication_string=""))
    assert isinstance(await desk.admit(""), Refusal)


@pytest.mark.parametrize("password", [None, "anything"])
async def test_null_string_asks_for_nothing(desk: Desk, password: str | None) -> None:
    assert isinstance(await desk.admit(password), Admission)


def certificate_claim(credentials: Credentials) -> AuthenticationReceived:
    server, client = CapfServerConversation(4), CapfClientConversation(NAME)
    server.start()
    client.receive_data(b"".join(server.data_to_send()))
    client.next_event()
    client.authenticate(credentials)
    server.receive_data(b"".join(client.data_to_send()))
    event = server.next_event()
    assert isinstance(event, AuthenticationReceived)
    return event


@pytest.mark.parametrize("mode", [AuthenticationMode.EXISTING_LSC, AuthenticationMode.EXISTING_MIC])
async def test_both_certificate_modes_take_an_lsc_or_a_mic(
    desk: Desk, mode: AuthenticationMode
) -> None:
    await desk.put(replace(DEVICE, authentication_mode=mode))
    for name in (f"lsc-{NAME}", f"mic-{NAME}"):
        claim = certificate_claim(Credentials(certificate=signer(name)))
        assert isinstance(await desk.enrolment.admit(claim, 4), Admission)


@pytest.mark.parametrize(
    ("credentials", "held"),
    [
        (
            Credentials(certificate=signer(f"mic-{NAME}"), certificate_type=CertificateType.MIC),
            der(f"mic-{NAME}.crt"),
        ),
        (Credentials(certificate=signer(f"lsc-{NAME}")), None),
    ],
)
async def test_the_mic_that_a_phone_proves_itself_with_is_kept(
    desk: Desk, credentials: Credentials, held: bytes | None
) -> None:
    await desk.put(replace(DEVICE, authentication_mode=AuthenticationMode.EXISTING_MIC))
    await desk.enrolment.admit(certificate_claim(credentials), 4)
    assert (await desk.device()).mic_der == held


async def test_by_existing_certificate_without_one_fails(desk: Desk) -> None:
    await desk.put(replace(DEVICE, authentication_mode=AuthenticationMode.EXISTING_MIC))
    assert await desk.admit("4711") == Refusal(7, "no certificate presented")  # type: ignore[arg-type]


async def test_the_lsc_of_another_capf_fails_until_that_is_trusted(desk: Desk) -> None:
    await desk.put(replace(DEVICE, authentication_mode=AuthenticationMode.EXISTING_LSC))
    key = generate_key(RSA_1024)
    old_capf = signer("enterprise-ca")
    old = issue_lsc(old_capf, NAME, key.public_key(), not_before=START, serial=bytes([1]) * 16)
    claim = certificate_claim(Credentials(certificate=Signer(old, key)))
    refused = await desk.enrolment.admit(claim, 4)
    assert isinstance(refused, Refusal)
    assert "unknown issuer" in refused.text
    async with desk.store.transaction() as transaction:
        await transaction.put_trust_certificate("CAPF-trust", der("enterprise-ca.crt"))
    assert isinstance(await desk.enrolment.admit(claim, 4), Admission)


@pytest.mark.parametrize(
    ("order", "version", "expected"),
    [
        (KeyOrder.RSA_ONLY, 3, "rsa-2048"),
        (KeyOrder.EC_ONLY, 3, "ec-384"),
        (KeyOrder.EC_PREFERRED, 3, "ec-384"),
        (KeyOrder.EC_PREFERRED, 2, "rsa-2048"),
        (KeyOrder.EC_PREFERRED, None, "rsa-2048"),
    ],
)
async def test_the_key_asked_for_follows_the_key_order_and_what_the_phone_can(
    desk: Desk, order: KeyOrder, version: int | None, expected: str
) -> None:
    await desk.put(replace(DEVICE, pending_operation=PendingOperation.INSTALL, key_type=order))
    decided = await desk.enrolment.admit(AuthenticationReceived(NAME, version, ""), 4)
    assert decided == Admission(NAME, PendingOperation.INSTALL, KeySpec.parse(expected))


async def test_a_key_that_cannot_be_asked_for_is_refused(desk: Desk) -> None:
    await desk.put(replace(to_install(), key_type=KeyOrder.EC_ONLY))
    old = await desk.enrolment.admit(AuthenticationReceived(NAME, 2, ""), 4)
    assert isinstance(old, Refusal)
    assert old.text == "EC only, but the phone has version 2"
    await desk.put(replace(to_install(), key_size_bits=512))
    small = await desk.admit()
    assert isinstance(small, Refusal)
    assert "512 bits" in small.text


@pytest.mark.parametrize("spec", ["rsa-1024", "ec-521"])
async def test_an_lsc_is_signed_and_recorded_when_the_phone_has_it(desk: Desk, spec: str) -> None:
    await desk.put(to_install(spec))
    before = await desk.device()
    admission = await desk.admitted()
    lsc_der = await desk.enrolment.issue(admission, public_key(spec))
    assert isinstance(lsc_der, bytes)
    assert await desk.device() == before
    await desk.enrolment.record_installed(admission, lsc_der)
    device, lsc = await desk.device(), load_certificate(lsc_der)
    assert is_issued_by(lsc, signer("capf").certificate)
    assert lsc.not_valid_before_utc == START
    assert lsc.not_valid_after_utc == START + timedelta(days=1825)
    assert device.lsc_der == lsc_der
    assert device.lsc_valid_until == lsc.not_valid_after_utc
    assert device.lsc_issuer == "C=PL,ST=Malopolska,L=Krakow,O=Cisco,OU=TAC,CN=CAPF-e41e7d87"
    assert device.lsc_issuer_valid_until == signer("capf").certificate.not_valid_after_utc
    assert device.pending_operation is PendingOperation.NONE
    assert device.certificate_status is CertificateStatus.UPGRADE_SUCCESS
    assert device.versionstamp != before.versionstamp


async def test_the_outcome_is_written_in_one_transaction(desk: Desk) -> None:
    await desk.put(to_install())
    admission = await desk.admitted()
    lsc_der = await desk.enrolment.issue(admission, public_key())
    assert isinstance(lsc_der, bytes)
    before = await desk.store.load_replica()
    await desk.enrolment.record_installed(admission, lsc_der)
    assert (await desk.store.load_replica()).version == before.version + 1


async def test_validity_follows_the_service_parameter_after_a_restart(desk: Desk) -> None:
    await desk.put(to_install())
    await desk.set_parameter("DurationOfCertificateValidity", "30")
    admission = await desk.admitted()

    async def validity() -> timedelta:
        lsc_der = await desk.enrolment.issue(admission, public_key())
        assert isinstance(lsc_der, bytes)
        return load_certificate(lsc_der).not_valid_after_utc - START

    assert await validity() == timedelta(days=1825)
    desk.enrolment.load()
    assert await validity() == timedelta(days=30)


async def test_signing_is_done_in_a_worker_thread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    sign = issue_lsc

    def watched(*arguments: object, **options: object) -> object:
        threads.append(threading.get_ident())
        return sign(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(enrolment_module, "issue_lsc", watched)
    await desk.put(to_install())
    await desk.enrolment.issue(await desk.admitted(), public_key())
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "the phone made no key"),
        (b"garbage", "no public key"),
        (public_key("ec-256"), "the phone's key is ec-256, expected rsa-1024"),
        (public_key("rsa-1032"), "the phone's key is rsa-1032, expected rsa-1024"),
    ],
    ids=["none", "garbage", "ec-256", "rsa-1032"],  # keys differ between pytest's workers
)
async def test_a_key_that_was_not_asked_for_is_refused(
    desk: Desk, given: bytes | None, text: str
) -> None:
    await desk.put(to_install())
    issued = await desk.enrolment.issue(await desk.admitted(), given)
    assert isinstance(issued, Refusal)
    assert text in issued.text


async def test_an_operation_ordered_meanwhile_stays_pending(desk: Desk) -> None:
    await desk.put(to_install())
    admission = await desk.admitted()
    lsc_der = await desk.enrolment.issue(admission, public_key())
    assert isinstance(lsc_der, bytes)
    await desk.put(replace(await desk.device(), pending_operation=PendingOperation.DELETE))
    await desk.enrolment.record_installed(admission, lsc_der)
    device = await desk.device()
    assert device.lsc_der == lsc_der
    assert device.pending_operation is PendingOperation.DELETE


async def test_a_phone_deleted_meanwhile_is_not_made_again(desk: Desk) -> None:
    await desk.put(to_install())
    admission = await desk.admitted()
    async with desk.store.transaction() as transaction:
        await transaction.delete_device(NAME)
    await desk.enrolment.record_deleted(admission)
    assert NAME not in (await desk.store.load_replica()).devices


async def to_fetch(desk: Desk) -> Admission:
    await desk.put(replace(DEVICE, pending_operation=PendingOperation.TROUBLESHOOT))
    return await desk.admitted()


async def test_a_fetched_lsc_is_recorded(desk: Desk) -> None:
    lsc = der(f"lsc-{NAME}.crt")
    admission = await to_fetch(desk)
    assert await desk.enrolment.record_fetched(admission, NestedCertificate(1, lsc)) is None
    device = await desk.device()
    assert (device.lsc_der, device.mic_der) == (lsc, None)
    assert device.lsc_valid_until == datetime(2027, 11, 20, 13, 16, 15, tzinfo=UTC)
    assert device.certificate_status is CertificateStatus.TROUBLESHOOT_SUCCESS
    assert device.pending_operation is PendingOperation.NONE


async def test_a_fetched_mic_is_recorded_as_such(desk: Desk) -> None:
    mic = der(f"mic-{NAME}.crt")
    await desk.enrolment.record_fetched(await to_fetch(desk), NestedCertificate(2, mic))
    device = await desk.device()
    assert (device.lsc_der, device.mic_der) == (None, mic)


async def test_a_phone_without_certificate_was_asked_with_success(desk: Desk) -> None:
    assert await desk.enrolment.record_fetched(await to_fetch(desk), None) is None
    device = await desk.device()
    assert (device.lsc_der, device.mic_der) == (None, None)
    assert device.certificate_status is CertificateStatus.TROUBLESHOOT_SUCCESS


async def test_a_fetched_certificate_that_is_none_is_a_failure(desk: Desk) -> None:
    admission = await to_fetch(desk)
    refusal = await desk.enrolment.record_fetched(admission, NestedCertificate(1, b"x"))
    assert isinstance(refusal, Refusal)
    device = await desk.device()
    assert device.certificate_status is CertificateStatus.TROUBLESHOOT_FAILED
    assert device.lsc_der is None


async def test_a_deleted_lsc_is_forgotten(desk: Desk) -> None:
    lsc = der(f"lsc-{NAME}.crt")
    await desk.enrolment.record_fetched(await to_fetch(desk), NestedCertificate(1, lsc))
    pending = replace(await desk.device(), pending_operation=PendingOperation.DELETE)
    await desk.put(pending)
    await desk.enrolment.record_deleted(await desk.admitted())
    device = await desk.device()
    assert (device.lsc_der, device.lsc_valid_until, device.lsc_issuer) == (None, None, "")
    assert device.certificate_status is CertificateStatus.DELETE_SUCCESS
    assert device.pending_operation is PendingOperation.NONE


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (PendingOperation.INSTALL, CertificateStatus.UPGRADE_FAILED),
        (PendingOperation.DELETE, CertificateStatus.DELETE_FAILED),
        (PendingOperation.TROUBLESHOOT, CertificateStatus.TROUBLESHOOT_FAILED),
    ],
)
async def test_a_failure_ends_the_operation(
    desk: Desk, operation: PendingOperation, status: CertificateStatus
) -> None:
    await desk.put(replace(DEVICE, pending_operation=operation))
    await desk.enrolment.record_failed(await desk.admitted())
    device = await desk.device()
    assert (device.certificate_status, device.pending_operation) == (status, "none")


async def test_a_phone_that_comes_after_its_operation_expired_finds_nothing(desk: Desk) -> None:
    await desk.put(replace(to_install(), operation_expires=START + timedelta(seconds=1)))
    assert (await desk.admitted()).operation is PendingOperation.INSTALL
    desk.clock.time += timedelta(seconds=1)
    assert (await desk.admitted()).operation is PendingOperation.NONE
    device = await desk.device()
    assert device.certificate_status is CertificateStatus.UPGRADE_FAILED
    assert (device.pending_operation, device.operation_expires) == ("none", None)


async def test_nothing_to_record_where_nothing_was_pending(desk: Desk) -> None:
    before = (await desk.store.load_replica()).version
    await desk.enrolment.record_failed(await desk.admitted())
    assert (await desk.store.load_replica()).version == before


async def test_a_node_without_capf_certificate_has_no_enrolment(desk: Desk) -> None:
    with pytest.raises(StoreError, match="'sub' has no CAPF certificate"):
        Enrolment("sub", desk.store, desk.view, clock=desk.clock, entropy=SeededEntropy(1))
