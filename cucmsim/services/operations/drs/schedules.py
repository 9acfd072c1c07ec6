"""Schedules of backups: when each is due, by the cluster's clock.

They stand among the parameters of our own service, so that the process that makes backups hears of
a change as of any other, and a restore leaves them as they are. A schedule runs when it is enabled
and due; after a jump of the clock over several times it runs once.
"""

import calendar
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from cucmsim.errors import RefusedError
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.operator import Operator
from cucmsim.store.replica import Replica
from cucmsim.store.store import Transaction

__all__ = [
    "Frequency",
    "Schedule",
    "add_schedule",
    "delete_schedule",
    "enable_schedule",
    "parse_moment",
    "refuse_device_in_use",
    "schedule_ran",
    "schedules_of",
]

_PARAMETER = "DrsSchedules"
_NAME = re.compile(r"[\w.-]{1,50}", re.ASCII)
_MOMENT = re.compile(r"\d{4}/\d{2}/\d{2}-\d{2}:\d{2}", re.ASCII)
_MONTHS = 12


class Frequency(StrEnum):
    """How often."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A backup to be made, from the moment `first` on (ISO with its offset, as is `due`).

    `due` is empty before it is enabled, and once it does not come again.
    """

    name: str
    device: str
    features: tuple[str, ...]
    first: str
    frequency: Frequency
    due: str = ""
    is_enabled: bool = False

    @property
    def due_at(self) -> datetime | None:
        """When it runs next; None for never."""
        return datetime.fromisoformat(self.due) if self.is_enabled and self.due else None

    def after(self, now: datetime, zone: tzinfo) -> "Schedule":
        """Return it with the first time that is later than `now`."""
        times = 0
        first = datetime.fromisoformat(self.first).astimezone(zone)
        while (due := _repeated(first, self.frequency, times)) is not None and due <= now:
            times += 1
        return replace(self, due=due.isoformat() if due else "")


def _repeated(first: datetime, frequency: Frequency, times: int) -> datetime | None:
    """Return the time that comes `times` after the first, at the same time of day there."""
    match frequency:
        case Frequency.ONCE:
            return None if times else first
        case Frequency.DAILY:
            return first + timedelta(days=times)
        case Frequency.WEEKLY:
            return first + timedelta(weeks=times)
        case Frequency.MONTHLY:
            year, month = divmod(first.month - 1 + times, _MONTHS)
            longest = calendar.monthrange(first.year + year, month + 1)[1]
            return first.replace(
                year=first.year + year, month=month + 1, day=min(first.day, longest)
            )


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """Read "2026/03/01-12:00". Raises RefusedError."""
    with suppress(ValueError, OverflowError):
        if _MOMENT.fullmatch(text):
            given = datetime.strptime(text, "%Y/%m/%d-%H:%M").replace(tzinfo=zone)
            return given.astimezone(UTC)
    raise RefusedError(
        f"drfCliMsg: Invalid date and time: found {text!r}, expected yyyy/mm/dd-hh:mm"
    )


def schedules_of(replica: Replica) -> Mapping[str, Schedule]:
    """Return the schedules by name, in the order they were added.

    None where a statement (`run sql`) left something else in their place.
    """
    text = replica.service_parameter(OWN_SERVICE, _PARAMETER) or "[]"
    try:
        held = [_schedule(**one) for one in json.loads(text)]
    except (TypeError, ValueError):
        return {}
    return {one.name: one for one in held}


def _schedule(features: Sequence[str], frequency: str, **others: str) -> Schedule:
    return Schedule(features=tuple(features), frequency=Frequency(frequency), **others)  # type: ignore[arg-type]


async def _put(transaction: Transaction, schedules: Sequence[Schedule]) -> None:
    text = json.dumps([asdict(one) for one in schedules])
    await transaction.set_service_parameter(OWN_SERVICE, _PARAMETER, text)


async def add_schedule(operator: Operator, schedule: Schedule) -> None:
    """Keep a schedule, which is not enabled yet.

    Raises:
        RefusedError: the name is taken or none, or the time is over; nothing was changed.
        StoreError: nothing was changed.

    """
    if _NAME.fullmatch(schedule.name) is None:
        raise RefusedError(
            f"drfCliMsg: Invalid schedule name: found {schedule.name!r}, expected 1 to 50 letters,"
            " digits, hyphens, dots and underscores"
        )
    if datetime.fromisoformat(schedule.first) <= operator.clock.now():
        raise RefusedError("drfCliMsg: The date and time of a schedule must be in the future.")
    async with operator.store.transaction() as transaction:
        held = schedules_of(await transaction.replica())
        if schedule.name in held:
            raise RefusedError(f"drfCliMsg: Schedule {schedule.name} already exists.")
        await _put(transaction, [*held.values(), schedule])
    await operator.newest()


async def enable_schedule(operator: Operator, name: str, zone: tzinfo, *, is_enabled: bool) -> None:
    """Let a schedule run from its next time on, or no longer. Raises RefusedError, StoreError."""
    async with operator.store.transaction() as transaction:
        held = schedules_of(await transaction.replica())
        changed = replace(_named(held, name), is_enabled=is_enabled)
        changed = changed.after(operator.clock.now(), zone)
        if is_enabled and not changed.due:
            raise RefusedError(f"drfCliMsg: Schedule {name} is over: it was to run once.")
        await _put(transaction, [changed if one.name == name else one for one in held.values()])
    await operator.newest()


async def delete_schedule(operator: Operator, name: str) -> None:
    """Forget a schedule. Raises RefusedError, StoreError."""
    async with operator.store.transaction() as transaction:
        held = schedules_of(await transaction.replica())
        _named(held, name)
        await _put(transaction, [one for one in held.values() if one.name != name])
    await operator.newest()


async def schedule_ran(operator: Operator, name: str, zone: tzinfo) -> None:
    """Note that a schedule ran now; one that is no more is left so. Raises StoreError."""
    async with operator.store.transaction() as transaction:
        held = schedules_of(await transaction.replica())
        now = operator.clock.now()
        await _put(
            transaction,
            [one.after(now, zone) if one.name == name else one for one in held.values()],
        )
    await operator.newest()


def refuse_device_in_use(replica: Replica, device: str) -> None:
    """Refuse to let go of a device that a schedule needs."""
    for schedule in schedules_of(replica).values():
        if schedule.device == device:
            raise RefusedError(f"drfCliMsg: Device {device} is used by schedule {schedule.name}.")


def _named(held: Mapping[str, Schedule], name: str) -> Schedule:
    if name not in held:
        known = ", ".join(held) or "none"
        raise RefusedError(f"drfCliMsg: Schedule {name} does not exist. Known schedules: {known}")
    return held[name]
