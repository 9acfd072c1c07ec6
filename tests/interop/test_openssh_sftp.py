"""Our SFTP client against OpenSSH: its sftp-server holds the files, its sshd shows a key.

The two together, with a log-in, would need an account with a password on the machine.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cucmsim.daemons.sftpclient import AsyncSftpClient
from cucmsim.errors import RefusedError
from cucmsim.services.sftp import SftpAccount
from tests.fixtures.programs import program
from tests.fixtures.sftpservers import openssh_sftp_server

pytestmark = pytest.mark.interop

_START_S = 60


async def test_openssh_s_sftp_server_keeps_what_is_written(tmp_path: Path) -> None:
    client = AsyncSftpClient()
    async with openssh_sftp_server(tmp_path) as served:
        key = await client.host_key(served.host, served.port)
        async with client.session(served.account(), key) as server:
            await server.write_file("a.p12", b"first")
            await server.write_file("a.p12", bytes(range(256)) * 4000)
            assert await server.list_files() == ["a.p12"]
            assert await server.read_file("a.p12") == bytes(range(256)) * 4000
            with pytest.raises(RefusedError, match="No such file"):
                await server.read_file("b.p12")
        async with client.session(served.account(directory="/nothing/here"), key) as server:
            with pytest.raises(RefusedError, match=r"^/nothing/here: No such file"):
                await server.list_files()
    assert (tmp_path / "a.p12").read_bytes() == bytes(range(256)) * 4000


async def test_a_directory_that_is_not_ours_to_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    client = AsyncSftpClient()
    async with openssh_sftp_server(tmp_path) as served:
        key = await client.host_key(served.host, served.port)
        account = served.account(directory=str(tmp_path / "file"))
        async with client.session(account, key) as server:
            with pytest.raises(RefusedError, match=r"/file/a\.p12: "):
                await server.write_file("a.p12", b"x")


def _keygen(*arguments: str) -> str:
    done = subprocess.run(
        [program("ssh-keygen"), *arguments], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def _make_privilege_separation_directory() -> None:
    """Make what Debian's service makes at boot; only root's sshd needs it."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)


@asynccontextmanager
async def _sshd(directory: Path, key: Path, port: int) -> AsyncIterator[None]:
    """Run OpenSSH's sshd while the block runs."""
    path = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        program("sshd")
    _make_privilege_separation_directory()
    config = directory / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\nUsePAM no\n"
    )
    child = await asyncio.create_subprocess_exec(
        str(path), "-D", "-e", "-f", str(config), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert child.stderr is not None
        async with asyncio.timeout(_START_S):
            assert b"Server listening on 127.0.0.1" in await child.stderr.readline()
        yield
    finally:
        child.terminate()
        await child.communicate()


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_the_fingerprint_of_sshd_is_the_one_that_ssh_keygen_prints(
    tmp_path: Path, unused_tcp_port: int, kind: str
) -> None:
    path = tmp_path / "host_key"
    _keygen("-q", "-t", kind, "-N", "", "-f", str(path))
    printed = _keygen("-l", "-E", "md5", "-f", str(path)).split()
    client = AsyncSftpClient()
    async with _sshd(tmp_path, path, unused_tcp_port):
        key = await client.host_key("127.0.0.1", unused_tcp_port)
        assert f"MD5:{key.fingerprint}" == printed[1]
        assert f"({key.kind})" == printed[-1]
        account = SftpAccount("127.0.0.1", "nobody-here", "wrong", "/", unused_tcp_port)
        with pytest.raises(RefusedError, match="refused user name or password"):
            async with client.session(account, key):
                pass
