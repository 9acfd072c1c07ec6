"""show version, utils system upgrade and switch-version."""

import asyncio
from dataclasses import replace

import pytest

from cucmsim.services.operations.upgrade import cancel_upgrade, finish_upgrade
from cucmsim.services.operations.versions import Sides, Version, is_upgrading, put_sides, sides_of
from tests.services.admin.conftest import Desk
from tests.services.admin.fakesftp import PASSWORD
from tests.services.operations.conftest import PUBLISHER

IMAGE, NEWER = (
    "UCSInstall_UCOS_14.0.1.10000-20.sha512.iso",
    "UCSInstall_UCOS_15.0.1.11900-40.sha512.iso",
)
OLDER = "UCSInstall_UCOS_12.0.1.10000-10.sgn.iso"
VERSION = Version.parse("14.0.1.10000-20")
WHERE = ["/images", "172.18.172.254:2222", "admin", PASSWORD]
TWELVE = "12.5.1.10000-1"


@pytest.fixture
def shelf(clerk: Desk) -> Desk:
    """Sit at the publisher, with images on the SFTP server."""
    names = (NEWER, IMAGE, OLDER, "readme.txt")
    clerk.operations.sftp.files["/images"] = dict.fromkeys(names, b"")
    return clerk


async def installing(desk: Desk) -> None:
    """Wait until an installation runs."""
    view, node = desk.context.view, desk.context.node_name
    begun = asyncio.Event()
    view.subscribe(lambda _, new: begun.set() if is_upgrading(new, node) else None)
    await begun.wait()


async def install(desk: Desk, *answers: str) -> str:
    """Give `utils system upgrade initiate`; the node finishes what it begins."""
    task = asyncio.create_task(desk.give("utils system upgrade initiate", ["1", *WHERE, *answers]))
    await installing(desk)
    await finish_upgrade(desk.operations.operator(), desk.context.node_name)
    return await task


async def test_the_active_version_is_shown_in_three_lines(clerk: Desk) -> None:
    # cucm.md 1.7, "show version active"
    operator = clerk.operations.operator()
    async with operator.store.transaction() as transaction:
        await put_sides(transaction, PUBLISHER, Sides(Version.parse("15.0.1.11900-40")))
    await operator.newest()
    assert await clerk.give("show version active") == (
        "Active Master Version: 15.0.1.11900-40\n"
        "Active Version Installed Software Options:\n"
        "No Installed Software Options Found.\n"
    )
    assert await clerk.give("show version inactive") == "No Inactive Master Version found.\n"


async def test_an_image_of_the_list_is_installed_on_the_inactive_side(shelf: Desk) -> None:
    shown = await install(shelf, "1", "no", "yes")
    assert (
        'Available options and upgrades in "172.18.172.254:/images":\n\n'
        f" 1) {IMAGE}\n 2) {NEWER}\n q) quit\n"
    ) in shown
    assert OLDER not in shown
    assert PASSWORD not in shown
    assert f"Downloaded: {IMAGE}\n   File version: {VERSION}\n" in shown
    assert shown.endswith(
        "Upgrading the system.  Please wait...\n"
        "The system upgrade was successful.  Please switch versions to activate the upgrade.\n"
    )
    assert shelf.operations.sftp.accounts[0].port == 2222
    assert f"Active Master Version: {TWELVE}\n" in await shelf.give("show version active")
    assert f"Inactive Master Version: {VERSION}\n" in await shelf.give("show version inactive")
    assert f"Version {VERSION} is installed" in await shelf.give("utils system upgrade status")


async def test_switching_by_itself_ends_the_session(shelf: Desk) -> None:
    shown = await install(shelf, "1", "yes", "yes")
    assert "A switch version request has been submitted.\n" in shown
    assert shelf.outcome.leaves
    assert f"Active Master Version: {VERSION}\n" in await shelf.give("show version active")


