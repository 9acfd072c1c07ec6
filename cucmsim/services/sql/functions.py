"""Informix's functions that SQLite does not have, and those of either that a statement may call."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from cucmsim.entropy import SystemEntropy

__all__ = ["ALLOWED_FUNCTIONS", "NOT_A_NUMBER", "Function", "Value", "own_functions"]

Value = str | int | float | None
Function = Callable[..., Value]

NOT_A_NUMBER = "user-defined function raised exception"
"""What SQLite says when `to_integer` or `to_number` is given none; no other function raises."""

_LONGEST = 1_000_000
_BUILT_IN = (
    "abs avg ceil coalesce count floor glob ifnull length like lower ltrim max min nullif replace"
    " round rtrim substr substring sum trim upper"
)
_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "FRACTION")
_PARTS = ("%Y", "-%m", "-%d", " %H", ":%M", ":%S")
_DATE = "%m/%d/%Y"
_DATETIME = "%Y-%m-%d %H:%M:%S"


def own_functions(now: datetime) -> Iterator[tuple[str, int, Function]]:
    """Yield name, number of arguments (-1: any) and function; `now` is the server's local time."""
    yield "nvl", 2, lambda value, other: other if value is None else value
    yield "nvl2", 3, lambda value, one, other: other if value is None else one
    yield "decode", -1, _decode
    yield "mod", 2, _mod
    yield "newid", 0, lambda: str(UUID(bytes=SystemEntropy().token(16), version=4))
    yield "initcap", 1, lambda text: None if text is None else str(text).title()
    yield "char_length", 1, lambda text: None if text is None else len(str(text))
    yield "concat", 2, lambda one, two: None if None in (one, two) else f"{one}{two}"
    yield "lpad", 3, lambda text, size, fill: _padded(text, size, fill, left=True)
    yield "rpad", 3, lambda text, size, fill: _padded(text, size, fill, left=False)
    yield "hex", 1, lambda value: f"0x{value:08X}" if isinstance(value, int) else None
    yield "to_integer", 1, lambda value: None if value is None else int(_number(value))
    yield "to_number", 1, lambda value: None if value is None else _number(value)
    yield "to_boolean", 1, _boolean
    yield "today", 0, lambda: now.strftime(_DATE)
    yield "current", 2, lambda first, last: _current(now, str(first), str(last))
    yield "dbinfo", -1, lambda *given: _dbinfo(now, *given)


def _mod(value: object, by: object) -> int | None:
    return value % by if isinstance(value, int) and isinstance(by, int) and by else None


def _padded(text: object, size: object, fill: object, *, left: bool) -> str | None:
    if text is None or not isinstance(size, int) or not 0 <= size <= _LONGEST:
        return None
    value = str(text)
    pad = (str(fill) * size)[: max(0, size - len(value))] if fill else ""
    return (pad + value if left else value + pad)[:size]


def _decode(*given: Value) -> Value:
    """Return what stands behind the value that equals the first, else the odd one at the end."""
    wanted, pairs = given[:1], given[1:]
    for at in range(0, len(pairs) - 1, 2):
        if pairs[at : at + 1] == wanted:
            return pairs[at + 1]
    return pairs[-1] if len(pairs) % 2 else None


def _number(value: str | float) -> int | float:
    """Return a number. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        return float(value)


def _boolean(value: Value) -> Value:
    """Return what Informix shows of a flag."""
    return {"1": "t", "0": "f"}.get(str(value), value)


def _current(now: datetime, first: str, last: str) -> str:
    """Return the time from one unit to another: "2026-03-01 12:00:00.000"."""
    start, end = _UNITS.index(first), _UNITS.index(last)
    shown = now.strftime("".join(_PARTS[start : end + 1])).lstrip("-: ")
    if end < len(_PARTS):
        return shown
    return f"{shown}.{now.microsecond // 1000:03}".removeprefix("." if start == end else "")


def _dbinfo(now: datetime, *given: Value) -> Value:
    """Return what `dbinfo` says of the time; nothing else is known of this server."""
    match given:
        case ("utc_current",):
            return int(now.timestamp())
        case ("utc_to_datetime", int() as seconds) if 0 <= seconds < 1 << 32:
            return datetime.fromtimestamp(seconds, now.tzinfo).strftime(_DATETIME)
    return None


ALLOWED_FUNCTIONS = frozenset(
    {*_BUILT_IN.split(), *(name for name, *_ in own_functions(datetime.fromtimestamp(0, UTC)))}
)
"""By lower-case name; whatever else SQLite knows is not there."""
