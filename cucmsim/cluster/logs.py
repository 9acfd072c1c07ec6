"""Logs in three formats: `console` for a person, `json` for a machine, `cisco` as the seeds show.

In `cisco` format a line is `HH:MM:SS.mmm | level text`, as the trace files of the real services
print it; the trace lines of the services appear in the words of the documents. The other formats
carry the same trace lines as events of level debug. What libraries log comes as lines of the same
format. A log that cannot be written any more (a closed pipe, a full disk) stops nothing else.
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import TextIO

import structlog

from cucmsim.clock import Clock
from cucmsim.services.journal import Trace

__all__ = ["LogFormat", "configure_logs", "trace_for"]

_EventDict = MutableMapping[str, object]
_Processor = Callable[[object, str, _EventDict], _EventDict]


class LogFormat(StrEnum):
    """How a log line is written."""

    CONSOLE = "console"
    JSON = "json"
    CISCO = "cisco"


def configure_logs(
    log_format: LogFormat, level: str, clock: Clock, stream: TextIO | None = None
) -> None:
    """Send every log line of this process to `stream` (standard error) in `log_format`."""
    stream = stream or sys.stderr
    renderer: structlog.types.Processor
    if log_format is LogFormat.JSON:
        renderer = structlog.processors.JSONRenderer()
    elif log_format is LogFormat.CISCO:
        renderer = _render_cisco
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp(clock),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)


class _Lines:
    """Writes lines to a stream while that can be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write a line; called by the name of its level."""
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = msg


class _Forward(logging.Handler):
    """Gives what libraries log through `logging` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; of an exception, what it is and not its traceback."""
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger(source=record.name)
        fault = {"fault": repr(record.exc_info[1])} if record.exc_info else {}
        log.log(record.levelno, record.getMessage().partition("\n")[0], **fault)


def trace_for(service: str, node: str) -> Trace | None:
    """Return what writes the trace lines of `service` on `node` to the log.

    None where the log takes no debug lines: then nobody needs to make them.
    """
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger().bind(
        service=service, node=node, trace=True
    )
    if not log.is_enabled_for(logging.DEBUG):
        return None
    trace: Trace = log.debug
    return trace


def _stamp(clock: Clock) -> _Processor:
    """Return a processor that adds the clock's time, to the millisecond, in UTC."""

    def add_time(_logger: object, _method: str, event: _EventDict) -> _EventDict:
        event["timestamp"] = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event

    return add_time


def _render_cisco(_logger: object, _method: str, event: _EventDict) -> str:
    """Format one event as the trace files do; a trace line is its text and nothing else."""
    time = datetime.fromisoformat(str(event.pop("timestamp"))).strftime("%H:%M:%S.%f")[:-3]
    level, text = event.pop("level"), event.pop("event")
    if event.pop("trace", False):
        return f"{time} | {level} {text}"
    rest = "".join(f" {key}={value}" for key, value in event.items())
    return f"{time} | {level} {text}{rest}"
