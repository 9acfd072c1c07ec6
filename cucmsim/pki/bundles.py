"""Files that hold several certificates: PEM texts, PKCS#7 and PKCS#12.

An administrator uploads PEM, DER or a PKCS#7 chain; PKCS#12 carries certificates between clusters
(bulk exchange, without a password) and the ITLRecovery key (under one).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    NoEncryption,
    pkcs7,
    pkcs12,
)

from cucmsim.errors import FormatError, VerificationError
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.keys import PrivateKey

__all__ = [
    "KeyBundle",
    "dump_key_bundle",
    "dump_trust_bundle",
    "load_certificates",
    "load_key_bundle",
    "load_trust_bundle",
]

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_PKCS7_PEM = b"-----BEGIN PKCS7-----"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class KeyBundle:
    """What a PKCS#12 file with a key holds; `name` is its friendly name."""

    name: str
    certificate: x509.Certificate
    private_key: PrivateKey = field(repr=False)


def load_certificates(data: bytes) -> tuple[x509.Certificate, ...]:
    """Read the certificates of an uploaded file: PEM in its order, DER, or PKCS#7 leaf first.

    Raises:
        FormatError: there is none, or one of them cannot be read.

    """
    blocks = _PEM.findall(data)
    if blocks:
        return tuple(load_certificate(block) for block in blocks[:_MOST])
    try:
        return (load_certificate(data),)
    except FormatError as error:
        found = _load_pkcs7(data)
        if not found:
            raise FormatError(
                f"no certificates in PEM, DER or PKCS#7: {error.message}", 0
            ) from None
        return found


def _load_pkcs7(data: bytes) -> tuple[x509.Certificate, ...]:
    """Return a PKCS#7 file's certificates, each followed by its issuer; () for other bytes."""
    load = (
        pkcs7.load_pem_pkcs7_certificates
        if _PKCS7_PEM in data
        else pkcs7.load_der_pkcs7_certificates
    )
    try:
        found = [load_certificate(certificate_der(one)) for one in load(data)]
    except (ValueError, UnsupportedAlgorithm, UserWarning):
        return ()
    return _leaf_first(found)


def _leaf_first(found: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Order a set of certificates: what issued none of the others first."""
    left = list(found)
    ordered: list[x509.Certificate] = []
    while left:
        leaf = next(
            (one for one in left if not any(is_issued_by(x, one) for x in left if x != one)),
            left[0],
        )
        left.remove(leaf)
        ordered.append(leaf)
    return tuple(ordered)


def dump_trust_bundle(certificates: Iterable[tuple[str, x509.Certificate]]) -> bytes:
    """Write certificates with their friendly names as PKCS#12 without key and password."""
    entries = [
        pkcs12.PKCS12Certificate(certificate, name.encode()) for name, certificate in certificates
    ]
    return pkcs12.serialize_key_and_certificates(None, None, None, entries, NoEncryption())


def load_trust_bundle(data: bytes) -> tuple[tuple[str, x509.Certificate], ...]:
    """Read what `dump_trust_bundle` writes.

    Raises:
        FormatError: the bytes are no such file, or a certificate in it cannot be read.

    """
    try:
        entries = pkcs12.load_pkcs12(data, None).additional_certs
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError(f"no PKCS#12 file without a password: {error}", 0) from error
    return tuple(
        (
            (entry.friendly_name or b"").decode(errors="replace"),
            load_certificate(certificate_der(entry.certificate)),
        )
        for entry in entries[:_MOST]
    )


def dump_key_bundle(bundle: KeyBundle, password: str) -> bytes:
    """Write a certificate and its key as PKCS#12, encrypted under `password` (not empty)."""
    return pkcs12.serialize_key_and_certificates(
        bundle.name.encode(),
        bundle.private_key,
        bundle.certificate,
        None,
        BestAvailableEncryption(password.encode()),
    )


def load_key_bundle(data: bytes, password: str) -> KeyBundle:
    """Read a certificate and its key.

    Raises:
        VerificationError: another password, or a file that is damaged: the two look the same.
        FormatError: it holds no RSA or EC key with its certificate.

    """
    try:
        found = pkcs12.load_pkcs12(data, password.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerificationError(f"the PKCS#12 file does not open: {error}", "password") from error
    key, entry = found.key, found.cert
    if entry is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise FormatError("the PKCS#12 file holds no certificate with an RSA or EC key", 0)
    name = (entry.friendly_name or b"").decode(errors="replace")
    return KeyBundle(name, load_certificate(certificate_der(entry.certificate)), key)
