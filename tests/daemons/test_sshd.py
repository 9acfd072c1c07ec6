"""The command line over SSH, with asyncssh as client: log-in, terminals, pipes, limits."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from cucmsim.cluster.cluster import Cluster
from cucmsim.daemons.sshd import SshLimits, SshServer, host_key, server_version
from cucmsim.errors import StartError, StoreError
from cucmsim.pki.release import Release
from cucmsim.services.admin.commandline import BANNER, CommandLine
from tests.fixtures.clusters import PUBLISHER, Lab

PASSWORD = "admin-password-1"
WAIT_S = 60
ADDRESS = "127.0.0.1"


class Client(asyncssh.SSHClient):
    """Answers keyboard-interactive with one password."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.prompts: list[str] = []

    def kbdint_auth_requested(self) -> str:
        return ""

    def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002  asyncssh's interface
        instructions: str,  # noqa: ARG002
        lang: str,  # noqa: ARG002
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str]:
        self.prompts += [prompt for prompt, _ in prompts]
        return [self.password for _ in prompts]


@pytest_asyncio.fixture
async def cluster(lab: Lab, quiet: None) -> AsyncIterator[Cluster]:  # noqa: ARG001  no log
    async with lab.running() as running:
        await running.command_lines[PUBLISHER].platform.describe("admin", PASSWORD)
        yield running


@pytest_asyncio.fixture
async def server(cluster: Cluster, tmp_path: Path) -> AsyncIterator[SshServer]:
    key = host_key(tmp_path / "key")
    limits = SshLimits(connections=3, login_s=WAIT_S)
    made = SshServer((ADDRESS, 0), cluster.command_lines[PUBLISHER], key, limits)
    await made.start()
    yield made
    await made.stop(0)


async def connect(
    server: SshServer, user: str = "admin", password: str = PASSWORD, **options: object
) -> asyncssh.SSHClientConnection:
    given: dict[str, object] = {
        "username": user,
        "known_hosts": None,
        "config": None,
        "agent_path": None,
        "client_keys": None,
        "client_factory": lambda: Client(password),
        "preferred_auth": "keyboard-interactive",
        **options,
    }
    return await asyncssh.connect(ADDRESS, server.ports[0], **given)


async def _until(reader: asyncssh.SSHReader[str], text: str) -> str:
    return await asyncio.wait_for(reader.readuntil(text), WAIT_S)


async def test_a_shell_on_a_terminal_shows_banner_echo_and_output(server: SshServer) -> None:
    async with await connect(server) as connection:
        process = await connection.create_process(term_type="vt100", term_size=(80, 24))
        shown = await _until(process.stdout, "admin:")
        assert shown == BANNER.replace("\n", "\r\n") + "admin:"
        process.stdin.write("show cli pagination\r")
        assert await _until(process.stdout, "admin:") == (
            "show cli pagination\r\nAutomatic Pagination : On.\r\nadmin:"
        )
        process.stdin.write("exit\r")
        ended = await asyncio.wait_for(process.wait(), WAIT_S)
        assert ended.exit_status == 0


async def test_a_pipe_gets_output_without_echo_and_ends_with_its_input(server: SshServer) -> None:
    async with await connect(server) as connection:
        process = await connection.create_process()
        process.stdin.write("show cli pagination\nls\n")
        process.stdin.write_eof()
        ended = await asyncio.wait_for(process.wait(), WAIT_S)
        assert ended.stdout == BANNER + (
            "admin:Automatic Pagination : On.\n"
            "admin:Executed command unsuccessfully\nNo valid command entered\nadmin:"
        )


async def test_keyboard_interactive_is_all_that_is_offered(server: SshServer) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(server, password=PASSWORD, preferred_auth="password,publickey")
    assert await asyncssh.get_server_auth_methods(ADDRESS, server.ports[0], "admin") == [
        "keyboard-interactive"
    ]


@pytest.mark.parametrize(
    ("user", "password"), [("admin", "wrong"), ("nobody", PASSWORD), ("admin", "x" * 2000)]
)
async def test_a_wrong_name_or_password_is_refused(
    server: SshServer, user: str, password: str
) -> None:
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.ConnectionLost)):
        await connect(server, user, password)


