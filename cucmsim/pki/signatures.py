"""Signatures: of files (with a DigestInfo) and of CAPF's proof of possession (without).

RSA is PKCS#1 v1.5 throughout, EC is ECDSA with the nonce that follows from key and data (RFC 6979),
so that one key signs the same data alike. Files are signed with SHA-1 by default, so SHA-1 is no
accident here (formats.md section 2). CAPF signs the bare digest: strict in writing, and in
reading as lenient as the public server, which looks at the end of the recovered block only
(phone.md 5.5); the padding itself is always checked, by `cryptography`.
Vectors: tests/vectors/sgn, itl, ctl, capf (made by certutils and capfc).
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import PrivateKey, PublicKey

__all__ = ["Signer", "sign", "sign_bare_digest", "verify", "verify_bare_digest"]


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    private_key: PrivateKey


def sign(private_key: PrivateKey, digest: Digest, data: bytes) -> bytes:
    """Sign `data`: RSA PKCS#1 v1.5 with DigestInfo, or ECDSA."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(data, padding.PKCS1v15(), digest.algorithm)
    return private_key.sign(data, ec.ECDSA(digest.algorithm, deterministic_signing=True))


def verify(public_key: PublicKey, digest: Digest, signature: bytes, data: bytes) -> bool:
    """Tell whether `signature` is that of `data` made with the key's private half."""
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, padding.PKCS1v15(), digest.algorithm)
        else:
            public_key.verify(signature, data, ec.ECDSA(digest.algorithm))
    except InvalidSignature:
        return False
    return True


def sign_bare_digest(private_key: PrivateKey, digest: Digest, data: bytes) -> bytes:
    """Sign `data` as CAPF's proof of possession: RSA over the digest without DigestInfo.

    An EC key signs with ordinary ECDSA. Source: capf.md, Proof of possession.
    """
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(digest.hash(data), padding.PKCS1v15(), NoDigestInfo())
    return sign(private_key, digest, data)


def verify_bare_digest(
    public_key: PublicKey, digest: Digest, signature: bytes, data: bytes
) -> bool:
    """Tell whether `signature` is CAPF's proof of possession over `data`.

    The block's padding must be right; of what it holds only the end must be the digest, so that
    a signature with a DigestInfo passes too. Source: phone.md 5.5.
    """
    if not isinstance(public_key, rsa.RSAPublicKey):
        return verify(public_key, digest, signature, data)
    try:
        recovered = public_key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except InvalidSignature:
        return False
    return recovered.endswith(digest.hash(data))
