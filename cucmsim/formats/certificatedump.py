"""The dump of a certificate that `show cert` prints, as RSA's BSAFE library makes it.

Source: cucm.md 1.5, the paste of a real certificate of 2018. It ends with `]` and no line feed: the
PEM follows at once. Names are in the order of their DER, as RFC 2253 prints them, with a blank
after each comma. Of extensions that are in no paste `Extension:` and `Critical:` are printed.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from cucmsim.formats.names import escape_controls
from cucmsim.pki.certificates import certificate_public_key

__all__ = ["format_certificate_dump"]

_BYTES_A_LINE = 16
_PRINTABLE = range(0x20, 0x7F)
_ALGORITHMS = MappingProxyType(
    {
        "1.2.840.113549.1.1.4": "MD5withRSA",
        "1.2.840.113549.1.1.5": "SHA1withRSA",
        "1.2.840.113549.1.1.11": "SHA256withRSA",
        "1.2.840.113549.1.1.12": "SHA384withRSA",
        "1.2.840.113549.1.1.13": "SHA512withRSA",
        "1.2.840.10045.4.3.2": "SHA256withECDSA",
        "1.2.840.10045.4.3.3": "SHA384withECDSA",
        "1.2.840.10045.4.3.4": "SHA512withECDSA",
    }
)
_NAMES: Mapping[x509.ObjectIdentifier, str] = MappingProxyType(
    {
        ExtensionOID.KEY_USAGE: "KeyUsage",
        ExtensionOID.EXTENDED_KEY_USAGE: "ExtKeyUsageSyntax",
        ExtensionOID.SUBJECT_KEY_IDENTIFIER: "SubjectKeyIdentifier",
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER: "AuthorityKeyIdentifier",
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME: "SubjectAltName",
        ExtensionOID.BASIC_CONSTRAINTS: "BasicConstraints",
    }
)
_USAGES = MappingProxyType(
    {
        "digital_signature": "digitalSignature",
        "content_commitment": "nonRepudiation",
        "key_encipherment": "keyEncipherment",
        "data_encipherment": "dataEncipherment",
        "key_agreement": "keyAgreement",
        "key_cert_sign": "keyCertSign",
        "crl_sign": "cRLSign",
    }
)


def format_certificate_dump(certificate: x509.Certificate, zone: tzinfo = UTC) -> str:
    """Return the dump, times in `zone`. Raises FormatError for a key of no known kind."""
    serial = f"{certificate.serial_number:X}"
    algorithm = certificate.signature_algorithm_oid.dotted_string
    lines = [
        "[",
        f"  Version: V{certificate.version.value + 1}",
        f"  Serial Number: {serial.rjust(len(serial) + len(serial) % 2, '0')}",
        f"  SignatureAlgorithm: {_ALGORITHMS.get(algorithm, 'unknown')} ({algorithm})",
        f"  Issuer Name: {_name(certificate.issuer)}",
        f"  Validity From: {_time(certificate.not_valid_before_utc, zone)}",
        f"           To:   {_time(certificate.not_valid_after_utc, zone)}",
        f"  Subject Name: {_name(certificate.subject)}",
        *_key_lines(certificate),
        f"  Extensions: {len(certificate.extensions)} present",
        *(line for one in certificate.extensions for line in _extension_lines(one)),
        "",
        "  Signature:",
        *_dump_lines(certificate.signature),
        "",
        "]",
    ]
    return "\n".join(lines)


def _name(name: x509.Name) -> str:
    parts = [rdn.rfc4514_string() for rdn in reversed(name.rdns)]
    return escape_controls(", ".join(parts))


def _time(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %b %d %H:%M:%S %Z %Y}"


def _key_lines(certificate: x509.Certificate) -> Iterator[str]:
    key = certificate_public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        yield "  Key: RSA (1.2.840.113549.1.1.1)"
        value = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    else:
        yield "  Key: EC (1.2.840.10045.2.1)"
        value = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    yield f"    Key value: {value.hex()}"


def _extension_lines(extension: x509.Extension[x509.ExtensionType]) -> Iterator[str]:
    name = _NAMES.get(extension.oid, "unknown")
    yield "  ["
    yield f"     Extension: {name} (OID.{extension.oid.dotted_string})"
    yield f"     Critical: {str(extension.critical).lower()}"
    yield from (f"     {line}" for line in _value_lines(extension.value))
    yield "  ]"


def _value_lines(value: x509.ExtensionType) -> Iterator[str]:
    match value:
        case x509.KeyUsage():
            set_ = [shown for name, shown in _USAGES.items() if getattr(value, name)]
            yield f"Usages: {''.join(f'{one}, ' for one in set_)}"
        case x509.ExtendedKeyUsage():
            yield f"Usage oids: {', '.join(one.dotted_string for one in value)},"
        case x509.SubjectKeyIdentifier():
            yield f"keyID: {value.digest.hex()}"
        case x509.SubjectAlternativeName():
            yield f"altNames: {len(value)} names"
            for number, one in enumerate(value, 1):
                yield f"  {number}) {_alternative(one)}"
        case _:
            return


def _alternative(name: x509.GeneralName) -> str:
    text = escape_controls(str(name.value))
    kinds: Mapping[type[x509.GeneralName], str] = {x509.DNSName: "dNSName"}
    return f"{text} ({kinds.get(type(name), 'unknown')})"


def _dump_lines(data: bytes) -> Iterator[str]:
    for start in range(0, len(data), _BYTES_A_LINE):
        line = data[start : start + _BYTES_A_LINE]
        text = "".join(chr(byte) if byte in _PRINTABLE else "." for byte in line)
        yield f"  {start:04x}: {line.hex(' '):<47} [{text}]"
