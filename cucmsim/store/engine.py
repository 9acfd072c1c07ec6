"""Connections: one way to speak to SQLite and PostgreSQL, and one clear message when it fails.

`Database` makes the engine for a URL; `Database.session` is one connection in one transaction,
whose every failure is a StoreError that names the database (never its password). A reader sees one
moment (SQLite: the snapshot of WAL; PostgreSQL: repeatable read). A writer takes its lock at the
start: BEGIN IMMEDIATE here, the row lock of `cucmsim_version` there (`changelog.py`).

A SQLite file belongs to one process: other processes would never hear of its changes. A lock on the
file beside it (`...-lock`, released by the system even at kill -9) refuses the second one.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import asyncpg
from sqlalchemy import Connection, CursorResult, Executable, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from cucmsim.errors import StoreError

__all__ = ["Database", "Session", "Values", "is_away", "whole"]

Values = Mapping[str, object]
"""Column name -> value."""

_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 60.0
_SQLITE_MAGIC = b"SQLite format 3\0"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_SQLITE_FAULTS = (
    ("locked", "is locked by another process"),
    ("busy", "is locked by another process"),
    ("full", "cannot be written: the disk is full"),
    ("readonly", "cannot be written: the file or its directory is read-only"),
    ("unable to open", "cannot be opened: expected a directory that exists and can be written"),
    ("not a database", "is not a SQLite database"),
    ("malformed", "is damaged"),
    ("disk i/o", "cannot be read or written: the disk reports an error"),
)
_POSTGRES_FAULTS = (
    ("08", "does not answer"),
    ("28", "refuses the user or password"),
    ("3D", "is not there: expected a database of that name"),
    ("42501", "refuses: the user may not do that"),
    ("53100", "cannot be written: its disk is full"),
    ("53", "has no room for another connection"),
    ("55P03", "is locked by another process"),
    ("57P", "is shutting down or starting"),
)
_AWAY = ("08", "3D", "53300", "57P")
"""SQLSTATEs that may pass: connection lost, no such database yet, no room, starting."""


class Session:
    """One connection in a transaction; every failure of it is a StoreError."""

    def __init__(self, database: "Database", connection: AsyncConnection) -> None:
        self.database = database
        self._connection = connection

    async def execute(
        self, statement: Executable, parameters: Sequence[Values] | None = None
    ) -> CursorResult[object]:
        """Run a statement, many times over when `parameters` has several."""
        with self.database.explained():
            return await self._connection.execute(statement, parameters)

    async def rows(self, statement: Executable) -> Sequence[Sequence[object]]:
        """Run a query and return all of its rows."""
        with self.database.explained():
            return (await self._connection.execute(statement)).all()

    async def mappings(self, statement: Executable) -> list[dict[str, object]]:
        """Run a query and return its rows as column name -> value, in the order of the query."""
        with self.database.explained():
            found = (await self._connection.execute(statement)).mappings()
        return [{str(name): value for name, value in row.items()} for row in found]

    async def scalar(self, statement: Executable) -> object:
        """Run a query and return the first column of its first row; None when there is none."""
        with self.database.explained():
            return await self._connection.scalar(statement)

    @property
    def connection(self) -> AsyncConnection:
        """The connection itself, for migrations."""
        return self._connection


class Database:
    """A database by URL; `close` it at the end."""

    def __init__(self, url: URL, *, busy_timeout_s: float = 5.0) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.shown = f"database {self._shown()}"
        self._lock: int | None = None
        self._busy_timeout_s = busy_timeout_s
        self._engine = self._make_engine()

    @classmethod
    def parse(cls, url: str, *, busy_timeout_s: float = 5.0) -> Self:
        """Return the database of "sqlite:///path" or "postgresql://user:password@host/name".

        Raises:
            StoreError: the URL is of no form that is known.

        """
        expected = "expected sqlite:///path or postgresql://user:password@host/name"
        try:
            parsed = make_url(url)
            driver = _DRIVERS.get(parsed.get_backend_name())
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise StoreError(f"found no URL of a database; {expected}") from None
        if driver is None or not parsed.database:
            raise StoreError(f"found a URL of {parsed.get_backend_name()!r}; {expected}")
        return cls(parsed.set(drivername=driver), busy_timeout_s=busy_timeout_s)

    def _shown(self) -> str:
        """Name the database for a person, without its password."""
        if self.is_sqlite:
            return repr(self.url.database)
        place = self.url.query.get("host") or self.url.host or "localhost"
        port = f":{self.url.port}" if self.url.port else ""
        return f"{self.url.database!r} at {place}{port}"

    def _make_engine(self) -> AsyncEngine:
        if self.is_sqlite:
            engine = create_async_engine(
                self.url, connect_args={"timeout": self._busy_timeout_s}, hide_parameters=True
            )
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
            return engine
        settings = {"lock_timeout": f"{int(self._busy_timeout_s * 1000)}ms"}
        return create_async_engine(
            self.url,
            connect_args={
                "timeout": _CONNECT_TIMEOUT_S,
                "command_timeout": _COMMAND_TIMEOUT_S,
                "server_settings": settings,
            },
            pool_pre_ping=True,
            hide_parameters=True,
        )

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn a failure of the driver into the StoreError that says it in one line."""
        try:
            yield
        except (
            OSError,
            sqlite3.Error,
            DBAPIError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
        ) as fault:
            raise StoreError(f"{self.shown} {_explain(fault, self.is_sqlite)}") from fault

    @asynccontextmanager
    async def session(self, *, write: bool = False) -> AsyncIterator[Session]:
        """Open a transaction: committed at the end, rolled back when the body raises.

        Raises:
            StoreError: the database cannot be reached, read, locked or written.

        """
        connection = self._engine.connect()
        with self.explained():
            await connection.start()
        try:
            with self.explained():
                await connection.execution_options(**self._options(write=write))
                transaction = await connection.begin()
            try:
                yield Session(self, connection)
            except BaseException:
                with suppress(StoreError), self.explained():
                    await transaction.rollback()
                raise
            with self.explained():
                await transaction.commit()
        finally:
            with self.explained():
                await connection.close()

    def _options(self, *, write: bool) -> dict[str, object]:
        if self.is_sqlite:
            return {"cucmsim_write": write}
        if write:
            return {}
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

    def claim(self) -> None:
        """Take a SQLite file for this process alone; it may be new.

        Raises:
            StoreError: another process has it, or it is something else.

        """
        if not self.is_sqlite or self._lock is not None:
            return
        with self.explained():
            self._refuse_other_files()
        lock = Path(f"{self.url.database}-lock")
        with self.explained():
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreError(
                f"{self.shown} is locked by another process ({holder}); a SQLite file serves one"
                " process, nodes in several need PostgreSQL"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid {os.getpid()}".encode())
        self._lock = descriptor

    def _refuse_other_files(self) -> None:
        """Look before SQLite does, which would leave traces."""
        path = Path(str(self.url.database))
        if not path.exists():
            return
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_MAGIC))
        if start not in (b"", _SQLITE_MAGIC):
            raise StoreError(f"{self.shown} is not a SQLite database")

    def is_missing(self) -> bool:
        """Tell whether a SQLite file is not there; a server may always be."""
        return self.is_sqlite and not Path(str(self.url.database)).exists()

    async def use_wal(self) -> None:
        """Let readers of a SQLite file go on while one writes; a property of the file."""
        if self.is_sqlite:
            with self.explained():
                await asyncio.to_thread(self._use_wal)

    def _use_wal(self) -> None:
        with closing(sqlite3.connect(str(self.url.database), self._busy_timeout_s)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")

    async def close(self) -> None:
        """Close every connection and give the file free."""
        await self._engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def listen(self) -> asyncpg.Connection:
        """Open a connection of its own to PostgreSQL, for LISTEN. Raises StoreError."""
        with self.explained():
            return await asyncpg.connect(
                dsn=self.url.set(drivername="postgresql").render_as_string(hide_password=False),
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=_CONNECT_TIMEOUT_S,
            )


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    """Set up a new SQLite connection: we begin transactions ourselves, durable ones."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin: a writer takes the lock at once, a reader takes none."""
    write = connection.get_execution_options().get("cucmsim_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _origin(fault: BaseException | None) -> tuple[BaseException | None, str]:
    """Return the driver's own exception and its SQLSTATE, empty where it has none."""
    origin = fault.orig if isinstance(fault, DBAPIError) and fault.orig else fault
    return origin, str(getattr(origin, "sqlstate", None) or "")


def is_away(error: StoreError) -> bool:
    """Tell whether the database did not answer, so that it may do so later."""
    origin, state = _origin(error.__cause__)
    lost = isinstance(error.__cause__, DBAPIError) and error.__cause__.connection_invalidated
    return lost or isinstance(origin, OSError) or state.startswith(_AWAY)


def _explain(fault: Exception, is_sqlite: bool) -> str:  # noqa: FBT001  not for others
    """Say what a failure of a driver means, as the end of a sentence about the database."""
    origin, state = _origin(fault)
    text = " ".join(str(origin).split())
    for start, meaning in _POSTGRES_FAULTS:
        if state and state.startswith(start):
            return meaning
    if isinstance(origin, OSError) and is_sqlite:
        return f"cannot be opened ({text}): expected a directory that exists and can be written"
    if isinstance(origin, OSError):
        return f"does not answer ({text or type(origin).__name__})"
    for word, meaning in _SQLITE_FAULTS:
        if word in text.lower():
            return meaning
    return f"fails: {text or type(origin).__name__}"


def whole(value: object) -> int:
    """Narrow what a query gave for a column of whole numbers; None and no row are 0."""
    return value if isinstance(value, int) else 0
