"""The system catalogue as far as it says which tables and columns there are.

`systables` and `syscolumns` with the columns that people ask for; types have Informix's numbers,
256 added where a column is never NULL. `nrows` is what the last UPDATE STATISTICS counted: none
ran. Numbers of tables are ours: 1 and 2 for the catalogue itself, from 100 on by name.
Source: IBM's Informix Guide to SQL: Reference, by general knowledge.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from cucmsim.store.tables import CUCM_TABLES

__all__ = ["CATALOGUE_TABLES", "catalogue_rows"]

_METADATA = MetaData()
_FIRST = 100
_NOT_NULL = 256
_INTEGER, _TEXT, _VARCHAR, _BOOLEAN, _INT8 = 2, 12, 13, 41, 17
_SIZES = {_INTEGER: 4, _TEXT: 56, _BOOLEAN: 1, _INT8: 8}

Table(
    "systables",
    _METADATA,
    Column("tabname", String(128), nullable=False),
    Column("owner", String(32), nullable=False),
    Column("tabid", Integer, primary_key=True),
    Column("rowsize", Integer, nullable=False),
    Column("ncols", Integer, nullable=False),
    Column("nrows", Integer, nullable=False),
    Column("tabtype", String(2), nullable=False),
)
Table(
    "syscolumns",
    _METADATA,
    Column("colname", String(128), nullable=False),
    Column("tabid", Integer, primary_key=True),
    Column("colno", Integer, primary_key=True),
    Column("coltype", Integer, nullable=False),
    Column("collength", Integer, nullable=False),
)

CATALOGUE_TABLES: Mapping[str, Table] = MappingProxyType(dict(_METADATA.tables))
"""By name."""


def catalogue_rows(name: str) -> Iterator[Sequence[object]]:
    """Yield the rows of a table of the catalogue."""
    for tabid, table in _numbered():
        columns = [_column(column) for column in table.columns]
        if name == "syscolumns":
            for number, (colname, kind, length) in enumerate(columns, start=1):
                yield colname, tabid, number, kind, length
        else:
            size = sum(length for *_, length in columns)
            yield table.name, "informix", tabid, size, len(columns), 0, "T"


def _numbered() -> Iterator[tuple[int, Table]]:
    yield from enumerate(CATALOGUE_TABLES.values(), start=1)
    yield from enumerate((CUCM_TABLES[name] for name in sorted(CUCM_TABLES)), start=_FIRST)


def _column(column: Column[object]) -> tuple[str, int, int]:
    """Return name, type and length of a column."""
    kind = _kind(column)
    length = getattr(column.type, "length", None) if kind == _VARCHAR else _SIZES[kind]
    return column.name, kind + (0 if column.nullable else _NOT_NULL), int(length or 0)


def _kind(column: Column[object]) -> int:
    match column.type:
        case Text():
            return _TEXT
        case String(length=1):
            return _BOOLEAN
        case String():
            return _VARCHAR
        case Integer() if column.type.__visit_name__ == "big_integer":
            return _INT8
    return _INTEGER
