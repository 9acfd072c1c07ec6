"""The records of a trust list: a certificate and what it is good for, one record each.

A record holds the certificate, or its hash (TVS and CAPF in an ITL). It is kept as the elements it
is made of, so that unknown tags and certutils' order survive; the properties find what matters.
Source: formats.md section 3; vectors: tests/vectors/itl, ctl, and the record lengths of the seeds
in the tests.
"""

import ipaddress
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography import x509

from cucmsim.errors import FormatError
from cucmsim.formats.header import tagged
from cucmsim.formats.names import (
    decode_text,
    encode_text,
    issuer_text,
    serial_bytes,
    subject_text,
)
from cucmsim.formats.reader import Reader
from cucmsim.formats.roles import Role
from cucmsim.formats.tlv import Element, encode_elements, read_element, read_elements
from cucmsim.pki.certificates import certificate_der, certificate_public_key
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import public_key_bytes

__all__ = [
    "Record",
    "RecordTag",
    "certificate_record",
    "encode_records",
    "etoken_record",
    "four_field_record",
    "hash_record",
    "read_records",
]

_RECORD_LIMIT = 0xFFFF
_BLANK_DNS_NAME = " "
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - what an eToken's record holds, nothing is bound to it


class RecordTag(IntEnum):
    """The elements of a record."""

    RECORD_LENGTH = 1
    DNS_NAME = 2
    SUBJECT_NAME = 3
    FUNCTION = 4
    ISSUER_NAME = 5
    SERIAL_NUMBER = 6
    PUBLIC_KEY = 7
    SIGNATURE = 8
    CERTIFICATE = 9
    IP_ADDRESS = 10
    CERT_HASH = 11
    HASH_ALGORITHM = 12


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `offset` is where it stood in the file it was read from."""

    elements: tuple[Element, ...]
    offset: int = field(default=0, compare=False)

    def get(self, tag: int) -> bytes | None:
        """Return the value of the element with `tag`, None when it is not there."""
        return next((element.value for element in self.elements if element.tag == tag), None)

    @property
    def length(self) -> int:
        """RECORDLENGTH: the bytes of the whole record."""
        return sum(3 + len(element.value) for element in self.elements)

    @property
    def role(self) -> int:
        """FUNCTION, a number of `Role` or an unknown one."""
        return int.from_bytes(self.get(RecordTag.FUNCTION) or b"")

    @property
    def dns_name(self) -> str | None:
        """DNSNAME; blank in an ITL, empty for an eToken, None in what certutils made."""
        return self._text(RecordTag.DNS_NAME)

    @property
    def subject(self) -> str | None:
        """SUBJECTNAME, None in a record of four fields."""
        return self._text(RecordTag.SUBJECT_NAME)

    @property
    def issuer(self) -> str | None:
        """ISSUERNAME, None in a record of four fields."""
        return self._text(RecordTag.ISSUER_NAME)

    @property
    def serial(self) -> bytes | None:
        """SERIALNUMBER, None in a record of four fields."""
        return self.get(RecordTag.SERIAL_NUMBER)

    @property
    def certificate_der(self) -> bytes | None:
        """CERTIFICATE, None in a record that holds a hash."""
        return self.get(RecordTag.CERTIFICATE)

    @property
    def certificate_hash(self) -> bytes | None:
        """CERTHASH, None in a record that holds the certificate."""
        return self.get(RecordTag.CERT_HASH)

    @property
    def hash_algorithm(self) -> int | None:
        """HASH ALGORITHM, a number of `Digest` or an unknown one."""
        value = self.get(RecordTag.HASH_ALGORITHM)
        return None if value is None else int.from_bytes(value)

    def _text(self, tag: int) -> str | None:
        value = self.get(tag)
        return None if value is None else decode_text(value)


def read_records(data: bytes, start: int) -> tuple[Record, ...]:
    """Read records from `start` to the end of `data`. Raises FormatError when one is damaged."""
    reader = Reader(data, start)
    records = []
    while reader.remaining:
        records.append(_read_record(data, reader))
    return tuple(records)


def encode_records(records: tuple[Record, ...]) -> bytes:
    """Return the bytes of `records`, one after another."""
    return b"".join(encode_elements(record.elements) for record in records)


def certificate_record(
    role: int,
    certificate: x509.Certificate,
    *,
    dns_name: str | None = None,
    ip_address: str | None = None,
    with_signature: bool = True,
) -> Record:
    """Return a record that holds `certificate`.

    An ITL gives no `dns_name` and no `ip_address`; lists made by the CTL client have no SIGNATURE
    in any record (formats.md section 3). Raises ValueError when the record is over 65535 bytes,
    FormatError when the certificate's key is neither RSA nor EC.
    """
    elements = _naming_elements(role, certificate, dns_name)
    if with_signature:
        elements.append(Element(RecordTag.SIGNATURE, certificate.signature))
    elements.append(_certificate_element(certificate))
    if ip_address is not None:
        elements.append(_address_element(ip_address))
    return _record(elements)


def hash_record(role: int, certificate: x509.Certificate) -> Record:
    """Return a record that holds the SHA-1 of `certificate`: TVS and CAPF in an ITL.

    Raises as certificate_record.
    """
    elements = _naming_elements(role, certificate, None)
    certificate_hash = Digest.SHA1.hash(certificate_der(certificate))
    elements += [
        Element(RecordTag.SIGNATURE, certificate.signature),
        Element(RecordTag.CERT_HASH, certificate_hash),
        Element(RecordTag.HASH_ALGORITHM, bytes((Digest.SHA1,))),
    ]
    return _record(elements)


def etoken_record(certificate: x509.Certificate) -> Record:
    """Return the SAST record of an eToken: a bare NUL as DNSNAME, no SIGNATURE.

    Its IPADDRESS is not known; it is written as zeros. Raises as certificate_record.
    """
    return certificate_record(
        Role.SAST, certificate, dns_name="", ip_address=_NO_ADDRESS, with_signature=False
    )


def four_field_record(role: int, ip_address: str) -> Record:
    """Return what a node's record in the CTL becomes in non-secure mode (formats.md section 4)."""
    return _record(
        [
            Element(RecordTag.DNS_NAME, encode_text(ip_address)),
            _function_element(role),
            _address_element(ip_address),
        ]
    )


