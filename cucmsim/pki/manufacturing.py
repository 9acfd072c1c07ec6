"""A simulated manufacturer of phones: its CA, and the certificates (MIC) that it gives to phones.

The key of the CA lies beside this module and is published on purpose: whoever tests may make a
phone, and nobody may trust one outside a lab. Every cluster carries the CA's certificate in
CAPF-trust and CallManager-trust, as a real one carries Cisco's (cucm.md 1.5).

A MIC names its phone `CP-8861-SEPB000B4BA0AEE` (sip.md, TLS; phone.md 2.6).
"""

from base64 import b64decode
from datetime import datetime, timedelta
from functools import cache
from importlib import resources

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import PublicKey, load_private_key
from cucmsim.pki.profiles import THREE_PURPOSES
from cucmsim.pki.signatures import Signer

__all__ = ["MIC_VALIDITY", "issue_mic", "manufacturing_ca"]

MIC_VALIDITY = timedelta(days=3653)
"""At the most: no MIC outlives the CA."""

_LONGEST_SERIAL = 20  # RFC 5280


@cache
def manufacturing_ca() -> Signer:
    """Return the CA, the same in every installation: RSA-2048, valid 2014 to 2043."""
    data = resources.files("cucmsim.pki") / "data"
    certificate = load_certificate((data / "manufacturing.crt.pem").read_bytes())
    key = "".join((data / "manufacturing.key.pem").read_text("ascii").splitlines()[1:-1])
    return Signer(certificate, load_private_key(b64decode(key)))


def issue_mic(
    device_name: str, model: str, public_key: PublicKey, *, not_before: datetime, serial: bytes
) -> x509.Certificate:
    """Make a phone's manufacturing-installed certificate.

    `device_name` is `SEP` and the MAC address, `model` is such as `8861`. `not_before` is aware;
    fractions of a second are cut off.

    Raises:
        ValueError: a name or serial number that no certificate can carry, or a day on which the
            CA is not valid.

    """
    if not 1 <= len(serial) <= _LONGEST_SERIAL:
        raise ValueError(f"a serial number of {len(serial)} bytes; expected 1 to {_LONGEST_SERIAL}")
    ca = manufacturing_ca()
    first, last = ca.certificate.not_valid_before_utc, ca.certificate.not_valid_after_utc
    if not first <= not_before < last:
        raise ValueError(f"found {not_before:%Y-%m-%d}, expected {first:%Y-%m-%d} to {last:%Y}")
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(device_name, model))
        .issuer_name(ca.certificate.subject)
        .public_key(public_key)
        .serial_number(int.from_bytes(serial, "big"))
        .not_valid_before(not_before.replace(microsecond=0))
        .not_valid_after(min(not_before + MIC_VALIDITY, last).replace(microsecond=0))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(THREE_PURPOSES), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.private_key.public_key()),
            critical=False,
        )
        .sign(ca.private_key, hashes.SHA256())
    )


def _subject(device_name: str, model: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"CP-{model}-{device_name}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "cucmsim"),
        ]
    )


def _key_usage() -> x509.KeyUsage:
    """Return what a phone uses its key for: to sign, and to be sent keys."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
