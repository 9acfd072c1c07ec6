"""Reaches SFTP servers over asyncssh: every wait has a deadline, every failure is a refusal.

Nothing of the user who runs the cluster is used: no configuration of OpenSSH, no keys, no agent.
A file is written under another name first and renamed, so that nobody finds half of one.
"""

import asyncio
import posixpath
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncssh

from cucmsim.errors import RefusedError
from cucmsim.services.sftp import HostKey, SftpAccount, SftpServer

__all__ = ["AsyncSftpClient"]

_LARGEST_FILE = 100_000_000
_GOODBYE_S = 5.0
_KEY_KINDS = {"ssh-rsa": "RSA", "ssh-ed25519": "ED25519", "ssh-dss": "DSA"}
_HOST_KEY_ALGORITHMS = (
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-ed25519",
)
"""RSA first, as the server of seed 003 shows it."""


class AsyncSftpClient:
    """Opens connections; `timeout_s` is how long a server may take for each step."""

    def __init__(self, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s

    async def host_key(self, host: str, port: int) -> HostKey:
        """Return the key that a server shows. Raises RefusedError when none answers."""
        async with _refusing(host, self._timeout_s):
            address = await _address(host, port)
            key = await asyncssh.get_server_host_key(
                address, port, server_host_key_algs=_HOST_KEY_ALGORITHMS, config=None
            )
        if key is None:
            raise RefusedError(f"{host}: the sftp server shows no host key")
        algorithm = key.get_algorithm()
        return HostKey(
            address,
            _KEY_KINDS.get(algorithm, algorithm.split("-")[0].upper()),
            key.get_fingerprint("md5").removeprefix("MD5:"),
            key.export_public_key().decode().strip(),
        )

    def session(
        self, account: SftpAccount, host_key: HostKey
    ) -> AbstractAsyncContextManager[SftpServer]:
        """Log in while the block runs; entering raises RefusedError."""
        return self._session(account, host_key)

    @asynccontextmanager
    async def _session(self, account: SftpAccount, host_key: HostKey) -> AsyncIterator[SftpServer]:
        async with _refusing(account.host, self._timeout_s):
            address = await _address(account.host, account.port)
            connection = await _connect(account, address, host_key)
        try:
            async with _refusing(account.host, self._timeout_s):
                client = await connection.start_sftp_client()
            yield _Session(client, account.directory, self._timeout_s)
        finally:
            await _close(connection)


async def _connect(
    account: SftpAccount, address: str, host_key: HostKey
) -> asyncssh.SSHClientConnection:
    """Log in by password, at a server that has this key alone."""
    key = asyncssh.import_public_key(host_key.public)
    return await asyncssh.connect(
        address,
        account.port,
        username=account.user,
        password=account.password,
        known_hosts=([key], [], []),
        server_host_key_algs=_HOST_KEY_ALGORITHMS,
        client_keys=None,
        agent_path=None,
        preferred_auth=("password", "keyboard-interactive"),
        config=None,
    )


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    """Say good-bye, to a server that does not listen any more without waiting for it."""
    connection.close()
    try:
        async with asyncio.timeout(_GOODBYE_S):
            await connection.wait_closed()
    except TimeoutError:
        connection.abort()


async def _address(host: str, port: int) -> str:
    """Return the numeric address of a host. Raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"not a host name: {error.__class__.__name__}") from None
    return str(found[0][4][0])


class _Session:
    """An open session, in a directory."""

    def __init__(self, client: asyncssh.SFTPClient, directory: str, timeout_s: float) -> None:
        self._client = client
        self._directory = directory or "."
        self._timeout_s = timeout_s

    async def list_files(self) -> Sequence[str]:
        """Return the names of the files in the directory."""
        async with _refusing(self._directory, self._timeout_s):
            found = await self._client.listdir(self._directory)
        return [str(name) for name in found if name not in (".", "..")]

    async def read_file(self, name: str) -> bytes:
        """Return a file of the directory."""
        path = self._path(name)
        async with _refusing(path, self._timeout_s), self._client.open(path, "rb") as file:
            found = await file.read(_LARGEST_FILE + 1)
        data = found.encode() if isinstance(found, str) else found  # asyncssh types both modes so
        if len(data) > _LARGEST_FILE:
            raise RefusedError(f"{path}: found more than {_LARGEST_FILE} bytes")
        return data

    async def write_file(self, name: str, data: bytes) -> None:
        """Write a file into the directory, in place of one of that name."""
        path = self._path(name)
        directory, last = posixpath.split(path)
        beside = posixpath.join(directory, f".{last}.part")
        async with _refusing(path, self._timeout_s):
            if "/" in name:
                await self._client.makedirs(directory, exist_ok=True)
            async with self._client.open(beside, "wb") as file:
                await file.write(data)
            try:
                await self._client.posix_rename(beside, path)
            except asyncssh.SFTPOpUnsupported:  # plain SFTP renames over nothing that is there
                if await self._client.exists(path):
                    await self._client.remove(path)
                await self._client.rename(beside, path)

    async def remove_file(self, name: str) -> None:
        """Remove a file of the directory."""
        path = self._path(name)
        async with _refusing(path, self._timeout_s):
            await self._client.remove(path)

    def _path(self, name: str) -> str:
        return posixpath.join(self._directory, name)


@asynccontextmanager
async def _refusing(what: str, timeout_s: float) -> AsyncIterator[None]:
    """Say in one line why `what` was not done."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise RefusedError(f"{what}: the sftp server did not answer in {timeout_s:g} s") from None
    except asyncssh.PermissionDenied:
        raise RefusedError(f"{what}: the sftp server refused user name or password") from None
    except asyncssh.HostKeyNotVerifiable:
        raise RefusedError(f"{what}: the sftp server shows another host key") from None
    except (asyncssh.Error, OSError) as error:
        reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
        raise RefusedError(f"{what}: {reason}") from None
