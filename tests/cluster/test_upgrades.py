"""Upgrades of running clusters: the API, what nodes do by themselves, restarts of the process."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cucmsim.cluster import upgrades
from cucmsim.cluster.cluster import Cluster
from cucmsim.errors import StoreError
from cucmsim.formats.trustlist import ITL_FILENAME, decode_trust_list
from cucmsim.services.operations.clockmove import advance_clock
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.upgrade import (
    INSTALLATION_TIME,
    begin_upgrade,
    finish_upgrade,
    switch_version,
)
from cucmsim.services.operations.versions import Sides, Version, is_upgrading, sides_of
from tests.cluster.test_operationsapi import api_of
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab
from tests.fixtures.sftpservers import PASSWORD, USER, serving
from tests.fixtures.upgrades import restarted, switch, upgrade

IMAGE, NUMBER = "UCSInstall_UCOS_12.5.1.13900-152.sgn.iso", "12.5.1.13900-152"
VERSION, OLD = Version.parse(NUMBER), "11.5.1.10000-1"

pytestmark = pytest.mark.usefixtures("quiet")


async def installed(cluster: Cluster, node: str) -> None:
    """Wait until what is being installed on a node is."""
    changed = asyncio.Event()
    unsubscribe = cluster.view.subscribe(lambda _old, _new: changed.set())
    async with asyncio.timeout(60):
        while is_upgrading(cluster.view.replica, node):
            changed.clear()
            await changed.wait()
    unsubscribe()


async def test_the_api_installs_cancels_and_switches_and_status_tells_it(lab: Lab) -> None:
    async with lab.running() as cluster, api_of(cluster) as api:
        node = {"node": PUBLISHER}
        begun = (await api.post("/operations/upgrade", json={**node, "image": IMAGE})).json()
        held_back = await at_node(cluster, PUBLISHER)("set timezone Europe/Warsaw")
        cancelled = (await api.post("/operations/upgrade/cancel", json=node)).json()
        refused = await api.post("/operations/switch-version", json=node)
        no_image = await api.post("/operations/upgrade", json={**node, "image": "x.iso"})
        await upgrade(cluster, NUMBER, PUBLISHER)
        upgraded = (await api.get("/status")).json()

        async def switch_back() -> None:
            await api.post("/operations/switch-version", json=node)

        await restarted(cluster.powers[PUBLISHER], switch_back)
        status = (await api.get("/status")).json()

    assert begun == {"active": OLD, "inactive": None, "installing": NUMBER}
    assert "This command is not allowed during an upgrade.\n" in held_back
    assert cancelled == {"active": OLD, "inactive": None, "installing": None}
    assert (refused.status_code, no_image.status_code) == (409, 409)
    assert "expected for example UCSInstall_UCOS_" in no_image.json()["detail"]
    assert (upgraded["release"], status["release"]) == ("12.5(1)SU3", "11.5(1)")
    assert [one["versions"] for one in status["nodes"]] == [
        {"active": OLD, "inactive": NUMBER, "installing": None},
        {"active": OLD, "inactive": None, "installing": None},
    ]


async def test_the_command_line_upgrades_from_an_sftp_server(lab: Lab, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / IMAGE).write_bytes(b"")
    async with lab.running() as cluster, serving(images) as server:
        where = ["1", "", f"{server.host}:{server.port}", USER, PASSWORD]
        begun = asyncio.Event()
        cluster.view.subscribe(lambda _, new: begun.set() if is_upgrading(new, PUBLISHER) else None)
        line = at_node(cluster, PUBLISHER)
        answers = [*where, "1", "no", "yes"]
        given = asyncio.ensure_future(line("utils system upgrade initiate", answers))
        async with asyncio.timeout(60):
            await begun.wait()
            await advance_clock(cluster.operator(), INSTALLATION_TIME)
            shown = await given

        async def give_switch() -> None:
            await line("utils system switch-version", ["yes"])

        await restarted(cluster.powers[PUBLISHER], give_switch)
        version = await at_node(cluster, PUBLISHER)("show version active")
        certificates = await at_node(cluster, PUBLISHER)("show cert list own")

    assert shown.endswith("Please switch versions to activate the upgrade.\n")
    assert version.startswith(f"Active Master Version: {NUMBER}\n")
    assert "ITLRecovery/ITLRecovery.pem" in certificates


async def test_versions_and_an_installation_last_over_restarts_of_the_process(
    any_lab: Lab,
) -> None:
    async with any_lab.running() as cluster:
        await begin_upgrade(cluster.operator(), PUBLISHER, VERSION, switches=True)
        await advance_clock(cluster.operator(), INSTALLATION_TIME / 2)
        before = cluster.view.replica
    async with any_lab.running() as cluster:
        assert is_upgrading(cluster.view.replica, PUBLISHER)

        async def wait() -> None:
            await advance_clock(cluster.operator(), INSTALLATION_TIME / 2)

        await restarted(cluster.powers[PUBLISHER], wait)
    async with any_lab.running() as cluster:
        after = cluster.view.replica
        release = cluster.command_lines[PUBLISHER].operations.operator().release
    assert before.own.items() <= after.own.items()
    assert sides_of(after, PUBLISHER) == Sides(VERSION, Version.parse(OLD))
    assert sides_of(after, SUBSCRIBER) == Sides(Version.parse(OLD))
    assert release == VERSION.release


async def test_another_release_in_the_description_is_an_upgrade_of_every_node(lab: Lab) -> None:
    lab.release = "9.1"
    async with lab.running() as cluster:
        nine = cluster.view.replica
    lab.release = "12.5"
    async with lab.running() as cluster:
        twelve = cluster.view.replica
        await switch(cluster, PUBLISHER)
    async with lab.running() as cluster:
        kept = sides_of(cluster.view.replica, PUBLISHER)
    old, new = Version.parse("9.1.1.10000-1"), Version.parse("12.5.1.10000-1")
    assert sides_of(twelve, PUBLISHER) == sides_of(twelve, SUBSCRIBER) == Sides(new, old)
    assert nine.own.items() <= twelve.own.items()
    assert (PUBLISHER, "ITLRecovery") in twelve.own.keys() - nine.own.keys()
    assert kept == Sides(old, new)  # what was switched since counts, the description is the same


async def test_the_node_s_own_process_finishes_what_the_publisher_s_began(
    postgres_lab: Lab,
) -> None:
    async with postgres_lab.running(PUBLISHER) as first, postgres_lab.running(SUBSCRIBER) as second:
        await upgrade(first, NUMBER, PUBLISHER)
        await begin_upgrade(first.operator(), SUBSCRIBER, VERSION)
        await advance_clock(first.operator(), INSTALLATION_TIME)
        await installed(second, SUBSCRIBER)

        async def order() -> None:
            await switch_version(first.operator(), SUBSCRIBER)

        await restarted(second.powers[SUBSCRIBER], order)
        assert second.operator(SUBSCRIBER).release == VERSION.release
        states = {one.state for one in second.nodes[SUBSCRIBER].services()}
    assert states == {"started"}


async def test_a_store_that_fails_at_the_end_is_asked_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [StoreError("the database is away")]

    async def finish(operator: Operator, node: str) -> Sides:
        if faults:
            raise faults.pop()
        return await finish_upgrade(operator, node)

    monkeypatch.setattr(upgrades, "finish_upgrade", finish)
    monkeypatch.setattr(upgrades, "_RETRY_S", 0)
    async with lab.running() as cluster:
        await begin_upgrade(cluster.operator(), PUBLISHER, VERSION)
        await advance_clock(cluster.operator(), INSTALLATION_TIME)
        await installed(cluster, PUBLISHER)
        assert sides_of(cluster.view.replica, PUBLISHER).inactive == VERSION
    assert faults == []


async def test_a_switch_waits_for_a_restart_that_is_under_way(lab: Lab) -> None:
    async with lab.running() as cluster:
        await begin_upgrade(cluster.operator(), PUBLISHER, VERSION)
        await finish_upgrade(cluster.operator(), PUBLISHER)
        cluster.powers[PUBLISHER].restart()
        await switch_version(cluster.operator(), PUBLISHER)
        async with asyncio.timeout(60):
            while not await is_signed_by_itlrecovery(cluster):
                await asyncio.to_thread(tuple)  # lets the loop turn
            await cluster.powers[PUBLISHER].finished()
        states = {one.state for one in cluster.nodes[PUBLISHER].services()}
    assert states == {"started"}


async def test_a_node_that_is_taken_out_of_the_cluster_is_left_alone(lab: Lab) -> None:
    async with lab.running() as cluster:
        held = cluster.view.replica
        others = {
            key: value for key, value in held.service_parameters.items() if key[0] != SUBSCRIBER
        }
        cluster.view.replace(replace(held, service_parameters=others))
        cluster.view.replace(held)
        await upgrade(cluster, NUMBER, PUBLISHER, SUBSCRIBER)
        assert sides_of(cluster.view.replica, SUBSCRIBER).active == VERSION


async def is_signed_by_itlrecovery(cluster: Cluster) -> bool:
    itl = await cluster.command_lines[PUBLISHER].operations.tftp_file(ITL_FILENAME)
    return itl is not None and b"ITLRECOVERY" in decode_trust_list(itl).header.signer.name
