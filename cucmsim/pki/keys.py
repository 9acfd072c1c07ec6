"""Keys: made, written, read, and shown as the bytes trust lists carry.

Everything here blocks; an RSA-2048 key takes some 45 ms and releases the interpreter's lock, so
services make keys in worker threads. Sizes as the real server's dialog offers them: RSA 1024 to
4096 and EC 256, 384, 521 (cucm.md 5.1). Vectors: tests/vectors/keys.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cucmsim.errors import FormatError

__all__ = [
    "PUBLIC_EXPONENT",
    "KeyAlgorithm",
    "KeySpec",
    "PrivateKey",
    "PublicKey",
    "curve",
    "dump_private_key",
    "dump_private_key_pem",
    "dump_public_key",
    "generate_key",
    "key_spec",
    "load_private_key",
    "load_public_key",
    "public_key_bytes",
]

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

PUBLIC_EXPONENT = 65537
"""That of every RSA key made."""

_SMALLEST_RSA_BITS, _LARGEST_RSA_BITS = 1024, 4096
_CURVES: dict[int, type[ec.EllipticCurve]] = {
    256: ec.SECP256R1,
    384: ec.SECP384R1,
    521: ec.SECP521R1,
}


class KeyAlgorithm(StrEnum):
    """The kinds of keys."""

    RSA = "rsa"
    EC = "ec"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What key to make: RSA of 1024 to 4096 bits (a multiple of 8), or EC of 256, 384 or 521."""

    algorithm: KeyAlgorithm
    size_bits: int

    def __post_init__(self) -> None:
        """Refuse a size that cannot be made.

        Raises:
            ValueError: the size is not one of those above.

        """
        if self.algorithm is KeyAlgorithm.EC:
            possible = self.size_bits in _CURVES
            expected = "256, 384 or 521"
        else:
            in_range = _SMALLEST_RSA_BITS <= self.size_bits <= _LARGEST_RSA_BITS
            possible = in_range and self.size_bits % 8 == 0
            expected = "1024 to 4096, a multiple of 8"
        if not possible:
            raise ValueError(
                f"a {self.algorithm.upper()} key of {self.size_bits} bits; expected {expected}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the specification written as "rsa-2048" or "ec-384".

        Raises:
            ValueError: the text is not of that form, or the size cannot be made.

        """
        match = re.fullmatch(r"(rsa|ec)[-_ ]?([0-9]{3,4})", text.strip().lower())
        if match is None:
            raise ValueError(f"{text!r} is no kind of key; expected for example rsa-2048 or ec-384")
        return cls(KeyAlgorithm(match[1]), int(match[2]))

    def __str__(self) -> str:
        """Format as `parse` reads it."""
        return f"{self.algorithm}-{self.size_bits}"


def curve(size_bits: int) -> ec.EllipticCurve:
    """Return the curve of keys of 256, 384 or 521 bits."""
    return _CURVES[size_bits]()


def generate_key(spec: KeySpec) -> PrivateKey:
    """Make a private key. Blocks: some 45 ms for RSA-2048, half a second for RSA-4096."""
    if spec.algorithm is KeyAlgorithm.EC:
        return ec.generate_private_key(curve(spec.size_bits))
    return rsa.generate_private_key(PUBLIC_EXPONENT, spec.size_bits)


def key_spec(key: PrivateKey | PublicKey) -> KeySpec:
    """Return what kind of key it is.

    Raises:
        ValueError: a foreign key of a size that `KeySpec` does not know (RSA-512, say).

    """
    rsa_key = isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey)
    return KeySpec(KeyAlgorithm.RSA if rsa_key else KeyAlgorithm.EC, key.key_size)


def dump_private_key(key: PrivateKey) -> bytes:
    """Write a private key as PKCS#8 DER, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def dump_private_key_pem(key: PrivateKey) -> bytes:
    """Write a private key as PKCS#8 PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_private_key(key_der: bytes, *, trusted: bool = False) -> PrivateKey:
    """Read a private key from DER (PKCS#8, PKCS#1 or SEC 1).

    `trusted` skips the check that an RSA key's parts fit together, which costs 38 ms for 2048
    bits: only for keys out of our own store.

    Raises:
        FormatError: the bytes are no RSA or EC private key.

    """
    try:
        key = serialization.load_der_private_key(
            key_der, None, unsafe_skip_rsa_key_validation=trusted
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FormatError(f"no private key in DER: {error}", 0) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise FormatError(f"found a {type(key).__name__}, expected an RSA or EC private key", 0)
    return key


def dump_public_key(public_key: PublicKey) -> bytes:
    """Write a public key as SubjectPublicKeyInfo DER (tag 9 of CAPF)."""
    return public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_public_key(key_der: bytes) -> PublicKey:
    """Read a public key from SubjectPublicKeyInfo DER (tag 9 of CAPF).

    Raises:
        FormatError: the bytes are no RSA or EC public key.

    """
    try:
        key = serialization.load_der_public_key(key_der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError(f"no public key in DER: {error}", 0) from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise FormatError(f"found a {type(key).__name__}, expected an RSA or EC public key", 0)
    return key


def public_key_bytes(public_key: PublicKey) -> bytes:
    """Write a public key as PUBLICKEY (tag 7) of a trust list holds it.

    RSA: PKCS#1 RSAPublicKey DER (140 bytes for 1024 bits, 270 for 2048); EC: the uncompressed
    point. Source: formats.md section 3.
    """
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
