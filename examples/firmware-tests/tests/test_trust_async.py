"""Async tests: what takes time is awaited; the cluster runs on a loop of its own."""

import asyncio

import pytest

from cucmsim.testing import AsyncClusterUnderTest, AsyncCucm, AsyncPhoneUnderTest


async def test_a_phone_asks_tvs_about_a_new_tomcat_certificate(
    cucm_phone: AsyncPhoneUnderTest, cucm_cluster: AsyncClusterUnderTest
) -> None:
    await cucm_phone.boot()
    assert await cucm_phone.trusts("tomcat")
    assert (await cucm_cluster.wait_for(service="tvs", device=cucm_phone.name)).answer


@pytest.mark.cucm(phones=["8861", "8845", "7962"])
async def test_phones_boot_at_the_same_time(
    cucm: AsyncCucm, cucm_cluster: AsyncClusterUnderTest
) -> None:
    phones = [await cucm.phone(cucm_cluster, name) for name in cucm_cluster.phones]
    summaries = await asyncio.gather(*(phone.boot() for phone in phones))
    assert [summary.registered for summary in summaries] == ["cucm-pub"] * 3


async def test_a_phone_does_not_follow_to_another_cluster_by_itself(cucm: AsyncCucm) -> None:
    old = await cucm.cluster("old", nodes=1)
    new = await cucm.cluster("new", nodes=1, release="12.5")
    phone = await cucm.phone(old)
    await phone.boot()
    await phone.move(new)
    await phone.boot()
    assert phone.is_locked
    await phone.erase_trust_lists()
    assert (await phone.boot()).registered == "new-pub"


@pytest.mark.cucm(
    nodes=2, faults=[{"kind": "service-down", "service": "callmanager", "node": "cucm-pub"}]
)
async def test_a_phone_registers_with_the_subscriber(cucm_phone: AsyncPhoneUnderTest) -> None:
    await cucm_phone.boot()
    assert await cucm_phone.wait_registered("cucm-sub") == "cucm-sub"
