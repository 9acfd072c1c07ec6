"""Scripts for Debian's `expect`, written as people write them, drive the command line over ssh."""

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.clusters import PUBLISHER, RunningProcess
from tests.fixtures.programs import program
from tests.fixtures.sshclients import SSH_PASSWORD, ssh_command

pytestmark = pytest.mark.interop
TIMEOUT_S = 120

LOG_IN = """
set timeout 30
match_max 100000
eval spawn $argv
expect {
    "assword:" { send -- "$env(CUCM_PASSWORD)\\r" }
    timeout { puts "no password prompt"; exit 2 }
    eof { puts "connection closed"; exit 3 }
}
expect "admin:"
"""
PAGE_THROUGH = """
set pages 0
send -- "show itl\\r"
expect {
    "or <q> to quit" { incr pages; send " "; exp_continue }
    "admin:" {}
    timeout { puts "no prompt"; exit 4 }
}
puts "\\nPAGES=$pages"
send -- "exit\\r"
expect eof
"""
WITHOUT_PAGES = """
send -- "set cli pagination off\\r"
expect -re "Automatic pagination is turned off\\r\\n.*admin:"
send -- "show itl\\r"
expect -re "(.*)\\r\\nadmin:"
set listing $expect_out(1,string)
puts "\\nVERIFIED=[regexp {The ITL file was verified successfully\\.} $listing]"
send -- "utils itl reset localkey extra\\r"
expect {
    "Executed command unsuccessfully" { puts "\\nREFUSED=1" }
    timeout { exit 5 }
}
expect "admin:"
send -- "set cert delete tomcat nothing.pem\\r"
expect "admin:"
send -- "exit\\r"
expect eof
lassign [wait] pid spawnid os_error status
exit $status
"""


def drive(
    running: RunningProcess, directory: Path, script: str
) -> subprocess.CompletedProcess[str]:
    path = directory / "script.exp"
    path.write_text(LOG_IN + script)
    return subprocess.run(
        [program("expect"), "-f", str(path), "--", *ssh_command(running)],
        env={"CUCM_PASSWORD": SSH_PASSWORD, "PATH": "/usr/bin:/bin", "TERM": "xterm"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_a_script_that_presses_space_at_the_pager_comes_to_the_end(
    ssh_cluster: RunningProcess, tmp_path: Path
) -> None:
    done = drive(ssh_cluster, tmp_path, PAGE_THROUGH)
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split("PAGES=")[1].split()[0]) > 1
    assert "The ITL file was verified successfully." in done.stdout
    assert SSH_PASSWORD not in done.stdout


def test_a_script_that_turns_pages_off_finds_echo_text_and_prompt(
    ssh_cluster: RunningProcess, tmp_path: Path
) -> None:
    done = drive(ssh_cluster, tmp_path, WITHOUT_PAGES)
    assert done.returncode == 0, done.stdout
    assert "admin:show itl" in done.stdout
    assert "VERIFIED=1" in done.stdout
    assert "REFUSED=1" in done.stdout
    assert "to quit" not in done.stdout
    assert PUBLISHER in done.stdout
