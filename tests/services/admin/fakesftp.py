"""An SFTP server without a network."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from cucmsim.errors import RefusedError
from cucmsim.services.sftp import HostKey, SftpAccount, SftpServer

KEY = HostKey(
    "172.18.172.254", "RSA", "2c:8f:9b:b2:ff:f7:a6:31:61:1b:bc:95:cc:bc:ba:bd", "ssh-rsa AAAA"
)
"""That of seed 003, line 544."""
PASSWORD = "tomato"


@dataclass
class FakeSftp:
    """Servers that hold `files` by directory and name, and let in who knows `PASSWORD`."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    is_full: bool = False
    is_away: bool = False
    accounts: list[SftpAccount] = field(default_factory=list)

    async def host_key(self, host: str, port: int) -> HostKey:
        if self.is_away:
            raise RefusedError(f"{host}: Connection refused")
        assert port
        return KEY

    def session(
        self, account: SftpAccount, host_key: HostKey
    ) -> AbstractAsyncContextManager[SftpServer]:
        assert host_key == KEY
        return self._session(account)

    @asynccontextmanager
    async def _session(self, account: SftpAccount) -> AsyncIterator[SftpServer]:
        self.accounts.append(account)
        if account.password != PASSWORD:
            raise RefusedError(f"{account.host}: the sftp server refused user name or password")
        yield _Directory(self, self.files.setdefault(account.directory, {}))


@dataclass
class _Directory:
    server: FakeSftp
    files: dict[str, bytes]

    async def list_files(self) -> Sequence[str]:
        return list(self.files)

    async def read_file(self, name: str) -> bytes:
        return self.files[name]

    async def write_file(self, name: str, data: bytes) -> None:
        if self.server.is_full:
            raise RefusedError(f"{name}: No space left on device")
        self.files[name] = data

    async def remove_file(self, name: str) -> None:
        if self.files.pop(name, None) is None:
            raise RefusedError(f"{name}: No such file")
