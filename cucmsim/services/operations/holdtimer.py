"""The hold timer: CallManager and TVS of a node are not both replaced within five minutes.

A phone trusts a new ITL by one of the two; with both new it is locked out. Between them lie five
minutes in which phones reset and take the ITL with the first. Another node is free, and so are
other certificates. From release 10.0. Source: seed 003; cucm.md 5.3 (no further pairs are known).
"""

from datetime import datetime, timedelta

from cucmsim.errors import RefusedError
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release

__all__ = ["HOLD", "held_by", "refuse_while_held"]

HOLD = timedelta(minutes=5)
_FROM = Release(10)
_OTHER = {Unit.CALLMANAGER: Unit.TVS, Unit.TVS: Unit.CALLMANAGER}


def held_by(unit: Unit, release: Release) -> Unit | None:
    """Return the unit whose replacement makes `unit` wait; None where nothing does."""
    return _OTHER.get(unit) if release >= _FROM else None


def refuse_while_held(unit: Unit, other: Unit, modified: datetime | None, now: datetime) -> None:
    """Raise RefusedError while `other`, replaced at `modified`, makes `unit` wait."""
    if modified is not None and now < modified + HOLD:
        raise RefusedError(
            f"{other} certificate was modified in the last 5 minutes. "
            f"Please re-try regenerating {unit} certificate at a later time"
        )
