"""The command line with a stock OpenSSH client: on a terminal, with -tt, through a pipe."""

import subprocess

import pytest

from tests.fixtures.clusters import ADDRESSES, PUBLISHER, RunningProcess
from tests.fixtures.programs import program
from tests.fixtures.sshclients import SSH_PASSWORD, client_options, ssh_command
from tests.fixtures.terminal import OnTerminal, on_terminal

pytestmark = pytest.mark.interop
TIMEOUT_S = 60


def _log_in(terminal: OnTerminal) -> None:
    terminal.expect("Password: ")
    terminal.type(f"{SSH_PASSWORD}\r")


def test_openssh_opens_the_command_line_pages_and_leaves(ssh_cluster: RunningProcess) -> None:
    with on_terminal(ssh_command(ssh_cluster)) as terminal:
        _log_in(terminal)
        assert "   Welcome to the Platform Command Line Interface\r\n" in terminal.expect("admin:")
        terminal.type("show itl\r")
        # cucm.md 1.1: the pager's escapes, no blank before ESC[0m
        terminal.expect("or <q> to quit\x1b[0m\x1b[K")
        terminal.type(" " * 10)
        terminal.expect("The ITL file was verified successfully.\r\nadmin:")
        terminal.type("exit\r")
        assert terminal.ends() == 0


def test_openssh_on_a_dumb_terminal_gets_no_escapes(ssh_cluster: RunningProcess) -> None:
    with on_terminal(ssh_command(ssh_cluster), {"TERM": "dumb"}) as terminal:
        _log_in(terminal)
        terminal.expect("admin:")
        terminal.type("show itl\r")
        terminal.expect("to quit")
        terminal.type("q")
        terminal.expect("admin:")
        terminal.type("quit\r")
        assert terminal.ends() == 0
        assert "\x1b" not in terminal.screen


def test_ctrl_c_does_not_end_the_session(ssh_cluster: RunningProcess) -> None:
    with on_terminal(ssh_command(ssh_cluster)) as terminal:
        _log_in(terminal)
        terminal.expect("admin:")
        terminal.type("show it\x03")
        terminal.expect("show it\r\nadmin:")
        terminal.type("show hostname\r")
        terminal.expect(f"hostname : {PUBLISHER}\r\nadmin:")


@pytest.mark.parametrize("terminal_option", ["-tt", "-T"])
def test_commands_from_a_pipe_are_carried_out(
    ssh_cluster: RunningProcess, terminal_option: str
) -> None:
    script = (
        f"printf 'show hostname\\nexit\\n' | {' '.join(ssh_command(ssh_cluster, terminal_option))}"
    )
    with on_terminal(["sh", "-c", script]) as terminal:
        _log_in(terminal)
        assert terminal.ends() == 0
        assert f"hostname : {PUBLISHER}" in terminal.screen
        assert ("admin:show hostname" in terminal.screen) is (terminal_option == "-tt")


def test_there_is_no_exec_channel(ssh_cluster: RunningProcess) -> None:
    with on_terminal([*ssh_command(ssh_cluster), "show", "itl"]) as terminal:
        _log_in(terminal)
        assert terminal.ends() != 0
        assert "ITL" not in terminal.screen


def test_a_client_that_offers_only_a_password_is_refused(ssh_cluster: RunningProcess) -> None:
    command = ssh_command(ssh_cluster, "-oPreferredAuthentications=password")
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 255
    assert "Permission denied (keyboard-interactive)" in done.stderr


def test_stock_sftp_is_told_that_there_is_no_such_subsystem_and_ends(
    ssh_cluster: RunningProcess,
) -> None:
    port = str(ssh_cluster.ports[PUBLISHER]["ssh"])
    whom = f"admin@{ADDRESSES[PUBLISHER]}"
    with on_terminal([program("sftp"), *client_options(), "-P", port, whom]) as terminal:
        _log_in(terminal)
        terminal.expect("subsystem request failed on channel 0")
        assert terminal.ends() == 255
        assert "sftp>" not in terminal.screen


def test_a_pager_of_a_file_is_plain_on_a_dumb_terminal(ssh_cluster: RunningProcess) -> None:
    with on_terminal(ssh_command(ssh_cluster), {"TERM": "dumb"}) as terminal:
        _log_in(terminal)
        terminal.expect("admin:")
        terminal.type("file view activelog syslog/CiscoSyslog\r")
        assert "\r\noptions: q=quit, n=next" in terminal.expect(") : ")
        terminal.type("q")
        terminal.expect("admin:")
        assert "\x1b" not in terminal.screen
