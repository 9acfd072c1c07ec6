"""The store: one database, opened; writes in versions, replicas, and news of changes.

`Store.open` makes or upgrades the tables when told to (the publisher), otherwise waits for them
(a subscriber); who runs nodes claims their names first (`claims.py`). Writers queue: inside the
process on a lock, between processes on the version row. Reading never waits for them. When the
database goes away, what is asked of it raises StoreError and whoever holds a replica serves on;
`changes` goes on when it is back. A process with a copy of its own (`localcopy.py`) reads that
meanwhile and refuses changes; it may have started from it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Self

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy, stream_of
from cucmsim.errors import StoreError
from cucmsim.store.alarms import StoredAlarm, read_alarms
from cucmsim.store.calls import CallBox
from cucmsim.store.changelog import Writer
from cucmsim.store.claims import Claims, read_claimed, refuse_without_publisher
from cucmsim.store.engine import Database, Session
from cucmsim.store.faults import is_away
from cucmsim.store.loading import ReplicaLoader
from cucmsim.store.localcopy import LocalCopy
from cucmsim.store.notify import Announcer, ConnectionListener, Listener
from cucmsim.store.opening import Opened, Opening
from cucmsim.store.presence import ClockOffset, Presence, put_presence, read_presence, read_time
from cucmsim.store.replica import Replica, SignerCache
from cucmsim.store.tables import read_tables
from cucmsim.store.transaction import Transaction
from cucmsim.store.wholestore import WholeStore, read_everything

__all__ = ["Store", "Transaction"]

_WAIT_S = 60.0
_LEAVE_S = 2.0
_SEED_SIZE = 16


class Store:
    """An open store. Made by `Store.open`."""

    def __init__(
        self,
        database: Database,
        opened: Opened,
        clock: Clock,
        entropy: Entropy,
        claims: Claims,
        copy: LocalCopy | None = None,
    ) -> None:
        version = opened.version
        self._database = database
        self._claims = claims
        self._sealing = opened.sealing
        self._clock = clock
        self._seed = stream_of(entropy, "store").token(_SEED_SIZE)
        self._loader = ReplicaLoader(opened.sealing, SignerCache())
        self._announcer = Announcer(version)
        self.calls = None if database.is_sqlite else CallBox(database)
        self._listener = (
            None if self.calls is None else Listener(database, self._announcer, claims, self.calls)
        )
        self._writing = asyncio.Lock()
        self._writer_task: asyncio.Task[object] | None = None
        self._handed_out = version
        self._own_presence: dict[str, Presence] = {}
        self.opened = opened
        self.copy = copy
        self._is_away = False
        self._fault: StoreError | None = None
        self._decided = asyncio.Event()
        if opened.copied is None:
            self._decided.set()

    @classmethod
    @asynccontextmanager
    async def open(  # noqa: PLR0913 - all that a store is opened with
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
        copy: LocalCopy | None = None,
    ) -> AsyncIterator[Self]:
        """Open "sqlite:///path" or "postgresql://user:password@host/name" while the block runs.

        `nodes` are those that this process runs; on PostgreSQL no other may do so meanwhile.
        `migrate` makes or upgrades the tables; without it `wait_s` seconds (60) are given to
        another process to do so. With it, `wait_s` (0) is for a server that does not answer yet.
        With a `copy` that can be started from, a few seconds are enough; `opened` tells then.

        Raises:
            ClaimedError: another process runs one of the nodes.
            StoreError: not reachable, locked, not writable, full, of another program, written by
                a newer release, or made with another security password. Nothing was changed.

        """
        database = Database.parse(url, busy_timeout_s=busy_timeout_s)
        limit_s = (0.0 if migrate else _WAIT_S) if wait_s is None else wait_s
        claims = Claims(nodes)
        try:
            opening = Opening(
                database, security_password, entropy, claims, migrate=migrate, copy=copy
            )
            store = cls(database, await opening.usable(limit_s), clock, entropy, claims, copy)
            async with store._announcing(opening):
                yield store
        finally:
            if copy is not None:
                await copy.close()
            await claims.release()
            await database.close()

    @asynccontextmanager
    async def _announcing(self, opening: Opening) -> AsyncIterator[None]:
        """Listen for the changes of other processes, until the end.

        No TaskGroup: it would wrap what the body of `async with Store.open` raises.
        """
        task = None
        if self._listener is not None:
            self._listener.subscribe(self._hear_of_connection)
            task = asyncio.create_task(self._listen(self._listener, opening))
        try:
            yield
        finally:
            self._announcer.close()
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _listen(self, listener: Listener, opening: Opening) -> None:
        """Listen; after a start from the copy, once the database has proved to be the same."""
        if self.opened.copied is not None:
            try:
                await opening.rejoin(self.opened.copied)
            except StoreError as error:
                self._fault = error
                return
            finally:
                self._decided.set()
        await listener.run()

    def _hear_of_connection(self, is_connected: bool) -> None:  # noqa: FBT001  as subscribed
        self._is_away = not is_connected

    async def rejoined(self) -> None:
        """Wait until the database has answered, after a start from the copy.

        Raises StoreError when it is one that this process cannot go on with.
        """
        await self._decided.wait()
        if self._fault is not None:
            raise self._fault

    @property
    def _is_proved(self) -> bool:
        """Whether the database is known to be this cluster's."""
        return self._decided.is_set() and self._fault is None

    @property
    def version(self) -> int:
        """The newest version this process has heard of."""
        return self._announcer.version

    async def leave(self) -> None:
        """Wait no longer for a database that does not answer: this process is about to end."""
        await self._database.leave(_LEAVE_S)

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

        While the database is away and there is a copy, the block can read but changes nothing.

        Raises:
            PublisherAwayError: this process runs nodes, and none the publisher.
            StoreError: the database failed, or this task has a transaction open already.

        """
        if self._writer_task is not None and self._writer_task is asyncio.current_task():
            raise StoreError("a transaction is open in this task already; expected one at a time")
        async with self._writing:
            self._writer_task = asyncio.current_task()
            try:
                async with self._session(write=True) as session:
                    writer = await Writer.begin(session, self._clock, self._seed)
                    yield Transaction(writer, self._sealing, self._loader)
                    if self._claims.names and writer.makes_version:
                        await refuse_without_publisher(session, self._claims.names)
                    session.on_commit = partial(self._committed, await writer.finish())
            finally:
                self._writer_task = None

    @asynccontextmanager
    async def _session(self, *, write: bool = False) -> AsyncIterator[Session]:
        """Open a session; while the database is away one of the copy, which refuses changes."""
        async with AsyncExitStack() as stack:
            yield await self._entered(stack, write=write)

    async def _entered(self, stack: AsyncExitStack, *, write: bool) -> Session:
        away: StoreError | None = None
        if self._is_proved and (write or self.copy is None or not self._is_away):
            try:
                return await stack.enter_async_context(self._database.session(write=write))
            except StoreError as error:
                if self.copy is None or self.copy.version is None or not is_away(error):
                    raise
                away = error
        if self.copy is None or self.copy.version is None:
            raise self._refusal()
        session = await stack.enter_async_context(self.copy.session())
        session.refusal = self._refusal()
        session.refusal.__cause__ = None if away is None else away.__cause__
        return session

    def _refusal(self) -> StoreError:
        version = None if self.copy is None else self.copy.version
        return StoreError(
            f"{self._database.shown} does not answer; until it does, nothing can be changed"
            + ("" if version is None else f", and what is read is the copy of version {version}")
        )

    def _committed(self, version: int) -> None:
        self._announcer.publish(version)
        self._note_copy_behind()

    def _note_copy_behind(self) -> None:
        if self.copy is not None:
            self.copy.is_behind.set()

    async def refresh_copy(self) -> None:
        """Bring the local copy up to date. Raises StoreError."""
        if self.copy is not None:
            async with self._proved() as session:
                await self.copy.refresh(session)

    @asynccontextmanager
    async def _proved(self, *, write: bool = False) -> AsyncIterator[Session]:
        """Open a session of the database itself, once it is known to be this cluster's."""
        if not self._is_proved:
            raise self._refusal()
        async with self._database.session(write=write) as session:
            yield session

    async def load_replica(self) -> Replica:
        """Read the whole store at its newest version. Raises StoreError."""
        async with self._proved() as session:
            return self._handed(await self._loader.load(session))

    async def update_replica(self, replica: Replica) -> Replica:
        """Read what changed since `replica`; the same object when nothing did. Raises StoreError.

        One changed phone of 40,000 costs one row.
        """
        async with self._proved() as session:
            return self._handed(await self._loader.update(session, replica))

    async def read_tables(self, names: Collection[str]) -> Mapping[str, Sequence[Sequence[object]]]:
        """Read whole tables of CUCM as they are at one moment (`tables.py`). Raises StoreError."""
        async with self._session() as session:
            return await read_tables(session, names)

    async def read_everything(self) -> WholeStore:
        """Read every row as it is at one moment, for a backup; writers go on. Raises StoreError."""
        async with self._proved() as session:
            return await read_everything(session)

    async def read_alarms(self, node: str) -> tuple[StoredAlarm, ...]:
        """Return the alarms of phones that a node keeps, oldest first. Raises StoreError."""
        async with self._session() as session:
            return await read_alarms(session, node)

    async def put_presence(self, own: Sequence[Presence]) -> None:
        """Tell the other processes about nodes of this one; no version of the store. StoreError."""
        self._own_presence.update((one.node, one) for one in own)
        if not self._database.is_sqlite:
            async with self._proved(write=True) as session:
                await put_presence(session, own)

    async def read_presence(self) -> tuple[Presence, ...]:
        """Return what each node last told of itself, and which have a process now. StoreError."""
        if self._database.is_sqlite:
            return tuple(replace(one, is_alive=True) for one in self._own_presence.values())
        async with self._proved() as session:
            return await read_presence(session)

    async def measure_clock(self, now: Callable[[], datetime]) -> ClockOffset | None:
        """Compare a clock with the database's; None where the two are one. Raises StoreError."""
        if self._database.is_sqlite:
            return None
        async with self._proved() as session:
            before = now()
            shown = await read_time(session)
            way = (now() - before) / 2
        return ClockOffset(shown - (before + way), way)

    async def is_run(self, node: str) -> bool:
        """Tell whether a process runs a node now; here, or somewhere else. Raises StoreError."""
        if self._database.is_sqlite:
            return True
        async with self._proved() as session:
            return (await read_claimed(session, [node]))[node]

    def _handed(self, replica: Replica) -> Replica:
        self._handed_out = replica.version
        self._announcer.publish(replica.version)
        self._note_copy_behind()
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
