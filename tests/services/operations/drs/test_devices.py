"""Backup devices and schedules: what is kept of them, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cucmsim.errors import RefusedError
from cucmsim.pki.release import Release
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.drs.agents import Drs, check_features
from cucmsim.services.operations.drs.devices import add_device, delete_device, list_devices
from cucmsim.services.operations.drs.schedules import (
    Frequency,
    Schedule,
    add_schedule,
    delete_schedule,
    enable_schedule,
    parse_moment,
    schedule_ran,
    schedules_of,
)
from tests.services.admin.fakesftp import PASSWORD
from tests.services.operations.conftest import NOW, PUBLISHER
from tests.services.operations.drs.conftest import DEVICE
from tests.store.conftest import FixedClock

WARSAW = ZoneInfo("Europe/Warsaw")


async def test_devices_are_kept_sealed_until_they_are_deleted(drs: Drs) -> None:
    await add_device(drs, replace(DEVICE, name="second", kept=14))
    assert list(await list_devices(drs.operator)) == ["sftp1", "second"]
    assert (await list_devices(drs.operator))["sftp1"] == DEVICE
    async with drs.operator.store.transaction() as transaction:
        assert PASSWORD not in str(await transaction.platform(PUBLISHER))
    assert PASSWORD not in repr(await list_devices(drs.operator))
    assert await delete_device(drs.operator, "sftp1") == ("sftp1",)
    assert await delete_device(drs.operator, "*") == ("second",)
    with pytest.raises(RefusedError, match=r"Device \* does not exist\. Known devices: none"):
        await delete_device(drs.operator, "*")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (DEVICE, "Device sftp1 already exists"),
        (replace(DEVICE, name="*"), r"Invalid device name: found '\*'"),
        (replace(DEVICE, name="é"), "Invalid device name"),
        (replace(DEVICE, name="x" * 51), "Invalid device name"),
        (replace(DEVICE, name="x", kept=0), "Invalid number of backups: found 0, expected 1 to 14"),
        (replace(DEVICE, name="x", kept=15), "Invalid number of backups: found 15"),
        (
            replace(DEVICE, name="x", account=replace(DEVICE.account, password="wrong")),
            "refused user name or password",
        ),
    ],
)
async def test_a_device_that_is_no_good_is_not_kept(drs: Drs, device: object, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        await add_device(drs, device)  # type: ignore[arg-type]
    assert list(await list_devices(drs.operator)) == ["sftp1"]


def test_features_are_those_of_the_release() -> None:
    assert check_features(Release(9), ["ucm"]) == ("UCM",)
    assert check_features(Release(8, 6), ["CCM"]) == ("CCM",)
    with pytest.raises(RefusedError, match="found 'UCM', expected CCM"):
        check_features(Release(8), ["UCM"])


def schedule(frequency: str = "daily", name: str = "nightly", days: int = 1) -> Schedule:
    first = (NOW + timedelta(days=days)).isoformat()
    return Schedule(name, "sftp1", ("UCM",), first, Frequency(frequency))


@pytest.mark.parametrize(
    ("frequency", "due"),
    [
        ("once", ["2026-01-31T02:00:00+01:00"]),
        ("daily", ["2026-01-31T02:00:00+01:00", "2026-03-02T02:00:00+01:00"]),
        ("weekly", ["2026-01-31T02:00:00+01:00", "2026-03-07T02:00:00+01:00"]),
        ("monthly", ["2026-01-31T02:00:00+01:00", "2026-03-31T02:00:00+02:00"]),
    ],
)
def test_it_comes_again_at_the_same_time_of_day(frequency: str, due: list[str]) -> None:
    first = parse_moment("2026/01/31-02:00", WARSAW).isoformat()
    held = Schedule("x", "sftp1", ("UCM",), first, Frequency(frequency))
    before = held.after(datetime(2026, 1, 1, tzinfo=UTC), WARSAW)
    later = before.after(NOW, WARSAW)
    assert [one.due for one in (before, later) if one.due] == due
    assert later.after(NOW, WARSAW) == later


async def test_a_schedule_runs_once_it_is_enabled_and_until_it_is_disabled(
    drs: Drs, clock: FixedClock
) -> None:
    operator = drs.operator
    await add_schedule(operator, schedule())
    await add_schedule(operator, schedule("once", "single"))

    async def due() -> list[datetime | None]:
        held = schedules_of(await operator.newest())
        return [one.due_at for one in held.values()]

    assert await due() == [None, None]
    for name in ("nightly", "single"):
        await enable_schedule(operator, name, UTC, is_enabled=True)
    tomorrow = NOW + timedelta(days=1)
    assert await due() == [tomorrow, tomorrow]
    clock.at += timedelta(days=5)
    for name in ("nightly", "single", "nobody"):
        await schedule_ran(operator, name, UTC)
    assert await due() == [NOW + timedelta(days=6), None]
    await enable_schedule(operator, "nightly", UTC, is_enabled=False)
    assert await due() == [None, None]
    with pytest.raises(RefusedError, match="Schedule single is over"):
        await enable_schedule(operator, "single", UTC, is_enabled=True)
    with pytest.raises(RefusedError, match=r"Device sftp1 is used by schedule nightly\."):
        await delete_device(operator, "sftp1")
    for name in ("nightly", "single"):
        await delete_schedule(operator, name)
    await delete_device(operator, "sftp1")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (schedule(name="a b"), "Invalid schedule name: found 'a b'"),
        (schedule(days=0), "must be in the future"),
        (schedule(), "Schedule nightly already exists"),
    ],
)
async def test_a_schedule_that_is_no_good_is_refused(
    drs: Drs, wanted: Schedule, words: str
) -> None:
    await add_schedule(drs.operator, schedule())
    with pytest.raises(RefusedError, match=words):
        await add_schedule(drs.operator, wanted)
    for name in ("x", ""):
        with pytest.raises(RefusedError, match="Known schedules: nightly"):
            await enable_schedule(drs.operator, name, UTC, is_enabled=True)
        with pytest.raises(RefusedError, match="does not exist"):
            await delete_schedule(drs.operator, name)


@pytest.mark.parametrize("text", ["rubbish", "[1]", '[{"name": "x"}]', '[{"frequency": "x"}]'])
async def test_what_a_statement_left_of_schedules_is_none(drs: Drs, text: str) -> None:
    async with drs.operator.store.transaction() as transaction:
        await transaction.set_service_parameter(OWN_SERVICE, "DrsSchedules", text)
    assert schedules_of(await drs.operator.newest()) == {}


@pytest.mark.parametrize(
    "text", ["", "2026/03/01", "2026/13/01-00:00", "0001/01/01-00:00", "2026/02/29-00:00"]
)
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="expected yyyy/mm/dd-hh:mm"):
        parse_moment(text, WARSAW)
