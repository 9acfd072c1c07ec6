"""What `show itl` and `show ctl` print.

Fields stand at the stops of TABs: BYTEPOS at column 0, TAG at 8, LENGTH at 24 (32 after a long
tag), VALUE at the next stop. The spellings DIGESTALGORTITHM and SIGNATUREALGORTITHM are CUCM's.
Source: cucm.md 1.2, from listings of seeds 000, 001 and 003; vectors: tests/formats/test_listing.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

from cucmsim.formats.header import Header, Tag
from cucmsim.formats.names import decode_text, display_serial, escape_controls
from cucmsim.formats.records import RecordTag
from cucmsim.formats.roles import Role, role_name
from cucmsim.formats.tlv import Element, read_elements
from cucmsim.formats.trustlist import (
    TrustList,
    decode_trust_list,
    is_signed_by,
    verify_trust_list,
)
from cucmsim.pki.digests import Digest

__all__ = [
    "Kind",
    "digest_name",
    "format_header",
    "format_missing",
    "format_trust_list",
    "kind_of",
    "record_tag_name",
]

_COLUMN_TITLES = ("BYTEPOS\tTAG\t\tLENGTH\tVALUE", "-------\t---\t\t------\t-----")
_LONG_NAME = 8  # a name as long as this reaches the next stop by itself
_UNKNOWN = "UNKNOWN"
_DEPTH = 2  # how deep containers stand in each other; a damaged file has more
_BYTES_A_LINE = 8

_HEADER_NAMES: dict[int, str] = {
    Tag.SIGNER_ID: "SIGNERID",
    Tag.SIGNER_NAME: "SIGNERNAME",
    Tag.SERIAL_NUMBER: "SERIALNUMBER",
    Tag.CA_NAME: "CANAME",
    Tag.SIGNATURE_INFO: "SIGNATUREINFO",
    Tag.DIGEST_ALGORITHM: "DIGESTALGORTITHM",
    Tag.SIGNATURE_ALGORITHM_INFO: "SIGNATUREALGOINFO",
    Tag.SIGNATURE_ALGORITHM: "SIGNATUREALGORTITHM",
    Tag.SIGNATURE_MODULUS: "SIGNATUREMODULUS",
    Tag.SIGNATURE: "SIGNATURE",
    Tag.FILENAME: "FILENAME",
    Tag.TIMESTAMP: "TIMESTAMP",
    Tag.SIGNER_VERSION: "SIGNERVERSION",
    Tag.ENCRYPTION_INFO: "ENCRYPTIONINFO",
    Tag.CIPHER_INFO: "CIPHERINFO",
    Tag.CIPHER_MODE: "CIPHERMODE",
    Tag.INITIALISATION_VECTOR: "IV",
    Tag.PADDING_SIZE: "PADDINGSIZE",
    Tag.KEY_INFO: "KEYINFO",
    Tag.KEY_ALGORITHM: "KEYALGORITHM",
    Tag.KEY_SIZE_BITS: "KEYBITS",
    Tag.KEY_CIPHER: "KEYCIPHER",
    Tag.ENCRYPTED_KEY: "ENCRYPTEDKEY",
    Tag.PLAIN_DIGEST_ALGORITHM: "PLAINDIGESTALGO",
    Tag.PLAIN_DIGEST: "PLAINDIGEST",
}
_CONTAINERS = (
    Tag.SIGNER_ID,
    Tag.SIGNATURE_INFO,
    Tag.SIGNATURE_ALGORITHM_INFO,
    Tag.ENCRYPTION_INFO,
    Tag.CIPHER_INFO,
    Tag.KEY_INFO,
)
_RECORD_NAMES: dict[int, str] = {
    RecordTag.RECORD_LENGTH: "RECORDLENGTH",
    RecordTag.DNS_NAME: "DNSNAME",
    RecordTag.SUBJECT_NAME: "SUBJECTNAME",
    RecordTag.FUNCTION: "FUNCTION",
    RecordTag.ISSUER_NAME: "ISSUERNAME",
    RecordTag.SERIAL_NUMBER: "SERIALNUMBER",
    RecordTag.PUBLIC_KEY: "PUBLICKEY",
    RecordTag.SIGNATURE: "SIGNATURE",
    RecordTag.CERTIFICATE: "CERTIFICATE",
    RecordTag.IP_ADDRESS: "IPADDRESS",
    RecordTag.CERT_HASH: "CERTHASH",
    RecordTag.HASH_ALGORITHM: "HASH ALGORITHM",
}
_DIGEST_NAMES = {1: "SHA-1", 2: "SHA-256", 3: "SHA-512"}


class Kind(StrEnum):
    """The two kinds of trust lists, as the texts name them."""

    ITL = "ITL"
    CTL = "CTL"


def kind_of(trust_list: TrustList) -> Kind:
    """Return what a list is by its FILENAME; failing that, a CTL's records have addresses."""
    name = trust_list.header.filename.upper()
    for kind in Kind:
        if name.startswith(kind):
            return kind
    has_address = any(record.get(RecordTag.IP_ADDRESS) for record in trust_list.records)
    return Kind.CTL if has_address else Kind.ITL


def format_trust_list(
    kind: Kind,
    data: bytes,
    *,
    modified: datetime,
    verified: bool | None = None,
    checksums: bool = True,
) -> str:
    """Return the whole listing of the file `data`.

    `modified` is an aware time in the zone to be printed; releases 8.x print no `checksums`.
    `verified` overrides what the signature, checked with the list's own record, says; a list
    whose signer has no record is not verified. Raises FormatError when the file is damaged.
    """
    trust_list = decode_trust_list(data)
    if verified is None:
        verified = verify_trust_list(trust_list) is True
    lines = [
        *(_checksum_lines(kind, data) if checksums else ()),
        f"Length of {kind} file: {len(data)}",
        f"The {kind} File was last modified on {modified:%a %b %d %H:%M:%S %Z %Y}",
        "",
        f"\tParse {kind} File",
        "\t----------------",
        "",
        *_header_lines(trust_list.header),
        "",
        *_record_lines(kind, trust_list),
        *_closing_lines(kind, verified=verified),
    ]
    return "".join(line + "\n" for line in lines)


