"""How `run sql` prints: a heading, a rule of `=` for each column, the rows.

A column is as wide as its longest text; every cell is filled up and followed by one blank, at the
end of the line too. Source: cucm.md section 1.7 (run sql), 2.3 (sample), seed 001.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cucmsim.services.sql.words import NO_RECORDS

__all__ = ["SqlTable", "print_table"]

_AGGREGATES = ("count", "sum", "avg", "min", "max")


@dataclass(frozen=True, slots=True)
class SqlTable:
    """What a SELECT gave; `columns` as SQLite calls them."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


def print_table(table: SqlTable) -> tuple[str, ...]:
    """Return the lines that `run sql` shows. A value may hold line breaks of its own."""
    if not table.rows:
        return (NO_RECORDS,)
    headings = [_heading(column) for column in table.columns]
    cells = [[_cell(value) for value in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    rules = ["=" * width for width in widths]
    return tuple(_line(row, widths) for row in (headings, rules, *cells))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(cell.ljust(width) + " " for cell, width in zip(cells, widths, strict=True))


def _cell(value: object) -> str:
    return "NULL" if value is None else str(value)


def _heading(column: str) -> str:
    """Return Informix's heading: names in lower case, and its own for what has no name."""
    text = column.lower()
    if re.fullmatch(r"[a-z_][a-z0-9_$]*", text):
        return text
    if re.fullmatch(r"count ?\( ?\* ?\)", text):
        return "(count(*))"
    aggregate = re.fullmatch(rf"({'|'.join(_AGGREGATES)}) ?\(.*\)", text, re.DOTALL)
    if aggregate is not None:
        return f"({aggregate[1]})"
    return "(constant)" if re.fullmatch(r"'.*'|[0-9.]+", text, re.DOTALL) else "(expression)"
