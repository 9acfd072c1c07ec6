"""Scenarios regen-callmanager, regen-tvs, regen-both and hold-timer (seeds 000 and 003)."""

import pytest

from cucmsim.phone.values import FileKind, PhoneIdentity, Refusal, TrustSource
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
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
    asked,
    refused,
)

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
RELEASES = pytest.mark.parametrize("release", ["8.6", "11.5"])
FIVE_MINUTES_S = 300
HELD = (
    "CallManager certificate was modified in the last 5 minutes. "
    "Please re-try regenerating TVS certificate at a later time"
)

pytestmark = pytest.mark.usefixtures("quiet")


@BOTH
@RELEASES
async def test_regen_callmanager_the_new_itl_is_trusted_through_tvs(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.release = release
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await handset.boot()
        old = handset.flash.itl
        await admin.regenerate("CallManager")
        unchanged = await handset.boot()
        asked_before = len(asked(cluster, "tvs"))
        await admin.restart(TVS, TFTP)
        summary = await handset.boot()
        asked_after = len(asked(cluster, "tvs"))

    assert accepted(unchanged) == [(FileKind.ITL, None), (FileKind.CONFIG, TrustSource.ITL)]
    assert accepted(summary) == [
        (FileKind.ITL, TrustSource.TVS),
        (FileKind.CONFIG, TrustSource.ITL),
    ]
    assert refused(summary) == []
    assert handset.flash.itl not in (None, old)
    assert (asked_before, asked_after > 0) == (0, True)
    assert FAILED[identity] not in handset.messages


@BOTH
async def test_regen_callmanager_registered_phones_are_reset_and_come_back(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        handset = Handset(identity, phones.network(), registering=True)
        first = await handset.boot()
        async with handset.staying(first):
            await admin.regenerate("CallManager")
            by_itself = await handset.summaries.get()
            await admin.restart(TVS, TFTP)
            await admin.reset(identity)
            summary = await handset.summaries.get()
            here = list(cluster.registrations[PUBLISHER].held)

    assert first.registered == by_itself.registered == summary.registered == PUBLISHER
    assert accepted(by_itself)[0] == (FileKind.ITL, None)
    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.TVS)
    assert here == [identity.name]


@BOTH
@RELEASES
async def test_regen_tvs_the_itl_with_the_new_tvs_has_a_known_signer(
    phones: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    phones.lab.release = release
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await handset.boot()
        old = handset.flash.itl
        await admin.regenerate("TVS")
        await admin.restart(TVS, TFTP)
        summary = await handset.boot()

    assert accepted(summary) == [
        (FileKind.ITL, TrustSource.ITL),
        (FileKind.CONFIG, TrustSource.ITL),
    ]
    assert handset.flash.itl not in (None, old)
    assert asked(cluster, "tvs") == []


@BOTH
@RELEASES
async def test_regen_both_locks_the_phones_of_a_single_node(
    single: PhoneLab, identity: PhoneIdentity, release: str
) -> None:
    single.lab.release, clock = release, MovedClock()
    async with single.lab.running(clock=clock) as cluster:
        handset, admin = Handset(identity, single.network(), clock=clock), Administrator(cluster)
        await handset.boot()
        held = handset.flash
        await admin.regenerate("CallManager")
        clock.ahead_s = FIVE_MINUTES_S + 1
        assert "Successfully" in (await admin.regenerate("TVS"))[0]
        await admin.restart(TVS, TFTP)
        summary = await handset.boot()

    assert accepted(summary) == []
    assert refused(summary) == [
        (FileKind.ITL, Refusal.TVS_UNTRUSTED),
        (FileKind.CONFIG, Refusal.TVS_UNTRUSTED),
    ]
    assert handset.flash == held
    assert FAILED[identity] in handset.messages
    # the phone ends the handshake: TVS hears no question
    assert asked(cluster, "tvs") == []


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


async def test_hold_timer_refuses_tvs_for_five_minutes_on_the_same_node(phones: PhoneLab) -> None:
    clock = MovedClock()
    async with phones.lab.running(clock=clock) as cluster:
        admin = Administrator(cluster)
        own = cluster.view.replica.own[PUBLISHER, "TVS"].hash
        await admin.regenerate("CallManager")
        assert await admin.regenerate("TVS") == [HELD]
        assert cluster.view.replica.own[PUBLISHER, "TVS"].hash == own
        assert "Successfully" in (await admin.regenerate("TVS", SUBSCRIBER))[0]
        clock.ahead_s = FIVE_MINUTES_S - 60
        assert await admin.regenerate("TVS") == [HELD]
        clock.ahead_s = FIVE_MINUTES_S + 1
        assert "Successfully" in (await admin.regenerate("TVS"))[0]
        assert cluster.view.replica.own[PUBLISHER, "TVS"].hash != own


async def test_hold_timer_is_not_in_releases_before_10(phones: PhoneLab) -> None:
    phones.lab.release = "9.1"
    async with phones.lab.running() as cluster:
        admin = Administrator(cluster)
        await admin.regenerate("CallManager")
        assert "Successfully" in (await admin.regenerate("TVS"))[0]
