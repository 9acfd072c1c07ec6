"""The store: one database, opened; writes in versions, replicas, and news of changes.

`Store.open` makes or upgrades the tables when told to (the publisher), otherwise waits for them
(a subscriber); who runs nodes claims their names first (`claims.py`). Writers queue: inside the
process on a lock, between processes on the version row. Reading never waits for them. When the
database goes away, what is asked of it raises StoreError and whoever holds a replica serves on;
`changes` goes on when it is back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Self

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.alarms import StoredAlarm, read_alarms
from cucmsim.store.changelog import Writer, read_version
from cucmsim.store.claims import Claims, read_claimed
from cucmsim.store.engine import Database
from cucmsim.store.faults import is_away
from cucmsim.store.loading import ReplicaLoader
from cucmsim.store.migrate import make_schema, schema_problem
from cucmsim.store.notify import Announcer, ConnectionListener, Listener
from cucmsim.store.presence import ClockOffset, Presence, put_presence, read_presence, read_time
from cucmsim.store.replica import Replica, SignerCache
from cucmsim.store.secret import open_secret
from cucmsim.store.tables import read_tables
from cucmsim.store.transaction import Transaction
from cucmsim.store.wholestore import WholeStore, read_everything

__all__ = ["Store", "Transaction"]

_WAIT_S = 60.0
_RETRY_S = 0.2
_SEED_SIZE = 16


class Store:
    """An open store. Made by `Store.open`."""

    def __init__(
        self,
        database: Database,
        sealing: SealingKey,
        version: int,
        clock: Clock,
        entropy: Entropy,
        claims: Claims,
    ) -> None:
        self._database = database
        self._claims = claims
        self._sealing = sealing
        self._clock = clock
        self._seed = stream_of(entropy, "store").token(_SEED_SIZE)
        self._loader = ReplicaLoader(sealing, SignerCache())
        self._announcer = Announcer(version)
        self._listener = None if database.is_sqlite else Listener(database, self._announcer, claims)
        self._writing = asyncio.Lock()
        self._writer_task: asyncio.Task[object] | None = None
        self._handed_out = version
        self._own_presence: dict[str, Presence] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        security_password: str,
        clock: Clock,
        entropy: Entropy,
        nodes: Sequence[str] = (),
        migrate: bool = True,
        wait_s: float | None = None,
        busy_timeout_s: float = 5.0,
    ) -> AsyncIterator[Self]:
        """Open "sqlite:///path" or "postgresql://user:password@host/name" while the block runs.

        `nodes` are those that this process runs; on PostgreSQL no other may do so meanwhile.
        `migrate` makes or upgrades the tables; without it `wait_s` seconds (60) are given to
        another process to do so. With it, `wait_s` (0) is for a server that does not answer yet.

        Raises:
            ClaimedError: another process runs one of the nodes.
            StoreError: not reachable, locked, not writable, full, of another program, written by
                a newer release, or made with another security password. Nothing was changed.

        """
        database = Database.parse(url, busy_timeout_s=busy_timeout_s)
        limit_s = (0.0 if migrate else _WAIT_S) if wait_s is None else wait_s
        claims = Claims(nodes)
        try:
            opening = _Opening(database, security_password, entropy, claims)
            sealing, version = await _until_usable(
                opening.make if migrate else opening.look, limit_s
            )
            store = cls(database, sealing, version, clock, entropy, claims)
            async with store._announcing():
                yield store
        finally:
            await claims.release()
            await database.close()

    @asynccontextmanager
    async def _announcing(self) -> AsyncIterator[None]:
        """Listen for the changes of other processes, until the end.

        No TaskGroup: it would wrap what the body of `async with Store.open` raises.
        """
        task = None if self._listener is None else asyncio.create_task(self._listener.run())
        try:
            yield
        finally:
            self._announcer.close()
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    @property
    def version(self) -> int:
        """The newest version this process has heard of."""
        return self._announcer.version

    @property
    def is_connected(self) -> bool:
        """Whether news of other processes arrive now; always so for SQLite."""
        return self._listener is None or self._listener.is_connected

    def subscribe_connection(self, listener: ConnectionListener) -> Callable[[], None]:
        """Call `listener` when the database goes away and when it is back; returns what ends it.

        Never called for SQLite.
        """
        return (lambda: None) if self._listener is None else self._listener.subscribe(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Change the store: all that the block does, or nothing when it raises.

        Raises:
            StoreError: the database failed, or this task has a transaction open already.

        """
        if self._writer_task is not None and self._writer_task is asyncio.current_task():
            raise StoreError("a transaction is open in this task already; expected one at a time")
        async with self._writing:
            self._writer_task = asyncio.current_task()
            try:
                async with self._database.session(write=True) as session:
                    writer = await Writer.begin(session, self._clock, self._seed)
                    yield Transaction(writer, self._sealing, self._loader)
                    version = await writer.finish()
                    session.on_commit = partial(self._announcer.publish, version)
            finally:
                self._writer_task = None

    async def load_replica(self) -> Replica:
        """Read the whole store at its newest version. Raises StoreError."""
        async with self._database.session() as session:
            return self._handed(await self._loader.load(session))

    async def update_replica(self, replica: Replica) -> Replica:
        """Read what changed since `replica`; the same object when nothing did. Raises StoreError.

        One changed phone of 40,000 costs one row.
        """
        async with self._database.session() as session:
            return self._handed(await self._loader.update(session, replica))

    async def read_tables(self, names: Collection[str]) -> Mapping[str, Sequence[Sequence[object]]]:
        """Read whole tables of CUCM as they are at one moment (`tables.py`). Raises StoreError."""
        async with self._database.session() as session:
            return await read_tables(session, names)

    async def read_everything(self) -> WholeStore:
        """Read every row as it is at one moment, for a backup; writers go on. Raises StoreError."""
        async with self._database.session() as session:
            return await read_everything(session)

    async def read_alarms(self, node: str) -> tuple[StoredAlarm, ...]:
        """Return the alarms of phones that a node keeps, oldest first. Raises StoreError."""
        async with self._database.session() as session:
            return await read_alarms(session, node)

    async def put_presence(self, own: Sequence[Presence]) -> None:
        """Tell the other processes about nodes of this one; no version of the store. StoreError."""
        self._own_presence.update((one.node, one) for one in own)
        if not self._database.is_sqlite:
            async with self._database.session(write=True) as session:
                await put_presence(session, own)

    async def read_presence(self) -> tuple[Presence, ...]:
        """Return what each node last told of itself, and which have a process now. StoreError."""
        if self._database.is_sqlite:
            return tuple(replace(one, is_alive=True) for one in self._own_presence.values())
        async with self._database.session() as session:
            return await read_presence(session)

    async def measure_clock(self, now: Callable[[], datetime]) -> ClockOffset | None:
        """Compare a clock with the database's; None where the two are one. Raises StoreError."""
        if self._database.is_sqlite:
            return None
        async with self._database.session() as session:
            before = now()
            shown = await read_time(session)
            way = (now() - before) / 2
        return ClockOffset(shown - (before + way), way)

    async def is_run(self, node: str) -> bool:
        """Tell whether a process runs a node now; here, or somewhere else. Raises StoreError."""
        if self._database.is_sqlite:
            return True
        async with self._database.session() as session:
            return (await read_claimed(session, [node]))[node]

    def _handed(self, replica: Replica) -> Replica:
        self._handed_out = replica.version
        self._announcer.publish(replica.version)
        return replica

    def changes(self, after: int | None = None) -> AsyncIterator[int]:
        """Yield the newest version whenever there is one above the last, until the store closes.

        The first is above `after`, by default above the replica last handed out. Versions that
        follow each other quickly come as one.
        """
        return self._changes(self._handed_out if after is None else after)

    async def _changes(self, seen: int) -> AsyncIterator[int]:
        while (version := await self._announcer.newer(seen)) is not None:
            yield version
            seen = version

    async def wait_for_replica(
        self, is_ready: Callable[[Replica], bool], what: str, *, timeout_s: float
    ) -> Replica:
        """Return the first replica for which `is_ready`; `what` names it in the error.

        Raises:
            StoreError: it did not come within `timeout_s`.

        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                replica = await self.load_replica()
                while not is_ready(replica):
                    if await self._announcer.newer(replica.version) is None:
                        raise StoreError(f"{self._database.shown} was closed before {what} came")
                    replica = await self.update_replica(replica)
                return replica
        raise StoreError(
            f"{self._database.shown}: no {what} within {timeout_s:g} s; is the publisher running?"
        )

    async def wait_for_node(self, node: str, *, timeout_s: float = _WAIT_S) -> Replica:
        """Return the first replica in which `node` has its own certificates. Raises StoreError."""
        return await self.wait_for_replica(
            lambda replica: any(owner == node for owner, _ in replica.own_keys),
            f"certificates of node {node!r}",
            timeout_s=timeout_s,
        )


class _Opening:
    """One try to open a database, either way; answers with what is in the way while that passes."""

    def __init__(self, database: Database, password: str, entropy: Entropy, claims: Claims) -> None:
        self._database = database
        self._claims = claims
        self._password = password
        self._entropy = entropy

    async def make(self) -> tuple[SealingKey, int] | str:
        """Make or upgrade the tables and prove the password, all in one transaction."""
        database = self._database
        await self._claim()
        async with database.session() as session:
            await schema_problem(session)
        await database.use_wal()
        async with database.session(write=True) as session:
            await make_schema(session)
            sealing = await open_secret(session, self._password, self._entropy)
            return (sealing, await read_version(session)) if sealing else "has no secret"

    async def _claim(self) -> None:
        """Take what only one process may have: a SQLite file, the names of nodes."""
        self._database.claim()
        if not self._database.is_sqlite:
            await self._claims.hold(self._database)

    async def look(self) -> tuple[SealingKey, int] | str:
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
            return sealing, await read_version(session)


async def _until_usable(
    attempt: Callable[[], Awaitable[tuple[SealingKey, int] | str]], limit_s: float
) -> tuple[SealingKey, int]:
    """Try until the database is usable, or fails for good, or `limit_s` is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while True:
        try:
            outcome = await attempt()
            error = StoreError(f"{outcome}; waited {limit_s:g} s")
        except StoreError as fault:
            if not is_away(fault):
                raise
            outcome, error = "", fault
        if not isinstance(outcome, str):
            return outcome
        if loop.time() >= deadline:
            raise error
        await asyncio.sleep(_RETRY_S)
