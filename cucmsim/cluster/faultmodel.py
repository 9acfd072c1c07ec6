"""The faults of a description: what `[[faults]]` may hold, and how it is read."""

from collections.abc import Collection, Mapping, Sequence

from cucmsim.cluster.problems import Findings, show
from cucmsim.errors import SettingsError
from cucmsim.services.faults.check import COMMON, expected_of, read_fault
from cucmsim.services.faults.kinds import KINDS, FaultKind, Parameter
from cucmsim.services.faults.plan import FaultRule

__all__ = ["fault_schema", "faults_of"]

_TYPES = {str: "string", int: "integer", float: "number"}


def fault_schema() -> dict[str, object]:
    """Return the schema of `[[faults]]`: every key that a fault of some kind may have."""
    kinds = {"type": "string", "description": "What goes wrong", "expected": "a kind of fault"}
    properties: dict[str, object] = {"kind": kinds}
    properties |= {name: _schema(known, known.help) for name, known in COMMON.items()}
    for name, of_kinds in _parameters().items():
        properties[name] = _shared_schema(name, of_kinds)
    return {
        "type": "array",
        "items": {"type": "object", "properties": properties, "required": ["kind"]},
    }


def faults_of(
    entries: Sequence[object], nodes: Mapping[str, Collection[str]], findings: Findings
) -> tuple[FaultRule, ...]:
    """Return the faults that are right, and note what is wrong with the others."""
    rules = []
    for index, entry in enumerate(entries):
        spot = ("faults", index)
        if not isinstance(entry, dict):
            findings.add(spot, show(entry), "a table")
            continue
        try:
            rules.append(read_fault(entry, nodes))
        except SettingsError as error:
            for problem in error.problems:
                place = (*spot, problem.key)
                findings.add(place, problem.found, problem.expected, problem.nearest)
    return tuple(rules)


def _parameters() -> dict[str, list[FaultKind]]:
    """Return the kinds that have a parameter, by its name."""
    found: dict[str, list[FaultKind]] = {}
    for kind, info in KINDS.items():
        for name in info.parameters:
            found.setdefault(name, []).append(kind)
    return found


def _shared_schema(name: str, kinds: Sequence[FaultKind]) -> dict[str, object]:
    """Return the schema of a parameter of several kinds, each meaning with its kinds."""
    helps: dict[str, list[str]] = {}
    ranges: dict[str, None] = {}
    for kind in kinds:
        parameter = KINDS[kind].parameters[name]
        helps.setdefault(parameter.help, []).append(f"`{kind}`")
        ranges[expected_of(parameter)] = None
    told = "; ".join(f"{', '.join(names)}: {help_}" for help_, names in helps.items())
    schema = _schema(KINDS[kinds[0]].parameters[name], told)
    return {**schema, "expected": " or ".join(ranges)}


def _schema(parameter: Parameter, told: str) -> dict[str, object]:
    schema: dict[str, object] = {
        "type": _TYPES[parameter.kind],
        "description": told,
        "expected": expected_of(parameter),
    }
    return schema if parameter.default is None else {**schema, "default": parameter.default}
