"""Moving the cluster's clock forward, so that nobody waits for a hold timer or an expiry.

How far the clock is ahead stands in the store as a service parameter of a service of our own, so
every process of the cluster follows as it follows any change, and a later start goes on from there:
a certificate that was made in the moved time would not be valid yet otherwise. The clock never goes
back, for the same reason.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from cucmsim.clock import MovableClock
from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.store import Transaction

__all__ = [
    "FURTHEST",
    "OWN_SERVICE",
    "advance_clock",
    "advance_of",
    "follow_clock",
    "put_advance",
    "sleep_until",
]

FURTHEST = timedelta(days=50 * 365)
"""Past that, dates come near what certificates and trust lists can hold."""

OWN_SERVICE = "cucmsim"
"""The service whose parameters are no real server's; a description does not say them."""

_PARAMETER = "ClockAdvanceSeconds"
_LONGEST_S = 3600.0
_LONGEST_DIGITS = 12


def advance_of(replica: Replica) -> timedelta:
    """Return how far the cluster's clock is ahead of the machines'."""
    held = replica.service_parameter(OWN_SERVICE, _PARAMETER) or "0"
    is_number = held.isascii() and held.isdigit() and len(held) <= _LONGEST_DIGITS
    return min(timedelta(seconds=int(held)), FURTHEST) if is_number else timedelta(0)


def follow_clock(clock: MovableClock, view: View) -> None:
    """Have `clock` show the cluster's time, now and after each change of `view`."""
    clock.move(advance_of(view.replica))
    view.subscribe(lambda _, new: clock.move(advance_of(new)))


async def advance_clock(operator: Operator, by: timedelta) -> timedelta:
    """Move the clock of the whole cluster forward; return how far it is ahead now.

    Raises:
        RefusedError: `by` is no whole number of seconds above zero, or leads too far.
        StoreError: nothing was changed.

    """
    if by <= timedelta(0) or by % timedelta(seconds=1):
        raise RefusedError(f"found an advance of {by}, expected one or more whole seconds")
    async with operator.store.transaction() as transaction:
        ahead = advance_of(await transaction.replica()) + by
        if ahead > FURTHEST:
            raise RefusedError(
                f"the clock would be {ahead.days} days ahead, expected {FURTHEST.days} at most"
            )
        await put_advance(transaction, ahead)
    await operator.newest()
    return ahead


async def put_advance(transaction: Transaction, ahead: timedelta) -> None:
    """Note how far the clock is ahead, in whole seconds. Raises StoreError."""
    seconds = str(int(ahead.total_seconds()))
    await transaction.set_service_parameter(OWN_SERVICE, _PARAMETER, seconds)


async def sleep_until(clock: MovableClock, moment: datetime) -> None:
    """Wait until `clock` shows `moment`, however it gets there."""
    moved = asyncio.Event()
    unsubscribe = clock.subscribe(moved.set)
    try:
        while (left_s := (moment - clock.now()).total_seconds()) > 0:
            moved.clear()
            with suppress(TimeoutError):
                # by the hour at most: a machine that slept shows it only in its time of day
                async with asyncio.timeout(min(left_s, _LONGEST_S)):
                    await moved.wait()
    finally:
        unsubscribe()
