"""Backup devices: directories on SFTP servers, and how many backups are kept in each.

They are kept in the database, sealed, each with the key that its server showed when it was added: a
server with another key is refused later.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import structlog

from cucmsim.errors import RefusedError
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.schedules import refuse_device_in_use
from cucmsim.services.operations.operator import Operator
from cucmsim.services.sftp import HostKey, SftpAccount, SftpServer
from cucmsim.store.store import Transaction

__all__ = [
    "BACKUPS_KEPT",
    "BackupDevice",
    "add_device",
    "delete_device",
    "device_named",
    "list_devices",
    "set_jsch_logs",
]

BACKUPS_KEPT = 2
"""How many backups a device keeps unless it is said (cucm.md 1.7: `[n=2]`)."""

_MOST_KEPT = 14
_SECRET = "drs devices"  # noqa: S105 - the name of a secret
_LOGS = "drs jsch logs"
_NAME = re.compile(r"[\w.-]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BackupDevice:
    """A directory on a server; older backups than the newest `kept` are removed."""

    name: str
    account: SftpAccount
    host_key: HostKey
    kept: int = BACKUPS_KEPT


async def add_device(drs: Drs, device: BackupDevice) -> None:
    """Log in to the server and look into the directory, then keep the device.

    Raises:
        RefusedError: the name is taken or none, the number of backups is out of range, or the
            server does not let the account in; nothing was changed.
        StoreError: nothing was changed.

    """
    if _NAME.fullmatch(device.name) is None:
        raise RefusedError(
            f"drfCliMsg: Invalid device name: found {device.name!r}, expected 1 to 50 letters,"
            " digits, hyphens, dots and underscores"
        )
    if not 1 <= device.kept <= _MOST_KEPT:
        raise RefusedError(
            f"drfCliMsg: Invalid number of backups: found {device.kept}, expected 1 to {_MOST_KEPT}"
        )
    await _refuse_taken(drs.operator, device.name)
    async with drs.sftp.session(device.account, device.host_key) as server:
        await server.list_files()
    async with drs.operator.store.transaction() as transaction:
        await _put(transaction, {**await _devices(transaction), device.name: device})


async def _refuse_taken(operator: Operator, name: str) -> None:
    if name in await list_devices(operator):
        raise RefusedError(f"drfCliMsg: Device {name} already exists.")


async def list_devices(operator: Operator) -> Mapping[str, BackupDevice]:
    """Return the devices by name, in the order they were added. Raises StoreError."""
    async with operator.store.transaction() as transaction:
        return await _devices(transaction)


async def delete_device(operator: Operator, name: str) -> tuple[str, ...]:
    """Forget a device, or with "*" all; return the names. Its files stay.

    Raises:
        RefusedError: there is none of that name, or a schedule needs it; nothing was changed.
        StoreError: nothing was changed.

    """
    async with operator.store.transaction() as transaction:
        held = await _devices(transaction)
        gone = tuple(held) if name == "*" else (name,)
        if not gone or not held.keys() >= set(gone):
            raise _no_device(name, held)
        for one in gone:
            refuse_device_in_use(await transaction.replica(), one)
        await _put(transaction, {one: held[one] for one in held if one not in gone})
    return gone


async def _devices(transaction: Transaction) -> dict[str, BackupDevice]:
    kept = await transaction.secret(_SECRET)
    return {
        values["name"]: BackupDevice(
            values["name"],
            SftpAccount(**values["account"]),
            HostKey(**values["host_key"]),
            values["kept"],
        )
        for values in (json.loads(kept) if kept else ())
    }


async def _put(transaction: Transaction, devices: Mapping[str, BackupDevice]) -> None:
    kept = json.dumps([asdict(one) for one in devices.values()])
    await transaction.put_secret(_SECRET, kept.encode())


def _no_device(name: str, held: Mapping[str, BackupDevice]) -> RefusedError:
    known = ", ".join(held) or "none"
    return RefusedError(f"drfCliMsg: Device {name} does not exist. Known devices: {known}")


async def set_jsch_logs(operator: Operator, *, is_on: bool) -> None:
    """Have what is done at SFTP servers logged, or no longer. Raises StoreError."""
    publisher = (await operator.newest()).publisher.name
    async with operator.store.transaction() as transaction:
        await transaction.put_platform_value(publisher, _LOGS, "enable" if is_on else None)


async def device_named(drs: Drs, name: str) -> "OpenDevice":
    """Return a device to work with. Raises RefusedError when there is none of that name."""
    publisher = (await drs.operator.newest()).publisher.name
    async with drs.operator.store.transaction() as transaction:
        held = await _devices(transaction)
        is_logged = _LOGS in await transaction.platform(publisher)
    if name not in held:
        raise _no_device(name, held)
    return OpenDevice(drs, held[name], is_logged)


@dataclass(frozen=True, slots=True)
class OpenDevice:
    """A device that can be logged in to; with `is_logged` each step there is logged."""

    drs: Drs
    device: BackupDevice
    is_logged: bool

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SftpServer]:
        """Log in while the block runs. Raises RefusedError."""
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        async with self.drs.sftp.session(self.device.account, self.device.host_key) as server:
            yield _Logged(server, log, self.device) if self.is_logged else server


@dataclass(frozen=True, slots=True)
class _Logged:
    """A session whose every step is logged, as JSch's are after `jschLogs operation enable`."""

    server: SftpServer
    log: structlog.typing.FilteringBoundLogger
    device: BackupDevice

    async def list_files(self) -> list[str]:
        """Return the names of the files in the directory."""
        found = list(await self.server.list_files())
        self._say("list", files=len(found))
        return found

    async def read_file(self, name: str) -> bytes:
        """Return a file of the directory."""
        data = await self.server.read_file(name)
        self._say("read", file=name, size=len(data))
        return data

    async def write_file(self, name: str, data: bytes) -> None:
        """Write a file into the directory."""
        await self.server.write_file(name, data)
        self._say("write", file=name, size=len(data))

    async def remove_file(self, name: str) -> None:
        """Remove a file of the directory."""
        await self.server.remove_file(name)
        self._say("remove", file=name)

    def _say(self, step: str, **values: object) -> None:
        host = self.device.account.host
        self.log.info("drs sftp", device=self.device.name, host=host, step=step, **values)
