"""`cucmsim parameter`: listed, set with what follows, refused."""

import asyncio
import json

import pytest

from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab, Outcome

pytestmark = pytest.mark.usefixtures("quiet")


async def cli(lab: Lab, command: str, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "parameter", command, "CONFIG", *arguments)


async def test_parameters_are_listed_and_set(any_lab: Lab) -> None:
    async with any_lab.running():
        everything = json.loads((await cli(any_lab, "list", "--json")).output)
        alone = await cli(any_lab, "list", "--service", "Cisco Tftp", "--match", "SERVING")
        before = await cli(any_lab, "list", "--match", "file signature")
        told = await cli(any_lab, "set", "TFTPFileSignatureAlgorithm", "SHA-512")
        own = await cli(
            any_lab,
            "set",
            "RequestClientCertificate",
            "F",
            "--service",
            "tvs",
            "--node",
            SUBSCRIBER,
        )
        after = await cli(any_lab, "list", "--match", "RequestClient")
        rollback = await cli(any_lab, "set", "RollBackToPreGrayback", "true")
    services = {one["service"] for one in everything}
    assert services == {"enterprise", "callmanager", "tftp", "tvs", "capf", "drs"}
    assert [line.split() for line in alone.output.splitlines()] == [
        ["Service", "Name", "Shown", "as", "Value", "Default"],
        ["tftp", "MaximumServingCount", "Maximum", "Serving", "Count", "5000", "5000"],
    ]
    assert before.output.split()[-2:] == ["SHA-1", "SHA-1"]
    assert told.output == "Update Successful\nTo be restarted: Cisco Tftp (every node)\n"
    assert own.output == "Update Successful\nTo be restarted: Cisco Trust Verification Service\n"
    assert f"T, {SUBSCRIBER}: F" in after.output
    assert rollback.output == (
        "Update Successful\nRestarted by the nodes: Cisco Trust Verification Service (every node),"
        " Cisco Tftp (every node)\nThe phones are reset.\n"
    )


async def test_what_cannot_be_is_refused(lab: Lab) -> None:
    async with lab.running():
        refused = [
            await cli(lab, "set", "RollbackToPreGraybak", "true"),
            await cli(lab, "set", "Xyzzy", "1"),
            await cli(lab, "set", "EnableLSCMonitoring", "T", "--service", "tftp"),
            await cli(lab, "set", "EnableLSCMonitoring", "perhaps"),
            await cli(lab, "set", "EnableLSCMonitoring", "T", "--node", PUBLISHER),
            await cli(lab, "set", "ClusterSecurityMode", "1"),
            await cli(lab, "list", "--service", "mail"),
        ]
    assert {one.status for one in refused} == {1}
    assert [one.errors.removeprefix("cucmsim: ").rstrip("\n") for one in refused] == [
        "no parameter 'RollbackToPreGraybak'; did you mean 'RollBackToPreGrayback'?",
        "no parameter 'Xyzzy'",
        "no parameter 'EnableLSCMonitoring'",
        "EnableLSCMonitoring: found 'perhaps', expected true or false",
        "EnableLSCMonitoring is an enterprise parameter: it holds for the whole cluster",
        "ClusterSecurityMode is read only: use utils ctl set-cluster",
        "no parameters of 'mail', expected one of enterprise, callmanager, tftp, tvs, capf, drs",
    ]


def test_no_cluster_is_unreachable(lab: Lab) -> None:
    lab.write()
    assert lab.cli("parameter", "list", "CONFIG").status == 69
