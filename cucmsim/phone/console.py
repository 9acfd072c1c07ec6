"""The phone's console log: line prefixes, numbering and levels of both generations.

79xx:      `837: NOT 09:13:17.561856 SECD: tlRequestFile: Request CTLSEP....tlv`
78xx/88xx: `3232 NOT Nov 29 06:33:59.011270 downd-DDFORK - execing [...]`, and from firmware 12
           `3232 NOT Nov 29 06:33:59.011270 (1234:5678) SECUREAPP-...`

The texts themselves are those of texts79xx.py and texts78xx.py. Lines are kept in files as the
phone's web page offers them: the newest first in `messages` (78xx/88xx), numbered logs on a 79xx.
Source: phone.md 3.3, 3.4 and 3.6. Pure: the moment of a line is given.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from cucmsim.formats.models import Generation

__all__ = ["Console", "ConsoleLine", "Level", "LogFile", "format_line"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_LINES_PER_FILE = 1_000
_FILES = 3


class Level(StrEnum):
    """How a line is marked; a success may well be an ERR."""

    NOTICE = "NOT"
    WARNING = "WRN"
    ERROR = "ERR"
    INFORMATION = "INF"
    DEBUG = "DEB"


class ConsoleLine(NamedTuple):
    """What a line says: its level, the process or module it comes from, and the text."""

    level: Level
    module: str
    text: str


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of console lines, named as the phone's web page names it."""

    name: str
    lines: tuple[str, ...]

    @property
    def data(self) -> bytes:
        """The file as served: each line ends with a line feed."""
        return "".join(f"{line}\n" for line in self.lines).encode("utf-8", "replace")


def format_line(
    generation: Generation,
    number: int,
    moment: datetime,
    line: ConsoleLine,
    *,
    thread: tuple[int, int] | None = None,
) -> str:
    """Return a whole line; control characters, which a server may have sent, become `?`.

    `moment` is in the phone's own time; `thread` is (pid, tid) or None.
    """
    clock = moment.strftime("%H:%M:%S.%f")
    text = _CONTROL.sub("?", line.text)
    if generation is Generation.SERIES_79XX:
        level = "DBG" if line.level is Level.DEBUG else line.level.value
        return f"{number}: {level} {clock} {line.module}: {text}"
    day = f"{_MONTHS[moment.month - 1]} {moment.day:02d}"
    place = "" if thread is None else f"({thread[0]}:{thread[1]}) "
    return f"{number} {line.level.value} {day} {clock} {place}{line.module}-{text}"


class Console:
    """Numbers lines and keeps the latest in files, the oldest file falling out.

    `thread` is what firmware 12 and later of a 78xx or 88xx prints before the process.
    """

    def __init__(
        self,
        generation: Generation,
        *,
        first_number: int = 1,
        thread: tuple[int, int] | None = None,
        lines_per_file: int = _LINES_PER_FILE,
    ) -> None:
        self._generation = generation
        self._number = first_number
        self._thread = thread
        self._lines_per_file = lines_per_file
        self._files: deque[list[str]] = deque(maxlen=_FILES)
        self._begun = 0

    def write(self, lines: Iterable[ConsoleLine], moment: datetime) -> tuple[str, ...]:
        """Add `lines`, all of `moment` (the phone's time); return them as they read in the log."""
        return tuple(self._write(line, moment) for line in lines)

    def _write(self, line: ConsoleLine, moment: datetime) -> str:
        if not self._files or len(self._files[-1]) >= self._lines_per_file:
            self._files.append(self._header(moment))
            self._begun += 1
        written = format_line(self._generation, self._number, moment, line, thread=self._thread)
        self._number += 1
        self._files[-1].append(written)
        return written

    def _header(self, moment: datetime) -> list[str]:
        if self._generation is not Generation.SERIES_79XX:
            return []
        day = f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:2d}"
        header = f"|== Syslogd TNP== {day} {moment:%H:%M:%S %Y}"
        return [header, "=" * len(header)]

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines kept, the oldest first, without the headers of files."""
        return tuple(line for lines in self._files for line in lines if line[:1] not in {"|", "="})

    @property
    def files(self) -> tuple[LogFile, ...]:
        """The files: `messages` the newest, then `.0`, `.1`; or `logN.log`, the newest last."""
        if self._generation is Generation.SERIES_79XX:
            first = self._begun - len(self._files)
            return tuple(
                LogFile(f"log{first + index}.log", tuple(lines))
                for index, lines in enumerate(self._files)
            )
        return tuple(
            LogFile("messages" if index == 0 else f"messages.{index - 1}", tuple(lines))
            for index, lines in enumerate(reversed(self._files))
        )
