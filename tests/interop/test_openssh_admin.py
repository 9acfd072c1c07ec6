"""The command line with a stock OpenSSH client: on a terminal, with -tt, through a pipe."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.fixtures.clusters import ADDRESSES, PUBLISHER, Lab, RunningProcess
from tests.fixtures.programs import program
from tests.fixtures.terminal import OnTerminal, on_terminal

pytestmark = pytest.mark.interop
PASSWORD = "admin-password-1"
TIMEOUT_S = 60
OPTIONS = {
    "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": "/dev/null",
    "LogLevel": "ERROR",
    "NumberOfPasswordPrompts": "1",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    program("ssh")
    password = f'security_password = "lab-password-2445"\nadministrator_password = "{PASSWORD}"'
    lab = Lab(tmp_path_factory.mktemp("ssh"))
    write = lab.write

    def with_administrator() -> object:
        text = write().read_text()
        lab.config.write_text(text.replace('security_password = "lab-password-2445"', password))
        return lab.config

    lab.write = with_administrator  # type: ignore[method-assign,assignment]
    with lab.process() as process:
        yield process


def _ssh(running: RunningProcess, *arguments: str) -> list[str]:
    options = [f"-o{name}={value}" for name, value in OPTIONS.items()]
    port = str(running.ports[PUBLISHER]["ssh"])
    whom = f"admin@{ADDRESSES[PUBLISHER]}"
    return [program("ssh"), "-F", "none", *options, "-p", port, *arguments, whom]


def _log_in(terminal: OnTerminal) -> None:
    terminal.expect("Password: ")
    terminal.type(f"{PASSWORD}\r")


def test_openssh_opens_the_command_line_pages_and_leaves(running: RunningProcess) -> None:
    with on_terminal(_ssh(running)) as terminal:
        _log_in(terminal)
        assert "   Welcome to the Platform Command Line Interface\r\n" in terminal.expect("admin:")
        terminal.type("show itl\r")
        # cucm.md 1.1: the pager's escapes, no blank before ESC[0m
        terminal.expect("or <q> to quit\x1b[0m\x1b[K")
        terminal.type(" " * 10)
        terminal.expect("The ITL file was verified successfully.\r\nadmin:")
        terminal.type("exit\r")
        assert terminal.ends() == 0


def test_openssh_on_a_dumb_terminal_gets_no_escapes(running: RunningProcess) -> None:
    with on_terminal(_ssh(running), {"TERM": "dumb"}) as terminal:
        _log_in(terminal)
        terminal.expect("admin:")
        terminal.type("show itl\r")
        terminal.expect("to quit")
        terminal.type("q")
        terminal.expect("admin:")
        terminal.type("quit\r")
        assert terminal.ends() == 0
        assert "\x1b" not in terminal.screen


def test_ctrl_c_does_not_end_the_session(running: RunningProcess) -> None:
    with on_terminal(_ssh(running)) as terminal:
        _log_in(terminal)
        terminal.expect("admin:")
        terminal.type("show it\x03")
        terminal.expect("show it\r\nadmin:")
        terminal.type("show hostname\r")
        terminal.expect(f"hostname : {PUBLISHER}\r\nadmin:")


@pytest.mark.parametrize("terminal_option", ["-tt", "-T"])
def test_commands_from_a_pipe_are_carried_out(
    running: RunningProcess, terminal_option: str
) -> None:
    script = f"printf 'show hostname\\nexit\\n' | {' '.join(_ssh(running, terminal_option))}"
    with on_terminal(["sh", "-c", script]) as terminal:
        _log_in(terminal)
        assert terminal.ends() == 0
        assert f"hostname : {PUBLISHER}" in terminal.screen
        assert ("admin:show hostname" in terminal.screen) is (terminal_option == "-tt")


def test_there_is_no_exec_channel(running: RunningProcess) -> None:
    with on_terminal([*_ssh(running), "show", "itl"]) as terminal:
        _log_in(terminal)
        assert terminal.ends() != 0
        assert "ITL" not in terminal.screen


def test_a_client_that_offers_only_a_password_is_refused(running: RunningProcess) -> None:
    command = _ssh(running, "-oPreferredAuthentications=password")
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 255
    assert "Permission denied (keyboard-interactive)" in done.stderr
