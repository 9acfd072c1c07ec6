"""Making a store, bringing it to this release, and refusing what is none of ours.

Everything happens in one transaction on both engines (DDL included), so a process killed at any
moment leaves either what was there or all of it. Revisions are Alembic's, in `migrations`; the
table `cucmsim_schema` says which one a database has. Type tables are completed at every opening by
the publisher.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, inspect, select, text

from cucmsim.errors import StoreError
from cucmsim.store.engine import Session
from cucmsim.store.schema import ENTERPRISE_PKID, METADATA, TABLES
from cucmsim.store.typetables import TYPE_TABLES

__all__ = [
    "alembic_config",
    "known_revisions",
    "make_copy_schema",
    "make_schema",
    "read_revision",
    "schema_problem",
]

_VERSION_TABLE = "cucmsim_schema"
_ONE_AT_A_TIME = 0x6375636D
"""Key of the advisory lock under which PostgreSQL lets one process migrate."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for our revisions, on a connection to run them."""
    config = Config()
    location = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@cache
def known_revisions() -> tuple[str | None, frozenset[str]]:
    """Return our newest revision, and all that can be upgraded to it."""
    script = ScriptDirectory.from_config(alembic_config())
    return script.get_current_head(), frozenset(step.revision for step in script.walk_revisions())


def _found_revision(connection: Connection) -> tuple[str | None, bool]:
    """Return the revision of the database, and whether it holds other people's tables instead."""
    names = set(inspect(connection).get_table_names())
    if _VERSION_TABLE not in names:
        foreign = connection.dialect.name == "sqlite" or not names.isdisjoint(TABLES)
        return None, bool(names) and foreign
    query = text(f"SELECT version_num FROM {_VERSION_TABLE}")  # noqa: S608  a constant
    return connection.scalar(query), False


def read_revision(connection: Connection) -> str | None:
    """Return the revision of the database; None where it is not ours."""
    return _found_revision(connection)[0]


async def schema_problem(session: Session) -> str | None:
    """Say why the tables cannot be used as they are; None when they can.

    Raises:
        StoreError: waiting or migrating would not help: a newer release or another program made it.

    """
    revision, foreign = await session.run(_found_revision)
    head, known = known_revisions()
    shown = session.database.shown
    if foreign:
        raise StoreError(f"{shown} holds tables of another program; expected none or our own")
    if revision is not None and revision not in known:
        raise StoreError(
            f"{shown} was written by a newer release: found schema {revision}, expected {head}"
        )
    if revision is None:
        return "holds no cluster yet"
    return None if revision == head else f"has schema {revision}, expected {head}"


async def make_schema(session: Session) -> None:
    """Create or upgrade the tables and complete the type tables, in the session's transaction."""
    if not session.database.is_sqlite:
        await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    if await schema_problem(session) is not None:
        await session.run(lambda c: command.upgrade(alembic_config(c), "head"))
    await _complete_type_tables(session)
    await _add_first_rows(session)


def make_copy_schema(connection: Connection) -> None:
    """Create the tables of this release, empty, as they are after every revision."""
    METADATA.create_all(connection)
    connection.execute(text(f"CREATE TABLE {_VERSION_TABLE} (version_num VARCHAR(32) NOT NULL)"))
    mark = text(f"INSERT INTO {_VERSION_TABLE} VALUES (:head)")  # noqa: S608  a constant
    connection.execute(mark, {"head": known_revisions()[0]})


async def _complete_type_tables(session: Session) -> None:
    for name, rows in TYPE_TABLES.items():
        table = TABLES[name]
        held = {row[0] for row in await session.rows(select(table.c.enum))}
        missing = [
            {"enum": number, "name": shown, "moniker": moniker}
            for number, shown, moniker in rows
            if number not in held
        ]
        if missing:
            await session.execute(insert(table), missing)


async def _add_first_rows(session: Session) -> None:
    """Add version 0 and EnterpriseWideData to a new store."""
    version, node = TABLES["cucmsim_version"], TABLES["processnode"]
    if await session.scalar(select(version.c.id)) is None:
        await session.execute(insert(version), [{"id": 1, "version": 0, "oldest": 0}])
    if await session.scalar(select(node.c.pkid).where(node.c.pkid == ENTERPRISE_PKID)) is None:
        row = {"pkid": ENTERPRISE_PKID, "name": "EnterpriseWideData", "systemnode": "t"}
        await session.execute(insert(node), [{**row, "nodeid": 1}])
