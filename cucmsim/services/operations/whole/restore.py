"""Making a backup of a whole cluster, and putting one in the place of what a store has.

A restore is one transaction: running nodes take it over like any other change, though under a
version far above theirs, and restart their services by themselves, because those hold keys that
may be gone. Trust lists of phones are then what the backup's moment says. Nodes that are there keep
address and ports, which are the machine's; the clock never goes back; the security password stays.
"""

import asyncio
from dataclasses import replace

import structlog

from cucmsim.errors import RefusedError, VerificationError
from cucmsim.services.operations.clockmove import OWN_SERVICE, advance_of, put_advance
from cucmsim.services.operations.drs.restore import RESTORED
from cucmsim.services.operations.noderestart import put_restart_order
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.services.operations.versions import active_release
from cucmsim.services.operations.whole.file import (
    BackupHeader,
    decode_backup,
    encode_backup,
)
from cucmsim.store.replica import Replica
from cucmsim.store.transaction import Transaction
from cucmsim.store.wholestore import brought_up_to_date

__all__ = ["back_up_cluster", "restore_cluster"]


async def back_up_cluster(operator: Operator, cluster: str) -> bytes:
    """Return the backup of all that the store has now; `cluster` is its name. Raises StoreError."""
    whole, replica = await operator.store.read_everything(), await operator.newest()
    publisher = replica.publisher.name
    header = BackupHeader(
        cluster=cluster,
        release=str(active_release(replica, publisher)),
        publisher=publisher,
        nodes=tuple(replica.nodes),
        phones=len(whole.tables["device"]),
        made=operator.clock.now().isoformat(),
        version=whole.version,
        schema=whole.schema,
    )
    return await asyncio.to_thread(encode_backup, header, whole)


async def restore_cluster(
    operator: Operator, data: bytes, publisher: str, password: str | None = None
) -> BackupHeader:
    """Put the backup of a cluster with this publisher in the place of what the store has.

    `password` is the security password it was made under; None: the cluster's, first or present.

    Raises:
        RefusedError: it is none, cut off, damaged, made under another password, of a cluster with
            another publisher or without a node that there is; nothing was changed.
        StoreError: it is of a newer release; nothing was changed.

    """
    backup = await asyncio.to_thread(decode_backup, data)
    header = backup.header
    if header.publisher != publisher:
        raise RefusedError(
            f"the backup is of a cluster with publisher {header.publisher}, expected {publisher}"
        )
    whole = await asyncio.to_thread(brought_up_to_date, backup.store)
    given = await _passwords(operator) if password is None else (password,)
    try:
        async with operator.store.transaction() as transaction:
            before = await transaction.replica()
            _refuse_without(header, before)
            await transaction.replace_everything(whole, given)
            await _adapt(transaction, before, f"{header.made} {operator.clock.now()}")
    except VerificationError:
        raise RefusedError(
            "the backup does not open: the security password is not the one it was made under"
        ) from None
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    log.info("cluster restored", made=header.made, of_version=header.version)
    await operator.newest()
    return header


async def _passwords(operator: Operator) -> tuple[str, ...]:
    """Return what the backup may have been made under: the description's password, or a later."""
    replica = await operator.newest()
    later = (await security_password(operator),) if replica.nodes else ()
    return (operator.security_password, *later)


def _refuse_without(header: BackupHeader, before: Replica) -> None:
    missing = [name for name in before.nodes if name not in header.nodes]
    if missing:
        raise RefusedError(
            f"the backup is of a cluster without {', '.join(missing)}:"
            f" expected one with every node there is; it has {', '.join(header.nodes)}"
        )


async def _adapt(transaction: Transaction, before: Replica, stamp: str) -> None:
    """Keep what is the machines', and have every node restart its services."""
    restored = await transaction.replica()
    ahead = max(advance_of(before), advance_of(restored))
    if ahead:
        await put_advance(transaction, ahead)
    for name, node in before.nodes.items():
        held = restored.nodes[name]
        await transaction.put_node(replace(held, address=node.address, ports=node.ports))
    await transaction.set_service_parameter(OWN_SERVICE, RESTORED, stamp)
    for name in restored.nodes:
        await put_restart_order(transaction, name, stamp)
