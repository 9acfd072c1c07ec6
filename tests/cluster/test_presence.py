"""What each process tells the others about its nodes."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.errors import ClaimedError, PublisherAwayError
from cucmsim.services.operations.clockmove import advance_clock
from cucmsim.services.operations.servicecontrol import ServiceAction
from cucmsim.store.presence import Presence
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

pytestmark = pytest.mark.usefixtures("quiet")

Told = Mapping[str, Presence]


async def told_until(cluster: Cluster, holds: Callable[[Told], bool]) -> Told:
    """Return what is told as soon as it is as wanted."""
    store = cluster.operator().store
    async with asyncio.timeout(10):
        while not holds(told := {one.node: one for one in await store.read_presence()}):  # noqa: ASYNC110  what is watched announces nothing
            await asyncio.sleep(0.02)
        return told


async def test_a_change_of_the_replica_and_of_a_service_is_told_at_once(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        told = await told_until(cluster, lambda told: len(told) == 2)
        assert all(one.is_alive for one in told.values())
        served = {list_.node: list_.itl for list_ in await cluster.trust_lists()}
        assert {node: one.itl for node, one in told.items()} == served
        await cluster.act_on_service(SUBSCRIBER, "tvs", ServiceAction.STOP)
        async with asyncio.timeout(3), cluster.operator().store.transaction() as transaction:
            await transaction.set_enterprise_parameter("A", "1")
        async with asyncio.timeout(3):  # sooner than the next of those every 5 s
            told = await told_until(
                cluster, lambda told: told[SUBSCRIBER].services["tvs"] == "stopped"
            )
            await told_until(
                cluster,
                lambda told: (
                    {one.version for one in told.values()} == {cluster.view.replica.version}
                ),
            )
        assert told[PUBLISHER].services["tvs"] == "started"


async def test_a_node_started_twice_is_refused_and_the_first_serves_on(
    postgres_lab: Lab, tmp_path: Path
) -> None:
    twin = replace(postgres_lab, directory=tmp_path / "twin")
    twin.directory.mkdir()
    async with postgres_lab.running(PUBLISHER) as first:
        async with postgres_lab.running(SUBSCRIBER):
            with pytest.raises(ClaimedError, match=f"node {SUBSCRIBER} runs already: cucmsim pid"):
                async with twin.running(SUBSCRIBER):
                    pass
            told = await told_until(first, lambda told: len(told) == 2)
            assert told[SUBSCRIBER].is_alive
        told = await told_until(first, lambda told: not told[SUBSCRIBER].is_alive)
        assert told[PUBLISHER].is_alive


async def test_a_process_whose_node_was_taken_over_stops_and_says_so(
    postgres_lab: Lab, tmp_path: Path
) -> None:
    twin = replace(postgres_lab, directory=tmp_path / "twin")
    twin.directory.mkdir()
    async with postgres_lab.running() as older:
        store = older.operator().store
        listener = store._listener
        assert listener is not None
        listener._retry_s = 1.0
        admin = await store._database.listen("a test")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
            store._claims.label,
        )
        await admin.close()
        async with twin.running(SUBSCRIBER), asyncio.timeout(10):
            with pytest.raises(ClaimedError, match="taken over by another process"):
                await older.wait_stopped()


async def test_while_nobody_runs_the_publisher_a_subscriber_changes_nothing_but_its_own(
    postgres_lab: Lab,
) -> None:
    async with AsyncExitStack() as publisher:
        await publisher.enter_async_context(postgres_lab.running(PUBLISHER))
        async with postgres_lab.running(SUBSCRIBER) as subscriber:
            give = at_node(subscriber, SUBSCRIBER)
            regen = ("set cert regen TVS", ["yes"])
            assert "Successfully Regenerated Certificate for TVS" in await give(*regen)
            await publisher.aclose()
            before = await subscriber.operator().store.load_replica()
            said = f"The publisher, {PUBLISHER}, is not available. Changes cannot be made until it"
            assert said in await give(*regen)
            with pytest.raises(PublisherAwayError, match=said):
                await advance_clock(subscriber.operator(), timedelta(seconds=1))
            assert (await subscriber.operator().store.load_replica()) == before
            assert "Using timezone" in await give("set timezone America/Chicago")
            shown = await give("utils dbreplication runtimestate")
            assert f"{PUBLISHER} not replicating\n" in shown
            async with postgres_lab.running(PUBLISHER):
                assert "Successfully Regenerated Certificate for TVS" in await give(*regen)
