"""Scenarios on a cluster that runs already."""

import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cucmsim.cluster.directory import management_sockets
from cucmsim.scenarios import against
from cucmsim.scenarios.against import RunningClusters
from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.runner import Order, RunResult, Verdict, run_scenario
from cucmsim.scenarios.seeding import real_surroundings
from cucmsim.testing.administrator import Administrator
from cucmsim.testing.labcluster import LabCluster, Surroundings
from cucmsim.testing.places import Place
from cucmsim.testing.shape import NEW_PHONE, ClusterShape
from tests.scenarios_engine.pretended import TIME

REGEN_TVS = next(one for one in LIBRARY if one.name == "regen-tvs")


TOKEN = "a-token-of-twenty-letters-or-more"


async def played(end: str, shape: ClusterShape = REGEN_TVS.shape, *, token: str = "") -> RunResult:
    scenario = replace(REGEN_TVS, shape=shape)
    opens = RunningClusters([end], token).open
    order = Order(scenario, scenario.shape.release, 1, opens=opens, around=real_surroundings)
    return await run_scenario(order, lambda _: None)


async def test_a_scenario_is_played_on_the_cluster_it_fits_and_on_no_other(
    tmp_path: Path, quiet: None
) -> None:
    del quiet
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    extra = {"management": {"port": port, "token": TOKEN}}
    shape = ClusterShape(phones=(), extra=extra)
    with Place.take() as place:
        async with LabCluster.running(shape, Surroundings(place, tmp_path / "running")) as lab:
            end = str(management_sockets(tmp_path / "running")[0])
            before = await lab.administrator.certificate("TVS", node="cucm-pub")
            result = await played(end)
            assert result.verdict is Verdict.PASSED, result.reason
            assert result.seed is None
            # the cluster was given the phone, and stays as the scenario has left it
            assert (await lab.administrator.phone(NEW_PHONE.name)).model == "8861"
            assert await lab.administrator.certificate("TVS", node="cucm-pub") != before

            # by TCP, with a token or without
            url = f"http://127.0.0.1:{port}"
            again = await played(url, token=TOKEN)
            assert again.verdict is Verdict.PASSED, again.reason
            assert (await played(url)).verdict is Verdict.ERROR

            other = await played(
                end, shape=ClusterShape("14", "mixed", 3, extra={"service_parameters": {}})
            )
            assert other.verdict is Verdict.NOT_APPLICABLE
            assert other.reason == (
                f"{end}: needs release 14 (found 11.5(1)), mixed mode (found non-secure),"
                " 3 nodes (found cucm-pub, cucm-sub; give --against"
                " for each process of a cluster), a description of its own (service_parameters)"
            )


async def test_a_cluster_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    for end in (str(tmp_path / "none.sock"), "http://127.0.0.1:1"):
        result = await played(end)
        assert (result.verdict, result.is_unreachable) == (Verdict.ERROR, True)
        assert f"no cluster answers on {end}" in result.reason


def process(cluster: str, **nodes: str) -> tuple[dict[str, object], list[str]]:
    """Return an API that has these nodes (with their roles), and what it was asked."""
    versions = {"active": "11.5.1.10000-6", "inactive": None, "installing": None}
    common = {"address": "127.0.0.1", "version": 1, "versions": versions, "services": []}
    status = {"cluster": cluster, "release": "11.5(1)", "security_mode": "non-secure"}
    more = {"program": "1", "pid": 1, "started": TIME, "devices": 1}
    held = [
        {"name": name.replace("_", "-"), "role": role, **common} for name, role in nodes.items()
    ]
    ready = [{"name": one["name"], "address": "127.0.0.1", "services": {}} for one in held]
    return {
        "/status": {**status, **more, "nodes": held},
        "/ready": {"nodes": ready},
    }, []


def event(node: str) -> dict[str, object]:
    """Return what the journal of a process has, at number 5."""
    what = {"service": "tftp", "peer": "127.0.0.1:1", "device": None, "fault": ""}
    told = {"request": "x", "answer": "y", "milliseconds": 1.0, "time": TIME}
    return {"number": 5, "node": node, **what, **told}


async def test_the_processes_of_one_cluster_are_one_and_each_is_asked_for_its_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processes = {
        "http://sub": process("west", cucm_sub="subscriber"),
        "http://pub": process("west", cucm_pub="publisher"),
        "http://east": process("east", east_pub="publisher"),
    }

    def administrator(end: str, token: str) -> Administrator:
        answers, asked = processes[end]

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(f"{request.method} {request.url.path}")
            if request.url.path == "/events":
                happened = [] if request.url.params["after"] == "5" else [event(end)]
                page = {"last": 5, "dropped_before": 0, "stopping": False}
                return httpx.Response(200, json={"events": happened, **page})
            return httpx.Response(200, json=answers.get(request.url.path, {}))

        return Administrator(httpx.MockTransport(answer), end, token)

    monkeypatch.setattr(against, "_administrator", administrator)
    running = RunningClusters([*processes])
    async with running.open(ClusterShape(phones=()), "cluster") as west:
        assert [*west.nodes] == ["cucm-pub", "cucm-sub"]
        # two journals are one
        found = await west.administrator.exchanges()
        assert [(one.number, one.node) for one in found] == [(1, "http://pub"), (2, "http://sub")]
        assert await west.administrator.exchanges(2) == []
        for _, asked in processes.values():
            asked.clear()
        await west.administrator.act("restart", "Cisco Tftp", node="cucm-sub")
        await west.administrator.advance(timedelta(seconds=1))
        await west.administrator.post("/faults", {"kind": "tvs-silent"})
    async with running.open(ClusterShape(nodes=1, phones=()), "other") as east:
        assert [*east.nodes] == ["east-pub"]
    orders = {end: [one for one in done if "POST" in one] for end, (_, done) in processes.items()}
    assert orders == {
        "http://sub": ["POST /services/cucm-sub/Cisco Tftp/restart", "POST /faults"],
        "http://pub": ["POST /clock/advance", "POST /faults"],
        "http://east": [],
    }
