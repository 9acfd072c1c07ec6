"""The data directory: who owns it, and what is written there."""

import os
from pathlib import Path

import pytest

from cucmsim.cluster import directory
from cucmsim.cluster.directory import (
    hold_directory,
    is_held,
    make_directory,
    management_sockets,
    socket_path,
    write_whole,
)
from cucmsim.errors import StartError

HELD = rf"already running \(process {os.getpid()}\); `cucmsim stop CONFIG` ends it"


def test_a_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with hold_directory(tmp_path / "a" / "data", None):
        assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700


def test_a_second_holder_is_told_who_is_the_first(tmp_path: Path) -> None:
    with hold_directory(tmp_path, None):
        assert is_held(tmp_path / "cluster.lock")
        with pytest.raises(StartError, match=HELD), hold_directory(tmp_path, None):
            pass
    assert not is_held(tmp_path / "cluster.lock")
    with hold_directory(tmp_path, None):
        pass


def test_nodes_share_a_directory_that_the_whole_cluster_does_not(tmp_path: Path) -> None:
    with hold_directory(tmp_path, "pub"), hold_directory(tmp_path, "sub"):
        for name in ("pub", None):
            with pytest.raises(StartError, match=HELD), hold_directory(tmp_path, name):
                pass
    with (
        hold_directory(tmp_path, None),
        pytest.raises(StartError, match=HELD),
        hold_directory(tmp_path, "pub"),
    ):
        pass


def test_a_holder_that_wrote_no_number_is_unknown(tmp_path: Path) -> None:
    with hold_directory(tmp_path, None):
        (tmp_path / "cluster.lock").write_text("")
        with pytest.raises(StartError, match="process unknown"), hold_directory(tmp_path, None):
            pass


def test_a_holder_that_ends_meanwhile_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "is_held", lambda *_: False)
    with (
        hold_directory(tmp_path, None),
        pytest.raises(StartError, match="process unknown"),
        hold_directory(tmp_path, None),
    ):
        pass


def test_a_lock_that_is_not_there_is_not_held(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "cluster.lock")


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "cluster.lock").mkdir()
    with (
        pytest.raises(StartError, match=r"cannot open .*cluster\.lock: Is a directory"),
        hold_directory(tmp_path, None),
    ):
        pass


def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    with pytest.raises(StartError, match="too long for a socket"), hold_directory(long, None):
        pass
    assert not long.exists()


def test_sockets_are_found_by_their_names(tmp_path: Path) -> None:
    paths = [socket_path(tmp_path, None), socket_path(tmp_path, "pub")]
    assert [path.name for path in paths] == ["cluster.sock", "pub.sock"]
    for path in paths:
        path.touch()
    assert management_sockets(tmp_path) == paths


def test_a_directory_in_the_place_of_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot make the data directory"):
        make_directory(tmp_path / "file" / "data", "data directory")


def test_a_directory_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StartError, match="cannot write in the data directory"):
        make_directory(tmp_path / "data", "data directory")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "ready.json", "{}")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["ready.json"]


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "ready.json").mkdir()
    with pytest.raises(StartError, match=r"cannot write .*ready\.json: Is a directory"):
        write_whole(tmp_path / "ready.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"cannot write .*/file/ready\.json"):
        write_whole(tmp_path / "file" / "ready.json", "{}")
