"""Registered phones in a whole cluster: in one place at a time, shown with their trust lists."""

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock, movable
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction
from cucmsim.formats.phonealarms import signature_text
from cucmsim.formats.trustlist import ITL_FILENAME
from cucmsim.services.registration import Registration, UnregisterReason
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, SUBSCRIBER, Lab, Outcome

VECTORS = Path(__file__).parent.parent / "vectors" / "sip"
REGISTER, REFER = ((VECTORS / f"{name}.sip").read_bytes() for name in ("register", "refer-alarm"))
DEVICE = "SEPC80084AA8743"
PHONES = """
[[phones]]
mac = "C80084AA8743"
model = "7821"
protocol = "SIP"
lines = ["2222"]
"""

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def port(cluster: Cluster, node: str) -> int:
    return next(held.services["sip"] for held in cluster.ready().nodes if held.name == node)


async def register(cluster: Cluster, node: str, before: bytes = b"") -> Link:
    reader, writer = await asyncio.open_connection(ADDRESSES[node], port(cluster, node))
    writer.write(before + REGISTER)
    await reader.readuntil(b"SIP/2.0 200 OK\r\n")
    return reader, writer


async def cli(lab: Lab, *arguments: str) -> Outcome:
    return await asyncio.to_thread(lab.cli, *arguments)


def refer(itl: bytes) -> bytes:
    start = REFER.index(b"1B A1")
    end = REFER.index(b"</String>", start)
    digest = hashlib.sha1(itl, usedforsecurity=False).digest()
    return REFER[:start] + signature_text(digest).encode() + REFER[end:]


@pytest.mark.usefixtures("quiet")
async def test_a_phone_that_registers_with_another_node_is_dropped_at_the_old_one(lab: Lab) -> None:
    lab.phones = PHONES
    told: list[tuple[str, UnregisterReason | None]] = []

    def note(held: Registration, reason: UnregisterReason | None) -> None:
        told.append((held.node, reason))

    async with lab.running() as cluster:
        for registrations in cluster.registrations.values():
            registrations.subscribe(note)
        reader, old = await register(cluster, PUBLISHER)
        _, new = await register(cluster, SUBSCRIBER)
        await asyncio.wait_for(reader.read(), 30)
        assert told == [
            (PUBLISHER, None),
            (PUBLISHER, UnregisterReason.DUPLICATE),
            (SUBSCRIBER, None),
        ]
        assert list(cluster.registrations[SUBSCRIBER].held) == [DEVICE]
        old.close()
        new.close()


@pytest.mark.usefixtures("quiet")
async def test_a_keepalive_to_the_standby_leaves_the_phone_where_it_is(lab: Lab) -> None:
    lab.phones = PHONES
    async with lab.running() as cluster:
        _, active = await register(cluster, PUBLISHER)
        reader, standby = await asyncio.open_connection(
            ADDRESSES[SUBSCRIBER], port(cluster, SUBSCRIBER)
        )
        head, _, _ = REGISTER.partition(b"Content-Type")
        standby.write(
            head.replace(b"Expires: 3600", b"Expires: 0").replace(b"Call-ID: ", b"Call-ID: other-")
            + b"Content-Length: 0\r\n\r\n"
        )
        await reader.readuntil(b"SIP/2.0 200 OK\r\n")
        assert list(cluster.registrations[PUBLISHER].held) == [DEVICE]
        assert list(cluster.registrations[SUBSCRIBER].held) == []
        active.close()
        standby.close()


@pytest.mark.usefixtures("quiet")
async def test_a_registered_phone_is_shown_with_its_node_and_trust_lists(lab: Lab) -> None:
    lab.phones = PHONES
    async with lab.running() as cluster:
        itl = await cluster._files[SUBSCRIBER].fetch(ITL_FILENAME)
        assert itl is not None
        before = await cli(lab, "device", "show", "CONFIG", DEVICE)
        assert "Registered with:     none\nTrust lists:         not told\n" in before.output
        _, link = await register(cluster, SUBSCRIBER, refer(itl))
        [status] = json.loads((await cli(lab, "status", "CONFIG", "--json")).output)
        assert [node["registered"] for node in status["nodes"]] == [0, 1]
        table = (await cli(lab, "status", "CONFIG")).output.splitlines()
        assert [row.split()[-1] for row in table if "callmanager" in row] == ["0", "1"]
        [held] = json.loads((await cli(lab, "device", "list", "CONFIG", "--json")).output)
        assert (held["registration"]["node"], held["registration"]["protocol"]) == (
            SUBSCRIBER,
            "SIP",
        )
        assert (held["trust"]["itl"], held["trust"]["ctl"]) == ("current", "none")
        shown = (await cli(lab, "device", "show", "CONFIG", DEVICE)).output
        assert f"Registered with:     {SUBSCRIBER}\nProtocol:            SIP over TCP\n" in shown
        sha1 = hashlib.sha1(itl, usedforsecurity=False).hexdigest()
        assert f"ITL:                 current {sha1} from cucm-115.home.lab\nCTL:" in shown
        assert "Last alarm:          DeviceTLInfo at " in shown
        link.close()


@pytest.mark.usefixtures("quiet")
async def test_a_phone_with_an_old_trust_list_is_told_apart(lab: Lab) -> None:
    lab.phones = PHONES
    async with lab.running() as cluster:
        _, link = await register(cluster, PUBLISHER, REFER)
        listed = (await cli(lab, "device", "list", "CONFIG")).output.splitlines()
        assert listed[1].split()[-2:] == ["old", "none"]
        assert listed[-1] == "1 phone, 1 registered"
        shown = await cli(lab, "device", "show", "CONFIG", DEVICE, "--json")
        alarm = json.loads(shown.output)["last_alarm"]
        assert (alarm["name"], alarm["parameters"]["StatusCode"]) == ("DeviceTLInfo", "3")
        link.close()


@pytest.mark.parametrize("mode", ["non-secure", "mixed"])
@pytest.mark.usefixtures("quiet")
async def test_trust_lists_are_the_same_files_after_a_restart(lab: Lab, mode: str) -> None:
    lab.mode = mode
    clock = movable(SystemClock())
    async with lab.running(clock=clock) as cluster:
        before = await cluster.trust_lists()
        clock.move(timedelta(hours=1))
        await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.RESTART)
        assert await cluster.trust_lists() == before
    async with lab.running() as cluster:
        assert await cluster.trust_lists() == before


@pytest.mark.usefixtures("quiet")
async def test_what_a_phone_holds_is_known_after_a_restart_of_the_cluster(lab: Lab) -> None:
    lab.phones = PHONES
    async with lab.running() as cluster:
        _, link = await register(cluster, PUBLISHER, REFER)
        link.close()
    async with lab.running():
        listed = (await cli(lab, "device", "list", "CONFIG")).output.splitlines()
        assert listed[1].split()[-2:] == ["old", "none"]
        shown = (await cli(lab, "device", "show", "CONFIG", DEVICE)).output
        assert "Last alarm:          DeviceTLInfo at " in shown
