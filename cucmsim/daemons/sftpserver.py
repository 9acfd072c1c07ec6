"""Serves one directory by SFTP: what stands between clusters in a lab.

Clusters keep and take there what administrators move by hand: bulk certificates (seed 002),
`file get` and `ITLRecovery.p12` (seed 003), backups. One account is let in, by password or
keyboard-interactive; there is no shell, no command, no forwarding, and no way out of the directory:
no path leads above it, links are not made, and one that somebody laid into the directory is
followed only to what lies in it. Every transfer is a line of the log.
"""

import asyncio
import hmac
import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import structlog

from cucmsim.daemons.base import listen_tcp
from cucmsim.daemons.sshd import close_connection

__all__ = ["SftpDirectory", "SftpLogin"]

_MOST_CLIENTS = 50
_MOST_TRIES = 6
_LOGIN_S = 120.0


@dataclass(frozen=True, slots=True)
class SftpLogin:
    """Who is let in."""

    user: str
    password: str = field(repr=False)

    def accepts(self, user: str, password: str) -> bool:
        """Tell whether this is the account; takes as long whatever is wrong."""
        same_user = hmac.compare_digest(_bytes(user), _bytes(self.user))
        return hmac.compare_digest(_bytes(password), _bytes(self.password)) and same_user


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


class SftpDirectory:
    """Serves `directory` on `endpoint` (address, port; port 0 takes any that is free)."""

    name = "sftp"

    def __init__(
        self, endpoint: tuple[str, int], directory: Path, login: SftpLogin, key: asyncssh.SSHKey
    ) -> None:
        self.login = login
        self._endpoint = endpoint
        self._directory = directory
        self._key = key
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._clients: dict[asyncssh.SSHServerConnection, None] = {}

    @property
    def ports(self) -> tuple[int, ...]:
        """The port bound; empty while stopped."""
        return () if self._acceptor is None else (self._acceptor.get_port(),)

    async def start(self) -> None:
        """Bind and serve. Raises StartError naming the port."""
        self._acceptor = await asyncssh.listen(
            sock=listen_tcp(self.name, *self._endpoint),
            server_factory=lambda: _Client(self),
            sftp_factory=self._files,
            server_host_keys=[self._key],
            login_timeout=_LOGIN_S,
            allow_scp=False,
            agent_forwarding=False,
            config=None,
        )

    async def stop(self) -> None:
        """Take nobody new, and part from those who are there."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is None:
            return
        acceptor.close()
        await asyncio.gather(*(close_connection(client) for client in tuple(self._clients)))
        await acceptor.wait_closed()

    def add(self, client: asyncssh.SSHServerConnection) -> None:
        """Take a client, unless there are too many."""
        if len(self._clients) >= _MOST_CLIENTS:
            _log().warning("connection refused", most=_MOST_CLIENTS)
            client.abort()
            return
        self._clients[client] = None

    def remove(self, client: asyncssh.SSHServerConnection) -> None:
        """Forget a client that is gone."""
        self._clients.pop(client, None)

    def _files(self, channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return _Files(channel, os.fsencode(self._directory))


class _Client(asyncssh.SSHServer):
    """One connection and its log-in."""

    def __init__(self, server: SftpDirectory) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None
        self._tries = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Take the connection."""
        self._connection = conn
        self._server.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's interface
        """Forget the connection."""
        if self._connection is not None:
            self._server.remove(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's interface
        """Ask everybody to log in."""
        return True

    def password_auth_supported(self) -> bool:
        """Offer the password."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Tell whether it is right; after six wrong ones the connection is closed."""
        if self._server.login.accepts(username, password):
            return True
        self._tries += 1
        _log().warning("log-in refused", user=username)
        if self._tries >= _MOST_TRIES:
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures"
            )
        return False

    def kbdint_auth_supported(self) -> bool:
        """Offer keyboard-interactive as well: some clients know nothing else."""
        return True

    def get_kbdint_challenge(
        self,
        username: str,  # noqa: ARG002 - asyncssh's interface
        lang: str,  # noqa: ARG002
        submethods: str,  # noqa: ARG002
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Ask for the password."""
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Tell whether what was answered is the password."""
        return self.validate_password(username, "".join(responses[:1]))


@dataclass(slots=True)
class _Transfer:
    path: str
    read: int = 0
    written: int = 0
    writes: bool = False


class _Files(asyncssh.SFTPServer):
    """The files of one session."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", directory: bytes) -> None:
        super().__init__(channel, chroot=directory)
        self._root = os.path.realpath(directory)
        self._transfers: dict[object, _Transfer] = {}
        peer, *_ = channel.get_extra_info("peername")
        self._log = _log().bind(peer=peer)

    def map_path(self, path: bytes) -> bytes:
        """Return where a path lies. Raises SFTPPermissionDenied for what lies elsewhere."""
        if b"\0" in path:
            raise asyncssh.SFTPNoSuchFile("No such file")
        mapped = super().map_path(path)
        found = os.path.realpath(mapped)
        if found != self._root and not found.startswith(self._root.rstrip(b"/") + b"/"):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return mapped

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file, and count what passes."""
        opened = super().open(path, pflags, attrs)
        writes = bool(pflags & asyncssh.FXF_WRITE)
        self._transfers[opened] = _Transfer(_shown(path), writes=writes)
        return opened

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read a part of a file."""
        data = super().read(file_obj, offset, size)
        assert isinstance(data, bytes)  # noqa: S101 - asyncssh types subclasses that await as well
        self._transfers[file_obj].read += len(data)
        return data

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write a part of a file."""
        size = super().write(file_obj, offset, data)
        assert isinstance(size, int)  # noqa: S101 - as above
        self._transfers[file_obj].written += size
        return size

    def close(self, file_obj: object) -> None:
        """Close a file, and tell what has passed."""
        super().close(file_obj)
        transfer = self._transfers.pop(file_obj)
        if transfer.writes:
            self._log.info("file written", path=transfer.path, bytes=transfer.written)
        else:
            self._log.info("file read", path=transfer.path, bytes=transfer.read)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, over nothing that is there."""
        super().rename(oldpath, newpath)
        self._log.info("renamed", path=_shown(oldpath), to=_shown(newpath))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, in place of one of that name."""
        super().posix_rename(oldpath, newpath)
        self._log.info("renamed", path=_shown(oldpath), to=_shown(newpath))

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        super().remove(path)
        self._log.info("removed", path=_shown(path))

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 - as asyncssh has it
        """Make no link."""
        raise asyncssh.SFTPPermissionDenied("Links are not made here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Make no link."""
        self.symlink(oldpath, newpath)


def _shown(path: bytes) -> str:
    """Return a path for the log."""
    return posixpath.normpath(posixpath.join(b"/", path)).decode(errors="backslashreplace")


def _log() -> structlog.typing.FilteringBoundLogger:
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(service="sftp")
    return log
