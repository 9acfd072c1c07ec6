"""What a phone does with each fault of a file: why it refuses it, and what it holds on to."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.performer import Network
from cucmsim.phone.tftp import TftpPatience
from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, Switches, TrustSource
from cucmsim.services.faults.kinds import FaultKind, Value
from cucmsim.services.faults.plan import FaultRule
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, OLD, Handset, accepted, refused

pytestmark = pytest.mark.usefixtures("quiet")

STRICT = Switches(refuse_older_timestamp=True, refuse_other_filename=True)
CONFIGURATION: Mapping[FaultKind, Refusal] = {
    FaultKind.FILE_TRUNCATE: Refusal.DAMAGED,
    FaultKind.FILE_CORRUPT: Refusal.BAD_SIGNATURE,
    FaultKind.FILE_WRONG_SIGNATURE: Refusal.BAD_SIGNATURE,
    FaultKind.FILE_WRONG_DIGEST: Refusal.BAD_SIGNATURE,
    FaultKind.FILE_WRONG_SIGNER: Refusal.TVS_REFUSED,
    FaultKind.FILE_EXPIRED_SIGNER: Refusal.TVS_REFUSED,
    FaultKind.FILE_WRONG_NAME: Refusal.OTHER_NAME,
}
LIST: Mapping[FaultKind, Refusal] = {
    FaultKind.FILE_OVERSIZED: Refusal.TOO_LARGE,
    FaultKind.FILE_OLDER: Refusal.OLDER_TIMESTAMP,
    FaultKind.FILE_WRONG_SIGNER: Refusal.TVS_REFUSED,
    FaultKind.FILE_EXPIRED_SIGNER: Refusal.TVS_REFUSED,
    FaultKind.FILE_WRONG_SIGNATURE: Refusal.BAD_SIGNATURE,
    FaultKind.FILE_WRONG_DIGEST: Refusal.BAD_SIGNATURE,
    FaultKind.FILE_CORRUPT: Refusal.BAD_SIGNATURE,
    FaultKind.FILE_TRUNCATE: Refusal.DAMAGED,
    FaultKind.FILE_WRONG_NAME: Refusal.OTHER_NAME,
}
TAKEN = (FaultKind.FILE_OLDER, FaultKind.FILE_OVERSIZED)
"""What a phone does not mind in a configuration."""


def spoil(cluster: Cluster, kind: FaultKind, file: str, **values: Value) -> None:
    """Let every file of this name go wrong, and nothing else."""
    cluster.faults.clear()
    cluster.faults.add(FaultRule(kind, file=file, values=values))


def patient(lab: PhoneLab) -> Network:
    """Return how a phone reaches the lab that waits for keys to be made."""
    return replace(lab.network(), tftp=TftpPatience(timeout_s=2.0))


def faults(cluster: Cluster, service: str) -> set[str]:
    """Return the faults of a service in the journal, without their numbers."""
    held = (one for _, one in cluster.journal.since() if one.service == service)
    return {one.fault.partition(" ")[0] for one in held if one.fault}


@pytest.mark.parametrize("identity", [OLD, NEW], ids=["tftp", "http"])
async def test_a_phone_refuses_every_fault_of_a_file_for_its_reason(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    async with single.lab.running() as cluster:
        handset = Handset(identity, patient(single), options=PhoneOptions(switches=STRICT))
        assert refused(await handset.boot()) == []
        held = handset.flash.itl
        for kind, reason in CONFIGURATION.items():
            spoil(cluster, kind, "*.cnf.xml.sgn")
            reasons = {(FileKind.CONFIG, reason)}
            assert set(refused(await handset.boot())) == reasons, kind
        for kind in TAKEN:
            spoil(cluster, kind, "*.cnf.xml.sgn")
            assert refused(await handset.boot()) == [], kind
        for kind, reason in LIST.items():
            spoil(cluster, kind, "ITL*.tlv")
            assert set(refused(await handset.boot())) == {(FileKind.ITL, reason)}, kind
        assert handset.flash.itl == held
        assert faults(cluster, "tftp" if identity is OLD else "http") == {*CONFIGURATION, *LIST}


async def test_a_phone_without_a_list_believes_a_cluster_signed_by_an_expired_certificate(
    single: PhoneLab,
) -> None:
    async with single.lab.running() as cluster:
        spoil(cluster, FaultKind.FILE_EXPIRED_SIGNER, "*")
        handset = Handset(OLD, patient(single))
        summary = await handset.boot()
        assert accepted(summary) == [
            (FileKind.ITL, TrustSource.BLIND),
            (FileKind.CONFIG, TrustSource.ITL),
        ]
        cluster.faults.clear()
        healed = await handset.boot()
        assert accepted(healed)[0] == (FileKind.ITL, TrustSource.TVS)
        assert refused(healed) == []
