"""What all tests share: every async test runs on asyncio and on uvloop."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

pytest_plugins = (
    "tests.fixtures.postgres",
    "tests.fixtures.clusters",
    "tests.fixtures.seedclusters",
)


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001  pytest passes hook arguments by name
    item: pytest.Item,  # noqa: ARG001  the same
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give pytest-asyncio each loop in turn."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
