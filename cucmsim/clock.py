"""The only module that asks the system for the time.

Everything else is given a `Clock`, so that a test or a replayed run decides what time it is.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "MovableClock", "SystemClock", "movable"]


class Clock(Protocol):
    """What tells the time to the rest of the package."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, from an arbitrary start."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class MovableClock:
    """A clock that runs as another does, but may be moved ahead of it, and set right where it errs.

    Only the time of day moves. The monotonic seconds stay those of the other clock: they time
    conversations with phones and browsers, which did not skip anything.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta(0)
        self._correction = timedelta(0)
        self._listeners: list[Callable[[], None]] = []

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead."""
        return self._ahead

    @property
    def correction(self) -> timedelta:
        """What is added to the clock below because that is wrong."""
        return self._correction

    @property
    def is_of_machine(self) -> bool:
        """Whether the clock below is the machine's, which nobody chose."""
        return isinstance(self._clock, SystemClock)

    def now(self) -> datetime:
        """Return the moved time of day, aware, in UTC."""
        return self._clock.now() + self._correction + self._ahead

    def uncorrected(self) -> datetime:
        """Return what the clock below shows."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return the seconds of the clock below."""
        return self._clock.monotonic()

    def move(self, ahead: timedelta) -> None:
        """Be `ahead` of the clock below from now on, and tell who waits."""
        if ahead != self._ahead:
            self._ahead = ahead
            self._tell()

    def correct(self, correction: timedelta) -> None:
        """Add `correction` to the clock below from now on, and tell who waits."""
        if correction != self._correction:
            self._correction = correction
            self._tell()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever the clock is moved; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def movable(clock: Clock) -> MovableClock:
    """Return `clock` itself when it can be moved, else one over it that can."""
    return clock if isinstance(clock, MovableClock) else MovableClock(clock)
