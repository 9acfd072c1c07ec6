"""`cucmsim sftp`: in this process for what it refuses, as a process of its own for its manners."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import asyncssh
import pytest

from cucmsim.cli.sftp import _serve
from cucmsim.daemons.sftpclient import AsyncSftpClient
from cucmsim.daemons.sftpserver import SftpDirectory, SftpLogin
from cucmsim.services.sftp import HostKey, SftpAccount
from tests.fixtures.clusters import run_cli
from tests.fixtures.sftpservers import PASSWORD, USER, RunningSftp, sftp_process


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    return made


async def keep(running: RunningSftp, data: bytes) -> HostKey:
    client, account = AsyncSftpClient(), SftpAccount("127.0.0.1", USER, PASSWORD, "/", running.port)
    key = await client.host_key(account.host, account.port)
    async with client.session(account, key) as server:
        await server.write_file("a.p12", data)
    return key


def test_it_serves_under_the_same_key_until_ctrl_c(directory: Path) -> None:
    keys = []
    for data in (b"first", b"second"):
        with sftp_process(directory) as running:
            keys.append(asyncio.run(keep(running, data)))
            output, errors = running.stop()
        assert (running.process.returncode, output) == (0, "Stopped.\n")
        assert "file written" in errors
        assert f"bytes={len(data)}" in errors
        assert PASSWORD not in output + errors + str(running.lines)
    assert keys[0].public == keys[1].public
    assert running.lines[1] == f"RSA key fingerprint MD5:{keys[1].fingerprint}"
    assert (directory / "a.p12").read_bytes() == b"second"
    kept = directory.parent / ".served.ssh_host_key"
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_signal_ends_it(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = asyncssh.generate_private_key("ssh-rsa")
    server = SftpDirectory(("127.0.0.1", 0), directory, SftpLogin(USER, PASSWORD), key)
    serving = asyncio.create_task(_serve(server, "127.0.0.1", key))
    while not server.ports:  # noqa: ASYNC110 - of another task, seen by its effect
        await asyncio.sleep(0)
    port = server.ports[0]
    os.kill(os.getpid(), signal.SIGTERM)
    await serving
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"Serving sftp://{USER}@127.0.0.1:{port}/"
    assert told[-1] == "Stopped."


def refused(*arguments: object) -> str:
    outcome = run_cli("sftp", *(str(one) for one in arguments))
    assert (outcome.status, outcome.output) != (0, "")
    return outcome.errors


def test_what_cannot_be_served_is_said(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SFTP_PASSWORD", raising=False)
    above = directory.parent
    assert "none: no such directory" in refused(above / "none", "--user", USER)
    assert "found no password in SFTP_PASSWORD" in refused(directory, "--user", USER)
    assert "expected a name" in refused(directory, "--user", "")
    wanted = (directory, "--user", USER, "--password-file")
    assert "none: No such file or directory" in refused(*wanted, above / "none")
    (above / "a file").touch()
    (above / "empty").write_text("\n")
    assert f"found no password in {above / 'empty'}" in refused(*wanted, above / "empty")
    (above / "binary").write_bytes(b"\xff\xfe")
    assert "binary: not a text" in refused(*wanted, above / "binary")
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    inside = directory / "key"
    assert "which is served" in refused(directory, "--user", USER, "--host-key", inside)
    assert not inside.exists()
    assert "a file: no such directory" in refused(above / "a file", "--user", USER)


def test_a_port_that_is_taken_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        errors = refused(directory, "--user", USER, "--port", port)
    assert f"sftp: cannot listen on 127.0.0.1:{port}: the port is in use" in errors


def test_a_host_key_that_is_none_is_said(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    key = directory.parent / "no key"
    key.touch()
    assert f"the host key {key} cannot be used" in refused(
        directory, "--user", USER, "--host-key", key
    )
