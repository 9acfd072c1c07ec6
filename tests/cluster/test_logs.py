"""Log lines in three formats, of ours and of libraries."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from cucmsim.cluster.logs import LogFormat, configure_logs, trace_for


class StandingClock:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2013, 8, 27, 13, 14, 15, 16999, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class FullDisk(io.StringIO):
    """A stream that takes nothing."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def test_console_lines_name_time_level_event_and_values(stream: io.StringIO) -> None:
    configure_logs(LogFormat.CONSOLE, "info", StandingClock(), stream)
    structlog.get_logger().info("service started", service="tvs")
    structlog.get_logger().debug("not shown")
    start = "2013-08-27T13:14:15.016Z [info     ] service started"
    assert stream.getvalue().startswith(start)
    assert stream.getvalue().endswith("service=tvs\n")
    assert stream.getvalue().count("\n") == 1


def test_json_lines_are_objects(stream: io.StringIO) -> None:
    configure_logs(LogFormat.JSON, "info", StandingClock(), stream)
    structlog.get_logger().warning("disk", free=0)
    assert json.loads(stream.getvalue()) == {
        "event": "disk",
        "free": 0,
        "level": "warning",
        "timestamp": "2013-08-27T13:14:15.016Z",
    }


def test_cisco_lines_look_like_trace_files(stream: io.StringIO) -> None:
    configure_logs(LogFormat.CISCO, "debug", StandingClock(), stream)
    structlog.get_logger().info("service started", service="tvs")
    trace = trace_for("tvs", "pub")
    assert trace is not None
    trace("tvsHandleQueryCertReq")
    assert stream.getvalue().splitlines() == [
        "13:14:15.016 | info service started service=tvs",
        "13:14:15.016 | debug tvsHandleQueryCertReq",
    ]


def test_nobody_makes_trace_lines_that_nobody_reads(stream: io.StringIO) -> None:
    configure_logs(LogFormat.CONSOLE, "info", StandingClock(), stream)
    assert trace_for("tvs", "pub") is None


def test_lines_of_libraries_have_the_same_form_and_no_traceback(stream: io.StringIO) -> None:
    configure_logs(LogFormat.JSON, "info", StandingClock(), stream)
    odd = ValueError("odd")
    logging.getLogger("asyncio").error("Task failed\nand more", exc_info=odd)
    logging.getLogger("uvicorn.error").warning("plain")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["source"], line.get("fault")) for line in lines] == [
        ("Task failed", "asyncio", "ValueError('odd')"),
        ("plain", "uvicorn.error", None),
    ]


def test_a_log_that_cannot_be_written_stops_nothing(stream: io.StringIO) -> None:
    del stream  # restores what was configured
    configure_logs(LogFormat.CONSOLE, "info", StandingClock(), FullDisk())
    structlog.get_logger().info("lost")


def test_standard_error_is_where_lines_go(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    del stream  # restores what was configured
    configure_logs(LogFormat.CONSOLE, "info", StandingClock())
    structlog.get_logger().info("seen")
    assert "seen" in capsys.readouterr().err
