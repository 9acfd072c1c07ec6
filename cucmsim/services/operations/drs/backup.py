"""Making a backup: everything as it is at one moment, to a device, and older ones pruned.

The list of the files is written last, so what was cut off half way is no backup; its files are
removed if the server still answers.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from cucmsim.entropy import SystemEntropy
from cucmsim.errors import RefusedError
from cucmsim.services.operations.drs.agents import (
    Drs,
    check_features,
    feature_of,
    refuse_without_agents,
)
from cucmsim.services.operations.drs.archive import Sealer, pack
from cucmsim.services.operations.drs.contents import collect, components_of
from cucmsim.services.operations.drs.devices import OpenDevice, device_named
from cucmsim.services.operations.drs.manifest import (
    LIST_SUFFIX,
    TIMESTAMP,
    Component,
    Manifest,
    ServerEntry,
)
from cucmsim.services.operations.drs.progress import Kind, Mode, Operation, Progress, running
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.services.sftp import SftpServer
from cucmsim.store.replica import Replica
from cucmsim.store.transaction import Transaction

__all__ = ["back_up", "estimate_size", "list_backups"]

_STAMP = "%Y-%m-%d-%H-%M-%S"
_CLEANING_S = 5.0
_Files = Mapping[tuple[str, str], Mapping[str, bytes]]
"""The files of a component by server and component."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """The cluster at the moment of a backup."""

    replica: Replica
    servers: tuple[ServerEntry, ...]
    files: _Files


async def back_up(drs: Drs, device: str, features: Iterable[str], mode: Mode = Mode.MANUAL) -> str:
    """Back the cluster up to a device; return the timestamp that names the backup.

    Raises:
        RefusedError: no such device or feature, a service of DRF is stopped, a backup or restore
            runs, the server refuses something, or somebody canceled it; there is no new backup.
        StoreError: the store cannot be used.

    """
    wanted = check_features(drs.operator.release, features)
    opened = await device_named(drs, device)
    replica = await drs.operator.newest()
    await refuse_without_agents(drs, replica, replica.nodes)
    total = sum(len(components_of(is_publisher=one.is_publisher)) for one in replica.nodes.values())
    stamp = drs.operator.clock.now().astimezone(drs.zone).strftime(_STAMP)
    progress = Progress(Kind.BACKUP, stamp, wanted, total, mode)
    async with running(drs.operator, progress) as operation:
        async with opened.session() as server:
            stamp = await _write(drs, operation, server)
            await _prune(server, opened, operation.publisher)
        async with drs.operator.store.transaction() as transaction:
            await operation.succeed(transaction)
    structlog.get_logger().info("backup made", device=device, backup=stamp, mode=mode.value)
    return stamp


async def _write(drs: Drs, operation: Operation, server: SftpServer) -> str:
    """Write the files and their list; return the timestamp, which no other backup there has."""
    stamp = _free(operation.progress.stamp, await server.list_files())
    operation.progress = replace(operation.progress, stamp=stamp)
    async with drs.operator.store.transaction() as transaction:
        moment = await _moment(transaction)
    manifest = Manifest(
        stamp,
        str(drs.operator.release),
        feature_of(drs.operator.release),
        operation.publisher,
        moment.servers,
    )
    password = await security_password(drs.operator)
    # never from given entropy: a nonce must not repeat under one key (pki/sealing.py)
    sealer = await asyncio.to_thread(Sealer.of, password, SystemEntropy())
    written: list[Component] = []
    try:
        for (node, component), files in moment.files.items():
            data = await asyncio.to_thread(_sealed, drs, sealer, manifest, node, component, files)
            file = manifest.file_of(node, component)
            written.append(Component.of(node, component, file, data))
            await server.write_file(file, data)
            await operation.step(node, component)
        whole = replace(manifest, components=tuple(written))
        await server.write_file(whole.file, whole.dump())
    except BaseException:
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLEANING_S):
                await _remove(server, [one.file for one in written])
        raise
    return stamp


def _sealed(
    drs: Drs,
    sealer: Sealer,
    manifest: Manifest,
    node: str,
    component: str,
    files: Mapping[str, bytes],
) -> bytes:
    """Return the file of a component. Blocks."""
    tar = pack(files, drs.operator.clock.now())
    return sealer.seal(tar, manifest.binding(node, component))


async def _moment(transaction: Transaction) -> _Moment:
    """Return everything that a backup holds, read in one transaction."""
    replica = await transaction.replica()
    nodes = sorted(replica.nodes.values(), key=lambda one: (not one.is_publisher, one.nodeid))
    files = {
        (node.name, component): await collect(transaction, replica, node.name, component)
        for node in nodes
        for component in components_of(is_publisher=node.is_publisher)
    }
    servers = tuple(ServerEntry(node.name, node.host, node.domain) for node in nodes)
    return _Moment(replica, servers, files)


def _free(stamp: str, names: Sequence[str]) -> str:
    """Return the timestamp, or the next second of which there is nothing yet."""
    moment = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    while any(name.startswith(stamp) for name in names):
        moment += timedelta(seconds=1)
        stamp = moment.strftime(_STAMP)
    return stamp


async def _prune(server: SftpServer, opened: OpenDevice, publisher: str) -> None:
    """Remove this cluster's backups but the newest; those of others are left alone.

    A server that refuses that keeps them: the new backup is made.
    """
    with suppress(RefusedError):
        own = [one for one in await _manifests(server) if one.publisher == publisher]
        for old in own[: -opened.device.kept]:
            await _remove(server, [old.file, *(one.file for one in old.components)])


async def _manifests(server: SftpServer) -> list[Manifest]:
    """Return the lists of the backups in the directory that can be read, oldest first."""
    found = []
    for name in sorted(await server.list_files()):
        is_list = name.endswith(LIST_SUFFIX)
        if is_list and TIMESTAMP.fullmatch(name.removesuffix(LIST_SUFFIX)):
            with suppress(RefusedError):
                found.append(Manifest.load(await server.read_file(name), name))
    return found


async def _remove(server: SftpServer, files: Iterable[str]) -> None:
    for file in files:
        with suppress(RefusedError):
            await server.remove_file(file)


async def list_backups(drs: Drs, device: str) -> tuple[Manifest, ...]:
    """Return the backups on a device, oldest first.

    Raises:
        RefusedError: no such device, or the server refuses to show them.
        StoreError: the store cannot be used.

    """
    opened = await device_named(drs, device)
    async with opened.session() as server:
        return tuple(await _manifests(server))


async def estimate_size(drs: Drs, features: Iterable[str]) -> int:
    """Return how many bytes a backup would have now. Raises RefusedError, StoreError."""
    check_features(drs.operator.release, features)
    async with drs.operator.store.transaction() as transaction:
        moment = await _moment(transaction)
    made = drs.operator.clock.now()
    packed = [await asyncio.to_thread(pack, files, made) for files in moment.files.values()]
    return sum(map(len, packed))
