"""The monitors write what is due when the clock says so, into the log and CiscoSyslog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cucmsim.cluster.certificatemonitor import CertificateMonitor
from cucmsim.entropy import SeededEntropy
from cucmsim.errors import StoreError
from cucmsim.pki.certificates import load_certificate
from cucmsim.services.operations.monitor import LSC_MONITORING
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.recovery import fetch_recovery_file, remembered_backup
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View
from cucmsim.store.rows import Device
from cucmsim.store.store import Store
from tests.fixtures.clusters import Lab
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.operations.conftest import (
    NOW,
    PUBLISHER,
    SUBSCRIBER,
    fill,
    make_operator,
)
from tests.store.conftest import FixedClock

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Bench:
    """A monitor of some nodes over a store, and what it wrote."""

    def __init__(self, directory: Path, operator: Operator, view: View, nodes: list[str]) -> None:
        self.operator = operator
        self.view = view
        self.clock = operator.clock
        self.waited: list[datetime] = []
        self.traces = {node: TraceFiles(directory / node, operator.clock) for node in nodes}
        self.monitor = CertificateMonitor(self.traces, view, lambda: self.operator, self._wait)
        self.turn = asyncio.Event()

    async def _wait(self, moment: datetime) -> None:
        self.waited.append(moment)
        self.turn.set()
        await asyncio.Event().wait()

    async def look(self) -> tuple[list[str], datetime]:
        """Return the lines of a look, and when the next is due."""
        with capture_logs() as logs:
            due = await self.monitor.look()
        return [str(entry["event"]) for entry in logs], due

    def set(self, moment: datetime) -> None:
        assert isinstance(self.clock, FixedClock)
        self.clock.at = moment


@asynccontextmanager
async def bench(directory: Path, *nodes: str) -> AsyncIterator[Bench]:
    clock = FixedClock(NOW)
    url = f"sqlite:///{directory / 'cluster.db'}"
    async with Store.open(
        url, security_password=SECURITY_PASSWORD, clock=clock, entropy=SeededEntropy(1)
    ) as store:
        await fill(store)
        view = View(await store.load_replica())
        operator = make_operator(store, clock)
        yield Bench(directory, operator, view, list(nodes))


def end_of(made: Bench, node: str, unit: str) -> datetime:
    der = made.view.replica.own[node, unit].certificate_der
    return load_certificate(der).not_valid_after_utc


async def test_the_alert_comes_every_day_until_the_key_is_saved_seed_003_line_552(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, PUBLISHER) as made:
        made.set(end_of(made, PUBLISHER, "CAPF") - timedelta(days=400))
        now = made.clock.now()
        lines, due = await made.look()
        assert [line.split(":")[0] for line in lines] == ["%UC_CERT-4-ITLRecoveryCertBackup"]
        assert due == now + DAY
        made.set(now + DAY - timedelta(seconds=1))
        assert await made.look() == ([], now + DAY)
        made.set(now + DAY)
        assert len((await made.look())[0]) == 1
        data = await fetch_recovery_file(made.operator, PUBLISHER, SECURITY_PASSWORD)
        await remembered_backup(made.operator, data, SECURITY_PASSWORD)
        made.set(now + 2 * DAY)
        assert await made.look() == ([], now + 3 * DAY)


async def test_a_subscriber_alone_asks_for_no_backup(tmp_path: Path) -> None:
    async with bench(tmp_path, SUBSCRIBER) as made:
        made.set(end_of(made, SUBSCRIBER, "CallManager") - timedelta(days=400))
        assert await made.look() == ([], made.clock.now() + DAY)


async def test_what_ends_within_a_day_is_told_every_hour(tmp_path: Path) -> None:
    async with bench(tmp_path, SUBSCRIBER) as made:
        ends = end_of(made, SUBSCRIBER, "CallManager")
        made.set(ends - HOUR)
        lines, due = await made.look()
        assert due == ends
        assert any("CertValidLessThanADay" in line and "CallManager.der" in line for line in lines)
        made.set(ends)
        lines, _ = await made.look()
        assert any("CertExpired" in line for line in lines)


async def test_each_line_stands_in_ciscosyslog_with_its_level(tmp_path: Path) -> None:
    async with bench(tmp_path, PUBLISHER) as made:
        made.set(end_of(made, PUBLISHER, "CAPF"))
        lines, _ = await made.look()
        made.traces[PUBLISHER].flush()
        text = (tmp_path / PUBLISHER / "active" / "syslog" / "CiscoSyslog").read_text()
        assert [one.split(" | ", 1)[1].split(" ", 1)[1] for one in text.splitlines()] == lines
        assert "| error %UC_CERT-0-CertExpired" in text
        assert "| warning %UC_CERT-4-ITLRecoveryCertBackup" in text


async def test_a_database_that_is_away_is_named_and_asked_again_the_next_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_operator: Operator) -> str | None:
        raise StoreError("the database is away")

    async with bench(tmp_path, PUBLISHER) as made:
        made.set(end_of(made, PUBLISHER, "CAPF") - timedelta(days=400))
        with monkeypatch.context() as patch:
            patch.setattr("cucmsim.cluster.certificatemonitor.backup_alert", away)
            assert (await made.look())[0] == ["backup not checked"]
        made.set(made.clock.now() + DAY)
        assert len((await made.look())[0]) == 1


async def test_a_certificate_that_cannot_be_read_ends_no_monitor(tmp_path: Path) -> None:
    async with bench(tmp_path, SUBSCRIBER) as made:
        replica = made.view.replica
        held = replace(replica.own[SUBSCRIBER, "CallManager"], certificate_der=b"rubbish")
        made.view.replace(replace(replica, own={(SUBSCRIBER, "CallManager"): held}))
        lines, due = await made.look()
        assert lines == ["certificates not checked"]
        assert due == made.clock.now() + DAY


async def test_the_publisher_speaks_of_lscs_where_it_is_told_to(tmp_path: Path) -> None:
    async with bench(tmp_path, PUBLISHER, SUBSCRIBER) as made:
        now = made.clock.now()
        held = Device(name="SEP001B54C25A01", model="7962", lsc_valid_until=now)
        replica = made.view.replica
        made.view.replace(
            replace(replica, devices={held.name: held}, enterprise={LSC_MONITORING: "T"})
        )
        lines, _ = await made.look()
        assert sum("Certificate name:SEP001B54C25A01.der Unit:CAPF" in line for line in lines) == 1


async def test_it_looks_at_the_start_and_waits_until_it_is_stopped(tmp_path: Path) -> None:
    async with bench(tmp_path, PUBLISHER) as made:
        made.monitor.start()
        await made.turn.wait()
        await made.monitor.stop()
        await made.monitor.stop()
        assert len(made.waited) == 1


@pytest.mark.usefixtures("quiet")
async def test_a_cluster_s_monitors_follow_its_moved_clock(lab: Lab) -> None:
    syslog = Path("active") / "syslog" / "CiscoSyslog"
    async with lab.running() as cluster:
        traces = cluster._traces[PUBLISHER]
        said = asyncio.Event()
        original = traces.say

        def say(service: str, lines: list[str], level: str = "debug") -> None:
            original(service, lines, level)
            said.set()

        traces.say = say  # type: ignore[method-assign, assignment]
        cluster._clock.move(timedelta(days=1, seconds=1))
        async with asyncio.timeout(60):
            await said.wait()
        traces.flush()
        assert "ITLRecoveryCertBackup" in (traces.directory / syslog).read_text()
