"""Scenarios central-tftp and central-tftp-mixed-releases (seed 000, centralized TFTP).

Phones of a remote cluster are told the TFTP server of a centre that does not know them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction
from cucmsim.daemons.tftpd import TftpServer
from cucmsim.phone.performer import Network
from cucmsim.phone.tftp import TftpPatience
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.services.filelocator import KEPT
from cucmsim.services.journal import Journal
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import ADDRESSES, PUBLISHER, SUBSCRIBER, TftpRefusedError, tftp_get
from tests.fixtures.phonelab import PhoneLab
from tests.scenarios.bench import (
    NEW,
    OLD,
    TFTP,
    TVS,
    Administrator,
    Handset,
    accepted,
    asked,
    refused,
)

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
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


@pytest.mark.parametrize(
    ("identity", "release", "scheme"),
    [(OLD, "8.6", "tftp"), (NEW, "11.5", "http"), (NEW, "12.5", "http")],
    ids=["79xx-8.6", "88xx-11.5", "88xx-12.5"],
)
async def test_central_tftp_brings_the_files_of_the_remote_cluster_which_are_trusted(
    phones: PhoneLab, centre: PhoneLab, identity: PhoneIdentity, release: str, scheme: str
) -> None:
    phones.lab.release = centre.lab.release = release
    centre.lab.extra = pointing_to(location(phones, scheme))
    async with phones.lab.running() as remote, centre.lab.running() as cluster:
        handset = Handset(identity, network(centre), registering=True)
        summary = await handset.boot()
        again = await handset.boot()
        await handset.phone.close()
        itl = await fetched(phones, f"ITL{identity.name}.tlv")
        trace = await at_node(cluster, PUBLISHER)(
            "file view activelog cm/trace/tftp/sdi/ctftp00000001.txt"
        )

    assert accepted(summary) == [
        (FileKind.ITL, TrustSource.BLIND),
        (FileKind.CONFIG, TrustSource.ITL),
    ]
    assert refused(summary) == refused(again) == []
    assert handset.flash.itl == itl
    assert summary.registered == again.registered == PUBLISHER
    assert asked(remote, "callmanager") != [] == asked(cluster, "callmanager")
    wanted = [
        f"CTL{identity.name}.tlv",
        f"ITL{identity.name}.tlv",
        f"{identity.name}.cnf.xml.sgn",
    ]
    assert [name for name, _ in off_cluster(cluster)] == [*wanted, *wanted]
    assert f"off-cluster {wanted[1]}: {len(itl)} bytes" in trace
    over_http = [each.answer for _, each in cluster.journal.since(0) if each.service == "http"]
    assert set(over_http) <= {"not found, TFTP asks other clusters"}
    assert bool(over_http) is (identity is NEW)


@asynccontextmanager
async def before_8_0(remote: Mapping[str, bytes]) -> AsyncIterator[str]:
    """Run a TFTP server with a phone's configuration and no ITL, as a cluster before 8.0 has it."""
    server = TftpServer(
        Served(remote), [("127.0.0.1", 0)], node="old", journal=Journal(), clock=SystemClock()
    )
    await server.start()
    try:
        yield f"tftp://127.0.0.1:{server.ports[0]}"
    finally:
        await server.stop(0)


class Served:
    """Files as they are."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def cached(self, name: str) -> bytes | None:
        return self._files.get(name)

    async def fetch(self, name: str) -> bytes | None:
        return self._files.get(name)


@BOTH
async def test_central_tftp_mixed_releases_needs_the_centre_prepared_for_rollback(
    phones: PhoneLab, centre: PhoneLab, identity: PhoneIdentity
) -> None:
    plain, signed = f"{identity.name}.cnf.xml", f"{identity.name}.cnf.xml.sgn"
    async with phones.lab.running():
        held = {name: await fetched(phones, name) for name in (plain, signed)}
        async with before_8_0(held) as old:
            centre.lab.extra = pointing_to(old)
            async with centre.lab.running() as cluster:
                handset, admin = (
                    Handset(identity, network(centre), registering=True),
                    Administrator(cluster),
                )
                first = await handset.boot()
                own = await fetched(centre, "ITLFile.tlv")
                taken = handset.flash
                await admin.prepare_rollback()
                await admin.restart(TVS, TFTP)
                second = await handset.boot()
                await handset.phone.close()

    assert accepted(first) == [(FileKind.ITL, TrustSource.BLIND)]
    assert taken.itl == own
    assert {kind for kind, _ in refused(first)} == {FileKind.CONFIG}
    assert first.registered is None
    assert accepted(second)[0] == (FileKind.ITL, TrustSource.ITL)
    assert [kind for kind, _ in accepted(second)] == [FileKind.ITL, FileKind.CONFIG]
    assert refused(second) == []
    assert second.registered == PUBLISHER


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
        await new.add_device({"mac": identity.mac, "model": identity.model, "lines": ["3001"]})
        await old.remove_device(identity.name)
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
