"""The whole store as rows: out at one moment, and in again in the place of what is there.

Unlike a backup of the real server (`drsrows.py`) it has everything: keys as they are sealed, files,
what platforms keep, alarms, what descriptions said. Left out are the versions, which each database
counts for itself, what processes say of themselves while they run, and the type tables, which
every release brings. Rows of an older schema are brought up to date in a database of their own, in
memory, which refuses rows that do not fit before anything is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from alembic import command
from sqlalchemy import Connection, MetaData, Table, create_engine, delete, insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from cucmsim.errors import StoreError
from cucmsim.store.changelog import Writer, read_version
from cucmsim.store.drsrows import NUMBERS, Tables, replace_numbers
from cucmsim.store.engine import Session
from cucmsim.store.migrate import alembic_config, known_revisions, read_revision
from cucmsim.store.processtables import OF_PROCESSES
from cucmsim.store.schema import METADATA
from cucmsim.store.typetables import TYPE_TABLES

__all__ = ["WholeStore", "brought_up_to_date", "read_everything", "replace_everything"]

_SECRET = "cucmsim_secret"  # noqa: S105 - a table
_LEFT_OUT = OF_PROCESSES | {"cucmsim_version", "cucmsim_changelog"}
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class WholeStore:
    """Rows by table, of a schema, as they were at a version."""

    schema: str
    version: int
    tables: Tables


def _is_held(name: str) -> bool:
    return name not in _LEFT_OUT and (name not in TYPE_TABLES or name == NUMBERS)


async def read_everything(session: Session) -> WholeStore:
    """Return what the session sees."""
    tables: dict[str, list[dict[str, object]]] = {}
    for table in METADATA.sorted_tables:
        if _is_held(table.name):
            query = select(table).order_by(*table.primary_key.columns)
            tables[table.name] = await session.mappings(query)
    schema = await session.run(read_revision)
    return WholeStore(schema or "", await read_version(session), tables)


async def replace_everything(writer: Writer, whole: WholeStore) -> None:
    """Put rows, sealed under the key of this store, in the place of all there are.

    A history of its own begins: every replica is read whole. The secret of the store stays.
    """
    filled = [table for table in METADATA.sorted_tables if _is_replaced(table)]
    for table in reversed(filled):
        await writer.session.execute(delete(table))
    await replace_numbers(writer, whole.tables[NUMBERS])
    for table in filled:
        rows = whole.tables[table.name]
        for start in range(0, len(rows), _AT_ONCE):  # so that what else is done goes on
            await writer.session.execute(insert(table), rows[start : start + _AT_ONCE])
    writer.start_over(whole.version)


def _is_replaced(table: Table) -> bool:
    return _is_held(table.name) and table.name not in (_SECRET, NUMBERS)


def brought_up_to_date(whole: WholeStore) -> WholeStore:
    """Return the rows as this release has them. Blocks.

    Raises:
        StoreError: they are of a newer release, or do not fit their schema.

    """
    head, known = known_revisions()
    if whole.schema not in known:
        raise StoreError(
            f"the backup was made by a newer release: found schema {whole.schema}, expected {head}"
        )
    engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)
    try:
        with engine.begin() as connection:
            tables = _migrated(connection, whole)
    except (SQLAlchemyError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"the backup's rows do not fit schema {whole.schema}: {error}") from error
    finally:
        engine.dispose()
    return replace(whole, schema=head or "", tables=tables)


def _migrated(connection: Connection, whole: WholeStore) -> Tables:
    """Fill a database of the rows' schema, upgrade it, and read it out."""
    command.upgrade(alembic_config(connection), whole.schema)
    old = MetaData()
    old.reflect(connection)
    for name in whole.tables.keys() - old.tables.keys():
        raise LookupError(f"no table {name}")
    for table in old.sorted_tables:
        if whole.tables.get(table.name):
            connection.execute(insert(table), [dict(row) for row in whole.tables[table.name]])
    command.upgrade(alembic_config(connection), "head")
    stray = connection.execute(text("PRAGMA foreign_key_check")).first()
    if stray is not None:
        raise LookupError(f"a row of {stray[0]} points to none of {stray[2]}")
    return {
        table.name: _rows(connection, table)
        for table in METADATA.sorted_tables
        if _is_held(table.name)
    }


def _rows(connection: Connection, table: Table) -> list[Mapping[str, object]]:
    query = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]
