"""Certificates: made as the real server makes them, and read whoever made them.

The name of a self-signed certificate is encoded C, O, OU, CN, ST, L (UTF8String, C a
PrintableString), its serial is 16 random bytes with the first bit 0, it ends exactly N days less
a second after it was made, and its three extensions, none critical, are the key usages, the
purposes and the key identifier. Source: cucm.md 5.1; capf.md for the LSC. Lengths of the seeds'
certificates: tests/pki/test_certificates.py. Vectors: tests/vectors/keys.

`cryptography` refuses to sign a certificate with SHA-1, so those of old releases carry SHA-256
(docs/divergences.md); SHA-1 and MD5 certificates are read.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import PrivateKey, PublicKey
from cucmsim.pki.profiles import THREE_PURPOSES, CertificateProfile, SubjectFields
from cucmsim.pki.signatures import Signer

__all__ = [
    "CERTIFICATE_DIGESTS",
    "LSC_VALIDITY",
    "certificate_der",
    "certificate_hash",
    "certificate_pem",
    "certificate_public_key",
    "ecdsa_deterministic",
    "general_names",
    "issue_lsc",
    "key_usage",
    "load_certificate",
    "new_serial",
    "self_signed",
    "signing_hash",
]

_SIGNING_HASHES: dict[Digest, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    Digest.SHA256: hashes.SHA256(),
    Digest.SHA384: hashes.SHA384(),
    Digest.SHA512: hashes.SHA512(),
}
CERTIFICATE_DIGESTS = tuple(_SIGNING_HASHES)
"""The digests that a certificate can be signed with."""

LSC_VALIDITY = timedelta(days=1825)

_LSC_NAME_ORDER = (  # after the common name, as in the LSC that capfd made
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.LOCALITY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
    NameOID.COUNTRY_NAME,
)
_LONGEST_SERIAL = 20  # RFC 5280
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def new_serial(entropy: Entropy, size: int = 16) -> bytes:
    """Draw a serial number of exactly `size` bytes: first bit 0, first byte not 0."""
    drawn = entropy.token(size)
    return bytes([drawn[0] & 0x7F or 1]) + drawn[1:]


def self_signed(
    profile: CertificateProfile,
    common_name: str,
    fields: SubjectFields,
    key: PrivateKey,
    *,
    not_before: datetime,
    serial: bytes,
    subject_alternative: Sequence[str] = (),
) -> x509.Certificate:
    """Make a unit's own certificate.

    `subject_alternative` holds host names and addresses; empty (the default of the real server)
    leaves the extension out. `not_before` is aware; fractions of a second are cut off.

    Raises:
        ValueError: a name or serial number that no certificate can carry, or a digest that is
            not in `CERTIFICATE_DIGESTS`.

    """
    name = _self_signed_name(common_name, fields)
    usages = key_usage(
        "digital_signature",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
    )
    not_after = not_before + profile.validity - timedelta(seconds=1)
    builder = (
        _builder(name, name, key.public_key(), serial, (not_before, not_after))
        .add_extension(usages, critical=False)
        .add_extension(x509.ExtendedKeyUsage(profile.purposes), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if subject_alternative:
        builder = builder.add_extension(general_names(subject_alternative), critical=False)
    return builder.sign(
        key, signing_hash(profile.digest), ecdsa_deterministic=ecdsa_deterministic(key)
    )


def issue_lsc(
    issuer: Signer,
    device_name: str,
    public_key: PublicKey,
    *,
    not_before: datetime,
    serial: bytes,
    validity: timedelta = LSC_VALIDITY,
    common_name: str | None = None,
    digest: Digest = Digest.SHA256,
) -> x509.Certificate:
    """Make a phone's locally significant certificate, signed by CAPF.

    `common_name` is the device name unless given (newer releases write the model before it:
    CP-8861-SEPB000B4BA0AEE). Source: capf.md, The LSC.

    Raises:
        ValueError: a name or serial number that no certificate can carry, or a digest that is
            not in `CERTIFICATE_DIGESTS`.

    """
    issuer_name = issuer.certificate.subject
    inherited = [a for oid in _LSC_NAME_ORDER for a in issuer_name.get_attributes_for_oid(oid)]
    own = x509.NameAttribute(NameOID.COMMON_NAME, common_name or device_name)
    subject = x509.Name([own, *inherited])
    validity_period = (not_before, not_before + validity)
    return (
        _builder(subject, issuer_name, public_key, serial, validity_period)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(THREE_PURPOSES), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(device_name)]),
            critical=False,
        )
        .sign(
            issuer.private_key,
            signing_hash(digest),
            ecdsa_deterministic=ecdsa_deterministic(issuer.private_key),
        )
    )


def load_certificate(data: bytes) -> x509.Certificate:
    """Read a certificate from DER or PEM (the first one found in a PEM text).

    Raises:
        FormatError: the bytes are no certificate, or one whose names, dates or serial number
            cannot be read.

    """
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            certificate = x509.load_pem_x509_certificate(data)
        else:
            certificate = x509.load_der_x509_certificate(data)
        # parsed only when asked for: asked for here, so that no later reader meets an error
        _ = certificate.subject, certificate.issuer
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        serial = certificate.serial_number
    except (ValueError, TypeError, KeyError, x509.InvalidVersion, UserWarning) as error:
        # TypeError, KeyError: a name's text under a tag that is no string (found by damaging
        # every byte). UserWarning: a serial number below 1, where warnings are errors.
        raise FormatError(f"no certificate: {error}", 0) from error
    if serial < 1:
        raise FormatError(f"no certificate: found serial number {serial}, expected 1 or more", 0)
    return certificate


def certificate_der(certificate: x509.Certificate) -> bytes:
    """Write a certificate as DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Write a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate_hash(certificate: x509.Certificate) -> str:
    """Return the lower-case hex of SHA-256 over the DER."""
    return hashlib.sha256(certificate_der(certificate)).hexdigest()


