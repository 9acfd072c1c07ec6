"""Phones that are told the TFTP server of a centre which does not know them: central-tftp*.

Source: seed 000, centralized TFTP.
"""

from dataclasses import replace
from typing import Final

from cucmsim.phone.steps import Fetched
from cucmsim.phone.tftp import fetch_tftp
from cucmsim.phone.values import FileKind, TrustSource
from cucmsim.pki.release import Release
from cucmsim.scenarios.model import Scenario, scenario
from cucmsim.scenarios.oldtftp import serving_before_8_0
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, TVS, StageCluster

__all__ = ["SCENARIOS"]

_LIMIT: Final = 1 << 20
_TFTP_PORT: Final = 6969
_HTTP_FROM: Final = Release(11)


async def _centre(stage: Stage, location: str) -> StageCluster:
    """Start a centre without phones, which looks for files at another cluster's location."""
    shape = replace(
        stage.shape,
        phones=(),
        prefix="centre",
        first=stage.shape.nodes + 1,
        extra={"tftp": {"alternate_file_locations": [location]}},
    )
    return await stage.open(shape, "centre")


def _location(stage: Stage) -> str:
    """Return where the centre finds the files: over TFTP before 11.0, over HTTP from there on."""
    server = stage.cluster.reached.server()
    if Release.parse(stage.shape.release) < _HTTP_FROM:
        return f"tftp://{server.host}:{server.tftp_port}"
    return f"http://{server.host}:{server.http_port}"


@scenario(
    "central-tftp",
    title="A phone asks the TFTP server of a centre for the files of its own cluster",
    source="seed 000",
    outcome="files of the remote cluster, trusted",
)
async def central_tftp(stage: Stage) -> None:
    """Tell a new phone the centre's TFTP server; the centre finds its files at its cluster.

    The ITL is the remote cluster's, so the phone trusts that cluster and registers there.
    """
    remote = stage.cluster
    centre = await _centre(stage, _location(stage))
    await stage.phone.move(centre)
    report = await stage.phone.boot()
    stage.expect_source(report, FileKind.ITL, TrustSource.BLIND)
    stage.expect_follows(report)
    stage.expect("it registers with its own cluster", report.registered, remote.publisher)
    looked_for = [one for one in report.exchanges if one.request.startswith("off-cluster ")]
    stage.expect("the centre looked for its files", len(looked_for) > 0)


@scenario(
    "central-tftp-mixed-releases",
    title="The phone's own cluster is older than 8.0, the centre is not",
    source="seed 000",
    outcome=(
        "phone gets `ITLFile.tlv` of the centre and refuses the remote files, unless the centre"
        " has rollback set"
    ),
)
async def central_tftp_mixed_releases(stage: Stage) -> None:
    """Tell a new phone the centre's TFTP server, while its own cluster has no ITL for it.

    So it gets the centre's, and then nothing of its own cluster is signed by anybody it knows. With
    the rollback parameter the centre's ITL is empty, and the phone takes what it is given.
    """
    files = await _files_of(stage)
    at = stage.around.place.helper(1, _TFTP_PORT)
    old = await stage.enter(serving_before_8_0(files, at, stage.around.clock))
    centre = await _centre(stage, old)
    await stage.phone.move(centre)
    first = await stage.phone.boot()
    stage.expect_source(first, FileKind.ITL, TrustSource.BLIND)
    stage.expect("it refuses the remote files", first.refuses(FileKind.CONFIG))
    await centre.prepare_rollback(prepared=True)
    await centre.restart(TVS, TFTP)
    second = await stage.phone.boot()
    stage.expect_source(second, FileKind.ITL, TrustSource.ITL)
    stage.expect_follows(second)


async def _files_of(stage: Stage) -> dict[str, bytes]:
    """Return the phone's configuration, plain and signed, as its cluster has it."""
    name, server = f"{stage.identity.name}.cnf.xml", stage.cluster.reached.server()
    at, ends, found = (server.host, server.tftp_port), stage.ends("the old cluster"), {}
    for wanted in (name, f"{name}.sgn"):
        fetched = await fetch_tftp(at, wanted, _LIMIT, ends=ends)
        if isinstance(fetched, Fetched):
            found[wanted] = fetched.data
    stage.expect("the remote cluster has the phone's configuration", len(found), 2)
    return found


SCENARIOS: Final[tuple[Scenario, ...]] = (central_tftp, central_tftp_mixed_releases)
