"""The copy of a store on a process's disk: the same as the store, whatever was changed how."""

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from cucmsim.store import copying
from cucmsim.store.localcopy import CopyState, LocalCopy
from cucmsim.store.rows import Device, Line, PhoneSecurityProfile, TftpFile
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store, Transaction
from cucmsim.store.tables import RowChange
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.store.conftest import LAB_NODES, OpenStore, Pair, put_lab

PHONES = [f"SEP{number:012X}" for number in range(12)]


@pytest.fixture
async def copy(tmp_path: Path) -> AsyncIterator[LocalCopy]:
    held = LocalCopy(tmp_path / "replica-x.db")
    yield held
    await held.close()


@pytest.fixture
async def plain(
    sqlite_template: Path, tmp_path: Path, open_store: OpenStore
) -> AsyncIterator[Store]:
    """Give the lab on SQLite, for what has nothing to do with the engine."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    async with open_store(f"sqlite:///{path}") as store:
        async with store.transaction() as transaction:
            await put_lab(transaction)
        yield store


async def refresh(store: Store, copy: LocalCopy) -> int:
    async with store._database.session() as session:
        return await copy.refresh(session)


async def assert_same(store: Store, copy: LocalCopy, place: str = "") -> None:
    """Hold every copied table against the store's, and the replica that is read from it."""
    async with store._database.session() as here, copy.session() as there:
        for table in copying.COPIED:
            query = select(table).order_by(*table.primary_key.columns)
            assert await there.mappings(query) == await here.mappings(query), (table.name, place)
    state = await copy.prove(SECURITY_PASSWORD)
    assert isinstance(state, CopyState), state
    assert state.replica == await store.load_replica(), place


# what an administrator may do, one change each


async def add_phones(work: Transaction, chance: Random) -> None:
    await work.put_devices(
        Device(
            name=name,
            model=chance.choice(("7962", "8861", f"99{chance.randrange(5)}")),
            lines=tuple(
                Line(str(chance.randrange(2000, 2030))) for _ in range(chance.randrange(3))
            ),
            wrong_strings=chance.randrange(2),
        )
        for name in chance.sample(PHONES, 4)
    )


async def delete_phone(work: Transaction, chance: Random) -> None:
    await work.delete_device(chance.choice(PHONES))


async def move_line(work: Transaction, chance: Random) -> None:
    rows = (await work.read_tables(["numplan"]))["numplan"]
    names = TABLES["numplan"].columns.keys()
    for row in chance.sample(list(rows), min(1, len(rows))):
        before = dict(zip(names, row, strict=True))
        after = {**before, "description": str(chance.random())}
        await work.change_rows("numplan", [RowChange(before, after)])


async def set_parameters(work: Transaction, chance: Random) -> None:
    await work.set_enterprise_parameter("A", str(chance.random()))
    await work.set_service_parameter(f"service {chance.randrange(4)}", "B", "1")


async def put_file(work: Transaction, chance: Random) -> None:
    node = chance.choice((None, "cucm-sub"))
    await work.put_tftp_file(TftpFile(name="a.loads", data=chance.randbytes(9), node=node))


async def delete_file(work: Transaction, _chance: Random) -> None:
    await work.delete_tftp_file("a.loads")


async def keep_value(work: Transaction, chance: Random) -> None:
    await work.put_platform_value("cucm-pub", chance.choice("ab"), str(chance.random()))
    await work.put_secret("word", chance.randbytes(4))


async def change_profile(work: Transaction, chance: Random) -> None:
    mode = chance.randrange(1, 4)
    await work.put_profile(PhoneSecurityProfile(name="of mine", security_mode=mode))


async def change_node(work: Transaction, chance: Random) -> None:
    await work.put_node(replace(LAB_NODES[1], description=str(chance.random())))


async def restore(work: Transaction, _chance: Random) -> None:
    await work.replace_database(await work.dump_database())


CHANGES: list[Callable[[Transaction, Random], Awaitable[None]]] = [
    add_phones, add_phones, delete_phone, move_line, set_parameters, put_file, delete_file,
    keep_value, change_profile, change_node, restore,
]  # fmt: skip


async def test_what_is_copied_change_by_change_is_what_a_whole_copy_would_hold(
    lab: Store, copy: LocalCopy, pair: Callable[[str], Pair]
) -> None:
    seed = SystemRandom().randrange(1 << 32)
    own = pair("callmanager-pub-1024")
    async with lab.transaction() as transaction:
        await transaction.put_own_certificate(
            "cucm-pub", "TVS", own.certificate_der, own.private_key_der
        )
    chance = Random(seed)  # noqa: S311 - changes, no secrets
    for _ in range(6):
        await refresh(lab, copy)
        await assert_same(lab, copy, f"seed {seed}")
        for _ in range(chance.randrange(1, 4)):
            async with lab.transaction() as transaction:
                await chance.choice(CHANGES)(transaction, chance)


