"""Many phones at once against a cluster in this process, and against nobody."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest

from cucmsim.phone.device import Phone
from cucmsim.phone.events import Event
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.fleet import Fleet, FleetCounts, FleetMember, FleetOptions
from cucmsim.phone.names import Names
from cucmsim.phone.performer import RegisterOutcome, Standing
from cucmsim.phone.steps import NotReached, Register, Registered
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import PhoneIdentity
from tests.fixtures.phonelab import PhoneLab

RANGE = """
[[phones]]
mac = "B000B4BA0000"
model = "8861"
lines = ["2000"]
count = 6
"""
MEMBERS = [FleetMember(PhoneIdentity(f"B000B4BA000{index}")) for index in range(6)]
STRANGER = FleetMember(PhoneIdentity("AAAAAAAAAAAA"))
OPTIONS = FleetOptions(parallel=3, settle_s=0)

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    lab = PhoneLab(tmp_path / "lab")
    lab.lab.phones = RANGE
    return lab


class Registry:
    """Registers phones, or does not; gives one order to each that is registered."""

    def __init__(self, *, willing: bool = True) -> None:
        self._willing = willing
        self._orders = iter(["reset"])
        self.standing = Standing()
        self.registrations = 0
        self.again = asyncio.Event()
        self.when_again: Callable[[], None] = lambda: None

    def listen(self, tell: Callable[[Event], None]) -> None:
        del tell

    async def register(self, step: Register, names: Names) -> RegisterOutcome:
        del names
        self.registrations += 1
        if self.registrations > 1:
            self.when_again()
            self.again.set()
        if not self._willing:
            return NotReached("nobody is there")
        self.standing = Standing(step.members[0].process_node_name)
        return Registered(step.members[0].process_node_name)

    async def next_order(self) -> str:
        order = next(self._orders, None)
        if order is None:
            await asyncio.Event().wait()
            raise AssertionError
        return order

    async def close(self) -> None:
        self.standing = Standing()


async def test_all_phones_boot_and_are_trusted(phones: PhoneLab) -> None:
    fleet = Fleet(MEMBERS, phones.network(), OPTIONS)
    assert fleet.counts == FleetCounts(6, 0, 0, 0, 0, 0)
    async with phones.lab.running():
        await fleet.run()
    await fleet.close()
    assert fleet.counts == FleetCounts(0, 0, 6, 0, 0, 0)
    assert fleet.counts.booted == 6
    assert fleet.was_answered
    assert not fleet.can_register
    assert replace(fleet.report, seconds=0.0).reasons == {}
    assert fleet.report.seconds > 0


async def test_the_mics_of_a_fleet_have_one_key(phones: PhoneLab, tmp_path: Path) -> None:
    fleet = Fleet(MEMBERS[:2], phones.network(), replace(OPTIONS, flash=tmp_path / "flash"))
    async with phones.lab.running():
        await fleet.run()
    mics = [
        FlashDirectory(tmp_path / "flash" / member.identity.name).load().mic
        for member in MEMBERS[:2]
    ]
    assert mics[0] is not None
    assert mics[1] is not None
    assert mics[0].private_key_der == mics[1].private_key_der
    assert mics[0].certificate_der != mics[1].certificate_der


async def test_phones_of_another_cluster_are_locked(phones: PhoneLab, tmp_path: Path) -> None:
    options = replace(OPTIONS, flash=tmp_path / "flash")
    async with phones.lab.running():
        first = Fleet(MEMBERS, phones.network(), options)
        await first.run()
        await first.close()
    other = phones.clone(tmp_path / "other")
    other.lab.phones = RANGE
    fleet = Fleet(MEMBERS, phones.network(), options)
    async with other.lab.running():
        await fleet.run()
    untrusted = "TVS shows a certificate that is in no trust list"
    assert (fleet.report.trusted, fleet.report.locked) == (0, 6)
    assert fleet.report.reasons == {f"ITL: {untrusted}": 6, f"configuration: {untrusted}": 6}


async def test_a_phone_that_the_cluster_does_not_know_fails(phones: PhoneLab) -> None:
    fleet = Fleet([MEMBERS[0], STRANGER], phones.network(), OPTIONS)
    async with phones.lab.running():
        await fleet.run()
    assert (fleet.report.trusted, fleet.report.failed) == (1, 1)
    assert fleet.report.reasons == {"no configuration that it could use": 1}


async def test_where_no_server_is_all_fail_unanswered(phones: PhoneLab) -> None:
    fleet = Fleet(MEMBERS[:2], phones.network(), OPTIONS)
    await fleet.run()
    assert fleet.report.reasons == {"no TFTP server answers": 2}
    assert not fleet.was_answered


async def test_a_flash_that_cannot_be_written_fails_its_phone(
    phones: PhoneLab, tmp_path: Path
) -> None:
    (tmp_path / MEMBERS[0].identity.name).write_text("no directory")
    fleet = Fleet(MEMBERS[:2], phones.network(), replace(OPTIONS, flash=tmp_path))
    async with phones.lab.running():
        await fleet.run()
    assert (fleet.report.trusted, fleet.report.failed) == (1, 1)
    (reason,) = fleet.report.reasons
    assert "SEP…" in reason


async def test_registered_phones_are_counted_and_obey_resets(phones: PhoneLab) -> None:
    registries = {member.identity: Registry() for member in MEMBERS[:2]}
    fleet = Fleet(
        MEMBERS[:2], phones.network(), OPTIONS, registrar_for=lambda identity: registries[identity]
    )
    booting: list[int] = []
    for registry in registries.values():
        registry.when_again = lambda: booting.append(fleet.counts.booting)
    async with phones.lab.running():
        await fleet.run()
        assert fleet.can_register
        assert fleet.report.registered == 2
        staying = asyncio.create_task(fleet.stay())
        async with asyncio.timeout(60):
            for registry in registries.values():
                await registry.again.wait()
        staying.cancel()
        await asyncio.wait([staying])
    assert all(booting)
    assert fleet.report.reasons == {}
    await registries[MEMBERS[0].identity].close()
    assert fleet.report.registered == 1
    assert fleet.report.reasons == {"registered, and lost it again": 1}
    await fleet.close()
    assert fleet.report.registered == 0


async def test_a_refused_registration_is_a_reason_beside_trusted(phones: PhoneLab) -> None:
    fleet = Fleet(
        MEMBERS[:2],
        phones.network(),
        OPTIONS,
        registrar_for=lambda _identity: Registry(willing=False),
    )
    async with phones.lab.running():
        await fleet.run()
    assert (fleet.report.trusted, fleet.report.registered) == (2, 0)
    assert fleet.report.reasons == {"not registered: nobody is there": 2}


async def test_a_flash_that_breaks_later_fails_its_phone(phones: PhoneLab, tmp_path: Path) -> None:
    registry = Registry()
    options = replace(OPTIONS, flash=tmp_path / "flash")
    fleet = Fleet(MEMBERS[:1], phones.network(), options, registrar_for=lambda _identity: registry)
    async with phones.lab.running():
        await fleet.run()
    directory = tmp_path / "flash" / MEMBERS[0].identity.name
    rmtree(directory)
    directory.write_text("no directory")
    phones.lab.phones = RANGE.replace("2000", "3000")  # another configuration to store
    async with phones.lab.running(), asyncio.timeout(60):
        await fleet.stay()
    assert (fleet.report.trusted, fleet.report.failed) == (0, 1)


async def test_a_phone_that_runs_on_what_it_held_says_so(
    phones: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = BootSummary((), (), None, "", was_answered=True, goes_on_after="too large")

    async def boot(_phone: Phone) -> BootSummary:
        return summary

    monkeypatch.setattr(Phone, "boot", boot)
    fleet = Fleet(MEMBERS[:2], phones.network(), OPTIONS)
    await fleet.run()
    kept = "no new configuration (too large), it goes on with the configuration it held"
    assert (fleet.report.failed, fleet.report.reasons) == (2, {kept: 2})
