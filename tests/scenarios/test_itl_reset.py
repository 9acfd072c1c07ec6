"""Scenarios itl-reset-*, recovery-* and subscriber-p12 (seed 003; cucm.md 7)."""

from base64 import b64encode
from pathlib import Path

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.trustapi import TrustHeldReport, trust_state
from cucmsim.errors import RefusedError
from cucmsim.formats.phonealarms import DEVICE_TL_INFO
from cucmsim.formats.trustlist import decode_trust_list
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.services.operations.recovery import (
    backup_alert,
    fetch_recovery_file,
    remembered_backup,
)
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    FAILED,
    NEW,
    OLD,
    TFTP,
    Administrator,
    Handset,
    accepted,
    refused,
)
from tests.scenarios.trustlists import lock_out, operate, signer

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
RELEASES = pytest.mark.parametrize("release", ["10.0", "11.5"])
FOLLOWS = [(FileKind.ITL, TrustSource.ITL), (FileKind.CONFIG, TrustSource.ITL)]
NOT_PUBLISHER = "This is not a publisher node"

pytestmark = pytest.mark.usefixtures("quiet")


async def recovery_file(cluster: Cluster, password: str) -> str:
    """Save the key as `file get tftp ITLRecovery.p12` does; as base64."""
    data = await fetch_recovery_file(cluster.operator(), PUBLISHER, password)
    return b64encode(data).decode()


