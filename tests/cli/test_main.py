"""The command as a whole: every sub-command is there, alone and among the others."""

import pytest
from typer.testing import CliRunner

from cucmsim import __version__
from cucmsim.cli import main
from cucmsim.cli.main import build_app

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
