"""A node that restarts: what does not start is logged, the rest comes up."""

import pytest

from cucmsim.clock import SystemClock
from cucmsim.cluster.node import Node, ServiceAction
from cucmsim.cluster.power import NodePower
from cucmsim.errors import StartError
from tests.fixtures.clusters import SUBSCRIBER, Lab


@pytest.mark.usefixtures("quiet")
async def test_a_service_that_does_not_start_keeps_no_other_from_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lab.running() as cluster:
        node, acts = cluster.nodes[SUBSCRIBER], Node.act

        async def act(self: Node, service: str, action: ServiceAction, drain_s: float) -> None:
            if service == "tvs" and action is ServiceAction.START:
                raise StartError("tvs: port 2445 is taken")
            await acts(self, service, action, drain_s)

        monkeypatch.setattr(Node, "act", act)
        power = NodePower(lambda: node, lambda: ("web",), SystemClock(), 0)
        power.restart()
        await power.finished()
        states = {one.name: one.state for one in node.services()}
    assert (states["tvs"], states["web"], states["tftp"]) == ("stopped", "stopped", "started")


async def test_nothing_begun_is_nothing_to_wait_for(lab: Lab) -> None:
    async with lab.running() as cluster:
        await cluster.powers[SUBSCRIBER].finished()
