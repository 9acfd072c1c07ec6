"""What `show cert own` prints, line by line as in cucm.md 1.5."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from cucmsim.formats.certificatedump import format_certificate_dump
from cucmsim.pki.profiles import IPSEC_END_SYSTEM

# the order of a real certificate's DER: cucm.md 5.1
FIELDS = (
    (NameOID.COUNTRY_NAME, "PL"),
    (NameOID.ORGANIZATION_NAME, "Cisco"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "TAC"),
    (NameOID.COMMON_NAME, "HOST-PUB"),
    (NameOID.STATE_OR_PROVINCE_NAME, "Malopolska"),
    (NameOID.LOCALITY_NAME, "Krakow"),
)
KEY_ID = "bb77bc184dbbc0b28335125dd4bc82689432b518"
BEGIN = datetime(2018, 7, 8, 12, 5, 19, tzinfo=UTC)
END = BEGIN + timedelta(days=5 * 365, seconds=-1)


def _made(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    serial: int = 0x523C32C09694B0A60168D6EE36A3B96E,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in FIELDS])
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, BEGIN, END)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_a_certificate_is_laid_out_as_the_pasted_one(rsa_key: rsa.RSAPrivateKey) -> None:
    # cucm.md 1.5, line 197, "prints the RSA BSAFE dump"; times in British Summer Time as there
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=True,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    server, client = (x509.ObjectIdentifier(f"1.3.6.1.5.5.7.3.{n}") for n in (1, 2))
    identifier = x509.SubjectKeyIdentifier(bytes.fromhex(KEY_ID))
    extended = x509.ExtendedKeyUsage([server, client, IPSEC_END_SYSTEM])
    made = _made(rsa_key, [(usage, False), (extended, False), (identifier, False)])
    value = rsa_key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1).hex()
    shown = format_certificate_dump(made, ZoneInfo("Europe/London")).splitlines()
    assert shown[:31] == [
        "[",
        "  Version: V3",
        "  Serial Number: 523C32C09694B0A60168D6EE36A3B96E",
        "  SignatureAlgorithm: SHA256withRSA (1.2.840.113549.1.1.11)",
        "  Issuer Name: L=Krakow, ST=Malopolska, CN=HOST-PUB, OU=TAC, O=Cisco, C=PL",
        "  Validity From: Sun Jul 08 13:05:19 BST 2018",
        "           To:   Fri Jul 07 13:05:18 BST 2023",
        "  Subject Name: L=Krakow, ST=Malopolska, CN=HOST-PUB, OU=TAC, O=Cisco, C=PL",
        "  Key: RSA (1.2.840.113549.1.1.1)",
        f"    Key value: {value}",
        "  Extensions: 3 present",
        "  [",
        "     Extension: KeyUsage (OID.2.5.29.15)",
        "     Critical: false",
        (
            "     Usages: digitalSignature, keyEncipherment, dataEncipherment, keyAgreement,"
            " keyCertSign, "
        ),
        "  ]",
        "  [",
        "     Extension: ExtKeyUsageSyntax (OID.2.5.29.37)",
        "     Critical: false",
        "     Usage oids: 1.3.6.1.5.5.7.3.1, 1.3.6.1.5.5.7.3.2, 1.3.6.1.5.5.7.3.5,",
        "  ]",
        "  [",
        "     Extension: SubjectKeyIdentifier (OID.2.5.29.14)",
        "     Critical: false",
        f"     keyID: {KEY_ID}",
        "  ]",
        "",
        "  Signature:",
        shown[28],
        shown[29],
        shown[30],
    ]
    assert shown[28].startswith(f"  0000: {made.signature[:16].hex(' ')} [")
    assert shown[43].startswith(f"  00f0: {made.signature[-16:].hex(' ')} [")
    assert shown[44:] == ["", "]"]


def test_the_dump_shows_what_can_be_printed_beside_the_bytes(rsa_key: rsa.RSAPrivateKey) -> None:
    made = _made(rsa_key)
    first = made.signature[:16]
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in first)
    assert f"  0000: {first.hex(' ')} [{text}]" in format_certificate_dump(made)
    assert "GMT" not in format_certificate_dump(made)


def test_alternative_names_are_numbered_and_other_extensions_named_only(
    rsa_key: rsa.RSAPrivateKey,
) -> None:
    # cucm.md 1.5: "altNames: 2 names", "  1) host (dNSName)"; BasicConstraints with two lines
    names = x509.SubjectAlternativeName([x509.DNSName("host"), x509.RFC822Name("a@b")])
    basic = x509.BasicConstraints(ca=False, path_length=None)
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    shown = format_certificate_dump(_made(rsa_key, [(names, False), (basic, True), (odd, False)]))
    assert (
        "     Extension: SubjectAltName (OID.2.5.29.17)\n     Critical: false\n"
        "     altNames: 2 names\n       1) host (dNSName)\n       2) a@b (unknown)\n  ]\n"
        "  [\n     Extension: BasicConstraints (OID.2.5.29.19)\n     Critical: true\n  ]\n"
        "  [\n     Extension: unknown (OID.1.2.3.4)\n     Critical: false\n  ]\n"
    ) in shown


def test_a_serial_number_has_whole_bytes_and_a_key_of_a_curve_its_point() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    made = _made(key, serial=0xABC)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()
    shown = format_certificate_dump(made)
    assert "  Serial Number: 0ABC\n" in shown
    assert "  SignatureAlgorithm: SHA256withECDSA (1.2.840.10045.4.3.2)\n" in shown
    assert f"  Key: EC (1.2.840.10045.2.1)\n    Key value: {point}\n" in shown


def test_the_vectors_are_all_shown() -> None:
    keys = Path(__file__).parents[1] / "vectors" / "keys"
    for path in sorted(keys.glob("*.crt.der")):
        shown = format_certificate_dump(x509.load_der_x509_certificate(path.read_bytes()))
        assert shown.startswith("[\n  Version: V3\n")
        assert shown.endswith("\n\n]")
