"""A flash directory is the old flash or the new one, whatever kills the writer and when."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FileOperations, FlashDirectory, FlashError
from cucmsim.phone.values import Certified

EMPTY = Flash()
OLD = Flash(ctl=b"old ctl", itl=b"old itl", config=b"old", settings={"alternateTftp": "yes"})
NEW = Flash(
    ctl=b"new ctl",
    itl=b"old itl",
    config=b"new",
    lsc=Certified(b"lsc", b"lsc key"),
    mic=Certified(b"mic", b"mic key"),
    settings={"tftp1": "192.0.2.1"},
)


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


class DyingOperations(FileOperations):
    """Dies after so many operations, and half-way through a write if told to."""

    def __init__(self, after: int, *, half_written: bool) -> None:
        self.left = after
        self.half_written = half_written

    def _count(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1

    def write(self, path: Path, data: bytes) -> None:
        if self.left == 0 and self.half_written:
            super().write(path, data[: len(data) // 2])
        self._count()
        super().write(path, data)

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)

    def sync_directory(self, path: Path) -> None:
        self._count()
        super().sync_directory(path)

    def delete(self, path: Path) -> None:
        self._count()
        super().delete(path)


@pytest.mark.parametrize("flash", [EMPTY, OLD, NEW], ids=["empty", "old", "new"])
def test_what_was_stored_is_loaded(tmp_path: Path, flash: Flash) -> None:
    directory = FlashDirectory(tmp_path / "a" / "flash")
    directory.store(OLD)

    directory.store(flash)

    assert FlashDirectory(tmp_path / "a" / "flash").load() == flash


def test_a_directory_that_is_not_there_is_an_empty_flash(tmp_path: Path) -> None:
    assert FlashDirectory(tmp_path / "nothing").load() == EMPTY
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("half_written", [False, True])
@pytest.mark.parametrize("old", [EMPTY, OLD], ids=["from empty", "from old"])
def test_a_death_after_any_operation_leaves_old_or_new(
    tmp_path: Path, old: Flash, *, half_written: bool
) -> None:
    seen = []
    for after in range(100):
        path = tmp_path / str(after)
        FlashDirectory(path).store(old)
        try:
            FlashDirectory(path, DyingOperations(after, half_written=half_written)).store(NEW)
        except Killed:
            seen.append(FlashDirectory(path).load())
        else:
            break

        FlashDirectory(path).store(NEW)  # and what it left behind hinders nobody
        assert FlashDirectory(path).load() == NEW
        assert len(list(path.iterdir())) == 8  # seven pieces and the manifest

    assert set(map(bool, (flash == old for flash in seen))) == {True, False}
    assert all(flash in (old, NEW) for flash in seen)
    assert seen == sorted(seen, key=lambda flash: flash == NEW)


CHILD = """
import sys
from pathlib import Path
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory

directory = FlashDirectory(Path(sys.argv[1]))
for number in range(100_000):
    piece = str(number).encode() * 2000
    directory.store(Flash(ctl=b"ctl" + piece, itl=b"itl" + piece, config=b"xml" + piece))
    print(number, flush=True)
"""


def test_kill_9_at_any_moment_leaves_a_whole_set(tmp_path: Path) -> None:
    dice = random.Random(4)  # noqa: S311 - when to kill, not a secret
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for _ in range(dice.randrange(1, 6)):
                stored = int(child.stdout.readline())
            for _ in range(dice.randrange(200_000)):
                pass  # anywhere within the next write
            os.kill(child.pid, signal.SIGKILL)

        flash = FlashDirectory(tmp_path).load()

        assert flash.ctl is not None
        piece = flash.ctl[3:]
        assert int(piece[: len(piece) // 2000]) >= stored
        assert flash == Flash(ctl=b"ctl" + piece, itl=b"itl" + piece, config=b"xml" + piece)


def test_private_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    FlashDirectory(tmp_path / "flash").store(NEW)

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "flash").iterdir()}

    assert modes == {0o600}
    assert (tmp_path / "flash").stat().st_mode & 0o777 == 0o700


def test_what_is_not_ours_is_left_alone_and_what_is_unnamed_goes(tmp_path: Path) -> None:
    directory = FlashDirectory(tmp_path)
    directory.store(OLD)
    (tmp_path / "README").write_text("mine")
    (tmp_path / "manifest.json.new").write_text("half")

    directory.store(EMPTY)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["README", "manifest.json"]


def test_a_piece_that_was_damaged_is_told_and_written_again(tmp_path: Path) -> None:
    directory = FlashDirectory(tmp_path)
    directory.store(Flash(itl=b"itl"))
    piece = next(path for path in tmp_path.iterdir() if path.name != "manifest.json")
    piece.write_bytes(b"other")

    with pytest.raises(FlashError, match="damaged"):
        directory.load()
    directory.store(Flash(itl=b"itl"))

    assert directory.load() == Flash(itl=b"itl")


def test_a_piece_that_is_gone_is_told(tmp_path: Path) -> None:
    directory = FlashDirectory(tmp_path)
    directory.store(Flash(itl=b"itl"))
    next(path for path in tmp_path.iterdir() if path.name != "manifest.json").unlink()

    with pytest.raises(FlashError, match="No such file"):
        directory.load()


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b'{"format":2,"pieces":{}}', b'{"pieces":{"x":"y"}}', b"\xff\xfe"],
)
def test_a_damaged_manifest_is_told(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest)

    with pytest.raises(FlashError, match=r"manifest\.json"):
        FlashDirectory(tmp_path).load()


def test_a_manifest_may_not_lead_out_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"pieces":{"itl":"../../etc/passwd"}}')

    with pytest.raises(FlashError, match="damaged"):
        FlashDirectory(tmp_path).load()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(FlashError, match="file"):
        FlashDirectory(tmp_path / "file").store(OLD)
    with pytest.raises(FlashError, match="file"):
        FlashDirectory(tmp_path / "file").load()


def test_erasing_keeps_all_but_the_trust_lists() -> None:
    erased = NEW.without_trust_lists()

    assert (erased.ctl, erased.itl) == (None, None)
    assert (erased.config, erased.lsc, erased.mic) == (NEW.config, NEW.lsc, NEW.mic)
    assert NEW.active_certificate == NEW.lsc
