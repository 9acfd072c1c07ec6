"""Own certificates: what is planned, what is made, and that the loop goes on meanwhile."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from cucmsim.clock import SystemClock
from cucmsim.entropy import SeededEntropy, SystemEntropy
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, load_private_key
from cucmsim.pki.profiles import CertificateProfile, SubjectFields, Unit
from cucmsim.pki.release import Release
from cucmsim.services.certificates import (
    CertificatePlan,
    UnitSettings,
    make_own_certificates,
    plans_for_node,
)
from cucmsim.store.rows import ProcessNode

FIELDS = SubjectFields("TAC", "Cisco", "Krakow", "Malopolska", "PL")
PUBLISHER = ProcessNode(
    name="pub.lab.test", host="pub", domain="lab.test", address="127.0.1.1", is_publisher=True
)
SUBSCRIBER = ProcessNode(name="sub.lab.test", host="sub", domain="lab.test", address="127.0.1.2")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class _Settings:
    key: KeySpec | None = None
    digest: Digest | None = None
    validity_days: int | None = None
    subject_alternative: tuple[str, ...] = ()


class _StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def _plans(
    node: ProcessNode = PUBLISHER,
    release: str = "12.5",
    settings: Mapping[Unit, UnitSettings] | None = None,
) -> dict[Unit, CertificatePlan]:
    plans = plans_for_node(
        node,
        release=Release.parse(release),
        fields=FIELDS,
        publisher_fqdn=PUBLISHER.fqdn,
        entropy=SeededEntropy(1),
        settings=settings or {},
    )
    return {plan.unit: plan for plan in plans}


def test_a_publisher_plans_its_certificates_with_the_names_of_the_real_server() -> None:
    plans = _plans()
    suffix = SeededEntropy(1).token(4).hex()
    assert {unit.value: plan.common_name for unit, plan in plans.items()} == {
        "tomcat": "pub.lab.test",
        "tomcat-ECDSA": "pub-EC.lab.test",
        "ipsec": "pub.lab.test",
        "ITLRecovery": "ITLRECOVERY_pub.lab.test",
        "CallManager-ECDSA": "pub-EC.lab.test",
        "CallManager": "pub.lab.test",
        "CAPF": f"CAPF-{suffix}",
        "TVS": "pub.lab.test",
    }
    assert {plan.node for plan in plans.values()} == {"pub.lab.test"}
    assert all(plan.subject_alternative == () for plan in plans.values())


def test_a_subscriber_of_12_5_has_no_itlrecovery() -> None:
    assert Unit.ITLRECOVERY not in _plans(SUBSCRIBER)
    before = _plans(SUBSCRIBER, "11.5")
    assert before[Unit.ITLRECOVERY].common_name == "ITLRECOVERY_pub.lab.test"


def test_settings_of_a_unit_override_what_the_release_does() -> None:
    settings = _Settings(KeySpec.parse("rsa-3072"), Digest.SHA512, 30, ("pub", "127.0.1.1"))
    plans = _plans(settings={Unit.TVS: settings, Unit.CAPF: _Settings()})
    assert plans[Unit.TVS].profile.key == settings.key
    assert plans[Unit.TVS].profile.digest is Digest.SHA512
    assert plans[Unit.TVS].profile.validity == timedelta(days=30)
    assert plans[Unit.TVS].subject_alternative == ("pub", "127.0.1.1")
    assert plans[Unit.CAPF] == _plans()[Unit.CAPF]


@pytest.mark.parametrize(
    ("unit", "settings", "message"),
    [
        (Unit.CALLMANAGER, _Settings(KeySpec.parse("ec-384")), "found key ec-384, expected an RSA"),
        (Unit.TOMCAT_ECDSA, _Settings(KeySpec.parse("rsa-2048")), "expected an EC key"),
        (Unit.TVS, _Settings(digest=Digest.SHA1), "found digest SHA1, expected one of SHA256"),
    ],
)
def test_settings_that_cannot_be_made_are_refused_before_anything_is_made(
    unit: Unit, settings: _Settings, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _plans(settings={unit: settings})


async def test_certificates_are_made_in_order_and_belong_to_their_keys() -> None:
    plans = list(_plans(release="10.5").values())
    made = await make_own_certificates(plans, clock=_StoppedClock(), entropy=SeededEntropy(2))
    assert [(own.node, own.unit) for own in made] == [(plan.node, plan.unit) for plan in plans]
    for own, plan in zip(made, plans, strict=True):
        certificate = load_certificate(own.certificate_der)
        assert certificate == own.certificate
        assert is_issued_by(certificate, certificate)
        assert certificate.not_valid_before_utc == NOW
        public_key = load_private_key(own.private_key_der).public_key()
        assert certificate_public_key(certificate) == public_key
        assert public_key.key_size == plan.profile.key.size_bits


async def test_the_same_entropy_gives_the_same_serial_numbers() -> None:
    plans = [_plans()[Unit.TOMCAT_ECDSA], _plans()[Unit.CALLMANAGER_ECDSA]]
    runs = [
        await make_own_certificates(plans, clock=_StoppedClock(), entropy=SeededEntropy(3))
        for _ in range(2)
    ]
    numbers = [[own.certificate.serial_number for own in made] for made in runs]
    assert numbers[0] == numbers[1]
    assert len(set(numbers[0])) == 2


async def test_roles_are_those_of_the_unit() -> None:
    plans = [replace(plan, profile=_small(plan)) for plan in _plans().values()]
    made = await make_own_certificates(plans, clock=SystemClock(), entropy=SystemEntropy())
    assert {own.unit.value: own.roles for own in made} == {
        "tomcat": (7,),
        "tomcat-ECDSA": (7,),
        "ipsec": (7,),
        "ITLRecovery": (0,),
        "CallManager-ECDSA": (2, 0),
        "CallManager": (2, 0),
        "CAPF": (4,),
        "TVS": (21,),
    }
    assert "private_key" not in repr(made[0])


def _small(plan: CertificatePlan) -> CertificateProfile:
    return replace(plan.profile, key=KeySpec.parse("ec-256"))


async def test_nothing_planned_makes_nothing() -> None:
    assert await make_own_certificates([], clock=SystemClock(), entropy=SystemEntropy()) == []


async def test_a_name_no_certificate_can_carry_is_refused() -> None:
    plan = replace(_plans()[Unit.TOMCAT_ECDSA], fields=replace(FIELDS, country="Poland"))
    with pytest.raises(ValueError, match="C=Poland cannot stand in"):
        await make_own_certificates([plan], clock=SystemClock(), entropy=SystemEntropy())


async def test_the_loop_goes_on_while_eighteen_keys_are_made() -> None:
    plan = replace(_plans()[Unit.CALLMANAGER])
    making = asyncio.create_task(
        make_own_certificates([plan] * 18, clock=SystemClock(), entropy=SystemEntropy(), workers=2)
    )
    turns, started = [], time.perf_counter()
    while not making.done():
        await asyncio.sleep(0.001)
        turns.append(time.perf_counter())
    assert len(await making) == 18
    # the goal is about a second for all; a loop that were held would miss nearly all its turns
    assert turns[-1] - started < 20
    gaps = [after - before for before, after in itertools.pairwise(turns)]
    assert len(turns) > 10
    assert sorted(gaps)[len(gaps) // 2] < 0.1


async def test_making_can_be_cancelled() -> None:
    plans = [_plans()[Unit.CALLMANAGER]] * 50
    making = asyncio.create_task(
        make_own_certificates(plans, clock=SystemClock(), entropy=SystemEntropy(), workers=1)
    )
    await asyncio.sleep(0)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
