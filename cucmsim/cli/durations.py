"""Times as people write them: `5m`, `1d12h`."""

import re
from datetime import timedelta

from cucmsim.errors import CommandError

__all__ = ["is_duration", "parse_duration"]

_USAGE = 2
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = 9  # digits of one number: enough for fifty years in seconds
_DURATION = re.compile(rf"(?:\d{{1,{_LONGEST}}}[smhdw])+", re.ASCII)
_PART = re.compile(r"(\d+)([smhdw])", re.ASCII)


def is_duration(text: str) -> bool:
    """Tell whether `text` looks like a duration."""
    return _DURATION.fullmatch(text) is not None


def parse_duration(option: str, text: str) -> timedelta:
    """Return the time that `text`, given with `option`, says. Raises CommandError."""
    if not is_duration(text):
        expected = "numbers with s, m, h, d or w behind, such as 5m or 1d12h"
        raise CommandError(f"found {option} {text[:40]!r}, expected {expected}", _USAGE)
    try:
        parts = [timedelta(**{_UNITS[unit]: int(n)}) for n, unit in _PART.findall(text)]
        return sum(parts, timedelta(0))
    except OverflowError as error:
        raise CommandError(f"found {option} {text[:40]!r}: that is too far", _USAGE) from error