async def test_an_account_is_locked_after_three_wrong_passwords(server: SshServer) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(server, password="wrong")
    platform = server.command_line.platform
    while not platform.locked_for("admin"):
        await platform.log_in("admin", "wrong")
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(server)


async def test_there_is_no_exec_channel_no_subsystem_and_no_forwarding(server: SshServer) -> None:
    async with await connect(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("show itl")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection(ADDRESS, server.ports[0])


async def test_a_privilege_level_hides_what_is_above_it(server: SshServer) -> None:
    await server.command_line.platform.add("helper", 0, "helper-password")
    async with await connect(server, "helper", "helper-password") as connection:
        process = await connection.create_process()
        process.stdin.write("set cli pagination off\n")
        process.stdin.write_eof()
        ended = await asyncio.wait_for(process.wait(), WAIT_S)
        assert "No valid command entered" in str(ended.stdout)


async def test_a_resized_window_and_a_break_reach_the_session(server: SshServer) -> None:
    async with await connect(server) as connection:
        process = await connection.create_process(term_type="vt100", term_size=(80, 24))
        await _until(process.stdout, "admin:")
        process.change_terminal_size(80, 3)
        process.stdin.write("show")
        await _until(process.stdout, "show")
        process.send_break(0)
        await _until(process.stdout, "admin:")
        process.stdin.write("help\r")
        await _until(process.stdout, "to quit")


async def test_no_more_clients_are_served_than_allowed(server: SshServer) -> None:
    held = [await connect(server) for _ in range(3)]
    with pytest.raises((asyncssh.ConnectionLost, OSError)):
        await connect(server)
    for connection in held:
        connection.close()
        await connection.wait_closed()


async def test_a_connection_opens_ten_shells_and_no_more(server: SshServer) -> None:
    async with await connect(server) as connection:
        for _ in range(10):
            await connection.create_process()
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process()


async def test_a_stop_ends_sessions_and_frees_the_port(server: SshServer) -> None:
    connection = await connect(server)
    process = await connection.create_process(term_type="vt100")
    await _until(process.stdout, "admin:")
    await server.stop(WAIT_S)
    assert server.ports == ()
    assert server.connections == 0
    await connection.wait_closed()
    await server.stop(0)


async def test_a_log_in_that_takes_too_long_is_ended(server: SshServer) -> None:
    server.limits = replace(server.limits, login_s=0.05)
    await server.stop(0)
    await server.start()
    reader, writer = await asyncio.open_connection(ADDRESS, server.ports[0])
    assert (await reader.readline()).startswith(b"SSH-2.0-OpenSSH_5.3")
    await asyncio.wait_for(reader.read(), WAIT_S)
    writer.close()
    await writer.wait_closed()


def test_up_to_11_5_the_server_calls_itself_openssh_5_3() -> None:
    # cucm.md 1.1, "Older hosts report server string OpenSSH_5.3 (11.5)"
    assert server_version(Release.parse("11.5")) == "OpenSSH_5.3"
    assert server_version(Release.parse("12.5")) == "cucmsim"


def test_the_host_key_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert host_key(path).export_public_key() == host_key(path).export_public_key()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116
    path.write_text("rubbish")
    with pytest.raises(StartError, match="cannot be used"):
        host_key(path)


async def test_a_port_in_use_is_named(server: SshServer, tmp_path: Path) -> None:
    other = SshServer(
        (ADDRESS, server.ports[0]), server.command_line, host_key(tmp_path / "key"), server.limits
    )
    with pytest.raises(StartError, match=str(server.ports[0])):
        await other.start()


async def test_a_session_that_cannot_be_opened_is_refused_in_words(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("node 'pub' has no version in the store")

    monkeypatch.setattr(CommandLine, "open", fail)
    async with await connect(server) as connection:
        process = await connection.create_process()
        ended = await asyncio.wait_for(process.wait(), WAIT_S)
        assert ended.stdout == "node 'pub' has no version in the store\r\n"
        assert ended.exit_status == 1
