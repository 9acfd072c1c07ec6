"""What tests with other programs share: a cluster whose command line takes a password."""

from collections.abc import Iterator

import pytest

from tests.fixtures.clusters import Lab, RunningProcess
from tests.fixtures.programs import program
from tests.fixtures.sshclients import SSH_PASSWORD


@pytest.fixture(scope="session")
def ssh_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    """Give one cluster to all tests that only look at it."""
    program("ssh")
    lab = Lab(tmp_path_factory.mktemp("ssh"))
    lab.environ["CUCMSIM_CLUSTER__ADMINISTRATOR_PASSWORD"] = SSH_PASSWORD
    with lab.process() as process:
        yield process
