"""Certificates: lengths of the seeds' listings, the LSC that capfd made, and `openssl`.

The lengths stand in the `show itl` and `show ctl` listings of two public documents (CERTIFICATE
element, releases 10.0 and 10.5), whose names and key sizes are used here.
"""

import dataclasses
import hashlib
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import FormatError
from cucmsim.pki.certificates import (
    CERTIFICATE_DIGESTS,
    certificate_der,
    certificate_hash,
    certificate_pem,
    certificate_public_key,
    issue_lsc,
    load_certificate,
    new_serial,
    self_signed,
)
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, PrivateKey, generate_key, load_private_key
from cucmsim.pki.profiles import (
    IPSEC_END_SYSTEM,
    OWN_UNITS,
    CertificateProfile,
    SubjectFields,
    Unit,
    default_profile,
)
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer

VECTORS = Path(__file__).parent.parent / "vectors" / "keys"
CERTIFICATE_FILES = sorted(VECTORS.glob("*.crt.der"))
MADE = datetime(2022, 2, 4, 15, 31, 45, 678, tzinfo=UTC)
SERIAL = bytes.fromhex("523C32C09694B0A60168D6EE36A3B96E")
KRAKOW = SubjectFields("TAC", "Cisco", "Krakow", "Malopolska", "PL")
RTP = SubjectFields("tac", "cisco", "rtp", "nc", "US")
KEYS = {text: generate_key(KeySpec.parse(text)) for text in ("rsa-1024", "rsa-2048", "ec-384")}
R105 = Release(10, 5)


def _made(
    unit: Unit,
    common_name: str,
    fields: SubjectFields = KRAKOW,
    *,
    key: str = "rsa-2048",
    subject_alternative: tuple[str, ...] = (),
) -> x509.Certificate:
    return self_signed(
        dataclasses.replace(default_profile(unit, R105), key=KeySpec.parse(key)),
        common_name,
        fields,
        KEYS[key],
        not_before=MADE,
        serial=SERIAL,
        subject_alternative=subject_alternative,
    )


@pytest.mark.parametrize(
    ("unit", "common_name", "fields", "key", "size"),
    [
        (Unit.CALLMANAGER, "cucm-1051-a-pub", KRAKOW, "rsa-1024", 694),
        (Unit.CALLMANAGER, "cucm-1051-a-sub1", KRAKOW, "rsa-1024", 696),
        (Unit.CALLMANAGER, "cucm-1051-a-pub", KRAKOW, "rsa-2048", 955),
        (Unit.CAPF, "CAPF-e41e7d87", KRAKOW, "rsa-1024", 680),
        (Unit.CALLMANAGER, "test10pub.joemar2.lab", RTP, "rsa-1024", 684),
        # the listing's name has 68 characters, its length says 65: as many as this one
        (Unit.ITLRECOVERY, "ITLRECOVERY_test10.joemar2.lab", RTP, "rsa-1024", 692),
    ],
)
def test_a_certificate_is_as_long_as_the_real_one(
    unit: Unit, common_name: str, fields: SubjectFields, key: str, size: int
) -> None:
    assert len(certificate_der(_made(unit, common_name, fields, key=key))) == size


def test_a_self_signed_certificate_is_as_documented() -> None:
    certificate = _made(Unit.CALLMANAGER, "HOST-PUB")
    assert certificate.serial_number.to_bytes(16, "big") == SERIAL
    assert certificate.not_valid_before_utc == MADE.replace(microsecond=0)
    assert certificate.not_valid_after_utc == datetime(2027, 2, 3, 15, 31, 44, tzinfo=UTC)
    assert certificate.issuer == certificate.subject
    assert [extension.critical for extension in certificate.extensions] == [False] * 3
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.public_bytes() == bytes.fromhex("030202bc")  # DS, KE, DE, KeyAgreement, CertSign
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    assert list(purposes) == [server, client, IPSEC_END_SYSTEM]
    key_identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert key_identifier.value == x509.SubjectKeyIdentifier.from_public_key(
        certificate_public_key(certificate)
    )


def test_the_name_is_encoded_in_the_order_c_o_ou_cn_st_l() -> None:
    name = _made(Unit.TVS, "CUCM9X", SubjectFields("TAC", "Cisco", "Krakow", "Małopolska", "PL"))
    assert name.subject.rfc4514_string() == "L=Krakow,ST=Małopolska,CN=CUCM9X,OU=TAC,O=Cisco,C=PL"
    types = [attribute._type.name for attribute in name.subject]
    assert types == ["PrintableString"] + ["UTF8String"] * 5


def test_an_empty_field_is_left_out_of_the_name() -> None:
    name = _made(Unit.TVS, "pub", SubjectFields("", "Cisco", "", "", "PL")).subject
    assert name.rfc4514_string() == "CN=pub,O=Cisco,C=PL"


