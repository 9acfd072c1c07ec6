"""The trace files of a node: what `file list activelog` shows and documents read.

A trace goes to numbered files of a mebibyte, of which the latest twenty stay (seed 000, "Maximum
No. of Files", "Maximum File Size"); a line is `HH:MM:SS.mmm | level text`, as in seeds 000 to 002.
Lines are collected and written together a moment later, or at `flush`. A file that cannot be
written (a full disk) costs its lines and nothing else.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cucmsim.clock import Clock
from cucmsim.formats.names import escape_controls
from cucmsim.services.journal import Exchange, Trace

__all__ = ["TraceFile", "TraceFiles", "TraceName", "both"]

_SOON_S = 0.1


@dataclass(frozen=True, slots=True)
class TraceName:
    """Where a trace lies below the log directory: "cm/trace/tvs/sdi", "tvs", 8 digits, ".txt".

    Without digits the newest file carries no number and "CiscoSyslog.1" is the one before it.
    """

    directory: str
    stem: str
    digits: int = 8
    suffix: str = ".txt"

    def numbered(self, number: int) -> str:
        """Return the name of a file: "tvs00000001.txt"."""
        return f"{self.stem}{number:0{self.digits}}{self.suffix}" if self.digits else self.stem

    def number_of(self, name: str) -> int | None:
        """Return the number that a file's name carries; None for another's file."""
        middle = name.removeprefix(self.stem).removesuffix(self.suffix)
        is_ours = middle.isascii() and middle.isdigit() and 0 < len(middle) <= 2 * self.digits
        return int(middle) if is_ours and name == self.numbered(int(middle)) else None


class TraceFile:
    """One trace; call it with each line."""

    def __init__(
        self, root: Path, name: TraceName, clock: Clock, *, files: int = 20, size: int = 1 << 20
    ) -> None:
        self._directory = root / name.directory
        self._name = name
        self._clock = clock
        self._files = files
        self._size = size
        self._pending: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._number = max(self._numbers(), default=1)

    def __call__(self, line: str) -> None:
        """Write a line of level debug."""
        self.write("debug", line)

    def write(self, level: str, line: str) -> None:
        """Write a line with the time it is now."""
        now = self._clock.now()
        self._pending.append(f"{now:%H:%M:%S}.{now.microsecond // 1000:03} | {level} {line}\n")
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON_S, self.flush)

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._pending = "".join(self._pending), []
        if text:
            with suppress(OSError):
                self._append(text.encode(errors="backslashreplace"))

    def _append(self, data: bytes) -> None:
        """Append to the latest file, or to a new one when that is full."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / self._name.numbered(self._number)
        if path.exists() and path.stat().st_size + len(data) > self._size:
            path = self._next_file(path)
        with path.open("ab") as file:
            file.write(data)
        now_s = self._clock.now().timestamp()  # which may be ahead of the machine's
        os.utime(path, (now_s, now_s))

    def _next_file(self, full: Path) -> Path:
        """Make room behind the full file; return the one to write into."""
        if not self._name.digits:
            for number in range(self._files - 2, 0, -1):
                older = full.with_name(f"{full.name}.{number}")
                if older.exists():
                    older.replace(full.with_name(f"{full.name}.{number + 1}"))
            return full.replace(full.with_name(f"{full.name}.1")).with_name(full.name)
        self._number += 1
        for number in self._numbers():
            if number <= self._number - self._files:
                (self._directory / self._name.numbered(number)).unlink(missing_ok=True)
        return self._directory / self._name.numbered(self._number)

    def _numbers(self) -> list[int]:
        with suppress(OSError):
            found = (self._name.number_of(path.name) for path in self._directory.iterdir())
            return [number for number in found if number is not None]
        return []


_SERVICES = {
    "tvs": TraceName("cm/trace/tvs/sdi", "tvs"),
    "tftp": TraceName("cm/trace/tftp/sdi", "ctftp"),
    "http": TraceName("cm/trace/tftp/sdi", "chttp"),
    "capf": TraceName("cm/trace/capf/sdi", "capf"),
    "callmanager": TraceName("cm/trace/ccm/sdi", "ccm"),
    "ctl": TraceName("cm/trace/ctlprovider/sdi", "ctlprovider"),
    "certificates": TraceName("platform/log", "certMgmt", 5, ".log"),
    "syslog": TraceName("syslog", "CiscoSyslog", 0, ""),
}
"""By service. Those of TVS carry their lines themselves, the others one for each exchange."""


class TraceFiles:
    """The traces of a node, in `directory`/active; none is written where `is_on` is false."""

    def __init__(self, directory: Path, clock: Clock, *, is_on: bool = True) -> None:
        self.directory = directory
        self.clock = clock
        self.is_on = is_on
        root = directory / "active"
        self._traces = {
            service: TraceFile(root, name, clock) for service, name in _SERVICES.items() if is_on
        }

    def of(self, service: str) -> TraceFile | None:
        """Return the trace of a service; None for one that writes none."""
        return self._traces.get(service)

    def say(self, service: str, lines: Iterable[str], level: str = "debug") -> None:
        """Write lines into the trace of a service."""
        trace = self._traces.get(service)
        if trace is not None:
            for line in lines:
                trace.write(level, line)

    def record(self, exchange: Exchange) -> None:
        """Write a finished request; TVS has written its own lines about it.

        What nobody asked for, such as a service that a fault takes down, a real one knows not of.
        """
        if exchange.service != "tvs" and exchange.peer and exchange.service in self._traces:
            trace = self._traces[exchange.service]
            for line in _lines(exchange):
                trace(escape_controls(line))

    def change_sides(self) -> None:
        """Make the logs so far those of the inactive side, and the other way round."""
        self.flush()
        active, inactive = (self.directory / side for side in ("active", "inactive"))
        between = self.directory / "changing"
        for source, target in ((active, between), (inactive, active), (between, inactive)):
            with suppress(OSError):
                source.replace(target)

    def flush(self) -> None:
        """Write what was collected, before somebody reads."""
        for trace in self._traces.values():
            trace.flush()


def _lines(exchange: Exchange) -> Iterator[str]:
    """Yield what is said of a request; first what TFTP did about a file that it does not have.

    Source: phone.md 1.2, the row about CTLSEP and ITLSEP files of a phone that is not known.
    """
    device = f" {exchange.device}" if exchange.device else ""
    is_file = exchange.service in ("tftp", "http")
    if is_file and device and "not found" in exchange.answer.lower():
        yield f"Checking [{exchange.request.rpartition(' ')[2]}.sgn] to strip"
    yield (
        f"{exchange.peer}{device}: {exchange.request}: {exchange.answer}"
        f" ({exchange.milliseconds:.1f} ms)"
    )


def both(first: Trace | None, second: Trace | None) -> Trace | None:
    """Return what writes a line with each of two traces that are there; None without any."""
    if first is None or second is None:
        return first or second

    def write(line: str) -> None:
        first(line)
        second(line)

    return write
