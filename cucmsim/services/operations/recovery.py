"""ITLRecovery.p12: the key that phones always trust, saved and brought back.

The publisher's TFTP directory has the file (cucm.md 3.2), a PKCS#12 under the cluster security
password; a subscriber has none. As long as this key was not fetched, an alert is written every day;
it comes back when the key or the security password changes. Importing puts the remote key in the
place of the local one, as `utils itl reset remotekey` does. Source: seed 003 (from "Terug naar
ITL-herstel"), cucm.md 1.4, 7.18. The text of the alert is not published (docs/divergences.md).
"""

import asyncio
from datetime import timedelta

from cucmsim.errors import FormatError, RefusedError, VerificationError
from cucmsim.pki.bundles import KeyBundle, dump_key_bundle, load_key_bundle
from cucmsim.pki.certificates import certificate_hash
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import OwnCertificate
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.publisher import refuse_on_subscriber
from cucmsim.services.operations.regeneration import put_replacement
from cucmsim.store.replica import Replica
from cucmsim.store.store import Transaction

__all__ = [
    "ALERT_INTERVAL",
    "RECOVERY_FILE",
    "backup_alert",
    "fetch_recovery_file",
    "forget_backup",
    "import_recovery_file",
    "open_recovery_file",
    "put_recovery_key",
    "remembered_backup",
]

RECOVERY_FILE = "ITLRecovery.p12"
ALERT_INTERVAL = timedelta(days=1)

_KIND = "recovery-backup"
_UNIT = Unit.ITLRECOVERY


def has_recovery_file(replica: Replica, node: str) -> bool:
    """Tell whether a node has the file: the publisher does, where there is ITLRecovery."""
    return replica.node(node).is_publisher and replica.has_signer(node, _UNIT.value)


async def fetch_recovery_file(operator: Operator, node: str, security_password: str) -> bytes:
    """Return the file as `file get tftp ITLRecovery.p12` sends it.

    Once it has arrived call `remembered_backup`, which ends the daily alert.

    Raises:
        RefusedError: the node has no such file.
        StoreError: the store cannot be used.

    """
    replica = await operator.newest()
    if not has_recovery_file(replica, node):
        raise RefusedError("file not found")
    signer = replica.signer(node, _UNIT.value)
    bundle = KeyBundle(_UNIT.value, signer.certificate, signer.private_key)
    return await asyncio.to_thread(dump_key_bundle, bundle, security_password)


async def remembered_backup(operator: Operator, data: bytes, security_password: str) -> None:
    """Note that the administrator has the file `data`: no alert while its key is the present one.

    A file that the password does not open was made before the password changed; it ends no alert.
    """
    try:
        bundle = await open_recovery_file(data, security_password)
    except RefusedError:
        return
    async with operator.store.transaction() as transaction:
        said = {RECOVERY_FILE: certificate_hash(bundle.certificate)}
        await transaction.remember_applied(_KIND, said)


async def forget_backup(transaction: Transaction) -> None:
    """Bring the daily alert back: the security password, and with it the file, has changed."""
    await transaction.forget_applied(_KIND, [RECOVERY_FILE])


def _hash_of_key(replica: Replica) -> str | None:
    """Return the SHA-256 of the publisher's ITLRecovery certificate; None in 8.x and 9.x."""
    held = replica.has_signer(replica.publisher.name, _UNIT.value)
    return (
        certificate_hash(replica.signer(replica.publisher.name, _UNIT.value).certificate)
        if held
        else None
    )


async def backup_alert(operator: Operator) -> str | None:
    """Return the line of the application log for a day without a backup; None when there is one.

    Raises:
        StoreError: the store cannot be used.

    """
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        said = (await transaction.applied()).get(_KIND, {})
    certificate = _hash_of_key(replica)
    if certificate is None or said.get(RECOVERY_FILE) == certificate:
        return None
    return (
        "%UC_CERT-4-ITLRecoveryCertBackup: %[Message=ITLRecovery certificate backup was not taken."
        f" Use file get tftp {RECOVERY_FILE}][AppID=Cisco Certificate Monitor][ClusterID=]"
        f"[NodeID={replica.publisher.host}]: Backup of ITLRecovery key is needed"
    )


async def open_recovery_file(data: bytes, security_password: str) -> KeyBundle:
    """Read a saved file.

    Raises:
        RefusedError: it was made under another cluster security password, or is no such file.

    """
    try:
        bundle = await asyncio.to_thread(load_key_bundle, data, security_password)
    except VerificationError as error:
        raise RefusedError(
            f"{RECOVERY_FILE} cannot be opened: wrong cluster security password or damaged file"
        ) from error
    except FormatError as error:
        raise RefusedError(f"{RECOVERY_FILE} holds no ITLRecovery key") from error
    if bundle.certificate.public_key() != bundle.private_key.public_key():
        raise RefusedError(f"{RECOVERY_FILE}: certificate and key do not belong together")
    return bundle


async def import_recovery_file(
    operator: Operator, node: str, data: bytes, security_password: str
) -> None:
    """Put the key of a saved file in the place of the publisher's own.

    Raises:
        RefusedError: the file is refused, the node is a subscriber, or the release has no such
            key; nothing was changed.
        StoreError: the store cannot be used.

    """
    bundle = await open_recovery_file(data, security_password)
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        refuse_on_subscriber(replica, node)
        await put_recovery_key(transaction, replica, node, bundle)
    await operator.newest()


async def put_recovery_key(
    transaction: Transaction, replica: Replica, node: str, bundle: KeyBundle
) -> None:
    """Put a saved key in the place of the publisher's own.

    Raises:
        RefusedError: the release has no such key.

    """
    if not replica.has_signer(node, _UNIT.value):
        raise RefusedError(f"This release has no {_UNIT.value} key")
    made = OwnCertificate(node, _UNIT, bundle.certificate, bundle.private_key)
    await put_replacement(transaction, made, replica.own[node, _UNIT.value])
