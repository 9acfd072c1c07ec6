"""Our own phone on the stage: what it does without being booted by hand, and without DHCP."""

import pytest

from cucmsim.phone.events import DhcpTimedOut
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.scenarios.listings import shown_list
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.narrative import Happened, Passage, WhoActs
from cucmsim.scenarios.observed import BootReport
from cucmsim.scenarios.runner import Order, Verdict, run_scenario
from cucmsim.scenarios.seeding import draw_seed
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP
from cucmsim.testing.shape import ClusterShape

pytestmark = pytest.mark.usefixtures("quiet")


def _told(report: BootReport) -> str:
    return "; ".join(
        f"{one.request} -> {one.answer}{one.fault and f' [{one.fault}]'}"
        for one in report.exchanges
    )


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

    await stage.cluster.add_fault("dhcp-silent", times=2)
    await stage.cluster.act("restart", TFTP)
    alone = await phone.boot()
    stage.expect_follows(alone)
    stage.expect("nobody answers it", "DISCOVER -> nothing [dhcp-silent (fault 1)]" in _told(alone))
    stage.expect("it says so", any(isinstance(one, DhcpTimedOut) for one in phone.handset.events))
    new = stage.simulated(PhoneIdentity("00DEADBEEF00"))
    started = _told(await new.boot())
    stage.expect(
        "a new phone asks no server", started, "DISCOVER -> nothing [dhcp-silent (fault 1)]"
    )
    again = _told(await new.boot())
    stage.expect("a fault that is spent is over", "ITL" in again and "dhcp" not in again)
    served = await stage.cluster.administrator.trust_lists()
    shown = await shown_list(stage.cluster, "itl")
    stage.expect("one node serves lists", len(served), 1)
    stage.expect("CallManager has signed", shown.signer, "CallManager")


async def test_a_phone_obeys_orders_while_it_is_on_and_boots_without_dhcp() -> None:
    shape = ClusterShape(nodes=1)
    scenario = Scenario("one", "One", "a test", "it follows", "", _play, shape)
    told: list[Passage] = []
    result = await run_scenario(Order(scenario, "11.5", draw_seed()), told.append)
    assert result.verdict is Verdict.PASSED, result.reason
    faults = [one.text for one in told if isinstance(one, Happened) and one.who is WhoActs.FAULT]
    assert faults == ["dhcp-silent, times = 2"]
