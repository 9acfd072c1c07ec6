"""A phone over TLS whose member shows a certificate that is in none of its trust lists asks TVS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cucmsim.clock import SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.entropy import SystemEntropy
from cucmsim.phone.device import PhoneOptions
from cucmsim.phone.factory import make_mic
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import NEW, TVS, Administrator, Handset, asked

CALLMANAGER = "Cisco CallManager"
SECURE_PHONE = f"""
[[phones]]
mac = "{NEW.mac}"
model = "{NEW.model}"
protocol = "SIP"
lines = ["2002"]
device_security_mode = "authenticated"
"""
HELD_S = 301

pytestmark = pytest.mark.usefixtures("quiet")


@asynccontextmanager
async def registered_over_tls(
    lab: PhoneLab, clock: MovedClock
) -> AsyncIterator[tuple[Cluster, Administrator, Handset]]:
    """Run a mixed cluster with a phone that is registered over TLS by its MIC."""
    lab.lab.mode, lab.lab.phones = "mixed", SECURE_PHONE
    mic = make_mic(NEW, SystemEntropy(), SystemClock().now())
    async with lab.lab.running(clock=clock) as cluster:
        handset = Handset(
            NEW, lab.network(), clock=clock, options=PhoneOptions(mic=mic), registering=True
        )
        await handset.phone.start()
        try:
            assert (await handset.boot()).registered == PUBLISHER
            assert cluster.registrations[PUBLISHER].held[NEW.name].is_tls
            yield cluster, Administrator(cluster), handset
        finally:
            await handset.phone.close()


async def test_a_member_that_tvs_vouches_for_is_registered_with(phones: PhoneLab) -> None:
    async with registered_over_tls(phones, MovedClock()) as (cluster, admin, handset):
        lists = handset.flash.ctl, handset.flash.itl
        await admin.regenerate("CallManager")
        await admin.restart(CALLMANAGER)
        before = len(asked(cluster, "tvs"))
        summary = await handset.boot()

        assert (handset.flash.ctl, handset.flash.itl) == lists
        assert len(asked(cluster, "tvs")) == before + 1
        assert summary.registered == PUBLISHER
        assert cluster.registrations[PUBLISHER].held[NEW.name].is_tls


async def test_a_member_that_no_trusted_tvs_vouches_for_is_not_registered_with(
    single: PhoneLab,
) -> None:
    clock = MovedClock()
    async with registered_over_tls(single, clock) as (cluster, admin, handset):
        lists = handset.flash.ctl, handset.flash.itl
        await admin.regenerate("CallManager")
        clock.ahead_s = HELD_S
        assert "Successfully" in (await admin.regenerate("TVS"))[0]
        await admin.restart(CALLMANAGER, TVS)
        summary = await handset.boot()

        assert (handset.flash.ctl, handset.flash.itl) == lists
        assert asked(cluster, "tvs") == []
        assert summary.registered is None
        assert summary.failure == "no member shows a certificate that is trusted"
        assert cluster.registrations[PUBLISHER].held == {}
