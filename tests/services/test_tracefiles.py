"""Trace files: names, lines, rotation, bounds, and a disk that takes nothing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsim.services.journal import Exchange
from cucmsim.services.tracefiles import TraceFile, TraceFiles, TraceName, both
from tests.services.conftest import SteppingClock

TVS = TraceName("cm/trace/tvs/sdi", "tvs")
SYSLOG = TraceName("syslog", "CiscoSyslog", 0, "")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_lines_look_as_in_the_documents(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    # seed 002, line 164: "18:01:05.334 | debug Recd event"
    trace = TraceFile(tmp_path, TVS, stepping_clock)
    trace("Recd event")
    trace("two\nlines")
    trace.flush()
    text = (tmp_path / "cm/trace/tvs/sdi/tvs00000001.txt").read_text()
    assert text == "18:24:27.000 | debug Recd event\n18:24:27.000 | debug two\nlines\n"


async def test_lines_are_written_by_themselves_a_moment_later(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    written = asyncio.Event()

    class Told(TraceFile):
        def flush(self) -> None:
            super().flush()
            written.set()

    trace = Told(tmp_path, TVS, stepping_clock)
    trace("Recd event")
    await written.wait()
    assert names(tmp_path / TVS.directory) == ["tvs00000001.txt"]


async def test_full_files_are_numbered_on_and_the_oldest_go(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    trace = TraceFile(tmp_path, TVS, stepping_clock, files=3, size=64)
    for number in range(10):
        trace(f"line {number} of twenty characters")
        trace.flush()
    assert names(tmp_path / TVS.directory) == [f"tvs0000000{n}.txt" for n in (8, 9)] + [
        "tvs00000010.txt"
    ]
    again = TraceFile(tmp_path, TVS, stepping_clock, files=3, size=64)
    again("after a restart")
    again.flush()
    assert names(tmp_path / TVS.directory)[-1] == "tvs00000011.txt"


async def test_a_log_without_number_moves_its_older_files_on(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    log = TraceFile(tmp_path, SYSLOG, stepping_clock, files=3, size=64)
    for number in range(6):
        log.write("warning", f"line {number} of twenty characters")
        log.flush()
    kept = names(tmp_path / "syslog")
    assert kept == ["CiscoSyslog", "CiscoSyslog.1", "CiscoSyslog.2"]
    assert "warning line 5" in (tmp_path / "syslog/CiscoSyslog").read_text()
    assert "warning line 3" in (tmp_path / "syslog/CiscoSyslog.2").read_text()


async def test_a_file_that_cannot_be_written_stops_nothing(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    (tmp_path / "cm").write_text("in the way")
    trace = TraceFile(tmp_path, TVS, stepping_clock)
    trace("Recd event")
    trace.flush()
    trace.flush()
    assert names(tmp_path) == ["cm"]


@pytest.mark.parametrize(
    "name", ["tvs.txt", "tvs1.txt", "capf00000001.txt", "tvs0000000x.txt", f"tvs{'9' * 40}.txt"]
)
def test_files_of_others_have_no_number(name: str) -> None:
    assert TVS.number_of(name) is None


def _exchange(service: str, device: str | None = "SEP001122334455") -> Exchange:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Exchange(moment, "cucm-pub", service, "192.0.2.9", device, "RingList.xml", "sent", 1.26)


async def test_an_exchange_is_one_line_but_of_tvs(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    traces = TraceFiles(tmp_path, stepping_clock)
    for service in ("tftp", "tvs", "web"):
        traces.record(_exchange(service))
    traces.record(_exchange("tftp", None))
    traces.flush()
    assert names(tmp_path / "active/cm/trace") == ["tftp"]
    text = (tmp_path / "active/cm/trace/tftp/sdi/ctftp00000001.txt").read_text()
    assert text == (
        "18:24:27.000 | debug 192.0.2.9 SEP001122334455: RingList.xml: sent (1.3 ms)\n"
        "18:24:27.000 | debug 192.0.2.9: RingList.xml: sent (1.3 ms)\n"
    )


async def test_a_file_of_an_unknown_phone_is_looked_for_in_vain(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    # phone.md 1.2: "Checking [CTLSEP....tlv.sgn] to strip", and the answer is file not found
    name, said = "CTLSEP001122334455.tlv", {"tftp": "error 1: File not found", "http": "not found"}
    traces = TraceFiles(tmp_path, stepping_clock)
    for service, answer in said.items():
        request = name if service == "tftp" else f"GET {name}"
        traces.record(replace(_exchange(service), request=request, answer=answer))
    traces.record(replace(_exchange("tftp", None), request="a\x1b[31m", answer="not found"))
    traces.flush()
    first, second = (
        (tmp_path / "active/cm/trace/tftp/sdi" / f"{stem}00000001.txt").read_text().splitlines()
        for stem in ("chttp", "ctftp")
    )
    assert first[0] == second[0] == f"18:24:27.000 | debug Checking [{name}.sgn] to strip"
    assert second[2].startswith("18:24:27.000 | debug 192.0.2.9: a\\x1b[31m: not found")
    assert (len(first), len(second)) == (2, 3)


async def test_traces_that_are_off_write_nothing(
    tmp_path: Path, stepping_clock: SteppingClock
) -> None:
    traces = TraceFiles(tmp_path, stepping_clock, is_on=False)
    traces.record(_exchange("tftp"))
    traces.say("syslog", ["alarm"])
    traces.flush()
    assert traces.of("tvs") is None
    assert names(tmp_path) == []


def test_a_line_goes_to_each_trace_that_is_there() -> None:
    first, second = list[str](), list[str]()
    writes = both(first.append, second.append)
    assert writes is not None
    writes("Recd event")
    assert first == second == ["Recd event"]
    assert both(None, None) is None
    one = both(None, first.append)
    assert one is not None
    one("again")
    assert first[-1] == "again"
