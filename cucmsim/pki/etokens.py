"""Simulated security tokens (eTokens), with which the CTL client signs a CTL.

A token holds a key and a certificate of the manufacturer, which names it `SAST-ADN008580ef` and
eight blanks (seed 001). As a file it is a PKCS#12 under the token's password; real ones come with
`Cisco123`.
"""

import re
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from cucmsim.pki.bundles import KeyBundle
from cucmsim.pki.keys import PrivateKey
from cucmsim.pki.manufacturing import MIC_VALIDITY, manufacturing_ca

__all__ = ["ETOKEN_PASSWORD", "SERIAL_SIZE", "issue_etoken"]

ETOKEN_PASSWORD = "Cisco123"  # noqa: S105 - printed in Cisco's guides
"""The password that tokens come with."""

SERIAL_SIZE = 10
"""Bytes of a token's serial number (seed 001)."""

_NUMBER = re.compile(r"[A-Za-z0-9]{1,32}")
_BLANKS = " " * 8


def issue_etoken(
    number: str, private_key: PrivateKey, *, not_before: datetime, serial: bytes
) -> KeyBundle:
    """Make the token that is called `number` ("ADN008580ef").

    `not_before` is aware and has to lie in the life of the manufacturer's CA.

    Raises:
        ValueError: a number with other than letters and digits, or a day out of range.

    """
    if _NUMBER.fullmatch(number) is None:
        raise ValueError(f"found the number {number!r}, expected 1 to 32 letters and digits")
    ca = manufacturing_ca()
    first, last = ca.certificate.not_valid_before_utc, ca.certificate.not_valid_after_utc
    if not first <= not_before < last:
        raise ValueError(f"found {not_before:%Y-%m-%d}, expected {first:%Y-%m-%d} to {last:%Y}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_subject(f"SAST-{number}{_BLANKS}"))
        .issuer_name(ca.certificate.subject)
        .public_key(private_key.public_key())
        .serial_number(int.from_bytes(serial, "big"))
        .not_valid_before(not_before.replace(microsecond=0))
        .not_valid_after(min(not_before + MIC_VALIDITY, last).replace(microsecond=0))
        .sign(ca.private_key, hashes.SHA256())
    )
    return KeyBundle(f"SAST-{number}", certificate, private_key)


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "IPCBU"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Cisco Systems, Inc."),
        ]
    )
