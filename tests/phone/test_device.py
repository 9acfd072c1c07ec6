"""Phones that boot over real sockets from a real cluster in this process."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.formats.phonealarms import OutOfServiceReason
from cucmsim.formats.phonevalues import Endpoint
from cucmsim.formats.tvs import QueryRequest, QueryTags, VerificationRequest
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.events import Event, RegistrationLost, TlsHandshakeWaited
from cucmsim.phone.execute import Button
from cucmsim.phone.factory import make_mic
from cucmsim.phone.flash import Flash, FlashError
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.flashlock import FlashInUseError, FlashLock
from cucmsim.phone.link import LinkOptions
from cucmsim.phone.names import Names
from cucmsim.phone.performer import FileServer, Network, Performer, RegisterOutcome, Standing
from cucmsim.phone.steps import (
    AskTvs,
    NotReached,
    Register,
    Registered,
    RegistrationRefused,
    RunCapf,
)
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.tftp import TftpPatience
from cucmsim.phone.trust import TrustedPeers
from cucmsim.phone.trustlists import TrustLists
from cucmsim.phone.values import (
    Certified,
    FileKind,
    PhoneIdentity,
    Purpose,
    Refusal,
    Transport,
    TrustSource,
)
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.manufacturing import manufacturing_ca
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab

OLD = PhoneIdentity("001B54C25A01", "7962")
NEW = PhoneIdentity("B000B4BA0AEE", "8861")
BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    return PhoneLab(tmp_path / "lab")


class Display:
    """What a phone shows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.messages: list[str] = []

    def phone(
        self,
        identity: PhoneIdentity,
        network: Network,
        keeper: FlashDirectory | None = None,
        options: PhoneOptions | None = None,
        registrar: "Registry | None" = None,
    ) -> Phone:
        return Phone(
            identity,
            network,
            keeper=keeper,
            options=replace(options or PhoneOptions(), settle_s=0),
            registrar=registrar,
            on_line=self.lines.append,
            on_status=lambda message: self.messages.append(message.text),
        )

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)


class Registry:
    """Registers every phone with its first member, and gives orders as a test says."""

    def __init__(self, outcome: Callable[[Register], RegisterOutcome] | None = None) -> None:
        self.orders: asyncio.Queue[str] = asyncio.Queue()
        self.closed = False
        self.standing = Standing()
        self.reasons: list[OutOfServiceReason] = []
        self.tell: Callable[[Event], None] = lambda _event: None
        self._outcome = outcome or (lambda step: Registered(step.members[0].process_node_name))

    def listen(self, tell: Callable[[Event], None]) -> None:
        self.tell = tell

    async def register(self, step: Register, names: Names) -> RegisterOutcome:
        await names.resolve(step.members[0].process_node_name)
        self.reasons.append(step.reason)
        outcome = self._outcome(step)
        if isinstance(outcome, Registered):
            self.standing = Standing(outcome.server)
        return outcome

    async def next_order(self) -> str:
        return await self.orders.get()

    async def close(self) -> None:
        self.closed = True
        self.standing = Standing()


async def booted(phone: Phone) -> BootSummary:
    await phone.start()
    return await phone.boot()


def accepted(summary: BootSummary) -> list[tuple[FileKind, TrustSource | None]]:
    return [(each.kind, each.source) for each in summary.accepted]


