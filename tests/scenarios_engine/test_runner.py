"""What comes of a run, whatever the scenario does."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cucmsim.errors import NotApplicableError, RefusedError, UnreachableError
from cucmsim.phone.values import PhoneIdentity
from cucmsim.scenarios.narrative import Check, Passage
from cucmsim.scenarios.observed import UNKNOWN
from cucmsim.scenarios.runner import RunResult, Verdict, run_scenario, shape_for
from cucmsim.scenarios.stage import Stage
from cucmsim.testing.shape import NEW_PHONE, OLD_PHONE, ClusterShape, PhoneShape
from tests.scenarios_engine.pretended import PretendedCluster, order_of

if TYPE_CHECKING:
    from pathlib import Path


async def result_of(play: object, limit_s: float = 60) -> RunResult:
    assert callable(play)
    return await run_scenario(order_of(play, limit_s=limit_s), lambda _: None)


async def test_a_run_passes_when_everything_is_as_expected() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("one is one", 1, 1)

    result = await result_of(play)
    assert (result.verdict, result.reason, len(result.checks)) == (Verdict.PASSED, "", 1)


async def test_a_run_fails_when_one_thing_is_not_and_says_which() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("one is one", 1, 1)
        stage.expect("one is two", 1, 2)

    result = await result_of(play)
    assert result.verdict is Verdict.FAILED
    assert result.reason == "one is two: found 1, expected 2"


async def test_a_scenario_that_expects_nothing_is_an_error() -> None:
    async def play(stage: Stage) -> None:
        del stage

    result = await result_of(play)
    assert result.verdict is Verdict.ERROR
    assert "expects nothing" in result.reason


async def test_a_run_of_which_nothing_can_be_seen_is_not_judged() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("something inside", UNKNOWN)

    assert (await result_of(play)).verdict is Verdict.NOT_JUDGED


async def test_a_run_is_not_judged_when_what_decides_it_is_not_seen() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("one is one", 1, 1)
        stage.expect("it follows", UNKNOWN, decisive=True)

    result = await result_of(play)
    assert result.verdict is Verdict.NOT_JUDGED
    assert result.reason == "what decides it was not seen from outside: it follows (unknown)"


async def test_a_run_that_passes_says_how_much_of_it_was_not_seen() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("it follows", found=True, decisive=True)
        stage.expect("something inside", UNKNOWN)

    result = await result_of(play)
    assert result.verdict is Verdict.PASSED
    assert result.reason == "1 of 2 claims were not seen from outside"


async def test_nothing_is_a_value_like_any_other() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("it registers nowhere", None, None)
        stage.expect("it registers", None, "cucm-pub")

    result = await result_of(play)
    assert result.verdict is Verdict.FAILED
    assert result.reason == "it registers: found nothing, expected cucm-pub"


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (KeyError("no such"), Verdict.ERROR, "KeyError: 'no such' (test_runner.py, line "),
        (RefusedError("not now"), Verdict.ERROR, "not now (test_runner.py, line "),
        (NotApplicableError("needs more"), Verdict.NOT_APPLICABLE, "needs more"),
        (UnreachableError("nobody answers"), Verdict.ERROR, "nobody answers"),
    ],
)
async def test_an_exception_of_a_row_is_told_in_a_line(
    error: Exception, verdict: Verdict, reason: str
) -> None:
    async def play(stage: Stage) -> None:
        stage.expect("so far so good", found=True)
        raise error

    result = await result_of(play)
    assert result.verdict is verdict
    assert result.reason.startswith(reason)
    assert result.is_unreachable is isinstance(error, UnreachableError)


async def test_a_run_ends_at_its_limit() -> None:
    async def play(stage: Stage) -> None:
        del stage
        await asyncio.Event().wait()

    result = await result_of(play, limit_s=0.2)
    assert result.verdict is Verdict.ERROR
    assert result.reason.startswith("not at its end after 0.2 s")


async def test_a_run_that_is_cancelled_leaves_no_directory() -> None:
    directories: list[Path] = []
    is_there = asyncio.Event()

    async def play(stage: Stage) -> None:
        directories.append(stage.directory("files"))
        is_there.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(result_of(play))
    await is_there.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not directories[0].parent.exists()


async def test_everything_is_told_in_order() -> None:
    async def play(stage: Stage) -> None:
        await stage.cluster.regenerate("TVS")
        await stage.cluster.add_fault("tvs-silent", times=1)
        stage.expect("it is so", found=True)

    told: list[Passage] = []
    cluster = PretendedCluster()
    await run_scenario(order_of(play, cluster), told.append)
    texts = [one.claim if isinstance(one, Check) else getattr(one, "text", "") for one in told]
    assert texts == [
        "runs already: 2 nodes, release 11.5, non-secure",
        "cucm-pub: regenerate TVS",
        "tvs-silent, times = 1",
        "it is so",
    ]
    assert "POST /faults" in cluster.asked


async def test_a_running_cluster_is_not_stopped() -> None:
    async def play(stage: Stage) -> None:
        await stage.stop(stage.cluster)

    result = await result_of(play)
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "runs already" in result.reason


async def test_nothing_looks_into_a_cluster_that_runs_elsewhere() -> None:
    async def play(stage: Stage) -> None:
        stage.expect("an insight", stage.cluster.lab)

    assert (await result_of(play)).verdict is Verdict.NOT_APPLICABLE


def test_another_phone_takes_the_place_of_its_own_kind_with_all_that_is_said_of_it() -> None:
    special = PhoneShape(NEW_PHONE, {"security_profile": "Secure"})
    shape = ClusterShape(phones=(PhoneShape(OLD_PHONE), special))
    other = PhoneIdentity("0011AABBCCDD", "7841")
    changed, chosen = shape_for(shape, "14", other)
    assert (changed.release, chosen) == ("14", other)
    assert changed.phones == (PhoneShape(OLD_PHONE), replace(special, identity=other))


def test_the_new_phone_is_under_test_unless_the_scenario_has_none() -> None:
    assert shape_for(ClusterShape(), "11.5", None)[1] == NEW_PHONE
    alone = ClusterShape(phones=(PhoneShape(OLD_PHONE),))
    assert shape_for(alone, "11.5", None)[1] == OLD_PHONE
