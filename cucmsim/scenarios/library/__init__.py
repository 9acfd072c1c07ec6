"""Every row of the reference's table of documented situations."""

from typing import Final

from cucmsim.scenarios.library import (
    central,
    enrolment,
    migration,
    regeneration,
    rename,
    restore,
)
from cucmsim.scenarios.model import Scenario

__all__ = ["LIBRARY"]

LIBRARY: Final[tuple[Scenario, ...]] = (
    *regeneration.SCENARIOS,
    *migration.SCENARIOS,
    *rename.SCENARIOS,
    *restore.SCENARIOS,
    *central.SCENARIOS,
    *enrolment.SCENARIOS,
)
"""The scenarios in the order of the reference."""
