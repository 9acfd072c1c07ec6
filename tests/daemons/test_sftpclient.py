"""The SFTP client against asyncssh's server: what it does, and each way a server can fail."""

import asyncio
import base64
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from cucmsim.daemons import sftpclient
from cucmsim.daemons.sftpclient import AsyncSftpClient
from cucmsim.errors import RefusedError
from cucmsim.services.sftp import SftpServer
from tests.fixtures.sftpservers import Served, serving


def names_in(directory: Path) -> list[str]:
    return [one.name for one in directory.iterdir()]


@asynccontextmanager
async def logged_in(served: Served, directory: str = "/") -> AsyncIterator[SftpServer]:
    client, account = AsyncSftpClient(), served.account(directory=directory)
    key = await client.host_key(account.host, account.port)
    async with client.session(account, key) as server:
        yield server


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("ssh-rsa", "RSA"), ("ssh-ed25519", "ED25519"), ("ecdsa-sha2-nistp256", "ECDSA")],
)
async def test_a_key_is_shown_by_its_md5_fingerprint(
    tmp_path: Path, algorithm: str, kind: str
) -> None:
    async with serving(tmp_path, algorithm=algorithm) as served:
        key = await AsyncSftpClient().host_key("localhost", served.port)
    blob = base64.b64decode(served.key.export_public_key().split()[1])
    assert key.fingerprint == hashlib.md5(blob).digest().hex(":")
    assert (key.kind, key.address) == (kind, "127.0.0.1")


@pytest.mark.parametrize("asks", [False, True])
async def test_files_are_written_listed_and_read(tmp_path: Path, *, asks: bool) -> None:
    (tmp_path / "there").mkdir()
    async with serving(tmp_path, asks=asks) as served, logged_in(served, "/there") as server:
        assert await server.list_files() == []
        await server.write_file("a.p12", b"first")
        await server.write_file("a.p12", bytes(range(256)) * 1000)
        assert await server.list_files() == ["a.p12"]
        assert await server.read_file("a.p12") == bytes(range(256)) * 1000
    assert names_in(tmp_path / "there") == ["a.p12"]


async def test_directories_in_a_name_are_made(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, logged_in(served) as server:
        await server.write_file("cm/trace/tvs1.txt", b"first")
        await server.write_file("cm/trace/tvs1.txt", b"second")
    assert (tmp_path / "cm" / "trace" / "tvs1.txt").read_bytes() == b"second"


class _Plain(asyncssh.SFTPServer):
    """Renames as the first version of SFTP does."""

    def posix_rename(self, _oldpath: bytes, _newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("not here")


async def test_a_server_that_cannot_rename_over_a_file_gets_it_all_the_same(
    tmp_path: Path,
) -> None:
    def plain(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return _Plain(channel, chroot=os.fsencode(tmp_path))

    async with serving(tmp_path, factory=plain) as served, logged_in(served) as server:
        await server.write_file("a.p12", b"first")
        await server.write_file("a.p12", b"second")
    assert (tmp_path / "a.p12").read_bytes() == b"second"
    assert names_in(tmp_path) == ["a.p12"]


async def test_what_the_server_does_not_do_is_said_with_the_path(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        async with logged_in(served) as server:
            with pytest.raises(RefusedError, match=r"^/nothing: No such file"):
                await server.read_file("nothing")
        async with logged_in(served, "/missing") as server:
            with pytest.raises(RefusedError, match=r"^/missing: No such file"):
                await server.list_files()
            with pytest.raises(RefusedError, match=r"^/missing/a: No such file"):
                await server.write_file("a", b"")


async def test_a_file_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftpclient, "_LARGEST_FILE", 3)
    (tmp_path / "large").write_bytes(b"12345")
    async with serving(tmp_path) as served, logged_in(served) as server:
        with pytest.raises(RefusedError, match="/large: found more than 3 bytes"):
            await server.read_file("large")


@pytest.mark.parametrize("asks", [False, True])
async def test_a_wrong_password_is_refused_and_not_repeated(tmp_path: Path, *, asks: bool) -> None:
    client = AsyncSftpClient()
    async with serving(tmp_path, asks=asks) as served:
        key = await client.host_key(served.host, served.port)
        with pytest.raises(RefusedError, match="refused user name or password") as raised:
            async with client.session(served.account("wrong-2445"), key):
                pass
    assert "wrong-2445" not in str(raised.value)


async def test_a_server_with_another_key_gets_no_password(tmp_path: Path) -> None:
    client = AsyncSftpClient()
    async with serving(tmp_path) as known, serving(tmp_path) as other:
        key = await client.host_key(known.host, known.port)
        account = replace(known.account(), port=other.port)
        with pytest.raises(RefusedError, match="shows another host key"):
            async with client.session(account, key):
                pass


async def test_a_port_where_nobody_listens_is_named(unused_tcp_port: int) -> None:
    with pytest.raises(RefusedError, match=r"^127\.0\.0\.1: "):
        await AsyncSftpClient().host_key("127.0.0.1", unused_tcp_port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a b", "ł" * 70, "x" * 300, "a..b", "\0"])
async def test_a_name_that_is_no_host_is_named(host: str) -> None:
    with pytest.raises(RefusedError):
        await AsyncSftpClient().host_key(host, 22)


async def test_a_server_that_says_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(RefusedError, match=r"did not answer in 0\.2 s"):
            await AsyncSftpClient(timeout_s=0.2).host_key("127.0.0.1", port)


async def test_what_is_no_ssh_server_is_refused() -> None:
    async def web(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(RefusedError):
            await AsyncSftpClient().host_key("127.0.0.1", port)


async def test_a_file_is_removed_and_one_that_is_not_there_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, logged_in(served) as server:
        await server.write_file("a.tar", b"x")
        await server.remove_file("a.tar")
        assert await server.list_files() == []
        with pytest.raises(RefusedError, match=r"^/a\.tar: No such file"):
            await server.remove_file("a.tar")
