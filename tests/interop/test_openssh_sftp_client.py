"""`cucmsim sftp` with OpenSSH's `sftp`, which asks for the password on its terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.programs import program
from tests.fixtures.sftpservers import PASSWORD, USER, RunningSftp, sftp_process
from tests.fixtures.terminal import OnTerminal, on_terminal

pytestmark = pytest.mark.interop
OPTIONS = (
    "-oPort={}",
    "-oStrictHostKeyChecking=accept-new",
    "-oPreferredAuthentications=password",
    "-oNumberOfPasswordPrompts=1",
)
DATA = bytes(range(256)) * 5000


@contextmanager
def logged_in(running: RunningSftp, home: Path, password: str = PASSWORD) -> Iterator[OnTerminal]:
    """Open `sftp` with a file of known hosts in `home`."""
    known = f"-oUserKnownHostsFile={home / 'known_hosts'}"
    options = [option.format(running.port) for option in OPTIONS]
    command = [program("sftp"), "-F", "none", known, *options, f"{USER}@127.0.0.1"]
    with on_terminal(command) as terminal:
        terminal.expect("password: ")
        terminal.type(f"{password}\r")
        yield terminal


def test_openssh_keeps_and_takes_files_and_finds_no_way_out(tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "link").symlink_to(tmp_path / "secret")
    for name in ("large.p12", "secret"):
        (tmp_path / name).write_bytes(DATA)
    with sftp_process(served) as running, logged_in(running, tmp_path) as terminal:
        terminal.expect("sftp> ")
        for line, shown in (
            (f"put {tmp_path}/large.p12", "100%"),
            ("mkdir bulk", "sftp>"),
            ("rename large.p12 bulk/a.p12", "sftp>"),
            (f"get bulk/a.p12 {tmp_path}/back.p12", "100%"),
            (f"get ../secret {tmp_path}/stolen", "not found"),
            (f"get link {tmp_path}/stolen", "not found"),
            ("cd ../..", "sftp>"),
            ("pwd", "Remote working directory: /\r\n"),
            ("symlink /etc/passwd mine", "Permission denied"),
            ("ls -l bulk", "a.p12"),
        ):
            terminal.type(f"{line}\r")
            terminal.expect(shown)
        terminal.type("bye\r")
        assert terminal.ends() == 0
    assert (tmp_path / "back.p12").read_bytes() == (served / "bulk" / "a.p12").read_bytes() == DATA
    assert not (tmp_path / "stolen").exists()


def test_openssh_meets_the_same_key_at_the_next_start(tmp_path: Path, unused_tcp_port: int) -> None:
    served = tmp_path / "served"
    served.mkdir()
    for password, shown in ((PASSWORD, "sftp> "), ("wrong", "Permission denied")):
        with (
            sftp_process(served, unused_tcp_port) as running,
            logged_in(running, tmp_path, password) as terminal,
        ):
            terminal.expect(shown)
