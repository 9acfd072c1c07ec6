"""Scenario encrypted-config: a profile with encryption (seed 000; cucm.md 3.5)."""

import asyncio
from dataclasses import replace

import pytest

from cucmsim.clock import SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.entropy import SystemEntropy
from cucmsim.phone.config import PhoneConfiguration
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.factory import make_mic
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, tftp_get
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, Administrator, Handset, asked, refused

PROFILES = """
[[security_profiles]]
name = "locked"
device_security_mode = "encrypted"
encrypted_config = true
"""
SIGNED = f"{NEW.name}.cnf.xml.sgn"
ENCRYPTED = f"{NEW.name}.cnf.xml.enc.sgn"
OPENED = ENCRYPTED.removesuffix(".sgn")

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def locked(phones: PhoneLab) -> PhoneLab:
    """Describe a mixed cluster whose phone has a profile with encryption."""
    phones.lab.mode, phones.lab.extra = "mixed", PROFILES
    phones.lab.phones = describe("install")
    return phones


def describe(operation: str) -> str:
    return f"""
[[phones]]
mac = "{NEW.mac}"
model = "{NEW.model}"
protocol = "SIP"
security_profile = "locked"
pending_operation = "{operation}"
authentication_mode = "null-string"
lines = ["2002"]
"""


def in_force(handset: Handset) -> PhoneConfiguration:
    assert handset.phone.configuration is not None
    return handset.phone.configuration


def configurations(summary: BootSummary) -> list[str]:
    """Return the names of the configuration files that were taken."""
    kinds = (FileKind.CONFIG, FileKind.ENCRYPTED_CONFIG)
    return [each.name for each in summary.accepted if each.kind in kinds]


def retrieved(cluster: Cluster) -> list[str]:
    """Return the configuration files that were asked for, in order, by TFTP and HTTP."""
    return [
        name
        for _, each in cluster.journal.since(0)
        if each.service in {"tftp", "http"}
        for name in (SIGNED, ENCRYPTED)
        if name in each.request
    ]


async def test_encrypted_config_is_minimal_where_no_key_is_known(locked: PhoneLab) -> None:
    locked.lab.phones = describe("none")
    async with locked.lab.running() as cluster:
        handset = Handset(NEW, locked.network())
        await handset.boot()
        files = retrieved(cluster)
        place = ADDRESSES[PUBLISHER], locked.ports[PUBLISHER]["tftp"]
        served = await asyncio.to_thread(tftp_get, *place, SIGNED)

    # what it gets names CAPF and nothing else, so that it goes there, where nothing is pending
    assert set(files) == {SIGNED}
    assert b"<fullConfig>false</fullConfig>" in served
    assert b"<capfList>" in served
    assert b"<sipProfile>" not in served
    assert len(asked(cluster, "capf")) == 1
    assert handset.phone.configuration is None


async def test_encrypted_config_with_a_mic_is_decrypted_and_verified(locked: PhoneLab) -> None:
    mic = make_mic(NEW, SystemEntropy(), SystemClock().now())
    locked.lab.phones = describe("none")
    async with locked.lab.running() as cluster:
        operator = cluster.operator()
        async with operator.store.transaction() as transaction:
            device = await transaction.get_device(NEW.name)
            assert device is not None
            await transaction.put_device(replace(device, mic_der=mic.certificate_der))
        await operator.newest()
        await Administrator(cluster).restart("tftp")
        handset = Handset(NEW, locked.network(), options=PhoneOptions(mic=mic))
        await handset.phone.start()
        summary = await handset.boot()

    assert refused(summary) == []
    assert configurations(summary)[-1] == OPENED
    assert in_force(handset).full_config
