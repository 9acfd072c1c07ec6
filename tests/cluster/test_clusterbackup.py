"""A whole cluster into one file and out of it: running, at rest, elsewhere, and what is refused."""

import asyncio
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cucmsim.cli import clusterbackup
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction
from cucmsim.errors import CommandError, RefusedError
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.services.operations.whole.file import decode_backup
from cucmsim.services.operations.whole.restore import back_up_cluster, restore_cluster
from cucmsim.store.replica import Replica
from tests.fixtures.clusters import PHONE, PUBLISHER, SIP_PHONE, SUBSCRIBER, Lab, Outcome, tftp_get

pytestmark = pytest.mark.usefixtures("quiet")
WRONG = "the backup does not open: the security password is not the one it was made under"


async def cli(lab: Lab, command: str, *arguments: object) -> Outcome:
    given = map(str, arguments)
    return await asyncio.to_thread(lab.cli, "cluster", command, "CONFIG", *given)


def content(replica: Replica) -> tuple[object, ...]:
    """Return what phones are told and trusted by; versions and orders to nodes apart."""
    keys = {place: key.private_key_der for place, key in replica.own_keys.items()}
    return (replica.nodes, replica.certificates, keys, replica.devices, replica.enterprise)


def certificate(cluster: Cluster) -> bytes:
    return cluster.view.replica.own[PUBLISHER, Unit.CALLMANAGER].certificate_der


async def itl_of(cluster: Cluster) -> bytes:
    """Return what TFTP serves; asked again while its port changes with a restart."""
    async with asyncio.timeout(30):
        while True:
            ready = cluster.ready().nodes[0]
            with suppress(KeyError, TimeoutError):
                port = ready.services["tftp"]
                return await asyncio.to_thread(tftp_get, ready.address, port, "ITLFile.tlv", 1)
            await asyncio.sleep(0)


async def come_up(cluster: Cluster) -> None:
    for power in cluster.powers.values():
        await power.finished()


async def change_much(cluster: Cluster) -> None:
    operator = cluster.operator()
    await cluster.administration().remove_device(PHONE)
    await regenerate_certificate(operator, PUBLISHER, Unit.CALLMANAGER)
    async with operator.store.transaction() as transaction:
        await transaction.set_enterprise_parameter("RollBackToPreGrayback", "T")
    await operator.newest()


async def test_a_running_cluster_is_again_what_the_backup_says(
    any_lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "lab.backup"
    async with any_lab.running() as cluster:
        before, signer = content(cluster.view.replica), certificate(cluster)
        told = await cli(any_lab, "backup", file)
        assert told.output.startswith(f"{file}: LabCluster, release 11.5(1), 2 nodes, 2 phones")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        await change_much(cluster)
        await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.RESTART)
        assert signer not in await itl_of(cluster)
        changed = cluster.view.replica
        assert (await cli(any_lab, "restore", file, "--yes")).errors == ""
        await come_up(cluster)
        restored = cluster.view.replica
        assert content(restored) == before
        assert restored.version > changed.version
        assert signer in await itl_of(cluster)
        await cluster.administration().remove_device(PHONE)
        assert set(cluster.devices()) == {SIP_PHONE}  # changes go on above that version


async def test_a_process_of_a_node_takes_it_over_and_restarts_its_services(
    postgres_lab: Lab,
) -> None:
    async with postgres_lab.running(PUBLISHER) as pub, postgres_lab.running(SUBSCRIBER) as sub:
        data = await back_up_cluster(pub.operator(), "Lab")
        before, started = content(sub.view.replica), sub.powers[SUBSCRIBER].started
        await change_much(pub)
        header = await restore_cluster(pub.operator(), data, PUBLISHER)
        async with asyncio.timeout(10):
            while sub.view.replica.version <= header.version:
                await sub.operator().newest()
            await come_up(sub)
        assert content(sub.view.replica) == before
        assert sub.powers[SUBSCRIBER].started > started


async def test_a_cluster_moves_to_an_empty_store_under_another_password(
    lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "lab.backup"
    async with lab.running() as cluster:
        before, made = content(cluster.view.replica), await security_password(cluster.operator())
    assert (await cli(lab, "backup", file)).status == 0
    place = tmp_path / "elsewhere"
    place.mkdir()
    other = Lab(place, security_password="another-password")
    other.write()
    refused = await cli(other, "restore", file)
    assert (refused.status, refused.errors) == (
        1,
        f"cucmsim: {WRONG}\n",
    )
    assert (await cli(other, "restore", file, "--backup-password", made)).status == 0
    asked = await cli(other, "restore", file)
    assert (asked.status, "Replace 2 nodes, 2 phones by" in asked.output) == (1, True)
    async with other.running() as cluster:
        assert content(cluster.view.replica) == before


def cut(data: bytes) -> bytes:
    return data[:-1]


def turn_a_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def of_a_later_layout(data: bytes) -> bytes:
    return data.replace(b"backup 1 ", b"backup 2 ", 1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, r"cut off: found \d+ bytes of data, expected \d+"),
        (turn_a_bit, "damaged: its checksum"),
        (of_a_later_layout, "newer release: found layout 2, expected 1"),
        (bytes.upper, "found no backup of a cluster"),
    ],
)
async def test_what_is_not_whole_is_refused(
    backup: bytes, spoil: Callable[[bytes], bytes], said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        decode_backup(spoil(backup))


async def test_backups_of_other_clusters_are_refused_and_change_nothing(
    lab: Lab, backup: bytes
) -> None:
    lab.nodes = lab.nodes.replace('"cucm-sub"', '"cucm-two"')
    async with lab.running() as cluster:
        version, operator = cluster.view.replica.version, cluster.operator()
        with pytest.raises(RefusedError, match="without cucm-two: expected one with every node"):
            await restore_cluster(operator, backup, PUBLISHER)
        with pytest.raises(RefusedError, match="publisher cucm-pub, expected cucm-two"):
            await restore_cluster(operator, backup, "cucm-two")
        assert (await operator.newest()).version == version


@pytest.fixture
async def backup(tmp_path: Path) -> bytes:
    place = tmp_path / "backed-up"
    place.mkdir()
    lab = Lab(place)
    async with lab.running() as cluster:
        return await back_up_cluster(cluster.operator(), "Lab")


def test_a_file_that_cannot_be_read_or_written_is_told(lab: Lab, tmp_path: Path) -> None:
    lab.write()
    missing = lab.cli("cluster", "restore", "CONFIG", str(tmp_path / "none"))
    assert missing.errors == f"cucmsim: cannot read {tmp_path}/none: No such file or directory\n"
    with pytest.raises(CommandError, match=r"cannot write .*No such file"):
        clusterbackup._write(tmp_path / "no" / "file", b"")


def test_nothing_to_back_up_is_told(lab: Lab, tmp_path: Path) -> None:
    lab.write()
    told = lab.cli("cluster", "backup", "CONFIG", str(tmp_path / "file"))
    assert told.status == 1
    assert "cucm.db' is not there" in told.errors
