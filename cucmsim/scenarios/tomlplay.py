"""Reads the steps of a scenario written in TOML, and carries them out one after the other."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from cucmsim.cluster.problems import Spot, nearest
from cucmsim.errors import RefusedError
from cucmsim.scenarios.stage import Stage
from cucmsim.scenarios.tomlsteps import STEPS, Actor, Expect, Known, Order, Step
from cucmsim.testing.administrator import Said
from cucmsim.testing.shape import ClusterShape

__all__ = ["Steps", "read_steps"]

_CARRIED_OUT: Final = "the step is carried out"


def read_steps(entries: Sequence[object], known: Known) -> list[Step]:
    """Return the steps that can be read; what is wrong with them and with the others is noted."""
    steps = []
    for at, entry in enumerate(entries):
        step = _read(entry, ("steps", at), known)
        if step is not None:
            step.check(("steps", at), known)
            steps.append(step)
    return steps


def _read(entry: object, spot: Spot, known: Known) -> Step | None:
    if not isinstance(entry, dict):
        return None  # the file's own model has said so
    verbs = [key for key in entry if key in STEPS]
    if len(verbs) == 1:
        return known.findings.read(STEPS[verbs[0]], entry, spot)
    found = " and ".join(verbs) or ", ".join(map(str, entry)) or "nothing"
    hints = [hint for key in entry if not verbs and (hint := nearest(key, STEPS))]
    known.findings.add(spot, found, f"one verb of {', '.join(STEPS)}", next(iter(hints), None))
    return None


class Steps:
    """Carries out the steps of a file, as `Scenario.play` does."""

    def __init__(self, steps: Sequence[Step], shapes: Mapping[str, ClusterShape]) -> None:
        self._steps = steps
        self._shapes = shapes

    @property
    def lines(self) -> tuple[str, ...]:
        """The steps as the file has them, a line each."""
        return tuple(map(_line, self._steps))

    async def __call__(self, stage: Stage) -> None:
        """Carry out one after the other; one that is refused, and should not be, is the last."""
        actor = Actor(stage, self._shapes)
        for at, step in enumerate(self._steps):
            is_done = await _perform(step, actor)
            if is_done or (isinstance(step, Order) and step.may_fail) or self._is_judged(at):
                continue
            refusal = actor.said.text or "a refusal"
            stage.expect(f"{_CARRIED_OUT}: steps[{at}]", refusal, "no refusal")
            return

    def _is_judged(self, at: int) -> bool:
        """Tell whether the steps that follow say what must come of an order."""
        for step in self._steps[at + 1 :]:
            if not isinstance(step, Expect):
                return False
            if step.is_of_order:
                return True
        return False


def _line(step: Step) -> str:
    """Return a step with what it was given, its verb first."""
    given = step.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in given.items())


async def _perform(step: Step, actor: Actor) -> bool:
    """Carry out a step; tell whether that was done. Raises RefusedError for what is no order."""
    try:
        await step.perform(actor)
    except RefusedError as refusal:
        if not isinstance(step, Order):
            raise
        actor.said = Said(tuple(str(refusal).splitlines()), succeeded=False)
        actor.stage.narrate(f"is refused: {refusal}")
        return False
    return not (isinstance(step, Order) and step.is_answered) or actor.said.succeeded
