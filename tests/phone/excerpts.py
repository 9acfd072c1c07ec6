"""Hold console lines against the excerpts that documents print.

An excerpt is a list of whole lines, wrapped ones joined. Documents leave lines out, which shows in
the numbers: lines with consecutive numbers must come one right after the other.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from cucmsim.formats.models import Generation
from cucmsim.phone.console import ConsoleLine, format_line

_YEAR = 2019


def _moment(line: str) -> datetime:
    clock = re.search(r"(\d\d):(\d\d):(\d\d)\.(\d{6})", line)
    assert clock
    day = re.search(r" (Nov|Dec) (\d\d) ", line)
    month = {"Nov": 11, "Dec": 12}[day[1]] if day else 1
    hour, minute, second, micro = (int(part) for part in clock.groups())
    return datetime(_YEAR, month, int(day[2]) if day else 1, hour, minute, second, micro)  # noqa: DTZ001 - phone's own


def assert_reproduced(
    generation: Generation, rendered: Sequence[ConsoleLine], excerpt: Sequence[str]
) -> None:
    """Every line of `excerpt` must be among `rendered`, in order, byte for byte."""
    place = -1
    before: int | None = None
    for wanted in excerpt:
        number = int(re.match(r"\d+", wanted)[0])  # type: ignore[index] # each line has a number
        moment = _moment(wanted)
        whole = [format_line(generation, number, moment, line) for line in rendered]
        assert wanted in whole[place + 1 :], f"not there: {wanted}\nafter: {whole[place]}"
        found = whole.index(wanted, place + 1)
        if before == number - 1:
            assert found == place + 1, f"lines between: {whole[place : found + 1]}"
        place, before = found, number
