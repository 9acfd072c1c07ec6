"""Certificates made anew: regen-callmanager, regen-tvs, regen-both, hold-timer."""

from typing import Final

from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.scenarios.library.generations import FROM_10, UP_TO_11
from cucmsim.scenarios.library.lockout import lock_out
from cucmsim.scenarios.model import Scenario, scenario
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, TVS
from cucmsim.testing.shape import ClusterShape

__all__ = ["SCENARIOS"]

_HELD: Final = (
    "CallManager certificate was modified in the last 5 minutes. "
    "Please re-try regenerating TVS certificate at a later time"
)


@scenario(
    "regen-callmanager",
    title="CallManager is regenerated, and TVS vouches for the new signer",
    source="seed 000",
    outcome=(
        "new ITL signed by unknown signer -> TVS query -> accepted -> new configuration accepted"
    ),
    releases=UP_TO_11,
)
async def regen_callmanager(stage: Stage) -> None:
    """Regenerate CallManager on the publisher, restart TVS and TFTP, reset the phone.

    The new ITL is signed by a certificate that no list of the phone's has, so the phone asks TVS,
    whose own certificate is in its old ITL.
    """
    await stage.phone.boot()
    await stage.cluster.regenerate("CallManager")
    await stage.cluster.restart(TVS, TFTP)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.TVS)
    stage.expect_follows(report)
    stage.expect("TVS was asked about the signer", len(report.questions) > 0)


@scenario(
    "regen-tvs",
    title="TVS is regenerated alone",
    source="seed 000",
    outcome="ITL signer still known -> new ITL accepted",
)
async def regen_tvs(stage: Stage) -> None:
    """Regenerate TVS, restart TVS and TFTP, reset the phone: it knows who signs, asks nobody."""
    await stage.phone.boot()
    await stage.cluster.regenerate("TVS")
    await stage.cluster.restart(TVS, TFTP)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.ITL)
    stage.expect_follows(report)
    stage.expect("TVS was not asked", len(report.questions), 0)


@scenario(
    "regen-both",
    title="CallManager and TVS are regenerated before the phones were reset",
    source="seeds 000 and 003",
    outcome="locked: TVS handshake refused by the phone, nothing accepted",
    shape=ClusterShape(nodes=1),
    releases=UP_TO_11,
)
async def regen_both(stage: Stage) -> None:
    """Regenerate CallManager, wait for the hold timer, regenerate TVS, restart both, reset.

    The phone knows neither who signed the new ITL nor the TVS that could vouch for him. It ends the
    handshake with TVS, so TVS hears no question.
    """
    await stage.phone.boot()
    await lock_out(stage)
    report = await stage.phone.boot()
    stage.expect_locked(report)
    answered = [one for one in report.questions if one.request != "connection"]
    stage.expect("TVS heard no question", len(answered), 0)


@scenario(
    "hold-timer",
    title="TVS is not regenerated right after CallManager",
    source="seed 003",
    outcome="refused with the text of seed 003; on another node allowed; after 5 minutes allowed",
    releases=FROM_10,
    phones=False,
)
async def hold_timer(stage: Stage) -> None:
    """Regenerate CallManager, and TVS within five minutes: on this node, on another, later."""
    cluster = stage.cluster
    await cluster.regenerate("CallManager")
    said = await cluster.regenerate("TVS")
    stage.expect("it is refused on the same node", said.text, _HELD)
    other = await cluster.regenerate("TVS", node=cluster.nodes[1])
    stage.expect("it is allowed on another node", other.succeeded)
    await cluster.advance(minutes=5, seconds=1)
    later = await cluster.regenerate("TVS")
    stage.expect("it is allowed after five minutes", later.succeeded)


SCENARIOS: Final[tuple[Scenario, ...]] = (regen_callmanager, regen_tvs, regen_both, hold_timer)
