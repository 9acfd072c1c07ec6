"""The clock that may be moved ahead of another."""

from datetime import timedelta

from cucmsim.clock import MovableClock, movable
from tests.services.conftest import SteppingClock


def test_only_the_time_of_day_moves() -> None:
    beneath = SteppingClock()
    clock = MovableClock(beneath)
    clock.move(timedelta(days=1))
    assert clock.now() - beneath.now() == clock.ahead == timedelta(days=1)
    assert clock.monotonic() == beneath.monotonic()


def test_listeners_hear_of_each_move_until_they_leave() -> None:
    clock, heard = MovableClock(SteppingClock()), list[timedelta]()
    leave = clock.subscribe(lambda: heard.append(clock.ahead))
    clock.move(timedelta(seconds=5))
    clock.move(timedelta(seconds=5))
    leave()
    clock.move(timedelta(seconds=6))
    assert heard == [timedelta(seconds=5)]


def test_a_clock_that_can_be_moved_is_taken_as_it_is() -> None:
    beneath = SteppingClock()
    clock = movable(beneath)
    assert clock.now() == beneath.now()
    assert movable(clock) is clock
