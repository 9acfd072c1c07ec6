"""Signing requests against the table of cucm.md 5.1 (CSR extensions)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cucmsim.errors import FormatError
from cucmsim.pki.certificates import key_usage, load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.profiles import IPSEC_END_SYSTEM, Unit
from cucmsim.pki.requests import (
    REQUEST_UNITS,
    alternative_names,
    common_name_of,
    load_request,
    make_request,
    purposes_lacking,
    request_pem,
)

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cucm-pub.lab")])
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
) -> x509.Certificate:
    """Make a certificate with these extensions."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(SUBJECT)
        .issuer_name(SUBJECT)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("unit", REQUEST_UNITS)
def test_a_request_asks_for_what_the_table_of_cucm_md_says(
    unit: Unit, key: ec.EllipticCurvePrivateKey
) -> None:
    request = make_request(unit, SUBJECT, key)
    purposes = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    usage = request.extensions.get_extension_for_class(x509.KeyUsage).value
    assert not purposes.critical
    assert set(purposes.value) == {
        Unit.CAPF: {SERVER},
        Unit.IPSEC: {SERVER, CLIENT, IPSEC_END_SYSTEM},
    }.get(unit, {SERVER, CLIENT})
    assert usage.digital_signature
    assert usage.key_cert_sign == (unit is Unit.CAPF)
    assert usage.key_encipherment == usage.data_encipherment == (unit is not Unit.CAPF)
    assert not usage.key_agreement
    assert request.is_signature_valid
    assert not alternative_names(request)


def test_names_and_digest_are_as_asked_for(key: ec.EllipticCurvePrivateKey) -> None:
    request = make_request(
        Unit.TVS,
        SUBJECT,
        key,
        digest=Digest.SHA512,
        subject_alternative=["Host.Example", "192.0.2.1"],
    )
    assert alternative_names(request) == {"host.example", "192.0.2.1"}
    assert isinstance(request.signature_hash_algorithm, hashes.SHA512)
    assert common_name_of(request.subject) == "cucm-pub.lab"
    assert common_name_of(x509.Name([])) == ""


def test_an_ec_key_makes_the_same_request_again(key: ec.EllipticCurvePrivateKey) -> None:
    first, again = (make_request(Unit.TVS, SUBJECT, key) for _ in range(2))
    assert first == again


def test_itlrecovery_is_signed_by_nobody_else(key: ec.EllipticCurvePrivateKey) -> None:
    with pytest.raises(ValueError, match="no CSR for ITLRecovery"):
        make_request(Unit.ITLRECOVERY, SUBJECT, key)


def test_a_request_is_read_from_pem_and_der(key: ec.EllipticCurvePrivateKey) -> None:
    request = make_request(Unit.TVS, SUBJECT, key)
    assert load_request(request_pem(request)) == request
    assert load_request(request.public_bytes(Encoding.DER)) == request


@pytest.mark.parametrize(
    "data", [b"", b"-----BEGIN CERTIFICATE REQUEST-----", b"0\x03\x02\x01\x01"]
)
def test_what_is_no_request_is_a_format_error(data: bytes) -> None:
    with pytest.raises(FormatError, match="no certificate signing request"):
        load_request(data)


@pytest.mark.parametrize(
    ("unit", "extensions", "lacking"),
    [
        (Unit.TVS, (), ()),
        (Unit.TVS, (x509.ExtendedKeyUsage([SERVER, CLIENT]),), ()),
        (
            Unit.TVS,
            (x509.ExtendedKeyUsage([IPSEC_END_SYSTEM]),),
            ("TLS Web Server Authentication", "TLS Web Client Authentication"),
        ),
        (Unit.IPSEC, (x509.ExtendedKeyUsage([SERVER, CLIENT]),), ("IPSec End System",)),
        (Unit.TVS, (key_usage("key_encipherment"),), ("Digital Signature",)),
        (Unit.TVS, (key_usage("digital_signature"),), ()),
        (Unit.CAPF, (key_usage("digital_signature"),), ("Certificate Sign",)),
        (Unit.CAPF, (key_usage("digital_signature", "key_cert_sign"),), ()),
    ],
)
def test_a_certificate_lacks_what_its_extensions_leave_out(
    unit: Unit,
    extensions: tuple[x509.ExtensionType, ...],
    lacking: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
) -> None:
    assert purposes_lacking(unit, certificate(key, *extensions)) == lacking


def test_extensions_that_cannot_be_read_are_a_format_error(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    broken = x509.UnrecognizedExtension(x509.ExtendedKeyUsage.oid, b"\x00")
    with pytest.raises(FormatError, match="extensions cannot be read"):
        purposes_lacking(Unit.TVS, certificate(key, broken))


def test_a_certificate_of_a_real_authority_lacks_nothing() -> None:
    signed = load_certificate((KEYS / "callmanager-casigned.crt.der").read_bytes())
    assert purposes_lacking(Unit.CALLMANAGER, signed) == ()
