"""Trust lists: `ITLFile.tlv` and `CTLFile.tlv`, a signed header and records up to the end.

Source: formats.md sections 2 and 3; vectors: tests/vectors/itl, ctl, made by certutils, and the
file lengths of the seeds in the tests. Which records a file holds is the matter of contents.py.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cucmsim.errors import FormatError
from cucmsim.formats.header import (
    Header,
    SignerId,
    decode_header,
    encode_header,
    signed_header,
    verify_file,
)
from cucmsim.formats.records import (
    Record,
    RecordTag,
    certificate_record,
    encode_records,
    etoken_record,
    four_field_record,
    hash_record,
    read_records,
)
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer

__all__ = [
    "CTL_FILENAME",
    "ITL_FILENAME",
    "PHONE_SIZE_LIMIT",
    "Record",
    "RecordTag",
    "TrustList",
    "certificate_record",
    "decode_trust_list",
    "encode_trust_list",
    "etoken_record",
    "four_field_record",
    "hash_record",
    "is_signed_by",
    "loads_on_phones",
    "sign_trust_list",
    "verify_file",
    "verify_trust_list",
]

ITL_FILENAME = "ITLFile.tlv"
CTL_FILENAME = "CTLFile.tlv"
PHONE_SIZE_LIMIT = 64 * 1024
"""A trust list longer than this, some 39 certificates, does not load on phones (cucm.md 3.4)."""

_VERSION = (1, 2)


@dataclass(frozen=True, slots=True)
class TrustList:
    """A trust list as read; `data` is the whole file."""

    header: Header
    records: tuple[Record, ...]
    data: bytes = field(repr=False)


def decode_trust_list(data: bytes) -> TrustList:
    """Read a trust list. Raises FormatError when `data` is none, or damaged."""
    header = decode_header(data)
    return TrustList(header, read_records(data, header.length), data)


def encode_trust_list(trust_list: TrustList) -> bytes:
    """Return the file, put together again from header and records."""
    return encode_header(trust_list.header) + encode_records(trust_list.records)


def sign_trust_list(
    signer: Signer,
    *,
    filename: str,
    records: tuple[Record, ...],
    timestamp: datetime,
    digest: Digest = Digest.SHA1,
    signer_version: tuple[int, int] | None = None,
) -> bytes:
    """Return a whole trust list. Raises ValueError as signed_header."""
    body = encode_records(records)
    header = signed_header(
        signer,
        version=_VERSION,
        filename=filename,
        timestamp=timestamp,
        digest=digest,
        body=body,
        signer_version=signer_version,
    )
    return header + body


def is_signed_by(trust_list: TrustList, record: Record) -> bool:
    """Tell whether `record` names the signer: same names, same serial number, byte for byte."""
    return trust_list.header.signer == SignerId(
        record.get(RecordTag.SUBJECT_NAME) or b"",
        record.get(RecordTag.SERIAL_NUMBER) or b"",
        record.get(RecordTag.ISSUER_NAME) or b"",
    )


def verify_trust_list(trust_list: TrustList) -> bool | None:
    """Tell whether a trust list is signed with the key of the record that names the signer.

    None when no record with a readable certificate names it.
    """
    for record in trust_list.records:
        if record.certificate_der is None or not is_signed_by(trust_list, record):
            continue
        try:
            certificate = load_certificate(record.certificate_der)
        except FormatError:
            continue
        return verify_file(trust_list.data, certificate)
    return None


def loads_on_phones(data: bytes) -> bool:
    """Tell whether a trust list is short enough for phones to load it; warn when it is not."""
    return len(data) <= PHONE_SIZE_LIMIT
