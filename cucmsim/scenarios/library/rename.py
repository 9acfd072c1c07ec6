"""Servers that get another host name: rename-single-itl, rename-single-ctl, rename-multi-itl.

Up to 11.5: from 12.0 ITLRecovery signs the ITL, and keeps its certificate when a node is renamed.
Source: seed 000; cucm.md 7 (row 8).
"""

from typing import Final

from cucmsim.cluster.trustlistsapi import MadeEToken
from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.scenarios.library.generations import UP_TO_11
from cucmsim.scenarios.model import Choice, Scenario, scenario
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import CALLMANAGER, TFTP, TVS, StageCluster
from cucmsim.testing.shape import ClusterShape

__all__ = ["SCENARIOS"]

_SINGLE: Final = ClusterShape(nodes=1)
_ALONE: Final = "Alone"
_MEMBERS: Final = {"Default": ["cucm-pub", "cucm-sub"], _ALONE: ["cucm-pub"]}
_GROUPS: Final = ClusterShape(
    extra={
        "callmanager_groups": [{"name": name, "members": held} for name, held in _MEMBERS.items()],
        "device_pools": [{"name": name, "callmanager_group": name} for name in _MEMBERS],
    }
)
"""Two nodes; a phone of the device pool `Alone` has the publisher alone in its group."""


async def _rename(cluster: StageCluster, node: str, host: str) -> None:
    """Rename a node, and wait until its services have restarted with what follows from it."""
    before = await cluster.served()
    await cluster.operate("rename", node=node, host=host)
    await cluster.relisted(before)


async def _rollback(cluster: StageCluster, *, prepared: bool) -> None:
    before = await cluster.served()
    await cluster.prepare_rollback(prepared=prepared)
    await cluster.restart(TVS, TFTP)
    await cluster.relisted(before)


@scenario(
    "rename-single-itl",
    title="The only node of a cluster gets another host name",
    source="seed 000",
    outcome="all certificates new at once: locked; with rollback first: not",
    shape=_SINGLE,
    releases=UP_TO_11,
    choices={"rollback": Choice("whether the rollback parameter is set first", ("no", "yes"))},
)
async def rename_single_itl(stage: Stage) -> None:
    """Rename the node: all its certificates are made anew, CallManager and TVS among them.

    With `rollback=yes` the cluster is prepared for a rollback before, so that phones hold an
    emptied ITL while it happens, and the parameter is taken back afterwards.
    """
    cluster, first = stage.cluster, stage.parameters["rollback"] == "yes"
    await stage.phone.boot()
    if not first:
        await _rename(cluster, cluster.publisher, "renamed")
        stage.expect_locked(await stage.phone.boot())
        return
    await _rollback(cluster, prepared=True)
    await stage.phone.boot()
    await _rename(cluster, cluster.publisher, "renamed")
    stage.expect_follows(await stage.phone.boot())
    await _rollback(cluster, prepared=False)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.BLIND)
    stage.expect_follows(report)


@scenario(
    "rename-single-ctl",
    title="The only node is renamed, and phones hold a CTL that eTokens signed",
    source="seed 000",
    outcome="recovers",
    shape=_SINGLE,
    releases=UP_TO_11,
)
async def rename_single_ctl(stage: Stage) -> None:
    """Rename the node of a mixed-mode cluster, then run the CTL client with the same eTokens.

    The phone knows the eTokens, so it takes the new CTL, and with it the new ITL.
    """
    cluster = stage.cluster
    tokens = await cluster.buy_tokens("ADN0054f509", "ADN008580ef")
    await _run_ctl_client(cluster, "mixed-mode", tokens)
    await stage.phone.boot()
    await _rename(cluster, cluster.publisher, "renamed")
    locked = await stage.phone.boot()
    stage.expect("it does not follow before that", locked.follows, wanted=False)
    await _run_ctl_client(cluster, "update", tokens)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.CTL, TrustSource.CTL)
    stage.expect_source(report, FileKind.ITL, TrustSource.CTL)
    stage.expect_follows(report)


async def _run_ctl_client(cluster: StageCluster, task: str, tokens: tuple[MadeEToken, ...]) -> None:
    await cluster.run_ctl_client(task, tokens)
    await cluster.restart(TFTP, CALLMANAGER)


@scenario(
    "rename-multi-itl",
    title="Nodes of a cluster are renamed, one by one or all at once",
    source="seed 000",
    outcome=("the other TVS vouches; all renamed at once: locked; a group with one member: locked"),
    shape=_GROUPS,
    releases=UP_TO_11,
    choices={
        "renamed": Choice(
            "one after the other with resets between; both without; or the only member of the"
            " phone's CallManager group",
            ("one", "all", "only-member"),
        )
    },
)
async def rename_multi_itl(stage: Stage) -> None:
    """Rename the publisher; the phone asks the TVS of the other node about the new ITL.

    That needs another node in its CallManager group, since the group's members are the TVS servers
    of its configuration, and one that keeps its certificate until the phone has the new ITL.
    """
    cluster, which = stage.cluster, stage.parameters["renamed"]
    publisher, subscriber = cluster.nodes[:2]
    if which == "only-member":
        await cluster.change_phone(stage.phone.name, device_pool=_ALONE)
    await stage.phone.boot()
    await _rename(cluster, publisher, "renamed")
    if which == "all":
        await _rename(cluster, subscriber, "renamed-too")
    report = await stage.phone.boot()
    if which != "one":
        stage.expect_locked(report)
        return
    stage.expect_source(report, FileKind.ITL, TrustSource.TVS)
    stage.expect_follows(report)
    vouching = sorted({one.node for one in report.questions if one.request != "connection"})
    stage.expect("the other node vouches", ", ".join(vouching), subscriber)
    await _rename(cluster, subscriber, "renamed-too")
    stage.expect_follows(await stage.phone.boot())


SCENARIOS: Final[tuple[Scenario, ...]] = (rename_single_itl, rename_single_ctl, rename_multi_itl)
