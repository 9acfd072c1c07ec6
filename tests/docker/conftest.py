"""One lab of containers for the session, whole again before every test."""

import os
from collections.abc import Iterator

import pytest

from tests.docker.administrator import Administrator
from tests.docker.lab import Lab, engine_problem
from tests.docker.labphones import LabPhone, name_of
from tests.docker.outages import Outages

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
    settings = {
        "LAB_SECURITY_MODE": "mixed",
        "LAB_SECOND_SECURITY_MODE": "mixed",
        "LAB_LOG_LEVEL": "debug",
    }
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
def two_clusters(lab: Lab) -> Iterator[Lab]:
    """Return the lab with the second cluster and the SFTP server between both, just made."""
    try:
        lab.start_second()
        yield lab
    finally:
        lab.remove_second()


@pytest.fixture
def administrator(lab: Lab) -> Administrator:
    return Administrator(lab)


@pytest.fixture
def phones(lab: Lab, administrator: Administrator) -> list[LabPhone]:
    """Return two SIP phones and one of SCCP, registered with the publisher, their past forgotten.

    They stay from test to test, and notice within a minute that a node is silent.
    """
    containers = lab.containers("phone")
    if not containers:
        for name, seconds in (
            ("SIPStationKeepAliveInterval", 30),
            ("StationKeepAliveInterval", 10),
        ):
            setting = {"name": name, "value": str(seconds)}
            assert administrator.ask("publisher", "POST", "/parameters", setting)[0] == 200
        lab.start_phones(2)
        lab.compose("--profile", "phones", "up", "-d", "--no-deps", "handset")
        containers = lab.containers("phone")
    containers += lab.containers("handset")
    held = [LabPhone(container, name_of(container)) for container in containers]
    for phone in held:
        if phone.registered_with not in {"", "cucm-pub"}:
            phone.restart()
    for phone in held:
        phone.wait_registered("cucm-pub", 60)
        phone.look_away()
    return held


@pytest.fixture
def outages(lab: Lab) -> Iterator[Outages]:
    """Take parts of the lab away; they are back when the test ends, however it does."""
    outages = Outages(lab)
    try:
        yield outages
    finally:
        outages.heal()
