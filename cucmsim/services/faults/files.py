"""What faults make of a file, as bytes in and bytes out.

What is signed - a trust list, a `.sgn` or an `.enc.sgn` file - is signed again where the fault
leaves the signature right, with the node's own key; so a phone finds fault with nothing else.
Functions raise RefusedError, saying why, for a file that the fault cannot happen to.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cryptography import x509

from cucmsim.errors import FormatError, RefusedError
from cucmsim.formats.header import Header, SignerId, Tag, decode_header, signed_header, tagged
from cucmsim.formats.header import verify_file as is_signed_with
from cucmsim.formats.records import Record, RecordTag, certificate_record, encode_records
from cucmsim.formats.tlv import Element, read_elements
from cucmsim.formats.trustlist import decode_trust_list, is_signed_by
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer, sign

__all__ = [
    "cut",
    "header_of",
    "older",
    "oversized",
    "resigned",
    "true_signer",
    "turned",
    "with_expired_signer",
    "with_wrong_digest",
    "with_wrong_signature",
]

_FILLER = b"\n"
_LIST_SUFFIX = ".tlv"
_ENCRYPTED = (2, 0)
_OTHER_DIGESTS: Final = {Digest.SHA1: Digest.SHA512, Digest.SHA512: Digest.SHA1}
_OF_CERTIFICATE: Final = frozenset(
    {
        RecordTag.SUBJECT_NAME,
        RecordTag.ISSUER_NAME,
        RecordTag.SERIAL_NUMBER,
        RecordTag.PUBLIC_KEY,
        RecordTag.SIGNATURE,
        RecordTag.CERTIFICATE,
    }
)
_WRITTEN: Final = frozenset(
    {
        Tag.VERSION,
        Tag.HEADER_LENGTH,
        Tag.SIGNER_VERSION,
        Tag.SIGNER_ID,
        Tag.SIGNATURE_INFO,
        Tag.SIGNATURE,
        Tag.FILENAME,
        Tag.TIMESTAMP,
    }
)
"""What `signed_header` writes itself; other elements are handed on."""


def cut(data: bytes, keep: int) -> bytes:
    """Return the first bytes of a file."""
    return data[:keep]


def turned(data: bytes, offset: int) -> bytes:
    """Return `data` with one byte turned over; an offset beyond either end starts anew."""
    if not data:
        return data
    place = offset % len(data)
    return data[:place] + bytes((data[place] ^ 0xFF,)) + data[place + 1 :]


def header_of(data: bytes) -> Header:
    """Return the header of a signed file. Raises RefusedError for one that is not signed."""
    try:
        return decode_header(data)
    except FormatError as error:
        raise RefusedError("the file is not signed") from error


def true_signer(data: bytes, known: Iterable[Signer]) -> Signer:
    """Return who signed a file. Raises RefusedError when it is none of those known."""
    header = header_of(data)
    for signer in known:
        names_it = SignerId.of(signer.certificate) == header.signer
        if names_it and is_signed_with(data, signer.certificate):
            return signer
    raise RefusedError("the key that signed the file is not this node's")


def resigned(
    data: bytes,
    signer: Signer,
    *,
    filename: str | None = None,
    earlier: timedelta = timedelta(0),
    body: bytes | None = None,
) -> bytes:
    """Return a signed file signed anew: under another name, with an earlier time, or other bytes.

    Signed by who signed it and with nothing changed, it is the same byte for byte.
    """
    header = header_of(data)
    if header.modified is None:
        raise RefusedError("the file has no time")
    body = data[header.length :] if body is None else body
    try:
        return _body_signed(header, signer, filename or header.filename, earlier, body)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _body_signed(
    header: Header, signer: Signer, filename: str, earlier: timedelta, body: bytes
) -> bytes:
    """Return `body` behind a header like this one. Raises ValueError as signed_header."""
    assert header.modified is not None  # noqa: S101  whoever calls has looked
    extra = tuple(element for element in header.elements if element.tag not in _WRITTEN)
    start = signed_header(
        signer,
        version=header.version,
        filename=filename,
        timestamp=header.modified - earlier,
        digest=Digest(header.digest),
        body=body,
        signer_version=header.signer_version,
        extra=extra,
    )
    return start + body


def older(data: bytes, signer: Signer, seconds: int) -> bytes:
    """Return a file signed so many seconds earlier."""
    return resigned(data, signer, earlier=timedelta(seconds=seconds))


def with_wrong_signature(data: bytes, signer: Signer) -> bytes:
    """Return a file with the signature of another content, made with the right key."""
    header = header_of(data)
    return _with_signature(data, header, signer, b"another content")


def with_wrong_digest(data: bytes, signer: Signer) -> bytes:
    """Return a file whose header names another digest than its signature is made with."""
    header = header_of(data)
    info = read_elements(tagged(header.elements, Tag.SIGNATURE_INFO, 0).reader())
    place = tagged(info, Tag.DIGEST_ALGORITHM, 0, 1).offset + 3
    other = _OTHER_DIGESTS.get(Digest(header.digest), Digest.SHA1)
    return _with_signature(data[:place] + bytes((other,)) + data[place + 1 :], header, signer, b"")


def oversized(data: bytes, size: int, known: Iterable[Signer]) -> bytes:
    """Return a file of at least `size` bytes: a trust list with its last record repeated.

    Other files get empty lines at their end. What was signed is signed again.
    """
    missing = max(0, size - len(data))
    try:
        header = decode_header(data)
    except FormatError:
        return data + _FILLER * missing
    if header.version == _ENCRYPTED:
        raise RefusedError("an encrypted file is made larger with its key only")
    signer = true_signer(data, known)
    if not header.filename.endswith(_LIST_SUFFIX):
        return resigned(data, signer, body=data[header.length :] + _FILLER * missing)
    records = decode_trust_list(data).records
    count = -(-missing // len(encode_records(records[-1:])))
    return resigned(data, signer, body=encode_records((*records, *records[-1:] * count)))


def with_expired_signer(data: bytes, expired: Signer) -> bytes:
    """Return a file signed by `expired`; a trust list brings that certificate as its signer's."""
    header = header_of(data)
    if not header.filename.endswith(_LIST_SUFFIX):
        return resigned(data, expired)
    trust_list = decode_trust_list(data)
    records = tuple(
        _with_certificate(record, expired.certificate)
        if is_signed_by(trust_list, record)
        else record
        for record in trust_list.records
    )
    return resigned(data, expired, body=encode_records(records))


def _with_signature(data: bytes, header: Header, signer: Signer, besides: bytes) -> bytes:
    """Return a file with the signature over its bytes and something besides."""
    signature = tagged(header.elements, Tag.SIGNATURE, 0)
    signed = data[: signature.offset] + data[signature.end :] + besides
    made = sign(signer.private_key, Digest(header.digest), signed)
    return data[: signature.offset + 3] + made + data[signature.end :]


def _with_certificate(record: Record, certificate: x509.Certificate) -> Record:
    """Return a record of another certificate in the same role."""
    fresh = certificate_record(record.role, certificate)
    elements = [
        Element(one.tag, fresh.get(one.tag) or b"") if one.tag in _OF_CERTIFICATE else one
        for one in record.elements[1:]
    ]
    length = 5 + sum(3 + len(one.value) for one in elements)
    return Record((Element(RecordTag.RECORD_LENGTH, length.to_bytes(2)), *elements))
