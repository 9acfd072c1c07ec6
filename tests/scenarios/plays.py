"""Plays a scenario of the library on a loop of its own, with a clock that stands."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from cucmsim.scenarios.runner import Order, RunResult, run_scenario
from cucmsim.testing.clock import ManualClock
from cucmsim.testing.labcluster import Surroundings
from cucmsim.testing.places import Place

__all__ = ["played"]


def played(
    order: Order,
    directory: Path,
    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.SelectorEventLoop,
) -> RunResult:
    """Return what came of it; keys are the system's, which are made faster than seeded ones."""
    with asyncio.Runner(loop_factory=loop) as runner:
        wanted = replace(order, around=partial(_surroundings, directory))
        return runner.run(run_scenario(wanted, lambda _: None))


@contextmanager
def _surroundings(directory: Path) -> Iterator[Surroundings]:
    with Place.take() as place:
        yield Surroundings(place, directory, ManualClock())
