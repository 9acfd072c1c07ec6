"""Status, names, network and time zone of a node."""

import pytest

from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER, SUBSCRIBER, SteppingClock


async def test_the_cluster_is_listed_as_on_the_publisher(desk: Desk) -> None:
    # cucm.md 1.7, "show network cluster"
    assert await desk.give("show network cluster") == (
        f"192.0.2.1 {PUBLISHER} {PUBLISHER} Publisher callmanager DBPub authenticated\n"
        f"192.0.2.2 {SUBSCRIBER} {SUBSCRIBER} Subscriber callmanager DBSub authenticated"
        " using TCP since Wed Feb 26 18:24:27 2014\n"
        "\nServer Table (processnode) Entries\n----------------------------------\n"
        f"{PUBLISHER}\n{SUBSCRIBER}\n"
    )


async def test_a_subscriber_lists_no_server_table(subscriber_desk: Desk) -> None:
    shown = await subscriber_desk.give("show network cluster")
    assert "DBPub authenticated using TCP since " in shown
    assert "Server Table" not in shown


async def test_status_tells_how_long_the_node_has_been_up(
    desk: Desk, stepping_clock: SteppingClock
) -> None:
    stepping_clock.step(90_061)
    shown = await desk.give("show status")
    assert f"Host Name          : {PUBLISHER}\n" in shown
    assert "Time Zone          : GMT (Etc/GMT)\n" in shown
    assert "Product Ver        : 10.0.1.10000-1\n" in shown
    assert shown.endswith("\nUptime:\n 19:25:28 up 1 days,  1:01\n")


async def test_names_addresses_and_the_account_are_shown(desk: Desk) -> None:
    assert await desk.give("show hostname") == f"hostname : {PUBLISHER}\n"
    assert "IP Address   : 192.0.2.1 " in await desk.give("show network eth0")
    shown = await desk.give("show myself")
    assert "account name    : admin\nprivilege level : 4\ncommand count   : disabled\n" in shown
    await desk.give("set commandcount enable")
    assert "command count   : enabled\n" in await desk.give("show myself")


async def test_a_time_zone_is_set_by_name_or_number(desk: Desk) -> None:
    assert await desk.give("set timezone Europe/Warsaw") == "Using timezone: Europe/Warsaw\n"
    assert await desk.give("show timezone config") == "Current timezone: Europe/Warsaw\n"
    listed = (await desk.give("show timezone list")).splitlines()
    number, _, name = next(line for line in listed if "Chicago" in line).partition(" - ")
    assert await desk.give(f"set timezone {number}") == f"Using timezone: {name}\n"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "99999", "-1"])
async def test_a_time_zone_that_is_none_is_refused(desk: Desk, zone: str) -> None:
    assert (await desk.give(f"set timezone {zone}")).startswith(f"Invalid timezone: {zone}.")
    assert desk.context.platform.values.time_zone == "Etc/GMT"
