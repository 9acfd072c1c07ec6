"""Every row of the reference's table of documented situations."""

from typing import Final

from cucmsim.scenarios.library import regeneration
from cucmsim.scenarios.model import Scenario

__all__ = ["LIBRARY"]

LIBRARY: Final[tuple[Scenario, ...]] = (*regeneration.SCENARIOS,)
"""The scenarios in the order of the reference."""
