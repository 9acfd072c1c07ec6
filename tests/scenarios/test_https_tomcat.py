"""Scenario https-tomcat: TVS vouches for the directory's certificate, for a day (seed 000)."""

import pytest

from cucmsim.phone.values import PhoneIdentity
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, OLD, TFTP, TVS, Administrator, Handset, asked

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])

pytestmark = pytest.mark.usefixtures("quiet")


async def test_https_tomcat_shows_on_the_console_as_in_seed_000(phones: PhoneLab) -> None:
    async with phones.lab.running():
        handset = Handset(OLD, phones.network())
        await handset.boot()
        await handset.press_directories()
        first = handset.says(
            "EROR:https_cert_vfy: HTTPS cert not in CTL",
            "lookupAuthCertTvsCacheEntry: No matching entry found at cache",
            "Authentication Response received, status : 0",
            "Saving certificate in TVS cache with default time-to-live value: 86400 seconds",
            "Authenticated the HTTPS conn via TVS",
        )
        second = await handset.press_directories()

    assert first
    assert not any("Authentication Response received" in line for line in second)
    assert not any("connectToTvsServer" in line for line in second)


@BOTH
async def test_https_tomcat_shows_host_not_found_where_tvs_cannot_be_asked(
    single: PhoneLab, identity: PhoneIdentity
) -> None:
    async with single.lab.running() as cluster:
        handset, admin = Handset(identity, single.network()), Administrator(cluster)
        await handset.boot()
        await admin.prepare_rollback()
        await admin.restart(TVS, TFTP)
        await handset.boot()
        await handset.press_directories()

    assert handset.phone.browser.screen.failure == "Host Not Found"
    assert asked(cluster, "tvs") == []


@BOTH
async def test_https_tomcat_is_vouched_for_anew_after_it_was_regenerated(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    async with phones.lab.running() as cluster:
        handset, admin = Handset(identity, phones.network()), Administrator(cluster)
        await handset.boot()
        await handset.press_directories()
        for unit in ("tomcat", "tomcat-ECDSA"):
            await admin.regenerate(unit)
        await admin.restart("Cisco Tomcat")
        await handset.press_directories()

    assert len(asked(cluster, "tvs")) == 2
    assert handset.phone.browser.screen.title == "Directories"
