"""`cucmsim status` and `cucmsim stop`: what they print and their exit status."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest

from cucmsim.cli import status
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction
from cucmsim.services.operations.upgrade import begin_upgrade, finish_upgrade
from cucmsim.services.operations.versions import Version
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab, Outcome


@pytest.fixture
async def cluster(lab: Lab, quiet: None) -> AsyncIterator[Cluster]:
    del quiet  # in place before it starts
    async with lab.running() as running:
        yield running


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, *arguments)


@pytest.mark.usefixtures("cluster")
async def test_status_shows_every_service(lab: Lab) -> None:
    shown = await cli(lab, "status", "CONFIG")
    assert (shown.status, shown.errors) == (0, "")
    assert shown.output.startswith("LabCluster: release 11.5(1), non-secure, 2 phones; process ")
    here, _, whole = shown.output.partition("\n\n")
    rows = [line.split() for line in here.splitlines()[2:]]
    services = ("tvs", "capf", "tftp", "http", "callmanager", "web", "ssh")
    assert [(row[0], row[3], row[4]) for row in rows] == [
        *((PUBLISHER, service, "started") for service in services),
        *((SUBSCRIBER, service, "started") for service in services if service != "capf"),
    ]
    assert whole.count("(2) Setup Completed  all started") == 2


async def test_status_tells_the_versions_of_nodes_that_were_upgraded(
    lab: Lab, cluster: Cluster
) -> None:
    version = Version.parse("12.5.1.10000-22")
    for node in (PUBLISHER, SUBSCRIBER):
        await begin_upgrade(cluster.operator(), node, version)
        if node == PUBLISHER:
            await finish_upgrade(cluster.operator(), node)
    shown = await cli(lab, "status", "CONFIG")
    assert shown.output.splitlines()[1:3] == [
        f"{PUBLISHER}: version 11.5.1.10000-1, {version} is inactive",
        f"{SUBSCRIBER}: version 11.5.1.10000-1, {version} is being installed",
    ]


@pytest.mark.usefixtures("cluster")
async def test_status_is_json_on_demand_and_silent_on_demand(lab: Lab) -> None:
    (report,) = json.loads((await cli(lab, "status", "CONFIG", "--json")).output)
    assert report["devices"] == 2
    assert [node["is_alive"] for node in report["whole"]["nodes"]] == [True, True]
    assert await cli(lab, "status", "CONFIG", "--quiet") == Outcome(0, "", "")


async def test_a_stopped_service_is_answered_with_1(lab: Lab, cluster: Cluster) -> None:
    await cluster.act_on_service(PUBLISHER, "tvs", ServiceAction.STOP)
    shown = await cli(lab, "status", "CONFIG")
    assert shown.status == 1
    assert "stopped" in shown.output


@pytest.mark.parametrize("command", ["status", "stop"])
def test_no_cluster_is_unreachable(lab: Lab, command: str) -> None:
    lab.write()
    ended = lab.cli(command, "CONFIG")
    assert (ended.status, ended.output) == (69, "")
    assert ended.errors == (
        f"cucmsim: no cluster runs in {lab.data}; `cucmsim run {lab.config}` starts it\n"
    )


def leave_socket(lab: Lab, name: str) -> None:
    """Leave a socket as a killed process does."""
    lab.data.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(lab.data / f"{name}.sock"))


@pytest.mark.parametrize("command", ["status", "stop"])
def test_a_killed_cluster_is_unreachable(lab: Lab, command: str) -> None:
    lab.write()
    leave_socket(lab, "cluster")
    ended = lab.cli(command, "CONFIG")
    assert (ended.status, ended.output) == (69, "")
    assert f"no cluster answers on {lab.data / 'cluster.sock'}" in ended.errors


@pytest.mark.usefixtures("cluster")
async def test_a_process_that_was_killed_beside_one_that_runs_is_answered_with_1(lab: Lab) -> None:
    leave_socket(lab, "cucm-old")
    shown = await cli(lab, "status", "CONFIG")
    assert shown.status == 1
    assert "LabCluster" in shown.output
    assert "cucm-old.sock" in shown.errors
    assert (await cli(lab, "status", "CONFIG", "--quiet")).errors == ""


async def test_a_process_that_does_not_end_in_time_is_told(
    lab: Lab, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_STOP_S", 0.0)
    ended = await cli(lab, "stop", "CONFIG")
    assert ended.status == 1
    assert "has not ended after 0 s" in ended.errors
    await cluster.wait_stopped()
