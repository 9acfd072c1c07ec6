"""The same seed is the same run, byte for byte; another seed is another one."""

import pytest

from cucmsim.cli.scenarionarrator import passage_lines
from cucmsim.cluster.journalapi import EventReport
from cucmsim.scenarios.library import LIBRARY
from cucmsim.scenarios.narrative import Passage, Shown
from cucmsim.scenarios.runner import Order, RunResult, Verdict, run_scenario
from cucmsim.scenarios.seeding import draw_seed

pytestmark = pytest.mark.usefixtures("quiet")


async def played(name: str, seed: int) -> tuple[RunResult, list[str], list[EventReport]]:
    """Return what came of a run, what was told of it, and its journal."""
    passages: list[Passage] = []
    scenario = next(one for one in LIBRARY if one.name == name)
    result = await run_scenario(Order(scenario, "11.5", seed), passages.append)
    assert result.verdict is Verdict.PASSED, result.reason
    told = [line for one in passages for line in passage_lines(one, verbose=True)]
    return result, told, [one.exchange for one in passages if isinstance(one, Shown)]


async def test_the_same_seed_is_the_same_run_to_the_byte_and_another_is_another() -> None:
    seed, other_seed = draw_seed(), draw_seed()
    first, told, journal = await played("mixed-mode", seed)
    second, told_again, journal_again = await played("mixed-mode", seed)
    assert told == told_again
    assert journal == journal_again
    assert first.digest == second.digest != ""
    other, _, other_journal = await played("mixed-mode", other_seed)
    assert other.digest != first.digest
    assert {one.peer for one in journal}.isdisjoint(one.peer for one in other_journal)