def format_header(header: Header) -> str:
    """Return the part of a listing that shows the header, for files that are no trust list."""
    return "".join(line + "\n" for line in _header_lines(header))


def format_missing(kind: Kind) -> str:
    """Return what is printed when a node has no such file (cucm.md 1.2; the ITL's by analogy)."""
    advice = (
        " Please run CTLClient plugin or run the CLI - utils ctl.. to generate the CTL file."
        if kind is Kind.CTL
        else ""
    )
    return (
        f"Length of {kind} file: 0\n"
        f"{kind} File not found.{advice}\n"
        f"Error parsing the {kind} File.\n"
    )


def record_tag_name(tag: int) -> str:
    """Return how a listing names an element of a record."""
    return _RECORD_NAMES.get(tag, _UNKNOWN)


def digest_name(number: int) -> str:
    """Return how a listing names digest `number`; an unknown number stands for itself."""
    return _DIGEST_NAMES.get(number, str(number))


def _checksum_lines(kind: Kind, data: bytes) -> tuple[str, ...]:
    return (
        f"The checksum value of the {kind} file:",
        f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}(MD5)",
        f"{hashlib.sha1(data, usedforsecurity=False).hexdigest()}(SHA1)",
        "",
    )


def _closing_lines(kind: Kind, *, verified: bool) -> tuple[str, ...]:
    if verified:
        return (f"The {kind} file was verified successfully.",)
    return (f"Verification of the {kind} file failed.", f"Error parsing the {kind} file!!")


def _header_lines(header: Header) -> Iterator[str]:
    yield "Version:\t{}.{}".format(*header.version)
    yield f"HeaderLength:\t{header.length} (BYTES)"
    yield ""
    yield from _COLUMN_TITLES
    for element in _flattened(header.elements[2:]):
        length, value = _header_value(element)
        yield _row(element.tag, _HEADER_NAMES.get(element.tag, _UNKNOWN), length, value)
        if element.tag == Tag.SIGNATURE:
            yield from _dump_lines(element.value)


def _flattened(elements: tuple[Element, ...], depth: int = _DEPTH) -> Iterator[Element]:
    for element in elements:
        yield element
        if element.tag in _CONTAINERS and depth:
            yield from _flattened(read_elements(element.reader()), depth - 1)


def _header_value(element: Element) -> tuple[int, str]:
    """Return the length and the value shown; a container shows 2 and what it contains."""
    match element.tag:
        case tag if tag in _CONTAINERS:
            return 2, str(len(element.value))
        case Tag.SIGNER_NAME | Tag.CA_NAME:
            return len(element.value), decode_text(element.value)
        case Tag.SERIAL_NUMBER:
            return len(element.value), display_serial(element.value)
        case Tag.SIGNER_VERSION:
            return len(element.value), ".".join(str(number) for number in element.value)
        case _:
            return len(element.value), ""


def _dump_lines(value: bytes) -> Iterator[str]:
    for start in range(0, len(value), _BYTES_A_LINE):
        line = value[start : start + _BYTES_A_LINE]
        yield "\t\t" + "".join(f"{byte:<4x}" for byte in line)


def _record_lines(kind: Kind, trust_list: TrustList) -> Iterator[str]:
    for number, record in enumerate(trust_list.records, 1):
        yield f"\t{kind} Record #:{number}"
        yield "\t\t      ----"
        yield from _COLUMN_TITLES
        for element in record.elements:
            value = _RECORD_VALUES.get(element.tag, _nothing)(element.value)
            yield _row(element.tag, record_tag_name(element.tag), len(element.value), value)
        if record.role == Role.SAST:
            verdict = "was" if is_signed_by(trust_list, record) else "was not"
            yield f"This etoken {verdict} used to sign the {kind} file."
        yield ""


def _number(value: bytes) -> str:
    return str(int.from_bytes(value))


def _function(value: bytes) -> str:
    return role_name(int.from_bytes(value))


def _certificate(value: bytes) -> str:
    return f"{_hex_pairs(Digest.SHA1.hash(value))} (SHA1 Hash HEX)"


def _digest(value: bytes) -> str:
    return digest_name(int.from_bytes(value))


def _nothing(_: bytes) -> str:
    return ""


def _hex_pairs(value: bytes) -> str:
    return value.hex(" ").upper()


def _row(tag: int, name: str, length: int, value: str) -> str:
    stop = "\t" if len(name) >= _LONG_NAME else "\t\t"
    shown = f"\t{escape_controls(value)}" if value.strip() else ""
    return f"{tag}\t{name}{stop}{length}{shown}"


_RECORD_VALUES: dict[int, Callable[[bytes], str]] = {
    RecordTag.RECORD_LENGTH: _number,
    RecordTag.DNS_NAME: decode_text,
    RecordTag.SUBJECT_NAME: decode_text,
    RecordTag.FUNCTION: _function,
    RecordTag.ISSUER_NAME: decode_text,
    RecordTag.SERIAL_NUMBER: display_serial,
    RecordTag.CERTIFICATE: _certificate,
    RecordTag.CERT_HASH: _hex_pairs,
    RecordTag.HASH_ALGORITHM: _digest,
}
