"""Scenarios central-tftp and central-tftp-mixed-releases (seed 000, centralized TFTP).

Phones of a remote cluster are told the TFTP server of a centre that does not know them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction
from cucmsim.phone.performer import Network
from cucmsim.phone.tftp import TftpPatience
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.services.filelocator import KEPT
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, SUBSCRIBER, TftpRefusedError, tftp_get
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    NEW,
    OLD,
    Handset,
    accepted,
    refused,
)

WAIT_S = 30
PATIENT = TftpPatience(timeout_s=1.0, retransmissions=10)

pytestmark = pytest.mark.usefixtures("quiet")


def location(lab: PhoneLab, scheme: str = "http", node: str = PUBLISHER) -> str:
    ports = lab.ports[node]
    return f"{scheme}://{ADDRESSES[node]}:{ports[scheme]}"


def pointing_to(*locations: str) -> str:
    names = ", ".join(f'"{one}"' for one in locations)
    return f"[tftp]\nalternate_file_locations = [{names}]"


def network(lab: PhoneLab) -> Network:
    return replace(lab.network(), tftp=PATIENT)


@pytest.fixture
def centre(tmp_path: Path, phones: PhoneLab) -> PhoneLab:
    """Describe a centre without phones of its own, which asks the cluster of `phones`."""
    lab = PhoneLab(tmp_path / "centre")
    lab.lab.phones = ""
    lab.lab.extra = pointing_to(location(phones))
    return lab


def off_cluster(cluster: Cluster) -> list[tuple[str, str]]:
    """Return what the centre asked other clusters: file and answer, without sizes."""
    return [
        (each.request.removeprefix("off-cluster "), each.answer)
        for _, each in cluster.journal.since(0)
        if each.request.startswith("off-cluster ")
    ]


async def fetched(lab: PhoneLab, name: str) -> bytes:
    port = lab.ports[PUBLISHER]["tftp"]
    return await asyncio.to_thread(tftp_get, ADDRESSES[PUBLISHER], port, name)


async def find_nothing(lab: PhoneLab, name: str) -> None:
    with pytest.raises(TftpRefusedError, match="File not found"):
        await fetched(lab, name)


@asynccontextmanager
async def breaking_off() -> AsyncIterator[str]:
    """Run a server that dies in the middle of every file."""

    def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-length: 5000\r\n\r\n" + bytes(2000))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_central_tftp_passes_over_clusters_that_are_away_or_break_off(
    phones: PhoneLab, centre: PhoneLab
) -> None:
    nobody = f"127.0.0.1:{centre.ports[SUBSCRIBER]['capf']}"
    async with breaking_off() as broken:
        centre.lab.extra = pointing_to(nobody, broken, location(phones))
        async with centre.lab.running() as cluster:
            handset = Handset(OLD, network(centre))
            async with phones.lab.running():
                await handset.boot()
            held = handset.flash
            away = await handset.boot()
            async with phones.lab.running():
                back = await handset.boot()

    assert held.itl is not None
    assert handset.flash == held
    assert accepted(away) == []
    assert FileKind.ITL in {kind for kind, _ in refused(away)}  # the centre's ITLFile.tlv
    assert (FileKind.CONFIG, TrustSource.ITL) in accepted(back)
    assert refused(back) == []
    first = [answer for name, answer in off_cluster(cluster) if name == f"ITL{OLD.name}.tlv"][:3]
    assert [answer.partition(":")[0] for answer in first] == [
        "no answer",
        "no answer",
        f"{len(held.itl)} bytes",
    ]


async def test_a_phone_that_moves_behind_a_centre_is_found_after_half_an_hour_or_a_restart(
    phones: PhoneLab, centre: PhoneLab, tmp_path: Path
) -> None:
    other = PhoneLab(tmp_path / "other")
    other.lab.phones = ""
    centre.lab.extra = pointing_to(location(phones), location(other))
    clock = MovableClock(SystemClock())

    async def move(identity: PhoneIdentity) -> str:
        """Move a phone whose home the centre knows; return a file of it, found no more."""
        name = f"ITL{identity.name}.tlv"
        assert await fetched(centre, name) == await fetched(phones, name)
        await new.administration().add_device(
            {"mac": identity.mac, "model": identity.model, "lines": ["3001"]}
        )
        await old.administration().remove_device(identity.name)
        await find_nothing(centre, name)
        return name

    async with (
        phones.lab.running() as old,
        other.lab.running() as new,
        centre.lab.running(clock=clock) as cluster,
    ):
        name = await move(OLD)
        await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.RESTART)
        assert await fetched(centre, name) == await fetched(other, name)
        name = await move(NEW)
        clock.move(KEPT + timedelta(seconds=1))
        assert await fetched(centre, name) == await fetched(other, name)


async def test_centres_that_point_at_each_other_ask_each_other_once(
    phones: PhoneLab, centre: PhoneLab
) -> None:
    unknown = "ITLSEP00000000AAAA.tlv"
    phones.lab.extra = pointing_to(location(centre, "tftp"), location(centre))
    centre.lab.extra = pointing_to(location(phones, "tftp"), location(phones))
    async with phones.lab.running() as remote, centre.lab.running() as cluster:
        await find_nothing(centre, unknown)
        assert off_cluster(remote) == []
        assert [name for name, _ in off_cluster(cluster)] == [unknown, unknown]
        await find_nothing(phones, unknown)
        await find_nothing(centre, unknown)
        assert (len(off_cluster(cluster)), len(off_cluster(remote))) == (2, 2)


async def test_an_administrator_sees_and_changes_the_locations_while_the_centre_runs(
    phones: PhoneLab, centre: PhoneLab
) -> None:
    name = f"{OLD.name}.cnf.xml"
    nobody = f"127.0.0.1:{centre.ports[SUBSCRIBER]['capf']}"
    centre.lab.extra = pointing_to(nobody)
    select = (
        "run sql select paramvalue from processconfig where paramname = 'AlternateFileLocation1'"
    )
    update = select.replace("select paramvalue from", "update").replace(
        "where", f"set paramvalue = '{location(phones)}' where"
    )
    async with phones.lab.running(), centre.lab.running() as cluster:
        give = at_node(cluster, PUBLISHER)
        changed = asyncio.Event()
        await find_nothing(centre, name)
        assert nobody in await give(select)
        cluster.view.subscribe(lambda _old, _new: changed.set())
        assert "Rows: 1" in await give(update)
        async with asyncio.timeout(WAIT_S):
            await changed.wait()
        assert await fetched(centre, name) == await fetched(phones, name)
