"""kill -9 in the middle of an operation: the next start finds all of it done, or nothing.

A process runs the cluster and is given an operation; it kills itself as the operation is about to
be committed, or as soon as it was. Then the cluster is started again: what was not done is done by
saying it again, every node serves trust lists that verify, and a phone that trusted still does.
"""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsim.store.replica import Replica
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import PUBLISHER, TIMEOUT_S
from tests.fixtures.phonelab import PhoneLab
from tests.operations_matrix.bench import Bench, difference
from tests.operations_matrix.row import RELEASE, Row
from tests.operations_matrix.rows import ROWS
from tests.operations_matrix.test_matrix import expected
from tests.scenarios.bench import NEW, Handset, accepted, refused

WEIGHTY = ("set mixed mode", "reset the ITL", "set network domain lab.local")
CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.loading import load_settings
from cucmsim.store import engine
from cucmsim.store.changelog import Writer
from tests.fixtures.clock import MovedClock
from tests.operations_matrix.bench import Bench
from tests.operations_matrix.rows import ROWS

async def main(config, moment, name):
    (row,) = [row for row in ROWS if row.name == name]
    async with Cluster.running(load_settings(Path(config), {})) as cluster:
        commit, finish, versions = engine._commit, Writer.finish, []

        async def finished(writer):
            before, after = writer.version, await finish(writer)
            versions.extend([after] if after > before else [])
            return after

        async def committed(transaction, session):
            if versions and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            await commit(transaction, session)
            if versions:
                os.kill(os.getpid(), signal.SIGKILL)

        Writer.finish, engine._commit = finished, committed
        await row.give(Bench(cluster, MovedClock()), "cucm-pub")

asyncio.run(main(*sys.argv[1:]))
"""

pytestmark = [pytest.mark.usefixtures("quiet"), pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_operation_killed_around_its_commit_is_done_or_can_be_said_again(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    phones = PhoneLab(tmp_path / "lab")
    phones.lab.release = str(RELEASE)
    # no order of CAPF: its end is noted after the phone has booted
    phones.lab.phones = phones.lab.phones.replace('pending_operation = "install"', "")
    handset = Handset(NEW, phones.network())
    before = asyncio.run(first_run(phones, handset))
    saved = shutil.copytree(phones.lab.data, tmp_path / "saved")
    for row in (row for row in ROWS if row.name in WEIGHTY):
        for moment in ("before", "after"):
            with subtests.test(row.name, moment=moment):
                shutil.rmtree(phones.lab.data)
                shutil.copytree(saved, phones.lab.data)
                kill(phones, moment, row)
                phone = handset.moved(phones.network())
                asyncio.run(next_run(phones, phone, before, row, moment))


async def first_run(phones: PhoneLab, handset: Handset) -> Replica:
    """Make a cluster that a phone trusts."""
    async with phones.lab.running() as cluster:
        await handset.boot()
        return cluster.view.replica


def kill(phones: PhoneLab, moment: str, row: Row) -> None:
    """Run the cluster in a process that kills itself during the operation."""
    argv = [sys.executable, "-c", CHILD, str(phones.lab.write()), moment, row.name]
    root = Path(__file__).parents[2]
    ended = subprocess.run(argv, capture_output=True, timeout=TIMEOUT_S, check=False, cwd=root)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


async def next_run(
    phones: PhoneLab, phone: Handset, before: Replica, row: Row, moment: str
) -> None:
    """Start again, and look at what the operation left."""
    async with phones.lab.running() as cluster:
        bench = Bench(cluster, MovedClock())
        changes = expected(row.changes, bench, PUBLISHER)
        if moment == "before":
            assert cluster.view.replica == before
            since = bench.since()
            assert row.says in await row.give(bench, PUBLISHER)
            await bench.restart(PUBLISHER, row.restarts)
            await bench.restarted(PUBLISHER, row.automatic, since)
        assert difference(before, cluster.view.replica, PUBLISHER) == changes
        assert cluster.view.replica.version == before.version + 1
        await bench.check_nodes()
        summary = await phone.boot()
    assert refused(summary) == []
    assert accepted(summary)
