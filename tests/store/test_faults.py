"""What cannot be opened or written: one clear message, and nothing is touched."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from cucmsim.errors import StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.engine import Database
from cucmsim.store.faults import is_away
from cucmsim.store.rows import TftpFile
from cucmsim.store.schema import TABLES
from cucmsim.store.store import Store
from tests.fixtures.postgres import PostgresServer
from tests.store.conftest import OpenStore, Pair, put_lab

HOLD = """
import fcntl, os, sys
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
os.ftruncate(lock, 0)
os.write(lock, b"pid %d" % os.getpid())
print("held", flush=True)
sys.stdin.read()
"""


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "cucmsim.db"


async def opened(open_store: OpenStore, url: str, password: str | None = None) -> Store:
    """Open a store and close it again, to see that it opens."""
    context = open_store(url) if password is None else open_store(url, password)
    async with context as store:
        return store


async def test_a_wrong_security_password_is_refused_and_touches_nothing(
    store_url: str, open_store: OpenStore
) -> None:
    async with open_store(store_url) as store, store.transaction() as transaction:
        await put_lab(transaction)
    with pytest.raises(StoreError, match="the security password is not the one") as caught:
        await opened(open_store, store_url, "Guess3d!")
    assert "Guess3d!" not in str(caught.value)
    async with open_store(store_url) as store:
        assert store.version == 1


async def test_a_store_of_a_newer_release_is_refused(store_url: str, open_store: OpenStore) -> None:
    async with open_store(store_url) as store, store._database.session(write=True) as session:
        await session.execute(text("UPDATE cucmsim_schema SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"a newer release: found schema 9999, expected \d{4}"):
        await opened(open_store, store_url)


async def test_tables_of_another_program_are_left_alone(
    empty_store_url: str, open_store: OpenStore
) -> None:
    database = Database.parse(empty_store_url)
    async with database.session(write=True) as session:
        await session.execute(text("CREATE TABLE device (theirs integer)"))
    before = path_of(empty_store_url).read_bytes() if database.is_sqlite else b""
    with pytest.raises(StoreError, match="holds tables of another program"):
        await opened(open_store, empty_store_url)
    await database.close()
    assert not database.is_sqlite or path_of(empty_store_url).read_bytes() == before


async def test_other_people_s_tables_beside_ours_are_fine_on_a_server(
    postgres: PostgresServer, open_store: OpenStore
) -> None:
    name = postgres.create()
    try:
        database = Database.parse(postgres.url(name))
        async with database.session(write=True) as session:
            await session.execute(text("CREATE TABLE theirs (number integer)"))
        await database.close()
        await opened(open_store, postgres.url(name))
    finally:
        postgres.drop(name)


async def test_a_sealed_key_that_was_altered_does_not_open(
    lab: Store, pair: Callable[[str], Pair]
) -> None:
    mine = pair("capf")
    async with lab.transaction() as transaction:
        await transaction.put_own_certificate(
            "cucm-pub", "CAPF", mine.certificate_der, mine.private_key_der
        )
    async with lab._database.session(write=True) as session:
        await session.execute(TABLES["cucmsim_privatekey"].update().values(sealedkey=b"\x01" * 64))
    with pytest.raises(StoreError, match="a sealed secret does not open"):
        await lab.load_replica()


async def test_a_file_that_is_no_database_is_refused(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    sqlite_path.write_bytes(b"to whom it may concern")  # noqa: ASYNC240  nothing else runs
    with pytest.raises(StoreError, match="is not a SQLite database"):
        await opened(open_store, f"sqlite:///{sqlite_path}")
    assert sqlite_path.read_bytes() == b"to whom it may concern"  # noqa: ASYNC240  nothing else runs
    assert [path.name for path in sqlite_path.parent.iterdir()] == [sqlite_path.name]


async def test_a_damaged_database_is_refused(sqlite_path: Path, open_store: OpenStore) -> None:
    sqlite_path.write_bytes(b"SQLite format 3\0" + bytes(4096))  # noqa: ASYNC240  nothing else runs
    with pytest.raises(StoreError, match=r"is not a SQLite database|is damaged"):
        await opened(open_store, f"sqlite:///{sqlite_path}")


async def test_a_directory_that_is_not_there_is_named(
    tmp_path: Path, open_store: OpenStore
) -> None:
    with pytest.raises(StoreError, match=r"missing/x\.db' cannot be opened .*: expected a dir"):
        await opened(open_store, f"sqlite:///{tmp_path}/missing/x.db")


async def test_a_directory_in_the_place_of_the_file_is_refused(
    tmp_path: Path, open_store: OpenStore
) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        await opened(open_store, f"sqlite:///{tmp_path}")


async def test_a_file_that_cannot_be_written_is_said_to_be_read_only(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    await opened(open_store, f"sqlite:///{sqlite_path}")
    async with open_store(f"sqlite:///{sqlite_path}") as store:

        async def write() -> None:
            async with store.transaction() as transaction:
                session = transaction._writer.session
                await session.execute(text("PRAGMA query_only = ON"))
                await transaction.set_enterprise_parameter("A", "1")

        with pytest.raises(StoreError, match="the file or its directory is read-only"):
            await write()


async def test_a_file_in_use_by_another_process_is_refused(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    url = f"sqlite:///{sqlite_path}"
    await opened(open_store, url)
    with subprocess.Popen(  # noqa: ASYNC220  waited for in a thread
        [sys.executable, "-c", HOLD, f"{sqlite_path}-lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
        with pytest.raises(StoreError, match=rf"locked by another process \(pid {holder.pid}\)"):
            await opened(open_store, url)
        holder.communicate()
    await opened(open_store, url)


async def test_a_file_is_refused_to_a_second_store_of_the_same_process(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    url = f"sqlite:///{sqlite_path}"
    async with open_store(url):
        with pytest.raises(StoreError, match="nodes in several need PostgreSQL"):
            await opened(open_store, url)


async def test_a_lock_of_another_program_is_waited_for_only_so_long(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    async with open_store(f"sqlite:///{sqlite_path}") as store:
        with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="is locked by another process"):
                async with store.transaction() as transaction:
                    await put_lab(transaction)
            assert (await store.load_replica()).version == 0
        async with store.transaction() as transaction:
            await put_lab(transaction)


async def test_a_full_disk_is_said_and_leaves_what_was_there(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    async with open_store(f"sqlite:///{sqlite_path}") as store:

        async def write(size: int) -> None:
            async with store.transaction() as transaction:
                session = transaction._writer.session
                pages = await session.scalar(text("PRAGMA page_count"))
                await session.scalar(text(f"PRAGMA max_page_count = {int(str(pages)) + 10}"))
                await transaction.put_tftp_file(TftpFile(name="big", data=bytes(size)))

        await write(100)
        with pytest.raises(StoreError, match="cannot be written: the disk is full"):
            await write(1_000_000)
        replica = await store.load_replica()
        assert (replica.version, len(replica.tftp_files[None, "big"].data)) == (1, 100)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "found no URL of a database; expected sqlite:///path or postgresql://"),
        ("mysql://x/y", "found a URL of 'mysql'; expected sqlite:///path"),
        ("sqlite://", "found a URL of 'sqlite'"),
        ("nosuch://x/y", "expected sqlite:///path or postgresql://"),
    ],
)
async def test_a_url_of_no_known_form_is_refused(
    open_store: OpenStore, url: str, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        await opened(open_store, url)


async def test_a_server_that_does_not_answer_is_named_without_its_password(
    open_store: OpenStore,
) -> None:
    with pytest.raises(StoreError, match=r"'lab' at 127\.0\.0\.1:1 does not answer") as caught:
        await opened(open_store, "postgresql://cucm:secret@127.0.0.1:1/lab")
    assert "secret" not in str(caught.value)
    assert is_away(caught.value)


async def test_a_database_or_user_that_is_not_there_is_said(
    postgres: PostgresServer, open_store: OpenStore
) -> None:
    with pytest.raises(StoreError, match="is not there: expected a database of that name"):
        await opened(open_store, postgres.url("nosuch"))
    with pytest.raises(StoreError, match="refuses the user or password") as caught:
        await opened(open_store, postgres.url("postgres").replace("cucm@", "nobody@"))
    assert not is_away(caught.value)


async def test_a_subscriber_waits_until_the_publisher_has_made_the_store(
    postgres: PostgresServer, open_store: OpenStore
) -> None:
    name = postgres.create()
    try:
        waiting = asyncio.ensure_future(_version_when_there(open_store, postgres.url(name)))
        await asyncio.sleep(0)
        async with open_store(postgres.url(name)) as store, store.transaction() as transaction:
            await put_lab(transaction)
        assert await waiting >= 0
    finally:
        postgres.drop(name)


async def _version_when_there(open_store: OpenStore, url: str) -> int:
    async with open_store(url, migrate=False, wait_s=20) as store:
        return store.version


async def test_a_subscriber_waits_only_so_long_and_makes_nothing(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    with pytest.raises(StoreError, match=r"is not there; waited 0\.3 s"):
        async with open_store(f"sqlite:///{sqlite_path}", migrate=False, wait_s=0.3):
            pass
    assert list(sqlite_path.parent.iterdir()) == []


async def test_a_store_without_tables_or_secret_is_not_usable_yet(
    empty_store_url: str, open_store: OpenStore
) -> None:
    database = Database.parse(empty_store_url)
    async with database.session(write=True) as session:
        await session.execute(text("SELECT 1"))
    await database.close()
    with pytest.raises(StoreError, match="holds no cluster yet; waited 0 s"):
        async with open_store(empty_store_url, migrate=False, wait_s=0):
            pass
    async with open_store(empty_store_url) as store, store._database.session(write=True) as session:
        await session.execute(text("DELETE FROM cucmsim_secret"))
    with pytest.raises(StoreError, match="has no security password yet"):
        async with open_store(empty_store_url, migrate=False, wait_s=0):
            pass


async def test_a_subscriber_opens_what_is_there(store_url: str, open_store: OpenStore) -> None:
    async with open_store(store_url, migrate=False) as store:
        assert store.version == 0


async def test_what_the_body_raises_comes_out_as_it_is(
    store_url: str, open_store: OpenStore
) -> None:
    with pytest.raises(FileNotFoundError):
        async with open_store(store_url):
            raise FileNotFoundError


async def test_the_password_is_not_in_the_database(
    sqlite_path: Path, open_store: OpenStore
) -> None:
    await opened(open_store, f"sqlite:///{sqlite_path}", "very secret indeed")
    held = sqlite_path.read_bytes()  # noqa: ASYNC240  nothing else runs
    assert b"very secret indeed" not in held
    assert "very" not in repr(SealingKey.derive("very secret indeed", bytes(16)))
