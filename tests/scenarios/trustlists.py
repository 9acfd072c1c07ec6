"""What scenarios of trust lists are played with: the commands on them, and who signed a list."""

from collections.abc import Mapping

from cucmsim.cluster.cluster import Cluster
from cucmsim.formats.trustlist import decode_trust_list
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER
from tests.scenarios.bench import TFTP, TVS, Administrator

__all__ = [
    "CALLMANAGER",
    "Token",
    "insert_tokens",
    "lock_out",
    "make_tokens",
    "operate",
    "set_mixed_mode",
    "signer",
]

CALLMANAGER = "Cisco CallManager"
Token = Mapping[str, str]
"""A token as the API makes it: file, password, certificate."""
_MORE_THAN_FIVE_MINUTES_S = 301


async def operate(
    admin: Administrator, operation: str, node: str = PUBLISHER, **wanted: str
) -> list[str]:
    """Give a command; return the server's words, of a refusal too."""
    answer = await admin.post(f"/operations/{operation}", {"node": node, **wanted})
    said = answer.json()
    return [said["detail"]] if answer.is_error else list(said["lines"])


async def set_mixed_mode(admin: Administrator) -> None:
    """Set the cluster to mixed mode, and restart what serves the CTL."""
    assert "Cluster set to Mixed Mode" in await operate(admin, "security-mode", mode="mixed")
    await admin.restart(TFTP, CALLMANAGER)


async def lock_out(admin: Administrator, clock: MovedClock) -> None:
    """Replace CallManager and TVS of the publisher while no phone looks."""
    await admin.regenerate("CallManager")
    clock.ahead_s += _MORE_THAN_FIVE_MINUTES_S
    assert "Successfully" in (await admin.regenerate("TVS"))[0]
    await admin.restart(TVS, TFTP)


def signer(cluster: Cluster, trust_list: bytes | None) -> str:
    """Return the unit, of the publisher, whose certificate signed a trust list; "" for another."""
    assert trust_list is not None
    serial = decode_trust_list(trust_list).header.signer.serial
    own = {
        bytes.fromhex(held.serialnumber): unit
        for (node, unit), held in cluster.view.replica.own.items()
        if node == PUBLISHER
    }
    return own.get(serial, "")


async def make_tokens(admin: Administrator) -> list[Token]:
    """Buy two eTokens."""
    numbers = ("ADN0054f509", "ADN008580ef")
    return [(await admin.post("/etokens", {"number": number})).json() for number in numbers]


async def insert_tokens(admin: Administrator, task: str, *tokens: Token) -> list[str]:
    """Run the CTL client with tokens; return what it says."""
    files = [{"file": token["file"]} for token in tokens]
    answer = await admin.post("/operations/ctl-client", {"task": task, "tokens": files})
    said = answer.json()
    return [said["detail"]] if answer.is_error else list(said["lines"])
