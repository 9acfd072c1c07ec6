"""What the `file` commands are given: a name with wildcards, and options behind it.

Source: cucm.md 1.7 ("File commands"). `reltime days 2` takes files changed in the last two days,
`abstime hh:mm:MM/DD/YY hh:mm:MM/DD/YY` those changed between.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cucmsim.errors import RefusedError

__all__ = ["FileOptions", "compile_pattern", "parse_options", "split_spec"]

_UNITS = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
    "months": timedelta(days=30),
}
_MOST = 9999
_ABSOLUTE = "%H:%M:%m/%d/%y"
_LONGEST_PATTERN = 200


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Options that were given; `words` are those without a value, `values` the others."""

    words: frozenset[str] = frozenset()
    values: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def allows(self, modified: datetime) -> bool:
        """Tell whether a file changed at `modified` is in the time that was given."""
        is_late = self.since is None or modified >= self.since
        return is_late and (self.until is None or modified <= self.until)


def parse_options(
    text: str,
    local_now: datetime,
    *,
    words: Collection[str] = (),
    values: Collection[str] = (),
    times: bool = False,
) -> FileOptions:
    """Read the options behind a name, of which a command knows these.

    Raises:
        RefusedError: an option is unknown, or lacks its value.

    """
    parts = iter(_split(text))
    found, given = set[str](), dict[str, str]()
    since = until = None
    for part in parts:
        if part in words:
            found.add(part)
        elif part in values:
            given[part] = _next(parts, part)
        elif times and part == "reltime":
            since = local_now - _relative(parts)
        elif times and part == "abstime":
            since, until = (_absolute(parts, local_now) for _ in range(2))
        else:
            raise RefusedError(f"Unknown parameter: {part}")
    return FileOptions(frozenset(found), given, since, until)


def _split(text: str) -> Iterable[str]:
    return (one.replace('"', "") for one in re.findall(r'(?:[^\s"]|"[^"]*(?:"|$))+', text))


def _next(parts: Iterable[str], name: str) -> str:
    value = next(iter(parts), None)
    if value is None:
        raise RefusedError(f"Mandatory parameter missing: {name}")
    return value


def _relative(parts: Iterable[str]) -> timedelta:
    unit, number = _next(parts, "unit"), _next(parts, "value")
    is_number = number.isascii() and number.isdigit() and len(number) <= len(str(_MOST))
    if unit not in _UNITS or not is_number:
        raise RefusedError(
            f"Enter valid values for the reltime. \nSuggested values are {', '.join(_UNITS)}"
            f" and a number up to {_MOST}"
        )
    return _UNITS[unit] * int(number)


def _absolute(parts: Iterable[str], local_now: datetime) -> datetime:
    text = _next(parts, "abstime")
    try:
        return datetime.strptime(text, _ABSOLUTE).replace(tzinfo=local_now.tzinfo)
    except ValueError as error:
        raise RefusedError(
            "Enter valid values for the abstime. \nSuggested values are hh:mm:MM/DD/YY"
        ) from error


def compile_pattern(text: str, *, ignores_case: bool = False) -> Callable[[str], bool]:
    """Return what tells whether a line has the regular expression in it. Raises RefusedError."""
    if len(text) > _LONGEST_PATTERN:
        raise RefusedError(f"The regular expression is longer than {_LONGEST_PATTERN} characters.")
    try:
        pattern = re.compile(text, re.IGNORECASE if ignores_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise RefusedError(f"Invalid regular expression: {error}") from error
    return lambda line: pattern.search(line) is not None


def split_spec(spec: str) -> tuple[str, str]:
    """Return the directory and the name pattern that a name says; a directory has pattern "".

    Raises:
        RefusedError: it leads out of the place, or has what no name has.

    """
    if "\0" in spec or "\\" in spec:
        raise RefusedError("file not found")
    parts = [part for part in spec.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise RefusedError("Path cannot contain '..'")
    if not parts or spec.endswith("/"):
        return "/".join(parts), ""
    return "/".join(parts[:-1]), parts[-1]
