"""The clock that may be moved ahead of another."""

from datetime import timedelta

from cucmsim.clock import MovableClock, SystemClock, movable
from cucmsim.testing import ManualClock
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


def test_a_correction_goes_with_the_advance_and_wakes_who_waits() -> None:
    beneath, heard = SteppingClock(), list[timedelta]()
    clock = MovableClock(beneath)
    clock.subscribe(lambda: heard.append(clock.correction))
    clock.move(timedelta(days=2))
    clock.correct(timedelta(days=-1))
    clock.correct(timedelta(days=-1))
    assert clock.now() - beneath.now() == timedelta(days=1)
    assert (clock.ahead, clock.uncorrected()) == (timedelta(days=2), beneath.now())
    assert heard == [timedelta(0), timedelta(days=-1)]


def test_only_the_machine_s_clock_may_be_wrong() -> None:
    assert MovableClock(SystemClock()).is_of_machine
    assert not ManualClock().is_of_machine
