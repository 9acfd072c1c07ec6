"""Scenarios migrate-*: phones move between two clusters in mixed mode.

Source: seed 002; cucm.md 5.2, 7 (rows 10 to 12).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cucmsim.cluster.cluster import Cluster
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.pki.certificates import load_certificate
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    NEW,
    OLD,
    TFTP,
    TVS,
    Administrator,
    Handset,
    accepted,
    asked,
    refused,
)
from tests.scenarios.conftest import PHONES

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
TARGET = "ucm11pub"
SEED, LATER = ("10.5(2)", "11.0"), ("12.5", "12.5")
SIGNERS = {SEED: ["CallManager"], LATER: ["ITLRecovery", "CallManager"]}
"""Whose certificates the target's CTL and ITL are signed with, by the releases of the two."""
SECURE_PHONE = f"""
[[phones]]
mac = "{NEW.mac}"
model = "{NEW.model}"
protocol = "SIP"
lines = ["2002"]
device_security_mode = "encrypted"
"""
FOLLOWS = [
    (FileKind.CTL, TrustSource.TVS),
    (FileKind.ITL, TrustSource.CTL),
    (FileKind.CONFIG, TrustSource.CTL),
]

pytestmark = pytest.mark.usefixtures("quiet")


@dataclass
class Labs:
    """The cluster that phones leave, and the one they go to."""

    source: PhoneLab
    target: PhoneLab

    def of(self, releases: tuple[str, str]) -> "Labs":
        self.source.lab.release, self.target.lab.release = releases
        return self

    def new_phone(self, identity: PhoneIdentity) -> Handset:
        """Return a phone that is told of the source."""
        return Handset(identity, self.source.network())

    async def send(self, handset: Handset, to: PhoneLab) -> tuple[Handset, BootSummary]:
        """Boot the phone, with what it holds, from the TFTP server of another cluster."""
        network = to.network(others={**self.source.addresses, **self.target.addresses})
        sent = Handset(handset.phone.identity, network, registering=True, flash=handset.flash)
        try:
            return sent, await sent.boot()
        finally:
            await sent.phone.close()


@pytest.fixture
def labs(tmp_path: Path, phones: PhoneLab) -> Labs:
    target = PhoneLab(tmp_path / "target", addresses={TARGET: "127.0.1.5", "ucm11sub": "127.0.1.6"})
    target.lab.phones = PHONES
    for lab in (phones.lab, target.lab):
        lab.mode = "mixed"
    return Labs(phones, target)


def pem(cluster: Cluster, unit: str) -> list[str]:
    """Return a certificate of the publisher, as one downloads it."""
    held = cluster.view.replica.own[cluster.view.replica.publisher.name, unit]
    return load_certificate(held.certificate_der).public_bytes(Encoding.PEM).decode().splitlines()


async def give(cluster: Cluster, line: str, answers: Iterable[str] = ()) -> str:
    """Give a command at the publisher; it has to succeed."""
    said = await at_node(cluster, cluster.view.replica.publisher.name)(line, answers)
    assert "unsuccessfully" not in said, said
    return said


async def trust(cluster: Cluster, other: Cluster, units: list[str], *stores: str) -> None:
    """Paste certificates of the other cluster into trust stores, and restart TVS."""
    for unit in units:
        for store in stores:
            said = await give(cluster, f"set cert import trust {store}", pem(other, unit))
            assert f"Successfully imported certificate for {store}." in said
    await give(cluster, f"utils service restart {TVS}")


@BOTH
async def test_from_12_0_a_new_ctl_of_the_source_spares_asking_tvs(
    labs: Labs, identity: PhoneIdentity
) -> None:
    labs = labs.of(LATER)
    async with labs.source.lab.running() as source, labs.target.lab.running() as target:
        handset = labs.new_phone(identity)
        await handset.boot()
        await trust(source, target, SIGNERS[LATER], "Phone-SAST-trust")
        await give(source, "utils ctl update CTLFile", ["y"])
        await give(source, f"utils service restart {TFTP}")
        told = await handset.boot()
        moved, summary = await labs.send(handset, labs.target)

    assert refused(told) == refused(summary) == []
    assert accepted(summary) == [(kind, TrustSource.CTL) for kind, _ in FOLLOWS]
    assert asked(source, "tvs") == []
    assert summary.registered == TARGET
    assert moved.flash.ctl != handset.flash.ctl


@BOTH
async def test_a_cluster_made_non_secure_lets_its_phones_go_to_another_such(
    labs: Labs, identity: PhoneIdentity
) -> None:
    labs = labs.of(LATER)
    labs.target.lab.mode = "non-secure"
    async with labs.source.lab.running() as source, labs.target.lab.running():
        handset, admin = labs.new_phone(identity), Administrator(source)
        await handset.boot()
        await give(source, "utils ctl set-cluster non-secure-mode", ["y"])
        await admin.prepare_rollback()
        await admin.restart(TVS, TFTP)
        await handset.boot()
        _, summary = await labs.send(handset, labs.target)

    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.BLIND)
    assert refused(summary) == []
    assert summary.registered == TARGET


async def test_a_foreign_lsc_is_refused_over_tls_until_the_source_s_capf_is_trusted(
    labs: Labs,
) -> None:
    labs = labs.of(SEED)
    labs.target.lab.phones = SECURE_PHONE
    labs.source.lab.phones = f'{SECURE_PHONE}pending_operation = "install"\n'
    async with labs.source.lab.running() as source, labs.target.lab.running() as target:
        handset = labs.new_phone(NEW)
        await handset.boot()
        at_home, first = await labs.send(handset, labs.source)
        await trust(source, target, SIGNERS[SEED], "Phone-SAST-trust")
        moved, second = await labs.send(at_home, labs.target)
        await give(target, "set cert import trust CallManager-trust", pem(source, "CAPF"))
        await give(target, "utils service restart Cisco CallManager")
        _, third = await labs.send(moved, labs.target)

    assert at_home.flash.lsc is not None
    assert first.registered == PUBLISHER
    assert accepted(second) == FOLLOWS
    assert second.registered is None
    assert moved.flash.lsc == at_home.flash.lsc
    assert third.registered == TARGET
