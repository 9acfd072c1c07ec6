"""One lab of containers for the session, whole again before every test."""

import os
from collections.abc import Iterator

import pytest

from tests.docker.lab import Lab, engine_problem

_IN_CI = bool(os.environ.get("CI"))


@pytest.fixture(scope="session")
def _engine() -> None:
    """Skip where containers are not wanted or cannot be had; in CI they must be had."""
    if not _IN_CI and os.environ.get("CUCMSIM_TEST_DOCKER") != "1":
        pytest.skip("starts containers: make test-docker")
    problem = engine_problem()
    if problem is not None and _IN_CI:
        pytest.fail(problem)
    if problem is not None:
        pytest.skip(problem)


@pytest.fixture(scope="session")
def _session_lab(_engine: None) -> Iterator[Lab]:
    settings = {"LAB_SECURITY_MODE": "mixed", "LAB_LOG_LEVEL": "debug"}
    lab = Lab(f"cucmsimtest{os.getpid()}", settings)
    try:
        lab.up()
        yield lab
    finally:
        lab.down()


@pytest.fixture
def lab(_session_lab: Lab) -> Lab:
    """Return a mixed-mode cluster with every node healthy."""
    _session_lab.wait_healthy()
    return _session_lab


@pytest.fixture
def plain_lab(_engine: None) -> Iterator[Lab]:
    """Another lab, as docker-compose.yml alone describes it; not started."""
    lab = Lab(f"cucmsimtest{os.getpid()}plain", with_client=False)
    try:
        yield lab
    finally:
        lab.down()