async def test_a_cancelled_upgrade_ends_unsuccessfully(shelf: Desk) -> None:
    answers = ["1", *WHERE, "1", "no", "yes"]
    task = asyncio.create_task(shelf.give("utils system upgrade initiate", answers))
    await installing(shelf)
    operator = shelf.operations.operator()
    view = shelf.context.view
    view.replace(replace(view.replica))  # a change of something else
    await asyncio.to_thread(tuple)
    await cancel_upgrade(operator, PUBLISHER)
    shown = await task
    assert shown.endswith("The upgrade was cancelled.\n")
    assert not shelf.outcome.succeeded
    assert sides_of(await operator.newest(), PUBLISHER).inactive is None


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (["q"], 'Please select an option (1 - 3 or "q" ): q\n'),
        (["2"], "FTP is not supported; use SFTP.\n"),
        (["3"], "There is no disc in the drive.\n"),
        (["9"], "Invalid option: 9\n"),
        (["1", "", "", "admin", PASSWORD], "The SFTP server IP must not be empty.\n"),
        (["1", "", "a:b", "admin", PASSWORD], "Suggested values are 1 to 65535\n"),
        (["1", "/images", "::1", "admin", "wrong"], "refused user name or password\n"),
        (["1", "/empty", "sftp", "admin", PASSWORD], "No valid upgrade options were found.\n"),
        (["1", *WHERE, "q"], 'Please select an option (1 - 2 or "q" ): q\n'),
        (["1", *WHERE, "3"], "Invalid option: 3\n"),
        (["1", *WHERE, "0"], "Invalid option: 0\n"),
        (["1", *WHERE, "2", "no", "no"], "Start installation (yes/no): no\n"),
    ],
)
async def test_nothing_is_installed_without_a_source_a_choice_and_a_yes(
    shelf: Desk, answers: list[str], text: str
) -> None:
    before = shelf.context.view.replica
    assert text in await shelf.give("utils system upgrade initiate", answers)
    assert shelf.context.view.replica is before


async def test_a_subscriber_is_told_that_the_publisher_comes_first(
    subscriber_clerk: Desk,
) -> None:
    subscriber_clerk.operations.sftp.files["/images"] = {IMAGE: b""}
    shown = await subscriber_clerk.give("utils system upgrade initiate", ["1", *WHERE])
    assert "No valid upgrade options were found.\nThe publisher cucm-pub has to be" in shown


async def test_status_and_cancel_know_whether_one_runs(shelf: Desk) -> None:
    assert await shelf.give("utils system upgrade status") == "There is no upgrade in progress.\n"
    assert "There is no upgrade in progress.\n" in await shelf.give("utils system upgrade cancel")
    assert not shelf.outcome.succeeded
    answers = ["1", *WHERE, "1", "no", "yes"]
    task = asyncio.create_task(shelf.give("utils system upgrade initiate", answers))
    await installing(shelf)
    other = Desk(shelf.context, shelf.operations)
    assert await other.give("utils system upgrade status") == (
        f"Upgrade to {VERSION} is in progress; it ends at Sun Mar 01 12:01:00 2026.\n"
    )
    assert await other.give("utils system upgrade cancel") == "The upgrade was cancelled.\n"
    await task


async def test_the_sides_are_changed_after_a_yes(shelf: Desk) -> None:
    nothing = "There is no inactive version installed; switch-version is not possible.\n"
    assert nothing in await shelf.give("utils system switch-version")
    await install(shelf, "1", "no", "yes")
    shown = await shelf.give("utils system switch-version", ["no"])
    assert shown.startswith(f"Active Master Version: {TWELVE}\nInactive Master Version: {VERSION}")
    assert not shelf.outcome.leaves
    shown = await shelf.give("utils system switch-version", ["yes"])
    assert shown.endswith("Appliance is being Restarted ...\nStopping Service Manager...\n")
    assert shelf.outcome.leaves
    assert f"Inactive Master Version: {TWELVE}\n" in await shelf.give("show version inactive")
