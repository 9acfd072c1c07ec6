"""A cluster is backed up, installed anew and restored: seed 000, lines 751 to 796; cucm.md 7."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cucmsim.errors import RefusedError, StoreError
from cucmsim.formats.trustlist import decode_trust_list, verify_trust_list
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.clockmove import advance_clock, advance_of
from cucmsim.services.operations.drs import backup
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.backup import back_up
from cucmsim.services.operations.drs.contents import DEFECT, SERVICE
from cucmsim.services.operations.drs.manifest import Component, Manifest
from cucmsim.services.operations.drs.progress import Kind, State, progress_of, read_history
from cucmsim.services.operations.drs.restore import restore
from cucmsim.services.operations.drs.schedules import (
    Frequency,
    Schedule,
    add_schedule,
    schedules_of,
)
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.services.operations.rename import rename_host
from cucmsim.services.trustlists import build_itl
from cucmsim.store.replica import Replica
from cucmsim.store.requests import PendingRequest
from cucmsim.store.rows import Device, Line, ProcessNode, TftpFile
from cucmsim.store.transaction import Transaction
from tests.services.admin.conftest import Usual
from tests.services.operations.conftest import NOW, PUBLISHER, SUBSCRIBER, der
from tests.services.operations.drs.conftest import NEW, Rebuilt, stop_service

PHONE = Device(
    name="SEP001B54C25A01", model="Cisco 7962", lines=(Line("2001", "Front"),), lsc_der=b"\x30\x01"
)
CALLMANAGER = (PUBLISHER, "CallManager")


async def fill(drs: Drs) -> Replica:
    """Give the cluster a phone, parameters, files and a request."""
    async with drs.operator.store.transaction() as transaction:
        await transaction.put_device(PHONE)
        await transaction.set_enterprise_parameter("ClusterSecurityMode", "1")
        await transaction.set_service_parameter("tvs", "TimeToLive", "60", PUBLISHER)
        for node in (None, PUBLISHER, SUBSCRIBER):
            data = f"\0of {node}".encode()
            await transaction.put_tftp_file(TftpFile(name="a/b.xml", data=data, node=node))
        await transaction.put_request(SUBSCRIBER, "CallManager", PendingRequest(b"csr", b"key"))
    return await drs.operator.newest()


def own(replica: Replica) -> dict[tuple[str, str], bytes]:
    """Return the own certificates by node and unit."""
    return {place: held.certificate_der for place, held in replica.own.items()}


def comparable(replica: Replica) -> Replica:
    """Return what has to come back: all but versions, pkids of files, and our own parameters."""
    files = {place: replace(file, pkid="") for place, file in replica.tftp_files.items()}
    parameters = {
        key: text for key, text in replica.service_parameters.items() if key[1] != "cucmsim"
    }
    return replace(replica, version=0, tftp_files=files, service_parameters=parameters)


async def switch_defect_on(drs: Drs) -> None:
    async with drs.operator.store.transaction() as transaction:
        await transaction.set_service_parameter(SERVICE, DEFECT, "T")


async def test_a_rebuilt_cluster_is_what_it_was(drs: Drs, rebuilt: Rebuilt) -> None:
    before = await fill(drs)
    stamp = await back_up(drs, "sftp1", ["UCM"])
    async with rebuilt() as other:
        outcome = await restore(other, "sftp1", f"{stamp}.tar")
        after = await other.operator.newest()
        async with other.operator.store.transaction() as transaction:
            request = await transaction.get_request(SUBSCRIBER, "CallManager")
        (past,) = await read_history(other.operator, Kind.RESTORE)
        progress = await progress_of(other.operator, Kind.RESTORE)

    assert comparable(after) == comparable(before)
    assert request == PendingRequest(b"csr", b"key")
    assert "Please restart the server(s) [cucm-pub, cucm-sub]" in outcome.lines[-1]
    assert (past.stamp, past.state, past.features) == (stamp, State.SUCCESS, ("UCM",))
    assert progress is not None
    assert progress.percentage == 100


async def test_a_replica_that_follows_sees_the_restored_cluster(drs: Drs) -> None:
    await fill(drs)
    stamp, store = await back_up(drs, "sftp1", ["UCM"]), drs.operator.store
    backed_up = await store.load_replica()
    async with store.transaction() as transaction:
        await transaction.delete_device(PHONE.name)
        await transaction.put_device(replace(PHONE, name="SEP001B54C25A02"))
        await transaction.delete_tftp_file("a/b.xml", SUBSCRIBER)
        await transaction.put_tftp_file(TftpFile(name="new.xml", data=b"x", node=PUBLISHER))
        await transaction.delete_enterprise_parameter("ClusterSecurityMode")
    following = await store.load_replica()
    await restore(drs, "sftp1", stamp)
    following = await store.update_replica(following)

    assert following == await store.load_replica()
    assert comparable(following) == comparable(backed_up)


async def test_with_the_defect_database_and_key_differ_until_a_new_certificate(
    drs: Drs, rebuilt: Rebuilt
) -> None:
    await switch_defect_on(drs)
    before = await drs.operator.newest()
    stamp = await back_up(drs, "sftp1", ["UCM"])
    async with rebuilt() as other:
        operator = replace(other.operator, certificates=Usual())
        await restore(other, "sftp1", stamp)
        after = await operator.newest()
        broken = decode_trust_list(build_itl(after, PUBLISHER, operator.release, timestamp=NOW))
        old = decode_trust_list(
            build_itl(after, PUBLISHER, type(operator.release).parse("11.5"), timestamp=NOW)
        )
        await regenerate_certificate(operator, PUBLISHER, Unit.CALLMANAGER)
        mended = await operator.newest()
        itl = build_itl(mended, PUBLISHER, type(operator.release).parse("11.5"), timestamp=NOW)

    own_pair = after.signer(*CALLMANAGER)
    shown = after.shown_certificate(*CALLMANAGER)
    assert own(after)[CALLMANAGER] == der("callmanager-pub-1024")
    assert own_pair.certificate.public_key() == own_pair.private_key.public_key()
    assert shown is not None
    assert (shown.certificate_der, shown.roles) == (der("callmanager-pub"), (0, 2))
    assert after.own[CALLMANAGER].roles == ()
    assert own(after)[PUBLISHER, "TVS"] == own(before)[PUBLISHER, "TVS"]
    assert verify_trust_list(broken) is True  # from 12.0 ITLRecovery signs
    assert verify_trust_list(old) is not True
    assert mended.shown_certificate(*CALLMANAGER) == mended.own[CALLMANAGER]
    assert mended.own[CALLMANAGER].pkid == shown.pkid
    assert mended.own_keys[CALLMANAGER].modified is not None
    assert der("callmanager-pub-1024") not in [one.certificate_der for one in mended.certificates]
    assert verify_trust_list(decode_trust_list(itl)) is True


async def test_with_the_defect_a_server_that_was_not_rebuilt_stays_whole(drs: Drs) -> None:
    await switch_defect_on(drs)
    before = await drs.operator.newest()
    await restore(drs, "sftp1", await back_up(drs, "sftp1", ["UCM"]))
    assert comparable(await drs.operator.newest()) == comparable(before)


async def test_the_publisher_alone_brings_the_database_and_others_keep_theirs(
    drs: Drs, rebuilt: Rebuilt
) -> None:
    before = await fill(drs)
    stamp = await back_up(drs, "sftp1", ["UCM"])
    async with rebuilt() as other:
        store = other.operator.store
        async with store.transaction() as transaction:
            await transaction.put_request(SUBSCRIBER, "CallManager", PendingRequest(b"s", b"t"))
            await transaction.put_tftp_file(TftpFile(name="s", data=b"s", node=SUBSCRIBER))
        outcome = await restore(other, "sftp1", stamp, "cucm-pub.lab.local")
        after = await store.load_replica()
        async with store.transaction() as transaction:
            request = await transaction.get_request(SUBSCRIBER, "CallManager")

    assert own(after) == {
        **own(before),
        (SUBSCRIBER, "CallManager"): der("callmanager-casigned"),
    }
    assert after.devices == before.devices
    assert request == PendingRequest(b"s", b"t")
    assert {place: file.data for place, file in after.tftp_files.items()} == {
        (None, "a/b.xml"): b"\0of None",
        (PUBLISHER, "a/b.xml"): b"\0of cucm-pub",
        (SUBSCRIBER, "s"): b"s",
    }
    assert "[cucm-pub]" in outcome.lines[-1]


async def test_a_subscriber_alone_leaves_the_database(drs: Drs, rebuilt: Rebuilt) -> None:
    await fill(drs)
    stamp = await back_up(drs, "sftp1", ["UCM"])
    async with rebuilt() as other:
        await restore(other, "sftp1", stamp, SUBSCRIBER)
        after = await other.operator.newest()

    installed = {(node, unit): der(name) for node, unit, name in NEW}
    assert own(after) == {**installed, (SUBSCRIBER, "CallManager"): der("callmanager-sub")}
    trusted = [held.certificate_der for held in after.in_store("CallManager-trust")]
    assert der("callmanager-sub") in trusted
    assert after.devices == {}
    assert list(after.tftp_files) == [(SUBSCRIBER, "a/b.xml")]


async def test_the_clock_and_what_only_this_program_knows_stay(drs: Drs, rebuilt: Rebuilt) -> None:
    first = (NOW + timedelta(days=1)).isoformat()
    nightly = Schedule("nightly", "sftp1", ("UCM",), first, Frequency.DAILY)
    await add_schedule(drs.operator, nightly)
    await advance_clock(drs.operator, timedelta(hours=1))
    stamp = await back_up(drs, "sftp1", ["UCM"])
    await advance_clock(drs.operator, timedelta(hours=1))
    await restore(drs, "sftp1", stamp)
    at_home = await drs.operator.newest()
    async with rebuilt() as other:
        await restore(other, "sftp1", stamp)
        elsewhere = await other.operator.newest()

    assert advance_of(at_home) == timedelta(hours=2)
    assert list(schedules_of(at_home)) == ["nightly"]
    assert advance_of(elsewhere) == timedelta(hours=1)
    assert schedules_of(elsewhere) == {}


async def test_every_node_keeps_the_ports_that_it_listens_on(drs: Drs) -> None:
    stamp = await back_up(drs, "sftp1", ["UCM"])
    node = (await drs.operator.newest()).publisher
    async with drs.operator.store.transaction() as transaction:
        await transaction.put_node(replace(node, ports={"tftp": 7000}, address="127.0.9.9"))
    await restore(drs, "sftp1", stamp)
    after = (await drs.operator.newest()).publisher
    assert (after.ports, after.address) == ({"tftp": 7000}, "127.0.9.9")


async def refused(drs: Drs, words: str, tar: str = "", server: str = "ALL") -> None:
    """Restore, which is refused and changes nothing."""
    before, stamp = await drs.operator.newest(), tar or "2026-03-01-12-00-00"
    with pytest.raises(RefusedError, match=words):
        await restore(drs, "sftp1", stamp, server)
    assert await drs.operator.newest() == before


PLATFORM = "2026-03-01-12-00-00_cucm-pub_UCM_PLATFORM.tar"
LIST = "2026-03-01-12-00-00_drfComponent.xml"
Damage = Callable[[bytes], bytes]


def relisted(files: dict[str, bytes], data: bytes) -> None:
    """Put another file in the place of one, and list it."""
    manifest = Manifest.load(files[LIST], LIST)
    components = tuple(
        Component.of(one.server, one.name, one.file, data) if one.file == PLATFORM else one
        for one in manifest.components
    )
    files[PLATFORM], files[LIST] = data, replace(manifest, components=components).dump()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], r"PLATFORM\.tar: found \d+ bytes, expected \d+"),
        (lambda data: data[:-1] + b"\0", r"PLATFORM\.tar is damaged: its SHA-256"),
    ],
)
async def test_a_file_that_is_not_whole_is_refused(
    drs: Drs, files: dict[str, bytes], damage: Damage, words: str
) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    files[PLATFORM] = damage(files[PLATFORM])
    await refused(drs, words)
    (past,) = await read_history(drs.operator, Kind.RESTORE)
    assert past.state is State.ERROR


async def test_what_is_missing_or_no_backup_is_refused(drs: Drs, files: dict[str, bytes]) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    kept, sealed = dict(files), files[PLATFORM]
    relisted(files, b"rubbish")
    await refused(drs, r"PLATFORM\.tar is not a file of a backup")
    relisted(files, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    await refused(drs, r"PLATFORM\.tar cannot be opened: wrong cluster security password or alter")
    files |= kept
    files[LIST] = kept[LIST].replace(b'domain="lab.local"', b'domain="lab.local" x=""')
    await restore(drs, "sftp1", "2026-03-01-12-00-00")  # what nobody knows is passed over
    del files[PLATFORM]
    await refused(drs, r"PLATFORM\.tar is missing on the device")
    lines = [line for line in kept[LIST].splitlines() if b"PLATFORM.tar" not in line]
    files[LIST] = b"\n".join(lines)
    await refused(drs, r"drfComponent\.xml lacks a component")
    for rubbish in (b"rubbish", b"<a/>", b"x" * 1_000_001, kept[LIST].replace(b"12-00", b"13-00")):
        files[LIST] = rubbish
        await refused(drs, r"drfComponent\.xml is not the list of a backup")
    del files[LIST]
    await refused(drs, "Backup 2026-03-01-12-00-00 does not exist on the device")
    await refused(drs, "Invalid tar file name: found 'x.tar'", "x.tar")
    with pytest.raises(RefusedError, match="Device x does not exist"):
        await restore(drs, "x", "2026-03-01-12-00-00")


async def test_another_password_release_or_cluster_is_refused(
    drs: Drs, rebuilt: Rebuilt, files: dict[str, bytes]
) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    await refused(drs, "has no server nobody; it has: cucm-pub, cucm-sub", server="nobody")
    files[LIST] = files[LIST].replace(b'release="12.5(1)"', b'release="14"')
    await refused(drs, r"made by release 14, this server has 12\.5\(1\)")
    files[LIST] = files[LIST].replace(b'release="14"', b'release="12.5(1)"')
    files[LIST] = files[LIST].replace(b'publisher="cucm-pub"', b'publisher="other"')
    await refused(drs, "is of publisher other, this one is cucm-pub")
    files[LIST] = files[LIST].replace(b'publisher="other"', b'publisher="cucm-pub"')
    async with rebuilt("another password") as other:
        await refused(other, "wrong cluster security password")


async def test_after_a_rename_an_old_backup_is_refused_cucm_md_7_row_8(drs: Drs) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    operator = replace(drs.operator, certificates=Usual())
    await rename_host(operator, SUBSCRIBER, "newname")
    await refused(drs, re.escape("when the host name of cucm-sub was cucm-sub; it is newname now."))


async def test_nodes_that_came_or_went_are_minded(drs: Drs) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    third = ProcessNode(name="cucm-3", host="cucm-3", address="127.0.1.3")
    async with drs.operator.store.transaction() as transaction:
        await transaction.put_node(third)
    await refused(drs, "nodes in the cluster that are not in the backup: cucm-3")
    async with drs.operator.store.transaction() as transaction:
        await transaction.delete_node("cucm-3")
        await transaction.put_group(
            replace((await transaction.replica()).groups["Default"], members=(PUBLISHER,))
        )
        await transaction.delete_node(SUBSCRIBER)
    await refused(drs, "Server cucm-sub is not in the cluster", server=SUBSCRIBER)
    await restore(drs, "sftp1", "2026-03-01-12-00-00")
    assert own(await drs.operator.newest())[SUBSCRIBER, "CallManager"] == der("callmanager-sub")


@pytest.mark.parametrize(
    ("node", "service"), [(PUBLISHER, "Cisco DRF Master"), (SUBSCRIBER, "Cisco DRF Local")]
)
async def test_the_services_of_drf_have_to_run(drs: Drs, node: str, service: str) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    await stop_service(drs, node, service)
    await refused(drs, f"Agent is not responding. {service} is not started on {node}")
    with pytest.raises(RefusedError, match="Agent is not responding"):
        await back_up(drs, "sftp1", ["UCM"])


async def test_a_restore_that_fails_half_way_changes_nothing(
    drs: Drs, rebuilt: Rebuilt, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(drs)
    stamp = await back_up(drs, "sftp1", ["UCM"])

    async def fail(*_: object) -> str:
        raise StoreError("disk full")

    async with rebuilt() as other:
        before = await other.operator.newest()
        for name in ("put_own_certificate", "put_request", "put_tftp_file", "put_node"):
            with monkeypatch.context() as patch:
                patch.setattr(Transaction, name, fail)
                with pytest.raises(StoreError, match="disk full"):
                    await restore(other, "sftp1", stamp)
            assert await other.operator.newest() == before
        await restore(other, "sftp1", stamp)
        states = [one.state for one in await read_history(other.operator, Kind.RESTORE)]
    assert states == [State.ERROR] * 4 + [State.SUCCESS]


async def test_rows_of_another_layout_are_refused(
    drs: Drs, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = Transaction.dump_database

    async def other(transaction: Transaction) -> object:
        tables = dict(await dump(transaction))
        return {**tables, "device": [{"pkid": "x"}]}

    monkeypatch.setattr(Transaction, "dump_database", other)
    stamp = await back_up(drs, "sftp1", ["UCM"])
    before = await drs.operator.newest()
    with pytest.raises(StoreError, match="rows of another layout"):
        await restore(drs, "sftp1", stamp)
    assert await drs.operator.newest() == before


async def test_what_cannot_be_read_as_a_backup_of_ours_is_refused(
    drs: Drs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def half(*_: object) -> dict[str, bytes]:
        return {".security/TVS/certs/TVS.der": b"x", "own/x": b"", "device.json": b"[1]"}

    monkeypatch.setattr(backup, "collect", half)
    await back_up(drs, "sftp1", ["UCM"])
    await refused(drs, r"PLATFORM of the backup is damaged: it lacks '\.security/TVS/keys")
