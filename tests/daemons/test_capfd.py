"""CAPF over loopback: all operations, connections dropped at every message, garbage, openssl."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from cucmsim.clock import SystemClock
from cucmsim.daemons.capfd import CapfServer
from cucmsim.daemons.conversation import Limits, Recorder
from cucmsim.daemons.mischief import Mischief
from cucmsim.entropy import SeededEntropy, SystemEntropy
from cucmsim.errors import StoreError
from cucmsim.formats.capf import CertificateType, NestedCertificate, decode_message
from cucmsim.phone.capfclient import CapfOperation, CapfOutcome, CapfPhone, visit_capf
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.keys import KeySpec, dump_public_key, generate_key, load_private_key
from cucmsim.pki.signatures import Signer
from cucmsim.protocols.capf_client import (
    AuthenticationRequested,
    CapfClientConversation,
    Credentials,
    DeleteRequested,
    FetchRequested,
    KeyRequested,
    StoreRequested,
)
from cucmsim.services.enrolment import Enrolment
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultPlan, FaultRule
from cucmsim.services.journal import Exchange, Journal
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
DEVICE = Device(name=NAME, model="8861", key_size_bits=1024)
LSC = (KEYS / f"lsc-{NAME}.crt.der").read_bytes()


def der(name: str) -> bytes:
    return (KEYS / f"{name}.der").read_bytes()


def signer(name: str) -> Signer:
    return Signer(load_certificate(der(f"{name}.crt")), load_private_key(der(f"{name}.key")))


@dataclass
class Lab:
    """A running CAPF server and what stands behind it."""

    store: Store
    view: View
    server: CapfServer
    journal: Journal
    faults: FaultPlan
    exchanges: list[Exchange] = field(default_factory=list)

    async def pend(self, operation: PendingOperation, **changes: object) -> None:
        device = replace(DEVICE, pending_operation=operation, **changes)  # type: ignore[arg-type]
        async with self.store.transaction() as transaction:
            await transaction.put_device(device)

    async def device(self) -> Device:
        return (await self.store.update_replica(self.view.replica)).devices[NAME]

    @property
    def port(self) -> int:
        return self.server.ports[0]

    async def visit(self, phone: CapfPhone | None = None, tls: str | None = None) -> CapfOutcome:
        options = LinkOptions(tls_version=tls)
        return await visit_capf("127.0.0.1", self.port, phone or CapfPhone(NAME), options)

    async def settle(self) -> None:
        """Let every connection end, then serve again."""
        await self.server.stop(5)
        await self.server.start()


def make_server(
    enrolment: Enrolment,
    journal: Journal,
    limits: Limits | None = None,
    faults: FaultPlan | None = None,
) -> CapfServer:
    recorder = Recorder("pub", "capf", journal, SystemClock())
    endpoint = ("127.0.0.1", 0)
    if faults is not None:
        entropy = SeededEntropy(1)
        key = signer("tomcat").private_key
        mischief = Mischief(faults, "pub", "capf", SystemClock(), entropy, lambda: key)
        return CapfServer(endpoint, enrolment, recorder, entropy, mischief=mischief)
    if limits is None:
        return CapfServer(endpoint, enrolment, recorder, SeededEntropy(1))
    return CapfServer(endpoint, enrolment, recorder, SeededEntropy(1), limits=limits)


@pytest.fixture
async def lab(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Lab]:
    clock, entropy = SystemClock(), SystemEntropy()
    shutil.copy(sqlite_template, tmp_path / "cucm.db")
    async with Store.open(
        f"sqlite:///{tmp_path}/cucm.db",
        security_password=SECURITY_PASSWORD,
        clock=clock,
        entropy=entropy,
    ) as store:
        async with store.transaction() as transaction:
            node = ProcessNode(name="pub", host="pub", address="127.0.0.1", is_publisher=True)
            await transaction.put_node(node)
            await transaction.put_group(CallManagerGroup(name="Default", members=("pub",)))
            pool = DevicePool(name="Default", callmanager_group="Default")
            await transaction.put_device_pool(pool)
            await transaction.put_own_certificate(
                "pub", "CAPF", der("capf.crt"), der("capf.key"), (4,)
            )
            await transaction.put_trust_certificate("CAPF-trust", der("manufacturing-ca.crt"))
            await transaction.put_device(DEVICE)
        view, journal = View(await store.load_replica()), Journal()
        enrolment = Enrolment("pub", store, view, clock=clock, entropy=entropy)
        faults = FaultPlan()
        server = make_server(enrolment, journal, faults=faults)
        lab = Lab(store, view, server, journal, faults)
        journal.subscribe(lab.exchanges.append)
        await server.start()
        try:
            yield lab
        finally:
            await lab.server.stop(1)


@pytest.mark.parametrize(
    ("order", "bits", "tls"),
    [("rsa", 1024, "1.0"), ("rsa", 2048, "1.2"), ("ec", 256, "1.3"), ("ec", 521, None)],
)
async def test_a_phone_gets_its_lsc(lab: Lab, order: str, bits: int, tls: str | None) -> None:
    sizes = {"key_size_bits": bits} if order == "rsa" else {"ec_size_bits": bits}
    await lab.pend(PendingOperation.INSTALL, key_type=KeyOrder(order), **sizes)
    outcome = await lab.visit(tls=tls)
    assert (outcome.operation, outcome.reason, outcome.succeeded) == ("install", 1, True)
    assert outcome.server_certificate == load_certificate(der("capf.crt"))
    device = await lab.device()
    assert outcome.certificate is not None
    assert device.lsc_der == certificate_der(outcome.certificate)
    assert device.certificate_status is CertificateStatus.UPGRADE_SUCCESS
    await lab.settle()
    (exchange,) = lab.exchanges
    assert (exchange.device, exchange.request, exchange.answer) == (
        NAME,
        "install",
        "LSC installed",
    )
    assert (await lab.visit()).operation is CapfOperation.NONE


async def test_an_lsc_authenticates_for_its_own_renewal(lab: Lab) -> None:
    await lab.pend(PendingOperation.INSTALL, authentication_mode=AuthenticationMode.EXISTING_MIC)
    mic = Credentials(certificate=signer(f"mic-{NAME}"), certificate_type=CertificateType.MIC)
    first = await lab.visit(CapfPhone(NAME, mic))
    assert first.certificate is not None
    assert first.private_key is not None
    lsc = Signer(first.certificate, first.private_key)
    await lab.pend(PendingOperation.INSTALL, authentication_mode=AuthenticationMode.EXISTING_LSC)
    sudi = signer(f"mic-{NAME}")
    second = await lab.visit(CapfPhone(NAME, Credentials(certificate=lsc, sudi=sudi)))
    assert second.succeeded
    assert second.certificate != first.certificate


async def test_a_fetch_records_the_certificate(lab: Lab) -> None:
    await lab.pend(PendingOperation.TROUBLESHOOT)
    outcome = await lab.visit(CapfPhone(NAME, held=NestedCertificate(1, LSC)))
    assert (outcome.operation, outcome.reason) == ("fetch", 0)
    assert (await lab.device()).lsc_der == LSC
    await lab.pend(PendingOperation.TROUBLESHOOT)
    assert (await lab.visit()).reason == 0  # a phone without certificate
    await lab.settle()
    answers = [exchange.answer for exchange in lab.exchanges]
    assert answers == ["certificate fetched", "the phone has no certificate"]


async def test_a_fetched_certificate_that_is_none_ends_with_reason_7(lab: Lab) -> None:
    await lab.pend(PendingOperation.TROUBLESHOOT)
    outcome = await lab.visit(CapfPhone(NAME, held=NestedCertificate(1, b"junk")))
    assert (outcome.operation, outcome.reason) == ("fetch", 7)
    assert (await lab.device()).certificate_status is CertificateStatus.TROUBLESHOOT_FAILED


async def test_a_delete_forgets_the_lsc(lab: Lab) -> None:
    await lab.pend(PendingOperation.DELETE, lsc_der=LSC)
    outcome = await lab.visit()
    assert (outcome.operation, outcome.reason, outcome.succeeded) == ("delete", 1, True)
    device = await lab.device()
    assert (device.lsc_der, device.pending_operation) == (None, PendingOperation.NONE)


@pytest.mark.parametrize(
    ("phone", "reason"),
    [(CapfPhone(NAME), 0), (CapfPhone("SEP000000000000"), 9), (CapfPhone(""), 9)],
)
async def test_there_is_not_always_something_to_do(lab: Lab, phone: CapfPhone, reason: int) -> None:
    outcome = await lab.visit(phone)
    assert (outcome.operation, outcome.reason) == (CapfOperation.NONE, reason)


async def test_a_visit_is_one_log_line_with_device_and_outcome(lab: Lab) -> None:
    await lab.pend(PendingOperation.INSTALL)
    with capture_logs() as logs:
        await lab.visit(CapfPhone(NAME))
        await lab.settle()
    (line,) = [line for line in logs if line["log_level"] != "debug"]
    assert line["event"] == "connection finished"
    told = (line["device"], line["operation"], line["outcome"])
    assert told == (NAME, "install", "LSC installed")


async def test_a_wrong_string_is_refused_and_never_logged(lab: Lab) -> None:
    mode = AuthenticationMode.AUTHENTICATION_STRING
    await lab.pend(
        PendingOperation.INSTALL, authentication_mode=mode, authentication_string="47110815"
    )
    with capture_logs() as logs:
        wrong = await lab.visit(CapfPhone(NAME, Credentials(password="08154711")))
        right = await lab.visit(CapfPhone(NAME, Credentials(password="47110815")))
        await lab.settle()
    assert (wrong.reason, right.reason) == (7, 1)
    shown = f"{logs} {lab.exchanges}"
    assert "refused: wrong authentication string" in shown
    assert "47110815" not in shown
    assert "08154711" not in shown


# a phone of our own that can stop at any message

Answer = Callable[[CapfClientConversation, object], None]


def answer(protocol: CapfClientConversation, event: object) -> None:
    if isinstance(event, AuthenticationRequested):
        protocol.authenticate(Credentials())
    elif isinstance(event, KeyRequested):
        protocol.report_progress()
        protocol.send_public_key(dump_public_key(generate_key(event.spec).public_key()))
    elif isinstance(event, StoreRequested):
        protocol.certificate_stored()
    elif isinstance(event, FetchRequested):
        protocol.send_certificate(NestedCertificate(1, LSC))
    elif isinstance(event, DeleteRequested):
        protocol.certificate_deleted()


async def talk(lab: Lab, answer: Answer, messages: int, cut: int = 100_000) -> bytes:
    """Send `messages` messages, in pieces of `cut` bytes, then drop; return the last answer."""
    protocol = CapfClientConversation(NAME)
    sent, data = 0, b""
    async with await Link.connect("127.0.0.1", lab.port) as link:
        while sent < messages and (data := await link.receive()):
            protocol.receive_data(data)
            while (event := protocol.next_event()) is not None:
                answer(protocol, event)
            for message in protocol.data_to_send()[: messages - sent]:
                for start in range(0, len(message), cut):
                    await link.send(message[start : start + cut])
                sent += 1
    return data


@pytest.mark.parametrize(
    ("operation", "messages"),
    [
        (PendingOperation.INSTALL, 4),
        (PendingOperation.TROUBLESHOOT, 2),
        (PendingOperation.DELETE, 2),
    ],
)
async def test_a_connection_dropped_at_any_message_loses_nothing(
    lab: Lab, operation: PendingOperation, messages: int
) -> None:
    await lab.pend(operation)
    before = await lab.device()
    for number in range(messages):
        await talk(lab, answer, number)
        await lab.settle()
        assert await lab.device() == before
    await talk(lab, answer, messages)  # the last: what the phone confirmed is done
    await lab.settle()
    assert (await lab.device()).pending_operation is PendingOperation.NONE
    assert lab.exchanges[-1].device == NAME


async def test_messages_may_come_a_byte_at_a_time(lab: Lab) -> None:
    await lab.pend(PendingOperation.INSTALL)
    await talk(lab, answer, 4, cut=1)
    await lab.settle()
    assert (await lab.device()).certificate_status is CertificateStatus.UPGRADE_SUCCESS


def refuse_store(protocol: CapfClientConversation, event: object) -> None:
    if isinstance(event, StoreRequested):
        protocol.certificate_stored(7)
    else:
        answer(protocol, event)


def refuse_delete(protocol: CapfClientConversation, event: object) -> None:
    if isinstance(event, DeleteRequested):
        protocol.certificate_deleted(7)
    else:
        answer(protocol, event)


def make_no_key(protocol: CapfClientConversation, event: object) -> None:
    if isinstance(event, KeyRequested):
        protocol.send_public_key(None)
    else:
        answer(protocol, event)


def make_other_key(protocol: CapfClientConversation, event: object) -> None:
    if isinstance(event, KeyRequested):
        key = generate_key(KeySpec.parse("ec-256"))
        protocol.send_public_key(dump_public_key(key.public_key()))
    else:
        answer(protocol, event)


@pytest.mark.parametrize(
    ("operation", "play", "status"),
    [
        (PendingOperation.INSTALL, refuse_store, CertificateStatus.UPGRADE_FAILED),
        (PendingOperation.INSTALL, make_no_key, CertificateStatus.UPGRADE_FAILED),
        (PendingOperation.INSTALL, make_other_key, CertificateStatus.UPGRADE_FAILED),
        (PendingOperation.DELETE, refuse_delete, CertificateStatus.DELETE_FAILED),
    ],
)
async def test_a_phone_that_says_it_failed_is_believed(
    lab: Lab, operation: PendingOperation, play: Answer, status: CertificateStatus
) -> None:
    await lab.pend(operation, lsc_der=LSC)
    end = await talk(lab, play, 9)
    assert end == b""
    device = await lab.device()
    assert (device.certificate_status, device.lsc_der) == (status, LSC)
    assert device.pending_operation is PendingOperation.NONE


async def test_an_abort_ends_the_session_and_keeps_the_operation(lab: Lab) -> None:
    await lab.pend(PendingOperation.INSTALL)
    before = await lab.device()

    def give_up(protocol: CapfClientConversation, event: object) -> None:
        if isinstance(event, KeyRequested):
            protocol.abort()
        else:
            answer(protocol, event)

    await talk(lab, give_up, 9)
    await lab.settle()
    assert await lab.device() == before
    assert lab.exchanges[-1].answer == "aborted by the phone"


GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x55",
    b"\x55\x02\x00\x00\x00\x00\xff\xff" + bytes(70_000),
    b"\x55\x63\x00\x00\x00\x00\x00\x00",
    b"\x55\x02\x00\x00\x00\x00\x00\x03\x0d\xff\xff",
    bytes(200_000),
    b"\x55\x02\x00\x00\x00\x00\xff\xff" + b"\x0d\xff\xfc" + b"A" * 65_532,
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_ends_its_own_connection_only(lab: Lab, garbage: bytes) -> None:
    await lab.pend(PendingOperation.DELETE)
    bystander = asyncio.ensure_future(lab.visit())
    async with await Link.connect("127.0.0.1", lab.port) as link:
        session = (await link.receive())[2:6]
        await link.send(garbage.replace(b"\x00\x00\x00\x00", session, 1))
        if len(garbage) > 1:
            end = decode_message(await link.receive())
            assert (end.message_type, end.byte(1)) == (15, 9 if b"AAAA" in garbage else 7)
            assert await link.receive() == b""
    assert (await bystander).operation is CapfOperation.DELETE
    await lab.settle()


async def test_garbage_is_journalled_with_its_reason(lab: Lab) -> None:
    async with await Link.connect("127.0.0.1", lab.port) as link:
        await link.receive()
        await link.send(b"\x16")
        await link.receive()
    await lab.settle()
    assert "protocol discriminator 0x16, expected 0x55" in lab.exchanges[-1].answer


async def test_a_silent_phone_is_dropped(lab: Lab) -> None:
    enrolment = Enrolment("pub", lab.store, lab.view, clock=SystemClock(), entropy=SystemEntropy())
    server = make_server(enrolment, lab.journal, Limits(idle_s=0.05))
    await server.start()
    async with await Link.connect("127.0.0.1", server.ports[0]) as link:
        assert decode_message(await link.receive()).message_type == 1
        assert await link.receive() == b""
    await server.stop(1)


class Broken:
    """A store whose database has gone away."""

    def __init__(self, store: Store, answers: int) -> None:
        self._store, self._left = store, answers

    async def update_replica(self, replica: object) -> object:
        self._left -= 1
        if self._left < 0:
            raise StoreError("the database is locked")
        return await self._store.update_replica(replica)  # type: ignore[arg-type]

    def transaction(self) -> object:
        raise StoreError("the database is locked")


@pytest.mark.parametrize("answers", [0, 1])
async def test_without_database_a_phone_is_sent_away_and_nothing_is_lost(
    lab: Lab, answers: int
) -> None:
    await lab.pend(PendingOperation.DELETE, lsc_der=LSC)
    before = await lab.device()
    broken: Store = Broken(lab.store, answers)  # type: ignore[assignment]
    enrolment = Enrolment("pub", broken, lab.view, clock=SystemClock(), entropy=SystemEntropy())
    server = make_server(enrolment, lab.journal)
    await server.start()
    outcome = await visit_capf("127.0.0.1", server.ports[0], CapfPhone(NAME))
    await server.stop(5)
    assert (outcome.busy, outcome.reason) == ((True, None), (False, 7))[answers]
    assert await lab.device() == before
    assert lab.exchanges[-1].answer == "database unusable: the database is locked"


async def test_many_phones_enrol_at_once(lab: Lab) -> None:
    names = [f"SEP{number:012X}" for number in range(20)]
    async with lab.store.transaction() as transaction:
        install = replace(
            DEVICE, pending_operation=PendingOperation.INSTALL, key_type=KeyOrder.EC_ONLY
        )
        await transaction.put_devices([replace(install, name=name) for name in names])
    outcomes = await asyncio.gather(*(lab.visit(CapfPhone(name)) for name in names))
    assert all(outcome.succeeded for outcome in outcomes)
    replica = await lab.store.load_replica()
    for name, outcome in zip(names, outcomes, strict=True):
        assert outcome.certificate is not None
        assert replica.devices[name].lsc_der == certificate_der(outcome.certificate)


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    "options",
    [
        ("-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0"),
        ("-tls1_2",),
        ("-tls1_3",),
    ],
)
async def test_openssl_reaches_capf_and_is_spoken_to_first(
    lab: Lab, options: tuple[str, ...]
) -> None:
    client = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{lab.port}", *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert client.stdout is not None
    request = decode_message(await client.stdout.readexactly(16))
    assert (request.message_type, request.byte(7), request.byte(8)) == (1, 3, 0)
    client.terminate()
    await client.communicate()


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_openssl_accepts_the_lsc(lab: Lab, tmp_path: Path) -> None:
    await lab.pend(PendingOperation.INSTALL)
    outcome = await lab.visit()
    assert isinstance(outcome.certificate, x509.Certificate)
    (tmp_path / "lsc.der").write_bytes(certificate_der(outcome.certificate))
    client = await asyncio.create_subprocess_exec(
        *("openssl", "x509", "-inform", "der", "-in", tmp_path / "lsc.der", "-noout", "-text"),
        stdout=asyncio.subprocess.PIPE,
    )
    text, _ = await client.communicate()
    assert client.returncode == 0
    assert f"URI:{NAME}".encode() in text


INSTALL, DELETE, FETCH = (
    PendingOperation.INSTALL,
    PendingOperation.DELETE,
    PendingOperation.TROUBLESHOOT,
)
DROPS = [(INSTALL, number) for number in range(1, 5)]
DROPS += [(operation, number) for operation in (DELETE, FETCH) for number in range(1, 4)]


@pytest.mark.parametrize(("operation", "message"), DROPS)
async def test_a_fault_closes_the_connection_instead_of_a_message(
    lab: Lab, operation: PendingOperation, message: int
) -> None:
    await lab.pend(operation, lsc_der=LSC)
    values = {"message": message}
    lab.faults.add(FaultRule(FaultKind.CAPF_DROP, times=1, values=values))
    phone = CapfPhone(NAME, held=NestedCertificate(1, LSC))
    is_last = (operation, message) in ((INSTALL, 4), (DELETE, 3))
    if is_last:  # what the phone confirmed stands on both sides
        outcome = await lab.visit(phone)
        assert (outcome.succeeded, outcome.reason) == (True, None)
        held = None if outcome.certificate is None else certificate_der(outcome.certificate)
        assert (await lab.device()).lsc_der == held
    else:
        with pytest.raises(LinkError, match="closed before the end of the session"):
            await lab.visit(phone)
    await lab.settle()
    (exchange,) = lab.exchanges
    assert exchange.answer.endswith(f"closed instead of message {message}")
    assert (exchange.fault, exchange.device) == (
        "capf-drop (fault 1)",
        None if message == 1 else NAME,
    )
    done = is_last or (message == 3 and operation is FETCH)
    assert (await lab.visit(phone)).operation == (CapfOperation.NONE if done else _NAMES[operation])


_NAMES = {
    INSTALL: CapfOperation.INSTALL,
    DELETE: CapfOperation.DELETE,
    FETCH: CapfOperation.FETCH,
}
