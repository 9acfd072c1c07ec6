"""Opening a database: made or upgraded by the publisher, waited for by others; or not there.

When it does not answer within `PATIENCE_S` and the process has a copy of its own that can be
started from, that is what opening gives. `rejoin` then waits for the database: it must be the
cluster's of which the copy is, before anything in it is read or changed.
"""

import asyncio
from dataclasses import dataclass

import structlog

from cucmsim.entropy import Entropy
from cucmsim.errors import StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.changelog import read_version
from cucmsim.store.claims import Claims
from cucmsim.store.engine import Database
from cucmsim.store.faults import is_away
from cucmsim.store.localcopy import CopyState, LocalCopy
from cucmsim.store.migrate import make_schema, schema_problem
from cucmsim.store.secret import open_secret

__all__ = ["PATIENCE_S", "Opened", "Opening"]

PATIENCE_S = 3.0
"""How long a database that does not answer is waited for when there is a local copy."""

_RETRY_S = 0.2
"""How long after a try the next one is made."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that can be read: its key, its version; with `copied` not from the database."""

    sealing: SealingKey
    version: int
    copied: CopyState | None = None
    why: str = ""


class Opening:
    """Tries to open a database; a try gives what is in the way while that may pass."""

    def __init__(
        self,
        database: Database,
        password: str,
        entropy: Entropy,
        claims: Claims,
        *,
        migrate: bool,
        copy: LocalCopy | None = None,
    ) -> None:
        self._database = database
        self._password = password
        self._entropy = entropy
        self._claims = claims
        self._migrate = migrate
        self._copy = copy if copy is not None and copy.exists else None

    async def usable(self, limit_s: float) -> Opened:
        """Try until the database is usable, or fails for good, or `limit_s` is over."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            try:
                outcome = await self._attempt()
                error = StoreError(f"{outcome}; waited {limit_s:g} s")
            except StoreError as fault:
                if not is_away(fault):
                    raise
                outcome, error = "", fault
            if isinstance(outcome, Opened):
                return outcome
            waited = loop.time() - begun
            may_copy = self._copy is not None and is_away(error)
            if may_copy and waited >= PATIENCE_S:
                copied = await self._from_copy(str(error))
                if copied is not None:
                    return copied
            elif waited >= limit_s and not may_copy:
                raise error
            await asyncio.sleep(_RETRY_S)

    async def _from_copy(self, why: str) -> Opened | None:
        """Return what the local copy gives; when that is nothing, it is not asked again."""
        state = "" if self._copy is None else await self._copy.prove(self._password)
        if isinstance(state, CopyState):
            return Opened(state.sealing, state.replica.version, state, why)
        self._copy = None
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        log.warning("no start from the local copy", why=state)
        return None

    async def rejoin(self, state: CopyState) -> None:
        """Wait, after a start from a copy, until the database can be used, and prove it.

        Raises:
            StoreError: waiting does not help: it is of another cluster, or a newer release's.

        """
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        told = ""
        while True:
            try:
                outcome = await self._again(state)
            except StoreError as error:
                if error.__cause__ is None:  # what it holds is wrong, it did not just fail
                    raise
                outcome = "" if is_away(error) else str(error)
            if isinstance(outcome, Opened):
                return
            if outcome and outcome != told:
                log.warning("the database answers, but cannot be used yet", why=outcome)
                told = outcome
            await asyncio.sleep(_RETRY_S)

    async def _again(self, state: CopyState) -> Opened | str:
        shown = self._database.shown
        async with self._database.session() as session:
            problem = await schema_problem(session)
            if problem is not None:
                return f"{shown} {problem}"
            try:
                sealing = await open_secret(session, self._password)
            except StoreError as error:
                if error.__cause__ is not None:
                    raise
                sealing = None
        if sealing != state.sealing:
            raise StoreError(
                f"{shown} is of another cluster than the local copy that this process started from,"
                f" or the security password was changed; expected the cluster of version"
                f" {state.replica.version}"
            )
        return await self._attempt()

    async def _attempt(self) -> Opened | str:
        return await (self._make() if self._migrate else self._look())

    async def _make(self) -> Opened | str:
        """Make or upgrade the tables and prove the password, all in one transaction."""
        database = self._database
        await self._claim()
        async with database.session() as session:
            await schema_problem(session)
        await database.use_wal()
        async with database.session(write=True) as session:
            await make_schema(session)
            sealing = await open_secret(session, self._password, self._entropy)
            return Opened(sealing, await read_version(session)) if sealing else "has no secret"

    async def _claim(self) -> None:
        """Take what only one process may have: a SQLite file, the names of nodes."""
        self._database.claim()
        if not self._database.is_sqlite:
            await self._claims.hold(self._database)

    async def _look(self) -> Opened | str:
        """Prove the password if the tables are there."""
        if self._database.is_missing():
            return f"{self._database.shown} is not there"
        await self._claim()
        async with self._database.session() as session:
            problem = await schema_problem(session)
            if problem is not None:
                return f"{self._database.shown} {problem}"
            sealing = await open_secret(session, self._password)
            if sealing is None:
                return f"{self._database.shown} has no security password yet"
            return Opened(sealing, await read_version(session))
