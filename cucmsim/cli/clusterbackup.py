"""`cucmsim cluster backup` and `restore`: a whole cluster in one file, and from it."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, publisher_client
from cucmsim.cli.loop import run_loop
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import count_of
from cucmsim.cluster.clusterapi import BackupReport
from cucmsim.cluster.offline import offline_operator
from cucmsim.cluster.reports import StatusReport
from cucmsim.cluster.settings import Settings
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.services.operations.whole.file import decode_backup
from cucmsim.services.operations.whole.restore import back_up_cluster, restore_cluster

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command("backup")(_backup)
    group.command("restore")(_restore)


def _backup(
    config: ConfigArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    data: DataOption = None,
) -> None:
    """Write all that the cluster has at this moment into one file; keys stay sealed."""
    settings = settings_for(config, data)
    client = _running_publisher(settings)
    if client is None:
        content = run_loop(_backed_up(settings))
    else:
        content = client.download("/cluster/backup", phones=_status(client).devices)
    _write(file, content)
    typer.echo(f"{file}: {_shown(BackupReport.of(decode_backup(content).header))}.")


def _restore(
    config: ConfigArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace a cluster without asking.")] = False,
    backup_password: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The security password it was made under, if that is not the one in CONFIG.",
        ),
    ] = None,
    data: DataOption = None,
) -> None:
    """Put a backup in the place of all that the cluster has; running nodes take it over."""
    settings, content = settings_for(config, data), _read(file)
    backup = BackupReport.of(decode_backup(content).header)
    client = _running_publisher(settings)
    held = run_loop(_held(settings)) if client is None else _described(_status(client))
    if held and not yes:
        typer.confirm(f"Replace {held} by {_shown(backup)}?", abort=True)
    if client is None:
        run_loop(_restored(settings, content, backup_password))
    else:
        headers = {} if backup_password is None else {"Backup-Password": backup_password}
        client.upload("/cluster/restore", content, headers, phones=backup.phones)
    typer.echo(f"Restored: {_shown(backup)}. Nodes that run restart their services.")


def _running_publisher(settings: Settings) -> ManagementClient | None:
    try:
        return publisher_client(settings)
    except UnreachableError:
        return None


def _status(client: ManagementClient) -> StatusReport:
    return StatusReport.model_validate(client.get("/status"))


async def _backed_up(settings: Settings) -> bytes:
    async with offline_operator(settings) as operator:
        return await back_up_cluster(operator, settings.cluster.id)


async def _held(settings: Settings) -> str:
    """Say what the store has; nothing where it is empty."""
    async with offline_operator(settings, makes=True) as operator:
        replica = await operator.newest()
    phones = count_of(len(replica.devices), "phone")
    return f"{count_of(len(replica.nodes), 'node')}, {phones}" if replica.nodes else ""


async def _restored(settings: Settings, content: bytes, password: str | None) -> None:
    async with offline_operator(settings, makes=True) as operator:
        await restore_cluster(operator, content, settings.publisher.name, password)


def _described(report: StatusReport) -> str:
    return f"{report.cluster}, {count_of(report.devices, 'phone')}"


def _shown(backup: BackupReport) -> str:
    made = datetime.fromisoformat(backup.made)
    return (
        f"{backup.cluster}, release {backup.release}, {count_of(len(backup.nodes), 'node')},"
        f" {count_of(backup.phones, 'phone')}, version {backup.version}"
        f" of {made:%Y-%m-%d %H:%M:%S} UTC"
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror or error}") from error


def _write(file: Path, content: bytes) -> None:
    """Write the whole file or none, for its owner only."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(part, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
            stream.write(content)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise CommandError(f"cannot write {file}: {error.strerror or error}") from error
