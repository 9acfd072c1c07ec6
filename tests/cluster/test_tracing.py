"""What certMgmt says about certificates that came, changed and went, on the node they are on."""

from dataclasses import replace

import pytest

from cucmsim.cluster.tracing import certificate_lines
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.store.replica import Replica
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab


async def _regenerated(lab: Lab) -> tuple[Replica, Replica]:
    async with lab.running() as cluster:
        old = cluster.view.replica
        await regenerate_certificate(cluster.operator(), PUBLISHER, Unit.TVS)
        return old, cluster.view.replica


@pytest.mark.usefixtures("quiet")
async def test_a_regeneration_is_told_where_it_happened_and_imports_everywhere_it_reaches(
    lab: Lab,
) -> None:
    # cucm.md 2.2: "op:import" / "op:regenerate", "unit:tomcat-trust", the two results
    old, new = await _regenerated(lab)
    lines = list(certificate_lines(old, new, PUBLISHER))
    assert lines[:2] == ["op:regenerate", "unit:TVS"]
    assert "op:regenerate" not in list(certificate_lines(old, new, SUBSCRIBER))
    assert "unit:TVS-trust" in lines
    assert any(line.startswith("Successfully imported trusted certificate with") for line in lines)
    assert "result of import operations is ::Import of trust certificate is successful" in lines
    back = list(certificate_lines(new, old, SUBSCRIBER))
    assert len(back) == len(list(certificate_lines(old, new, SUBSCRIBER)))


@pytest.mark.usefixtures("quiet")
async def test_what_concerns_no_certificate_is_not_told(lab: Lab) -> None:
    _, new = await _regenerated(lab)
    assert list(certificate_lines(new, replace(new, version=99), PUBLISHER)) == []


@pytest.mark.usefixtures("quiet")
async def test_the_lines_are_in_the_node_s_log(lab: Lab) -> None:
    async with lab.running() as cluster:
        await regenerate_certificate(cluster.operator(), PUBLISHER, Unit.TVS)
        give = at_node(cluster, PUBLISHER)
        shown = await give("file dump activelog platform/log/certMgmt00001.log")
        tvs = await give("file dump activelog cm/trace/tvs/sdi/*")
    assert "| debug op:regenerate\n" in shown
    assert " | debug " in tvs
