"""A disk, database, key or password that fails: one clear message, and what was there stays."""

import asyncio
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cucmsim.errors import StoreError
from tests.fixtures.clusters import PHONE, Lab
from tests.fixtures.postgres import PostgresServer

FULL_DISK_BYTES = 300_000  # a first start of the lab needs some 600,000


def one_line(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the only line of a run that failed."""
    assert ended.returncode == 1, ended.stderr
    (line,) = [one for one in ended.stderr.splitlines() if one.startswith("cucmsim: ")]
    assert "Traceback" not in ended.stderr
    return line.removeprefix("cucmsim: ")


def started(lab: Lab) -> dict[str, str]:
    """Start the lab once in this process; return its certificates' hashes by pkid."""

    async def run() -> dict[str, str]:
        async with lab.running() as cluster:
            return {held.pkid: held.hash for held in cluster.view.replica.certificates}

    return asyncio.run(run())


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """Mount a disk of 512 KiB. Skips where one may not."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "cucmsim-test", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system needs privileges that this machine does not give")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def test_a_full_disk_is_told_and_a_larger_one_completes_the_start(lab: Lab) -> None:
    with small_disk(lab.data):
        assert "full" in one_line(lab.run("--log-level", "error"))
        subprocess.run(["mount", "-o", "remount,size=16m", str(lab.data)], check=True)
        with lab.process() as running:
            assert running.stop() == 0


def test_a_limit_of_file_sizes_is_told_like_a_full_disk(lab: Lab) -> None:
    command = lab.command("run", str(lab.write()), "--log-level", "error")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_DISK_BYTES, FULL_DISK_BYTES))

    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
        timeout=60,
    )
    assert str(lab.data / "cucm.db") in one_line(ended)
    assert started(lab)


def test_a_locked_database_is_told_and_left_as_it_was(lab: Lab) -> None:
    before = started(lab)
    with closing(sqlite3.connect(lab.data / "cucm.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        line = one_line(lab.run("--log-level", "error"))
    assert "is locked by another process" in line
    assert started(lab) == before


def test_a_file_that_is_no_database_is_told_and_left_as_it_was(lab: Lab) -> None:
    lab.data.mkdir()
    (lab.data / "cucm.db").write_text("a letter")
    assert "is not a SQLite database" in one_line(lab.run("--log-level", "error"))
    assert (lab.data / "cucm.db").read_text() == "a letter"


def test_a_sealed_key_that_does_not_open_is_told_and_left_as_it_was(lab: Lab) -> None:
    started(lab)
    with closing(sqlite3.connect(lab.data / "cucm.db")) as other:
        other.execute("UPDATE cucmsim_privatekey SET sealedkey = x'00112233'")
        other.commit()
        rows = other.execute("SELECT * FROM cucmsim_privatekey").fetchall()
    line = one_line(lab.run("--log-level", "error"))
    assert str(lab.data / "cucm.db") in line
    with closing(sqlite3.connect(lab.data / "cucm.db")) as other:
        assert other.execute("SELECT * FROM cucmsim_privatekey").fetchall() == rows


def test_a_key_file_of_garbage_under_the_right_seal_is_told(lab: Lab) -> None:
    async def spoil() -> None:
        async with lab.running() as cluster:
            held = cluster.view.replica.own["cucm-pub", "TVS"]
            async with cluster._store.transaction() as transaction:
                await transaction.put_own_certificate(
                    "cucm-pub", "TVS", held.certificate_der, b"garbage"
                )

    asyncio.run(spoil())
    assert "TVS" in one_line(lab.run("--log-level", "error"))


def test_another_security_password_is_told_and_changes_nothing(lab: Lab) -> None:
    before = started(lab)
    lab.security_password = "another-password"
    line = one_line(lab.run("--log-level", "error"))
    assert "the security password is not the one it was made with" in line
    assert "another-password" not in line
    lab.security_password = Lab(lab.directory).security_password
    assert started(lab) == before


def test_a_certificate_directory_that_cannot_be_made_is_told(lab: Lab) -> None:
    (lab.directory / "file").touch()
    lab.environ["CUCMSIM_CLUSTER__CERTS_DIRECTORY"] = str(lab.directory / "file" / "certs")
    assert "cannot make the certificate directory" in one_line(lab.run("--log-level", "error"))


def test_a_database_that_does_not_answer_is_told_without_its_password(lab: Lab) -> None:
    lab.database = "postgresql://cucm:secret@127.0.0.1:1/lab"
    line = one_line(lab.run("--log-level", "error"))
    assert "does not answer" in line
    assert "secret" not in line


async def test_a_database_away_refuses_changes_until_it_is_back(
    postgres_lab: Lab, postgres: PostgresServer
) -> None:
    async with postgres_lab.running() as cluster:
        await asyncio.to_thread(postgres.stop, "fast")
        try:
            with pytest.raises(StoreError, match="does not answer"):
                await cluster.administration().remove_device(PHONE)
            assert PHONE in cluster.devices()
        finally:
            await asyncio.to_thread(postgres.start)
        await cluster.administration().remove_device(PHONE)
        assert PHONE not in cluster.devices()


def test_the_environment_of_these_tests_is_clean() -> None:
    assert not [name for name in os.environ if name.startswith("CUCMSIM_CLUSTER")]
