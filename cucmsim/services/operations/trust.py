"""Trust certificates: uploaded into a store, listed, deleted, on one node or on all.

Up to 10.x *Cisco Certificate Change Notification* carries three of the trust stores to the other
nodes, the rest are a node's own; from 11.0 every one is the whole cluster's (cucm.md 2.2, 5.4).
A certificate of the same common name replaces the one before if its start date is newer (5.1). Two
of one name in a store cannot be told apart by the name of their file; here the second kind of name
has the serial number too, as in the mirror. Own certificates cannot be deleted (5.4).
"""

from collections.abc import Iterable, Mapping

from cryptography import x509

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.profiles import OWN_UNITS
from cucmsim.pki.release import Release
from cucmsim.pki.requests import common_name_of
from cucmsim.services.mirror import trust_file_names
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.uploads import check_dates, put_trusted, read_upload
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate
from cucmsim.store.store import Transaction
from cucmsim.store.typetables import TYPE_TABLES

__all__ = [
    "TRUST_STORES",
    "delete_certificate",
    "is_replicated",
    "trust_certificates",
    "trust_files",
    "upload_trust_certificate",
]

TRUST_STORES = tuple(
    name for _, name, _ in TYPE_TABLES["typecertificateservice"] if name.endswith("-trust")
)
"""The trust stores, by the names that commands take."""

_NOTIFIED = frozenset({"tomcat-trust", "directory-trust", "Phone-SAST-trust", "CallManager-trust"})
_CLUSTER_WIDE_FROM = Release(11)


def is_replicated(trust_store: str, release: Release) -> bool:
    """Tell whether a change of the store on one node reaches the others."""
    return release >= _CLUSTER_WIDE_FROM or trust_store in _NOTIFIED


def trust_files(replica: Replica, node: str, trust_store: str) -> Mapping[str, StoredCertificate]:
    """Return what a node's trust store holds by file name, "cucm-pub.pem", in their order."""
    held = [one for one in replica.in_store(trust_store) if one.is_on(node)]
    return dict(sorted(trust_file_names(held).items()))


async def upload_trust_certificate(
    operator: Operator, node: str, trust_store: str, data: bytes
) -> Outcome:
    """Put the certificates of a file into a trust store.

    Raises:
        RefusedError: why not; nothing was changed.
        StoreError: the store cannot be used.

    """
    certificates = read_upload(data)
    _check_store(trust_store)
    for certificate in certificates:
        check_dates(certificate, operator.clock.now())
    place = None if is_replicated(trust_store, operator.release) else node
    async with operator.store.transaction() as transaction:
        await trust_certificates(transaction, certificates, trust_store, place)
    await operator.newest()
    return Outcome((f"Successfully imported certificate for {trust_store}.",))


def _check_store(trust_store: str) -> None:
    if trust_store not in TRUST_STORES:
        expected = ", ".join(TRUST_STORES)
        raise RefusedError(f"{trust_store} is not a trust store; expected one of {expected}")


async def trust_certificates(
    transaction: Transaction,
    certificates: Iterable[x509.Certificate],
    trust_store: str,
    node: str | None = None,
) -> None:
    """Put certificates into a trust store of `node`, or (None) of every node, in a transaction.

    Raises:
        RefusedError: the store has a newer certificate of the name.

    """
    for certificate in certificates:
        replica = await transaction.replica()
        older = _replaced(replica, trust_store, certificate, node)
        for held in older:
            await _take_out(transaction, replica, trust_store, held, node)
        await put_trusted(transaction, await transaction.replica(), trust_store, certificate, node)


def _replaced(
    replica: Replica, trust_store: str, certificate: x509.Certificate, node: str | None
) -> list[StoredCertificate]:
    """Return the certificates that a new one of their name takes the place of."""
    name, der = common_name_of(certificate.subject), certificate_der(certificate)
    found = []
    for held in replica.in_store(trust_store):
        if held.node is not None or held.certificate_der == der:
            continue
        if node is not None and not held.is_on(node):
            continue
        other = load_certificate(held.certificate_der)
        if not name or common_name_of(other.subject) != name:
            continue
        if other.not_valid_before_utc >= certificate.not_valid_before_utc:
            raise RefusedError(
                f"A certificate of the name {name} that is as new is in {trust_store} already."
            )
        found.append(held)
    return found


async def delete_certificate(operator: Operator, node: str, unit: str, file_name: str) -> Outcome:
    """Delete a certificate by the name of its file from a trust store.

    Raises:
        RefusedError: it is an own one, or there is none of that name; nothing was changed.
        StoreError: the store cannot be used.

    """
    if unit in OWN_UNITS:
        raise RefusedError(f"Own certificates cannot be deleted: {unit}.")
    _check_store(unit)
    place = None if is_replicated(unit, operator.release) else node
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        held = trust_files(replica, node, unit).get(file_name)
        if held is None:
            raise RefusedError(f"Certificate {file_name} does not exist in {unit}.")
        await _take_out(transaction, replica, unit, held, place)
    await operator.newest()
    return Outcome((f"Successfully deleted certificate {file_name} from {unit}.",))


async def _take_out(
    transaction: Transaction,
    replica: Replica,
    trust_store: str,
    held: StoredCertificate,
    node: str | None,
) -> None:
    """Take a certificate out of the store of every node, or of one and leave it to the others."""
    await transaction.delete_certificate(trust_store, held.pkid, None)
    others = [name for name in replica.nodes if name != node and held.is_on(name)]
    for name in others if node is not None else ():
        await transaction.put_trust_certificate(trust_store, held.certificate_der, name)
