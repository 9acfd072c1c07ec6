"""`cucmsim clock`: the hold timer, the restart, several processes, and what is refused."""

import asyncio
import json
from datetime import timedelta

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.errors import RefusedError
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.regeneration import regenerate_certificate
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab, Outcome

pytestmark = pytest.mark.usefixtures("quiet")


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "clock", "CONFIG", *arguments)


def shown_by(cluster: Cluster) -> timedelta:
    return cluster.operator().clock.now() - cluster.status().started


async def test_nobody_waits_for_the_hold_timer(any_lab: Lab) -> None:
    # seed 003: "TVS certificate was modified in the last 5 minutes"
    any_lab.release = "10.5"
    async with any_lab.running() as cluster:
        await regenerate_certificate(cluster.operator(), PUBLISHER, Unit.TVS)
        with pytest.raises(RefusedError, match="in the last 5 minutes"):
            await regenerate_certificate(cluster.operator(), PUBLISHER, Unit.CALLMANAGER)
        moved = await cli(any_lab, "--advance", "5m")
        assert (moved.status, moved.errors) == (0, "")
        assert moved.output.endswith(" UTC, 0:05:00 ahead\n")
        await regenerate_certificate(cluster.operator(), PUBLISHER, Unit.CALLMANAGER)


async def test_the_clock_is_shown_and_stays_ahead_over_a_restart_and_a_pruning(lab: Lab) -> None:
    async with lab.running():
        assert (await cli(lab)).output.endswith(" UTC, 0:00:00 ahead\n")
        await cli(lab, "--advance", "1d12h")
    async with lab.running(prune=True):
        report = json.loads((await cli(lab, "--json")).output)
        assert report["ahead_s"] == 36 * 3600


async def test_every_process_of_the_cluster_follows(postgres_lab: Lab) -> None:
    async with postgres_lab.running(PUBLISHER), postgres_lab.running(SUBSCRIBER) as subscriber:
        assert (await cli(postgres_lab, "--advance", "90s")).status == 0
        assert shown_by(subscriber) >= timedelta(seconds=90)


@pytest.mark.parametrize("text", ["5", "m", "-5m", "5m ", "1y", "", "\u0665m", "9" * 10 + "s"])
def test_a_time_that_is_none_is_a_wrong_usage(lab: Lab, text: str) -> None:
    lab.write()
    refused = lab.cli("clock", "CONFIG", "--advance", text)
    assert (refused.status, refused.output) == (2, "")
    assert "expected numbers with s, m, h, d or w behind, such as 5m or 1d12h" in refused.errors


def test_a_time_no_calendar_has_is_a_wrong_usage(lab: Lab) -> None:
    lab.write()
    refused = lab.cli("clock", "CONFIG", "--advance", "999999999w")
    assert refused.status == 2
    assert "too far" in refused.errors


async def test_too_far_and_not_at_all_are_refused(lab: Lab) -> None:
    async with lab.running():
        assert (await cli(lab, "--advance", "200000d")).status == 1
        assert (await cli(lab, "--advance", "0s")).status == 1
        await cli(lab, "--advance", "18000d")
        refused = await cli(lab, "--advance", "18000d")
    assert refused.errors == (
        "cucmsim: the clock would be 36000 days ahead, expected 18250 at most\n"
    )


def test_no_cluster_is_unreachable(lab: Lab) -> None:
    lab.write()
    assert lab.cli("clock", "CONFIG").status == 69
