"""Upgrades: what is installed, switched to and refused, and which certificates come of it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from cucmsim.errors import RefusedError
from cucmsim.pki.keys import KeyAlgorithm, KeySpec
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.upgrade import (
    INSTALLATION_TIME,
    begin_upgrade,
    cancel_upgrade,
    finish_upgrade,
    follow_description,
    switch_version,
)
from cucmsim.services.operations.versions import Installation, Sides, Version, put_sides, sides_of
from cucmsim.store.replica import Replica
from tests.services.admin.conftest import Usual
from tests.services.operations.conftest import NOW, PUBLISHER, SUBSCRIBER

NINE, TEN = Version.parse("9.1.2.10000-28"), Version.parse("10.5.2.10000-5")
TWELVE, FIXED = Version.parse("12.5.1.12900-115"), Version.parse("12.5.1.13900-152")
RECOVERY = (PUBLISHER, "ITLRecovery")


async def running(operator: Operator, version: Version, *, mixed: bool = False) -> Operator:
    """Have both nodes run a version; before 10.0 without ITLRecovery."""
    async with operator.store.transaction() as transaction:
        held = (await transaction.replica()).own[RECOVERY]
        for node in (PUBLISHER, SUBSCRIBER):
            await put_sides(transaction, node, Sides(version))
        if version.release < Release(10):
            await transaction.delete_certificate("ITLRecovery", held.pkid, PUBLISHER)
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "01"[mixed])
    return replace(operator, certificates=Usual(), release=version.release)


async def upgrade(operator: Operator, node: str, version: Version) -> Sides:
    await begin_upgrade(operator, node, version)
    await finish_upgrade(operator, node)
    return await switch_version(operator, node)


def serials(replica: Replica) -> Mapping[tuple[str, str], str]:
    return {key: held.serialnumber for key, held in replica.own.items()}


async def test_a_version_is_installed_beside_the_active_one_and_then_switched_to(
    operator: Operator,
) -> None:
    operator = await running(operator, TEN)
    begun = await begin_upgrade(operator, PUBLISHER, TWELVE)
    assert begun == Sides(TEN, None, Installation(TWELVE, NOW + INSTALLATION_TIME))
    assert await finish_upgrade(operator, PUBLISHER) == Sides(TEN, TWELVE)
    assert await switch_version(operator, PUBLISHER) == Sides(TWELVE, TEN)
    assert await switch_version(operator, PUBLISHER) == Sides(TEN, TWELVE)
    replica = await operator.newest()
    assert sides_of(replica, PUBLISHER) == Sides(TEN, TWELVE)
    assert sides_of(replica, SUBSCRIBER) == Sides(TEN)


async def test_what_was_installed_is_switched_to_at_once_when_that_was_asked_for(
    operator: Operator,
) -> None:
    operator = await running(operator, TEN)
    for node in (PUBLISHER, SUBSCRIBER):
        await begin_upgrade(operator, node, TWELVE, switches=True)
        assert await finish_upgrade(operator, node) == Sides(TWELVE, TEN)


async def test_a_subscriber_does_not_switch_itself_before_the_publisher(
    operator: Operator,
) -> None:
    operator = await running(operator, TEN)
    await begin_upgrade(operator, PUBLISHER, TWELVE)
    await finish_upgrade(operator, PUBLISHER)
    await begin_upgrade(operator, SUBSCRIBER, TWELVE, switches=True)
    assert await finish_upgrade(operator, SUBSCRIBER) == Sides(TEN, TWELVE)


async def test_refusals_say_why_and_change_nothing(operator: Operator) -> None:
    operator = await running(operator, TEN)
    before = await operator.newest()
    refusals = [
        (begin_upgrade(operator, SUBSCRIBER, TWELVE), "publisher cucm-pub has to be upgraded"),
        (begin_upgrade(operator, PUBLISHER, NINE), f"{NINE} is not newer .* {TEN}"),
        (begin_upgrade(operator, PUBLISHER, TEN), "not newer"),
        (begin_upgrade(operator, "nobody", TWELVE), "no node 'nobody'"),
        (cancel_upgrade(operator, PUBLISHER), "no upgrade in progress"),
        (finish_upgrade(operator, PUBLISHER), "no upgrade in progress"),
        (switch_version(operator, PUBLISHER), "no inactive version"),
    ]
    for refused, text in refusals:
        with pytest.raises(RefusedError, match=text):
            await refused
    assert (await operator.newest()).version == before.version


async def test_while_one_runs_there_is_no_other_and_no_switch(operator: Operator) -> None:
    operator = await running(operator, TEN)
    await upgrade(operator, PUBLISHER, TWELVE)
    await begin_upgrade(operator, PUBLISHER, FIXED)
    with pytest.raises(RefusedError, match="already in progress"):
        await begin_upgrade(operator, PUBLISHER, FIXED)
    with pytest.raises(RefusedError, match="in progress"):
        await switch_version(operator, PUBLISHER)
    assert await cancel_upgrade(operator, PUBLISHER) == Sides(TWELVE)  # the former side is lost


async def test_a_subscriber_runs_what_the_publisher_runs_forth_and_back(
    operator: Operator,
) -> None:
    operator = await running(operator, TEN)
    await begin_upgrade(operator, PUBLISHER, TWELVE)
    await finish_upgrade(operator, PUBLISHER)
    await begin_upgrade(operator, SUBSCRIBER, TWELVE)  # installed there, though not run yet
    await finish_upgrade(operator, SUBSCRIBER)
    for version in (TEN, TWELVE):
        with pytest.raises(RefusedError, match=f"has to be switched first: it runs .*{version}"):
            await switch_version(operator, SUBSCRIBER)
        await switch_version(operator, PUBLISHER)
        await switch_version(operator, SUBSCRIBER)
    assert sides_of(await operator.newest(), SUBSCRIBER) == Sides(TEN, TWELVE)


async def test_from_10_0_itlrecovery_is_made_and_all_other_certificates_stay(
    operator: Operator,
) -> None:
    operator = await running(operator, NINE)
    await begin_upgrade(operator, PUBLISHER, TEN)
    await finish_upgrade(operator, PUBLISHER)
    before = await operator.newest()
    await switch_version(operator, PUBLISHER)
    after = await operator.newest()
    assert RECOVERY not in before.own
    assert after.has_signer(*RECOVERY)
    assert after.own[RECOVERY] in after.in_store("CallManager-trust")
    assert before.own.items() <= after.own.items()
    await switch_version(operator, PUBLISHER)
    await switch_version(operator, PUBLISHER)
    assert serials(await operator.newest()) == serials(after)


@pytest.mark.parametrize(
    ("old", "new", "mixed", "is_new"),
    [
        (TEN, TWELVE, True, True),
        (TEN, FIXED, True, False),
        (TEN, TWELVE, False, False),
        (Version.parse("12.5.1.10000-22"), TWELVE, True, False),
    ],
    ids=["defect", "SU3", "non-secure", "from-12.5"],
)
async def test_cscvv13565_makes_itlrecovery_anew_below_su3_in_mixed_mode(
    operator: Operator, old: Version, new: Version, *, mixed: bool, is_new: bool
) -> None:
    # cucm.md 7, row 6
    operator = await running(operator, old, mixed=mixed)
    before = await operator.newest()
    await upgrade(operator, PUBLISHER, new)
    after = await operator.newest()
    assert (serials(before)[RECOVERY] != serials(after)[RECOVERY]) is is_new
    names = [sorted(one.own[RECOVERY].subjectname.split(",")) for one in (before, after)]
    assert names[0] == names[1]
    assert after.tftp_files == before.tftp_files
    await upgrade(operator, SUBSCRIBER, new)
    assert serials(await operator.newest())[RECOVERY] == serials(after)[RECOVERY]


async def test_a_certificate_that_cannot_be_made_refuses_the_switch(operator: Operator) -> None:
    operator = await running(operator, NINE)
    await begin_upgrade(operator, PUBLISHER, TEN)
    await finish_upgrade(operator, PUBLISHER)
    unlike = replace(operator, certificates=Usual(key=KeySpec(KeyAlgorithm.EC, 384)))
    with pytest.raises(RefusedError, match="expected an RSA key"):
        await switch_version(unlike, PUBLISHER)
    assert sides_of(await operator.newest(), PUBLISHER) == Sides(NINE, TEN)


async def test_two_at_once_are_not_both_done(operator: Operator) -> None:
    operator = await running(operator, TEN)
    stale = await operator.newest()
    await begin_upgrade(operator, PUBLISHER, TWELVE)

    async def behind() -> Replica:
        return stale

    with pytest.raises(RefusedError, match="already in progress"):
        await begin_upgrade(replace(operator, newest=behind), PUBLISHER, FIXED)
    await finish_upgrade(operator, PUBLISHER)


async def test_the_description_counts_for_new_nodes_and_when_it_says_something_new(
    operator: Operator,
) -> None:
    operator = replace(operator, certificates=Usual())
    ten, twelve = Release.parse("10.5(2)"), Release.parse("12.5")
    first = await follow_description(operator, ten)
    assert sides_of(first, PUBLISHER) == sides_of(first, SUBSCRIBER) == Sides(Version.of(ten))
    await upgrade(operator, PUBLISHER, TWELVE)
    same = await follow_description(operator, ten)
    assert sides_of(same, PUBLISHER).active == TWELVE
    with capture_logs() as logs:
        other = await follow_description(operator, twelve)
    told = [(entry["node"], entry["active"]) for entry in logs if "description" in entry["event"]]
    assert told == [(PUBLISHER, "12.5.1.10000-1"), (SUBSCRIBER, "12.5.1.10000-1")]
    assert sides_of(other, PUBLISHER) == Sides(Version.of(twelve), TWELVE)
    assert sides_of(other, SUBSCRIBER) == Sides(Version.of(twelve), Version.of(ten))
    again = await follow_description(operator, twelve)
    assert again.version == other.version
    back = await follow_description(operator, ten)
    assert sides_of(back, SUBSCRIBER) == Sides(Version.of(ten), Version.of(twelve))


async def test_a_node_that_runs_the_described_release_already_is_left_alone(
    operator: Operator,
) -> None:
    operator = replace(operator, certificates=Usual())
    await follow_description(operator, Release.parse("10.5(2)"))
    await upgrade(operator, PUBLISHER, FIXED)
    followed = await follow_description(operator, FIXED.release)
    assert sides_of(followed, PUBLISHER).active == FIXED


async def test_a_node_that_is_added_runs_what_the_publisher_runs(operator: Operator) -> None:
    operator = replace(operator, certificates=Usual())
    async with operator.store.transaction() as transaction:
        await put_sides(transaction, PUBLISHER, Sides(TWELVE, TEN))
    followed = await follow_description(operator, Release.parse("10.5(2)"))
    assert sides_of(followed, SUBSCRIBER) == Sides(TWELVE)
