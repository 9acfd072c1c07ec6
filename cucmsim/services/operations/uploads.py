"""What every upload has in common: files read, dates checked, trust stores of all nodes filled.

PEM, DER or PKCS#7, keys up to 4096 bits (cucm.md 5.1); the words of the refusals are not published
(docs/divergences.md).
"""

from datetime import datetime

from cryptography import x509

from cucmsim.errors import FormatError, RefusedError
from cucmsim.pki.bundles import load_certificates
from cucmsim.pki.certificates import certificate_der, certificate_public_key
from cucmsim.store.replica import Replica
from cucmsim.store.store import Transaction

__all__ = ["UNREADABLE", "check_dates", "put_trusted", "read_upload"]

UNREADABLE = "Error reading the certificate"
"""What is said of a file that holds no certificate, or one that cannot be read."""

_LONGEST_KEY_BITS = 4096
_LARGEST_FILE = 1_000_000


def read_upload(data: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of an uploaded file, one at least. Raises RefusedError."""
    if len(data) > _LARGEST_FILE:
        raise RefusedError(UNREADABLE)
    try:
        found = load_certificates(data)
        sizes = [certificate_public_key(certificate).key_size for certificate in found]
    except FormatError as error:
        raise RefusedError(UNREADABLE) from error
    if max(sizes) > _LONGEST_KEY_BITS:
        raise RefusedError("Certificates with a key of more than 4096 bits are refused.")
    return found


def check_dates(certificate: x509.Certificate, now: datetime) -> None:
    """Refuse a certificate that is not valid now."""
    if now > certificate.not_valid_after_utc:
        raise RefusedError("The certificate has expired.")
    if now < certificate.not_valid_before_utc:
        raise RefusedError("The certificate is not yet valid.")


async def put_trusted(
    transaction: Transaction,
    replica: Replica,
    trust_store: str,
    certificate: x509.Certificate,
    node: str | None = None,
) -> None:
    """Put a certificate into a trust store of `node`, or (None) of every node.

    One that belonged to some nodes only then belongs to the others too.
    """
    der = certificate_der(certificate)
    held = next((one for one in replica.certificates if one.certificate_der == der), None)
    limited = held is not None and held.node is None and bool(held.nodes)
    everywhere = tuple(replica.nodes) if limited else (None,)
    for place in everywhere if node is None else (node,):
        await transaction.put_trust_certificate(trust_store, der, place)
