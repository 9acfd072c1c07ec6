"""The header that starts every trust list, `.sgn` and `.enc.sgn` file, and its signature.

A header is a row of elements, some of them containers, and 0 to 3 bytes of padding. `decode_header`
keeps the elements as they stood, so that what certutils wrote (names joined by `,`, the order 4, 6,
5 within SIGNERID, a signer version) or what nobody knows comes out again byte for byte;
`signed_header` writes as CUCM does. What is signed is the whole file with the SIGNATURE element
cut out. Source: formats.md section 2; vectors: tests/vectors/itl, ctl, sgn, enc.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsim.errors import FormatError
from cucmsim.formats.names import decode_text, encode_text, issuer_text, serial_bytes, subject_text
from cucmsim.formats.reader import Reader
from cucmsim.formats.tlv import (
    Element,
    encode_element,
    encode_elements,
    read_element,
    read_elements,
)
from cucmsim.pki.certificates import certificate_public_key
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer, sign, verify

__all__ = [
    "Header",
    "SignerId",
    "Tag",
    "decode_header",
    "encode_header",
    "signed_header",
    "tagged",
    "verify_file",
]


class Tag(IntEnum):
    """The elements of a header. 16 to 27 stand in `.enc.sgn` files only (formats.md section 6)."""

    VERSION = 1
    HEADER_LENGTH = 2
    SIGNER_ID = 3
    SIGNER_NAME = 4
    SERIAL_NUMBER = 5
    CA_NAME = 6
    SIGNATURE_INFO = 7
    DIGEST_ALGORITHM = 8
    SIGNATURE_ALGORITHM_INFO = 9
    SIGNATURE_ALGORITHM = 10
    SIGNATURE_MODULUS = 11
    SIGNATURE = 12
    PADDING = 13
    FILENAME = 14
    TIMESTAMP = 15
    ENCRYPTION_INFO = 16
    CIPHER_INFO = 17
    CIPHER_MODE = 18
    INITIALISATION_VECTOR = 19
    PADDING_SIZE = 20
    KEY_INFO = 21
    KEY_ALGORITHM = 22
    KEY_SIZE_BITS = 23
    KEY_CIPHER = 24
    ENCRYPTED_KEY = 25
    PLAIN_DIGEST_ALGORITHM = 26
    PLAIN_DIGEST = 27
    SIGNER_VERSION = 28


_RSA = 0
_SIGNING_DIGESTS = (Digest.SHA1, Digest.SHA256, Digest.SHA512)
_MODULUS_BITS = (512, 1024, 2048, 4096)
_TIMESTAMP_LIMIT = 1 << 32


@dataclass(frozen=True, slots=True)
class SignerId:
    """Which certificate signed: the bytes of its names, NUL included, and its serial number."""

    name: bytes
    serial: bytes
    ca_name: bytes

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Return what a header signed with `certificate` by CUCM says."""
        return cls(
            encode_text(subject_text(certificate)),
            serial_bytes(certificate),
            encode_text(issuer_text(certificate)),
        )


@dataclass(frozen=True, slots=True)
class Header:
    """A header as read; numbers are kept whether their meaning is known or not.

    `length` is HeaderLength, `timestamp` seconds since 1970 (None in firmware files),
    `elements` the outermost elements in their order, `padding` how many bytes follow them.
    """

    version: tuple[int, int]
    length: int
    signer_version: tuple[int, int] | None
    signer: SignerId
    digest: int
    algorithm: int
    modulus: int
    signature: bytes
    filename: str
    timestamp: int | None
    elements: tuple[Element, ...] = field(repr=False)
    padding: int

    @property
    def modified(self) -> datetime | None:
        """The timestamp as a time in UTC."""
        return None if self.timestamp is None else datetime.fromtimestamp(self.timestamp, UTC)

    def find(self, tag: int) -> Element | None:
        """Return the outermost element with `tag`."""
        return next((element for element in self.elements if element.tag == tag), None)


