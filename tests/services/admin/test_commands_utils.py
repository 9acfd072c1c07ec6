"""utils ntp, core, system and dbreplication; a restart of a whole node."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.replication import Replications
from cucmsim.services.view import View
from cucmsim.store.presence import Presence
from cucmsim.store.replica import Replica
from cucmsim.store.rows import ProcessNode
from cucmsim.store.store import Store
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


def told(desk: Desk, version: int) -> Presence:
    """Return what the subscriber told when it answered from that version."""
    at = desk.context.clock.now()
    return Presence(SUBSCRIBER, "host", 1, "1.0", at, at, version)


async def test_replication_says_how_far_behind_each_node_is(desk: Desk) -> None:
    newest = desk.context.store.version
    desk.context.view.replace(replace(desk.context.view.replica, version=newest - 1))
    shown = await desk.give("utils dbreplication runtimestate")
    assert shown.splitlines()[-1].split() == [
        SUBSCRIBER, "192.0.2.2", "0.000", "N/Y/N", "-", "(g_3)", "(0)", "Initializing",
    ]  # fmt: skip
    await desk.context.store.put_presence([told(desk, newest - 3)])
    shown = await desk.give("utils dbreplication runtimestate")
    behind = f"{PUBLISHER} 1 versions behind, {SUBSCRIBER} 3 versions behind"
    assert f"Cluster Replication State: {behind}\n" in shown
    assert f"Cluster Detailed View from {PUBLISHER} (2 Servers):\n" in shown
    assert [line.split() for line in shown.splitlines()[-2:]] == [
        [PUBLISHER, "192.0.2.1", "0.000", "Y/Y/Y", "1", "(g_2)", "(2)", "Setup", "Completed"],
        [SUBSCRIBER, "192.0.2.2", "0.000", "Y/Y/Y", "3", "(g_3)", "(2)", "Setup", "Completed"],
    ]
    desk.operations.network.silent = {2445}
    shown = await desk.give("utils dbreplication runtimestate")
    assert shown.splitlines()[-1].split()[2:5] == ["Failed", "Y/N/Y", "3"]


async def test_without_the_database_nobody_is_known_to_be_up_to_date(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "is_connected", False)
    shown = await desk.give("utils dbreplication runtimestate")
    version = desk.context.view.replica.version
    assert f"the database does not answer; version {version} is served, and what changed" in shown
    assert [line.split()[3:] for line in shown.splitlines()[-2:]] == [
        ["N/Y/N", "-", "(g_2)", "(4)", "Setup", "Failed"],
        ["N/Y/N", "-", "(g_3)", "(3)", "Out", "of", "Sync"],
    ]
    assert "DBSub not authenticated\n" in await desk.give("show network cluster")


def test_a_node_that_is_not_run_or_is_silent_is_told_apart() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    presence = Presence("sub", "host", 1, "1.0", at, at, 7, is_alive=True)
    node = ProcessNode(name="sub", host="sub", address="192.0.2.2")
    states = {}
    for age_s, is_alive in ((0, True), (60, True), (60, False)):
        one = replace(presence, age_s=age_s, is_alive=is_alive)
        known = Replications("pub", View(Replica(version=9)), 8, {"sub": one})
        found = known.of(node, answers=False)
        states[age_s, is_alive] = (found.state.value, found.queue, found.letters)
    assert states == {
        (0, True): (2, 2, "Y/N/Y"),
        (60, True): (3, 2, "Y/N/N"),
        (60, False): (4, 2, "N/N/N"),
    }


async def test_a_status_check_leaves_a_file(desk: Desk, tmp_path: Path) -> None:
    desk.operations.logs = tmp_path
    desk.context.view.replace(replace(desk.context.view.replica, version=0))
    shown = await desk.give("utils dbreplication status")
    name = "cm/trace/dbl/sdi/ReplicationStatus.2014_02_26_18_24_27.out"
    assert f"The final output will be in file {name}\n" in shown
    text = await desk.give(f"file view activelog {name}", "q")
    assert "Mismatch found\n" in text


async def test_replication_is_mended_by_reading_anew(clerk: Desk, subscriber_clerk: Desk) -> None:
    view = clerk.context.view
    newest = view.replica.version
    view.replace(replace(view.replica, version=0))
    shown = await clerk.give("utils dbreplication reset all")
    assert f"Replication is up to date: version {newest}\n" in shown
    assert view.replica.version == newest
    assert clerk.outcome.succeeded
    await subscriber_clerk.give("utils dbreplication repair cucm-sub")
    assert subscriber_clerk.outcome.succeeded
    assert "publisher" in await subscriber_clerk.give("utils dbreplication forcedatasyncsub all")
    await clerk.give("utils dbreplication clusterreset")
    assert clerk.outcome.succeeded
    assert "nobody is not a node" in await clerk.give("utils dbreplication reset nobody")
    assert "one database" in await clerk.give("utils dbreplication stop all")
    assert not clerk.outcome.succeeded


async def test_numbers_of_replication_hold_for_the_cluster(
    clerk: Desk, subscriber_clerk: Desk
) -> None:
    for desk in (clerk, subscriber_clerk):
        shown = await desk.give("utils dbreplication runtimestate")
        assert "Repltimeout set to: 300s\nPROCESS option set to: 1\n" in shown
    await clerk.give("utils dbreplication setrepltimeout 600")
    await clerk.give("utils dbreplication setprocess 40")
    shown = await subscriber_clerk.give("utils dbreplication runtimestate")
    assert "Repltimeout set to: 600s\nPROCESS option set to: 40\n" in shown
    for wrong in ("299", "3601", "x", "٣٠٠", "9" * 200):
        refused = await clerk.give(f"utils dbreplication setrepltimeout {wrong}")
        assert refused.startswith(
            "Enter valid values for the number. \nSuggested values are 300 to"
        )


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
