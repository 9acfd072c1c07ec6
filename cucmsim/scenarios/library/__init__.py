"""Every row of the reference's table of documented situations."""

from typing import Final

from cucmsim.scenarios.library import (
    central,
    ctl,
    enrolment,
    firsttrust,
    migration,
    recovery,
    regeneration,
    rename,
    restore,
    upkeep,
)
from cucmsim.scenarios.model import Scenario

__all__ = ["LIBRARY"]

LIBRARY: Final[tuple[Scenario, ...]] = (
    *firsttrust.SCENARIOS,
    *regeneration.SCENARIOS,
    *recovery.SCENARIOS,
    *ctl.SCENARIOS,
    *migration.SCENARIOS,
    *rename.SCENARIOS,
    *restore.SCENARIOS,
    *central.SCENARIOS,
    *enrolment.SCENARIOS,
    *upkeep.SCENARIOS,
)
"""The scenarios in the order of the reference."""