@BOTH
@RELEASES
async def test_itl_reset_local_unlocks_phones_and_a_tftp_restart_brings_callmanager_back(
    single: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    single.lab.release, clock = release, MovedClock()
    async with single.lab.running(clock=clock) as cluster:
        handset, admin = Handset(identity, single.network(), clock=clock), Administrator(cluster)
        await handset.boot()
        await lock_out(admin, clock)
        locked = await handset.boot()
        lines = await operate(admin, "itl-reset/localkey")
        unlocked = await handset.boot()
        reset_signer = signer(cluster, handset.flash.itl)
        await admin.restart(TFTP)
        after = await handset.boot()
        usual_signer = signer(cluster, handset.flash.itl)

    assert accepted(locked) == []
    assert f"Cisco Tftp service restarted on host {PUBLISHER}" in lines
    assert accepted(unlocked) == accepted(after) == FOLLOWS
    assert (reset_signer, usual_signer) == ("ITLRecovery", "CallManager")
    assert FAILED[identity] not in handset.messages


async def test_itl_reset_local_reaches_every_tftp_server(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster:
        before = await cluster.trust_lists()
        lines = await operate(Administrator(cluster), "itl-reset/localkey")
        after = await cluster.trust_lists()

    assert f"Successfully transferred reset ITL to node {SUBSCRIBER}" in lines
    assert before[0].itl != before[1].itl
    assert after[0].itl == after[1].itl not in [each.itl for each in before]


@BOTH
@RELEASES
async def test_itl_reset_remote_unlocks_phones_of_a_rebuilt_publisher(
    single: PhoneLab, identity: PhoneIdentity, tmp_path: Path, release: str
) -> None:
    single.lab.release, password = release, single.lab.security_password
    async with single.lab.running() as cluster:
        handset = Handset(identity, single.network())
        await handset.boot()
        saved = await recovery_file(cluster, password)
    rebuilt = single.clone(tmp_path / "rebuilt")
    rebuilt.lab.phones, rebuilt.lab.release = single.lab.phones, release
    async with rebuilt.lab.running() as cluster:
        handset, admin = handset.moved(rebuilt.network()), Administrator(cluster)
        locked = await handset.boot()
        local = await recovery_file(cluster, password)
        await operate(admin, "itl-reset/remotekey", file=saved)
        unlocked = await handset.boot()
        reset_signer = signer(cluster, handset.flash.itl)
        await admin.restart(TFTP)
        after = await handset.boot()
        replaced = await recovery_file(cluster, password)

    assert accepted(locked) == []
    assert accepted(unlocked) == accepted(after) == FOLLOWS
    assert reset_signer == "ITLRecovery"
    assert replaced != local


async def test_itl_reset_subscriber_is_refused_and_nothing_changes(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster:
        admin, password = Administrator(cluster), phones.lab.security_password
        saved = await recovery_file(cluster, password)
        before, lists = cluster.view.replica, await cluster.trust_lists()
        assert await operate(admin, "itl-reset/localkey", SUBSCRIBER) == [NOT_PUBLISHER]
        assert await operate(admin, "itl-reset/remotekey", SUBSCRIBER, file=saved) == [
            NOT_PUBLISHER
        ]
        assert cluster.view.replica is before
        assert await cluster.trust_lists() == lists


@BOTH
async def test_itl_reset_no_record_leaves_phones_with_an_older_itl_locked(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    clock, single.lab.release = MovedClock(), "9.1"
    async with single.lab.running(clock=clock):
        handset = Handset(identity, single.network(), clock=clock)
        await handset.boot()
    held, single.lab.release = handset.flash, "11.5"  # upgraded while the phone was off
    async with single.lab.running(clock=clock) as cluster:
        admin = Administrator(cluster)
        await lock_out(admin, clock)
        await operate(admin, "itl-reset/localkey")
        summary = await handset.boot()

    assert accepted(summary) == []
    assert handset.flash == held
    assert FAILED[identity] in handset.messages


async def test_recovery_wrong_password_is_refused_and_nothing_changes(phones: PhoneLab) -> None:
    async with phones.lab.running() as cluster:
        saved = await recovery_file(cluster, "of another cluster")
        before, lists = cluster.view.replica, await cluster.trust_lists()
        (refusal,) = await operate(
            Administrator(cluster),
            "itl-reset/remotekey",
            file=saved,
        )
        assert "wrong cluster security password" in refusal
        assert cluster.view.replica is before
        assert await cluster.trust_lists() == lists


@BOTH
@pytest.mark.parametrize("release", ["12.0", "12.5", "14"])
async def test_recovery_regen_12_phones_follow_both_signers(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.release = release
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await handset.boot()
        first = signer(cluster, handset.flash.itl)
        old = decode_trust_list(handset.flash.itl or b"").header.signer
        await admin.regenerate("ITLRecovery")
        await operate(admin, "itl-reset/localkey")
        reset = await handset.boot()
        second = signer(cluster, handset.flash.itl)
        await admin.restart(TFTP)
        after = await handset.boot()
        third = signer(cluster, handset.flash.itl)
        new = decode_trust_list(handset.flash.itl or b"").header.signer

    assert (first, second, third) == ("ITLRecovery", "CallManager", "ITLRecovery")
    assert (old.name, old.serial == new.serial) == (new.name, False)
    assert refused(reset) == refused(after) == []
    assert accepted(reset) == accepted(after) == FOLLOWS


async def test_subscriber_p12_is_not_found_and_the_publisher_s_ends_the_daily_alert(
    phones: PhoneLab,
) -> None:
    password = phones.lab.security_password
    async with phones.lab.running() as cluster:
        operator, admin = cluster.operator(), Administrator(cluster)
        with pytest.raises(RefusedError, match="file not found"):
            await fetch_recovery_file(operator, SUBSCRIBER, password)
        assert await backup_alert(operator) is not None
        data = await fetch_recovery_file(operator, PUBLISHER, password)
        await remembered_backup(operator, data, password)
        assert await backup_alert(operator) is None
        await admin.regenerate("ITLRecovery")
        assert await backup_alert(operator) is not None


@BOTH
async def test_checksum_audit_finds_the_phone_without_the_current_itl(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    other = OLD if identity == NEW else NEW
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        behind = Handset(other, phones.network(), registering=True)
        ahead = Handset(identity, phones.network(), registering=True)
        first = await behind.boot()
        async with behind.staying(first):
            await operate(admin, "itl-reset/localkey")
            second = await ahead.boot()
            async with ahead.staying(second):
                served = {each.itl for each in await cluster.trust_lists()}
                alarms = cluster.registrations[PUBLISHER].last_alarms(DEVICE_TL_INFO)
                told = {each.device: each.itl for each in map(TrustHeldReport.of, alarms)}

    assert [name for name, itl in told.items() if trust_state(itl, served) == "old"] == [other.name]
    assert identity.name in told
