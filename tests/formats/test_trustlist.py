"""Trust lists and their records, against lists made by certutils and lists of ours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from cucmsim.errors import FormatError
from cucmsim.formats.header import Header, SignerId, decode_header, encode_header
from cucmsim.formats.records import read_records
from cucmsim.formats.roles import Role
from cucmsim.formats.tlv import Element
from cucmsim.formats.trustlist import (
    CTL_FILENAME,
    ITL_FILENAME,
    PHONE_SIZE_LIMIT,
    Record,
    RecordTag,
    TrustList,
    certificate_record,
    decode_trust_list,
    encode_trust_list,
    four_field_record,
    hash_record,
    is_signed_by,
    loads_on_phones,
    sign_trust_list,
    verify_file,
    verify_trust_list,
)
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer

AT = datetime(2026, 11, 21, 1, 22, tzinfo=UTC)
LISTS = [
    ("itl/ITL-sha1-v1.0.tlv", "callmanager-pub", [0, 3, 4, 21, 0, 21]),
    ("ctl/CTL-sha1-1024.tlv", "callmanager-pub-1024", [0, 2, 4, 2]),
]

VectorSigner = Callable[[str], Signer]


@pytest.mark.parametrize(("file", "signer", "roles"), LISTS)
def test_a_list_of_certutils_is_read_verified_and_written_back(
    vectors: Path, vector_signer: VectorSigner, file: str, signer: str, roles: list[int]
) -> None:
    data = (vectors / file).read_bytes()
    trust_list = decode_trust_list(data)
    assert [record.role for record in trust_list.records] == roles
    assert encode_trust_list(trust_list) == data
    assert verify_file(data, vector_signer(signer).certificate)
    assert not verify_file(data, vector_signer("tvs-pub").certificate)
    assert verify_trust_list(trust_list) is True
    certificates = [record.certificate_der for record in trust_list.records]
    assert certificates[0] == certificate_der(vector_signer(signer).certificate)


def test_the_header_of_certutils_says_what_was_asked_for(vectors: Path) -> None:
    header = decode_header((vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes())
    assert (header.version, header.signer_version, header.length) == ((1, 2), (1, 0), 468)
    assert (header.digest, header.algorithm, header.modulus) == (1, 0, 2)
    assert (header.filename, header.padding, len(header.signature)) == (ITL_FILENAME, 2, 256)
    assert header.modified is not None
    assert header.modified.year == 2026
    assert header.signer.name == b"CN=cucm-1051-a-pub,OU=TAC,O=Cisco,L=Krakow,ST=Malopolska,C=PL\0"


@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA256, Digest.SHA512])
@pytest.mark.parametrize("name", ["callmanager-pub", "callmanager-pub-1024"])
@pytest.mark.parametrize("signer_version", [None, (1, 1)])
def test_a_list_of_ours_can_be_read_and_verified(
    vector_signer: VectorSigner, digest: Digest, name: str, signer_version: tuple[int, int] | None
) -> None:
    signer = vector_signer(name)
    data = sign_trust_list(
        signer,
        filename=ITL_FILENAME,
        records=(certificate_record(Role.SAST, signer.certificate),),
        timestamp=AT,
        digest=digest,
        signer_version=signer_version,
    )
    trust_list = decode_trust_list(data)
    header = trust_list.header
    assert (header.version, header.signer_version) == ((1, 2), signer_version)
    assert (header.digest, header.modified) == (digest, AT)
    assert header.length % 4 == 0
    assert encode_header(header) == data[: header.length]
    assert encode_trust_list(trust_list) == data
    assert verify_trust_list(trust_list) is True
    assert is_signed_by(trust_list, trust_list.records[0])


def test_our_elements_stand_in_the_order_of_their_tags(vector_signer: VectorSigner) -> None:
    signer = vector_signer("callmanager-pub")
    record = certificate_record(
        Role.CCM_TFTP, signer.certificate, dns_name="cucm-1051-a-pub", ip_address="10.48.47.153"
    )
    data = sign_trust_list(signer, filename=CTL_FILENAME, records=(record,), timestamp=AT)
    header = decode_header(data)
    assert [element.tag for element in header.elements] == [1, 2, 3, 7, 12, 14, 15]
    assert header.elements[2].value[0] == 4
    assert header.find(15) == header.elements[6]
    assert header.find(99) is None
    assert [element.tag for element in record.elements] == list(range(1, 11))
    assert record.get(RecordTag.IP_ADDRESS) == bytes((10, 48, 47, 153))


def test_a_record_tells_what_it_holds(vector_signer: VectorSigner) -> None:
    certificate = vector_signer("tvs-pub").certificate
    whole = certificate_record(Role.SAST, certificate)
    assert (whole.dns_name, whole.subject) == (" ", whole.issuer)
    assert whole.subject == "CN=cucm-1051-a-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL"
    assert whole.serial == certificate.serial_number.to_bytes(16)
    assert (whole.certificate_hash, whole.hash_algorithm) == (None, None)
    hashed = hash_record(Role.TVS, certificate)
    assert (hashed.certificate_der, hashed.hash_algorithm) == (None, 1)
    assert hashed.certificate_hash == Digest.SHA1.hash(certificate_der(certificate))
    assert (whole.get(RecordTag.DNS_NAME), hashed.get(RecordTag.DNS_NAME)) == (b" \0", b" \0")


def test_a_record_of_four_fields_names_no_certificate() -> None:
    record = four_field_record(Role.CCM_TFTP, "10.48.47.153")
    assert [element.tag for element in record.elements] == [1, 2, 4, 10]
    assert (record.dns_name, record.subject, record.serial) == ("10.48.47.153", None, None)


def test_an_ec_certificate_gives_its_point_as_public_key() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    record = certificate_record(Role.CCM_TFTP, self_signed(key, hashes.SHA384()))
    point = record.get(RecordTag.PUBLIC_KEY)
    assert point is not None
    assert (point[0], len(point)) == (4, 97)


def test_a_signature_is_broken_by_any_change(vectors: Path) -> None:
    data = bytearray((vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes())
    data[-1] ^= 1
    assert verify_trust_list(decode_trust_list(bytes(data))) is False


def test_a_list_whose_signer_has_no_readable_certificate_is_neither_true_nor_false(
    vector_signer: VectorSigner,
) -> None:
    signer = vector_signer("callmanager-pub")
    sast = certificate_record(Role.SAST, signer.certificate)
    damaged = Record(
        tuple(
            replace(element, value=b"0" * len(element.value))
            if element.tag == RecordTag.CERTIFICATE
            else element
            for element in sast.elements
        )
    )
    for records in [
        (),
        (damaged,),
        (hash_record(Role.TVS, signer.certificate),),
        (certificate_record(Role.SAST, vector_signer("tvs-sub").certificate),),
    ]:
        data = sign_trust_list(signer, filename=ITL_FILENAME, records=records, timestamp=AT)
        assert verify_trust_list(decode_trust_list(data)) is None


def test_unknown_tags_and_numbers_survive(vector_signer: VectorSigner) -> None:
    signer = vector_signer("callmanager-pub")
    sast = certificate_record(77, signer.certificate)
    strange = (*sast.elements[1:], Element(200, b"new"), Element(200, b"newer"))
    length = 5 + sum(3 + len(element.value) for element in strange)
    record = Record((Element(1, length.to_bytes(2)), *strange))
    data = sign_trust_list(signer, filename=ITL_FILENAME, records=(record,), timestamp=AT)
    trust_list = decode_trust_list(data)
    assert trust_list.records == (record,)
    assert (record.role, record.get(200)) == (77, b"new")
    assert encode_trust_list(trust_list) == data


@pytest.mark.parametrize("digest", [0, 4, 9])
def test_a_signature_with_an_unknown_digest_is_not_valid(
    vectors: Path, vector_signer: VectorSigner, digest: int
) -> None:
    data = bytearray((vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes())
    data[173] = digest
    assert decode_header(bytes(data)).digest == digest
    assert not verify_file(bytes(data), vector_signer("callmanager-pub").certificate)


def test_a_key_that_signs_no_files_verifies_none(vectors: Path) -> None:
    data = (vectors / "itl/ITL-sha1-v1.0.tlv").read_bytes()
    elliptic = ec.generate_private_key(ec.SECP256R1())
    assert not verify_file(data, self_signed(elliptic, hashes.SHA256()))
    assert not verify_file(data, self_signed(ed25519.Ed25519PrivateKey.generate(), None))


def test_what_cannot_be_written_is_refused(vector_signer: VectorSigner) -> None:
    signer = vector_signer("callmanager-pub")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ValueError, match="RSA"):
        sign_empty(Signer(self_signed(elliptic, hashes.SHA256()), elliptic), AT, Digest.SHA1)
    with pytest.raises(ValueError, match="SHA384"):
        sign_empty(signer, AT, Digest.SHA384)
    for year in (1969, 2107):
        with pytest.raises(ValueError, match="TIMESTAMP"):
            sign_empty(signer, AT.replace(year=year), Digest.SHA1)
    edwards = self_signed(ed25519.Ed25519PrivateKey.generate(), None)
    with pytest.raises(FormatError):
        certificate_record(Role.SAST, edwards)
    with pytest.raises(ValueError, match="a record of"):
        certificate_record(Role.SAST, signer.certificate, dns_name="x" * 65000)


def test_a_signer_with_3072_bits_gets_the_number_of_the_next_larger_size(
    make_signer: Callable[..., Signer],
) -> None:
    signer = make_signer("CN=a", "01", bits=3072)
    data = sign_empty(signer, AT, Digest.SHA256)
    header = decode_header(data)
    assert (header.modulus, len(header.signature)) == (3, 384)
    assert verify_file(data, signer.certificate)


def test_a_list_over_64_kib_does_not_load_on_phones(vector_signer: VectorSigner) -> None:
    signer = vector_signer("callmanager-pub")
    record = certificate_record(Role.SAST, signer.certificate)
    short, long = (
        sign_trust_list(signer, filename=ITL_FILENAME, records=(record,) * count, timestamp=AT)
        for count in (39, 45)
    )
    assert loads_on_phones(short)
    assert len(long) > PHONE_SIZE_LIMIT
    assert not loads_on_phones(long)


def test_a_hand_made_record_without_function_has_role_0() -> None:
    assert Record(()).role == 0
    unnamed = TrustList(minimal_header(), (), b"")
    assert not is_signed_by(unnamed, Record(()))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("01 0002 0000", "a record of 0 bytes"),
        ("01 0002 0004", "expected"),
        ("02 0002 0005", "element 1 is missing"),
        ("01 0003 000000", "has 3 bytes, expected 2"),
        ("01 0002 0006 04 0002 0001", "expected"),
        ("01 0002 0005", "element 4 is missing"),
        ("01 0002 0009 04 0001 01", "has 1 bytes, expected 2"),
        ("01 0002 000f 04 0002 0001 04 0002 0001", "is there 2 times"),
        ("01 0002 0010 04 0002 0001 02 0000 02 0000", "is there 2 times"),
        ("01 0002 00ff 04 0002 0001", "expected"),
    ],
)
def test_a_damaged_record_is_refused(damage: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as raised:
        read_records(b"xx" + bytes.fromhex(damage), 2)
    assert raised.value.offset >= 2


def sign_empty(signer: Signer, timestamp: datetime, digest: Digest) -> bytes:
    return sign_trust_list(
        signer, filename=ITL_FILENAME, records=(), timestamp=timestamp, digest=digest
    )


def minimal_header() -> Header:
    signer = SignerId(b"CN=a\0", b"\x01", b"CN=a\0")
    return Header((1, 2), 0, None, signer, 1, 0, 0, b"", "", None, (), 0)


def self_signed(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    algorithm: hashes.SHA256 | hashes.SHA384 | None,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    return x509.CertificateBuilder(name, name, key.public_key(), 1, AT, AT.replace(year=2030)).sign(
        key, algorithm
    )