def certificate_public_key(certificate: x509.Certificate) -> PublicKey:
    """Return the public key of a certificate.

    Raises:
        FormatError: it is no RSA or EC key, or is damaged.

    """
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FormatError(f"the certificate's public key cannot be read: {error}", 0) from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise FormatError(f"found a {type(key).__name__}, expected an RSA or EC public key", 0)
    return key


def ecdsa_deterministic(key: PrivateKey) -> bool | None:
    """Return what a builder is told, so that an EC key signs the same thing alike (RFC 6979).

    None is the only thing that it may be told with an RSA key, which does so anyway.
    """
    return True if isinstance(key, ec.EllipticCurvePrivateKey) else None


def signing_hash(digest: Digest) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """Return the hash to sign a certificate or request with.

    Raises:
        ValueError: the digest is not in `CERTIFICATE_DIGESTS`.

    """
    found = _SIGNING_HASHES.get(digest)
    if found is None:
        possible = ", ".join(one.name for one in _SIGNING_HASHES)
        raise ValueError(
            f"a certificate cannot be signed with {digest.name}; expected one of {possible}"
        )
    return found


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    serial: bytes,
    validity: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    if not 1 <= len(serial) <= _LONGEST_SERIAL:
        raise ValueError(f"a serial number of {len(serial)} bytes; expected 1 to {_LONGEST_SERIAL}")
    not_before, not_after = validity
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(int.from_bytes(serial, "big"))
        .not_valid_before(not_before.replace(microsecond=0))
        .not_valid_after(not_after.replace(microsecond=0))
    )


def _self_signed_name(common_name: str, fields: SubjectFields) -> x509.Name:
    """Return the name in the order of the DER; a field that is empty is left out."""
    ordered = (
        ("C", NameOID.COUNTRY_NAME, fields.country),
        ("O", NameOID.ORGANIZATION_NAME, fields.organization),
        ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME, fields.organizational_unit),
        ("CN", NameOID.COMMON_NAME, common_name),
        ("ST", NameOID.STATE_OR_PROVINCE_NAME, fields.state),
        ("L", NameOID.LOCALITY_NAME, fields.locality),
    )
    return x509.Name([_attribute(*attribute) for attribute in ordered if attribute[-1]])


def _attribute(label: str, oid: x509.ObjectIdentifier, value: str) -> x509.NameAttribute[str]:
    try:
        return x509.NameAttribute(oid, value)
    except ValueError as error:
        raise ValueError(f"{label}={value} cannot stand in a certificate's name: {error}") from None


def key_usage(*usages: str) -> x509.KeyUsage:
    """Return the extension with these usages ("digital_signature", ...) and no others."""
    return x509.KeyUsage(**{usage: usage in usages for usage in _USAGES})


def general_names(texts: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return the SAN extension of host names and addresses."""
    return x509.SubjectAlternativeName([_general_name(text) for text in texts])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
