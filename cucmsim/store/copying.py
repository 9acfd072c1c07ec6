"""Rows of the store into a copy of it: all of them once, then what the changelog names.

Copied is what a node needs to start and to answer: the tables of CUCM and ours, with sealed keys
as they are. Not copied are the changelog (a copy is read whole), what a description said last
(the publisher needs it for changes only), and what comes by the second: alarms of phones, presence.

What the changelog does not name is found otherwise: rows that go with a phone by its pkid; new
directory numbers, models and services by their count, since they are only ever added unnamed; what
the platforms of nodes keep, a few rows, is compared at each call.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, text

from cucmsim.store.engine import Session, Values
from cucmsim.store.processtables import OF_PROCESSES
from cucmsim.store.schema import METADATA, TABLES

__all__ = ["COPIED", "copy_all", "copy_changes", "copy_platforms"]

_LEFT_OUT = OF_PROCESSES | {"cucmsim_changelog", "cucmsim_applied", "cucmsim_alarm"}
COPIED = tuple(table for table in METADATA.sorted_tables if table.name not in _LEFT_OUT)
_OF_A_PHONE = ("devicenumplanmap", "cucmsim_capfdevice")
"""Tables of which a phone's row in the changelog stands for the rows that point to it."""
_AT_ONCE = 500
"""How many rows are taken at a time: some ten milliseconds of the loop."""
_FILES_AT_ONCE = 8
"""The same of static files, which may be large."""


async def copy_all(source: Session, target: Session) -> None:
    """Put all that the source holds in the place of what the target does."""
    await _check_references_at_the_end(target)
    for table in reversed(COPIED):
        await target.execute(delete(table))
    for table in COPIED:
        async for rows in _pages(source, table):
            await target.execute(insert(table), rows)


async def copy_changes(
    source: Session, target: Session, changed: Mapping[str, Collection[str]]
) -> None:
    """Copy the rows of these keys by table, and what goes with them; those gone are deleted."""
    await _check_references_at_the_end(target)
    touched = [table for table in COPIED if table.name in changed]
    for table in reversed(touched):
        await _delete(target, table, changed[table.name])
    for table in touched:
        await _insert(source, target, table, changed[table.name])
    for name in ("typemodel", "typeservice", *(["numplan"] if "device" in changed else ())):
        await _copy_added(source, target, TABLES[name])
    version = TABLES["cucmsim_version"]
    await _replace(target, version, await source.mappings(select(version)))


async def copy_platforms(source: Session, target: Session) -> bool:
    """Copy what the platforms of nodes keep, if it differs; tell whether it did."""
    table = TABLES["cucmsim_platform"]
    query = select(table).order_by(*table.primary_key.columns)
    rows = await source.mappings(query)
    if sorted(map(_values, rows)) == sorted(map(_values, await target.mappings(query))):
        return False
    await _check_references_at_the_end(target)
    await _replace(target, table, rows)
    return True


def _values(row: Values) -> tuple[str, ...]:
    return tuple(str(value) for value in row.values())


async def _check_references_at_the_end(target: Session) -> None:
    """Let rows point to what comes later in the same transaction, or is put back."""
    await target.execute(text("PRAGMA defer_foreign_keys = ON"))


def _key(table: Table) -> ColumnElement[object]:
    return next(iter(table.primary_key.columns))


def _at_once(table: Table) -> int:
    return _FILES_AT_ONCE if table.name == "cucmsim_tftpfile" else _AT_ONCE


def _chunks(table: Table, keys: Collection[str]) -> Iterator[Sequence[str]]:
    listed, size = sorted(keys), _at_once(table)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


async def _pages(source: Session, table: Table) -> AsyncIterator[list[dict[str, object]]]:
    """Yield every row, some at a time; what has a key of several columns is small."""
    query = select(table).order_by(*table.primary_key.columns)
    if len(table.primary_key.columns) > 1:
        rows = await source.mappings(query)
        if rows:
            yield rows
        return
    page = query.limit(_at_once(table))
    rows = await source.mappings(page)
    while rows:
        yield rows
        rows = await source.mappings(page.where(_key(table) > rows[-1][_key(table).key or ""]))


async def _delete(target: Session, table: Table, keys: Collection[str]) -> None:
    for chunk in _chunks(table, keys):
        for name in _OF_A_PHONE if table.name == "device" else ():
            below = TABLES[name]
            await target.execute(delete(below).where(below.c.fkdevice.in_(chunk)))
        await target.execute(delete(table).where(_key(table).in_(chunk)))


async def _insert(source: Session, target: Session, table: Table, keys: Collection[str]) -> None:
    for chunk in _chunks(table, keys):
        await _copy_some(source, target, table, _key(table).in_(chunk))
        for name in _OF_A_PHONE if table.name == "device" else ():
            below = TABLES[name]
            await _copy_some(source, target, below, below.c.fkdevice.in_(chunk))


async def _copy_some(
    source: Session, target: Session, table: Table, where: ColumnElement[bool]
) -> None:
    """Copy rows; one that came with its phone already takes the place of itself."""
    rows = await source.mappings(select(table).where(where))
    if rows:
        await target.execute(insert(table).prefix_with("OR REPLACE"), rows)


async def _copy_added(source: Session, target: Session, table: Table) -> None:
    """Copy rows that no changelog names, if there are any."""
    count = select(func.count()).select_from(table)
    if await source.scalar(count) == await target.scalar(count):
        return
    async for rows in _pages(source, table):
        await target.execute(insert(table).prefix_with("OR IGNORE"), rows)


async def _replace(target: Session, table: Table, rows: list[dict[str, object]]) -> None:
    await target.execute(delete(table))
    if rows:
        await target.execute(insert(table), rows)
