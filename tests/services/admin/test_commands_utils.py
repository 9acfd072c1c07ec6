"""utils ntp, core, system and dbreplication; a restart of a whole node."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsim.errors import RefusedError
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER as LAB_PUBLISHER
from tests.fixtures.clusters import SUBSCRIBER as LAB_SUBSCRIBER
from tests.fixtures.clusters import Lab
from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER, SUBSCRIBER


async def test_the_time_comes_from_the_machine_or_the_publisher(
    desk: Desk, subscriber_desk: Desk
) -> None:
    shown = await desk.give("utils ntp status")
    assert "\n*127.127.1.0     .LOCL." in shown
    assert "synchronised to local net at stratum 11\n" in shown
    assert "Current time in UTC is : Wed Feb 26 18:24:27 UTC 2014\n" in shown
    shown = await subscriber_desk.give("utils ntp status")
    assert "synchronised to NTP server (192.0.2.1) at stratum 12\n" in shown


async def test_nothing_leaves_core_files(desk: Desk) -> None:
    assert await desk.give("utils core active list") == "No core files found.\n"


@pytest.mark.parametrize("verb", ["restart", "shutdown"])
async def test_a_node_goes_down_after_a_yes_and_the_session_ends(desk: Desk, verb: str) -> None:
    shown = await desk.give(f"utils system {verb}", ["no"])
    assert shown == f"\nDo you really want to {verb} ?\n\nEnter (yes/no)? no\n"
    assert (desk.operations.acted, desk.outcome.leaves) == ([], False)
    assert "\nStopping Service Manager...\n" in await desk.give(f"utils system {verb}", ["yes"])
    assert (desk.operations.acted, desk.outcome.leaves) == ([("", "node", verb)], True)


async def test_replication_says_how_far_behind_the_node_is(desk: Desk) -> None:
    desk.operations.network.silent = {2445}
    desk.context.view.replace(replace(desk.context.view.replica, version=0))
    shown = await desk.give("utils dbreplication runtimestate")
    versions = desk.context.store.version - desk.context.view.replica.version
    assert f"Cluster Replication State: {versions} versions behind\n" in shown
    assert f"Cluster Detailed View from {PUBLISHER} (2 Servers):\n" in shown
    first, second = shown.splitlines()[-2:]
    assert first.split() == [
        PUBLISHER, "192.0.2.1", "0.000", "Y/Y/Y", str(versions), "(g_2)", "(2)", "Setup",
        "Completed",
    ]  # fmt: skip
    assert second.startswith(SUBSCRIBER)
    assert second.endswith("(4) Setup Failed")


async def test_a_status_check_leaves_a_file(desk: Desk, tmp_path: Path) -> None:
    desk.operations.logs = tmp_path
    desk.context.view.replace(replace(desk.context.view.replica, version=0))
    shown = await desk.give("utils dbreplication status")
    name = "cm/trace/dbl/sdi/ReplicationStatus.2014_02_26_18_24_27.out"
    assert f"The final output will be in file {name}\n" in shown
    text = await desk.give(f"file view activelog {name}", "q")
    assert "Mismatch found\n" in text


@pytest.mark.usefixtures("quiet")
async def test_a_restarted_node_comes_up_with_what_is_activated(lab: Lab) -> None:
    async with lab.running() as cluster:
        desk = cluster.command_lines[LAB_SUBSCRIBER].operations
        before = desk.started
        give = at_node(cluster, LAB_SUBSCRIBER)
        await give("utils service deactivate Cisco Tftp")
        await give("utils service stop Cisco Trust Verification Service")
        await give("utils system restart", ["yes"])
        with pytest.raises(RefusedError, match="already going down"):
            desk.restart_node()
        await cluster.powers[LAB_SUBSCRIBER].finished()
        states = {one.name: one.is_started for one in desk.services()}
        assert (states["tvs"], states["tftp"], states["http"]) == (True, False, False)
        assert desk.started > before
        await at_node(cluster, LAB_PUBLISHER)("utils system shutdown", ["y"])
        await cluster.powers[LAB_PUBLISHER].finished()
        states = {
            one.name: one.is_started
            for one in cluster.command_lines[LAB_PUBLISHER].operations.services()
        }
        assert not any(states.values())
        shown = await at_node(cluster, LAB_SUBSCRIBER)("utils dbreplication runtimestate")
    assert "Replication is up to date\n" in shown
    assert timedelta(0) < desk.started - before