def _read_record(data: bytes, reader: Reader) -> Record:
    start = reader.offset
    first = read_element(Reader(data, start))
    length = int.from_bytes(tagged((first,), RecordTag.RECORD_LENGTH, start, 2).value)
    elements = read_elements(reader.nested(length))
    if len(elements) == 0:
        raise FormatError("a record of 0 bytes", start)
    tagged(elements, RecordTag.FUNCTION, start, 2)
    for tag in {element.tag for element in elements} & set(RecordTag):
        tagged(elements, tag, start)
    return Record(elements, start)


def _record(elements: list[Element]) -> Record:
    length = 5 + sum(3 + len(element.value) for element in elements)
    if length > _RECORD_LIMIT:
        raise ValueError(f"a record of {length} bytes, at most {_RECORD_LIMIT}")
    return Record((Element(RecordTag.RECORD_LENGTH, length.to_bytes(2)), *elements))


def _naming_elements(
    role: int, certificate: x509.Certificate, dns_name: str | None
) -> list[Element]:
    name = _BLANK_DNS_NAME if dns_name is None else dns_name
    return [
        Element(RecordTag.DNS_NAME, encode_text(name)),
        Element(RecordTag.SUBJECT_NAME, encode_text(subject_text(certificate))),
        _function_element(role),
        Element(RecordTag.ISSUER_NAME, encode_text(issuer_text(certificate))),
        Element(RecordTag.SERIAL_NUMBER, serial_bytes(certificate)),
        _key_element(certificate),
    ]


def _function_element(role: int) -> Element:
    return Element(RecordTag.FUNCTION, role.to_bytes(2))


def _key_element(certificate: x509.Certificate) -> Element:
    return Element(RecordTag.PUBLIC_KEY, public_key_bytes(certificate_public_key(certificate)))


def _certificate_element(certificate: x509.Certificate) -> Element:
    return Element(RecordTag.CERTIFICATE, certificate_der(certificate))


def _address_element(ip_address: str) -> Element:
    return Element(RecordTag.IP_ADDRESS, ipaddress.ip_address(ip_address).packed)
