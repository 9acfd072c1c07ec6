"""`run sql STATEMENT`, as the command line, the web pages and a test call it.

A SELECT sees one moment of the store. A writing statement is one transaction: it runs on copies,
and the rows it changed are written through the store, so that every node hears of them. On a
subscriber, whose database is a copy of the publisher's, and for the tables that describe the
installation itself, writing is refused. Source: cucm.md section 1.7 (`Rows: 1` after an update,
nothing after a SELECT), 2.1 and 2.3 (statements of the documents); seed 001.
"""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Integer, String

from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.sql.layout import print_table
from cucmsim.services.sql.memory import Needs, Run, change, needs_of, query
from cucmsim.services.sql.parameterview import changes_of_parameters, with_defaults
from cucmsim.services.sql.statement import Statement, parse_statement
from cucmsim.services.sql.values import check_values, with_services, without_own_rows
from cucmsim.services.sql.words import (
    BAD_NUMBER,
    INTERRUPTED,
    TOO_LONG,
    WRONG_FLAG,
    no_permission,
)
from cucmsim.store.store import Store
from cucmsim.store.tables import CUCM_TABLES, WRITABLE_TABLES, RowChange

__all__ = ["STATEMENT_TIMEOUT_S", "run_sql"]

STATEMENT_TIMEOUT_S = 30.0
"""How long a statement may run; how long a real server lets one is not known."""

T = TypeVar("T")


async def run_sql(
    store: Store,
    statement: str,
    *,
    is_publisher: bool,
    now: datetime,
    timeout_s: float = STATEMENT_TIMEOUT_S,
) -> tuple[str, ...]:
    """Run a statement at `now`, the server's local time, and return the lines it prints.

    A value may hold line breaks of its own.

    Raises:
        RefusedError: it was refused or interrupted, in the server's words; nothing was changed.
        StoreError: the database cannot be used.

    """
    parsed = parse_statement(statement)
    needs = await _in_thread(lambda stop: needs_of(parsed, Run(stop, now)), timeout_s)
    if needs.target is not None:
        if not is_publisher or needs.target not in WRITABLE_TABLES:
            raise RefusedError(no_permission(parsed.verb, needs.target))
        return await _write(store, parsed, needs, now, timeout_s)
    held = await store.read_tables(with_services(needs.tables))
    rows = with_defaults(without_own_rows(held))
    found = await _in_thread(lambda stop: query(parsed, rows, Run(stop, now)), timeout_s)
    return print_table(found)


async def _write(
    store: Store, statement: Statement, needs: Needs, now: datetime, timeout_s: float
) -> tuple[str, ...]:
    target = str(needs.target)
    async with store.transaction() as transaction:
        rows = without_own_rows(await transaction.read_tables(with_services(needs.tables)))
        counted, changes = await _in_thread(
            lambda stop: change(statement, target, with_defaults(rows), Run(stop, now)), timeout_s
        )
        changes = changes_of_parameters(target, changes, rows)
        for changed in changes:
            _check_row(target, changed)
            check_values(target, changed, rows)
        try:
            await transaction.change_rows(target, changes)
        except StoreError as error:
            raise _refusal(error, target, statement.verb) from error
    return (f"Rows: {counted}",)


def _check_row(table: str, changed: RowChange) -> None:
    """Refuse what the columns cannot hold; SQLite would take any of it."""
    for name, value in (changed.after or {}).items():
        kind = CUCM_TABLES[table].columns[name].type
        if value is None:
            continue
        if isinstance(kind, Integer):
            if not isinstance(value, int):
                raise RefusedError(BAD_NUMBER)
        elif isinstance(kind, String) and kind.length is not None:
            if len(str(value)) > kind.length:
                raise RefusedError(TOO_LONG)
            if kind.length == 1 and value not in ("t", "f"):
                raise RefusedError(WRONG_FLAG)


def _refusal(error: StoreError, table: str, verb: str) -> Exception:
    """Say -691 and -692 where a reference leads nowhere; the rest as it is."""
    if "foreign key" not in str(error).lower():
        return error if error.__cause__ is None else RefusedError(str(error))
    if verb == "DELETE":
        return RefusedError(
            f"Key value for constraint (informix.pk_{table}) is still being referenced."
        )
    return RefusedError(
        f"Missing key in referenced table for referential constraint (informix.fk_{table})."
    )


async def _in_thread(work: Callable[[threading.Event], T], timeout_s: float) -> T:
    """Run what blocks, and end it when the time is over or nobody waits any more."""
    stop = threading.Event()
    task = asyncio.create_task(asyncio.to_thread(work, stop))
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(task)
    except TimeoutError:
        raise RefusedError(INTERRUPTED) from None
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
