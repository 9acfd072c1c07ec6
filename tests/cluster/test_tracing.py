"""What certMgmt says about certificates that came, changed and went, on the node they are on."""

from dataclasses import replace
from pathlib import Path

import pytest

from cucmsim.cluster.tracing import certificate_lines, ctl_lines, trace_node
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import TftpFile
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, SUBSCRIBER, Lab
from tests.store.conftest import FixedClock

SIDES = ("active", "inactive")
EMPTY = Replica()


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


@pytest.mark.usefixtures("quiet")
async def test_a_ctl_is_traced_as_show_ctl_lays_it_out(lab: Lab) -> None:
    # the lines of seed 001, from line 31
    async with lab.running() as cluster:
        give = at_node(cluster, PUBLISHER)
        installed = await give("file view install system-history.log", ["q"])
        await give("utils ctl set-cluster mixed-mode", ["y"])
        shown = await give("show ctl")
        await give("file delete tftp CTLFile.tlv noconfirm")
        traced = await give("file dump activelog cm/trace/ctlprovider/sdi/* recent")
    assert "| root: Install 11.5.1.10000-" in installed
    assert "| debug ClusterSecurityMode changed from 0 to 1\n" in traced
    assert "| debug CTLFile.tlv has been created\n" in traced
    assert "| debug CTLFile.tlv has been deleted\n" in traced
    lines = [line.partition(" | debug ")[2] for line in traced.splitlines()]
    modified = "The CTL File was last modified on"
    wanted = [one.expandtabs() for one in shown.splitlines() if one and modified not in one]
    assert [one for one in wanted if one not in lines] == []


def test_a_ctl_that_cannot_be_read_is_told(
    tmp_path: Path,
) -> None:
    rubbish = TftpFile(name="CTLFile.tlv", data=b"rubbish")
    new = replace(EMPTY, tftp_files={(None, "CTLFile.tlv"): rubbish})
    traces = TraceFiles(tmp_path, FixedClock())
    created, fault = ctl_lines(EMPTY, new, PUBLISHER, traces)
    assert created == "CTLFile.tlv has been created"
    assert fault.startswith("Error parsing the CTL File: ")
    assert not list(ctl_lines(new, new, PUBLISHER, traces))


async def test_the_logs_change_sides_with_the_version(
    tmp_path: Path,
) -> None:
    def on(active: str, inactive: str) -> Replica:
        held = {"ActiveVersion": active, "InactiveVersion": inactive}
        parameters = {(PUBLISHER, OWN_SERVICE, name): value for name, value in held.items()}
        return replace(EMPTY, service_parameters=parameters)

    old, new = "10.5.2.10000-5", "12.5.1.10000-22"
    view = View(on(old, new))
    traces = TraceFiles(tmp_path, FixedClock())
    trace_node(traces, PUBLISHER, view)
    traces.say("syslog", ["of the old version"])
    view.replace(on(new, old))
    traces.say("syslog", ["of the new version"])
    traces.flush()
    texts = [(tmp_path / side / "syslog/CiscoSyslog").read_text() for side in SIDES]
    assert [" of the new " in texts[0], " of the old " in texts[1]] == [True, True]
    history = (tmp_path / "install/system-history.log").read_text()
    assert f"Switch Version {old} to {new} Success\n" in history
    view.replace(on("rubbish", new))
    view.replace(EMPTY)
    assert (tmp_path / "install/system-history.log").read_text() == history


def test_without_traces_nothing_is_written(
    tmp_path: Path,
) -> None:
    view = View(EMPTY)
    trace_node(TraceFiles(tmp_path / "logs", FixedClock(), is_on=False), PUBLISHER, view)
    view.replace(replace(EMPTY, version=99))
    assert not (tmp_path / "logs").exists()
