"""Where a statement runs: a SQLite database in memory with copies of the tables it names.

So the output is the same whatever the store keeps its tables in, nothing a statement does reaches
the cluster, and there is nothing else to be found: no table of ours, no key, no file. Which tables
a statement needs SQLite itself tells, through the authorizer, when it compiles it over the empty
tables. Everything here blocks and belongs into a worker thread; a statement ends when `stop` is
set, and one that would give more than `MOST_ROWS` rows ends as interrupted.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.schema import CreateTable

from cucmsim.errors import RefusedError
from cucmsim.services.sql.catalogue import CATALOGUE_TABLES, catalogue_rows
from cucmsim.services.sql.deviceview import as_shown, as_stored
from cucmsim.services.sql.functions import ALLOWED_FUNCTIONS, own_functions
from cucmsim.services.sql.layout import SqlTable
from cucmsim.services.sql.statement import Statement
from cucmsim.services.sql.words import INTERRUPTED, in_words, no_routine, no_table
from cucmsim.store.tables import CUCM_TABLES, RowChange

__all__ = ["MOST_ROWS", "Needs", "Rows", "Run", "change", "needs_of", "query"]

MOST_ROWS = 200_000
_STEPS = 20_000
_LONGEST_VALUE = 1_000_000

Rows = Mapping[str, Sequence[Sequence[object]]]
"""Rows of tables by name, columns in the schema's order."""

_WRITING = {
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
}


@dataclass(frozen=True, slots=True)
class Run:
    """How a statement runs: until `stop` is set, and at `now`, the server's local time."""

    stop: threading.Event
    now: datetime


@dataclass(frozen=True, slots=True)
class Needs:
    """What a statement reads, and the table it writes (None for a SELECT)."""

    tables: frozenset[str]
    target: str | None


def needs_of(statement: Statement, run: Run) -> Needs:
    """Compile a statement over empty tables, and tell which it needs.

    Raises:
        RefusedError: it does not compile, or asks for what is not there, in the server's words.

    """
    with closing(_connect(run.now)) as connection:
        watch = _Watch()
        connection.set_authorizer(watch.allow)
        with _in_words(watch):
            connection.execute(f"EXPLAIN {statement.sql}")
        return Needs(frozenset(watch.tables), watch.target)


def query(statement: Statement, rows: Rows, run: Run) -> SqlTable:
    """Run a SELECT over these rows. Raises RefusedError as `needs_of`, and when interrupted."""
    with closing(_filled(rows, run)) as connection, _in_words():
        cursor = connection.execute(statement.sql)
        columns = tuple(str(column[0]) for column in cursor.description)
        found = cursor.fetchmany(MOST_ROWS + 1)
        if len(found) > MOST_ROWS:
            raise RefusedError(INTERRUPTED)
        return SqlTable(columns, found)


def change(statement: Statement, target: str, rows: Rows, run: Run) -> tuple[int, list[RowChange]]:
    """Run a writing statement; return how many rows it counts and what it did to `target`.

    Raises:
        RefusedError: as `query`.

    """
    key = next(iter(CUCM_TABLES[target].primary_key.columns.keys()))
    with closing(_filled(rows, run)) as connection, _in_words():
        before = _by_key(connection, target, key)
        counted = connection.execute(statement.sql).rowcount
        after = _by_key(connection, target, key)
    pairs = [(before.get(pkid), after.get(pkid)) for pkid in {**before, **after}]
    changes = (RowChange(old, new) for old, new in pairs if old != new)
    return counted, [as_stored(target, one) for one in changes]


def _by_key(connection: sqlite3.Connection, table: str, key: str) -> dict[str, dict[str, object]]:
    source = CUCM_TABLES[table]
    names = source.columns.keys()
    found = connection.execute(f'SELECT {", ".join(names)} FROM "{table}"')  # noqa: S608  our names
    rows = (dict(zip(names, row, strict=True)) for row in found)
    return {str(row[key]): row for row in rows}


def _filled(rows: Rows, run: Run) -> sqlite3.Connection:
    """Return a connection with these rows in its tables, which ends when it is to stop."""
    connection = _connect(run.now)
    for name, held in rows.items():
        _insert(connection, CUCM_TABLES[name], as_shown(name, held))
    for name, table in CATALOGUE_TABLES.items():
        _insert(connection, table, catalogue_rows(name))
    connection.set_authorizer(_Watch().allow)
    connection.set_progress_handler(run.stop.is_set, _STEPS)
    return connection


def _insert(connection: sqlite3.Connection, table: Table, rows: Iterable[Sequence[object]]) -> None:
    places = ", ".join("?" * len(table.columns))
    connection.executemany(f'INSERT INTO "{table.name}" VALUES ({places})', rows)  # noqa: S608


def _connect(now: datetime) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)
    connection.execute("PRAGMA case_sensitive_like = ON")
    for table in (*CUCM_TABLES.values(), *CATALOGUE_TABLES.values()):
        connection.execute(_definition(table))
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    for name, count, function in own_functions(now):
        connection.create_function(name, count, function)
    return connection


def _definition(table: Table) -> str:
    return str(CreateTable(table).compile(dialect=dialect.dialect()))


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
            known = two is not None and two.lower() in ALLOWED_FUNCTIONS
            return sqlite3.SQLITE_OK if known else self._refuse(no_routine(two or ""))
        if action != sqlite3.SQLITE_READ and action not in _WRITING:
            return self._refuse(in_words(""))
        name = (one or "").lower()
        if name in CUCM_TABLES:
            self.tables.add(name)
        elif name not in CATALOGUE_TABLES:
            return self._refuse(no_table(name))
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
