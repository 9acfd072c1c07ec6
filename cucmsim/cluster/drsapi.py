"""The part of the management API that makes backups and restores them.

The process that runs the publisher carries it out. A device's server is met the first time it is
added: the key that it shows then is the one it has to show from then on.
"""

from collections.abc import Callable

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.drs.backup import back_up, list_backups
from cucmsim.services.operations.drs.devices import BACKUPS_KEPT, BackupDevice, add_device
from cucmsim.services.operations.drs.restore import ALL_SERVERS, restore
from cucmsim.services.sftp import SftpAccount

__all__ = ["add_drs"]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceEntry(_Given):
    """A directory on an SFTP server."""

    name: str
    host: str
    port: int = Field(22, ge=1, le=65535)
    user: str
    password: str = Field(repr=False)
    directory: str
    kept: int = BACKUPS_KEPT


class BackupWish(_Given):
    """What to back up, and where to."""

    device: str
    features: tuple[str, ...]


class RestoreWish(_Given):
    """Which backup to restore; `server` "ALL" means every one of it."""

    device: str
    backup: str
    server: str = ALL_SERVERS


class BackupReport(BaseModel):
    """A backup by its timestamp, with the servers that are in it."""

    backup: str
    release: str
    servers: list[str]


def add_drs(app: FastAPI, drs: Callable[[], Drs]) -> None:
    """Add the routes to `app`."""

    @app.post("/drs/devices", status_code=201)
    async def device(wanted: DeviceEntry) -> dict[str, str]:
        given = wanted.model_dump(exclude={"name", "kept"})
        system = drs()
        key = await system.sftp.host_key(wanted.host, wanted.port)
        made = BackupDevice(wanted.name, SftpAccount(**given), key, wanted.kept)
        await add_device(system, made)
        return {"detail": f"{wanted.name} added", "fingerprint": key.fingerprint}

    @app.get("/drs/devices/{name}/backups")
    async def backups(name: str) -> list[BackupReport]:
        return [
            BackupReport(
                backup=one.stamp,
                release=one.release,
                servers=[server.name for server in one.servers],
            )
            for one in await list_backups(drs(), name)
        ]

    @app.post("/operations/backup")
    async def backup(wanted: BackupWish) -> dict[str, str]:
        return {"backup": await back_up(drs(), wanted.device, wanted.features)}

    @app.post("/operations/restore")
    async def restored(wanted: RestoreWish) -> OutcomeOfOperation:
        return OutcomeOfOperation.of(
            await restore(drs(), wanted.device, wanted.backup, wanted.server)
        )
