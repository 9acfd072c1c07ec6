"""Reads signed files and trust lists for the judge, by code that shares nothing with cucmsim.

A witness with the program's own reader would believe whatever that reader believes. Layout:
elements of tag, two bytes of length, value; a header of elements, then records or a payload;
signed is everything but the SIGNATURE element (tag 12), PKCS#1 v1.5 with the digest of tag 8.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

__all__ = ["SignedFile", "TrustRecord", "read_records", "read_signed", "serial_of"]

_HEADER_LENGTH, _SIGNER, _SERIAL, _INFO, _DIGEST, _SIGNATURE, _PADDING = 2, 3, 5, 7, 8, 12, 13
_CONTAINERS = (_SIGNER, _INFO)
_RECORD_ROLE, _RECORD_SERIAL, _RECORD_CERTIFICATE, _RECORD_HASH = 4, 6, 9, 11
_DIGESTS: Mapping[int, hashes.HashAlgorithm] = {
    1: hashes.SHA1(),
    2: hashes.SHA256(),
    3: hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class SignedFile:
    """Who signed a file, how, and what: `serial` is the magnitude of the signer's serial number."""

    serial: bytes
    digest: int
    signature: bytes
    signed: bytes
    payload: bytes

    def is_signed_by(self, key: PublicKeyTypes) -> bool:
        """Tell whether the signature is that of a key."""
        algorithm = _DIGESTS.get(self.digest)
        if algorithm is None or not isinstance(key, rsa.RSAPublicKey):
            return False
        try:
            key.verify(self.signature, self.signed, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class TrustRecord:
    """A record of a trust list: a role, a serial number, and the SHA-1 of the certificate."""

    role: int
    serial: bytes
    sha1: bytes


def read_signed(data: bytes) -> SignedFile:
    """Take a signed file apart. Raises ValueError for anything else."""
    found: dict[int, bytes] = {}
    at, end, cut = 0, len(data), (0, 0)
    while at < end:
        tag = data[at]
        if tag == _PADDING:
            at += 1
            continue
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        value = data[at + 3 : at + 3 + size]
        if tag == _SIGNATURE:
            cut = (at, at + 3 + size)
        if tag == _HEADER_LENGTH:
            end = int.from_bytes(value, "big")
        found.setdefault(tag, value)
        at += 3 if tag in _CONTAINERS else 3 + size
    missing = {_SERIAL, _DIGEST, _SIGNATURE, _HEADER_LENGTH} - set(found)
    if missing or end > len(data):
        raise ValueError(f"no signed file: found {len(data)} bytes without elements {missing}")
    signed = data[: cut[0]] + data[cut[1] :]
    return SignedFile(found[_SERIAL], found[_DIGEST][0], found[_SIGNATURE], signed, data[end:])


def read_records(data: bytes) -> list[TrustRecord]:
    """Return the records of a trust list. Raises ValueError when it is none."""
    return [_record(one) for one in _split(read_signed(data).payload)]


def serial_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate's serial number as files have it."""
    number = certificate.serial_number
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


def _split(payload: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(payload):
        size = int.from_bytes(payload[at + 3 : at + 5], "big")
        if size < 5:
            raise ValueError(f"no record: found a length of {size}")
        yield payload[at : at + size]
        at += size


def _record(record: bytes) -> TrustRecord:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(record):
        size = int.from_bytes(record[at + 1 : at + 3], "big")
        found[record[at]] = record[at + 3 : at + 3 + size]
        at += 3 + size
    certificate = found.get(_RECORD_CERTIFICATE)
    sha1 = found.get(_RECORD_HASH, b"")
    if certificate is not None:
        sha1 = hashlib.sha1(certificate).digest()
    return TrustRecord(int.from_bytes(found[_RECORD_ROLE], "big"), found[_RECORD_SERIAL], sha1)
