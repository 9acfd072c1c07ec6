"""A clock that stands still until somebody moves it: for tests, and for runs to be had again."""

from datetime import UTC, datetime, timedelta
from typing import Final

from cucmsim.clock import MovableClock, SystemClock

__all__ = ["FIRST_MOMENT", "ManualClock"]

FIRST_MOMENT: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""What a manual clock shows first, unless told otherwise."""


class _Standing:
    """A time of day that stands, and the machine's monotonic seconds: those time conversations."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._machine = SystemClock()

    def now(self) -> datetime:
        """Return the time it stands at."""
        return self.at

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return self._machine.monotonic()


class ManualClock(MovableClock):
    """A clock that is moved by hand, and by the cluster whose clock it is."""

    def __init__(self, start: datetime = FIRST_MOMENT) -> None:
        self._standing = _Standing(start)
        super().__init__(self._standing)

    def advance(self, by: timedelta) -> None:
        """Move it forward; who waits for a moment is woken. Raises ValueError for backwards."""
        if by < timedelta(0):
            raise ValueError(f"found an advance of {by}, expected zero or more: no clock goes back")
        self._standing.at += by
        self._tell()
