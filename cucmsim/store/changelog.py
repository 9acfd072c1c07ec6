"""Serialised, versioned writing: every commit that changes something gets the next version.

A `Writer` is what one transaction writes through. It takes the version row first (on PostgreSQL a
row lock, so writers queue and versions have no holes), notes each row it touches, and `finish`
writes these notes to `cucmsim_changelog` in the same transaction, raises the version and announces
it (NOTIFY is delivered at commit). `changed_since` reads the notes back for a replica.

A phone is one row of the changelog, in table `device`: its lines and what CAPF keeps of it go with
it. The log keeps the last `HISTORY` versions; whoever is further behind loads everything.
"""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, true, update

from cucmsim.clock import Clock
from cucmsim.store.engine import Session, Values, whole
from cucmsim.store.schema import TABLES

__all__ = ["CHANNEL", "HISTORY", "Writer", "changed_since", "read_version", "versionstamp"]

CHANNEL = "cucmsim"
"""The channel of PostgreSQL on which a new version is announced."""

HISTORY = 1000
"""How many versions the changelog goes back, at least."""

_LIFETIME = 1_000_000
"""More versions than a store sees between two restores."""

_Touched = tuple[str, str, str]
_VERSION = TABLES["cucmsim_version"]
_CHANGELOG = TABLES["cucmsim_changelog"]


