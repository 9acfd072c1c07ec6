"""`cucmsim journal`: exchanges of several processes, so far and from now on.

The processes are pretended: each is the journal's own API on a socket in the data directory.
"""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from cucmsim.cli.client import ManagementClient
from cucmsim.cli.journalpages import Query, read_all
from cucmsim.cli.journaltail import JournalTail
from cucmsim.cluster.journalapi import EventReport, add_journal
from cucmsim.cluster.reports import NodeReport, StatusReport
from cucmsim.cluster.upgradeapi import VersionReport
from cucmsim.daemons.managed import ManagementServer
from cucmsim.services.journal import Exchange, Journal
from tests.fixtures.clusters import PHONE, PUBLISHER, SUBSCRIBER, TIMEOUT_S, Lab, Outcome

TIME = datetime(2026, 3, 1, 10, tzinfo=UTC)
VERSIONS = VersionReport(active="11.5.1.10000-1", inactive=None, installing=None)


def exchange(seconds: int, node: str, request: str = "a.xml", fault: str = "") -> Exchange:
    time = TIME + timedelta(seconds=seconds)
    return Exchange(time, node, "tftp", "192.0.2.1:9", PHONE, request, "9 bytes", 1.25, fault)


def status_of(node: str, pid: int) -> StatusReport:
    report = NodeReport(
        name=node, role="publisher", address="127.0.0.1", version=1, versions=VERSIONS, services=[]
    )
    return StatusReport(
        cluster="Lab",
        release="11.5(1)",
        security_mode="mixed",
        program="cucmsim",
        pid=pid,
        started=TIME,
        devices=0,
        nodes=[report],
    )


@asynccontextmanager
async def process(
    lab: Lab, node: str, *exchanges: Exchange, pid: int = 1
) -> AsyncIterator[Journal]:
    """Answer as the process of a node does."""
    lab.data.mkdir(exist_ok=True)
    journal = Journal(5)
    app = FastAPI()
    add_journal(app, lambda: journal)

    @app.get("/status")
    async def status() -> StatusReport:
        return status_of(node, pid)

    for held in exchanges:
        journal.record(held)
    server = ManagementServer(app, lab.data / f"{node}.sock")
    await server.start()
    try:
        yield journal
    finally:
        journal.close()
        await server.stop(1)


@dataclass
class Listener:
    """Hears what a tail tells and notes; waits for what is to come."""

    heard: list[str] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, event: EventReport) -> None:
        self.note(event.request)

    def note(self, line: str) -> None:
        self.heard.append(line)
        self.more.set()

    async def until(self, *wanted: str) -> None:
        """Wait until lines that begin so were heard, in this order, and forget them."""
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.heard) < len(wanted):
                self.more.clear()
                await self.more.wait()
        for line, start in zip(self.heard, wanted, strict=True):
            assert line.startswith(start)
        self.heard.clear()


@asynccontextmanager
async def following(lab: Lab, **query: str) -> AsyncIterator[Listener]:
    """Follow the processes that run, from now on."""
    listener = Listener()
    clients = [ManagementClient(path) for path in sorted(lab.data.glob("*.sock"))]
    wanted: Query = query
    readings, _ = await asyncio.to_thread(read_all, clients, wanted, 1)
    tail = JournalTail(
        lab.data, wanted, readings, listener.tell, listener.note, look_s=0.02, hold_s=0.02
    )
    running = asyncio.create_task(tail.run())
    try:
        yield listener
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def written(lab: Lab) -> Lab:
    lab.write()
    return lab


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, "journal", "CONFIG", *arguments)


async def test_processes_are_merged_by_time_into_lines_that_say_everything(written: Lab) -> None:
    first = exchange(0, PUBLISHER), exchange(2, PUBLISHER, "two\n.xml", "tftp-drop")
    async with (
        process(written, PUBLISHER, *first),
        process(written, SUBSCRIBER, exchange(1, SUBSCRIBER)),
    ):
        shown = await cli(written)
    start = f"tftp         {PHONE}  "
    assert shown.output.splitlines() == [
        f"2026-03-01 10:00:00.000  {PUBLISHER}  {start}a.xml -> 9 bytes  1.2 ms",
        f"2026-03-01 10:00:01.000  {SUBSCRIBER}  {start}a.xml -> 9 bytes  1.2 ms",
        f"2026-03-01 10:00:02.000  {PUBLISHER}  {start}two\\n.xml -> 9 bytes  1.2 ms  [tftp-drop]",
    ]
    assert (shown.status, shown.errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [4, 5, 6, 7, 8]),
        (("--last", "2"), [7, 8]),
        (("--since", "2026-03-01T10:00:07"), [7, 8]),
        (("--since", "2026-03-01T11:00:08+01:00"), [8]),
        (("--request", "6.XML", "--device", PHONE, "--service", "tftp"), [6]),
        (("--node", SUBSCRIBER), []),
        (("--fault", "any"), [5]),
    ],
)
async def test_exchanges_are_chosen_and_what_is_lost_is_said(
    written: Lab, arguments: tuple[str, ...], expected: list[int]
) -> None:
    faults = {5: "tftp-drop (fault 1)"}
    kept = [exchange(n, PUBLISHER, f"{n}.xml", faults.get(n, "")) for n in range(1, 9)]
    async with process(written, PUBLISHER, *kept, pid=7):
        shown = await cli(written, "--json", *arguments)
    told = [json.loads(line)["number"] for line in shown.output.splitlines()]
    assert told == expected
    lost = f"cucmsim: process 7 ({PUBLISHER}): exchanges before number 4 are lost\n"
    assert shown.errors == ("" if "--last" in arguments else lost)


