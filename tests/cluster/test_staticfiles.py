"""Static TFTP files of a description."""

from pathlib import Path

import pytest

from cucmsim.cluster.loading import parse_settings
from cucmsim.cluster.settings import TftpFileSettings
from cucmsim.errors import Problem, SettingsError

HEAD = """
[cluster]
security_password = "secret-2445"
[[nodes]]
name = "pub"
address = "127.0.1.1"
role = "publisher"
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "files" / "Desktops").mkdir(parents=True)
    for name in ("RingList.xml", "Desktops/List.xml"):
        (tmp_path / "files" / name).write_text("x")
    return tmp_path


def read(text: str, base: Path) -> tuple[TftpFileSettings, ...]:
    return parse_settings(HEAD + text, base / "lab.toml", {}).tftp_files


def refused(text: str, base: Path) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        read(text, base)
    return caught.value.problems


def test_a_file_is_served_under_its_own_or_another_name(base: Path) -> None:
    text = """
[[tftp_files]]
path = "files/RingList.xml"
[[tftp_files]]
path = "files/RingList.xml"
name = "Sub/Other.xml"
nodes = ["pub"]
"""
    path = base / "files" / "RingList.xml"
    assert read(text, base) == (
        TftpFileSettings("RingList.xml", path, None),
        TftpFileSettings("Sub/Other.xml", path, "pub"),
    )


def test_a_directory_is_served_with_all_below_it(base: Path) -> None:
    files = read('[[tftp_files]]\ndirectory = "files"\n', base)
    assert [file.name for file in files] == ["Desktops/List.xml", "RingList.xml"]


@pytest.mark.parametrize(
    ("keys", "key", "found"),
    [
        ("", "", "neither of `path` and `directory`"),
        ('path = "files/RingList.xml"\ndirectory = "files"', "", "both of `path` and `directory`"),
        ('directory = "files"\nname = "x"', ".name", '"x"'),
        ('path = "files/RingList.xml"\nname = "../x"', ".name", '"../x"'),
        ('path = "files/RingList.xml"\nname = "/x"', ".name", '"/x"'),
        ('path = "files/RingList.xml"\nnodes = ["pup"]', ".nodes[0]", '"pup"'),
    ],
)
def test_a_wrong_entry_is_named(base: Path, keys: str, key: str, found: str) -> None:
    (problem,) = refused(f"[[tftp_files]]\n{keys}\n", base)
    assert (problem.key, problem.found) == (f"tftp_files[0]{key}", found)


@pytest.mark.parametrize("kind", ["path", "directory"])
def test_what_is_not_there_is_named(base: Path, kind: str) -> None:
    (problem,) = refused(f'[[tftp_files]]\n{kind} = "none"\n', base)
    assert problem.key == f"tftp_files[0].{kind}"


def test_a_name_given_twice_is_named(base: Path) -> None:
    text = '[[tftp_files]]\npath = "files/RingList.xml"\n'
    (problem,) = refused(text + text, base)
    assert (problem.key, problem.expected) == ("tftp_files[1].name", "each name once")


def test_a_file_below_a_directory_that_no_client_can_ask_for_is_named(base: Path) -> None:
    (base / "files" / "Ü.xml").write_text("x")
    (problem,) = refused('[[tftp_files]]\ndirectory = "files"\n', base)
    assert problem.key == "tftp_files[0].directory"