class Writer:
    """What a transaction writes through; notes every row it touches."""

    def __init__(self, session: Session, version: int, clock: Clock, seed: bytes) -> None:
        self.session = session
        self.version = version
        self.clock = clock
        self._seed = seed
        self._drawn = 0
        self._touched: dict[_Touched, None] = {}
        self._starts_over = False

    @classmethod
    async def begin(cls, session: Session, clock: Clock, seed: bytes) -> "Writer":
        """Take the version row, and with it the right to write; pkids follow from `seed`."""
        statement = select(_VERSION.c.version).where(_VERSION.c.id == 1).with_for_update()
        version = await session.scalar(statement)
        return cls(session, whole(version), clock, seed)

    def new_pkid(self) -> str:
        """Return a fresh lower-case uuid; never the same twice, even when the seed repeats."""
        self._drawn += 1
        return self.uuid_after(f"{self.version}/{self._drawn}")

    def uuid_after(self, text: str) -> str:
        """Return the uuid that follows from seed and text."""
        digest = hashlib.sha256(self._seed + f"/{text}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))

    @property
    def makes_version(self) -> bool:
        """Whether a row was touched."""
        return bool(self._touched)

    def touch(self, table: str, pkid: str, action: str) -> None:
        """Note a row: action I inserted, U updated, D deleted."""
        self._touched[table, pkid, action] = None

    async def insert(self, table: str, values: Values) -> str:
        """Insert a row, with a fresh pkid unless it has one; return the pkid."""
        column = _key_column(table)
        pkid = str(values.get(column) or self.new_pkid())
        await self.insert_many(table, [{**values, column: pkid}])
        return pkid

    async def insert_many(self, table: str, rows: Sequence[Values], *, noted: bool = True) -> None:
        """Insert rows in one go; `noted` False leaves them out of the changelog."""
        if not rows:
            return
        await self.session.execute(insert(TABLES[table]), rows)
        column = _key_column(table)
        for row in rows if noted else ():
            self.touch(table, str(row[column]), "I")

    async def update(self, table: str, pkid: str, values: Values) -> None:
        """Update a row by its pkid."""
        source = TABLES[table]
        where = source.c[_key_column(table)] == pkid
        await self.session.execute(update(source).where(where).values(dict(values)))
        self.touch(table, pkid, "U")

    async def save(self, table: str, key: Values, values: Values, pkid: str = "") -> str:
        """Insert or update the row with this natural key, if it differs; return its pkid.

        `pkid` is used for a new row only: a row keeps the pkid it has.
        """
        column = _key_column(table)
        found = await self.find(table, key)
        if found is None:
            return await self.insert(table, {column: pkid, **key, **values})
        kept = str(found[column])
        if any(found[name] != value for name, value in values.items()):
            await self.update(table, kept, values)
        return kept

    async def find(self, table: str, key: Values) -> Values | None:
        """Return the row with these column values; None when there is none."""
        found = await self.find_all(table, key)
        return found[0] if found else None

    async def find_all(self, table: str, key: Values) -> list[dict[str, object]]:
        """Return the rows with these column values, in the order of their keys."""
        query = select(TABLES[table]).where(_matching(table, key))
        return await self.session.mappings(query.order_by(TABLES[table].c[_key_column(table)]))

    async def delete(self, table: str, key: Values) -> int:
        """Delete the rows with these column values; return how many there were."""
        found = await self.find_all(table, key)
        if found:
            await self.session.execute(delete(TABLES[table]).where(_matching(table, key)))
        column = _key_column(table)
        for row in found:
            self.touch(table, str(row[column]), "D")
        return len(found)

    def start_over(self, above: int) -> None:
        """Begin a history of its own: whatever a replica is at, it is read whole.

        The version is above what any process can have seen, in this store or in that of a backup
        made at version `above`: so much room that nodes may have gone on long after it.
        """
        self.version = (max(self.version, above) // _LIFETIME + 1) * _LIFETIME
        self._starts_over = True

    async def finish(self) -> int:
        """Write the changelog and raise the version if a row was touched; return the version."""
        if not self._touched and not self._starts_over:
            return self.version
        self.version += 1
        rows = [
            {"version": self.version, "ordinal": at, "tablename": t, "pkid": p, "action": a}
            for at, (t, p, a) in enumerate(self._touched)
        ]
        if rows:
            await self.session.execute(insert(_CHANGELOG), rows)
        await self._raise_version()
        return self.version

    async def _raise_version(self) -> None:
        values: dict[str, object] = {"version": self.version}
        if self._starts_over or self.version % HISTORY == 0:
            kept = 0 if self._starts_over else HISTORY
            values["oldest"] = self.version - kept
            old = _CHANGELOG.c.version <= self.version - kept
            await self.session.execute(delete(_CHANGELOG).where(old))
        await self.session.execute(update(_VERSION).where(_VERSION.c.id == 1).values(values))
        if not self.session.database.is_sqlite:
            await self.session.execute(select(func.pg_notify(CHANNEL, str(self.version))))


def versionstamp(writer: Writer, last: str = "") -> str:
    """Return a fresh versionstamp of a phone: unix seconds, hyphen, uuid.

    It follows from the phone's `last` one where that is given, not from what became of others.
    """
    uuid = writer.uuid_after(last) if last else writer.new_pkid()
    return f"{int(writer.clock.now().timestamp())}-{uuid}"


async def read_version(session: Session) -> int:
    """Return the version of what the session sees."""
    return whole(await session.scalar(select(_VERSION.c.version).where(_VERSION.c.id == 1)))


async def changed_since(session: Session, version: int) -> dict[str, set[str]] | None:
    """Return the pkids touched after `version` by table; None when the log does not reach back."""
    oldest = await session.scalar(select(_VERSION.c.oldest).where(_VERSION.c.id == 1))
    if version < whole(oldest):
        return None
    columns = select(_CHANGELOG.c.tablename, _CHANGELOG.c.pkid).where(
        _CHANGELOG.c.version > version
    )
    changed: dict[str, set[str]] = {}
    for table, pkid in await session.rows(columns):
        changed.setdefault(str(table), set()).add(str(pkid))
    return changed


def _key_column(table: str) -> str:
    """Return the name of a table's primary key: pkid, or the foreign key that stands in for it."""
    return TABLES[table].primary_key.columns.keys()[0]


def _matching(table: str, key: Values) -> ColumnElement[bool]:
    """Return the condition that every column of `key` has its value there."""
    columns = TABLES[table].c
    return and_(true(), *(columns[name] == value for name, value in key.items()))
