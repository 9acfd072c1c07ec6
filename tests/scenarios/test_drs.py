"""Scenarios drs-restore, drs-CSCtn50405 and rebuilt-no-backup (seed 000, lines 751 to 796)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cucmsim.cluster.cluster import Cluster
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from tests.fixtures.adminlines import at_node
from tests.fixtures.clusters import PUBLISHER
from tests.fixtures.phonelab import PhoneLab
from tests.fixtures.sftpservers import PASSWORD, USER, Served, serving
from tests.scenarios.bench import FAILED, NEW, OLD, TFTP, TVS, Administrator, Handset, accepted

BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
FOLLOWS = [(FileKind.ITL, TrustSource.ITL), (FileKind.CONFIG, TrustSource.ITL)]
VOUCHED = [(FileKind.ITL, TrustSource.TVS), (FileKind.CONFIG, TrustSource.ITL)]
SERVICES = (TVS, "Cisco Certificate Authority Proxy Function", TFTP)
SQL = (  # seed 000, lines 771 to 773
    "run sql select c.subjectname, c.serialnumber, c.ipv4address, t.name from certificate as c,"
    " certificatetrustrolemap as r, typetrustrole as t where c.pkid = r.fkcertificate and t.enum ="
    " r.tktrustrole"
)

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def sftp(tmp_path: Path) -> AsyncIterator[Served]:
    """Serve a directory for backups."""
    (tmp_path / "backups").mkdir()
    async with serving(tmp_path / "backups") as served:
        yield served


async def add_device(admin: Administrator, sftp: Served) -> None:
    device = {"host": sftp.host, "port": sftp.port, "user": USER, "password": PASSWORD}
    answer = await admin.post("/drs/devices", {"name": "sftp1", "directory": "/", **device})
    assert answer.is_success, answer.text


async def back_up(cluster: Cluster, sftp: Served) -> str:
    """Back the cluster up; return the name of the backup."""
    admin = Administrator(cluster)
    await add_device(admin, sftp)
    answer = await admin.post("/operations/backup", {"device": "sftp1", "features": ["UCM"]})
    assert answer.is_success, answer.text
    return str(answer.json()["backup"])


async def restore(cluster: Cluster, sftp: Served, backup: str) -> list[str]:
    """Restore every server; return the server's words."""
    admin = Administrator(cluster)
    await add_device(admin, sftp)
    answer = await admin.post("/operations/restore", {"device": "sftp1", "backup": backup})
    assert answer.is_success, answer.text
    return list(answer.json()["lines"])


@BOTH
async def test_drs_restore_brings_the_key_back_and_phones_follow(
    single: PhoneLab, identity: PhoneIdentity, tmp_path: Path, sftp: Served
) -> None:
    async with single.lab.running() as cluster:
        handset = Handset(identity, single.network())
        await handset.boot()
        backup = await back_up(cluster, sftp)
    rebuilt = single.clone(tmp_path / "rebuilt")
    rebuilt.lab.phones = single.lab.phones
    async with rebuilt.lab.running() as cluster:
        admin, handset = Administrator(cluster), handset.moved(rebuilt.network())
        locked = await handset.boot()
        lines = await restore(cluster, sftp, backup)
        not_restarted = await handset.boot()
        messages = list(handset.messages)
        await admin.change_phone(identity, description="restored")
        await admin.restart(*SERVICES)
        followed = await handset.boot()

    assert accepted(locked) == accepted(not_restarted) == []
    assert FAILED[identity] in messages
    assert f"Please restart the server(s) [{PUBLISHER}]" in lines[-1]
    assert accepted(followed) == FOLLOWS
    assert FAILED[identity] not in handset.messages


@BOTH
async def test_rebuilt_no_backup_is_another_cluster_to_phones(
    single: PhoneLab, identity: PhoneIdentity, tmp_path: Path
) -> None:
    async with single.lab.running():
        handset = Handset(identity, single.network())
        await handset.boot()
    held, rebuilt = handset.flash, single.clone(tmp_path / "rebuilt")
    rebuilt.lab.phones = single.lab.phones
    async with rebuilt.lab.running():
        handset = handset.moved(rebuilt.network())
        locked = await handset.boot()

    assert accepted(locked) == []
    assert handset.flash == held
    assert FAILED[identity] in handset.messages


@BOTH
async def test_drs_csctn50405_breaks_the_itl_until_a_new_callmanager_certificate(
    single: PhoneLab, identity: PhoneIdentity, tmp_path: Path, sftp: Served
) -> None:
    single.lab.release, defect = "10.0", "[service_parameters.drs]\nCSCtn50405 = true\n"
    single.lab.extra = defect
    async with single.lab.running() as cluster:
        handset = Handset(identity, single.network())
        await handset.boot()
        backup = await back_up(cluster, sftp)
    rebuilt = single.clone(tmp_path / "rebuilt")
    rebuilt.lab.phones, rebuilt.lab.release = single.lab.phones, "10.0"
    async with rebuilt.lab.running() as cluster:
        admin, handset = Administrator(cluster), handset.moved(rebuilt.network())
        give = at_node(cluster, PUBLISHER)
        await restore(cluster, sftp, backup)
        await admin.restart(*SERVICES)
        refused, broken, queried = await handset.boot(), await give("show itl"), await give(SQL)
        messages, own = list(handset.messages), cluster.view.replica.own
        serial = own[PUBLISHER, "CallManager"].serialnumber
        shown = await give("show cert own CallManager")
        await admin.regenerate("CallManager")
        await admin.restart(*SERVICES)
        mended, listing = await handset.boot(), await give("show itl")
        again, certificate = await give(SQL), cluster.view.replica.own[PUBLISHER, "CallManager"]

    assert accepted(refused) == []
    assert FAILED[identity] in messages
    assert "This etoken was not used to sign the ITL file." in broken
    assert broken.endswith(  # seed 000, lines 783 to 786
        "Verification of the ITL file failed.\nError parsing the ITL file!!\n"
    )
    assert serial in shown.lower()
    assert serial not in queried
    assert accepted(mended) == VOUCHED
    assert "The ITL file was verified successfully." in listing
    assert certificate.serialnumber in again
