"""An SCCP 7942 from its first boot to its last message, with a whole cluster over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.factory import make_mic
from cucmsim.phone.link import LinkOptions
from cucmsim.phone.registrar import PhoneRegistrar
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import PhoneIdentity
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab

MAC = "001B54C25A42"
NAME = f"SEP{MAC}"
PHONES = f"""
[[phones]]
mac = "{MAC}"
model = "7942"
protocol = "SCCP"
lines = ["2001", "2002"]
"""


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    lab = PhoneLab(tmp_path / "lab")
    lab.lab.phones = PHONES
    return lab


@asynccontextmanager
async def switched_on(lab: PhoneLab) -> AsyncIterator[tuple[Phone, list[str]]]:
    identity, lines = PhoneIdentity(MAC, "7942"), list[str]()
    link = LinkOptions(timeout_s=30, tls_version="1.2")
    mic = await asyncio.to_thread(make_mic, identity, SystemEntropy(), SystemClock().now())
    phone = Phone(
        identity,
        lab.network(),
        registrar=PhoneRegistrar(identity, link),
        options=PhoneOptions(mic=mic),
        on_line=lines.append,
    )
    await phone.start()
    try:
        yield phone, lines
    finally:
        await phone.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("quiet")
async def test_it_registers_is_reset_and_unregisters(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster, switched_on(phones) as (phone, _):
        first = await phone.boot()
        assert first.registered == PUBLISHER
        assert first.registration is not None
        assert first.registration.number == phone.view().directory_number == "2001"
        registrations = cluster.registrations[PUBLISHER]
        held = registrations.held[NAME]
        assert (held.protocol, held.is_tls, held.details.number) == ("SCCP", False, "2001")
        assert registrations.last_alarm(NAME, "StationAlarm") is not None
        boots = list[BootSummary]()
        staying = asyncio.create_task(phone.stay(boots.append, first))
        outcome = await asyncio.to_thread(phones.lab.cli, "reset", "CONFIG", NAME)
        assert (outcome.status, outcome.output) == (0, f"{NAME}: reset: accepted\n1 phone\n")
        await until(lambda: boots)
        assert boots[0].registered == PUBLISHER
        assert registrations.held[NAME].connection != held.connection
        staying.cancel()
        await phone.close()
        await until(lambda: not registrations.held)
        listed = await asyncio.to_thread(phones.lab.cli, "device", "list", "CONFIG")
        assert "SCCP" in listed.output


@pytest.mark.usefixtures("quiet")
async def test_it_goes_to_the_other_node_when_its_callmanager_stops(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster, switched_on(phones) as (phone, _):
        assert (await phone.boot()).registered == PUBLISHER
        await until(lambda: phone.view().servers[1].state == "Standby")
        await cluster.nodes[PUBLISHER].stop(0)
        await until(lambda: phone.registered_at == SUBSCRIBER)
        assert NAME in cluster.registrations[SUBSCRIBER].held


@pytest.mark.usefixtures("quiet")
async def test_an_authenticated_one_registers_over_tls_with_its_mic(phones: PhoneLab) -> None:
    phones.lab.mode = "mixed"
    phones.lab.phones = PHONES + 'device_security_mode = "authenticated"\n'
    async with phones.lab.running() as cluster, switched_on(phones) as (phone, _):
        summary = await phone.boot()
        assert summary.registered == PUBLISHER
        assert cluster.registrations[PUBLISHER].held[NAME].is_tls
