"""Passwords, accounts and their locking, by dialogue."""

from dataclasses import replace

import pytest
import pytest_asyncio

from tests.services.admin.conftest import Desk, MakeDesk
from tests.services.conftest import PUBLISHER

OLD, NEW = "old-password", "new-password"


@pytest_asyncio.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    """Sit at the publisher, with an administrator."""
    made = await make_desk(PUBLISHER)
    await made.context.platform.describe("admin", OLD)
    return made


async def test_a_password_is_changed_without_being_shown(desk: Desk) -> None:
    shown = await desk.give("set password user admin", [OLD, NEW, NEW])
    assert shown.endswith("\nPassword updated successfully.\n")
    assert OLD not in shown
    assert NEW not in shown
    assert await desk.context.platform.is_right("admin", NEW)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["wrong", NEW, NEW], "The old password did not match.\n"),
        ([OLD, NEW, "other"], "The passwords did not match.\n"),
        ([OLD, "short", "short"], "The password must have 6 to 128 characters.\n"),
    ],
)
async def test_a_password_is_refused(desk: Desk, answers: list[str], said: str) -> None:
    shown = await desk.give("set password user admin", answers)
    assert shown.endswith(f"{said}Executed command unsuccessfully\n")
    assert await desk.context.platform.is_right("admin", OLD)


async def test_somebody_without_an_account_has_no_password(desk: Desk) -> None:
    desk.context = replace(desk.context, user="helper")
    assert "Account helper has no password." in await desk.give("set password user admin")


async def test_an_account_is_added_listed_and_deleted(desk: Desk) -> None:
    shown = await desk.give("set account name helper", ["1", NEW, NEW])
    assert shown.endswith("\nAccount successfully created\n")
    assert NEW not in shown
    assert await desk.give("show account") == (
        "admin (privilege level 4)\nhelper (privilege level 1)\n"
    )
    assert "already exists" in await desk.give("set account name helper")
    assert await desk.give("delete account helper") == ("Account helper is successfully deleted\n")
    assert "cannot be deleted" in await desk.give("delete account admin")


@pytest.mark.parametrize("name", ["x" * 33, "na-me", "nämé", '"a b"'])
async def test_an_account_s_name_has_letters_and_digits_only(desk: Desk, name: str) -> None:
    assert "Invalid account name" in await desk.give(f"set account name {name}")


async def test_an_account_has_level_0_or_1(desk: Desk) -> None:
    assert "Invalid privilege level" in await desk.give("set account name helper", ["4"])


async def test_locking_is_switched_and_measured(desk: Desk) -> None:
    # cucm.md 1.1: count 2-5 default 3, unlocktime 30-3600 s default 300
    assert await desk.give("show accountlocking") == (
        "Account Lockout is enabled\nUnlock Time : 300 seconds\nRetry Count : 3 attempts\n"
    )
    assert await desk.give("set accountlocking count 5") == "Retry Count : 5 attempts\n"
    assert await desk.give("set accountlocking unlocktime 30") == "Unlock Time : 30 seconds\n"
    assert await desk.give("set accountlocking disable") == "Account Lockout is disabled\n"
    values = desk.context.platform.values
    assert (values.is_locking, values.lock_count, values.unlock_s) == (False, 5, 30)


@pytest.mark.parametrize(
    ("line", "range_"),
    [
        ("count 1", "2 to 5"),
        ("count 6", "2 to 5"),
        ("count x", "2 to 5"),
        ("unlocktime 29", "30 to 3600"),
        ("unlocktime 3601", "30 to 3600"),
    ],
)
async def test_what_is_out_of_range_is_refused(desk: Desk, line: str, range_: str) -> None:
    shown = await desk.give(f"set accountlocking {line}")
    assert f"Suggested values are {range_}\nExecuted command unsuccessfully\n" in shown
