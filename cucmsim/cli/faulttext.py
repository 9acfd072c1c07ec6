"""A fault in a line, as `cucmsim fault add` would be given it."""

from collections.abc import Mapping

from cucmsim.services.faults.kinds import Value

__all__ = ["fault_text"]


def fault_text(rule: Mapping[str, Value]) -> str:
    """Return a rule as a person would have asked for it."""
    kind, *others = rule.items()
    return " ".join([str(kind[1]), *(f"{name}={value}" for name, value in others)])
