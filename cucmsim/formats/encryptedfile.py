"""Encrypted configuration, `SEP<MAC>.cnf.xml.enc.sgn`, and the stub that announces it.

The XML is encrypted with a fresh AES-128 key, which itself is encrypted to the phone's LSC or MIC;
both stand in a header of version 2.0 that signs the encrypted bytes. Beside it the phone gets a
signed stub with the MD5 of that certificate. Source: formats.md section 6; vectors:
tests/vectors/enc, made by certutils.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError, VerificationError
from cucmsim.formats.header import Header, Tag, decode_header, signed_header, tagged
from cucmsim.formats.tlv import Element, encode_elements, read_elements
from cucmsim.pki.certificates import certificate_der, certificate_public_key
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer

__all__ = [
    "DRAWN_BYTES",
    "EncryptedFile",
    "decode_encrypted_file",
    "decrypt_file",
    "encrypt_file",
    "stub",
]

_VERSION = (2, 0)
_BLOCK_SIZE = 16
_PADDING_SEED = 32
_LEAST_PADDING = 8
DRAWN_BYTES = 2 * _BLOCK_SIZE + _PADDING_SEED
"""How many random bytes an encrypted file takes."""

_FILLER = b"\r"
_AES = 1
_STUB_ELEMENTS = ("ipAddressMode", "loadInformation", "capfAuthMode", "capfList")


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """An encrypted file as read. `padding_size` counts the filler at the end of the plain text."""

    header: Header
    initialisation_vector: bytes
    padding_size: int
    key_size_bits: int
    encrypted_key: bytes = field(repr=False)
    plain_digest: int
    plain_hash: bytes
    payload: bytes = field(repr=False)


def encrypt_file(
    signer: Signer,
    *,
    filename: str,
    plain: bytes,
    certificate: x509.Certificate,
    timestamp: datetime,
    entropy: Entropy,
    digest: Digest = Digest.SHA1,
    signer_version: tuple[int, int] | None = None,
) -> bytes:
    """Return the encrypted file `filename` (it ends in `.enc.sgn`) for the phone's `certificate`.

    AES key, initialisation vector and the padding around the encrypted key are drawn from
    `entropy`: `DRAWN_BYTES` in all. Raises ValueError when the phone's key is EC or too short
    to take an AES key, FormatError when it is neither EC nor RSA.
    """
    key, vector = entropy.token(_BLOCK_SIZE), entropy.token(_BLOCK_SIZE)
    filler = _FILLER * (_BLOCK_SIZE - len(plain) % _BLOCK_SIZE)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    body = encryptor.update(plain + filler) + encryptor.finalize()
    header = signed_header(
        signer,
        version=_VERSION,
        filename=filename,
        timestamp=timestamp,
        digest=digest,
        body=body,
        signer_version=signer_version,
        extra=(
            _encryption_info(vector, len(filler), _wrap(key, certificate, entropy)),
            Element(Tag.PLAIN_DIGEST_ALGORITHM, bytes((digest,))),
            Element(Tag.PLAIN_DIGEST, digest.hash(plain)),
        ),
    )
    return header + body


def decode_encrypted_file(data: bytes) -> EncryptedFile:
    """Read an encrypted file, still encrypted. Raises FormatError when it is damaged."""
    header = decode_header(data)
    end = header.length
    info = read_elements(tagged(header.elements, Tag.ENCRYPTION_INFO, end).reader())
    cipher = read_elements(tagged(info, Tag.CIPHER_INFO, end).reader())
    key = read_elements(tagged(info, Tag.KEY_INFO, end).reader())
    vector = tagged(cipher, Tag.INITIALISATION_VECTOR, end, _BLOCK_SIZE)
    filler = tagged(cipher, Tag.PADDING_SIZE, end, 2)
    return EncryptedFile(
        header=header,
        initialisation_vector=vector.value,
        padding_size=int.from_bytes(filler.value),
        key_size_bits=int.from_bytes(tagged(key, Tag.KEY_SIZE_BITS, end, 2).value),
        encrypted_key=tagged(key, Tag.ENCRYPTED_KEY, end).value,
        plain_digest=tagged(header.elements, Tag.PLAIN_DIGEST_ALGORITHM, end, 1).value[0],
        plain_hash=tagged(header.elements, Tag.PLAIN_DIGEST, end).value,
        payload=_checked_payload(data, end, filler),
    )


def decrypt_file(data: bytes, private_key: rsa.RSAPrivateKey) -> bytes:
    """Return the XML inside an encrypted file.

    Raises FormatError when the file is damaged, and VerificationError with the reason "key" when
    `private_key` does not open it, "digest" when what comes out is not what was put in.
    """
    file = decode_encrypted_file(data)
    key = _unwrap(file.encrypted_key, private_key)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(file.initialisation_vector)).decryptor()
    padded = decryptor.update(file.payload) + decryptor.finalize()
    plain = padded[: len(padded) - file.padding_size]
    if not _has_hash(plain, file.plain_digest, file.plain_hash):
        raise VerificationError("the decrypted text does not have the digest told", "digest")
    return plain


def stub(configuration: bytes, certificate: x509.Certificate) -> bytes:
    """Return the stub to be signed as `.cnf.xml.sgn` beside the encrypted `configuration`.

    It has what the phone needs for CAPF, the MD5 of the phone's certificate, and says that the
    full file is encrypted. Raises FormatError when `configuration` is no XML.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(configuration, parser)
    except etree.XMLSyntaxError as error:
        raise FormatError(f"no XML: {error}", 0) from error
    if root is None:
        raise FormatError("no XML: there is no root element", 0)
    digest = hashlib.md5(certificate_der(certificate), usedforsecurity=False)
    kept = [element for name in _STUB_ELEMENTS for element in root.findall(name)]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<device>",
        "<fullConfig>false</fullConfig>",
        *(_element_text(element) for element in kept),
        f"<certHash>{digest.hexdigest()}</certHash>",
        "<encrConfig>true</encrConfig>",
        "</device>",
    ]
    return "".join(line + "\n" for line in lines).encode()


