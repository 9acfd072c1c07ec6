"""Scenarios rename-single-itl, rename-single-ctl and rename-multi-itl (seed 000; cucm.md 7)."""

import asyncio

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
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
    asked,
    refused,
)
from tests.scenarios.trustlists import CALLMANAGER, insert_tokens, make_tokens, operate

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
ONE_MEMBER = f'[[callmanager_groups]]\nname = "Default"\nmembers = ["{PUBLISHER}"]\n'
DEADLINE_S = 60

pytestmark = pytest.mark.usefixtures("quiet")


async def itls(cluster: Cluster) -> list[str | None]:
    return [each.itl for each in await cluster.trust_lists()]


async def restarted(cluster: Cluster, before: list[str | None]) -> None:
    """Wait until every TFTP service has another ITL than before: they restart last."""
    async with asyncio.timeout(DEADLINE_S):
        while any(new in (None, old) for new, old in zip(await itls(cluster), before, strict=True)):
            await asyncio.to_thread(tuple)  # lets the loop turn


async def rename(cluster: Cluster, node: str, host: str) -> None:
    before = await itls(cluster)
    said = await operate(Administrator(cluster), "rename", node, host=host)
    assert said[-1] == "System services will restart in 1 minute"
    await restarted(cluster, before)


@BOTH
async def test_rename_single_itl_locks_the_phones(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    async with single.lab.running() as cluster:
        handset = Handset(identity, single.network())
        await handset.boot()
        held = handset.flash
        await rename(cluster, PUBLISHER, "renamed")
        summary = await handset.boot()

    assert accepted(summary) == []
    assert handset.flash == held
    assert FAILED[identity] in handset.messages


@BOTH
async def test_rename_single_itl_with_rollback_first_locks_nobody(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    async with single.lab.running() as cluster:
        handset, admin = Handset(identity, single.network()), Administrator(cluster)
        await handset.boot()
        before = await itls(cluster)
        await admin.prepare_rollback()
        await restarted(cluster, before)
        await handset.boot()
        await rename(cluster, PUBLISHER, "renamed")
        emptied = await handset.boot()
        before = await itls(cluster)
        await admin.post("/operations/rollback", {"prepared": False})
        await restarted(cluster, before)
        summary = await handset.boot()

    assert refused(emptied) == refused(summary) == []
    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.BLIND)
    assert accepted(summary)[-1] == (FileKind.CONFIG, TrustSource.ITL)


@BOTH
async def test_rename_single_ctl_recovers_when_the_ctl_client_is_run(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    single.lab.release = "10.5"
    async with single.lab.running() as cluster:
        handset, admin = Handset(identity, single.network()), Administrator(cluster)
        tokens = await make_tokens(admin)
        await insert_tokens(admin, "mixed-mode", *tokens)
        await admin.restart(TFTP, CALLMANAGER)
        await handset.boot()
        await rename(cluster, PUBLISHER, "renamed")
        locked = await handset.boot()
        await insert_tokens(admin, "update", *tokens)
        await admin.restart(TFTP, CALLMANAGER)
        summary = await handset.boot()

    assert (FileKind.ITL, TrustSource.ITL) not in accepted(locked)
    assert refused(locked)
    assert accepted(summary)[:2] == [
        (FileKind.CTL, TrustSource.CTL),
        (FileKind.ITL, TrustSource.CTL),
    ]
    assert refused(summary) == []


@BOTH
async def test_rename_multi_itl_the_other_tvs_vouches(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        handset = Handset(identity, phones.network())
        await handset.boot()
        await rename(cluster, PUBLISHER, "renamed")
        summary = await handset.boot()
        answered = {each.node for _, each in cluster.journal.since(0) if each.service == "tvs"}
        await rename(cluster, SUBSCRIBER, "renamed-too")
        second = await handset.boot()

    assert accepted(summary)[0] == (FileKind.ITL, TrustSource.TVS)
    assert answered == {SUBSCRIBER}
    assert refused(summary) == refused(second) == []
    assert FAILED[identity] not in handset.messages


@BOTH
async def test_rename_multi_itl_of_all_nodes_at_once_locks_the_phones(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        handset = Handset(identity, phones.network())
        await handset.boot()
        await rename(cluster, PUBLISHER, "renamed")
        await rename(cluster, SUBSCRIBER, "renamed-too")
        summary = await handset.boot()

    assert accepted(summary) == []
    assert FAILED[identity] in handset.messages
    assert asked(cluster, "tvs") == []


@BOTH
async def test_rename_multi_itl_with_a_group_of_one_member_locks_its_phones(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    phones.lab.extra = ONE_MEMBER
    async with phones.lab.running() as cluster:
        handset = Handset(identity, phones.network())
        await handset.boot()
        await rename(cluster, PUBLISHER, "renamed")
        summary = await handset.boot()

    assert accepted(summary) == []
    assert FAILED[identity] in handset.messages
