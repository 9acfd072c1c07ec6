"""Which process runs a node: PostgreSQL knows, by locks that live as long as a connection.

A process that runs nodes claims their names, each as an advisory lock of the connection that it
listens on. The server gives a name to one connection and takes it back when that ends, at kill -9
too; keepalives (`engine.py`) have it notice a peer that vanished within some 12 s. So a second
process of the same name is refused at once if the first one shows life (it asks for the version
every other second), and after `PATIENCE_S` if it may be one that the server still believes in.

Changes to what nodes answer from are the publisher's: while nobody holds its name, a process of
other nodes makes none. What takes no version (alarms, stamps, accounts of a node) is a node's own.

A connection that was lost is claimed for anew. What is left of one's own, which the server holds
for alive, is ended; is the name with somebody else by then, this process has lost it for good.
"""

import asyncio
import hashlib
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import select, text

from cucmsim.entropy import SystemEntropy
from cucmsim.errors import ClaimedError, PublisherAwayError
from cucmsim.store.engine import Database, Session
from cucmsim.store.schema import ENTERPRISE_PKID, TABLES

__all__ = ["PATIENCE_S", "Claims", "read_claimed", "refuse_without_publisher"]

PATIENCE_S = 15.0
"""How long a name that a vanished process may hold is waited for."""

_LOOK_S = 0.2
_CLOSE_TIMEOUT_S = 1.0
_HOST_SIZE = 30  # PostgreSQL cuts the name of an application at 63 bytes
_CLASS = 0x6375636E
_KEYS = (
    f"FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = {_CLASS} AND l.objsubid = 2"  # noqa: S608  a constant
    " AND l.granted AND l.database = (SELECT oid FROM pg_database"
    " WHERE datname = current_database())"
)
_CLAIMED = f"SELECT l.objid::bigint {_KEYS}"
_HOLDER = (
    "SELECT a.pid, coalesce(a.application_name, '?') AS label, host(a.client_addr) AS address,"  # noqa: S608  a constant
    " a.backend_start AS since, a.state_change AS active FROM pg_stat_activity a"
    f" WHERE a.pid = (SELECT l.pid {_KEYS} AND l.objid = $1::bigint::oid LIMIT 1)"
)
_TAKE = f"SELECT pg_try_advisory_lock({_CLASS}, $1)"


@dataclass(frozen=True, slots=True)
class _Holder:
    """The connection that holds a name; `active` is when it last asked something."""

    pid: int
    label: str
    address: str | None
    since: datetime
    active: datetime | None

    def __str__(self) -> str:
        place = f", address {self.address}" if self.address else ""
        return f"{self.label.partition('/')[0]}{place}, since {self.since:%Y-%m-%d %H:%M:%S %Z}"


class Claims:
    """The names that this process runs under, and the connection that holds them.

    `label` is what the connection calls itself: process, host, and which run of it.
    """

    def __init__(self, names: Sequence[str], *, patience_s: float = PATIENCE_S) -> None:
        self.names = tuple(names)
        run = SystemEntropy().token(4).hex()  # never the same twice, seeded or not
        host = socket.gethostname().encode("ascii", "replace").decode()[:_HOST_SIZE]
        self.label = f"cucmsim pid {os.getpid()} on {host}/{run}"
        self._patience_s = patience_s
        self._connection: asyncpg.Connection | None = None
        self._were_held = False

    async def hold(self, database: Database) -> None:
        """Connect and take the names, unless that was done. Raises ClaimedError, StoreError."""
        if not self.names or self._connection is not None:
            return
        self._connection = await self.connect(database)

    async def connect(self, database: Database) -> asyncpg.Connection:
        """Return the connection that holds the names. Raises ClaimedError, StoreError."""
        held, self._connection = self._connection, None
        if held is not None and not held.is_closed():
            return held
        connection = await database.listen(self.label)
        try:
            with database.explained():
                await self._take(connection)
        except BaseException:
            await end_connection(connection)
            raise
        self._were_held = True
        return connection

    async def release(self) -> None:
        """End the connection, if nobody listens on it."""
        held, self._connection = self._connection, None
        if held is not None:
            await end_connection(held)

    async def _take(self, connection: asyncpg.Connection) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (0 if self._were_held else self._patience_s)
        for name in self.names:
            first: _Holder | None = None
            while not await connection.fetchval(_TAKE, _signed(_key(name))):
                holder = await self._holder(connection, name)
                if holder is not None and holder.label == self.label:
                    await connection.execute("SELECT pg_terminate_backend($1)", holder.pid)
                elif holder is not None and (_lives(first, holder) or loop.time() >= deadline):
                    raise ClaimedError(self._refusal(name, holder))
                first = first or holder
                await asyncio.sleep(_LOOK_S)

    async def _holder(self, connection: asyncpg.Connection, name: str) -> _Holder | None:
        row = await connection.fetchrow(_HOLDER, _key(name))
        return None if row is None else _Holder(**dict(row))

    def _refusal(self, name: str, holder: _Holder) -> str:
        if self._were_held:
            return (
                f"node {name} was taken over by another process while the database was away:"
                f" {holder}; this one serves no longer"
            )
        return f"node {name} runs already: {holder}; expected one process a node"


def _lives(before: _Holder | None, now: _Holder) -> bool:
    """Whether the same connection has asked something since."""
    return before is not None and before.pid == now.pid and before.active != now.active


def _key(name: str) -> int:
    """Return the number that stands for a name, 32 bits."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


def _signed(key: int) -> int:
    return key - (1 << 32) if key >= 1 << 31 else key


async def read_claimed(session: Session, names: Collection[str]) -> Mapping[str, bool]:
    """Return which of these names a process holds now."""
    keys = {row[0] for row in await session.rows(text(_CLAIMED))}
    return {name: _key(name) in keys for name in names}


async def refuse_without_publisher(session: Session, own: Collection[str]) -> None:
    """Refuse a change by a process of the nodes `own` while no process runs the publisher.

    Raises PublisherAwayError. A store that has no publisher yet has nobody to ask.
    """
    if session.database.is_sqlite:
        return
    node = TABLES["processnode"]
    is_publisher = (node.c.tknodeusage == 0) & (node.c.pkid != ENTERPRISE_PKID)
    name = await session.scalar(select(node.c.name).where(is_publisher))
    if name is None or str(name) in own:
        return
    if not (await read_claimed(session, [str(name)]))[str(name)]:
        raise PublisherAwayError(
            f"The publisher, {name}, is not available. Changes cannot be made until it is."
        )


async def end_connection(connection: asyncpg.Connection) -> None:
    """Close a connection, politely while it answers."""
    try:
        async with asyncio.timeout(2 * _CLOSE_TIMEOUT_S):
            await connection.close(timeout=_CLOSE_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
