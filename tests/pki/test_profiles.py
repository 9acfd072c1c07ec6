"""Profiles: which certificates a node of a release has, and how they are made."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.pki.digests import Digest
from cucmsim.pki.profiles import (
    ECDSA_UNITS,
    OWN_UNITS,
    Unit,
    common_name,
    default_profile,
    units_of,
)
from cucmsim.pki.release import Release

YEAR_DAYS = 365
RELEASES = [Release.parse(text) for text in ("8.6", "9.1", "10.5(2)", "11.5", "12.0", "12.5", "14")]


def _name(unit: Unit, host: str = "cucm-pub", domain: str = "lab.test") -> str:
    fqdn = f"{host}.{domain}" if domain else host
    return common_name(unit, host=host, domain=domain, publisher_fqdn=fqdn, capf_suffix="e41e7d87")


@pytest.mark.parametrize(
    ("release", "publisher", "subscriber"),
    [
        ("8.6", {"CAPF"}, {"CAPF"}),
        ("10.5", {"CAPF", "ITLRecovery"}, {"CAPF", "ITLRecovery"}),
        ("11.5", {"CAPF", "ITLRecovery", "EC"}, {"CAPF", "ITLRecovery", "EC"}),
        ("12.0", {"CAPF", "ITLRecovery", "EC"}, {"CAPF", "ITLRecovery", "EC"}),
        ("12.5", {"CAPF", "ITLRecovery", "EC"}, {"CAPF", "EC"}),
        ("14", {"CAPF", "ITLRecovery", "EC"}, {"EC"}),
    ],
)
def test_a_node_has_the_units_of_its_release(
    release: str, publisher: set[str], subscriber: set[str]
) -> None:
    everywhere = {"CallManager", "TVS", "tomcat", "ipsec"}
    ec = {unit.value for unit in ECDSA_UNITS}
    for is_publisher, extra in ((True, publisher), (False, subscriber)):
        expected = everywhere | (extra - {"EC"}) | (ec if "EC" in extra else set())
        assert set(units_of(Release.parse(release), is_publisher=is_publisher)) == expected


def test_units_stand_in_the_order_of_show_cert_list_own() -> None:
    expected = "tomcat tomcat-ECDSA ipsec ITLRecovery CallManager-ECDSA CallManager CAPF TVS"
    assert units_of(Release(15), is_publisher=True) == OWN_UNITS
    assert " ".join(OWN_UNITS) == expected


@pytest.mark.parametrize(
    ("unit", "release", "key"),
    [
        (Unit.CALLMANAGER, "8.6", "rsa-1024"),
        (Unit.TVS, "8.6", "rsa-2048"),
        (Unit.TVS, "10.5", "rsa-1024"),
        (Unit.ITLRECOVERY, "10.0", "rsa-1024"),
        (Unit.CALLMANAGER, "11.0", "rsa-2048"),
        (Unit.CAPF, "14", "rsa-2048"),
        (Unit.CALLMANAGER_ECDSA, "11.0", "ec-384"),
    ],
)
def test_a_key_is_as_long_as_in_its_release(unit: Unit, release: str, key: str) -> None:
    assert str(default_profile(unit, Release.parse(release)).key) == key


@pytest.mark.parametrize(
    ("unit", "release", "years"),
    [
        (Unit.CALLMANAGER, "10.5", 5),
        (Unit.CALLMANAGER, "14", 5),
        (Unit.CALLMANAGER_ECDSA, "14", 3),
        (Unit.TOMCAT, "12.5", 5),
        (Unit.TOMCAT, "14", 3),
        (Unit.TVS, "15", 3),
        (Unit.IPSEC, "15", 5),
        (Unit.CAPF, "15", 5),
        (Unit.ITLRECOVERY, "12.0", 5),
        (Unit.ITLRECOVERY, "12.5", 20),
        (Unit.ITLRECOVERY, "15", 20),
    ],
)
def test_a_certificate_lasts_as_long_as_in_its_release(
    unit: Unit, release: str, years: int
) -> None:
    profile = default_profile(unit, Release.parse(release))
    assert profile.validity == timedelta(days=years * YEAR_DAYS)


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_serial_numbers_have_16_bytes_but_in_release_8(release: Release) -> None:
    profile = default_profile(Unit.TVS, release)
    assert profile.serial_size == (8 if release.major == 8 else 16)
    assert profile.digest is Digest.SHA256


@pytest.mark.parametrize(
    ("unit", "domain", "expected"),
    [
        (Unit.CALLMANAGER, "lab.test", "cucm-pub.lab.test"),
        (Unit.TVS, "", "cucm-pub"),
        (Unit.TOMCAT_ECDSA, "lab.test", "cucm-pub-EC.lab.test"),
        (Unit.CALLMANAGER_ECDSA, "", "cucm-pub-EC"),
        (Unit.CAPF, "lab.test", "CAPF-e41e7d87"),
        (Unit.ITLRECOVERY, "lab.test", "ITLRECOVERY_cucm-pub.lab.test"),
        (Unit.ITLRECOVERY, "", "ITLRECOVERY_cucm-pub"),
    ],
)
def test_a_common_name_is_that_of_the_real_server(unit: Unit, domain: str, expected: str) -> None:
    assert _name(unit, domain=domain) == expected


def test_a_common_name_too_long_loses_its_domain_and_then_its_end() -> None:
    assert _name(Unit.TVS, host="h" * 60, domain="lab.test") == "h" * 60
    assert _name(Unit.ITLRECOVERY, host="h" * 60) == "ITLRECOVERY_" + "h" * 52


@given(
    st.sampled_from(list(Unit)),
    st.text("abc-", min_size=1, max_size=63),
    st.text("abc.", max_size=190),
)
def test_a_common_name_never_has_more_than_64_characters(
    unit: Unit, host: str, domain: str
) -> None:
    assert 1 <= len(_name(unit, host=host, domain=domain)) <= 64