def decode_header(data: bytes) -> Header:
    """Read the header that starts `data`. Raises FormatError when it is none, or damaged."""
    reader = Reader(data)
    version = _expect(reader, Tag.VERSION)
    length_element = _expect(reader, Tag.HEADER_LENGTH)
    length = int.from_bytes(length_element.value)
    if not reader.offset <= length <= len(data):
        raise FormatError(f"a header of {length} bytes in {len(data)}", length_element.offset)
    rest, padding = _read_to_padding(Reader(data, reader.offset, length))
    return _interpret((version, length_element, *rest), padding, length)


def encode_header(header: Header) -> bytes:
    """Return the bytes of a header, as they were read."""
    return encode_elements(header.elements) + bytes((Tag.PADDING,)) * header.padding


def signed_header(
    signer: Signer,
    *,
    version: tuple[int, int],
    filename: str,
    timestamp: datetime,
    digest: Digest,
    body: bytes,
    signer_version: tuple[int, int] | None = None,
    extra: tuple[Element, ...] = (),
) -> bytes:
    """Return the header that, put before `body`, makes a file signed by `signer`.

    `extra` elements follow TIMESTAMP. Raises ValueError for a key that is not RSA, for SHA-384,
    which has no number here, and for a time before 1970 or after 2106.
    """
    key = _signing_key(signer, digest)
    head = [] if signer_version is None else [Element(Tag.SIGNER_VERSION, bytes(signer_version))]
    head += _signer_elements(_signer_id(signer.certificate), digest, key.key_size)
    tail = (
        Element(Tag.FILENAME, encode_text(filename)),
        Element(Tag.TIMESTAMP, _seconds(timestamp).to_bytes(4)),
        *extra,
    )
    before, after = encode_elements(tuple(head)), encode_elements(tail)
    unpadded = 10 + len(before) + 3 + key.key_size // 8 + len(after)
    padding = -unpadded % 4
    before = _opening(version, unpadded + padding) + before
    after += bytes((Tag.PADDING,)) * padding
    return before + encode_element(Tag.SIGNATURE, sign(key, digest, before + after + body)) + after


def verify_file(data: bytes, certificate: x509.Certificate) -> bool:
    """Tell whether `data` is signed with `certificate`'s key. Raises FormatError when damaged.

    A digest or a kind of key that no header can be signed with makes the signature wrong.
    """
    header = decode_header(data)
    signature = tagged(header.elements, Tag.SIGNATURE, 0)
    try:
        key = certificate_public_key(certificate)
    except FormatError:
        return False
    if header.digest not in _SIGNING_DIGESTS or not isinstance(key, rsa.RSAPublicKey):
        return False
    signed = data[: signature.offset] + data[signature.end :]
    return verify(key, Digest(header.digest), signature.value, signed)


def tagged(
    elements: tuple[Element, ...], tag: int, offset: int, size: int | None = None
) -> Element:
    """Return the element with `tag`, of `size` bytes if given.

    Raises FormatError when it is missing (told at `offset`), there twice, or of another size.
    """
    found = [element for element in elements if element.tag == tag]
    if not found:
        raise FormatError(f"element {tag} is missing", offset)
    if len(found) > 1:
        raise FormatError(f"element {tag} is there {len(found)} times", found[1].offset)
    if size is not None and len(found[0].value) != size:
        raise FormatError(
            f"element {tag} has {len(found[0].value)} bytes, expected {size}", found[0].offset
        )
    return found[0]


def _expect(reader: Reader, tag: Tag) -> Element:
    element = read_element(reader)
    return tagged((element,), tag, element.offset, 2)


def _read_to_padding(reader: Reader) -> tuple[list[Element], int]:
    elements = []
    while reader.remaining and reader.peek() != Tag.PADDING:
        elements.append(read_element(reader))
    offset, padding = reader.offset, reader.take(reader.remaining)
    if padding.strip(bytes((Tag.PADDING,))):
        raise FormatError("something else than padding after the first byte of it", offset)
    return elements, len(padding)


def _interpret(elements: tuple[Element, ...], padding: int, length: int) -> Header:
    signer_id = _nested(elements, Tag.SIGNER_ID, length)
    info = _nested(elements, Tag.SIGNATURE_INFO, length)
    algorithm = _nested(info, Tag.SIGNATURE_ALGORITHM_INFO, length)
    timestamp = _optional(elements, Tag.TIMESTAMP, 4)
    signer_version = _optional(elements, Tag.SIGNER_VERSION, 2)
    return Header(
        version=_pair(elements[0].value),
        length=length,
        signer_version=None if signer_version is None else _pair(signer_version),
        signer=SignerId(
            tagged(signer_id, Tag.SIGNER_NAME, length).value,
            tagged(signer_id, Tag.SERIAL_NUMBER, length).value,
            tagged(signer_id, Tag.CA_NAME, length).value,
        ),
        digest=_byte(info, Tag.DIGEST_ALGORITHM, length),
        algorithm=_byte(algorithm, Tag.SIGNATURE_ALGORITHM, length),
        modulus=_byte(algorithm, Tag.SIGNATURE_MODULUS, length),
        signature=tagged(elements, Tag.SIGNATURE, length).value,
        filename=decode_text(tagged(elements, Tag.FILENAME, length).value),
        timestamp=None if timestamp is None else int.from_bytes(timestamp),
        elements=elements,
        padding=padding,
    )


def _nested(elements: tuple[Element, ...], tag: Tag, offset: int) -> tuple[Element, ...]:
    return read_elements(tagged(elements, tag, offset).reader())


def _optional(elements: tuple[Element, ...], tag: Tag, size: int) -> bytes | None:
    if all(element.tag != tag for element in elements):
        return None
    return tagged(elements, tag, 0, size).value


def _byte(elements: tuple[Element, ...], tag: Tag, offset: int) -> int:
    return tagged(elements, tag, offset, 1).value[0]


def _pair(value: bytes) -> tuple[int, int]:
    return value[0], value[1]


@lru_cache(maxsize=64)
def _signer_id(certificate: x509.Certificate) -> SignerId:
    """Return SignerId.of once for each signer: reading the names takes a quarter of a signing."""
    return SignerId.of(certificate)


def _signing_key(signer: Signer, digest: Digest) -> rsa.RSAPrivateKey:
    key = signer.private_key
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("files are signed with RSA keys; SIGNATUREALGORTITHM knows no other")  # noqa: TRY004 - a key of the wrong kind is a wrong value, its type is allowed
    if digest not in _SIGNING_DIGESTS:
        raise ValueError(f"DIGESTALGORTITHM has no number for {digest.name}")
    return key


def _signer_elements(signer: SignerId, digest: Digest, size_bits: int) -> list[Element]:
    # SIGNATUREMODULUS has no number for 3072 bits: the next larger size stands for it
    modulus = next(index for index, bits in enumerate(_MODULUS_BITS) if size_bits <= bits)
    signer_id = (
        Element(Tag.SIGNER_NAME, signer.name),
        Element(Tag.SERIAL_NUMBER, signer.serial),
        Element(Tag.CA_NAME, signer.ca_name),
    )
    algorithm = (
        Element(Tag.SIGNATURE_ALGORITHM, bytes((_RSA,))),
        Element(Tag.SIGNATURE_MODULUS, bytes((modulus,))),
    )
    info = (
        Element(Tag.DIGEST_ALGORITHM, bytes((digest,))),
        Element(Tag.SIGNATURE_ALGORITHM_INFO, encode_elements(algorithm)),
    )
    return [
        Element(Tag.SIGNER_ID, encode_elements(signer_id)),
        Element(Tag.SIGNATURE_INFO, encode_elements(info)),
    ]


def _opening(version: tuple[int, int], length: int) -> bytes:
    return encode_element(Tag.VERSION, bytes(version)) + encode_element(
        Tag.HEADER_LENGTH, length.to_bytes(2)
    )


def _seconds(timestamp: datetime) -> int:
    seconds = int(timestamp.timestamp())
    if not 0 <= seconds < _TIMESTAMP_LIMIT:
        raise ValueError(f"{timestamp} does not fit into TIMESTAMP")
    return seconds
