"""Whole databases for backup and restore: every row as it is, out and in again.

A backup takes the tables of CUCM and what of ours belongs to their rows. Not in it: private keys,
signing requests and static files, which a restore is given node by node; what the platform of a
node keeps, which stays; the last alarms of phones, which they send again; the book-keeping.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Table, delete, insert, select

from cucmsim.errors import StoreError
from cucmsim.store.changelog import Writer
from cucmsim.store.engine import Session, Values
from cucmsim.store.schema import METADATA, TABLES
from cucmsim.store.tables import CUCM_TABLES
from cucmsim.store.typetables import TYPE_TABLES

__all__ = ["NUMBERS", "Tables", "dump_database", "replace_database", "replace_numbers"]

Tables = Mapping[str, Sequence[Values]]
"""Rows by the name of their table."""

NUMBERS = "typeservice"
"""The one type table that a cluster adds to: services that only a parameter names."""
_OF_OURS = ("cucmsim_node", "cucmsim_capfdevice", "cucmsim_applied")
_PLATFORM = "cucmsim_platform"
_POINTING = ("cucmsim_privatekey", "cucmsim_csr", "cucmsim_tftpfile", "cucmsim_alarm", _PLATFORM)
"""What points into the database, and is emptied with it."""
_READ_BY_ROW = ("device", "cucmsim_tftpfile")
_AT_ONCE = 1000


def _is_dumped(table: Table) -> bool:
    name = table.name
    return name in _OF_OURS or name == NUMBERS or (name in CUCM_TABLES and name not in TYPE_TABLES)


_DUMPED = tuple(table for table in METADATA.sorted_tables if _is_dumped(table))
_EMPTIED = tuple(
    table
    for table in reversed(METADATA.sorted_tables)
    if table.name in _POINTING or (table in _DUMPED and table.name != NUMBERS)
)


async def dump_database(session: Session) -> dict[str, list[dict[str, object]]]:
    """Return every row of the tables that a backup holds; a local copy does not have all."""
    if session.refusal is not None:
        raise session.refusal
    found = {}
    for table in _DUMPED:
        query = select(table).order_by(*table.primary_key.columns)
        found[table.name] = await session.mappings(query)
    return found


async def replace_database(writer: Writer, tables: Tables) -> None:
    """Put the rows of a backup in the place of those there are.

    Afterwards no node has a key, a request or a file; what the platforms keep stays, by node name.

    Raises:
        StoreError: the rows have other tables or columns than this store.

    """
    _check(tables)
    kept = await _platforms(writer.session)
    for table in _EMPTIED:
        await _empty(writer, table)
    await replace_numbers(writer, tables[NUMBERS])
    for table in _DUMPED:
        if table.name != NUMBERS:
            await _fill(writer, table.name, tables[table.name])
    await _put_platforms(writer.session, kept)


def _check(tables: Tables) -> None:
    """Refuse rows of another layout; the store of a later release may have one."""
    expected = {table.name: set(table.columns.keys()) for table in _DUMPED}
    fits = tables.keys() == expected.keys()
    if not fits or any(row.keys() != expected[name] for name in tables for row in tables[name]):
        raise StoreError("found rows of another layout, expected the tables of this store")


async def _empty(writer: Writer, table: Table) -> None:
    """Delete every row; phones and files are noted one by one, for replicas read them so."""
    if table.name in _READ_BY_ROW:
        for (pkid,) in await writer.session.rows(select(table.c.pkid)):
            writer.touch(table.name, str(pkid), "D")
    else:
        writer.touch(table.name, "", "D")
    await writer.session.execute(delete(table))


async def _fill(writer: Writer, name: str, rows: Sequence[Values]) -> None:
    """Insert rows, a thousand at a time, so that what else is done goes on."""
    for start in range(0, len(rows), _AT_ONCE):
        chunk = rows[start : start + _AT_ONCE]
        await writer.insert_many(name, chunk, noted=name in _READ_BY_ROW)


async def replace_numbers(writer: Writer, rows: Sequence[Values]) -> None:
    """Take the numbers of services from the backup; those that only this store has stay."""
    table = TABLES[NUMBERS]
    given = table.c.enum.in_([row["enum"] for row in rows])
    await writer.session.execute(delete(table).where(given))
    await writer.insert_many(NUMBERS, rows, noted=False)


async def _platforms(session: Session) -> list[tuple[str, str, str]]:
    """Return what the platforms keep, as name of the node, name and value."""
    table, node = TABLES[_PLATFORM], TABLES["processnode"]
    query = select(node.c.name, table.c.name.label("kept"), table.c.value).join(
        node, node.c.pkid == table.c.fkprocessnode
    )
    return [(str(name), str(kept), str(value)) for name, kept, value in await session.rows(query)]


async def _put_platforms(session: Session, kept: Sequence[tuple[str, str, str]]) -> None:
    node = TABLES["processnode"]
    found = await session.rows(select(node.c.name, node.c.pkid))
    pkids = {str(name): str(pkid) for name, pkid in found}
    rows = [
        {"fkprocessnode": pkids[node_name], "name": name, "value": value}
        for node_name, name, value in kept
        if node_name in pkids
    ]
    if rows:
        await session.execute(insert(TABLES[_PLATFORM]), rows)
