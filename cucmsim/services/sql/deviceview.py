"""Where a table looks to a statement other than it lies in the store.

`device.upgradefinishtime`, until when a CAPF operation may be carried out, is text for CUCM,
`2026:12:31:12:00`, and seconds since 1970 for the store. Source: cucm.md 2.3 [W57].
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from cucmsim.errors import RefusedError
from cucmsim.services.sql.words import BAD_TIME
from cucmsim.store.engine import Values
from cucmsim.store.tables import CUCM_TABLES, RowChange

__all__ = ["as_shown", "as_stored"]

_COLUMN = "upgradefinishtime"
_AT = CUCM_TABLES["device"].columns.keys().index(_COLUMN)
_FORM = "%Y:%m:%d:%H:%M"

Rows = Sequence[Sequence[object]]


def as_shown(table: str, rows: Rows) -> Rows:
    """Return the rows of a table as a statement sees them."""
    if table != "device":
        return rows
    return [(*row[:_AT], _text(row[_AT]), *row[_AT + 1 :]) for row in rows]


def as_stored(table: str, change: RowChange) -> RowChange:
    """Return a change as the store takes it. Raises RefusedError for what is no time."""
    if table != "device":
        return change
    return RowChange(_row(change.before), _row(change.after))


def _row(row: Values | None) -> Values | None:
    return None if row is None else {**row, _COLUMN: _seconds(row[_COLUMN])}


def _text(seconds: object) -> str | None:
    if not isinstance(seconds, int):
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime(_FORM)


def _seconds(text: object) -> int | None:
    if text in (None, ""):
        return None
    try:
        return int(datetime.strptime(str(text), _FORM).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise RefusedError(BAD_TIME) from error
