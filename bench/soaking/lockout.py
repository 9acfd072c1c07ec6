"""The cross-check of the judge: everybody is locked out as the documents have it, and let in again.

While all phones are off, TVS and CallManager are regenerated on every node. A phone that held the
old list must refuse the new one and every signed file, since it knows neither the signer nor a TVS
that could vouch for it; once its trust lists are erased it must take everything. A soak in which
this did not happen would prove nothing by finding nobody locked out.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from .judge import Finding
from .place import NODES, PUBLISHER

if TYPE_CHECKING:
    from .run import Soak

__all__ = ["lock_everybody_out"]

_HOLD_S: Final = 360
_SETTLE_S: Final = 2.5
_SERVICES: Final = ("callmanager", "tvs", "tftp")


async def lock_everybody_out(soak: "Soak") -> list[Finding]:
    """Do it; return what did not go as the documents have it."""
    count = soak.options.phones
    publisher = soak.nodes[PUBLISHER].api
    for unit in ("TVS", "CallManager"):
        await publisher.ask("POST", "/clock/advance", {"seconds": _HOLD_S})
        for node in NODES:
            wanted = {"node": node, "unit": unit}
            await publisher.ask("POST", "/operations/regenerate", wanted)
    await asyncio.sleep(_SETTLE_S)
    for node in NODES:
        for service in _SERVICES:
            await soak.nodes[node].api.ask("POST", f"/services/{node}/{service}/restart")
    before = soak.judge.counts["refused: no TVS that it knows"]
    await soak.boot_and_judge()
    refused = soak.judge.counts["refused: no TVS that it knows"] - before
    soak.show(f"TVS and CallManager regenerated everywhere: {refused} files refused as must be")
    found: list[Finding] = []
    if refused < count:
        text = f"{refused} refusals of {count} phones whose lists name nobody of the cluster"
        found.append(Finding(soak.elapsed_s, "verdict", text))
    await soak.herd.order("erase")
    refusals = soak.judge.counts["refusals that the documents demand"]
    leaps = soak.judge.counts["leaps of faith"]
    await soak.boot_and_judge()
    leaps = soak.judge.counts["leaps of faith"] - leaps
    soak.show(f"trust lists erased: {leaps} leaps of faith")
    if soak.judge.counts["refusals that the documents demand"] != refusals or leaps < count:
        text = f"{leaps} of {count} phones took a list after theirs was erased"
        found.append(Finding(soak.elapsed_s, "verdict", text))
    return found
