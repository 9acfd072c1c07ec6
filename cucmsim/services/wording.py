"""How something wrong is shown to a person: short, and with the nearest name that exists."""

import difflib
import json
from collections.abc import Iterable

__all__ = ["nearest", "show"]

_LONGEST = 60


def show(value: object) -> str:
    """Format what was found, short, on one line."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str | bool | int | float):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _LONGEST else text[:_LONGEST] + '..."'
    return str(value)[:_LONGEST]


def nearest(name: object, valid: Iterable[str]) -> str | None:
    """Return the valid name that looks most like `name`, if one does."""
    names = {candidate.lower(): candidate for candidate in valid}
    found = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None
