"""Nodes and services that a fault takes down, and what becomes of them when it is cleared."""

import asyncio
from collections.abc import Callable

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction, ServiceState
from cucmsim.errors import RefusedError
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultRule
from cucmsim.services.journal import Exchange
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab

pytestmark = pytest.mark.usefixtures("quiet")

TVS_DOWN = FaultRule(FaultKind.SERVICE_DOWN, node=PUBLISHER, service="tvs")


def running(cluster: Cluster, node: str) -> set[str]:
    services = cluster.nodes[node].services()
    return {one.name for one in services if one.state is ServiceState.STARTED}


async def told(cluster: Cluster, change: Callable[[], object], count: int) -> list[Exchange]:
    """Change the plan; return the next so many exchanges of the journal."""
    inbox: asyncio.Queue[Exchange] = asyncio.Queue()
    end = cluster.journal.subscribe(inbox.put_nowait)
    change()
    async with asyncio.timeout(20):
        found = [await inbox.get() for _ in range(count)]
    end()
    return found


async def test_a_service_is_down_while_the_plan_says_so(lab: Lab) -> None:
    async with lab.running() as cluster:
        before = running(cluster, PUBLISHER)
        (down,) = await told(cluster, lambda: cluster.faults.add(TVS_DOWN), 1)
        assert running(cluster, PUBLISHER) == before - {"tvs"}
        assert "tvs" in running(cluster, SUBSCRIBER)
        assert (down.node, down.service, down.answer) == (PUBLISHER, "tvs", "down")
        assert down.fault == "service-down (fault 1)"
        with pytest.raises(RefusedError, match="tvs of cucm-pub is down by a fault of the plan"):
            await cluster.act_on_service(PUBLISHER, "tvs", ServiceAction.RESTART)
        (up,) = await told(cluster, cluster.faults.clear, 1)
        assert (up.request, up.answer, up.fault) == ("fault cleared", "up", down.fault)
        assert running(cluster, PUBLISHER) == before


async def test_what_an_administrator_stopped_stays_so_when_the_node_is_up_again(lab: Lab) -> None:
    async with lab.running() as cluster:
        parts = cluster.nodes[SUBSCRIBER].parts
        node_down = FaultRule(FaultKind.NODE_DOWN, node=SUBSCRIBER)
        await cluster.act_on_service(SUBSCRIBER, "tvs", ServiceAction.STOP)
        await told(cluster, lambda: cluster.faults.add(node_down), len(parts))
        assert running(cluster, SUBSCRIBER) == set()
        await cluster.act_on_service(SUBSCRIBER, "web", ServiceAction.STOP)
        up = await told(cluster, lambda: cluster.faults.remove(1), len(parts))
        assert running(cluster, SUBSCRIBER) == set(parts) - {"tvs", "web"}
        stopped = {one.service for one in up if one.answer == "stays stopped"}
        assert stopped == {"tvs", "web"}


async def test_a_service_that_the_description_has_down_is_never_started(lab: Lab) -> None:
    lab.extra = '[[faults]]\nkind = "service-down"\nservice = "tvs"'
    async with lab.running() as cluster:
        assert "tvs" not in running(cluster, PUBLISHER) | running(cluster, SUBSCRIBER)
        answers = [one.answer for _, one in cluster.journal.since()]
        assert answers == ["down", "down"]
        await told(cluster, cluster.faults.clear, 2)
        assert "tvs" in running(cluster, PUBLISHER) & running(cluster, SUBSCRIBER)
