"""Certificate signing requests: made for a unit, and what an authority made of one.

A request carries the subject of the unit's own certificate and, as extensions, what the unit is
for; CAPF, which signs, also asks for keyCertSign. Source: cucm.md section 5.1, table of CSR
extensions (release 12.5). `purposes_lacking` tells what a signed certificate should say and does
not; a certificate without the extensions says nothing against it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cucmsim.errors import FormatError
from cucmsim.pki.certificates import (
    ecdsa_deterministic,
    general_names,
    key_usage,
    signing_hash,
)
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import PrivateKey
from cucmsim.pki.profiles import IPSEC_END_SYSTEM, Unit

__all__ = [
    "REQUEST_UNITS",
    "alternative_names",
    "common_name_of",
    "load_request",
    "make_request",
    "purposes_lacking",
    "request_pem",
]

_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_BOTH = (_SERVER, _CLIENT)
REQUEST_UNITS: Mapping[Unit, tuple[x509.ObjectIdentifier, ...]] = MappingProxyType(
    {
        Unit.CALLMANAGER: _BOTH,
        Unit.CALLMANAGER_ECDSA: _BOTH,
        Unit.CAPF: (_SERVER,),
        Unit.IPSEC: (*_BOTH, IPSEC_END_SYSTEM),
        Unit.TOMCAT: _BOTH,
        Unit.TOMCAT_ECDSA: _BOTH,
        Unit.TVS: _BOTH,
    }
)
"""The units that an authority may sign, with the purposes each asks for; ITLRecovery is none."""

_USAGES = ("digital_signature", "key_encipherment", "data_encipherment")
_SIGNING_USAGES = ("digital_signature", "key_cert_sign")
_PURPOSE_NAMES = {
    _SERVER: "TLS Web Server Authentication",
    _CLIENT: "TLS Web Client Authentication",
    IPSEC_END_SYSTEM: "IPSec End System",
}


def make_request(
    unit: Unit,
    subject: x509.Name,
    key: PrivateKey,
    *,
    digest: Digest = Digest.SHA256,
    subject_alternative: Sequence[str] = (),
) -> x509.CertificateSigningRequest:
    """Make the request of a unit; `subject_alternative` are host names and addresses.

    Raises:
        ValueError: the unit's certificate is signed by nobody else, or a digest or name that no
            request can carry.

    """
    if unit not in REQUEST_UNITS:
        raise ValueError(f"no CSR for {unit}; expected one of {', '.join(REQUEST_UNITS)}")
    usages = _SIGNING_USAGES if unit is Unit.CAPF else _USAGES
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.ExtendedKeyUsage(REQUEST_UNITS[unit]), critical=False)
        .add_extension(key_usage(*usages), critical=False)
    )
    if subject_alternative:
        builder = builder.add_extension(general_names(subject_alternative), critical=False)
    return builder.sign(key, signing_hash(digest), ecdsa_deterministic=ecdsa_deterministic(key))


def load_request(data: bytes) -> x509.CertificateSigningRequest:
    """Read a request from PEM or DER. Raises FormatError."""
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_csr(data)
        return x509.load_der_x509_csr(data)
    except ValueError as error:
        raise FormatError(f"no certificate signing request: {error}", 0) from error


def request_pem(request: x509.CertificateSigningRequest) -> bytes:
    """Write a request as PEM."""
    return request.public_bytes(Encoding.PEM)


def alternative_names(
    source: x509.Certificate | x509.CertificateSigningRequest,
) -> frozenset[str]:
    """Return the host names and addresses of a SAN extension, names in lower case."""
    try:
        names = source.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(
        str(name.value).lower() for name in names if isinstance(name, x509.DNSName | x509.IPAddress)
    )


def common_name_of(name: x509.Name) -> str:
    """Return the first common name as text; empty when there is none."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def purposes_lacking(unit: Unit, certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the purposes that the unit needs and the certificate's extension leaves out.

    Raises:
        FormatError: the extensions cannot be read.

    """
    try:
        extensions = certificate.extensions
    except ValueError as error:
        raise FormatError(f"the certificate's extensions cannot be read: {error}", 0) from error
    lacking: list[str] = []
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.ExtendedKeyUsage):
            missing = [purpose for purpose in REQUEST_UNITS[unit] if purpose not in value]
            lacking.extend(_PURPOSE_NAMES[purpose] for purpose in missing)
        if isinstance(value, x509.KeyUsage):
            if not value.digital_signature:
                lacking.append("Digital Signature")
            if unit is Unit.CAPF and not value.key_cert_sign:
                lacking.append("Certificate Sign")
    return tuple(lacking)