async def test_one_changed_phone_costs_the_rows_of_that_phone(
    plain: Store, copy: LocalCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with plain.transaction() as transaction:
        await transaction.put_devices(
            Device(name=f"SEP{n:012X}", model="8861", lines=(Line(str(n)),)) for n in range(1500)
        )
    await refresh(plain, copy)
    async with plain.transaction() as transaction:
        held = await transaction.get_device("SEP000000000007")
        assert held is not None
        await transaction.put_device(replace(held, description="moved", lines=(Line("x"),)))
    read = 0
    async with plain._database.session() as session:
        mappings = session.mappings

        async def counted(statement: object) -> list[dict[str, object]]:
            nonlocal read
            rows = await mappings(statement)  # type: ignore[arg-type]
            read += len(rows)
            return rows

        monkeypatch.setattr(session, "mappings", counted)
        await copy.refresh(session)
    assert read <= 1510  # the numbers, since one is new; no phone but one
    await assert_same(plain, copy)


def held_by(directory: Path) -> list[tuple[int, bytes]]:
    """Return mode and contents of the files that a copy has."""
    return [
        (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in directory.glob("replica-x.db*")
    ]


async def test_the_file_is_its_owners_alone_and_keys_in_it_are_sealed(
    plain: Store, copy: LocalCopy, pair: Callable[[str], Pair], tmp_path: Path
) -> None:
    own = pair("callmanager-pub-1024")
    async with plain.transaction() as transaction:
        await transaction.put_own_certificate(
            "cucm-pub", "TVS", own.certificate_der, own.private_key_der
        )
    await refresh(plain, copy)
    for mode, contents in held_by(tmp_path):
        assert mode == 0o600
        assert own.private_key_der not in contents
    state = await copy.prove(SECURITY_PASSWORD)
    assert isinstance(state, CopyState)
    assert state.replica.own_keys["cucm-pub", "TVS"].private_key_der == own.private_key_der


async def test_a_copy_under_another_password_or_without_what_the_node_needs_is_none(
    plain: Store, copy: LocalCopy, tmp_path: Path
) -> None:
    await refresh(plain, copy)
    assert "security password" in str(await copy.prove("another one"))
    wanting = LocalCopy(tmp_path / "replica-x.db", lambda replica: bool(replica.devices))
    assert "no certificates of this node" in str(await wanting.prove(SECURITY_PASSWORD))
    await wanting.close()


def damage(path: Path) -> None:
    """Overwrite the middle of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"?" * 9000)


def no_database(path: Path) -> None:
    path.write_text("once upon a time")


def newer_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE cucmsim_schema SET version_num = '9999'")
        database.commit()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damage, "damaged"),
        (no_database, "not a SQLite database"),
        (newer_schema, "newer release"),
    ],
)
async def test_a_copy_that_is_no_good_is_refused_and_made_anew_from_the_store(
    plain: Store, copy: LocalCopy, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    await refresh(plain, copy)
    await copy.close()
    spoil(tmp_path / "replica-x.db")
    later = LocalCopy(tmp_path / "replica-x.db")
    assert said in str(await later.prove(SECURITY_PASSWORD))
    await later.close()
    with capture_logs() as logs:
        await refresh(plain, later)
    assert [(entry["event"], said in entry["why"]) for entry in logs] == [
        ("local copy made anew", True)
    ]
    await assert_same(plain, later)
    await later.close()


async def test_a_copy_of_another_cluster_is_replaced_as_a_whole(
    plain: Store, copy: LocalCopy, open_store: OpenStore, tmp_path: Path
) -> None:
    async with open_store(f"sqlite:///{tmp_path / 'other.db'}") as other:
        await refresh(other, copy)
    with capture_logs() as logs:
        await refresh(plain, copy)
    assert [entry["why"] for entry in logs] == [
        "it is of another cluster, or of another security password"
    ]
    await assert_same(plain, copy)


async def test_a_copy_that_is_newer_than_the_store_becomes_what_the_store_is(
    plain: Store, copy: LocalCopy
) -> None:
    await refresh(plain, copy)
    async with copy._opened().session(write=True) as session:
        await session.execute(text("UPDATE cucmsim_version SET version = 99"))
        await session.execute(text("UPDATE processnode SET description = 'of later'"))
    assert await refresh(plain, copy) == plain.version
    await assert_same(plain, copy)


CHILD = """
import asyncio, sys
from pathlib import Path
from cucmsim.clock import SystemClock
from cucmsim.entropy import SystemEntropy
from cucmsim.store.localcopy import LocalCopy
from cucmsim.store.rows import Device
from cucmsim.store.store import Store

async def main(url, password, path):
    copy = LocalCopy(Path(path))
    async with Store.open(
        url, security_password=password, clock=SystemClock(), entropy=SystemEntropy()
    ) as store:
        for turn in range(1000):
            async with store.transaction() as transaction:
                await transaction.set_enterprise_parameter("turn", str(turn))
                await transaction.put_devices(
                    Device(name=f"SEP{n:012X}", model="8861", description=str(turn))
                    for n in range(300)
                )
            async with store._database.session() as session:
                print("copied", await copy.refresh(session), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def killed_while_copying(url: str, path: Path) -> list[str]:
    """Have a child copy change by change, kill it at some moment; return its words."""
    argv = [sys.executable, "-c", CHILD, url, SECURITY_PASSWORD, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(3)]
        with suppress(subprocess.TimeoutExpired):
            child.wait(SystemRandom().random() * 0.2)
        child.kill()
        return told + child.stdout.readlines()


async def test_a_copy_killed_in_the_middle_is_whole_at_one_version(
    open_store: OpenStore, tmp_path: Path
) -> None:
    url, path = f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "replica-x.db"
    async with open_store(url) as store, store.transaction() as transaction:
        await put_lab(transaction)
    told = killed_while_copying(url, path)
    held = LocalCopy(path)
    state = await held.prove(SECURITY_PASSWORD)
    await held.close()
    assert isinstance(state, CopyState), state
    assert state.replica.version >= int(told[-1].split()[-1])
    turns = {device.description for device in state.replica.devices.values()}
    assert turns == {state.replica.enterprise["turn"]}
