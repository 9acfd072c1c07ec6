"""Encrypted configuration and its stub."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import CertificateBuilder, Name
from lxml import etree

from cucmsim.entropy import SeededEntropy
from cucmsim.errors import FormatError, VerificationError
from cucmsim.formats.encryptedfile import (
    decode_encrypted_file,
    decrypt_file,
    encrypt_file,
    stub,
)
from cucmsim.formats.header import Tag, encode_header, signed_header, verify_file
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.formats.tlv import Element, encode_elements
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer

AT = datetime(2026, 11, 21, 1, 22, tzinfo=UTC)
NAME = "SEPB000B4BA0AEE.cnf.xml.enc.sgn"
PHONE = "mic-SEPB000B4BA0AEE"
VectorSigner = Callable[[str], Signer]


def rsa_key(signer: Signer) -> rsa.RSAPrivateKey:
    assert isinstance(signer.private_key, rsa.RSAPrivateKey)
    return signer.private_key


def encrypt(
    vector_signer: VectorSigner,
    plain: bytes,
    digest: Digest = Digest.SHA1,
    signer_version: tuple[int, int] | None = None,
) -> bytes:
    return encrypt_file(
        vector_signer("callmanager-pub"),
        filename=NAME,
        plain=plain,
        certificate=vector_signer(PHONE).certificate,
        timestamp=AT,
        entropy=SeededEntropy(1),
        digest=digest,
        signer_version=signer_version,
    )


def test_the_file_of_certutils_is_read_verified_and_decrypted(
    vectors: Path, vector_signer: VectorSigner
) -> None:
    data = (vectors / "enc" / NAME).read_bytes()
    file = decode_encrypted_file(data)
    assert (file.header.version, file.header.filename) == ((2, 0), NAME)
    assert (file.padding_size, file.key_size_bits, file.plain_digest) == (11, 2048, 1)
    assert encode_header(file.header) + file.payload == data
    assert verify_file(data, vector_signer("callmanager-pub").certificate)
    plain = (vectors / "sgn/SEPB000B4BA0AEE.cnf.xml").read_bytes()
    assert decrypt_file(data, rsa_key(vector_signer(PHONE))) == plain


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 933])
@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA512])
def test_a_file_of_ours_can_be_decrypted(
    vector_signer: VectorSigner, size: int, digest: Digest
) -> None:
    plain = bytes(range(256)) * 4
    data = encrypt(vector_signer, plain[:size], digest, (1, 1))
    file = decode_encrypted_file(data)
    assert 1 <= file.padding_size <= 16
    assert (file.header.digest, file.plain_digest) == (digest, digest)
    assert (file.header.signer_version, file.header.length % 4) == ((1, 1), 0)
    assert verify_file(data, vector_signer("callmanager-pub").certificate)
    assert decrypt_file(data, rsa_key(vector_signer(PHONE))) == plain[:size]


def test_our_elements_are_laid_out_as_those_of_certutils(
    vectors: Path, vector_signer: VectorSigner
) -> None:
    theirs = decode_encrypted_file((vectors / "enc" / NAME).read_bytes()).header
    ours = decode_encrypted_file(encrypt(vector_signer, bytes(5))).header
    assert [(e.tag, len(e.value)) for e in ours.elements] == [
        (e.tag, len(e.value)) for e in theirs.elements
    ]
    ours_info, theirs_info = (h.elements[7].value for h in (ours, theirs))
    assert ours_info[:10] == theirs_info[:10]
    assert ours_info[26:50] == theirs_info[26:50]


def test_the_wrong_key_does_not_open_a_file(vectors: Path, vector_signer: VectorSigner) -> None:
    data = (vectors / "enc" / NAME).read_bytes()
    for name in ("tvs-pub", "callmanager-pub-1024"):
        with pytest.raises(VerificationError) as raised:
            decrypt_file(data, rsa_key(vector_signer(name)))
        assert raised.value.reasons in {("key",), ("digest",)}


def test_a_changed_text_does_not_have_its_digest(
    vectors: Path, vector_signer: VectorSigner
) -> None:
    data = bytearray((vectors / "enc" / NAME).read_bytes())
    data[-20] ^= 1
    with pytest.raises(VerificationError) as raised:
        decrypt_file(bytes(data), rsa_key(vector_signer(PHONE)))
    assert raised.value.reasons == ("digest",)


def test_an_encrypted_key_of_another_size_is_no_aes_key(vector_signer: VectorSigner) -> None:
    phone = vector_signer(PHONE)
    data = hand_made(vector_signer, filler=16, body=bytes(16))
    with pytest.raises(VerificationError) as raised:
        decrypt_file(data, rsa_key(phone))
    assert raised.value.reasons == ("key",)


@pytest.mark.parametrize(
    ("filler", "body", "message"),
    [(1, bytes(15), "no whole blocks"), (17, bytes(16), "more filler"), (1, b"", "more filler")],
)
def test_a_file_that_cannot_have_been_encrypted_is_refused(
    vector_signer: VectorSigner, filler: int, body: bytes, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        decode_encrypted_file(hand_made(vector_signer, filler=filler, body=body))


def test_a_signed_file_is_no_encrypted_one(vectors: Path) -> None:
    with pytest.raises(FormatError, match="element 16 is missing"):
        decode_encrypted_file((vectors / "sgn/SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes())


def test_a_seed_encrypts_a_file_the_same_way_again(vector_signer: VectorSigner) -> None:
    assert encrypt(vector_signer, b"<device/>") == encrypt(vector_signer, b"<device/>")


@pytest.mark.parametrize("bits", [None, 128, 208])
def test_nothing_is_encrypted_to_an_ec_key_or_a_tiny_one(
    vector_signer: VectorSigner, bits: int | None
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, public_key = Name([]), key.public_key()
    tiny = rsa.RSAPublicNumbers(65537, (1 << bits) - 59).public_key() if bits else None
    certificate = CertificateBuilder(
        name, name, tiny or public_key, 1, AT, AT.replace(year=2030)
    ).sign(key, hashes.SHA256())
    with pytest.raises(ValueError, match="RSA"):
        encrypt_file(
            vector_signer("callmanager-pub"),
            filename=NAME,
            plain=b"",
            certificate=certificate,
            timestamp=AT,
            entropy=SeededEntropy(1),
        )


def test_the_stub_says_what_that_of_certutils_says(
    vectors: Path, vector_signer: VectorSigner
) -> None:
    signed = (vectors / "enc/SEPB000B4BA0AEE.cnf.xml.sgn").read_bytes()
    theirs = decode_signed_file(signed).payload
    full = (vectors / "sgn/SEPB000B4BA0AEE.cnf.xml").read_bytes()
    ours = stub(full, vector_signer(PHONE).certificate)
    assert without_blanks(ours) == without_blanks(theirs)
    assert ours.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<device>\n<fullConfig>false<')


def test_empty_elements_of_the_stub_are_written_in_full(vector_signer: VectorSigner) -> None:
    text = b'<device xsi:type="axl:XIPPhone"><loadInformation/><capfList></capfList></device>'
    lines = stub(text, vector_signer(PHONE).certificate).splitlines()
    assert b"<loadInformation></loadInformation>" in lines
    assert b"<capfList></capfList>" in lines


@pytest.mark.parametrize("text", [b"", b"no xml", b"\xff\xfe"])
def test_a_stub_of_no_xml_is_refused(vector_signer: VectorSigner, text: bytes) -> None:
    with pytest.raises(FormatError, match="no XML"):
        stub(text, vector_signer(PHONE).certificate)


def hand_made(vector_signer: VectorSigner, *, filler: int, body: bytes) -> bytes:
    """Return a file whose encrypted key opens to what is no AES key."""
    key = vector_signer(PHONE).certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    cipher = (
        Element(Tag.INITIALISATION_VECTOR, bytes(16)),
        Element(Tag.PADDING_SIZE, filler.to_bytes(2)),
    )
    wrapped = (
        Element(Tag.KEY_SIZE_BITS, b"\x08\0"),
        Element(Tag.ENCRYPTED_KEY, vector_signer(PHONE).certificate.signature),
    )
    inner = (
        Element(Tag.CIPHER_INFO, encode_elements(cipher)),
        Element(Tag.KEY_INFO, encode_elements(wrapped)),
    )
    extra = (
        Element(Tag.ENCRYPTION_INFO, encode_elements(inner)),
        Element(Tag.PLAIN_DIGEST_ALGORITHM, b"\x01"),
        Element(Tag.PLAIN_DIGEST, bytes(20)),
    )
    header = signed_header(
        vector_signer("callmanager-pub"),
        version=(2, 0),
        filename=NAME,
        timestamp=AT,
        digest=Digest.SHA1,
        body=body,
        extra=extra,
    )
    return header + body


def without_blanks(xml: bytes) -> bytes:
    parser = etree.XMLParser(remove_blank_text=True)
    return etree.tostring(etree.fromstring(xml, parser), method="c14n")
