"""Phones that leave a cluster for another: migrate-* (both in mixed mode), rollback-itl.

The mixed-mode rows are about CTLs that the clusters' own keys sign, so from 10.0 on.
Source: seeds 000 and 002; cucm.md 2, 5.2 and 7 (rows 10 to 12).
"""

from dataclasses import replace
from typing import Final

from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.scenarios.library.generations import FROM_10, signer_of_lists
from cucmsim.scenarios.model import Scenario, scenario
from cucmsim.scenarios.observed import BootReport
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, TVS, StageCluster
from cucmsim.testing.shape import ClusterShape

__all__ = ["SCENARIOS"]

_MIXED: Final = ClusterShape(mode="mixed")
_ROLES: Final = ("CallManager-trust", "Phone-SAST-trust")


async def _two_clusters(stage: Stage) -> StageCluster:
    """Boot the phone at the source; return the target."""
    shape = replace(stage.shape, prefix="ucm11", first=stage.shape.nodes + 1)
    target = await stage.open(shape, "target")
    await stage.phone.boot()
    return target


def _signers(stage: Stage) -> tuple[str, ...]:
    """Return whose certificates the target's CTL and ITL are signed with."""
    return tuple(dict.fromkeys((signer_of_lists(stage), "CallManager")))


async def _trust(stage: Stage, target: StageCluster, *stores: str) -> None:
    """Upload the target's certificates to stores of the source, and restart its TVS."""
    source = stage.cluster
    for unit in _signers(stage):
        held = await target.administrator.certificate(unit, node=target.publisher)
        for store in stores:
            said = await source.command(f"set cert import trust {store}", held.pem.splitlines())
            stage.expect(f"{unit} of the target is taken into {store}", said.succeeded)
    await source.command(f"utils service restart {TVS}")


def _expect_stays(stage: Stage, report: BootReport) -> None:
    stage.expect_locked(report)
    stage.expect("it stays with the source", report.registered, stage.cluster.publisher)


def _expect_moved(stage: Stage, report: BootReport, home: StageCluster) -> None:
    """Check that the CTL came through TVS of where it was, and the rest by the CTL."""
    stage.expect_source(report, FileKind.CTL, TrustSource.TVS)
    stage.expect_source(report, FileKind.ITL, TrustSource.CTL)
    stage.expect_follows(report)
    stage.expect("TVS was asked for the CTL alone", len(report.questions), 1)
    stage.expect("it registers there", report.registered, home.publisher)


@scenario(
    "migrate-secure",
    title="A phone moves between two mixed-mode clusters, prepared by certificates",
    source="seed 002",
    outcome=("target CTL accepted through source TVS, target ITL through the CTL, without TVS"),
    shape=_MIXED,
    releases=FROM_10,
)
async def migrate_secure(stage: Stage) -> None:
    """Put the target's CallManager (from 12.0 ITLRecovery too) into two stores of the source.

    CallManager-trust gives no role, Phone-SAST-trust does. The source's TVS is restarted, DHCP
    names the target's TFTP servers. The phone asks the TVS that it knows, the source's, about the
    signer of the target's CTL, and has then all that it needs in that CTL. There is no way back,
    since nobody told the target of the source.
    """
    target = await _two_clusters(stage)
    await _trust(stage, target, *_ROLES)
    await stage.phone.move(target)
    _expect_moved(stage, await stage.phone.boot(), target)
    await stage.phone.move(stage.cluster)
    back = await stage.phone.boot()
    stage.expect_locked(back)
    stage.expect(
        "it stays with the target: there is no way back", back.registered, target.publisher
    )


@scenario(
    "migrate-unprepared",
    title="A phone is sent to another mixed-mode cluster without the certificates",
    source="seed 002",
    outcome="refused; phone stays with the source",
    shape=_MIXED,
    releases=FROM_10,
)
async def migrate_unprepared(stage: Stage) -> None:
    """Change DHCP and nothing else: nobody that the phone knows vouches for the target's CTL."""
    target = await _two_clusters(stage)
    await stage.phone.move(target)
    _expect_stays(stage, await stage.phone.boot())