def _element_text(element: etree._Element) -> str:
    for part in element.iter():
        if not len(part) and part.text is None:
            part.text = ""  # so that it is written <x></x>, as CUCM does
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _encryption_info(vector: bytes, padding_size: int, encrypted_key: bytes) -> Element:
    cipher = (
        Element(Tag.CIPHER_MODE, b"\0"),
        Element(Tag.INITIALISATION_VECTOR, vector),
        Element(Tag.PADDING_SIZE, padding_size.to_bytes(2)),
    )
    key = (
        Element(Tag.KEY_ALGORITHM, b"\0"),
        Element(Tag.KEY_SIZE_BITS, (8 * len(encrypted_key)).to_bytes(2)),
        Element(Tag.KEY_CIPHER, bytes((_AES,))),
        Element(Tag.ENCRYPTED_KEY, encrypted_key),
    )
    inner = (
        Element(Tag.CIPHER_INFO, encode_elements(cipher)),
        Element(Tag.KEY_INFO, encode_elements(key)),
    )
    return Element(Tag.ENCRYPTION_INFO, encode_elements(inner))


def _wrap(key: bytes, certificate: x509.Certificate, entropy: Entropy) -> bytes:
    """Encrypt the key as RSAES-PKCS1-v1_5 does (RFC 8017, 7.2.1), the padding drawn by us.

    `cryptography` draws its own, which no seed repeats; so the one multiplication is done here.
    """
    public_key = certificate_public_key(certificate)
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise ValueError("configuration is encrypted to RSA keys only")  # noqa: TRY004 - the certificate's value is wrong, its type is not
    size = (public_key.key_size + 7) // 8
    padding_size = size - 3 - len(key)
    if padding_size < _LEAST_PADDING:
        raise ValueError(f"an RSA key of {public_key.key_size} bits cannot encrypt an AES key")
    stretched = hashlib.shake_256(entropy.token(_PADDING_SEED)).digest(2 * padding_size)
    filler = stretched.translate(None, b"\0")[:padding_size]
    filled = b"\0\2" + filler + b"\0" + key
    numbers = public_key.public_numbers()
    return pow(int.from_bytes(filled), numbers.e, numbers.n).to_bytes(size)


def _unwrap(encrypted_key: bytes, private_key: rsa.RSAPrivateKey) -> bytes:
    try:
        key = private_key.decrypt(encrypted_key, padding.PKCS1v15())
    except ValueError as error:
        raise VerificationError(f"the key does not open this file: {error}", "key") from error
    # OpenSSL answers a wrong key with a random text of random length, so as to tell nothing
    if len(key) != _BLOCK_SIZE:
        raise VerificationError("the key does not open this file", "key")
    return key


def _checked_payload(data: bytes, start: int, filler: Element) -> bytes:
    payload = data[start:]
    if len(payload) % _BLOCK_SIZE:
        raise FormatError(f"{len(payload)} encrypted bytes are no whole blocks", start)
    if int.from_bytes(filler.value) > len(payload):
        raise FormatError("more filler than there is text", filler.offset)
    return payload


def _has_hash(plain: bytes, digest: int, plain_hash: bytes) -> bool:
    return digest in tuple(Digest) and Digest(digest).hash(plain) == plain_hash
