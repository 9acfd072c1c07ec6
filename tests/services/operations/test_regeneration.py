"""Regenerating certificates in whole clusters: key, name, trust stores, words, refusals."""

import asyncio

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.errors import RefusedError
from cucmsim.formats.names import format_name
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, key_spec
from cucmsim.pki.profiles import ECDSA_UNITS, Unit
from cucmsim.pki.release import Release
from cucmsim.services.certificates import TRUST_STORES_OF
from cucmsim.services.operations.regeneration import (
    regenerate_certificate,
    regeneration_warning,
)
from cucmsim.store.replica import Replica
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

BACKUP = (
    "Please do a backup of the server as soon as possible. Failure to do so can stale the "
    "cluster in case of a crash."
)
BECOME_ACTIVE = "for the regenerated certificates to become active."

pytestmark = pytest.mark.usefixtures("quiet")


def own(replica: Replica, unit: Unit, node: str = PUBLISHER) -> bytes:
    return replica.own[node, unit.value].certificate_der


def in_store(replica: Replica, store: str) -> list[bytes]:
    return [held.certificate_der for held in replica.in_store(store)]


def subject(certificate_der: bytes) -> str:
    return format_name(load_certificate(certificate_der).subject)


@pytest.mark.parametrize("unit", list(Unit))
async def test_a_new_key_and_certificate_follow_into_the_trust_stores(
    any_lab: Lab, unit: Unit
) -> None:
    async with any_lab.running() as cluster:
        before = cluster.view.replica
        outcome = await regenerate_certificate(cluster.operator(), PUBLISHER, unit)
        after = cluster.view.replica

    old, new = own(before, unit), own(after, unit)
    old_key, new_key = (certificate_public_key(load_certificate(der)) for der in (old, new))
    assert new_key != old_key
    assert key_spec(new_key) == key_spec(old_key)
    assert (subject(new) == subject(old)) == (unit is not Unit.CAPF)
    assert after.signer(PUBLISHER, unit.value).private_key.public_key() == new_key
    assert after.own[PUBLISHER, unit.value].pkid == before.own[PUBLISHER, unit.value].pkid
    assert after.own[PUBLISHER, unit.value].roles == before.own[PUBLISHER, unit.value].roles
    for store in TRUST_STORES_OF[unit]:
        assert new in in_store(after, store)
        assert (old in in_store(after, store)) == (unit is Unit.CAPF)
        assert len(in_store(after, store)) == len(in_store(before, store)) + (unit is Unit.CAPF)
    assert outcome.lines[0] == f"Successfully Regenerated Certificate for {unit}."
    assert outcome.restarts
    assert outcome.automatic == ()


async def test_other_nodes_and_units_keep_theirs(lab: Lab) -> None:
    async with lab.running() as cluster:
        before = cluster.view.replica
        await regenerate_certificate(cluster.operator(), SUBSCRIBER, Unit.CALLMANAGER)
        after = cluster.view.replica
    changed = [
        place
        for place, held in after.own.items()
        if held.certificate_der != before.own[place].certificate_der
    ]
    assert changed == [(SUBSCRIBER, "CallManager")]


async def test_the_words_of_seed_003(lab: Lab) -> None:
    async with lab.running() as cluster:
        operator = cluster.operator()
        callmanager = await regenerate_certificate(operator, PUBLISHER, Unit.CALLMANAGER)
        recovery = await regenerate_certificate(operator, PUBLISHER, Unit.ITLRECOVERY)
        with pytest.raises(RefusedError) as refusal:
            await regenerate_certificate(operator, PUBLISHER, Unit.TVS)
    assert callmanager.lines == (
        "Successfully Regenerated Certificate for CallManager.",
        BACKUP,
        f"You must restart services related to CallManager {BECOME_ACTIVE}",
    )
    assert recovery.lines[-1] == (
        f"You must restart the services related to ITLRecovery {BECOME_ACTIVE}"
    )
    assert callmanager.resets_phones
    assert not recovery.resets_phones
    assert str(refusal.value) == (
        "CallManager certificate was modified in the last 5 minutes. Please re-try regenerating "
        "TVS certificate at a later time"
    )
    (warning,) = regeneration_warning(Unit.CALLMANAGER, Release(10))
    assert warning.startswith("WARNING: This operation will overwrite any CA signed certificate ")
    assert warning.endswith(" previously imported for CallManager")
    assert regeneration_warning(Unit.ITLRECOVERY, Release(12, 5))[-1] == "to proceed?"


@pytest.mark.parametrize(
    ("first", "second"), [(Unit.CALLMANAGER, Unit.TVS), (Unit.TVS, Unit.CALLMANAGER)]
)
async def test_the_hold_timer_survives_a_restart_of_the_cluster(
    any_lab: Lab, first: Unit, second: Unit
) -> None:
    clock = MovedClock()
    async with any_lab.running(clock=clock) as cluster:
        await regenerate_certificate(cluster.operator(), PUBLISHER, first)
    async with any_lab.running(clock=clock) as cluster:
        operator = cluster.operator()
        with pytest.raises(RefusedError, match=f"^{first} certificate was modified"):
            await regenerate_certificate(operator, PUBLISHER, second)
        await regenerate_certificate(operator, PUBLISHER, first)
        clock.ahead_s = 301
        await regenerate_certificate(operator, PUBLISHER, second)


async def test_two_at_the_same_time_do_not_pass_the_hold_timer(lab: Lab) -> None:
    async with lab.running() as cluster:
        operator = cluster.operator()
        outcomes = await asyncio.gather(
            *(
                regenerate_certificate(operator, PUBLISHER, unit)
                for unit in (Unit.CALLMANAGER, Unit.TVS)
            ),
            return_exceptions=True,
        )
    assert sorted(isinstance(each, RefusedError) for each in outcomes) == [False, True]


async def test_key_and_digest_may_be_given(lab: Lab) -> None:
    async with lab.running() as cluster:
        await regenerate_certificate(
            cluster.operator(),
            PUBLISHER,
            Unit.TVS,
            key=KeySpec.parse("rsa-1536"),
            digest=Digest.SHA512,
        )
        made = load_certificate(own(cluster.view.replica, Unit.TVS))
    assert key_spec(certificate_public_key(made)) == KeySpec.parse("rsa-1536")
    assert made.signature_hash_algorithm is not None
    assert made.signature_hash_algorithm.name == "sha512"


async def refusal_of(cluster: Cluster, node: str, unit: Unit, key: str | None = None) -> str:
    spec = None if key is None else KeySpec.parse(key)
    with pytest.raises(RefusedError) as refusal:
        await regenerate_certificate(cluster.operator(), node, unit, key=spec)
    return str(refusal.value)


async def test_what_cannot_be_made_is_refused_and_changes_nothing(lab: Lab) -> None:
    lab.release = "14"
    async with lab.running() as cluster:
        before = cluster.view.replica
        assert await refusal_of(cluster, "nobody", Unit.TVS) == (
            f"no node 'nobody'; the cluster has: {PUBLISHER}, {SUBSCRIBER}"
        )
        assert await refusal_of(cluster, SUBSCRIBER, Unit.CAPF) == (
            f"node {SUBSCRIBER} has no CAPF certificate"
        )
        said = await refusal_of(cluster, PUBLISHER, Unit.TVS, "ec-384")
        assert said == "TVS: found key ec-384, expected an RSA key"
        for unit in ECDSA_UNITS:
            assert "expected an EC key" in await refusal_of(cluster, PUBLISHER, unit, "rsa-2048")
        assert cluster.view.replica is before
