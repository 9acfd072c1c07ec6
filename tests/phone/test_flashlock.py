"""The lock of a flash directory: who has it, and what becomes of it when that process dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsim.phone.flash import FlashError
from cucmsim.phone.flashlock import FlashInUseError, FlashLock

CHILD = """
import sys
from pathlib import Path
from cucmsim.phone.flashlock import FlashLock

FlashLock(Path(sys.argv[1])).take("SEP000000000001")
print("taken", flush=True)
sys.stdin.read()
"""


def test_who_has_it_is_named_and_kill_9_frees_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"taken\n"
        says = f"{tmp_path}: in use by SEP000000000001, process {child.pid}$"
        with pytest.raises(FlashInUseError, match=says):
            FlashLock(tmp_path).take("SEP000000000002")
        os.kill(child.pid, signal.SIGKILL)
    lock = FlashLock(tmp_path)
    lock.take("SEP000000000002")
    lock.drop()


def test_it_is_taken_once_and_may_be_dropped_twice(tmp_path: Path) -> None:
    lock = FlashLock(tmp_path / "new")
    lock.take("a")
    lock.take("a")
    lock.drop()
    lock.drop()
    FlashLock(tmp_path / "new").take("b")


def test_a_request_is_seen_until_it_is_answered_and_not_by_the_next_phone(tmp_path: Path) -> None:
    lock, other = FlashLock(tmp_path), FlashLock(tmp_path)
    lock.take("a")
    other.ask()
    assert lock.is_asked
    lock.answer()
    assert not lock.is_asked
    other.ask()
    lock.drop()
    other.take("b")
    assert not other.is_asked


def test_a_place_where_nothing_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    lock = FlashLock(tmp_path / "file")
    with pytest.raises(FlashError, match="file"):
        lock.take("a")
    with pytest.raises(FlashError, match="file"):
        lock.ask()
    with pytest.raises(FlashError, match="file"):
        lock.answer()


def test_a_lock_that_the_system_cannot_give_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int, _operation: int) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", fail)
    with pytest.raises(FlashError, match="no locks available"):
        FlashLock(tmp_path).take("a")
