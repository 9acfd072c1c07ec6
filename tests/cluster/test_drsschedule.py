"""Scheduled backups are made when the cluster's clock shows their time, and fail without harm."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cucmsim.cluster.drsschedule import DrsScheduler
from cucmsim.entropy import SeededEntropy
from cucmsim.errors import StoreError
from cucmsim.services.operations.clockmove import advance_clock
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.devices import add_device
from cucmsim.services.operations.drs.progress import (
    Kind,
    Mode,
    Progress,
    State,
    progress_of,
    read_history,
    running,
)
from cucmsim.services.operations.drs.schedules import (
    Frequency,
    Schedule,
    add_schedule,
    enable_schedule,
)
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER, Lab
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.fixtures.sftpservers import PASSWORD, USER, serving
from tests.services.admin.fakesftp import FakeSftp
from tests.services.operations.conftest import NOW, fill, make_operator
from tests.services.operations.drs.conftest import DEVICE, DIRECTORY
from tests.store.conftest import FixedClock

DAY = timedelta(days=1)
TIMEOUT_S = 30


class Bench:
    """A scheduler over a store with one device, and the times it waits for."""

    def __init__(self, store: Store, clock: FixedClock, view: View) -> None:
        self.clock = clock
        self.view = view
        self.sftp = FakeSftp()
        self.waits: asyncio.Queue[datetime] = asyncio.Queue()
        self.due = asyncio.Event()
        operator = replace(make_operator(store, clock), newest=self.newest)
        self.drs = Drs(operator, self.sftp, UTC, lambda _: None)
        self.scheduler = DrsScheduler(view, lambda: self.drs, self.wait_until)

    async def newest(self) -> Replica:
        self.view.replace(await self.drs.operator.store.load_replica())
        return self.view.replica

    async def wait_until(self, moment: datetime) -> None:
        self.waits.put_nowait(moment)
        await self.due.wait()
        self.due.clear()

    async def waits_for(self, moment: datetime) -> None:
        """Return when the scheduler waits for `moment`, which it may do anew at each change."""
        async with asyncio.timeout(TIMEOUT_S):
            while await self.waits.get() != moment:
                pass

    async def schedule(self, frequency: str, name: str = "nightly") -> None:
        first = (self.clock.now() + DAY).isoformat()
        wanted = Schedule(name, "sftp1", ("UCM",), first, Frequency(frequency))
        await add_schedule(self.drs.operator, wanted)
        await enable_schedule(self.drs.operator, name, UTC, is_enabled=True)

    async def history(self) -> list[tuple[str, State, Mode]]:
        held = await read_history(self.drs.operator, Kind.BACKUP)
        return [(one.stamp, one.state, one.mode) for one in held]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Give a bench on SQLite; the operations themselves are tried on both engines."""
    clock = FixedClock(NOW)
    async with Store.open(
        f"sqlite:///{tmp_path / 'x.db'}",
        security_password=SECURITY_PASSWORD,
        clock=clock,
        entropy=SeededEntropy(1),
    ) as opened:
        await fill(opened)
        made = Bench(opened, clock, View(await opened.load_replica()))
        await add_device(made.drs, DEVICE)
        yield made
        await made.scheduler.stop()


async def test_a_schedule_runs_when_it_is_due_and_comes_again(bench: Bench) -> None:
    bench.scheduler.start()
    await bench.schedule("daily")
    await bench.waits_for(NOW + DAY)
    assert await bench.history() == []
    bench.clock.at += 3 * DAY  # over three times: it runs once
    bench.due.set()
    await bench.waits_for(NOW + 4 * DAY)
    assert await bench.history() == [("2026-03-04-12-00-00", State.SUCCESS, Mode.SCHEDULED)]
    assert "2026-03-04-12-00-00_drfComponent.xml" in bench.sftp.files[DIRECTORY]


async def test_one_that_fails_is_noted_and_comes_again(bench: Bench) -> None:
    await bench.schedule("weekly")
    bench.sftp.is_full = True
    bench.clock.at += DAY
    with capture_logs() as logs:
        bench.scheduler.start()
        await bench.waits_for(NOW + 8 * DAY)
    (error,) = [one for one in logs if one["log_level"] == "error"]
    assert error["event"] == "scheduled backup failed"
    assert "No space left on device" in error["why"]
    assert await bench.history() == [("2026-03-02-12-00-00", State.ERROR, Mode.SCHEDULED)]


async def test_what_was_cut_off_is_noted_at_the_start(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.schedule("once")
    operator, progress = bench.drs.operator, Progress(Kind.BACKUP, "x", ("UCM",), 1)
    with monkeypatch.context() as patch:
        patch.setattr("cucmsim.services.operations.drs.progress.Operation.fail", _nothing)
        with pytest.raises(KeyboardInterrupt):
            async with running(operator, progress):
                raise KeyboardInterrupt
    bench.scheduler.start()
    await bench.waits_for(NOW + DAY)
    held = await progress_of(operator, Kind.BACKUP)
    assert held is not None
    assert (held.state, held.why) == (State.ERROR, "interrupted")


async def _nothing(*_: object) -> None:
    """Note nothing, as a process that is killed."""


async def test_a_database_that_is_away_at_the_start_stops_no_schedule(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr("cucmsim.cluster.drsschedule.fail_interrupted", away)
    await bench.schedule("monthly")
    with capture_logs() as logs:
        bench.scheduler.start()
        await bench.waits_for(NOW + DAY)
    assert "interrupted backups not noted" in [one["event"] for one in logs]
    await bench.scheduler.stop()
    await bench.scheduler.stop()


@pytest.mark.usefixtures("quiet")
async def test_a_running_cluster_makes_one_when_its_clock_is_moved(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "backups").mkdir()
    async with serving(tmp_path / "backups") as sftp, lab.running() as cluster:
        give = at_node(cluster, PUBLISHER)
        server, prefix = f"{sftp.host}:{sftp.port}", "utils disaster_recovery"
        await give(f"{prefix} device add network d / {server} {USER}", [PASSWORD, "yes"])
        tomorrow = cluster.operator().clock.now() + DAY
        when = f"{tomorrow:%Y/%m/%d-%H:%M}"
        await give(f"{prefix} schedule add nightly d UCM {when} daily")
        assert "enabled" in await give(f"{prefix} schedule enable nightly")
        await advance_clock(cluster.operator(), DAY)
        async with asyncio.timeout(TIMEOUT_S):
            while " SUCCESS SCHEDULED UCM" not in await give(f"{prefix} history backup"):
                await cluster.operator().newest()
        assert (await give(f"{prefix} show_backupfiles d")).count(".tar") == 1
