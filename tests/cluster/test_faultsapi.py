"""The fault plan over the management API, and what a description says of it."""

from pathlib import Path

import httpx
import pytest

from cucmsim.cluster.faultmodel import faults_of
from cucmsim.cluster.faultsapi import kind_reports
from cucmsim.cluster.management import management_app
from cucmsim.cluster.problems import Findings
from cucmsim.errors import SettingsError
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import FaultRule, Scene
from tests.cluster.test_management import PretendedCluster
from tests.fixtures.clusters import Lab

NOT_TRUSTED = FaultKind.TVS_NOT_TRUSTED


async def test_faults_are_added_shown_with_their_counts_and_cleared() -> None:
    cluster = PretendedCluster()
    transport = httpx.ASGITransport(management_app(cluster))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as api:
        entry = {"kind": "tvs-not-trusted", "node": "pub", "after": 1}
        added = await api.post("/faults", json=entry)
        assert added.status_code == 201
        assert added.json() == {"number": 1, "rule": entry, "seen": 0, "used": 0}
        await api.post("/faults", json={"kind": "tvs-slow", "delay_s": 2.5})
        for _ in range(3):
            cluster.faults.take((NOT_TRUSTED,), Scene("pub", "tvs"))
        shown = (await api.get("/faults")).json()
        assert [(one["number"], one["seen"], one["used"]) for one in shown] == [
            (1, 3, 2),
            (2, 0, 0),
        ]
        assert (await api.delete("/faults/1")).json() == {"detail": "fault 1 cleared"}
        gone = await api.delete("/faults/1")
        assert (gone.status_code, gone.json()["detail"]) == (404, "no fault 1; in force: 2")
        assert (await api.delete("/faults")).json() == {"detail": "1 cleared"}
        assert cluster.faults.is_empty


async def test_a_wrong_fault_is_refused_with_every_problem_and_changes_nothing() -> None:
    cluster = PretendedCluster()
    transport = httpx.ASGITransport(management_app(cluster))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as api:
        wrong = await api.post("/faults", json={"kind": "tvs-slow", "node": "pup", "delay_s": -1})
        assert wrong.status_code == 422
        assert wrong.json()["detail"] == [
            "fault: delay_s: found -1, expected a number from 0 to 3600",
            "fault: node: found \"pup\", expected a node: pub; did you mean 'pub'?",
        ]
        assert cluster.faults.is_empty
        kinds = (await api.get("/faults/kinds")).json()
    assert kinds == [one.model_dump() for one in kind_reports()]
    assert {one["kind"] for one in kinds} == set(FaultKind)


def test_a_description_has_the_faults_of_the_start(lab: Lab) -> None:
    lab.extra = """
[[faults]]
kind = "tvs-not-trusted"
device = "SEP001B54C25A01"
times = 1

[[faults]]
kind = "tftp-delay"
delay_s = 2
"""
    lab.environ = {"CUCMSIM_FAULTS__1__DELAY_S": "0.5", "CUCMSIM_FAULTS__0__TIMES": "3"}
    assert lab.settings().faults == (
        FaultRule(NOT_TRUSTED, device="SEP001B54C25A01", times=3),
        FaultRule(FaultKind.TFTP_DELAY, values={"delay_s": 0.5}),
    )


def test_a_wrong_fault_of_a_description_is_named_by_its_place(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.extra = """
[[faults]]
kind = "node-down"
node = "cucm-pup"

[[faults]]
kind = "tftp-error"
cod = 1
"""
    with pytest.raises(SettingsError) as caught:
        lab.settings()
    told = [(one.key, one.nearest) for one in caught.value.problems]
    assert told == [("faults[0].node", "cucm-pub"), ("faults[1].cod", "code")]
    findings = Findings("lab.toml")
    assert faults_of(["tftp-drop"], {}, findings) == ()
    assert str(findings.problems[0]) == 'lab.toml: faults[0]: found "tftp-drop", expected a table'
