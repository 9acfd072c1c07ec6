"""`utils itl reset`: an ITL that phones accept which trust neither CallManager nor TVS any more.

The publisher's ITL is signed with the other of its two keys: up to 11.5 with that of ITLRecovery,
which stands in every ITL from 10.0, from 12.0, where ITLRecovery signs as a rule, with that of
CallManager. It goes to every node that runs TFTP, which serves it until its service is restarted.
With a saved ITLRecovery.p12 the remote key signs and takes the place of the local one, all in one
transaction. Source: seed 003; cucm.md 1.4 and 7 (rows 3 and 4).
"""

import structlog

from cucmsim.formats.contents import itl_signer_unit
from cucmsim.formats.trustlist import ITL_FILENAME
from cucmsim.pki.bundles import KeyBundle
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Operator, Outcome, Restart
from cucmsim.services.operations.publisher import UTILS_FROM, refuse_before, refuse_on_subscriber
from cucmsim.services.operations.recovery import open_recovery_file, put_recovery_key
from cucmsim.services.operations.securitypassword import security_password
from cucmsim.services.trustlists import build_itl, nodes_in_order
from cucmsim.store.replica import Replica
from cucmsim.store.rows import ProcessNode, TftpFile
from cucmsim.store.store import Transaction

__all__ = ["reset_itl_localkey", "reset_itl_remotekey"]

_NEWER_WORDS_FROM = Release(12)


async def reset_itl_localkey(operator: Operator, node: str) -> Outcome:
    """Sign the ITL with the other key of the publisher (`utils itl reset localkey`).

    Raises:
        RefusedError: on a subscriber, or before release 10.0.
        StoreError: nothing was changed.

    """
    return await _reset(operator, node, None)


async def reset_itl_remotekey(operator: Operator, node: str, data: bytes) -> Outcome:
    """Sign the ITL with the key of a saved ITLRecovery.p12 (`utils itl reset remotekey`).

    The key takes the place of the publisher's own.

    Raises:
        RefusedError: as for the local key, or the file does not open with the cluster security
            password of now; nothing was changed.
        StoreError: nothing was changed.

    """
    refuse_before(UTILS_FROM, operator.release, "utils itl")
    refuse_on_subscriber(await operator.newest(), node)
    key = await open_recovery_file(data, await security_password(operator))
    return await _reset(operator, node, key)


async def _reset(operator: Operator, node: str, key: KeyBundle | None) -> Outcome:
    refuse_before(UTILS_FROM, operator.release, "utils itl")
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        refuse_on_subscriber(replica, node)
        if key is not None:
            await put_recovery_key(transaction, replica, node, key)
            replica = await transaction.replica()
        data = _signed(operator, replica, node, is_remote=key is not None)
        servers = [one for one in nodes_in_order(replica) if "tftp" in one.services]
        await _send(transaction, servers, data)
    structlog.get_logger().info("ITL reset", key="local" if key is None else "remote")
    await operator.newest()
    hosts = [server.host for server in servers]
    words = _newer_words if operator.release >= _NEWER_WORDS_FROM else _older_words
    restart = (Restart("Cisco Tftp", every_node=True),)
    return Outcome(words(hosts), automatic=restart)


def _signed(operator: Operator, replica: Replica, node: str, *, is_remote: bool) -> bytes:
    """Return the publisher's ITL, signed as the reset does."""
    usual = itl_signer_unit(operator.release)
    reset = not (is_remote and usual is Unit.ITLRECOVERY)
    now = operator.clock.now()
    return build_itl(replica, node, operator.release, timestamp=now, localkey_reset=reset)


async def _send(transaction: Transaction, servers: list[ProcessNode], data: bytes) -> None:
    """Put the ITL on the TFTP servers; as a new file even if one of the same bytes is there."""
    for server in servers:
        await transaction.delete_tftp_file(ITL_FILENAME, server.name)
        file = TftpFile(name=ITL_FILENAME, data=data, node=server.name)
        await transaction.put_tftp_file(file)


def _older_words(hosts: list[str]) -> tuple[str, ...]:
    """Return the lines of 10.0 (seed 003): the publisher has the file already."""
    lines = [
        "Locating active Tftp servers in the cluster.....",
        "",
        "Following is the list of Active tftp servers in the cluster",
        "",
        str(hosts),
        "The reset ITL file was generated successfully",
        "",
        "Transferring new reset ITL file to the TFTP server nodes in the cluster.....",
    ]
    for number, host in enumerate(hosts):
        if number:
            lines.append(f"Successfully transferred reset ITL to node {host}")
        lines += [
            "",
            f"Restarting Cisco Tftp service on host {host}",
            f"Cisco Tftp service restarted on host {host}",
        ]
    return tuple(lines)


def _newer_words(hosts: list[str]) -> tuple[str, ...]:
    """Return the lines of 12.5 (cucm.md 1.4)."""
    return (
        "Name is None",
        "Generating the reset ITL file.....",
        "The reset ITL file was generated successfully",
        "Locating active Tftp servers in the cluster.....",
        "Following is the list of Active tftp servers in the cluster",
        "====================",
        *hosts,
        "=====================",
        f"Number of Active TFTP servers in the cluster : {len(hosts)}",
        "Transferring new reset ITL file to the TFTP server nodes in the cluster.........",
        *(f"Successfully transferred reset ITL to node {host}" for host in hosts),
    )
