"""Parameters shown and set on a running cluster, on SQLite and PostgreSQL."""

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Restart
from cucmsim.services.operations.parametersetting import held_parameters, set_parameter
from tests.fixtures.clusters import PUBLISHER, Lab

pytestmark = pytest.mark.usefixtures("quiet")


async def test_parameters_are_set_for_the_cluster_and_for_a_node(any_lab: Lab) -> None:
    async with any_lab.running() as cluster:
        operator = cluster.operator()
        told = await set_parameter(operator, "enterprise", "TFTPFileSignatureAlgorithm", "SHA-512")
        node = await set_parameter(operator, "tvs", "RequestClientCertificate", "false", PUBLISHER)
        await set_parameter(operator, "callmanager", "StationKeepAliveInterval", "60")
        held = {one.parameter.name: one for one in held_parameters(cluster.view.replica)}
    assert told.restarts == (Restart("Cisco Tftp", every_node=True),)
    assert node.restarts == (Restart("Cisco Trust Verification Service"),)
    assert held["TFTPFileSignatureAlgorithm"].value == "SHA-512"
    assert held["StationKeepAliveInterval"].value == "60"
    asks = held["RequestClientCertificate"]
    assert (asks.value, asks.of_nodes) == ("T", {PUBLISHER: "F"})


async def test_the_rollback_parameter_has_its_consequences(lab: Lab) -> None:
    async with lab.running() as cluster:
        told = await set_parameter(
            cluster.operator(), "enterprise", "RollBackToPreGrayback", "True"
        )
        assert cluster.view.replica.enterprise["RollBackToPreGrayback"] == "T"
    assert told.resets_phones
    assert told.automatic


@pytest.mark.parametrize(
    ("service", "name", "value", "node", "words"),
    [
        ("enterprise", "ClusterSecurityMode", "1", "", "read only: use utils ctl"),
        ("enterprise", "EnableLSCMonitoring", "T", PUBLISHER, "the whole cluster"),
        ("tftp", "MaximumServingCount", "5", "nobody", "no node 'nobody'"),
        ("tftp", "MaximumServingCount", "0", "", "found '0', expected an integer from 1 to"),
        ("tftp", "AlternateFileLocation1", "a b", "", r"found 'a b', expected .HOST"),
        ("enterprise", "EnableLSCMonitoring", "x" * 99, "", r"found 'x{40}\.\.\.', expected true"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    lab: Lab, service: str, name: str, value: str, node: str, words: str
) -> None:
    async with lab.running() as cluster:
        version = cluster.view.replica.version
        with pytest.raises(RefusedError, match=words):
            await set_parameter(cluster.operator(), service, name, value, node)
        assert (await cluster.operator().newest()).version == version
