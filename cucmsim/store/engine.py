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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar
from weakref import WeakSet

import asyncpg
from sqlalchemy import Connection, CursorResult, Executable, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncTransaction,
    create_async_engine,
)
from sqlalchemy.pool import ConnectionPoolEntry

from cucmsim.errors import StoreError
from cucmsim.store.faults import explain

__all__ = ["Database", "Session", "Values", "moment", "whole"]

Values = Mapping[str, object]
"""Column name -> value."""

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 3.0
_COMMAND_TIMEOUT_S = 60.0
_SILENT = "does not answer: it hangs, or the network drops what is sent to it"
_SQLITE_MAGIC = b"SQLite format 3\0"
_KEEPALIVES = {
    "tcp_keepalives_idle": "4s",
    "tcp_keepalives_interval": "2s",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "12s",
}
"""Have the server drop a peer that vanished within 12 s, and with it its locks."""

_IDLE_TIMEOUT = "60s"
"""How long a process that was stopped in the middle of a change may keep others from theirs."""

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def _nothing() -> None:
    """Do nothing."""


async def finished(work: Awaitable[T]) -> T:
    """Await `work` to its end even when cancelled meanwhile; then pass the cancellation on.

    A call of a driver that is cut off half way leaves a connection behind, in SQLite's case with a
    thread that keeps the process from ending. Every call has a time limit of its own.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


class Session:
    """One connection in a transaction; every failure of it is a StoreError.

    `on_commit` is called as soon as the transaction is committed, whoever is cancelled. With a
    `refusal` it is for reading: that is raised at whatever else a statement does.
    """

    def __init__(self, database: "Database", connection: AsyncConnection) -> None:
        self.database = database
        self.on_commit: Callable[[], None] = _nothing
        self.refusal: StoreError | None = None
        self._connection = connection

    async def execute(
        self, statement: Executable, parameters: Sequence[Values] | None = None
    ) -> CursorResult[object]:
        """Run a statement, many times over when `parameters` has several."""
        if self.refusal is not None:
            raise self.refusal
        with self.database.explained():
            return await finished(self._connection.execute(statement, parameters))

    async def rows(self, statement: Executable) -> Sequence[Sequence[object]]:
        """Run a query and return all of its rows."""
        with self.database.explained():
            return (await finished(self._connection.execute(statement))).all()

    async def mappings(self, statement: Executable) -> list[dict[str, object]]:
        """Run a query and return its rows as column name -> value, in the order of the query."""
        with self.database.explained():
            found = (await finished(self._connection.execute(statement))).mappings()
        return [{str(name): value for name, value in row.items()} for row in found]

    async def scalar(self, statement: Executable) -> object:
        """Run a query and return the first column of its first row; None when there is none."""
        with self.database.explained():
            return await finished(self._connection.scalar(statement))

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run what speaks to SQLAlchemy's own connection: reflection, migrations."""
        with self.database.explained():
            return await finished(self._connection.run_sync(work))


class Database:
    """A database by URL; `close` it at the end."""

    def __init__(self, url: URL, *, busy_timeout_s: float = 5.0) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.shown = f"database {self._shown()}"
        self._lock: int | None = None
        self._sessions = 0
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy_timeout_s = busy_timeout_s
        self._is_silent = False
        self._connections: WeakSet[asyncpg.Connection] = WeakSet()
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
        settings = {
            **_KEEPALIVES,
            "lock_timeout": f"{int(self._busy_timeout_s * 1000)}ms",
            "idle_in_transaction_session_timeout": _IDLE_TIMEOUT,
        }
        engine = create_async_engine(
            self.url,
            connect_args={
                "timeout": _CONNECT_TIMEOUT_S,
                "command_timeout": _COMMAND_TIMEOUT_S,
                "server_settings": settings,
            },
            pool_pre_ping=True,
            hide_parameters=True,
        )
        event.listen(engine.sync_engine, "connect", self._note_connection)
        return engine

    def _note_connection(self, held: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        self._connections.add(held.driver_connection)

    def note_silence(self, *, is_silent: bool) -> None:
        """Take what the one who listens found out: whether the server gives no answer at all.

        While it is silent every call fails: one that is under way now, any other at once. So
        nobody waits out a limit that is made for large loads and migrations.
        """
        self._is_silent = is_silent
        for connection in tuple(self._connections) if is_silent else ():
            connection.terminate()

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
            said = _SILENT if self._is_silent else explain(fault, is_sqlite=self.is_sqlite)
            raise StoreError(f"{self.shown} {said}") from fault

    @asynccontextmanager
    async def session(self, *, write: bool = False) -> AsyncIterator[Session]:
        """Open a transaction: committed at the end, rolled back when the body raises.

        Raises:
            StoreError: the database cannot be reached, read, locked or written.

        """
        if self._closing:
            raise StoreError(f"{self.shown} is closed")
        if self._is_silent:
            raise StoreError(f"{self.shown} {_SILENT}") from TimeoutError()
        self._sessions += 1
        self._idle.clear()
        connection = self._engine.connect()
        try:
            with self.explained():
                transaction = await finished(self._begin(connection, write=write))
            session = Session(self, connection)
            try:
                yield session
            except BaseException:
                with suppress(StoreError), self.explained():
                    await finished(transaction.rollback())
                raise
            with self.explained():
                await finished(_commit(transaction, session))
        finally:
            try:
                if connection.sync_connection is not None:
                    with self.explained():
                        await finished(connection.close())
            finally:
                self._given_back()

    def _given_back(self) -> None:
        """Note the end of a session."""
        self._sessions -= 1
        if not self._sessions:
            self._idle.set()

    async def _begin(self, connection: AsyncConnection, *, write: bool) -> AsyncTransaction:
        await connection.start()
        await connection.execution_options(**self._options(write=write))
        return await connection.begin()

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
        with closing(
            sqlite3.connect(str(self.url.database), timeout=self._busy_timeout_s)
        ) as connection:
            connection.execute("PRAGMA journal_mode = WAL")

    async def leave(self, within_s: float) -> None:
        """Give up what is asked of a server that does not answer within some seconds.

        For the end: nobody waits for a call any more, which may take a minute to be given up.
        """
        if self.is_sqlite or self._closing:
            return
        try:
            async with asyncio.timeout(within_s):
                with self.explained():
                    await (await self.listen("leaving")).close()
        except (StoreError, TimeoutError):
            self._closing = True
            self.note_silence(is_silent=True)

    async def close(self) -> None:
        """Close every connection, once those in use have been given back, and free the file."""
        self._closing = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _CLOSE_TIMEOUT_S)
        await finished(self._engine.dispose())
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def listen(self, label: str) -> asyncpg.Connection:
        """Open a connection of its own to PostgreSQL, for LISTEN and locks. Raises StoreError.

        `label` is what the server's list of connections calls it.
        """
        with self.explained():
            return await asyncpg.connect(
                dsn=self.url.set(drivername="postgresql").render_as_string(hide_password=False),
                timeout=_CONNECT_TIMEOUT_S,
                command_timeout=_CONNECT_TIMEOUT_S,
                server_settings={**_KEEPALIVES, "application_name": label},
            )


async def _commit(transaction: AsyncTransaction, session: Session) -> None:
    """Commit and tell so, in one go."""
    await transaction.commit()
    session.on_commit()


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


def whole(value: object) -> int:
    """Narrow what a query gave for a column of whole numbers; None and no row are 0."""
    return value if isinstance(value, int) else 0


def moment(value: object) -> datetime | None:
    """Narrow what a query gave for a column of Unix seconds, to UTC; None stays None."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else None
