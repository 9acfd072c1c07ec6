"""Scenarios on a cluster that runs already."""

from dataclasses import replace
from pathlib import Path

from cucmsim.cluster.directory import management_sockets
from cucmsim.scenarios.against import RunningClusters
from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.runner import Order, RunResult, Verdict, run_scenario
from cucmsim.scenarios.seeding import real_surroundings
from cucmsim.testing.labcluster import LabCluster, Surroundings
from cucmsim.testing.places import Place
from cucmsim.testing.shape import NEW_PHONE, ClusterShape

REGEN_TVS = next(one for one in LIBRARY if one.name == "regen-tvs")


async def played(end: str, shape: ClusterShape = REGEN_TVS.shape) -> RunResult:
    scenario = replace(REGEN_TVS, shape=shape)
    opens = RunningClusters([end]).open
    order = Order(scenario, scenario.shape.release, 1, opens=opens, around=real_surroundings)
    return await run_scenario(order, lambda _: None)


async def test_a_scenario_is_played_on_the_cluster_it_fits_and_on_no_other(
    tmp_path: Path, quiet: None
) -> None:
    del quiet
    shape = ClusterShape(phones=())
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

            other = await played(
                end, shape=ClusterShape("14", "mixed", 3, extra={"service_parameters": {}})
            )
            assert other.verdict is Verdict.NOT_APPLICABLE
            assert other.reason == (
                f"{end}: needs release 14 (found 11.5(1)), mixed mode (found non-secure),"
                " 3 nodes in one process (found 2), a description of its own (service_parameters)"
            )


async def test_a_cluster_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    for end in (str(tmp_path / "none.sock"), "http://127.0.0.1:1"):
        result = await played(end)
        assert (result.verdict, result.is_unreachable) == (Verdict.ERROR, True)
        assert f"no cluster answers on {end}" in result.reason
