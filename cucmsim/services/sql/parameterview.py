"""The parameters at their defaults, as rows of processconfig that the store does not keep.

A real server has a row for every parameter; the store has those that were set. A statement sees
the others for the whole cluster (EnterpriseWideData), and one that changes such a row makes it
come into the store. Source: cucm.md 2.3.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import NAMESPACE_OID, uuid5

from cucmsim.services.parameters import ENTERPRISE_PARAMETERS, SERVICE_PARAMETERS
from cucmsim.store.rows import SERVICE_NAMES
from cucmsim.store.schema import ENTERPRISE_PKID
from cucmsim.store.tables import CUCM_TABLES, RowChange
from cucmsim.store.typetables import ENTERPRISE_SERVICE, TYPE_TABLES

__all__ = ["changes_of_parameters", "with_defaults"]

_TABLE = "processconfig"
_PKID, _NODE, _SERVICE, _NAME = (
    CUCM_TABLES[_TABLE].columns.keys().index(name)
    for name in ("pkid", "fkprocessnode", "tkservice", "paramname")
)

Rows = Mapping[str, Sequence[Sequence[object]]]


def with_defaults(rows: Rows) -> Rows:
    """Return the rows of tables, where processconfig is among them with the defaults."""
    if _TABLE not in rows:
        return rows
    held = rows[_TABLE]
    keys = {(row[_NODE], row[_SERVICE], row[_NAME]) for row in held}
    pkids = {row[_PKID] for row in held}
    added = [
        tuple(row.values())
        for pkid, row in _DEFAULTS.items()
        if pkid not in pkids
        and (row["fkprocessnode"], row["tkservice"], row["paramname"]) not in keys
    ]
    return {**rows, _TABLE: [*held, *added]}


def changes_of_parameters(table: str, changes: Iterable[RowChange], rows: Rows) -> list[RowChange]:
    """Return the changes of a statement as the store takes them; `rows` are those it keeps.

    A default that changed is a row to insert; one that was deleted was never there.
    """
    if table != _TABLE:
        return list(changes)
    kept = {row[_PKID] for row in rows[_TABLE]}
    told = (
        one
        if one.before is None or one.before["pkid"] in kept
        else RowChange(before=None, after=one.after)
        for one in changes
    )
    return [one for one in told if one.before is not None or one.after is not None]


def _defaults() -> Iterator[dict[str, object]]:
    """Yield a row for each parameter of the services that typeservice names from the first."""
    numbers = {name: number for number, name, _ in TYPE_TABLES["typeservice"]}
    known = {
        ENTERPRISE_SERVICE: ENTERPRISE_PARAMETERS,
        **{
            numbers[SERVICE_NAMES[short]]: parameters
            for short, parameters in SERVICE_PARAMETERS.items()
            if short in SERVICE_NAMES
        },
    }
    for number, parameters in known.items():
        for parameter in parameters.values():
            yield {
                "pkid": str(uuid5(NAMESPACE_OID, f"{number}/{parameter.name}")),
                "fkprocessnode": ENTERPRISE_PKID,
                "tkservice": number,
                "paramname": parameter.name,
                "paramvalue": parameter.default,
            }


_DEFAULTS = {str(row["pkid"]): row for row in _defaults()}
"""By a key that stays the same; columns in the schema's order."""
