"""Scenarios regen-callmanager, regen-tvs, regen-both and hold-timer (seeds 000 and 003)."""

import pytest

from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    FAILED,
    NEW,
    OLD,
    TFTP,
    TVS,
    Administrator,
    Handset,
    accepted,
    refused,
)

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
FIVE_MINUTES_S = 300

pytestmark = pytest.mark.usefixtures("quiet")


@BOTH
async def test_regen_callmanager_registered_phones_are_reset_and_come_back(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        handset = Handset(identity, phones.network(), registering=True)
        first = await handset.boot()
        async with handset.staying():
            await admin.regenerate("CallManager")
            by_itself = await handset.boots.get()
            await admin.restart(TVS, TFTP)
            await admin.reset(identity)
            summary = await handset.boots.get()
            here = list(cluster.registrations[PUBLISHER].held)

    assert first.registered == by_itself.registered == summary.registered == PUBLISHER
    assert accepted(by_itself)[0] == (FileKind.ITL, None)
    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.TVS)
    assert here == [identity.name]


@BOTH
async def test_regen_both_with_a_reset_between_them_locks_nobody(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    clock = MovedClock()
    async with single.lab.running(clock=clock) as cluster:
        handset, admin = Handset(identity, single.network(), clock=clock), Administrator(cluster)
        await handset.boot()
        for unit in ("CallManager", "TVS"):
            await admin.regenerate(unit)
            await admin.restart(TVS, TFTP)
            summary = await handset.boot()
            assert refused(summary) == []
            clock.ahead_s += FIVE_MINUTES_S
    assert FAILED[identity] not in handset.messages


async def test_hold_timer_is_not_in_releases_before_10(phones: PhoneLab) -> None:
    phones.lab.release = "9.1"
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        await admin.regenerate("CallManager")
        assert "Successfully" in (await admin.regenerate("TVS"))[0]
