"""utils network: host, connectivity, ping; by name and address, unknown, silent, wrong."""

import pytest

from tests.services.admin.conftest import Desk
from tests.services.conftest import PUBLISHER, SUBSCRIBER


async def test_a_node_resolves_locally_and_dns_says_what_it_says(desk: Desk) -> None:
    # cucm.md 1.7, "utils network host"
    desk.operations.network.hosts[SUBSCRIBER] = ("192.0.2.2",)
    assert await desk.give(f"utils network host {SUBSCRIBER}") == (
        f"Local Resolution:\n{SUBSCRIBER} resolves locally to 192.0.2.2\n\n"
        f"External Resolution:\n{SUBSCRIBER} has address 192.0.2.2\n"
    )
    assert await desk.give("utils network host example.com") == (
        "Local Resolution:\nNothing found\n\nExternal Resolution:\nNothing found\n"
    )


@pytest.mark.parametrize("host", ["a;ls", "$(id)", "x" * 300, "\u30b5\u30fc", '"a b"', "-"])
@pytest.mark.parametrize("verb", ["host", "connectivity", "ping"])
async def test_a_name_that_is_none_is_refused(desk: Desk, verb: str, host: str) -> None:
    shown = await desk.give(f"utils network {verb} {host}")
    if host == "-" and verb == "host":
        assert "Nothing found" in shown
    else:
        assert shown.endswith("Executed command unsuccessfully\n")


async def test_connectivity_is_told_in_the_documented_words(subscriber_desk: Desk) -> None:
    # cucm.md 1.7, "utils network connectivity"
    begun = (
        "This command can take up to 3 minutes to complete.\n"
        "Continue (y/n)?y\n"
        "Running test, please wait ...\n"
    )
    assert await subscriber_desk.give("utils network connectivity 192.0.2.1", "y") == (
        f"{begun}Network connectivity test with 192.0.2.1 completed successfully.\n"
    )
    subscriber_desk.operations.network.silent = {2445}
    assert await subscriber_desk.give("utils network connectivity", "y") == (
        f"{begun}Network connectivity test with {PUBLISHER} failed: no answer on port 2445.\n"
    )
    assert not subscriber_desk.outcome.succeeded
    shown = await subscriber_desk.give("utils network connectivity", "n")
    assert shown.endswith("Continue (y/n)?n\n")
    shown = await subscriber_desk.give("utils network connectivity 192.0.2.99")
    assert "192.0.2.99 is not a node of this cluster.\n" in shown


async def test_ping_counts_what_came_back(desk: Desk) -> None:
    assert await desk.give(f"utils network ping {SUBSCRIBER} 3") == (
        f"PING {SUBSCRIBER} (192.0.2.2) 56(84) bytes of data.\n"
        "64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.250 ms\n"
        "64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=0.750 ms\n"
        f"\n--- {SUBSCRIBER} ping statistics ---\n"
        "3 packets transmitted, 2 received, 33% packet loss\n"
        "rtt min/avg/max = 0.250/0.500/0.750 ms\n"
    )
    desk.operations.network.echoes = [None]
    assert "100% packet loss\n" in await desk.give(f"utils network ping {SUBSCRIBER}")
    assert not desk.outcome.succeeded
    desk.operations.network.echoes = None
    assert "ping: no way to 192.0.2.2\n" in await desk.give(f"utils network ping {SUBSCRIBER}")
    assert "ping: unknown host nobody\n" in await desk.give("utils network ping nobody")


@pytest.mark.parametrize("count", ["0", "101", "-1", "two", "9" * 5000])
async def test_a_count_out_of_range_is_refused(desk: Desk, count: str) -> None:
    shown = await desk.give(f"utils network ping {SUBSCRIBER} {count}")
    assert "Suggested values are 1 to 100\nExecuted command unsuccessfully\n" in shown


async def test_nothing_is_captured(desk: Desk) -> None:
    refused = await desk.give("utils network capture eth0 file x count 10 size all")
    assert refused.startswith("The network interface of this server cannot be captured.\n")
