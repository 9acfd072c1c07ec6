"""Chains: who signed a certificate, and whether it is to be trusted.

CAPF and TVS trust what is in their stores, and what something in their stores signed, one step
(capf.md, Proof of possession). Certificates signed with SHA-1 or MD5 count: phones of that age
carry them. The certificate's own dates are checked, an anchor's are not.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from cucmsim.errors import FormatError, VerificationError
from cucmsim.pki.certificates import certificate_public_key

__all__ = ["ChainReason", "is_issued_by", "verify_chain"]


class ChainReason(StrEnum):
    """Why a certificate is not trusted; the `reasons` of a VerificationError."""

    UNKNOWN_ISSUER = "unknown issuer"
    BAD_SIGNATURE = "bad signature"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether `issuer` has the name that `certificate` asks for and signed it."""
    return certificate.issuer == issuer.subject and _signed_by(certificate, issuer)


def verify_chain(
    certificate: x509.Certificate, anchors: Iterable[x509.Certificate], at: datetime
) -> None:
    """Accept a certificate that is an anchor, or that an anchor issued, while it is valid.

    Raises:
        VerificationError: with every reason (`ChainReason`) why not.

    """
    reasons = [*_issuer_reasons(certificate, tuple(anchors)), *_date_reasons(certificate, at)]
    if reasons:
        name = certificate.subject.rfc4514_string()
        raise VerificationError(f"{name} is not trusted: {', '.join(reasons)}", *reasons)


def _issuer_reasons(
    certificate: x509.Certificate, anchors: tuple[x509.Certificate, ...]
) -> list[ChainReason]:
    if certificate in anchors:
        return []
    named = [anchor for anchor in anchors if certificate.issuer == anchor.subject]
    if not named:
        return [ChainReason.UNKNOWN_ISSUER]
    if not any(_signed_by(certificate, anchor) for anchor in named):
        return [ChainReason.BAD_SIGNATURE]
    return []


def _date_reasons(certificate: x509.Certificate, at: datetime) -> list[ChainReason]:
    if at < certificate.not_valid_before_utc:
        return [ChainReason.NOT_YET_VALID]
    if at > certificate.not_valid_after_utc:
        return [ChainReason.EXPIRED]
    return []


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Check the signature. Not `verify_directly_issued_by`, which refuses SHA-1 and MD5."""
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        key = certificate_public_key(issuer)
        algorithm = certificate.signature_hash_algorithm
        if algorithm is None:
            return False
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _rsa_padding(certificate), algorithm)
        else:
            key.verify(signature, signed, ec.ECDSA(algorithm))
    except (InvalidSignature, UnsupportedAlgorithm, FormatError, ValueError):
        return False
    return True


def _rsa_padding(certificate: x509.Certificate) -> padding.PSS | padding.PKCS1v15:
    parameters = certificate.signature_algorithm_parameters
    return parameters if isinstance(parameters, padding.PSS) else padding.PKCS1v15()
