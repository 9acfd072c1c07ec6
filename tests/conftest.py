"""What all tests share: the loops they run on, asyncio and uvloop.

Every async test runs on both, except in the directories of `ALTERNATING`. There each test takes one
loop of the two: a whole cluster runs, whose daemons, store and phones have their own tests on both,
or the rules, which have no sockets. Which one follows from its name and its place in the
parametrisation: neighbours take turns, and it is the same in every run.
`CUCMSIM_TEST_LOOPS=both` or `alternate` has one or the other everywhere.
"""

import asyncio
import os
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest
import uvloop

from cucmsim.pki.sealing import SealingKey

pytest_plugins = (
    "pytester",
    "cucmsim.testing.plugin",
    "tests.fixtures.postgres",
    "tests.fixtures.clusters",
    "tests.fixtures.seedclusters",
)

TESTS = Path(__file__).parent
ALTERNATING = ("cli", "cluster", "operations_matrix", "scenarios", "services", "walkthroughs")
LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}
_PARAMETER = "_asyncio_loop_factory"


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001  pytest passes hook arguments by name
    item: pytest.Item,  # noqa: ARG001  the same
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give pytest-asyncio each loop in turn."""
    return LOOPS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the loop whose turn it is not; a test asked for by name, loop included, is kept."""
    tests: dict[str, dict[str, list[pytest.Function]]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and _alternates(item):
            name = item.nodeid.partition("[")[0]
            tests.setdefault(name, {}).setdefault(_without_loop(item), []).append(item)
    left_out = [
        twins[(zlib.crc32(name.encode()) + place) % len(LOOPS)]
        for name, given in tests.items()
        for place, twins in enumerate(given.values())
        if len(twins) == len(LOOPS)
    ]
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=left_out)


def _alternates(item: pytest.Function) -> bool:
    wanted = os.environ.get("CUCMSIM_TEST_LOOPS", "")
    below = item.path.relative_to(TESTS).parts[0]
    on_loop = hasattr(item, "callspec") and _PARAMETER in item.callspec.params
    return on_loop and wanted != "both" and (wanted == "alternate" or below in ALTERNATING)


def _without_loop(item: pytest.Function) -> str:
    """Return the parameters that a test and its twin on the other loop have in common."""
    factory = item.callspec.params[_PARAMETER]
    words = item.callspec.id.split("-")
    words.remove(next(name for name, made in LOOPS.items() if made is factory))
    return "-".join(words)


@pytest.fixture(scope="session")
def derive() -> Callable[[str, bytes], SealingKey]:
    """Give the real derivation, remembered: it takes 60 ms, and the templates share a salt."""
    return cache(SealingKey.derive)


@pytest.fixture(autouse=True)
def _derived_once(
    monkeypatch: pytest.MonkeyPatch, derive: Callable[[str, bytes], SealingKey]
) -> None:
    monkeypatch.setattr(SealingKey, "derive", derive)
