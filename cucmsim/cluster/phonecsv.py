"""Phones in a CSV file: a header that names the columns, then a phone a row.

Columns are keys of `[[phones]]` (`mac`, `model`, `description`, ...), and for lines `line1`,
`label1`, `display1`, `line2`, ... An empty cell says nothing. Whatever is wrong is noted with the
number of its line; the other rows are read all the same.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cucmsim.cluster.problems import Findings, Spot, nearest

__all__ = ["read_rows"]

_LINE_COLUMN = re.compile(r"(line|label|display)([1-9][0-9]?)")
_NUMBERS = ("key_size_bits", "ec_size_bits")

_Row = dict[str, object]
_Column = tuple[str, int]
"""The key that a column gives, and the number of the line (of the phone) it belongs to, or 0."""


def read_rows(
    path: Path, columns: Sequence[str], findings: Findings, spot: Spot
) -> Iterator[tuple[int, _Row]]:
    """Yield (line number, keys and values) of each row that has as many cells as the header."""
    text = _read(path, findings, spot)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    plan: list[_Column] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if plan is None:
                names = [cell.strip() for cell in cells]
                plan = _plan(names)
                if not _check_header(names, columns, findings, path, reader.line_num):
                    return
            elif len(cells) != len(plan):
                place = (f"line {reader.line_num}",)
                expected = f"{len(plan)}, as many as the first row names"
                findings.add(place, f"{len(cells)} cells", expected, file=str(path))
            else:
                yield reader.line_num, _row(plan, cells)
    except csv.Error as error:
        place = (f"line {reader.line_num}",)
        findings.add(place, str(error), "comma-separated values", file=str(path))
    if plan is None:
        findings.add(("line 1",), "nothing", "a row that names the columns", file=str(path))


def _read(path: Path, findings: Findings, spot: Spot) -> str | None:
    """Return the text of the file, or note why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        findings.add((*spot, "file"), f'"{path}": {reason}', "a CSV file that can be read")
    except UnicodeDecodeError as error:
        found = f"bytes that are no UTF-8, at offset {error.start}"
        findings.add(("line 1",), found, "a CSV file in UTF-8", file=str(path))
    return None


def _check_header(
    names: Sequence[str], columns: Sequence[str], findings: Findings, path: Path, line: int
) -> bool:
    """Note columns that mean nothing or come twice; False if there are any."""
    before = len(findings.problems)
    valid = [name for name in columns if name != "lines"] + ["line1", "label1", "display1"]
    place = (f"line {line}",)
    for index, name in enumerate(names):
        if name not in valid and not _LINE_COLUMN.fullmatch(name):
            expected = "one of " + ", ".join(valid) + ", line2, ..."
            findings.add(place, f'column "{name}"', expected, nearest(name, valid), file=str(path))
        elif name in names[:index]:
            findings.add(place, f'column "{name}" again', "each column once", file=str(path))
    if "mac" not in names:
        findings.add(place, "no column mac", "a column mac", file=str(path))
    return len(findings.problems) == before


def _plan(names: Sequence[str]) -> list[_Column]:
    """Return what to do with each column of a header."""
    plan: list[_Column] = []
    for name in names:
        match = _LINE_COLUMN.fullmatch(name)
        if match:
            plan.append(("number" if match[1] == "line" else match[1], int(match[2])))
        else:
            plan.append((name, 0))
    return plan


def _row(plan: Sequence[_Column], cells: Sequence[str]) -> _Row:
    """Return the keys and values of a row, as an entry of `[[phones]]` has them."""
    row: _Row = {}
    lines: dict[int, dict[str, object]] = {}
    for (key, line), cell in zip(plan, cells, strict=True):
        value = cell.strip()
        if value and line:
            lines.setdefault(line, {})[key] = value
        elif value:
            row[key] = int(value) if key in _NUMBERS and value.isdecimal() else value
    if lines:
        row["lines"] = [lines[number] for number in sorted(lines)]
    return row
