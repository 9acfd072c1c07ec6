"""Restoring: servers get back what a backup holds of them, all in one transaction.

With the publisher comes the database; what the nodes have that are not restored (certificates,
keys, requests, files) is put back into it. Every node keeps its address and ports, which are the
machine's, and what its platform keeps; the clock never goes back. Services go on with what they
loaded until they are restarted.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from cucmsim.errors import CucmsimError, RefusedError
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import TRUST_STORES_OF
from cucmsim.services.operations.clockmove import OWN_SERVICE, advance_of, put_advance
from cucmsim.services.operations.drs.agents import Drs, refuse_without_agents
from cucmsim.services.operations.drs.archive import unpack, unseal
from cucmsim.services.operations.drs.contents import (
    DATABASE,
    PLATFORM,
    TFTP,
    Pair,
    PlatformContents,
    as_request,
    read_database,
    read_platform,
    read_tftp,
)
from cucmsim.services.operations.drs.devices import device_named
from cucmsim.services.operations.drs.manifest import LIST_SUFFIX, Manifest, stamp_of
from cucmsim.services.operations.drs.progress import Kind, Operation, Progress, running
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.services.sftp import SftpServer
from cucmsim.store.drsrows import Tables
from cucmsim.store.replica import Replica
from cucmsim.store.requests import PendingRequest
from cucmsim.store.rows import TftpFile
from cucmsim.store.transaction import Transaction

__all__ = ["ALL_SERVERS", "RESTORED", "restore"]

ALL_SERVERS = "ALL"

RESTORED = "DrsRestored"
"""Parameter of our own service that names the latest restore: nodes do nothing by themselves."""


@dataclass(frozen=True, slots=True)
class _Restored:
    """What a backup holds of the servers to restore; `tables` is None without the publisher."""

    manifest: Manifest
    platforms: Mapping[str, PlatformContents]
    files: Mapping[str, Sequence[TftpFile]]
    tables: Tables | None


async def restore(drs: Drs, device: str, tar_name: str, server: str = ALL_SERVERS) -> Outcome:
    """Restore a server, by its name in the cluster or its host name, or all of them.

    Raises:
        RefusedError: no such device, backup or server; a service of DRF is stopped; a file is
            missing, cut off or damaged; the backup is of another release, of a server that had
            another name, or made under another security password. Nothing was changed.
        StoreError: nothing was changed.

    """
    stamp, opened = stamp_of(tar_name), await device_named(drs, device)
    await refuse_without_agents(drs, await drs.operator.newest(), ())
    async with opened.session() as session:
        manifest = await _manifest(session, stamp)
        replica = await drs.operator.newest()
        servers = _chosen(manifest, server)
        _check(drs.operator, manifest, replica, servers)
        await refuse_without_agents(drs, replica, [one for one in servers if one in replica.nodes])
        total = sum(len(manifest.of_server(one)) for one in servers)
        progress = Progress(Kind.RESTORE, stamp, (manifest.feature,), total)
        async with running(drs.operator, progress) as operation:
            contents = await _read(drs.operator, session, manifest, servers)
            await _apply(drs.operator, contents, operation)
    structlog.get_logger().info("restored", device=device, backup=stamp, servers=list(servers))
    await drs.operator.newest()
    return Outcome(_words(servers))


def _words(servers: Sequence[str]) -> tuple[str, ...]:
    restart = (
        f"Restart Required: Please restart the server(s) [{', '.join(servers)}] before performing"
        " next restore for changes to take effect. In case of a cluster, restart the entire"
        " cluster."
    )
    return ("Restore Completed...", restart)


async def _manifest(session: SftpServer, stamp: str) -> Manifest:
    """Return the list of a backup. Raises RefusedError."""
    file = stamp + LIST_SUFFIX
    if file not in await session.list_files():
        raise RefusedError(f"drfCliMsg: Backup {stamp} does not exist on the device.")
    return Manifest.load(await session.read_file(file), file)


def _chosen(manifest: Manifest, server: str) -> tuple[str, ...]:
    """Return the servers that are meant. Raises RefusedError."""
    if server.upper() == ALL_SERVERS:
        return tuple(one.name for one in manifest.servers)
    named = [one.name for one in manifest.servers if server in (one.name, one.host, one.fqdn)]
    return (manifest.server(named[0] if named else server).name,)


def _check(
    operator: Operator, manifest: Manifest, replica: Replica, servers: Sequence[str]
) -> None:
    """Refuse the backup of another release, cluster or host name. Raises RefusedError."""
    if manifest.release != str(operator.release):
        raise RefusedError(
            f"drfCliMsg: Backup {manifest.stamp} was made by release {manifest.release},"
            f" this server has {operator.release}."
        )
    if manifest.publisher != replica.publisher.name:
        raise RefusedError(
            f"drfCliMsg: Backup {manifest.stamp} is of publisher {manifest.publisher},"
            f" this one is {replica.publisher.name}."
        )
    known = {one.name for one in manifest.servers}
    missing = [name for name in replica.nodes if name not in known]
    if manifest.publisher in servers and missing:
        raise RefusedError(
            "drfCliMsg: There are nodes in the cluster that are not in the backup:"
            f" {', '.join(missing)}."
        )
    for entry in manifest.servers:
        held = replica.nodes.get(entry.name)
        if held is not None and held.fqdn != entry.fqdn:
            raise RefusedError(
                f"drfCliMsg: Backup {manifest.stamp} was made when the host name of {entry.name}"
                f" was {entry.fqdn}; it is {held.fqdn} now. It cannot be restored."
            )
        if held is None and entry.name in servers and manifest.publisher not in servers:
            raise RefusedError(f"drfCliMsg: Server {entry.name} is not in the cluster.")


async def _read(
    operator: Operator, session: SftpServer, manifest: Manifest, servers: Sequence[str]
) -> _Restored:
    """Fetch and open the files of the servers. Raises RefusedError."""
    password, names = await security_password(operator), await session.list_files()
    opened: dict[tuple[str, str], Mapping[str, bytes]] = {}
    for server in servers:
        for component in manifest.of_server(server):
            if component.file not in names:
                raise RefusedError(f"{component.file} is missing on the device.")
            data = await session.read_file(component.file)
            component.check(data)
            bound_to = manifest.binding(server, component.name)
            opened[server, component.name] = await asyncio.to_thread(
                _opened, data, component.file, password, bound_to
            )
    return await asyncio.to_thread(_restored, manifest, servers, opened)


def _opened(data: bytes, file: str, password: str, bound_to: str) -> Mapping[str, bytes]:
    return unpack(unseal(data, file, password, bound_to), file)


def _restored(
    manifest: Manifest,
    servers: Sequence[str],
    opened: Mapping[tuple[str, str], Mapping[str, bytes]],
) -> _Restored:
    """Return what the opened files say. Blocks. Raises RefusedError where one is not listed."""
    try:
        return _Restored(
            manifest,
            {server: read_platform(opened[server, PLATFORM]) for server in servers},
            {server: read_tftp(opened[server, TFTP], server) for server in servers},
            read_database(opened[manifest.publisher, DATABASE])
            if manifest.publisher in servers
            else None,
        )
    except KeyError as error:
        raise RefusedError(f"{manifest.file} lacks a component: {error}") from error


async def _apply(operator: Operator, contents: _Restored, operation: Operation) -> None:
    """Write it all, with the note that it is done, in one transaction."""
    try:
        async with operator.store.transaction() as transaction:
            before = await transaction.replica()
            requests, shown = await _requests(transaction, before), before
            if contents.tables is not None:
                await transaction.replace_database(contents.tables)
                shown = await transaction.replica()
                await _keep_machines(transaction, before, shown)
                await _keep_own_parameters(transaction, before, shown)
            await _put_certificates(transaction, before, shown, contents)
            await _put_requests(transaction, contents, requests)
            await _put_files(transaction, before, contents)
            await transaction.set_service_parameter(
                OWN_SERVICE, RESTORED, f"{contents.manifest.stamp} {operator.clock.now()}"
            )
            for component in contents.manifest.components:
                if component.server in contents.platforms:
                    operation.note(component.server, component.name)
            await operation.succeed(transaction)
    except CucmsimError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RefusedError(f"The backup cannot be read by this release: {error!r}") from error


async def _requests(
    transaction: Transaction, replica: Replica
) -> dict[str, dict[str, PendingRequest]]:
    """Return the signing requests of every node by unit."""
    held: dict[str, dict[str, PendingRequest]] = {}
    for node in replica.nodes:
        for unit in await transaction.list_requests(node):
            pending = await transaction.get_request(node, unit)
            if pending is not None:
                held.setdefault(node, {})[unit] = pending
    return held


async def _keep_machines(transaction: Transaction, before: Replica, restored: Replica) -> None:
    """Give every node the address and ports that it has."""
    for name, node in before.nodes.items():
        held = restored.nodes[name]
        await transaction.put_node(replace(held, address=node.address, ports=node.ports))


async def _keep_own_parameters(
    transaction: Transaction, before: Replica, restored: Replica
) -> None:
    """Leave what only this program knows as it is; of the clocks the one further ahead counts."""
    ahead = max(advance_of(before), advance_of(restored))
    for node, service, name in restored.service_parameters:
        if service == OWN_SERVICE:
            await transaction.delete_service_parameter(service, name, node)
    for (node, service, name), value in before.service_parameters.items():
        if service == OWN_SERVICE:
            await transaction.set_service_parameter(service, name, value, node)
    if ahead:
        await put_advance(transaction, ahead)


async def _put_certificates(
    transaction: Transaction, before: Replica, shown: Replica, contents: _Restored
) -> None:
    """Give each server its pairs of the backup; where it has none, those it has in its files.

    `shown` is what the database shows now, without keys where it was replaced.
    """
    for node, platform in contents.platforms.items():
        for unit, pair in platform.own.items():
            await _put_own(transaction, node, unit, pair)
            for store in TRUST_STORES_OF[Unit(unit)] if contents.tables is None else ():
                await transaction.put_trust_certificate(store, pair.public_der)
    if contents.tables is None:
        return
    for (node, unit), held in before.own.items():
        restored = contents.platforms.get(node)
        if restored is not None and unit in restored.own:
            continue
        key = before.own_keys[node, unit]
        pair = Pair(held.certificate_der, key.private_key_der)
        if restored is None or not _is_other(shown, node, unit, pair):
            await _put_own(transaction, node, unit, pair)
        else:
            await transaction.put_file_certificate(
                node, unit, pair.public_der, pair.private_key_der
            )


def _is_other(shown: Replica, node: str, unit: str, pair: Pair) -> bool:
    """Tell whether the database shows another certificate than the server has: CSCtn50405."""
    held = shown.shown_certificate(node, unit)
    return held is not None and held.certificate_der != pair.public_der


async def _put_own(transaction: Transaction, node: str, unit: str, pair: Pair) -> None:
    await transaction.put_own_certificate(node, Unit(unit), pair.public_der, pair.private_key_der)


async def _put_requests(
    transaction: Transaction,
    contents: _Restored,
    before: Mapping[str, Mapping[str, PendingRequest]],
) -> None:
    """Give each server the requests of the backup, the others those they have."""
    for node, platform in contents.platforms.items():
        for unit in before.get(node, {}):
            await transaction.delete_request(node, unit)
        for unit, pair in platform.requests.items():
            await transaction.put_request(node, unit, as_request(pair))
    for node, pending in before.items():
        if node not in contents.platforms and contents.tables is not None:
            for unit, request in pending.items():
                await transaction.put_request(node, unit, request)


async def _put_files(transaction: Transaction, before: Replica, contents: _Restored) -> None:
    """Give each server the static files of the backup, the others those they have."""
    restored = set[str | None](contents.platforms)
    if contents.tables is not None:
        restored.add(None)
    for (node, name), file in before.tftp_files.items():
        if node in restored:
            await transaction.delete_tftp_file(name, node)
        elif contents.tables is not None:
            await transaction.put_tftp_file(replace(file, pkid=""))
    for files in contents.files.values():
        for file in files:
            await transaction.put_tftp_file(file)
