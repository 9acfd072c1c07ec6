"""Our own phone on the stage: what it does without being booted by hand, and without DHCP."""

import pytest

from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.scenarios.listings import shown_list
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.narrative import Happened, Passage, WhoActs
from cucmsim.scenarios.runner import Order, Verdict, run_scenario
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP
from cucmsim.testing.shape import ClusterShape

pytestmark = pytest.mark.usefixtures("quiet")


async def _play(stage: Stage) -> None:
    phone = stage.simulated()
    await phone.boot()
    await phone.stay()
    await stage.cluster.administrator.order("reset", phone.name)
    ordered = await phone.next_boot()
    stage.expect_follows(ordered)
    stage.expect_source(ordered, FileKind.CONFIG, TrustSource.ITL)
    requests = [one.request for one in ordered.exchanges]
    stage.expect("it was told to", "order reset" in requests)

    await phone.lose_dhcp()
    await stage.cluster.act("restart", TFTP)
    alone = await phone.boot()
    stage.expect_follows(alone)
    served = await stage.cluster.administrator.trust_lists()
    shown = await shown_list(stage.cluster, "itl")
    stage.expect("one node serves lists", len(served), 1)
    stage.expect("CallManager has signed", shown.signer, "CallManager")


async def test_a_phone_obeys_orders_while_it_is_on_and_boots_without_dhcp() -> None:
    shape = ClusterShape(nodes=1)
    scenario = Scenario("one", "One", "a test", "it follows", "", _play, shape)
    told: list[Passage] = []
    result = await run_scenario(Order(scenario, "11.5", 83_001), told.append)
    assert result.verdict is Verdict.PASSED, result.reason
    faults = [one.text for one in told if isinstance(one, Happened) and one.who is WhoActs.FAULT]
    assert faults == ["no DHCP server answers any more"]
