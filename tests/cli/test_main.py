"""The command as a whole: every sub-command is there, alone and among the others."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cucmsim import __version__
from cucmsim.cli import main
from cucmsim.cli.main import build_app
from cucmsim.errors import (
    CommandError,
    Problem,
    SettingsError,
    StartError,
    StoreError,
    UnreachableError,
)
from tests.fixtures.clusters import run_cli

_COMMANDS = [
    "run",
    "check",
    "inspect",
    "fetch",
    "status",
    "stop",
    "device",
    "tvs",
    "capf",
    "version",
]


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(build_app(), ["--help"])
    assert shown.exit_code == 0
    assert [name for name in _COMMANDS if name not in shown.output] == []


@pytest.mark.parametrize("name", _COMMANDS)
def test_each_command_can_be_built_alone(name: str) -> None:
    shown = CliRunner().invoke(build_app(name), [name, "--help"])
    assert shown.exit_code == 0
    assert f"cucmsim {name}" in shown.output


def test_a_command_that_is_not_there_is_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cucmsim", "bogus"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "No such command 'bogus'" in capsys.readouterr().err


def test_a_command_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["cucmsim", "version"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["status", "--bogus"], ["run"], ["device", "bogus"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    ended = run_cli(*arguments)
    assert (ended.status, ended.output) == (2, "")
    assert "Usage: cucmsim" in ended.errors


def _fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(_wanted: str | None) -> None:
        raise error

    monkeypatch.setattr(main, "build_app", fail)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandError("no"), 1),
        (UnreachableError("no"), 69),
        (SettingsError((Problem("a.toml", "b", "c", "d"),)), 2),
        (StoreError("no"), 1),
        (StartError("no"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    _fail_with(monkeypatch, error)
    ended = run_cli("version")
    assert (ended.status, ended.output, ended.errors) == (status, "", f"cucmsim: {error}\n")


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(monkeypatch, KeyboardInterrupt())
    assert run_cli("version").status == 130


def test_a_fault_of_ours_is_one_line_and_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _fail_with(monkeypatch, KeyError("odd"))
    ended = run_cli("version")
    (kept,) = tmp_path.iterdir()
    assert ended.status == 1
    assert ended.errors == (
        f"cucmsim: internal error: KeyError('odd'); {kept} says where it comes from\n"
    )
    assert "Traceback" in kept.read_text()


def test_a_fault_of_ours_on_a_full_disk_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    _fail_with(monkeypatch, KeyError("odd"))
    assert "could not be written: No such file or directory" in run_cli("version").errors
