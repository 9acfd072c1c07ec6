"""`cucmsim scenario run` with somebody's own device: our phone, in a process of its own."""

import sys
from pathlib import Path

import pytest

from tests.fixtures.clusters import run_cli

ROOT = Path(__file__).parents[2]
HOOK = ROOT / "docs/scenarios/simulated-device.sh"
REBOOT = """
name = "reboot"
title = "A phone boots twice"
outcome = "it follows"
[cluster]
releases = ["11.5"]
nodes = 1
[[steps]]
phone = "boot"
[[steps]]
expect = "follows"
[[steps]]
phone = "boot"
[[steps]]
expect = "registered"
[[steps]]
expect = "source"
of = "configuration"
is = "ITL"
"""


@pytest.fixture
def reboot(tmp_path: Path) -> str:
    path = tmp_path / "reboot.toml"
    path.write_text(REBOOT)
    return str(path)


def test_a_device_given_as_a_command_is_played_and_judged_from_outside(
    reboot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> None:
    del quiet
    monkeypatch.setenv("FLASH", str(tmp_path / "flash"))
    monkeypatch.setenv("CUCMSIM", f"{sys.executable} -m cucmsim")
    outcome = run_cli(
        *("scenario", "run", "reboot", "--scenario-file", reboot, "--device-hook", str(HOOK)),
        *("--mac", "0011.2233.4455", "--model", "8861", "--patience-s", "60"),
    )
    assert outcome.status == 0, outcome.output + outcome.errors
    lines = outcome.output.splitlines()
    assert "* SEP001122334455 device under test: boot" in lines
    assert "* administrator: resets SEP001122334455" in lines
    assert "  met     SEP001122334455 follows" in lines
    assert "  unseen  SEP001122334455 takes the configuration: a device does not show that" in lines


def test_a_device_that_never_appears_ends_with_69_and_what_was_waited_for(
    reboot: str, quiet: None
) -> None:
    del quiet
    outcome = run_cli(
        *("scenario", "run", "reboot", "--scenario-file", reboot),
        *("--device-hook", "true", "--patience-s", "0.2"),
    )
    assert outcome.status == 69
    assert "SEPB000B4BA0AEE has not booted within 0.2 s: waited for anything" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "promt"], "found --device 'promt', expected prompt, or --device-hook CMD"),
        (["--device", "prompt"], "--device needs --mac, the MAC address of the phone"),
        (["--device-hook", "x", "--mac", "12"], "found --mac '12', expected twelve hexadecimal"),
        (["--device-hook", "x", "--model", "8862"], "found phone '8862'"),
        (["--device-hook", "x", "--bind", "here"], "found --bind 'here', expected an IP address"),
        (["--against", "127.0.0.1"], "found --against '127.0.0.1', expected http://HOST:PORT of"),
        (["--bind", "192.0.2.1"], "--bind needs --device or --device-hook"),
        (["--device", "prompt", "--device-hook", "x"], "expected one of them"),
        (
            ["--device-hook", "x", "--limit-s", "300"],
            "found --limit-s 300, expected more than --patience-s, 300",
        ),
    ],
)
def test_what_makes_no_device_is_refused(arguments: list[str], said: str) -> None:
    outcome = run_cli("scenario", "run", "regen-both", *arguments)
    assert outcome.status == 2
    assert said in outcome.errors


def test_a_hook_that_fails_ends_the_run_at_once_with_its_status(reboot: str, quiet: None) -> None:
    del quiet
    outcome = run_cli(
        "scenario", "run", "reboot", "--scenario-file", reboot, "--device-hook", "false"
    )
    assert outcome.status == 1
    said = "--device-hook 'false' ended with status 1 when it was called to boot, before anything"
    assert said in outcome.output


def test_a_hook_that_is_no_command_is_refused_when_it_is_called(reboot: str, quiet: None) -> None:
    del quiet
    outcome = run_cli(
        "scenario", "run", "reboot", "--scenario-file", reboot, "--device-hook", "no-such-command"
    )
    assert outcome.status == 1
    assert "cannot run --device-hook no-such-command: No such file or directory" in outcome.output