async def test_a_time_ago_is_by_the_clusters_own_clock(lab: Lab, quiet: None) -> None:
    del quiet
    async with lab.running() as cluster:
        now = cluster.operator().clock.now()
        for minutes in (1, 3, 90):
            time, asked = now - timedelta(minutes=minutes), f"{minutes} ago"
            cluster.journal.record(Exchange(time, PUBLISHER, "tvs", "x:1", None, asked, "", 0))
        shown = await cli(lab, "--since", "1h30s", "--json")
        everything = await cli(lab, "--since", "999999w", "--json")
    assert [json.loads(line)["request"] for line in shown.output.splitlines()] == ["3 ago", "1 ago"]
    assert len(everything.output.splitlines()) == 3


async def test_a_tail_tells_what_comes_of_every_process_in_order_of_time(written: Lab) -> None:
    old = exchange(0, PUBLISHER)
    async with (
        process(written, PUBLISHER, old) as one,
        process(written, SUBSCRIBER) as other,
        following(written, device=PHONE) as listener,
    ):
        one.record(exchange(9, PUBLISHER, "later"))
        other.record(exchange(8, SUBSCRIBER, "sooner"))
        await listener.until("sooner", "later")
        other.record(exchange(10, SUBSCRIBER, "last"))
        await listener.until("last")


async def test_a_tail_outlives_a_process_and_takes_up_the_next(written: Lab) -> None:
    async with process(written, PUBLISHER) as one, following(written) as listener:
        async with process(written, SUBSCRIBER, pid=3):
            await listener.until(f"process 3 ({SUBSCRIBER}) answers")
        await listener.until(f"process 3 ({SUBSCRIBER}) is gone (")
        one.record(exchange(1, PUBLISHER, "still there"))
        await listener.until("still there")
        again = process(written, SUBSCRIBER, exchange(2, SUBSCRIBER, "new"), pid=4)
        async with again:
            await listener.until(f"process 4 ({SUBSCRIBER}) answers", "new")


async def test_a_tail_says_what_it_lost(written: Lab) -> None:
    async with process(written, PUBLISHER) as one, following(written) as listener:
        for number in range(8):
            one.record(exchange(number, PUBLISHER, f"{number}."))
        await listener.until(
            f"process 1 ({PUBLISHER}): exchanges before number 4", "3.", "4.", "5.", "6.", "7."
        )


async def test_a_tail_ends_with_ctrl_c(written: Lab) -> None:
    async with process(written, PUBLISHER, exchange(0, PUBLISHER)):
        command = written.command("journal", str(written.config), "--follow")
        running = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        assert running.stdout is not None
        first = await running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, errors = await asyncio.wait_for(running.communicate(), TIMEOUT_S)
    assert b"a.xml -> 9 bytes" in first
    assert (running.returncode, rest, errors) == (130, b"", b"")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--node", "cucm-bup"), f"expected one of {PUBLISHER}, {SUBSCRIBER}; did you mean 'cucm-"),
        (("--service", "tvsd"), "tvs, capf, callmanager, web, ssh; did you mean 'tvs'?"),
        (("--device", "SEP12"), "expected SEP and 12 hexadecimal digits"),
        (("--fault", "tftp-dorp"), "any or the name of one; did you mean 'tftp-drop'?"),
        (("--since", "yesterday"), "expected a time ago such as 5m or 1h30m, or a moment such as"),
        (("--last", "0"), "greater than or equal to 1"),
    ],
)
async def test_what_names_nothing_is_a_wrong_usage(
    written: Lab, arguments: tuple[str, str], expected: str
) -> None:
    async with process(written, PUBLISHER):
        refused = await cli(written, *arguments)
    assert (refused.status, refused.output) == (2, "")
    assert expected in refused.errors


def test_no_cluster_is_unreachable(written: Lab) -> None:
    assert written.cli("journal", "CONFIG").status == 69


async def test_a_process_that_does_not_answer_is_named(written: Lab) -> None:
    async with process(written, PUBLISHER, exchange(0, PUBLISHER)):
        (written.data / "cluster.sock").touch()
        shown = await cli(written)
    assert len(shown.output.splitlines()) == 1
    assert "no cluster answers on" in shown.errors
