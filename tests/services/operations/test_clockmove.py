"""Moving the cluster's clock: how far, for whom, and who is woken."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from cucmsim.clock import MovableClock
from cucmsim.errors import RefusedError
from cucmsim.services.operations.clockmove import (
    FURTHEST,
    OWN_SERVICE,
    advance_clock,
    advance_of,
    follow_clock,
    sleep_until,
)
from cucmsim.services.operations.operator import Operator
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from tests.services.operations.conftest import NOW
from tests.store.conftest import FixedClock

_ADVANCE = ("", OWN_SERVICE, "ClockAdvanceSeconds")


async def test_advances_add_up_and_every_view_follows(operator: Operator) -> None:
    view, clock = View(await operator.newest()), MovableClock(FixedClock(NOW))
    follow_clock(clock, view)
    assert await advance_clock(operator, timedelta(minutes=5)) == timedelta(minutes=5)
    assert await advance_clock(operator, timedelta(days=1)) == timedelta(days=1, minutes=5)
    view.replace(await operator.newest())
    assert clock.now() == NOW + timedelta(days=1, minutes=5)


@pytest.mark.parametrize(
    "by", [timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=1500), FURTHEST * 2]
)
async def test_the_clock_goes_forward_by_whole_seconds_and_not_too_far(
    operator: Operator, by: timedelta
) -> None:
    with pytest.raises(RefusedError, match="expected"):
        await advance_clock(operator, by)
    assert advance_of(await operator.newest()) == timedelta(0)


@pytest.mark.parametrize("held", ["soon", "-5", "", "9" * 30])
def test_a_row_that_somebody_damaged_moves_nothing(held: str) -> None:
    assert advance_of(Replica(service_parameters={_ADVANCE: held})) == timedelta(0)


async def test_who_sleeps_is_woken_when_the_clock_gets_there() -> None:
    clock = MovableClock(FixedClock(NOW))
    sleeping = asyncio.create_task(sleep_until(clock, NOW + timedelta(days=2)))
    await asyncio.sleep(0)
    clock.move(timedelta(days=1))
    await asyncio.sleep(0)
    assert not sleeping.done()
    clock.move(timedelta(days=2))
    await sleeping


async def test_who_sleeps_for_a_moment_wakes_by_itself() -> None:
    beneath = FixedClock(NOW)
    clock = MovableClock(beneath)
    sleeping = asyncio.create_task(sleep_until(clock, NOW + timedelta(milliseconds=1)))
    await asyncio.sleep(0)
    beneath.at = NOW + timedelta(seconds=1)
    await sleeping


def test_the_furthest_is_bounded_in_the_store_too() -> None:
    far = Replica(service_parameters={_ADVANCE: "9" * 12})
    assert advance_of(replace(far, version=2)) == FURTHEST
