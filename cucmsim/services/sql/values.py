"""What the columns may hold for a statement: what every node and administrator can live with.

A real database has checks and triggers for this; which is not known (docs/divergences.md). Only
what a statement changes is looked at. Rows of our own service are none of a statement's business.
"""

import re
from collections.abc import Mapping, Sequence

from cucmsim.errors import RefusedError
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.parameters import ENTERPRISE_PARAMETERS, SERVICE_PARAMETERS, Parameter
from cucmsim.store.rows import service_key
from cucmsim.store.tables import CUCM_TABLES, RowChange
from cucmsim.store.typetables import ENTERPRISE_SERVICE, TYPE_TABLES

__all__ = ["check_values", "with_services", "without_own_rows"]

_PARAMETERS, _SERVICES = "processconfig", "typeservice"
_SERVICE = CUCM_TABLES[_PARAMETERS].columns.keys().index("tkservice")
_DEVICE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_MODE = Parameter("ClusterSecurityMode", "Cluster Security Mode", "0", choices=("0", "1"))
_SHOWN = 40

Rows = Mapping[str, Sequence[Sequence[object]]]


def with_services(tables: frozenset[str]) -> frozenset[str]:
    """Return the tables to read; rows of processconfig are told apart by typeservice."""
    return tables | {_SERVICES} if _PARAMETERS in tables else tables


def without_own_rows(rows: Rows) -> Rows:
    """Return the rows without those of the simulator's own service."""
    if _SERVICES not in rows:
        return rows
    own = {row[0] for row in rows[_SERVICES] if row[1] == OWN_SERVICE}
    shown = {**rows, _SERVICES: [row for row in rows[_SERVICES] if row[0] not in own]}
    if _PARAMETERS in rows:
        shown[_PARAMETERS] = [row for row in rows[_PARAMETERS] if row[_SERVICE] not in own]
    return shown


def check_values(table: str, change: RowChange, rows: Rows) -> None:
    """Refuse what a changed row may not hold; `rows` are those of `without_own_rows`.

    Raises:
        RefusedError: it says which column, what was found and what was expected.

    """
    if change.after is None:
        return
    before = change.before or {}
    changed = {
        name: value
        for name, value in change.after.items()
        if name not in before or before[name] != value
    }
    for name, value in changed.items():
        _check_type(table, name, value)
    if "name" in changed:
        _check_name(table, changed["name"])
    if table == _PARAMETERS:
        _check_parameter(change.after, changed, rows)


def _check_type(table: str, column: str, value: object) -> None:
    kinds = f"type{column[2:]}"
    if not column.startswith("tk") or kinds not in TYPE_TABLES or kinds == _SERVICES:
        return
    if value is not None and value not in {row[0] for row in TYPE_TABLES[kinds]}:
        raise _refused(table, column, value, f"a number of {kinds}")


def _check_name(table: str, value: object) -> None:
    name = str(value)
    if table == "device":
        if not _DEVICE_NAME.fullmatch(name):
            raise _refused(table, "name", name, "letters, digits, dots, dashes and underscores")
    elif not name.strip() or not name.isprintable():
        raise _refused(table, "name", name, "a name of printable characters")


def _check_parameter(row: Mapping[str, object], changed: Mapping[str, object], rows: Rows) -> None:
    services = {number: service_key(str(name)) for number, name, *_ in rows[_SERVICES]}
    number, name = row["tkservice"], str(row["paramname"])
    if number not in services:
        raise _refused(_PARAMETERS, "tkservice", number, "a number of typeservice")
    known = (
        {**ENTERPRISE_PARAMETERS, _MODE.name: _MODE}
        if number == ENTERPRISE_SERVICE
        else SERVICE_PARAMETERS.get(services[number], {})
    )
    if name not in known or not changed.keys() & {"tkservice", "paramname", "paramvalue"}:
        return
    try:
        known[name].store(row["paramvalue"])
    except ValueError as error:
        expected = f"{known[name].expected} for {name}"
        raise _refused(_PARAMETERS, "paramvalue", row["paramvalue"], expected) from error


def _refused(table: str, column: str, value: object, expected: str) -> RefusedError:
    """Say -530 (Check constraint failed), and why."""
    found = repr(value if isinstance(value, int) else str(value)[:_SHOWN])
    return RefusedError(
        f"Check constraint (informix.c_{table}_{column}) failed: column {column}:"
        f" found {found}; expected {expected}."
    )
