"""Upgrades from one generation of trust lists to the next, with phones that look on.

Scenario itl-reset-no-record (seed 003); CSCvv13565 and its way out (cucm.md 7, row 6); which
release has which ITL (cucm.md 3.6).
"""

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.errors import RefusedError
from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME, decode_trust_list
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.services.operations.versions import sides_of
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER
from tests.fixtures.phonelab import PhoneLab
from tests.fixtures.upgrades import switch, upgrade
from tests.scenarios.bench import (
    NEW,
    OLD,
    Administrator,
    Handset,
    accepted,
    asked,
    refused,
)
from tests.scenarios.trustlists import CALLMANAGER, lock_out, operate, set_mixed_mode, signer

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
TEN, TWELVE, FIXED = "10.5.2.10000-5", "12.5.1.12900-115", "12.5.1.13900-152"

pytestmark = pytest.mark.usefixtures("quiet")


def itl_source(summary: BootSummary) -> TrustSource | None:
    assert refused(summary) == []
    return dict(accepted(summary))[FileKind.ITL]


def records(trust_list: bytes | None) -> int:
    assert trust_list is not None
    return len(decode_trust_list(trust_list).records)


@BOTH
async def test_upgrade_phones_trust_the_cluster_from_9_over_10_to_12_and_back(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    phones.lab.release, nodes = "9.1", (PUBLISHER, SUBSCRIBER)
    async with phones.lab.running() as cluster:
        awake = Handset(identity, phones.network())
        asleep = Handset(identity, phones.network())
        fresh = [itl_source(await handset.boot()) for handset in (awake, asleep)]
        nine = (signer(cluster, awake.flash.itl), records(awake.flash.itl))
        own = cluster.view.replica.own
        await upgrade(cluster, TEN, *nodes)
        at_ten = itl_source(await awake.boot())
        ten = (signer(cluster, awake.flash.itl), records(awake.flash.itl))
        questions = len(asked(cluster, "tvs"))
        await upgrade(cluster, TWELVE, *nodes)
        at_twelve = itl_source(await awake.boot())
        twelve = signer(cluster, awake.flash.itl)
        unasked = len(asked(cluster, "tvs")) - questions
        slept = itl_source(await asleep.boot())
        lists = (awake.flash.itl, asleep.flash.itl)
        await switch(cluster, *nodes)
        back = itl_source(await awake.boot())
        former = (signer(cluster, awake.flash.itl), records(awake.flash.itl))
        kept = cluster.view.replica.own
        sides = {node: str(sides_of(cluster.view.replica, node).inactive) for node in nodes}

    assert fresh == [TrustSource.BLIND, TrustSource.BLIND]
    assert nine == ("CallManager", 5)
    assert (at_ten, ten) == (TrustSource.ITL, ("CallManager", 6))
    assert (at_twelve, twelve) == (TrustSource.ITL, "ITLRecovery")
    assert (questions, unasked) == (0, 0)
    assert slept == TrustSource.TVS
    assert lists[0] == lists[1]
    assert (back, former) == (TrustSource.ITL, ten)
    assert own.items() <= kept.items()
    assert sides == dict.fromkeys(nodes, TWELVE)


@BOTH
@pytest.mark.parametrize("version", [TWELVE, FIXED], ids=["defect", "SU3"])
async def test_cscvv13565_leaves_a_ctl_that_does_not_help_once_callmanager_is_regenerated(
    single: PhoneLab, identity: PhoneIdentity, version: str
) -> None:
    single.lab.release, clock = "11.5", MovedClock()
    async with single.lab.running(clock=clock) as cluster:
        admin = Administrator(cluster)
        awake, asleep = (Handset(identity, single.network(), clock=clock) for _ in range(2))
        await set_mixed_mode(admin)
        for handset in (awake, asleep):
            await handset.boot()
        before = ctl_of(cluster)
        await upgrade(cluster, version, PUBLISHER)
        follows = itl_source(await awake.boot())
        untouched = ctl_of(cluster) == before
        knows = ctl_knows(cluster, "ITLRecovery"), ctl_knows(cluster, "CallManager")
        await lock_out(admin, clock)  # before the CTL is updated; TVS is of no help either
        late = await asleep.boot()
        await operate(admin, "ctl", task="update")
        still = await asleep.boot()
        asleep.phone.flash = asleep.flash.without_trust_lists()  # by hand
        deleted = await asleep.boot()

    is_fixed = version == FIXED
    assert untouched
    assert knows == (is_fixed, True)
    assert follows == (TrustSource.CTL if is_fixed else TrustSource.TVS)
    assert [FileKind.CONFIG in dict(accepted(one)) for one in (late, still)] == [is_fixed] * 2
    assert accepted(deleted)[0] == (FileKind.CTL, TrustSource.BLIND)


@BOTH
async def test_cscvv13565_a_ctl_reset_leads_phones_to_the_new_itlrecovery(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    single.lab.release = "11.5"
    async with single.lab.running() as cluster:
        admin, handset = Administrator(cluster), Handset(identity, single.network())
        await set_mixed_mode(admin)
        await handset.boot()
        await upgrade(cluster, TWELVE, PUBLISHER)
        sources, signers = [], []
        for task in ("reset-localkey", "update"):
            await operate(admin, "ctl", task=task)
            await admin.restart(CALLMANAGER)
            sources.append(dict(accepted(await handset.boot()))[FileKind.CTL])
            signers.append(signer(cluster, handset.flash.ctl))

    assert sources == [TrustSource.CTL, TrustSource.CTL]
    assert signers == ["CallManager", "ITLRecovery"]


def ctl_of(cluster: Cluster) -> bytes:
    held = cluster.view.replica.tftp_file(CTL_FILENAME, PUBLISHER)
    assert held is not None
    return held.data


def ctl_knows(cluster: Cluster, unit: str) -> bool:
    """Tell whether the CTL names the publisher's certificate of a unit as it is now."""
    serial = cluster.view.replica.own[PUBLISHER, unit].serialnumber
    return bytes.fromhex(serial) in ctl_of(cluster)


async def test_upgrade_a_subscriber_comes_after_the_publisher(phones: PhoneLab) -> None:
    phones.lab.release = "10.5(2)"
    async with phones.lab.running() as cluster:
        with pytest.raises(RefusedError, match="The publisher cucm-pub has to be upgraded first"):
            await upgrade(cluster, TWELVE, SUBSCRIBER)
        await upgrade(cluster, TWELVE, PUBLISHER)
        between = await itl_signers(cluster)
        await upgrade(cluster, TWELVE, SUBSCRIBER)
        after = await itl_signers(cluster)

    assert between == {PUBLISHER: "ITLRecovery", SUBSCRIBER: ""}  # its own CallManager
    assert after == {PUBLISHER: "ITLRecovery", SUBSCRIBER: "ITLRecovery"}


async def itl_signers(cluster: Cluster) -> dict[str, str]:
    """Return which unit of the publisher signed the ITL of each node."""
    return {
        node: signer(cluster, await line.operations.tftp_file(ITL_FILENAME))
        for node, line in cluster.command_lines.items()
    }
