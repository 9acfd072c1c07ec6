"""How phones are locked out: what their trust rests on is made anew while none of them looks."""

from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, TVS

__all__ = ["lock_out"]


async def lock_out(stage: Stage) -> None:
    """Regenerate CallManager and, after the hold timer, TVS; restart TVS and TFTP."""
    cluster = stage.cluster
    await cluster.regenerate("CallManager")
    await cluster.advance(minutes=5, seconds=1)
    said = await cluster.regenerate("TVS")
    stage.expect("TVS may be regenerated after the hold timer", said.succeeded)
    await cluster.restart(TVS, TFTP)
