"""A process's own copy of the store, on its disk: what a node starts from without the database.

A real subscriber has the whole database on its disk. Here the nodes share one, on PostgreSQL; so
each process keeps a SQLite file with the very tables, at one version, private keys sealed as they
are there. `refresh` brings it up to the store, in one transaction: a process killed at any moment
leaves the version before or the one after. What is damaged, of another cluster, under another
security password or of another schema is no copy: `prove` says why, `refresh` makes it anew.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError

from cucmsim.errors import StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.changelog import changed_since, read_version
from cucmsim.store.copying import copy_all, copy_changes, copy_platforms
from cucmsim.store.engine import Database, Session
from cucmsim.store.loading import ReplicaLoader
from cucmsim.store.migrate import make_copy_schema, schema_problem
from cucmsim.store.replica import Replica, SignerCache
from cucmsim.store.secret import open_secret, read_secret

__all__ = ["CopyState", "LocalCopy"]


@dataclass(frozen=True, slots=True)
class CopyState:
    """What a copy that can be started from holds, and when it was last up to date."""

    sealing: SealingKey
    replica: Replica
    written: datetime


class LocalCopy:
    """The copy at `path`. `is_behind` is set when there may be news for it.

    `is_enough` tells whether the process's nodes can start from a replica.
    """

    def __init__(self, path: Path, is_enough: Callable[[Replica], bool] = lambda _: True) -> None:
        self.version: int | None = None
        self.is_behind = asyncio.Event()
        self._path = path
        self._is_enough = is_enough
        self._database: Database | None = None
        self._spoilt: str | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def exists(self) -> bool:
        """Whether there is a file; what it is worth is another question."""
        return self._path.exists()

    async def prove(self, password: str) -> CopyState | str:
        """Return what the copy holds, or say why no node can start from it."""
        try:
            async with self._opened().session() as session:
                state = await self._prove(session, password)
        except StoreError as error:
            return str(error)
        except (LookupError, TypeError, ValueError) as error:
            return f"{self._shown} cannot be read: found {error!r}"
        if isinstance(state, CopyState):
            self.version = state.replica.version
        return state

    async def _prove(self, session: Session, password: str) -> CopyState | str:
        problem = await self._damage(session) or await schema_problem(session)
        if problem is not None:
            return f"{self._shown} {problem}"
        sealing = await open_secret(session, password)
        if sealing is None:
            return f"{self._shown} is not whole"
        replica = await ReplicaLoader(sealing, SignerCache()).load(session)
        if not self._is_enough(replica):
            return f"{self._shown} has no certificates of this node yet"
        written = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        return CopyState(sealing, replica, written)

    async def _damage(self, session: Session) -> str | None:
        found = await session.rows(text("PRAGMA quick_check(1)"))
        return None if [tuple(row) for row in found] == [("ok",)] else f"is damaged: {found[0][0]}"

    @property
    def _shown(self) -> str:
        return f"local copy {str(self._path)!r}"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Read the copy. Raises StoreError when there is none that can be read."""
        if self.version is None:
            raise StoreError(f"{self._shown} is not there yet")
        async with self._opened().session() as session:
            yield session

    async def refresh(self, source: Session) -> int:
        """Bring the copy up to what a session of the store sees; return the version.

        Raises:
            StoreError: the store or the copy failed. The next call makes a damaged copy anew.

        """
        async with self._one_at_a_time:
            version = await read_version(source)
            try:
                if not await self._goes_on():
                    await self._make_anew()
                await self._copy(source, version)
            except StoreError as error:
                if _is_spoilt(error):
                    self.version, self._spoilt = None, str(error)
                raise
            self.version = version
            await asyncio.to_thread(os.utime, self._path)
            return version

    async def _goes_on(self) -> bool:
        """Tell whether there is a file with our tables."""
        if self.version is not None or not self.exists:
            return self.version is not None
        problem = self._spoilt
        try:
            if problem is None:
                async with self._opened().session() as held:
                    problem = await self._damage(held) or await schema_problem(held)
        except StoreError as error:
            problem = str(error)
        if problem is not None:
            self._warn(problem)
        self._spoilt = None
        return problem is None

    def _warn(self, problem: str) -> None:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        log.warning("local copy made anew", path=str(self._path), why=problem)

    async def _copy(self, source: Session, version: int) -> None:
        async with self._opened().session(write=True) as target:
            if not await self._has_kept_up(source, target):
                await copy_all(source, target)
                return
            held = await read_version(target)
            changed = await changed_since(source, held) if held <= version else None
            # no key: a whole table was replaced, as a restore does
            if changed is None or any("" in keys for keys in changed.values()):
                await copy_all(source, target)
            elif changed:
                await copy_changes(source, target, changed)
            await copy_platforms(source, target)

    async def _has_kept_up(self, source: Session, target: Session) -> bool:
        """Tell whether the file holds this cluster."""
        held, wanted = await read_secret(target), await read_secret(source)
        if held is not None and held != wanted:
            self._warn("it is of another cluster, or of another security password")
        return held is not None and held == wanted

    async def _make_anew(self) -> None:
        self.version = None
        await self.close()
        await asyncio.to_thread(self._make_file)
        await self._opened().use_wal()

    def _make_file(self) -> None:
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)
        engine = create_engine(URL.create("sqlite", database=str(self._path)))
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with engine.begin() as connection:
                make_copy_schema(connection)
        except (OSError, DBAPIError) as error:
            raise StoreError(f"{self._shown} cannot be made: {error}") from error
        finally:
            engine.dispose()

    def _opened(self) -> Database:
        if self._database is None:
            url = URL.create("sqlite+aiosqlite", database=str(self._path))
            self._database = Database(url)
        return self._database

    async def close(self) -> None:
        """Give the file back."""
        if self._database is not None:
            await self._database.close()
            self._database = None


def _is_spoilt(error: StoreError) -> bool:
    """Tell whether a failure means that the rows of the copy are not right, or not readable."""
    cause = error.__cause__
    origin = cause.orig if isinstance(cause, DBAPIError) else cause
    return isinstance(origin, sqlite3.IntegrityError) or type(origin) is sqlite3.DatabaseError
