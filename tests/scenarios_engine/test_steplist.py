"""The steps of a scenario are read off it: calls in their order, conditions, helpers, files."""

from pathlib import Path

from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.stagecluster import TFTP, StageCluster
from cucmsim.scenarios.steplist import steps_of
from cucmsim.scenarios.userfiles import load_scenarios

EXAMPLE = Path("docs/scenarios/locked-and-freed.toml")


async def helper(cluster: StageCluster, *, again: bool) -> None:
    await cluster.restart(TFTP)
    if again:
        await helper(cluster, again=False)


async def play(stage: Stage) -> None:
    await stage.phone.boot()
    for unit in ("TVS", "CAPF"):
        await stage.cluster.regenerate(unit)
    if stage.parameters["way"] == "left":
        await helper(stage.cluster, again=True)
        return
    stage.expect_follows(await stage.phone.boot())


def test_calls_come_in_their_order_with_conditions_loops_and_helpers() -> None:
    assert steps_of(play) == (
        "phone.boot()",
        "for unit in ('TVS', 'CAPF'):",
        "  cluster.regenerate(unit)",
        "if stage.parameters['way'] == 'left':",
        "  cluster.restart(TFTP)",
        "  done",
        "phone.boot()",
        "expect_follows(stage.phone.boot())",
    )


def test_every_row_of_the_library_has_steps_and_something_that_is_expected() -> None:
    for scenario in LIBRARY:
        steps = steps_of(scenario.play)
        assert any("expect" in step for step in steps), scenario.name


def test_a_file_tells_its_own_steps() -> None:
    (scenario,) = load_scenarios(EXAMPLE)
    steps = steps_of(scenario.play)
    assert steps[0] == 'phone = "boot"'
    assert 'regenerate = "CallManager"' in steps


def test_what_has_no_source_has_no_steps() -> None:
    assert steps_of(print) == ()
