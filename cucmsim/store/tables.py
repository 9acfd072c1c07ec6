"""Whole tables under CUCM's names, for `run sql`: read as they are, changed row by row.

Tables that begin with `cucmsim_` are ours and are neither shown nor changed here, nor are keys.
What may be changed is what an administrator's statement may break without breaking the cluster:
phones, lines, pools, groups, parameters and the maps of certificates. After a change everything is
read back as a replica inside the same transaction; what cannot be read is refused with the change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import bindparam, delete, select, update

from cucmsim.errors import FormatError, StoreError
from cucmsim.pki.certificates import load_certificate
from cucmsim.store.changelog import Writer, versionstamp
from cucmsim.store.engine import Session, Values
from cucmsim.store.schema import TABLES

__all__ = [
    "CUCM_TABLES",
    "WRITABLE_TABLES",
    "RowChange",
    "change_rows",
    "read_tables",
    "unreadable",
]

CUCM_TABLES = MappingProxyType(
    {name: table for name, table in TABLES.items() if not name.startswith("cucmsim_")}
)
"""The tables that CUCM has too, by name."""

WRITABLE_TABLES = frozenset(
    {
        "callmanagergroup",
        "callmanagergroupmember",
        "certificate",
        "certificatehashmap",
        "certificateprocessnodemap",
        "certificateservicecertificatemap",
        "certificatetrustrolemap",
        "datetimesetting",
        "device",
        "devicenumplanmap",
        "devicepool",
        "numplan",
        "processconfig",
        "securityprofile",
    }
)
"""What a statement may change; the others describe the installation itself."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after a statement; None where it was not there, or is no more."""

    before: Values | None
    after: Values | None


async def read_tables(
    session: Session, names: Collection[str]
) -> dict[str, Sequence[Sequence[object]]]:
    """Return the rows of CUCM's tables, columns in the schema's order, in the order of the key.

    Raises:
        StoreError: a table is none of CUCM's, or the database failed.

    """
    found: dict[str, Sequence[Sequence[object]]] = {}
    for name in names:
        if name not in CUCM_TABLES:
            raise StoreError(f"no table {name!r}; expected one of CUCM's")
        source = CUCM_TABLES[name]
        found[name] = await session.rows(select(source).order_by(*source.primary_key.columns))
    return found


_SHOWN = 40
_NAMED_BY_PHONES = {"devicepool": "fkdevicepool", "securityprofile": "fksecurityprofile"}
"""Tables of which a phone keeps a name, and the column that leads there."""


async def change_rows(writer: Writer, table: str, changes: Sequence[RowChange]) -> None:
    """Carry out what a statement did to the rows of a table.

    A phone that changes gets a fresh versionstamp; one whose line, profile or pool does is read
    again.

    Raises:
        StoreError: the table is not to be changed, a reference would lead nowhere, or a
            certificate would be none any more.

    """
    if table not in WRITABLE_TABLES:
        raise StoreError(f"table {table!r} is not to be changed by a statement")
    key = next(iter(CUCM_TABLES[table].primary_key.columns.keys()))
    gone = [str(one.before[key]) for one in changes if one.before and one.after is None]
    fresh = [_row(writer, table, one.after) for one in changes if one.after and one.before is None]
    changed = [_row(writer, table, one.after) for one in changes if one.after and one.before]
    await _delete_many(writer, table, key, gone)
    await writer.insert_many(table, fresh)
    await _update_many(writer, table, key, changed)
    await _touch_phones(writer, table, changes)


def unreadable(table: str, changes: Sequence[RowChange]) -> str:
    """Say that no node could read a table after these changes, and which columns changed.

    Of the values only numbers are named: a text may be a secret.
    """
    found = {
        name: f"{name} = {value}" if isinstance(value, int) else name
        for one in changes
        for name, value in (one.after or {}).items()
        if value != (one.before or {}).get(name)
    }
    columns = ", ".join(sorted(found.values())) or "rows taken out"
    return f"table {table} could not be read any more: found {columns}; expected what nodes know"


def _row(writer: Writer, table: str, after: Values) -> dict[str, object]:
    """Return a row as it is to be written."""
    row = dict(after)
    _check_certificate(table, row)
    if table == "device":
        row["versionstamp"] = versionstamp(writer)
    return row


async def _delete_many(writer: Writer, table: str, key: str, gone: Sequence[str]) -> None:
    source = CUCM_TABLES[table]
    if gone:
        statement = delete(source).where(source.c[key] == bindparam("gone"))
        await writer.session.execute(statement, [{"gone": pkid} for pkid in gone])
    for pkid in gone:
        writer.touch(table, pkid, "D")


async def _update_many(
    writer: Writer, table: str, key: str, rows: Sequence[Mapping[str, object]]
) -> None:
    """Write every column of these rows but the key; 40,000 phones in seconds."""
    source = CUCM_TABLES[table]
    names = [column.name for column in source.columns if column.name != key]
    values: dict[str, object] = {name: bindparam(f"new_{name}") for name in names}
    statement = update(source).where(source.c[key] == bindparam("row_key")).values(values)
    given = [{"row_key": row[key], **{f"new_{name}": row[name] for name in names}} for row in rows]
    if given:
        await writer.session.execute(statement, given)
    for row in rows:
        writer.touch(table, str(row[key]), "U")


def _check_certificate(table: str, row: Mapping[str, object]) -> None:
    if table != "certificate":
        return
    try:
        load_certificate(str(row["certificate"]).encode())
    except FormatError as error:
        found = repr(str(row["certificate"])[:_SHOWN])
        raise StoreError(
            f"column certificate: found {found}; expected a certificate in PEM"
        ) from error


async def _touch_phones(writer: Writer, table: str, changes: Sequence[RowChange]) -> None:
    """Note the phones that a change of another table belongs to."""
    rows = [row for change in changes for row in (change.before, change.after) if row is not None]
    device, line = TABLES["device"], TABLES["devicenumplanmap"]
    if table == "devicenumplanmap":
        pkids = {str(row["fkdevice"]) for row in rows}
    elif table in _NAMED_BY_PHONES:
        held = [row["pkid"] for row in rows]
        query = select(device.c.pkid).where(device.c[_NAMED_BY_PHONES[table]].in_(held))
        pkids = {str(pkid) for (pkid,) in await writer.session.rows(query)}
    elif table == "numplan":
        held = [row["pkid"] for row in rows]
        query = select(line.c.fkdevice).where(line.c.fknumplan.in_(held))
        pkids = {str(pkid) for (pkid,) in await writer.session.rows(query)}
    else:
        return
    for pkid in sorted(pkids):
        writer.touch("device", pkid, "U")
