"""Scenarios first-boot and ctl-only: what a phone believes that holds no ITL (seed 000)."""

from dataclasses import replace
from pathlib import Path

import pytest

from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, TrustSource
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import FAILED, NEW, OLD, Handset, accepted, asked, refused

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])

pytestmark = pytest.mark.usefixtures("quiet")


@BOTH
@pytest.mark.parametrize("release", ["8.6", "11.5", "12.5"])
async def test_first_boot_takes_the_itl_blindly_and_verifies_the_configuration(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.release = release
    async with phones.lab.running() as cluster:
        handset = Handset(identity, phones.network(), registering=True)
        summary = await handset.boot()
        await handset.phone.close()

    name = f"{identity.name}.cnf.xml"
    files = [one for one in asked(cluster, "tftp") + asked(cluster, "http") if one]
    assert any(f"{name}.sgn" in one for one in files)
    assert accepted(summary) == [
        (FileKind.ITL, TrustSource.BLIND),
        (FileKind.CONFIG, TrustSource.ITL),
    ]
    assert refused(summary) == []
    assert summary.registered == PUBLISHER
    assert handset.flash.ctl is None
    assert asked(cluster, "tvs") == []
    assert name in handset.messages
    assert FAILED[identity] not in handset.messages


async def test_first_boot_writes_the_console_lines_of_seed_000(phones: PhoneLab) -> None:
    async with phones.lab.running():
        handset = Handset(OLD, phones.network())
        await handset.boot()

    assert handset.says(
        f"SECD: tlRequestFile: Request CTL{OLD.name}.tlv",
        f"Requesting CTL{OLD.name}.tlv from",
        f"Requesting ITL{OLD.name}.tlv from",
        "Finished --> rcvd",
        "tftpClient: tftp request rcv'd from",
        "SECD: lookupCTL: TFTP SRVR secure",
        "tftpClient: retval = SRVR_SECURE",
        f"tftpClient: authenticated file approved - add .sgn -- {OLD.name}.cnf.xml.sgn",
        f"Requesting {OLD.name}.cnf.xml.sgn from",
        "SECD: verifyFile: verify SUCCESS",
    )


@BOTH
async def test_first_boot_of_a_mixed_cluster_takes_the_ctl_blindly(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    phones.lab.mode = "mixed"
    async with phones.lab.running():
        handset = Handset(identity, phones.network())
        summary = await handset.boot()

    assert accepted(summary)[0] == (FileKind.CTL, TrustSource.BLIND)
    assert {kind for kind, _ in accepted(summary)} == {FileKind.CTL, FileKind.ITL, FileKind.CONFIG}
    assert refused(summary) == []
    assert None not in (handset.flash.ctl, handset.flash.itl)


@BOTH
async def test_ctl_only_takes_an_itl_whose_signer_stands_in_the_ctl(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    phones.lab.mode = "mixed"
    async with phones.lab.running() as cluster:
        handset = Handset(identity, phones.network())
        await handset.boot()
        itl = handset.flash.itl
        handset.phone.flash = replace(handset.flash, itl=None)
        summary = await handset.boot()

    assert accepted(summary)[:2] == [(FileKind.CTL, None), (FileKind.ITL, TrustSource.CTL)]
    assert handset.flash.itl == itl
    assert refused(summary) == []
    assert asked(cluster, "tvs") == []


@BOTH
async def test_ctl_only_refuses_an_itl_whose_signer_does_not(
    phones: PhoneLab, identity: PhoneIdentity, tmp_path: Path
) -> None:
    phones.lab.mode = "mixed"
    async with phones.lab.running():
        handset = Handset(identity, phones.network())
        await handset.boot()
    held = replace(handset.flash, itl=None)
    handset.phone.flash = held
    other = phones.clone(tmp_path / "other")
    other.lab.phones = phones.lab.phones
    async with other.lab.running() as cluster:
        moved = handset.moved(other.network())
        summary = await moved.boot()

    assert (FileKind.ITL, Refusal.UNKNOWN_SIGNER) in refused(summary)
    assert accepted(summary) == []
    assert moved.flash == held
    assert FAILED[identity] in moved.messages
    # without an ITL it knows no TVS, so nobody can have been asked
    assert asked(cluster, "tvs") == []