@scenario(
    "migrate-trust-only",
    title="The target's certificate is in the source's CallManager-trust alone",
    source="cucm §2",
    outcome="refused: that store gives no role (inferred)",
    shape=_MIXED,
    releases=FROM_10,
)
async def migrate_trust_only(stage: Stage) -> None:
    """Upload to CallManager-trust and not to Phone-SAST-trust: TVS knows it, but not as a SAST."""
    target = await _two_clusters(stage)
    await _trust(stage, target, "CallManager-trust")
    await stage.phone.move(target)
    report = await stage.phone.boot()
    _expect_stays(stage, report)
    stage.expect("TVS was asked", len(report.questions) > 0)


@scenario(
    "migrate-bulk",
    title="Bulk export, consolidation and import lead there and back",
    source="seed 002",
    outcome="the way back works too",
    shape=_MIXED,
    releases=FROM_10,
)
async def migrate_bulk(stage: Stage) -> None:
    """Export the certificates of both clusters to an SFTP server, consolidate, import on both.

    Both clusters then trust each other's signers, so the phone goes there and comes back.
    """
    source, target = stage.cluster, await _two_clusters(stage)
    kind = "tftp" if _signers(stage) == ("CallManager",) else "all"
    exchange = await stage.exchange()
    for cluster in (source, target):
        said = await cluster.command("set cert bulk sftp", [*exchange.answers, "/", "yes"])
        stage.expect(f"{cluster.name}: the SFTP server is known", said.succeeded)
        said = await cluster.command(f"set cert bulk export {kind}")
        stage.expect(f"{cluster.name}: the certificates are exported", said.succeeded)
    said = await source.command(f"set cert bulk consolidate {kind}")
    stage.expect("the certificates of both are put together", said.succeeded)
    for cluster in (source, target):
        said = await cluster.command(f"set cert bulk import {kind}")
        stage.expect(f"{cluster.name}: the certificates are imported", said.succeeded)
        await cluster.command(f"utils service restart {TVS}")
    for home in (target, source):
        await stage.phone.move(home)
        _expect_moved(stage, await stage.phone.boot(), home)


@scenario(
    "migrate-rollback-ctl",
    title="The rollback parameter does not let phones of a mixed-mode cluster go",
    source="seed 002",
    outcome="fails: the CTL is not emptied and the ITL lost its TVS",
    shape=_MIXED,
    releases=FROM_10,
)
async def migrate_rollback_ctl(stage: Stage) -> None:
    """Set "Prepare Cluster for Rollback to pre 8.0" instead, though the certificates are there.

    The emptied ITL names no TVS, so the phone cannot ask about the target's CTL, and its own CTL
    still holds it.
    """
    source, target = stage.cluster, await _two_clusters(stage)
    await _trust(stage, target, *_ROLES)
    await _prepare_rollback(source)
    emptied = await stage.phone.boot()
    stage.expect_source(emptied, FileKind.ITL, TrustSource.CTL)
    await stage.phone.move(target)
    report = await stage.phone.boot()
    _expect_stays(stage, report)
    answered = [one for one in report.questions if one.request != "connection"]
    stage.expect("no TVS heard a question", len(answered), 0)


@scenario(
    "rollback-itl",
    title="The rollback parameter lets the phones of a non-secure cluster go",
    source="seeds 000 and 002",
    outcome="the next cluster's ITL is taken blindly",
)
async def rollback_itl(stage: Stage) -> None:
    """Set the rollback parameter, restart TVS and TFTP, reset; then another cluster takes over.

    The emptied ITL is still signed, so the phone takes it; after that it knows nobody, and takes
    the next ITL that it is given.
    """
    await stage.phone.boot()
    await _prepare_rollback(stage.cluster)
    emptied = await stage.phone.boot()
    stage.expect_follows(emptied)
    await stage.stop(stage.cluster)
    other = await stage.open(stage.shape, "other")
    await stage.phone.move(other)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.BLIND)
    stage.expect_follows(report)


async def _prepare_rollback(cluster: StageCluster) -> None:
    """Set the parameter and restart what serves the ITL and vouches for it."""
    await cluster.prepare_rollback(prepared=True)
    await cluster.restart(TVS, TFTP)


SCENARIOS: Final[tuple[Scenario, ...]] = (
    migrate_secure,
    migrate_unprepared,
    migrate_trust_only,
    migrate_bulk,
    migrate_rollback_ctl,
    rollback_itl,
)
