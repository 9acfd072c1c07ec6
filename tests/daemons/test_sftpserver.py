"""The SFTP server of labs: with our client, and with asyncssh's where ours is too well-behaved."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from structlog.testing import capture_logs

from cucmsim.daemons import sftpserver
from cucmsim.daemons.sftpclient import AsyncSftpClient
from cucmsim.daemons.sftpserver import SftpDirectory, SftpLogin
from cucmsim.errors import RefusedError, StartError
from cucmsim.services.sftp import SftpAccount

USER, PASSWORD = "lab", "tomato-2445"
KEY = asyncssh.generate_private_key("ssh-rsa")


def names_in(directory: Path) -> list[str]:
    return [one.name for one in directory.iterdir()]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    (tmp_path / "secret").write_bytes(b"of the host")
    return made


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[SftpDirectory]:
    server = SftpDirectory(("127.0.0.1", 0), directory, SftpLogin(USER, PASSWORD), KEY)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def connected(
    server: SftpDirectory, **options: object
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    given = {"username": USER, "password": PASSWORD, **options}
    async with asyncssh.connect(
        "127.0.0.1", server.ports[0], known_hosts=None, client_keys=None, config=None, **given
    ) as connection:
        yield connection


@asynccontextmanager
async def plain_client(server: SftpDirectory) -> AsyncIterator[asyncssh.SFTPClient]:
    async with connected(server) as connection, connection.start_sftp_client() as client:
        yield client


async def test_a_cluster_s_client_keeps_and_takes_files_and_each_is_a_line(directory: Path) -> None:
    client = AsyncSftpClient()
    with capture_logs() as lines:
        async with serving(directory) as server:
            key = await client.host_key("127.0.0.1", server.ports[0])
            account = SftpAccount("127.0.0.1", USER, PASSWORD, "/", server.ports[0])
            async with client.session(account, key) as session:
                await session.write_file("a/b.p12", b"first")
                await session.write_file("a/b.p12", b"second")
                assert await session.read_file("a/b.p12") == b"second"
                assert await session.list_files() == ["a"]
    assert key.kind == "RSA"
    assert (directory / "a" / "b.p12").read_bytes() == b"second"
    told = [(line["event"], line["path"], line.get("bytes")) for line in lines]
    assert told[-3:] == [
        ("file written", "/a/.b.p12.part", 6),
        ("renamed", "/a/.b.p12.part", None),
        ("file read", "/a/b.p12", 6),
    ]
    assert PASSWORD not in str(lines)


@pytest.mark.parametrize("path", ["../secret", "link", "links/secret", "sub/../../secret"])
async def test_nothing_above_the_directory_is_served(directory: Path, path: str) -> None:
    (directory / "link").symlink_to(directory.parent / "secret")
    (directory / "links").symlink_to("..")
    async with serving(directory) as server, plain_client(server) as client:
        for use in (client.stat, client.remove, client.listdir):
            with pytest.raises(asyncssh.SFTPError):
                await use(path)
        for mode in ("rb", "r+b"):
            with pytest.raises(asyncssh.SFTPError):
                async with client.open(path, mode):
                    pass
        with pytest.raises(asyncssh.SFTPError):
            await client.rename(path, "mine")
    assert (directory.parent / "secret").read_bytes() == b"of the host"


async def test_nothing_is_written_through_a_link_that_leads_out(directory: Path) -> None:
    (directory / "new").symlink_to(directory.parent / "new")
    async with serving(directory) as server, plain_client(server) as client:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            async with client.open("new", "wb"):
                pass
    assert not (directory.parent / "new").exists()


async def test_a_path_with_dots_means_a_file_in_the_directory(directory: Path) -> None:
    async with serving(directory) as server, plain_client(server) as client:
        async with client.open("../../new", "wb") as file:
            await file.write(b"x")
        assert await client.realpath("../..") == "/"
    assert (directory / "new").read_bytes() == b"x"
    assert not (directory.parent / "new").exists()


async def test_a_link_to_what_lies_in_the_directory_is_followed_and_none_is_made(
    directory: Path,
) -> None:
    (directory / "file").write_bytes(b"x")
    (directory / "link").symlink_to(directory / "file")
    async with serving(directory) as server, plain_client(server) as client:
        async with client.open("link", "rb") as file:
            found: str | bytes = await file.read()
            assert found == b"x"
        for make in (client.symlink, client.link):
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="Links are not made here"):
                await make("file", "other")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.stat(b"fi\0le")
        await client.rename("file", "renamed")
        await client.remove("renamed")
    assert names_in(directory) == ["link"]


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
async def test_both_ways_to_give_a_password_are_taken(directory: Path, method: str) -> None:
    async with (
        serving(directory) as server,
        connected(server, preferred_auth=method) as connection,
        connection.start_sftp_client() as client,
    ):
        assert await client.listdir() == [".", ".."]


@pytest.mark.parametrize("account", [(USER, "wrong"), ("other", PASSWORD), (USER, "\udcff")])
async def test_others_are_not_let_in(directory: Path, account: tuple[str, str]) -> None:
    user, password = account
    client = AsyncSftpClient()
    async with serving(directory) as server:
        port = server.ports[0]
        key = await client.host_key("127.0.0.1", port)
        with pytest.raises((RefusedError, UnicodeError)):
            async with client.session(SftpAccount("127.0.0.1", user, password, "/", port), key):
                pass


class _Guessing(asyncssh.SSHClient):
    tries = 0

    def password_auth_requested(self) -> str:
        self.tries += 1
        return "guess"


async def test_a_client_that_guesses_is_cut_off(directory: Path) -> None:
    guessing = _Guessing()
    async with serving(directory) as server:
        with pytest.raises(asyncssh.DisconnectError, match="Too many authentication failures"):
            async with connected(server, password=None, client_factory=lambda: guessing):
                pass
    assert guessing.tries == 6


async def test_there_is_no_shell_no_command_and_no_forwarding(directory: Path) -> None:
    async with serving(directory) as server, connected(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("id", check=True)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", server.ports[0])


async def test_too_many_clients_are_turned_away(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftpserver, "_MOST_CLIENTS", 1)
    async with serving(directory) as server:
        async with connected(server):
            with pytest.raises((asyncssh.Error, OSError)):
                async with connected(server):
                    pass
        async with connected(server):
            pass


async def test_a_stop_parts_from_clients_and_frees_the_port(directory: Path) -> None:
    async with serving(directory) as server:
        port = server.ports[0]
        async with connected(server) as connection:
            await server.stop()
            await connection.wait_closed()
            assert server.ports == ()
            with (
                socket.create_server(("127.0.0.1", port)),
                pytest.raises(StartError, match=f"127.0.0.1:{port}: the port is in use"),
            ):
                await SftpDirectory(
                    ("127.0.0.1", port), directory, SftpLogin(USER, PASSWORD), KEY
                ).start()


def test_a_password_is_in_no_repr() -> None:
    assert PASSWORD not in repr(SftpLogin(USER, PASSWORD))
