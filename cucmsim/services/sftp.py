"""Servers of the administrator that files go to and come from over SFTP, as the services see them.

What opens connections is a `SftpClient` of `daemons/sftpclient.py`; a test brings its own. The key
of a server is asked for first, so that a person can be shown its fingerprint; a session is then
held with that key alone.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["HostKey", "SftpAccount", "SftpClient", "SftpServer"]


@dataclass(frozen=True, slots=True)
class SftpAccount:
    """Where files go: the server, who logs in, and the directory there."""

    host: str
    user: str
    password: str = field(repr=False)
    directory: str
    port: int = 22


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's key: the numeric address it was met at, its kind ("RSA"), and itself.

    `fingerprint` is MD5 over the key, in pairs of hex digits, as seed 003 prints it; `public` is
    the line that OpenSSH writes of it ("ssh-rsa AAAA...").
    """

    address: str
    kind: str
    fingerprint: str
    public: str


class SftpServer(Protocol):
    """A server, logged in to, in the directory of the account.

    Every method raises RefusedError when the server does not do it.
    """

    async def list_files(self) -> Sequence[str]:
        """Return the names of the files in the directory."""
        ...

    async def read_file(self, name: str) -> bytes:
        """Return a file of the directory."""
        ...

    async def write_file(self, name: str, data: bytes) -> None:
        """Write a file into the directory, in place of one of that name.

        Directories in its name ("sdi/tvs00000001.txt") are made.
        """
        ...

    async def remove_file(self, name: str) -> None:
        """Remove a file of the directory."""
        ...


class SftpClient(Protocol):
    """What reaches SFTP servers."""

    async def host_key(self, host: str, port: int) -> HostKey:
        """Return the key that a server shows. Raises RefusedError when none answers."""
        ...

    def session(
        self, account: SftpAccount, host_key: HostKey
    ) -> AbstractAsyncContextManager[SftpServer]:
        """Log in while the block runs.

        Entering raises RefusedError: the server shows another key, is away, or lets nobody in.
        """
        ...
