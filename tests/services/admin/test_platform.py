"""Administrators of a node: log-in, locking, what survives a restart."""

from dataclasses import replace

import pytest

from cucmsim.errors import RefusedError
from cucmsim.services.admin.passwords import hash_password
from cucmsim.services.admin.platform import Platform, PlatformValues, Verdict
from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER, SteppingClock


async def _reopened(desk: Desk) -> Platform:
    at = desk.context
    return await Platform.opened(at.store, PUBLISHER, at.clock, at.entropy)


async def test_a_described_administrator_logs_in_with_the_password_only(desk: Desk) -> None:
    platform = desk.context.platform
    await platform.describe("admin", "right-password")
    assert await platform.log_in("admin", "right-password") is Verdict.ACCEPTED
    assert await platform.log_in("admin", "wrong-password") is Verdict.REFUSED
    assert await platform.log_in("nobody", "right-password") is Verdict.REFUSED
    assert await platform.log_in("nobody", "") is Verdict.REFUSED


async def test_three_wrong_passwords_lock_an_account_for_five_minutes(
    desk: Desk, stepping_clock: SteppingClock
) -> None:
    # cucm.md 1.1: "Account locking: set accountlocking count 2-5 default 3; unlocktime ... 300 s"
    platform = desk.context.platform
    await platform.describe("admin", "right-password")
    for _ in range(3):
        assert await platform.log_in("admin", "wrong") is Verdict.REFUSED
    assert await platform.log_in("admin", "right-password") is Verdict.LOCKED
    assert platform.locked_for("admin").total_seconds() == 300
    stepping_clock.step(299)
    assert await (await _reopened(desk)).log_in("admin", "right-password") is Verdict.LOCKED
    stepping_clock.step(1)
    assert await platform.log_in("admin", "right-password") is Verdict.ACCEPTED
    assert platform.locked_for("nobody").total_seconds() == 0


async def test_a_right_password_forgets_the_wrong_ones(desk: Desk) -> None:
    platform = desk.context.platform
    await platform.describe("admin", "right-password")
    for _ in range(3):
        await platform.log_in("admin", "wrong")
        await platform.log_in("admin", "wrong")
        assert await platform.log_in("admin", "right-password") is Verdict.ACCEPTED


async def test_nobody_is_locked_when_locking_is_off(desk: Desk) -> None:
    platform = desk.context.platform
    await platform.describe("admin", "right-password")
    await platform.change(replace(platform.values, is_locking=False))
    for _ in range(5):
        assert await platform.log_in("admin", "wrong") is Verdict.REFUSED
    assert await platform.log_in("admin", "right-password") is Verdict.ACCEPTED
    assert platform.locked_for("admin").total_seconds() == 0


async def test_a_changed_password_survives_restarts_until_the_description_changes(
    desk: Desk,
) -> None:
    await desk.context.platform.describe("admin", "first-password")
    await desk.context.platform.set_password("admin", "second-password")
    platform = await _reopened(desk)
    await platform.describe("admin", "first-password")
    assert await platform.is_right("admin", "second-password")
    await platform.describe("admin", "third-password")
    assert await platform.is_right("admin", "third-password")


async def test_settings_survive_a_restart(desk: Desk) -> None:
    values = PlatformValues("Europe/Warsaw", 60, is_locking=False, lock_count=5, unlock_s=30)
    await desk.context.platform.change(values)
    platform = await _reopened(desk)
    assert platform.values == values
    assert platform.local_time().tzname() == "CET"


async def test_accounts_are_added_and_deleted_the_installation_s_excepted(desk: Desk) -> None:
    platform = desk.context.platform
    await platform.describe("admin", "right-password")
    await platform.add("helper", 1, "helper-password")
    assert (await _reopened(desk)).administrators["helper"].level == 1
    with pytest.raises(RefusedError, match="already exists"):
        await platform.add("helper", 0, "x")
    await platform.delete("helper")
    assert list((await _reopened(desk)).administrators) == ["admin"]
    with pytest.raises(RefusedError, match="does not exist"):
        await platform.delete("helper")
    with pytest.raises(RefusedError, match="cannot be deleted"):
        await platform.delete("admin")


async def test_a_password_is_kept_salted_and_never_shown(desk: Desk) -> None:
    kept = [await hash_password("secret", desk.context.entropy) for _ in range(2)]
    assert kept[0] != kept[1]
    assert kept[0].startswith("scrypt$16384$8$1$")
    await desk.context.platform.describe("admin", "secret-password")
    held = desk.context.platform.administrators["admin"]
    assert held.password not in repr(held)