@BOTH
async def test_a_first_boot_takes_the_itl_blindly_and_the_configuration_by_it(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    display = Display()
    async with phones.lab.running():
        phone = display.phone(identity, phones.network())
        summary = await booted(phone)

    assert accepted(summary)[:2] == [
        (FileKind.ITL, TrustSource.BLIND),
        (FileKind.CONFIG, TrustSource.ITL),
    ]
    assert summary.refused == ()
    assert summary.registered is None
    assert not phone.can_register
    assert phone.flash.itl is not None
    assert phone.configuration is not None
    assert display.messages[0].startswith("File Not Found")
    assert f"{identity.name}.cnf.xml" in display.messages
    assert display.says("gethtp") == (identity is NEW)
    assert display.says("HTTP/1.1 200 OK") == (identity is NEW)


@BOTH
async def test_a_second_boot_keeps_the_lists_and_verifies_the_configuration(
    phones: PhoneLab, identity: PhoneIdentity, tmp_path: Path
) -> None:
    keeper, display = FlashDirectory(tmp_path / "flash"), Display()
    async with phones.lab.running():
        first = Display().phone(identity, phones.network(), keeper)
        await booted(first)
        second = display.phone(identity, phones.network(), keeper)
        summary = await booted(second)

    assert (second.flash.itl, second.flash.lsc) == (first.flash.itl, first.flash.lsc)
    assert accepted(summary) == [(FileKind.ITL, None), (FileKind.CONFIG, TrustSource.ITL)]
    assert "ITL" in display.messages[1]
    assert "nstalled" in display.messages[1]


@BOTH
async def test_a_list_that_another_node_signed_is_trusted_through_tvs(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    display, network = Display(), phones.network()
    async with phones.lab.running():
        phone = display.phone(identity, network)
        await booted(phone)
        old = phone.flash
        moved = display.phone(identity, phones.network(SUBSCRIBER))
        await moved.start()
        moved.flash = old
        summary = await moved.boot()

    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.TVS)
    assert moved.flash.itl not in (None, old.itl)
    address = ADDRESSES[PUBLISHER]
    assert display.says(f"IP:{address}, port" if identity is OLD else f"addr [{address}]")
    assert summary.refused == ()


async def test_a_phone_gets_its_lsc_by_null_string_once(phones: PhoneLab, tmp_path: Path) -> None:
    keeper, display = FlashDirectory(tmp_path / "flash"), Display()
    async with phones.lab.running():
        phone = display.phone(NEW, phones.network(), keeper)
        await booted(phone)
        lsc = phone.flash.lsc
        await phone.boot()

    assert lsc is not None
    assert load_certificate(lsc.certificate_der).public_key() == (
        lsc.signer().private_key.public_key()
    )
    assert display.says("CAPF-install complete")
    assert keeper.load().lsc == phone.flash.lsc == lsc


@BOTH
async def test_another_cluster_is_refused_and_the_old_lists_stay(
    phones: PhoneLab, identity: PhoneIdentity, tmp_path: Path
) -> None:
    keeper, display = FlashDirectory(tmp_path / "flash"), Display()
    async with phones.lab.running():
        await booted(Display().phone(identity, phones.network(), keeper))
    held = keeper.load()
    other = phones.clone(tmp_path / "other")
    async with other.lab.running():
        phone = display.phone(identity, other.network(), keeper)
        summary = await booted(phone)

    assert [(each.kind, each.reason) for each in summary.refused] == [
        (FileKind.ITL, Refusal.TVS_UNTRUSTED),
        (FileKind.CONFIG, Refusal.TVS_UNTRUSTED),
    ]
    assert summary.accepted == ()
    assert keeper.load() == phone.flash == held
    failed = {OLD: "Trust List Update Failed", NEW: "Trust List update failed"}[identity]
    assert [text for text in display.messages if text in (failed, "Verification Failed")] == [
        failed,
        "Verification Failed",
    ]


async def test_nobody_there(phones: PhoneLab) -> None:
    for identity in (OLD, NEW):
        display = Display()
        summary = await booted(display.phone(identity, phones.network()))
        assert not summary.was_answered
        assert not summary.accepted
        assert not summary.refused
        assert any("imeout" in text for text in display.messages)


async def test_the_next_tftp_server_is_asked(phones: PhoneLab) -> None:
    network = phones.network()
    dead = FileServer("no-such-host.invalid")
    async with phones.lab.running():
        for first in (dead, replace(network.servers[0], tftp_port=9)):
            both = replace(network, servers=(first, *network.servers))
            summary = await booted(Display().phone(OLD, both))
            assert (FileKind.CONFIG, TrustSource.ITL) in accepted(summary)


@pytest.mark.parametrize("transport", [Transport.HTTP, Transport.TFTP])
async def test_a_phone_may_be_kept_to_one_transport(phones: PhoneLab, transport: Transport) -> None:
    display = Display()
    async with phones.lab.running():
        options = PhoneOptions(transports=(transport,))
        summary = await booted(display.phone(NEW, phones.network(), options=options))

    assert (FileKind.CONFIG, TrustSource.ITL) in accepted(summary)
    assert display.says("gethtp") == (transport is Transport.HTTP)
    assert display.says("/usr/sbin/tftpd") == (transport is Transport.TFTP)


async def test_names_that_nobody_knows_leave_capf_alone(phones: PhoneLab) -> None:
    display = Display()
    async with phones.lab.running():
        network = replace(phones.network(), names=Names())
        phone = display.phone(NEW, network)
        summary = await booted(phone)

    assert phone.flash.lsc is None
    assert (FileKind.CONFIG, TrustSource.ITL) in accepted(summary)
    assert display.says("no such host")


async def test_a_mic_comes_from_the_factory_and_stays(phones: PhoneLab, tmp_path: Path) -> None:
    keeper = FlashDirectory(tmp_path / "flash")
    mics = [make_mic(NEW, SystemEntropy(), SystemClock().now()) for _ in range(2)]
    for mic in mics:
        phone = Display().phone(NEW, phones.network(), keeper, PhoneOptions(mic=mic))
        await phone.start()
        assert phone.flash.mic == mics[0]
    mic_der = mics[0].certificate_der
    load_certificate(mic_der).verify_directly_issued_by(manufacturing_ca().certificate)


async def test_a_registrar_gets_the_step_and_its_orders_are_obeyed(phones: PhoneLab) -> None:
    registry, display = Registry(), Display()
    summaries: asyncio.Queue[BootSummary] = asyncio.Queue()
    async with phones.lab.running():
        phone = display.phone(OLD, phones.network(), registrar=registry)
        first = await booted(phone)
        assert first.registered == phone.registered_at == PUBLISHER
        assert phone.view().service_state == "Active"
        staying = asyncio.create_task(phone.stay(summaries.put_nowait, first))
        registry.orders.put_nowait("restart")
        assert (await summaries.get()).registered == PUBLISHER
        assert "Restart requested by Cisco Unified Communications Manager" in display.messages
        assert await phone.press(Button.RESET)
        assert (await summaries.get()).registered == PUBLISHER
        staying.cancel()
        await asyncio.wait([staying])
    assert registry.reasons == [
        OutOfServiceReason.INITIALIZED,
        OutOfServiceReason.RESTART,
        OutOfServiceReason.PHONE_KEYPAD,
    ]
    await phone.close()
    assert registry.closed
    assert phone.registered_at is None


async def test_a_restart_fetches_the_configuration_and_no_trust_lists(phones: PhoneLab) -> None:
    registry, display = Registry(), Display()
    summaries: asyncio.Queue[BootSummary] = asyncio.Queue()
    async with phones.lab.running():
        phone = display.phone(NEW, phones.network(), registrar=registry)
        staying = asyncio.create_task(phone.stay(summaries.put_nowait, await booted(phone)))
        display.lines.clear()
        registry.orders.put_nowait("restart")
        summary = await summaries.get()
        assert {each.kind for each in summary.accepted} == {FileKind.CONFIG}
        assert not display.says(f"ITL{NEW.name}.tlv")
        registry.orders.put_nowait("config-applied")
        summary = await summaries.get()
        assert summary.registered == phone.registered_at == PUBLISHER
        assert len(registry.reasons) == 2
        staying.cancel()
        await asyncio.wait([staying])


async def test_what_happens_to_a_registration_later_is_shown(phones: PhoneLab) -> None:
    registry, display = Registry(), Display()
    async with phones.lab.running():
        phone = display.phone(NEW, phones.network(), registrar=registry)
        await booted(phone)
    registry.standing = Standing(SUBSCRIBER, (PUBLISHER,))
    registry.tell(RegistrationLost(PUBLISHER, "closed"))
    assert display.says(f"lost {PUBLISHER}, closed")
    assert phone.registered_at == SUBSCRIBER
    assert [each.state for each in phone.view().servers] == ["Standby", "Active"]


async def test_a_registrar_that_refuses_says_why(phones: PhoneLab) -> None:
    refusal = RegistrationRefused(PUBLISHER, 403, "Forbidden", '399 pub "no"')
    async with phones.lab.running():
        phone = Display().phone(NEW, phones.network(), registrar=Registry(lambda _step: refusal))
        summary = await booted(phone)
    assert summary.failure == 'cucm-pub: 403 Forbidden, 399 pub "no"'
    assert not summary.is_unreachable


async def test_a_registrar_that_reaches_nobody_says_so(phones: PhoneLab) -> None:
    registry = Registry(lambda _step: NotReached("no member answers"))
    async with phones.lab.running():
        phone = Display().phone(OLD, phones.network(), registrar=registry)
        summary = await booted(phone)
    assert phone.can_register
    assert (summary.registered, summary.failure) == (None, "no member answers")


async def test_a_phone_that_got_no_configuration_tries_again(phones: PhoneLab) -> None:
    summaries: asyncio.Queue[BootSummary] = asyncio.Queue()
    phone = Display().phone(OLD, phones.network(), options=PhoneOptions(retry_s=0.01))
    first = await booted(phone)
    staying = asyncio.create_task(phone.stay(summaries.put_nowait, first))
    async with phones.lab.running():
        while FileKind.CONFIG not in dict(accepted(await summaries.get())):
            pass
    staying.cancel()
    await asyncio.wait([staying])
    assert phone.configuration is not None
    await phone.close()


async def test_its_pages_show_what_it_holds(phones: PhoneLab) -> None:
    async with phones.lab.running():
        phone = Display().phone(NEW, phones.network())
        await phone.start()
        before = phone.face.view()
        await phone.boot()
    view = phone.face.view()
    assert (before.itl, before.directory_number) == (None, "")
    assert view.itl is not None
    assert view.directory_number == "2002"
    assert view.service_state == "Idle"
    assert [server.name for server in view.servers] == [PUBLISHER, SUBSCRIBER]
    assert view.network.ip_address
    assert view.logs
    assert view.status.messages
    assert not await phone.press(Button.DIRECTORIES)
    assert await phone.press(Button.SETTINGS)


async def test_a_person_may_erase_the_trust_lists(phones: PhoneLab, tmp_path: Path) -> None:
    keeper, display = FlashDirectory(tmp_path / "flash"), Display()
    async with phones.lab.running():
        phone = display.phone(OLD, phones.network(), keeper)
        await booted(phone)
    await phone.erase_trust_lists()
    assert keeper.load().itl is None
    assert keeper.load().config is not None
    assert display.messages[-1] == "Erasing CTL and ITL files"


def test_a_configuration_that_cannot_be_read_counts_as_none(phones: PhoneLab) -> None:
    phone = Display().phone(OLD, phones.network())
    phone.flash = Flash(config=b"<device")
    assert phone.configuration is None
    by_name = Network((FileServer("cucm-pub"),), tftp=TftpPatience())
    assert Display().phone(OLD, by_name).view().network.ip_address == ""


@BOTH
@pytest.mark.parametrize("release", ["8.6", "12.5"])
async def test_a_mixed_cluster_gives_a_ctl_that_vouches_for_the_itl(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.mode, phones.lab.release = "mixed", release
    async with phones.lab.running():
        phone = Display().phone(identity, phones.network())
        summary = await booted(phone)
        again = await phone.boot()

    assert accepted(summary)[:3] == [
        (FileKind.CTL, TrustSource.BLIND),
        (FileKind.ITL, TrustSource.CTL),
        (FileKind.CONFIG, TrustSource.CTL),
    ]
    assert accepted(again)[:2] == [(FileKind.CTL, None), (FileKind.ITL, None)]
    assert not summary.refused
    assert not again.refused


async def test_the_configuration_comes_over_https_where_the_itl_says_so(phones: PhoneLab) -> None:
    phones.lab.release = "12.5"
    phones.lab.extra = '[enterprise_parameters]\nEndpointAdvancedEncryptionAlgorithmsSupport = "T"'
    display = Display()
    async with phones.lab.running():
        options = PhoneOptions(transports=(Transport.HTTPS, Transport.HTTP))
        phone = display.phone(NEW, phones.network(), options=options)
        summary = await booted(phone)

    # over TLS the file comes without signature: the server was trusted
    assert accepted(summary)[:2] == [(FileKind.ITL, TrustSource.BLIND), (FileKind.CONFIG, None)]
    assert phone.configuration is not None
    assert not summary.refused


def enrolling(mode: str, extra: str = "") -> str:
    return f"""
[[phones]]
mac = "{NEW.mac}"
model = "8861"
pending_operation = "install"
authentication_mode = "{mode}"
{extra}
"""


@pytest.mark.parametrize(("typed", "works"), [("4711", True), ("4712", False), (None, False)])
async def test_an_lsc_by_authentication_string(
    phones: PhoneLab, typed: str | None, *, works: bool
) -> None:
    phones.lab.phones = enrolling("authentication-string", 'authentication_string = "4711"')
    async with phones.lab.running():
        options = PhoneOptions(authentication_string=typed)
        phone = Display().phone(NEW, phones.network(), options=options)
        summary = await booted(phone)
    assert (phone.flash.lsc is not None) == works
    assert (FileKind.CONFIG, TrustSource.ITL) in accepted(summary)


async def test_an_lsc_by_the_mic_of_the_factory(phones: PhoneLab) -> None:
    phones.lab.phones = enrolling("existing-mic", 'key_order = "ec"')
    async with phones.lab.running():
        mic = make_mic(NEW, SystemEntropy(), SystemClock().now())
        phone = Display().phone(NEW, phones.network(), options=PhoneOptions(mic=mic))
        await booted(phone)
    assert phone.flash.lsc is not None
    assert phone.flash.mic == mic


async def test_an_encrypted_configuration_opens_with_the_lsc(phones: PhoneLab) -> None:
    phones.lab.mode = "mixed"
    phones.lab.extra = """
[[security_profiles]]
name = "locked"
device_security_mode = "encrypted"
encrypted_config = true
"""
    phones.lab.phones = enrolling("null-string", 'security_profile = "locked"')
    display = Display()
    async with phones.lab.running():
        phone = display.phone(NEW, phones.network())
        summary = await booted(phone)
        while FileKind.CONFIG not in dict(accepted(summary)):  # TFTP does not know the LSC yet
            summary = await phone.boot()
    assert not summary.refused
    assert phone.configuration is not None
    assert phone.configuration.full_config
    assert phone.configuration.security_mode == 3
    assert display.says(f"SEP{NEW.mac}.cnf.xml.enc.sgn")


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Run a server that takes connections and says nothing; give its port."""

    async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_tvs_server_that_says_nothing_is_waited_for_in_half_seconds() -> None:
    told: list[Event] = []
    network = Network((FileServer("127.0.0.1"),), link=LinkOptions(timeout_s=0.7))
    performer = Performer(network, told.append)
    async with silent_server() as port:
        step = AskTvs(
            Endpoint("127.0.0.1", port),
            0,
            QueryRequest("CP-8861-SEP000000000001", "CN=x", "CN=x", b"\1"),
            QueryTags(),
            None,
            TrustedPeers(TrustLists(), Purpose.TVS_SERVER),
        )
        outcome = await performer.perform(step)
    assert isinstance(outcome, NotReached)
    assert not outcome.connected
    assert told == [TlsHandshakeWaited(step.server, 1)]


async def test_certificates_that_cannot_be_read_are_no_reason_to_fall_over() -> None:
    broken = Certified(b"x", b"y")
    performer = Performer(Network((FileServer("127.0.0.1"),)), lambda _event: None)
    server, check = Endpoint("127.0.0.1", 9), TrustedPeers(TrustLists(), Purpose.CAPF_SERVER)
    request = VerificationRequest("CP-8861-SEP000000000001", b"x")
    outcomes = [
        await performer.perform(AskTvs(server, 0, request, QueryTags(), broken, check)),
        await performer.perform(
            RunCapf(server, 0, NEW.name, "", broken, proof_is_mic=True, held=None, check=check)
        ),
        await performer.perform(
            RunCapf(server, 0, NEW.name, "", None, proof_is_mic=False, held=broken, check=check)
        ),
    ]
    assert all(isinstance(outcome, NotReached) for outcome in outcomes)


@pytest.mark.parametrize("way", ["button", "flash directory"])
async def test_a_phone_that_runs_erases_and_boots_again(
    phones: PhoneLab, tmp_path: Path, way: str
) -> None:
    keeper, display = FlashDirectory(tmp_path / "flash"), Display()
    summaries: asyncio.Queue[BootSummary] = asyncio.Queue()
    async with phones.lab.running(), asyncio.timeout(60):
        phone = display.phone(OLD, phones.network(), keeper, PhoneOptions(watch_s=0.01))
        first = await booted(phone)
        staying = asyncio.create_task(phone.stay(summaries.put_nowait, first))
        if way == "button":
            assert await phone.press(Button.ERASE)
        else:
            FlashLock(keeper.path).ask()
        again = await summaries.get()
        staying.cancel()
        await asyncio.wait([staying])
    assert "Erasing CTL and ITL files" in display.messages
    assert (FileKind.ITL, TrustSource.BLIND) in accepted(again)
    assert not keeper.lock.is_asked
    await phone.close()


async def test_one_phone_at_a_time_has_a_flash(phones: PhoneLab, tmp_path: Path) -> None:
    path = tmp_path / "flash"
    first = Display().phone(OLD, phones.network(), FlashDirectory(path))
    second = Display().phone(OLD, phones.network(), FlashDirectory(path))
    await first.start()
    with pytest.raises(FlashInUseError, match=f"in use by {OLD.name}, process {os.getpid()}"):
        await second.start()
    await first.close()
    await second.start()
    await second.close()


@pytest.mark.parametrize("other", [NEW, PhoneIdentity(OLD.mac, "7965")], ids=["name", "model"])
async def test_the_flash_of_another_phone_is_refused(
    phones: PhoneLab, tmp_path: Path, other: PhoneIdentity
) -> None:
    keeper = FlashDirectory(tmp_path / "flash")
    mic = make_mic(OLD, SystemEntropy(), SystemClock().now())
    await Display().phone(OLD, phones.network(), keeper, PhoneOptions(mic=mic)).start()
    says = f"the flash of {OLD.name}, a Cisco 7962; expected that of {other.name}, a Cisco"
    with pytest.raises(FlashError, match=says):
        await Display().phone(other, phones.network(), keeper).start()
