"""Where a statement runs: a SQLite database in memory with copies of the tables it names.

So the output is the same whatever the store keeps its tables in, nothing a statement does reaches
the cluster, and there is nothing else to be found: no table of ours, no key, no file. Which tables
a statement needs SQLite itself tells, through the authorizer, when it compiles it over the empty
tables. Everything here blocks and belongs into a worker thread; a statement ends when `stop` is
set, and one that would give more than `MOST_ROWS` rows ends as interrupted.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.schema import CreateTable

from cucmsim.entropy import SystemEntropy
from cucmsim.errors import RefusedError
from cucmsim.services.sql.layout import SqlTable
from cucmsim.services.sql.statement import Statement
from cucmsim.services.sql.words import INTERRUPTED, in_words, no_routine, no_table
from cucmsim.store.tables import CUCM_TABLES, RowChange

__all__ = ["MOST_ROWS", "Needs", "Rows", "change", "needs_of", "query"]

MOST_ROWS = 200_000
_STEPS = 20_000
_LONGEST_VALUE = 1_000_000

Rows = Mapping[str, Sequence[Sequence[object]]]
"""Rows of tables by name, columns in the schema's order."""

_FUNCTIONS = frozenset(
    {
        "abs",
        "avg",
        "ceil",
        "char_length",
        "coalesce",
        "concat",
        "count",
        "floor",
        "glob",
        "ifnull",
        "initcap",
        "length",
        "like",
        "lower",
        "lpad",
        "ltrim",
        "max",
        "min",
        "mod",
        "newid",
        "nullif",
        "nvl",
        "replace",
        "round",
        "rpad",
        "rtrim",
        "substr",
        "substring",
        "sum",
        "trim",
        "upper",
    }
)
_WRITING = {
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
}
_Function = Callable[..., str | int | float | None]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a statement reads, and the table it writes (None for a SELECT)."""

    tables: frozenset[str]
    target: str | None


def needs_of(statement: Statement) -> Needs:
    """Compile a statement over empty tables, and tell which it needs.

    Raises:
        RefusedError: it does not compile, or asks for what is not there, in the server's words.

    """
    with closing(_connect()) as connection:
        watch = _Watch()
        connection.set_authorizer(watch.allow)
        with _in_words(watch):
            connection.execute(f"EXPLAIN {statement.sql}")
        return Needs(frozenset(watch.tables), watch.target)


def query(statement: Statement, rows: Rows, stop: threading.Event) -> SqlTable:
    """Run a SELECT over these rows. Raises RefusedError as `needs_of`, and when interrupted."""
    with closing(_filled(rows, stop)) as connection, _in_words():
        cursor = connection.execute(statement.sql)
        columns = tuple(str(column[0]) for column in cursor.description)
        found = cursor.fetchmany(MOST_ROWS + 1)
        if len(found) > MOST_ROWS:
            raise RefusedError(INTERRUPTED)
        return SqlTable(columns, found)


def change(
    statement: Statement, target: str, rows: Rows, stop: threading.Event
) -> tuple[int, list[RowChange]]:
    """Run a writing statement; return how many rows it counts and what it did to `target`.

    Raises:
        RefusedError: as `query`.

    """
    key = next(iter(CUCM_TABLES[target].primary_key.columns.keys()))
    with closing(_filled(rows, stop)) as connection, _in_words():
        before = _by_key(connection, target, key)
        counted = connection.execute(statement.sql).rowcount
        after = _by_key(connection, target, key)
    pairs = [(before.get(pkid), after.get(pkid)) for pkid in {**before, **after}]
    return counted, [RowChange(old, new) for old, new in pairs if old != new]


def _by_key(connection: sqlite3.Connection, table: str, key: str) -> dict[str, dict[str, object]]:
    source = CUCM_TABLES[table]
    names = source.columns.keys()
    found = connection.execute(f'SELECT {", ".join(names)} FROM "{table}"')  # noqa: S608  our names
    rows = (dict(zip(names, row, strict=True)) for row in found)
    return {str(row[key]): row for row in rows}


def _filled(rows: Rows, stop: threading.Event) -> sqlite3.Connection:
    """Return a connection with these rows in its tables, which ends when `stop` is set."""
    connection = _connect()
    for name, held in rows.items():
        places = ", ".join("?" * len(CUCM_TABLES[name].columns))
        connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', held)  # noqa: S608
    connection.set_authorizer(_Watch().allow)
    connection.set_progress_handler(stop.is_set, _STEPS)
    return connection


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    connection.execute("PRAGMA case_sensitive_like = ON")
    for table in CUCM_TABLES.values():
        connection.execute(_definition(table))
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    for name, count, function in _own_functions():
        connection.create_function(name, count, function)
    return connection


def _definition(table: Table) -> str:
    return str(CreateTable(table).compile(dialect=dialect.dialect()))


def _own_functions() -> Iterator[tuple[str, int, _Function]]:
    """Yield Informix's functions that SQLite does not have: name, number of arguments, itself."""
    yield "nvl", 2, lambda value, other: other if value is None else value
    yield "mod", 2, _mod
    yield "newid", 0, lambda: str(UUID(bytes=SystemEntropy().token(16), version=4))
    yield "initcap", 1, lambda text: None if text is None else str(text).title()
    yield "char_length", 1, lambda text: None if text is None else len(str(text))
    yield "concat", 2, lambda one, two: None if None in (one, two) else f"{one}{two}"
    yield "lpad", 3, lambda text, size, fill: _padded(text, size, fill, left=True)
    yield "rpad", 3, lambda text, size, fill: _padded(text, size, fill, left=False)


def _mod(value: object, by: object) -> int | None:
    return value % by if isinstance(value, int) and isinstance(by, int) and by else None


def _padded(text: object, size: object, fill: object, *, left: bool) -> str | None:
    if text is None or not isinstance(size, int) or not 0 <= size <= _LONGEST_VALUE:
        return None
    value = str(text)
    pad = (str(fill) * size)[: max(0, size - len(value))] if fill else ""
    return (pad + value if left else value + pad)[:size]


class _Watch:
    """What SQLite may do for a statement, and what it was asked for."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.target: str | None = None
        self.refused: str | None = None

    def allow(
        self, action: int, one: str | None, two: str | None, _database: str | None, _by: str | None
    ) -> int:
        """Answer the authorizer; whatever is not known is denied."""
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            known = two is not None and two.lower() in _FUNCTIONS
            return sqlite3.SQLITE_OK if known else self._refuse(no_routine(two or ""))
        if action != sqlite3.SQLITE_READ and action not in _WRITING:
            return self._refuse(in_words(""))
        name = (one or "").lower()
        if name not in CUCM_TABLES:
            return self._refuse(no_table(name))
        self.tables.add(name)
        if action in _WRITING:
            self.target = name
        return sqlite3.SQLITE_OK

    def _refuse(self, words: str) -> int:
        self.refused = self.refused or words
        return sqlite3.SQLITE_DENY


@contextmanager
def _in_words(watch: _Watch | None = None) -> Iterator[None]:
    """Turn SQLite's faults into the server's words."""
    try:
        yield
    except sqlite3.Error as fault:
        refused = watch.refused if watch else None
        raise RefusedError(refused or in_words(str(fault))) from fault