def test_a_subject_alternative_holds_names_and_addresses() -> None:
    certificate = _made(Unit.TOMCAT, "pub", subject_alternative=("pub.lab.test", "127.0.1.1"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["pub.lab.test"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.1.1"]


@pytest.mark.parametrize("digest", CERTIFICATE_DIGESTS)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_certificate_is_signed_with_the_digest_asked_for(key: PrivateKey, digest: Digest) -> None:
    profile = CertificateProfile(Unit.TVS, KeySpec.parse("rsa-2048"), digest, timedelta(days=1))
    made = self_signed(profile, "pub", KRAKOW, key, not_before=MADE, serial=SERIAL)
    assert made.signature_hash_algorithm is not None
    assert made.signature_hash_algorithm.name == digest.algorithm.name


def test_an_ec_key_certifies_the_same_thing_alike() -> None:
    certificate, again = (_made(Unit.TVS, "pub", key="ec-384") for _ in range(2))
    assert certificate == again
    issuer, public_key = Signer(certificate, KEYS["ec-384"]), KEYS["rsa-1024"].public_key()
    lsc, other = (
        issue_lsc(issuer, "SEPB000B4BA0AEE", public_key, not_before=MADE, serial=SERIAL)
        for _ in range(2)
    )
    assert lsc == other


def test_a_certificate_signed_with_sha_1_is_refused_with_what_is_possible() -> None:
    profile = dataclasses.replace(default_profile(Unit.TVS, R105), digest=Digest.SHA1)
    with pytest.raises(ValueError, match="with SHA1; expected one of SHA256, SHA384, SHA512"):
        self_signed(profile, "pub", KRAKOW, KEYS["rsa-1024"], not_before=MADE, serial=SERIAL)


@pytest.mark.parametrize("serial", [b"", bytes(16), b"\x01" * 21])
def test_a_serial_number_no_certificate_can_carry_is_refused(serial: bytes) -> None:
    profile = default_profile(Unit.TVS, R105)
    with pytest.raises(ValueError, match="serial number"):
        self_signed(profile, "pub", KRAKOW, KEYS["rsa-1024"], not_before=MADE, serial=serial)


def test_a_name_that_cannot_be_encoded_is_refused_by_its_field() -> None:
    with pytest.raises(ValueError, match="C=Poland cannot stand in"):
        _made(Unit.TVS, "pub", dataclasses.replace(KRAKOW, country="Poland"))


class _Fixed:
    def __init__(self, first: int) -> None:
        self._first = first

    def token(self, size: int) -> bytes:
        return bytes([self._first]) * size


@pytest.mark.parametrize(("drawn", "first"), [(0x00, 1), (0x80, 1), (0xFF, 0x7F), (0x52, 0x52)])
def test_a_serial_number_keeps_its_length(drawn: int, first: int) -> None:
    serial = new_serial(_Fixed(drawn))
    assert (len(serial), serial[0]) == (16, first)
    assert serial[1:] == bytes([drawn]) * 15
    assert len(new_serial(SeededEntropy(1), 8)) == 8


def _capf() -> Signer:
    key_der = (VECTORS / "capf.key.der").read_bytes()
    return Signer(
        load_certificate((VECTORS / "capf.crt.der").read_bytes()), load_private_key(key_der)
    )


def test_our_lsc_is_to_the_byte_the_one_capfd_made() -> None:
    lsc_der = (VECTORS / "lsc-SEPB000B4BA0AEE.crt.der").read_bytes()
    theirs = load_certificate(lsc_der)
    ours = issue_lsc(
        _capf(),
        "SEPB000B4BA0AEE",
        certificate_public_key(theirs),
        not_before=theirs.not_valid_before_utc,
        serial=theirs.serial_number.to_bytes(16, "big"),
        validity=timedelta(days=365),
    )
    assert certificate_der(ours) == lsc_der


def test_an_lsc_of_a_newer_release_has_the_model_in_its_name_and_an_ec_key() -> None:
    key = KEYS["ec-384"].public_key()
    name = "CP-8861-SEPB000B4BA0AEE"
    lsc = issue_lsc(
        _capf(), "SEPB000B4BA0AEE", key, not_before=MADE, serial=SERIAL, common_name=name
    )
    assert lsc.subject.rfc4514_string() == f"C=PL,ST=Malopolska,L=Krakow,O=Cisco,OU=TAC,CN={name}"
    assert certificate_public_key(lsc) == key
    assert lsc.not_valid_after_utc - lsc.not_valid_before_utc == timedelta(days=1825)
    names = lsc.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == ["SEPB000B4BA0AEE"]


@pytest.mark.parametrize("path", CERTIFICATE_FILES, ids=lambda path: path.name)
def test_a_vector_certificate_is_read_and_written_identical(path: Path) -> None:
    data = path.read_bytes()
    certificate = load_certificate(data)
    assert certificate_der(certificate) == data
    assert load_certificate(certificate_pem(certificate)) == certificate
    assert certificate_hash(certificate) == hashlib.sha256(data).hexdigest()
    key = load_private_key(path.with_name(path.name.replace(".crt.", ".key.")).read_bytes())
    assert certificate_public_key(certificate) == key.public_key()


def test_a_certificate_cut_short_anywhere_raises_only_format_errors() -> None:
    data = (VECTORS / "capf.crt.der").read_bytes()
    for size in range(len(data)):
        with pytest.raises(FormatError):
            load_certificate(data[:size])
    with pytest.raises(FormatError):
        load_certificate(data + b"\0")
    pem = certificate_pem(load_certificate(data))
    with pytest.raises(FormatError):
        load_certificate(pem[: len(pem) // 2])


def test_a_damaged_certificate_raises_only_format_errors_or_is_read_whole() -> None:
    data = (VECTORS / "mic-SEPB000B4BA0AEE.crt.der").read_bytes()
    chance = random.Random(7)  # noqa: S311  which byte is damaged is no secret
    for place in range(len(data)):
        changed = bytes([data[place] ^ chance.randrange(1, 256)])
        try:
            certificate = load_certificate(data[:place] + changed + data[place + 1 :])
            certificate_public_key(certificate)
        except FormatError:
            continue
        assert certificate.subject.rfc4514_string()


@pytest.mark.parametrize("tag", [0x03, 0x0E])
def test_a_name_whose_text_is_no_string_is_refused(tag: int) -> None:
    data = (VECTORS / "capf.crt.der").read_bytes()
    text = data.index(b"\x0c\x0dCAPF-")
    with pytest.raises(FormatError, match="no certificate"):
        load_certificate(data[:text] + bytes([tag]) + data[text + 1 :])


def _with_serial(serial: bytes) -> bytes:
    data = certificate_der(_made(Unit.TVS, "pub"))
    return data.replace(b"\x02\x10" + SERIAL, b"\x02\x10" + serial)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("first", [0x80, 0xFF])
def test_a_negative_serial_number_is_refused(first: int) -> None:
    with pytest.raises(FormatError, match="found serial number -"):
        load_certificate(_with_serial(bytes([first]) + SERIAL[1:]))


def test_a_negative_serial_number_is_refused_where_warnings_are_errors() -> None:
    with pytest.raises(FormatError, match="serial number"):
        load_certificate(_with_serial(b"\x80" + SERIAL[1:]))


def test_a_public_key_of_another_kind_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ed25519")])
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, MADE, MADE).sign(
        key, None
    )
    with pytest.raises(FormatError, match="Ed25519"):
        certificate_public_key(certificate)


def test_a_damaged_public_key_is_refused() -> None:
    data = certificate_der(_made(Unit.TVS, "pub", key="ec-384"))
    point = data.index(b"\x03\x62\x00\x04")
    damaged = data[: point + 4] + bytes(96) + data[point + 100 :]
    with pytest.raises(FormatError, match="public key cannot be read"):
        certificate_public_key(load_certificate(damaged))


@pytest.mark.interop
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("unit", OWN_UNITS)
def test_openssl_reads_and_verifies_our_certificate(unit: Unit, key: str, tmp_path: Path) -> None:
    certificate = _made(unit, "HOST-PUB", key=key, subject_alternative=("host.lab.test",))
    (tmp_path / "c.der").write_bytes(certificate_der(certificate))
    (tmp_path / "c.pem").write_bytes(certificate_pem(certificate))
    _openssl(tmp_path, "asn1parse", "-inform", "der", "-in", "c.der")
    printed = _openssl(
        tmp_path, "x509", "-inform", "der", "-in", "c.der", "-noout", "-text", "-nameopt", "RFC2253"
    )
    assert "Subject: L=Krakow,ST=Malopolska,CN=HOST-PUB,OU=TAC,O=Cisco,C=PL\n" in printed
    assert (
        "Digital Signature, Key Encipherment, Data Encipherment, Key Agreement, Certificate Sign\n"
        in printed
    )
    assert "Not Before: Feb  4 15:31:45 2022 GMT\n" in printed
    assert "Not After : Feb  3 15:31:44 2027 GMT\n" in printed
    at = str(int(MADE.timestamp()) + 1)
    verified = _openssl(tmp_path, "verify", "-attime", at, "-CAfile", "c.pem", "c.pem")
    assert verified == "c.pem: OK\n"


@pytest.mark.interop
@pytest.mark.parametrize("purpose", ["sslclient", "sslserver"])
def test_openssl_verifies_an_lsc_against_our_capf(purpose: str, tmp_path: Path) -> None:
    capf = Signer(_made(Unit.CAPF, "CAPF-e41e7d87"), KEYS["rsa-2048"])
    lsc = issue_lsc(
        capf, "SEPB000B4BA0AEE", KEYS["ec-384"].public_key(), not_before=MADE, serial=SERIAL
    )
    (tmp_path / "capf.pem").write_bytes(certificate_pem(capf.certificate))
    (tmp_path / "lsc.pem").write_bytes(certificate_pem(lsc))
    at = str(int(MADE.timestamp()) + 1)
    options = ["-attime", at, "-purpose", purpose, "-CAfile", "capf.pem", "lsc.pem"]
    assert _openssl(tmp_path, "verify", *options) == "lsc.pem: OK\n"


def _openssl(directory: Path, *arguments: str) -> str:
    command = ["openssl", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout
