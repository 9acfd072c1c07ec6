"""The messages of the Certificate Authority Proxy Function (CAPF, TCP 3804).

A message is `0x55`, its type (1 byte), the session id (4), the length of the elements (2), and the
elements: tag (1), length (2), value. All numbers are big-endian. `Message` keeps the elements as
they came, known or not, so encoding a decoded message gives the same bytes; its methods read the
values, and `*_element` functions write them.

Source: the public capfd and capfc tools, which enrol real phones.
Vectors: tests/vectors/capf/*.json, their conversations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader
from cucmsim.formats.tlv import (
    Element,
    encode_element,
    encode_elements,
    read_element,
    read_elements,
)

__all__ = [
    "HEADER_SIZE",
    "VERSION",
    "AuthenticationType",
    "CertificateType",
    "Curve",
    "KeyType",
    "Message",
    "MessageType",
    "NestedCertificate",
    "Reason",
    "Sha2Signature",
    "Sudi",
    "Tag",
    "byte_element",
    "certificate_element",
    "decode_message",
    "device_proof_data",
    "encode_message",
    "message_size",
    "message_type_name",
    "sha2_signature_element",
    "short_element",
    "sudi_element",
    "sudi_proof_data",
    "text_element",
]

HEADER_SIZE = 8
VERSION = 3
"""The protocol version both sides name in element 7; 3 is the first with EC keys."""

_DISCRIMINATOR = 0x55
_CERTIFICATE = 1

_T = TypeVar("_T")


class MessageType(IntEnum):
    """The second byte of a message."""

    AUTH_REQUEST = 1
    AUTH_RESPONSE = 2
    KEY_GENERATE_REQUEST = 3
    KEY_GENERATE_RESPONSE = 4
    ENCRYPT_RESPONSE = 5
    ENCRYPT_REQUEST = 6
    DECRYPT_REQUEST = 7
    DECRYPT_RESPONSE = 8
    STORE_CERTIFICATE_REQUEST = 9
    STORE_CERTIFICATE_RESPONSE = 10
    FETCH_CERTIFICATE_REQUEST = 11
    FETCH_CERTIFICATE_RESPONSE = 12
    DELETE_CERTIFICATE_REQUEST = 13
    DELETE_CERTIFICATE_RESPONSE = 14
    END_SESSION = 15
    RETRY_LATER = 16
    REQUEST_IN_PROGRESS = 17
    STATUS_REQUEST = 18
    STATUS_RESPONSE = 19
    ABORT_REQUEST = 20
    ABORT_RESPONSE = 21
    SIGN_CERTIFICATE_REQUEST = 22
    SIGN_CERTIFICATE_RESPONSE = 23


class Tag(IntEnum):
    """The tag of an element. 14 and 15 are not known."""

    REASON = 1
    REASON_TEXT = 2
    CERTIFICATE_TYPE = 3
    CERTIFICATE = 4
    CERTIFICATE_ID = 5
    SIGNED_DATA = 6
    VERSION = 7
    AUTHENTICATION_TYPE = 8
    PUBLIC_KEY = 9
    KEY_SIZE = 10
    PASSWORD = 11
    RETRY_DELAY = 12
    DEVICE_NAME = 13
    SUDI_DATA = 16
    KEY_TYPE = 17
    CURVE = 18
    DIGEST_TYPE = 19
    SHA2_SIGNED_DATA = 20


class Reason(IntEnum):
    """The value of element 1, as far as it is known."""

    NO_ACTION = 0
    CERTIFICATE_UPDATED = 1
    INVALID_ELEMENT = 7
    UNKNOWN_DEVICE = 9


class CertificateType(IntEnum):
    """The value of element 3, and of a byte within element 4."""

    LSC = 1
    MIC = 2


class AuthenticationType(IntEnum):
    """The value of element 8."""

    NONE = 0
    PASSWORD = 1
    NO_PASSWORD = 2
    LSC = 3
    MIC = 4


class KeyType(IntEnum):
    """The value of element 17."""

    RSA = 0
    EC = 1


class Curve(IntEnum):
    """The value of element 18."""

    SECP256R1 = 0
    SECP384R1 = 1
    SECP521R1 = 2

    @property
    def size_bits(self) -> int:
        """The size of a key on this curve."""
        return (256, 384, 521)[self]


class _SudiPart(IntEnum):
    CERTIFICATE = 0
    SIGNATURE_SHA1 = 1
    SIGNATURE_SHA512 = 3


@dataclass(frozen=True, slots=True)
class NestedCertificate:
    """The value of element 4: a certificate and which of the phone's it is."""

    certificate_type: int
    certificate_der: bytes


@dataclass(frozen=True, slots=True)
class Sha2Signature:
    """The value of element 20: a digest's number (3 is SHA-512) and the signature."""

    digest: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Sudi:
    """The value of element 16: a phone's built-in certificate and proofs that it has its key."""

    certificate_der: bytes
    signature_sha1: bytes
    signature_sha512: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One CAPF message.

    `message_type` is a `MessageType` as far as that is known. Of an element that is there twice
    the first counts; both are kept.
    """

    message_type: int
    session_id: int
    elements: tuple[Element, ...] = ()

    def find(self, tag: int) -> Element | None:
        """Return the first element with `tag`, None if there is none."""
        return next((found for found in self.elements if found.tag == tag), None)

    def value(self, tag: int) -> bytes | None:
        """Return the bytes of element `tag`, None if it is not there."""
        found = self.find(tag)
        return None if found is None else found.value

    def byte(self, tag: int) -> int | None:
        """Return the one-byte number in element `tag`. Raises FormatError if it is not one."""
        return self._read(tag, Reader.u8)

    def short(self, tag: int) -> int | None:
        """Return the two-byte number in element `tag`. Raises FormatError if it is not one."""
        return self._read(tag, Reader.u16)

    def text(self, tag: int) -> str | None:
        """Return the text in element `tag`, without the NUL it may end with. Raises FormatError."""
        return self._read(tag, _read_text)

    def certificate(self) -> NestedCertificate | None:
        """Return what element 4 holds. Raises FormatError if its inner length is wrong."""
        return self._read(Tag.CERTIFICATE, _read_certificate)

    def sha2_signature(self) -> Sha2Signature | None:
        """Return what element 20 holds. Raises FormatError if its inner length is wrong."""
        return self._read(Tag.SHA2_SIGNED_DATA, _read_sha2_signature)

    def sudi(self) -> Sudi | None:
        """Return what element 16 holds. Raises FormatError if a part is damaged or missing."""
        return self._read(Tag.SUDI_DATA, _read_sudi)

    def _read(self, tag: int, read: Callable[[Reader], _T]) -> _T | None:
        found = self.find(tag)
        if found is None:
            return None
        reader = found.reader()
        try:
            value = read(reader)
            reader.expect_end()
        except FormatError as error:
            raise FormatError(f"element {tag}: {error.message}", error.offset) from None
        return value


def message_size(data: bytes | bytearray) -> int | None:
    """Return the size of the message `data` begins with, None while too little is there to tell.

    Raises FormatError as soon as the first byte is not the protocol discriminator.
    """
    if data and data[0] != _DISCRIMINATOR:
        raise FormatError(f"protocol discriminator {data[0]:#04x}, expected 0x55", 0)
    if len(data) < HEADER_SIZE:
        return None
    return HEADER_SIZE + int.from_bytes(data[6:HEADER_SIZE])


def decode_message(data: bytes) -> Message:
    """Read one whole message; `data` must end where it ends. Raises FormatError."""
    reader = Reader(data)
    discriminator = reader.u8()
    if discriminator != _DISCRIMINATOR:
        raise FormatError(f"protocol discriminator {discriminator:#04x}, expected 0x55", 0)
    message_type, session_id, length = reader.u8(), reader.u32(), reader.u16()
    if length != reader.remaining:
        found = f"{reader.remaining} bytes of elements, the header says {length}"
        raise FormatError(found, HEADER_SIZE - 2)
    return Message(message_type, session_id, read_elements(reader))


def encode_message(message: Message) -> bytes:
    """Write `message`, its elements in the order given. Raises ValueError over 65535 bytes."""
    elements = encode_elements(message.elements)
    if len(elements) > 0xFFFF:  # noqa: PLR2004 - the length field has 16 bits
        raise ValueError(f"{len(elements)} bytes of elements do not fit a message (65535 at most)")
    head = bytes((_DISCRIMINATOR, message.message_type))
    return head + message.session_id.to_bytes(4) + len(elements).to_bytes(2) + elements


def message_type_name(number: int) -> str:
    """Return a message type as a person reads it: `auth request`, or `type 99`."""
    try:
        return MessageType(number).name.lower().replace("_", " ")
    except ValueError:
        return f"type {number}"


def byte_element(tag: int, number: int) -> Element:
    """Make an element with a one-byte number."""
    return Element(tag, bytes((number,)))


def short_element(tag: int, number: int) -> Element:
    """Make an element with a two-byte number."""
    return Element(tag, number.to_bytes(2))


def text_element(tag: int, text: str) -> Element:
    """Make an element with `text` and the NUL that ends it."""
    return Element(tag, text.encode() + b"\0")


def certificate_element(nested: NestedCertificate) -> Element:
    """Make element 4: `01`, length + 2 (2 bytes), `00`, certificate type, DER."""
    inner = bytes((0, nested.certificate_type)) + nested.certificate_der
    return Element(Tag.CERTIFICATE, encode_element(_CERTIFICATE, inner))


def sha2_signature_element(signed: Sha2Signature) -> Element:
    """Make element 20: digest number (1), length (2), signature."""
    return Element(Tag.SHA2_SIGNED_DATA, encode_element(signed.digest, signed.signature))


def sudi_element(sudi: Sudi) -> Element:
    """Make element 16: three parts, each id (1), length (2), bytes."""
    parts = (
        (_SudiPart.CERTIFICATE, sudi.certificate_der),
        (_SudiPart.SIGNATURE_SHA1, sudi.signature_sha1),
        (_SudiPart.SIGNATURE_SHA512, sudi.signature_sha512),
    )
    return Element(Tag.SUDI_DATA, b"".join(encode_element(part, value) for part, value in parts))


def device_proof_data(device_name: str, certificate_der: bytes) -> bytes:
    """Return what elements 6 and 20 sign: device name, NUL, the DER in element 4."""
    return device_name.encode() + b"\0" + certificate_der


def sudi_proof_data(session_id: int, certificate_der: bytes) -> bytes:
    """Return what the signatures in element 16 sign: session id (4, little-endian), the DER."""
    return session_id.to_bytes(4, "little") + certificate_der


def _read_text(reader: Reader) -> str:
    start = reader.offset
    body = reader.take(reader.remaining).removesuffix(b"\0")
    if b"\0" in body:
        raise FormatError("text goes on after its NUL", start + body.index(b"\0"))
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise FormatError("text is not UTF-8", start + error.start) from None


def _read_certificate(reader: Reader) -> NestedCertificate:
    """Read the nested element; its first and fourth byte are not looked at, as phones do not."""
    inner = read_element(reader).reader()
    inner.u8()
    return NestedCertificate(inner.u8(), inner.take(inner.remaining))


def _read_sha2_signature(reader: Reader) -> Sha2Signature:
    signed = read_element(reader)
    return Sha2Signature(signed.tag, signed.value)


def _read_sudi(reader: Reader) -> Sudi:
    start = reader.offset
    parts = {part.tag: part.value for part in read_elements(reader)}
    missing = [part.name.lower() for part in _SudiPart if part not in parts]
    if missing:
        raise FormatError(f"SUDI data without {', '.join(missing)}", start)
    return Sudi(*(parts[part] for part in _SudiPart))
