"""The command line over SSH: keyboard-interactive, one interactive shell, nothing else.

Source: cucm.md 1.1: a client that offers only a password is refused, there is no exec channel; up
to 11.5 the server calls itself OpenSSH_5.3.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import structlog

from cucmsim.daemons.base import listen_tcp
from cucmsim.daemons.console import Console, end_sessions
from cucmsim.entropy import Entropy, SystemEntropy
from cucmsim.errors import StartError, StoreError
from cucmsim.pki.keys import KeyAlgorithm, KeySpec, dump_private_key_pem
from cucmsim.pki.keysource import key_job
from cucmsim.pki.release import Release
from cucmsim.protocols.admin_editor import Terminal
from cucmsim.services.admin.commandline import BANNER, CommandLine
from cucmsim.services.admin.platform import Verdict

__all__ = ["SshLimits", "SshServer", "close_connection", "host_key", "server_version"]

_KEY = KeySpec(KeyAlgorithm.EC, 256)
_MOST_TRIES = 6
_MOST_CHANNELS = 10
_LONGEST_PASSWORD = 1024
_CLOSING_S = 1.0
_OLD_SERVER, _OLD_UNTIL = "OpenSSH_5.3", Release(12)


@dataclass(frozen=True, slots=True)
class SshLimits:
    """How many clients are served, how long they may take to log in; the name they are told."""

    connections: int = 50
    login_s: float = 120.0
    version: str = _OLD_SERVER


def server_version(release: Release) -> str:
    """Return what the server calls itself."""
    return _OLD_SERVER if release < _OLD_UNTIL else "cucmsim"


def host_key(path: Path, spec: KeySpec = _KEY, entropy: Entropy | None = None) -> asyncssh.SSHKey:
    """Return the host key kept at `path`, made at the first start. Raises StartError."""
    try:
        if not path.exists():
            key = key_job(spec, entropy or SystemEntropy())()
            made = asyncssh.import_private_key(dump_private_key_pem(key))
            path.touch(mode=0o600)
            path.write_bytes(made.export_private_key())
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise StartError(f"ssh: the host key {path} cannot be used: {error}") from error


async def close_connection(connection: asyncssh.SSHServerConnection) -> None:
    """Close a connection; one that does not take its last bytes is cut."""
    connection.close()
    try:
        await asyncio.wait_for(connection.wait_closed(), _CLOSING_S)
    except TimeoutError:
        connection.abort()
        await connection.wait_closed()


class SshServer:
    """Serves a node's command line on `endpoint`."""

    name = "ssh"

    def __init__(
        self,
        endpoint: tuple[str, int],
        command_line: CommandLine,
        key: asyncssh.SSHKey,
        limits: SshLimits,
    ) -> None:
        self.command_line = command_line
        self.limits = limits
        self._endpoint = endpoint
        self._key = key
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._clients: dict[_Client, None] = {}
        self._sessions: dict[asyncio.Task[None], Console] = {}

    @property
    def ports(self) -> tuple[int, ...]:
        """The port bound; empty while stopped."""
        return () if self._acceptor is None else (self._acceptor.get_port(),)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def start(self) -> None:
        """Bind and serve. Raises StartError naming the port."""
        bound = listen_tcp(self.name, *self._endpoint)
        self._acceptor = await asyncssh.listen(
            sock=bound,
            server_factory=lambda: _Client(self),
            server_host_keys=[self._key],
            server_version=self.limits.version,
            login_timeout=self.limits.login_s,
            line_editor=False,
            encoding=None,
            allow_scp=False,
            agent_forwarding=False,
            config=None,
        )

    async def stop(self, drain_s: float) -> None:
        """Take nobody new, let commands finish for `drain_s` seconds, then close."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is None:
            return
        acceptor.close()
        await end_sessions(self._sessions, drain_s)
        await asyncio.gather(*(client.close() for client in tuple(self._clients)))
        await acceptor.wait_closed()

    def add(self, client: "_Client") -> bool:
        """Take a client; False when there are too many."""
        if len(self._clients) >= self.limits.connections:
            return False
        self._clients[client] = None
        return True

    def remove(self, client: "_Client") -> None:
        """Forget a client that is gone."""
        self._clients.pop(client, None)

    def hold(self, session: asyncio.Task[None], console: Console) -> None:
        """Keep a session until it ends."""
        self._sessions[session] = console
        session.add_done_callback(lambda done: self._sessions.pop(done, None))


class _Client(asyncssh.SSHServer):
    """One connection: its log-in, and the shells it opens."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None
        self._tries = 0
        self._channels = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Take the connection unless there are too many."""
        self._connection = conn
        if not self._server.add(self):
            _log(self._server).warning("connection refused", most=self._server.limits.connections)
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's interface
        """Forget the connection."""
        self._server.remove(self)

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await close_connection(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's interface
        """Ask everybody to log in."""
        return True

    def kbdint_auth_supported(self) -> bool:
        """Offer keyboard-interactive, and that alone."""
        return True

    def get_kbdint_challenge(
        self,
        username: str,  # noqa: ARG002 - asyncssh's interface
        lang: str,  # noqa: ARG002
        submethods: str,  # noqa: ARG002
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Ask for the password."""
        return "", "", "", [("Password: ", False)]

    async def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Tell whether it is right; after six wrong ones the connection is closed."""
        self._tries += 1
        verdict = Verdict.REFUSED
        if len(responses) == 1 and len(responses[0]) <= _LONGEST_PASSWORD:
            platform = self._server.command_line.platform
            with contextlib.suppress(StoreError):
                verdict = await platform.log_in(username, responses[0])
        if verdict is not Verdict.ACCEPTED:
            _log(self._server).warning("log-in refused", user=username, verdict=verdict.name)
            if self._tries >= _MOST_TRIES:
                raise asyncssh.DisconnectError(
                    asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures"
                )
        return verdict is Verdict.ACCEPTED

    def session_requested(self) -> "_Channel | bool":
        """Open a channel, up to ten."""
        if self._connection is None or self._channels >= _MOST_CHANNELS:
            return False
        self._channels += 1
        return _Channel(self._server, self._connection)


class _Channel(asyncssh.SSHServerSession[bytes]):
    """One channel: a shell, with a terminal if the client has one."""

    def __init__(self, server: SshServer, connection: asyncssh.SSHServerConnection) -> None:
        self._server = server
        self._user: str = connection.get_extra_info("username")
        self._peer: str = connection.get_extra_info("peername")[0]
        self._terminal = Terminal(None)
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._console: Console | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def pty_requested(
        self,
        term_type: str,
        term_size: tuple[int, int, int, int],
        term_modes: Mapping[int, int],  # noqa: ARG002 - asyncssh's interface
    ) -> bool:
        """Take note of the client's terminal."""
        self._terminal = Terminal(term_type, term_size[0], term_size[1])
        return True

    def shell_requested(self) -> bool:
        """Allow the shell; commands and subsystems are refused by not being here."""
        return True

    def session_started(self) -> None:
        """Hold the session."""
        administrator = self._server.command_line.platform.administrators.get(self._user)
        level = 0 if administrator is None else administrator.level
        try:
            opened = self._server.command_line.open(self._user, level, self._terminal)
        except StoreError as error:
            self._refuse(error)
            return
        self._console = Console(opened, self._server.command_line.clock, self._send)
        self._task = asyncio.create_task(self._hold(self._console))
        self._server.hold(self._task, self._console)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002
        """Pass keys on."""
        if self._console is not None:
            self._console.receive_data(data)

    def eof_received(self) -> bool:
        """Pass the end of the keys on, and keep the other direction open."""
        if self._console is not None:
            self._console.receive_eof()
        return True

    def break_received(self, msec: int) -> bool:  # noqa: ARG002 - asyncssh's interface
        """Take a break for Ctrl-C."""
        self.data_received(b"\x03", None)
        return True

    def terminal_size_changed(
        self,
        width: int,
        height: int,
        pixwidth: int,  # noqa: ARG002 - asyncssh's interface
        pixheight: int,  # noqa: ARG002
    ) -> None:
        """Pass the window's new size on."""
        self._terminal = Terminal(self._terminal.kind, width, height)
        if self._console is not None:
            self._console.resize(self._terminal)

    def pause_writing(self) -> None:
        """Write no more for now."""
        if self._console is not None:
            self._console.pause()

    def resume_writing(self) -> None:
        """Write again."""
        if self._console is not None:
            self._console.resume()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's interface
        """End the session, and the command that runs."""
        self._channel = None
        if self._task is not None:
            self._task.cancel()

    def _refuse(self, error: StoreError) -> None:
        """Say why there is no session, and end the channel."""
        _log(self._server).warning("session refused", user=self._user, why=str(error))
        self._send(f"{error}\r\n".encode())
        if self._channel is not None:
            self._channel.exit(1)

    def _send(self, data: bytes) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    async def _hold(self, console: Console) -> None:
        log = _log(self._server).bind(user=self._user, peer=self._peer)
        begun = self._server.command_line.clock.monotonic()
        try:
            await console.run(BANNER)
        finally:
            seconds = self._server.command_line.clock.monotonic() - begun
            log.info("session ended", commands=console.commands_given, seconds=round(seconds, 1))
            if self._channel is not None:
                self._channel.exit(0)


def _log(server: SshServer) -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(
        node=server.command_line.node_name, service=server.name
    )
    return log
