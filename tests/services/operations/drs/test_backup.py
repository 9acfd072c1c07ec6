"""What a backup leaves on the server, and what it leaves when it fails."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cucmsim.errors import RefusedError
from cucmsim.services.operations.drs import backup, contents
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.archive import pack, unpack, unseal
from cucmsim.services.operations.drs.backup import back_up, estimate_size, list_backups
from cucmsim.services.operations.drs.contents import DEFECT, SERVICE
from cucmsim.services.operations.drs.devices import add_device, set_jsch_logs
from cucmsim.services.operations.drs.manifest import Manifest
from cucmsim.services.operations.drs.progress import (
    Kind,
    Mode,
    Operation,
    Progress,
    State,
    cancel_backup,
    fail_interrupted,
    progress_of,
    read_history,
    running,
)
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.fakesftp import FakeSftp
from tests.services.operations.conftest import NOW, der
from tests.services.operations.drs.conftest import DEVICE
from tests.store.conftest import FixedClock

STAMP = "2026-03-01-12-00-00"
LIST = f"{STAMP}_drfComponent.xml"


def opened(files: dict[str, bytes], server: str, component: str) -> dict[str, bytes]:
    """Open a file of the first backup."""
    manifest = Manifest.load(files[LIST], LIST)
    name = manifest.file_of(server, component)
    bound_to = manifest.binding(server, component)
    return unpack(unseal(files[name], name, SECURITY_PASSWORD, bound_to), name)


async def test_it_is_a_sealed_tar_for_each_component_and_a_list(
    drs: Drs, files: dict[str, bytes]
) -> None:
    assert await back_up(drs, "sftp1", [" ucm "]) == STAMP
    assert list(files) == [
        f"{STAMP}_cucm-pub_UCM_PLATFORM.tar",
        f"{STAMP}_cucm-pub_UCM_CCMDB.tar",
        f"{STAMP}_cucm-pub_UCM_TFTP.tar",
        f"{STAMP}_cucm-sub_UCM_PLATFORM.tar",
        f"{STAMP}_cucm-sub_UCM_TFTP.tar",
        LIST,
    ]
    platform = opened(files, "cucm-pub", "PLATFORM")
    assert platform[".security/CallManager/certs/CallManager.der"] == der("callmanager-pub")
    assert ".security/CallManager/keys/CallManager_priv.der" in platform
    assert "device.json" in opened(files, "cucm-pub", "CCMDB")
    with pytest.raises(RefusedError, match="wrong cluster security password or altered file"):
        unseal(next(iter(files.values())), "x.tar", SECURITY_PASSWORD, "another server")
    assert SECURITY_PASSWORD.encode() not in b"".join(files.values())
    assert [one.stamp for one in await list_backups(drs, "sftp1")] == [STAMP]


async def test_with_the_defect_it_lacks_the_callmanager_pair_seed_000_line_759(
    drs: Drs, files: dict[str, bytes]
) -> None:
    async with drs.operator.store.transaction() as transaction:
        await transaction.set_service_parameter(SERVICE, DEFECT, "T")
    await back_up(drs, "sftp1", ["UCM"])
    assert not [name for name in opened(files, "cucm-pub", "PLATFORM") if "CallManager" in name]
    assert opened(files, "cucm-sub", "PLATFORM") == {}
    assert ".security/TVS/certs/TVS.der" in opened(files, "cucm-pub", "PLATFORM")


async def test_older_ones_are_removed_and_those_of_others_stay(
    drs: Drs, files: dict[str, bytes], clock: FixedClock
) -> None:
    await back_up(drs, "sftp1", ["UCM"])
    other = replace(Manifest.load(files[LIST], LIST), stamp="2020-01-01-00-00-00", publisher="x")
    strange = {other.file: replace(other, components=()).dump(), "2020-01-01-00-00-00.txt": b"x"}
    files |= {**strange, "2020-01-02-00-00-00_drfComponent.xml": b"rubbish"}
    stamps = [await back_up(drs, "sftp1", ["UCM"])]
    clock.at += timedelta(hours=1)
    stamps.append(await back_up(drs, "sftp1", ["UCM"]))

    assert stamps == ["2026-03-01-12-00-01", "2026-03-01-13-00-00"]  # of a second, one
    assert not [name for name in files if name.startswith(STAMP)]
    assert files.keys() > strange.keys()
    assert "2020-01-02-00-00-00_drfComponent.xml" in files
    listed = [one.stamp for one in await list_backups(drs, "sftp1")]
    assert listed == ["2020-01-01-00-00-00", *stamps]
    history = await read_history(drs.operator, Kind.BACKUP)
    assert [(one.stamp, one.state, one.mode) for one in history] == [
        (stamp, State.SUCCESS, Mode.MANUAL) for stamp in (STAMP, *stamps)
    ]


async def test_a_server_that_is_full_has_nothing_afterwards_and_it_is_noted(
    drs: Drs, files: dict[str, bytes], sftp: FakeSftp
) -> None:
    sftp.is_full = True
    with pytest.raises(RefusedError, match="No space left on device"):
        await back_up(drs, "sftp1", ["UCM"])
    held = await progress_of(drs.operator, Kind.BACKUP)
    assert files == {}
    assert held is not None
    assert (held.state, held.percentage) == (State.ERROR, 0)
    assert "No space left on device" in held.why


async def test_one_that_is_canceled_removes_what_it_wrote(
    drs: Drs, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match="No backup is in progress"):
        await cancel_backup(drs.operator)
    collect = contents.collect

    async def canceling(*given: object) -> object:
        canceled.set()
        return await collect(*given)  # type: ignore[arg-type]

    canceled = asyncio.Event()
    monkeypatch.setattr(backup, "collect", canceling)
    task = asyncio.create_task(back_up(drs, "sftp1", ["UCM"]))
    await canceled.wait()
    await cancel_backup(drs.operator)
    with pytest.raises(RefusedError, match="The backup was canceled"):
        await task
    (past,) = await read_history(drs.operator, Kind.BACKUP)
    assert past.state is State.CANCELED
    assert files == {}
    await back_up(drs, "sftp1", ["UCM"])


async def test_one_runs_at_a_time_and_one_that_was_cut_off_is_noted(
    drs: Drs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def note_nothing(*_: object) -> None:
        """Be killed."""

    monkeypatch.setattr(Operation, "fail", note_nothing)
    with pytest.raises(RefusedError, match="A restore is already in progress"):
        async with running(drs.operator, Progress(Kind.RESTORE, STAMP, ("UCM",), 1)):
            await back_up(drs, "sftp1", ["UCM"])
    monkeypatch.undo()
    await fail_interrupted(drs.operator)
    held = await progress_of(drs.operator, Kind.RESTORE)
    assert held is not None
    assert (held.state, held.why) == (State.ERROR, "interrupted")
    await back_up(drs, "sftp1", ["UCM"])


async def test_unknown_devices_and_features_are_refused(drs: Drs) -> None:
    for features, words in ((["CDR_CAR"], "found 'CDR_CAR', expected UCM"), ([], "found none")):
        with pytest.raises(RefusedError, match=words):
            await back_up(drs, "sftp1", features)
        with pytest.raises(RefusedError, match=words):
            await estimate_size(drs, features)
    for device in ("nothing", "*"):
        with pytest.raises(RefusedError, match=r"does not exist\. Known devices: sftp1"):
            await back_up(drs, device, ["UCM"])


async def test_the_size_is_about_that_of_the_backup(drs: Drs, files: dict[str, bytes]) -> None:
    estimated = await estimate_size(drs, ["UCM"])
    await back_up(drs, "sftp1", ["UCM"])
    made = sum(len(data) for name, data in files.items() if name.endswith(".tar"))
    assert 0 <= made - estimated < 1000


async def test_jsch_logs_tell_each_step_and_no_password(drs: Drs, sftp: FakeSftp) -> None:
    await set_jsch_logs(drs.operator, is_on=True)
    with capture_logs() as logs:
        await add_device(drs, replace(DEVICE, name="one", kept=1))
        for _ in range(2):
            await back_up(drs, "one", ["UCM"])
    steps = [one["step"] for one in logs if one["event"] == "drs sftp"]
    assert {"list", "read", "write", "remove"} == set(steps)
    assert DEVICE.account.password not in str(logs)
    await set_jsch_logs(drs.operator, is_on=False)
    with capture_logs() as logs:
        await back_up(drs, "one", ["UCM"])
    assert [one["event"] for one in logs] == ["backup made"]
    assert sftp.accounts


def test_what_is_no_tar_is_refused() -> None:
    whole = pack({"a/b": b"x" * 1000}, NOW)
    assert unpack(whole, "a.tar") == {"a/b": b"x" * 1000}
    for damaged in (b"", b"rubbish", whole[:40]):
        with pytest.raises(RefusedError, match=r"a\.tar is not a tar file"):
            unpack(damaged, "a.tar")
