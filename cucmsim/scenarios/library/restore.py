"""A publisher built anew: drs-restore, drs-CSCtn50405, rebuilt-no-backup (seed 000).

Source: seed 000, lines 751 to 796.
"""

from typing import Final

from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.pki.release import Release
from cucmsim.scenarios.exchange import Exchange
from cucmsim.scenarios.library.generations import UP_TO_11
from cucmsim.scenarios.model import Scenario, scenario
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import CAPF, TFTP, TVS, StageCluster
from cucmsim.services.operations.drs.agents import feature_of
from cucmsim.testing.shape import ClusterShape

__all__ = ["SCENARIOS"]

_SINGLE: Final = ClusterShape(nodes=1)
_DEFECT: Final = ClusterShape(nodes=1, extra={"service_parameters": {"drs": {"CSCtn50405": True}}})
_SERVICES: Final = (TVS, CAPF, TFTP)
_DEVICE: Final = "sftp1"
_SQL: Final = (
    "run sql select c.subjectname, c.serialnumber, c.ipv4address, t.name from certificate as c,"
    " certificatetrustrolemap as r, typetrustrole as t where c.pkid = r.fkcertificate and t.enum ="
    " r.tktrustrole"
)
"""Seed 000, lines 771 to 773."""


async def _add_device(cluster: StageCluster, exchange: Exchange) -> None:
    where = {"host": exchange.host, "port": exchange.port, "directory": "/"}
    account = {"user": exchange.user, "password": exchange.password}
    await cluster.administrator.post("/drs/devices", {"name": _DEVICE, **where, **account})


async def _back_up(stage: Stage, exchange: Exchange) -> str:
    """Back the cluster up; return the backup's name."""
    await _add_device(stage.cluster, exchange)
    feature = feature_of(Release.parse(stage.shape.release))
    wanted = {"device": _DEVICE, "features": [feature]}
    made = await stage.cluster.administrator.post("/operations/backup", wanted)
    backup = str(made["backup"]) if isinstance(made, dict) else ""
    stage.narrate(f"the cluster is backed up: {backup}")
    return backup


async def _rebuild(stage: Stage) -> StageCluster:
    """Put a fresh cluster of the same names and addresses in the place of the first."""
    await stage.stop(stage.cluster)
    rebuilt = await stage.open(stage.shape, "rebuilt")
    await stage.phone.move(rebuilt)
    return rebuilt


async def _restore(cluster: StageCluster, exchange: Exchange, backup: str) -> None:
    """Restore every server, and restart its services as is asked for."""
    await _add_device(cluster, exchange)
    await cluster.administrator.operate("restore", device=_DEVICE, backup=backup)
    await cluster.advance(minutes=10)
    await cluster.restart(*_SERVICES)


@scenario(
    "drs-restore",
    title="The publisher is built anew and restored from a backup",
    source="seed 000",
    outcome="private key back, phones follow",
    shape=_SINGLE,
)
async def drs_restore(stage: Stage) -> None:
    """Back up, install anew, restore, restart the services: the key that signed is there again."""
    exchange = await stage.exchange()
    await stage.phone.boot()
    backup = await _back_up(stage, exchange)
    rebuilt = await _rebuild(stage)
    stage.expect_locked(await stage.phone.boot())
    await _restore(rebuilt, exchange, backup)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.ITL)
    stage.expect_follows(report)


@scenario(
    "drs-CSCtn50405",
    title="The restore meets the defect CSCtn50405: the key does not come back",
    source="seed 000",
    outcome=(
        "ITL broken: `show itl` reports it, phones refuse until a new CallManager certificate;"
        " `run sql` shows the mismatch"
    ),
    shape=_DEFECT,
    releases=UP_TO_11,
)
async def drs_csctn50405(stage: Stage) -> None:
    """Restore as in `drs-restore`, but the certificates in files and database do not match.

    A new CallManager certificate mends it; phones then ask TVS about it.
    """
    exchange = await stage.exchange()
    await stage.phone.boot()
    backup = await _back_up(stage, exchange)
    rebuilt = await _rebuild(stage)
    await _restore(rebuilt, exchange, backup)
    stage.expect_locked(await stage.phone.boot())
    await _expect_mismatch(stage, rebuilt)
    await rebuilt.regenerate("CallManager")
    await rebuilt.restart(*_SERVICES)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.TVS)
    stage.expect_follows(report)
    mended = await rebuilt.command("show itl")
    stage.expect("the ITL is whole again", "verified successfully" in mended.text)


async def _expect_mismatch(stage: Stage, cluster: StageCluster) -> None:
    """Check what the administrator sees of the broken ITL."""
    shown = await cluster.command("show itl")
    claim = "`show itl` reports it"
    stage.expect(claim, "This etoken was not used to sign the ITL file." in shown.text)
    stage.expect(claim, shown.lines[-1], "Error parsing the ITL file!!")
    own = await cluster.administrator.certificate("CallManager", node=cluster.publisher)
    known = await cluster.command(_SQL)
    stage.expect("`run sql` has another CallManager", own.serial in known.text, wanted=False)


@scenario(
    "rebuilt-no-backup",
    title="The publisher is built anew without a backup",
    source="seed 000",
    outcome="the same as another cluster: locked",
    shape=_SINGLE,
)
async def rebuilt_no_backup(stage: Stage) -> None:
    """Install anew with the same names: to phones this is a stranger."""
    await stage.phone.boot()
    await _rebuild(stage)
    stage.expect_locked(await stage.phone.boot())


SCENARIOS: Final[tuple[Scenario, ...]] = (drs_restore, drs_csctn50405, rebuilt_no_backup)
