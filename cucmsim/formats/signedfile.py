"""Signed files, `NAME.sgn`: a header of version 1.0 and the file itself, unchanged.

Header and payload are made apart, so that a large file need not be copied to be signed: what goes
out is `header_for(...)` followed by the payload. Source: formats.md section 5; vectors:
tests/vectors/sgn, made by certutils.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cucmsim.formats.header import Header, decode_header, signed_header
from cucmsim.pki.digests import Digest
from cucmsim.pki.signatures import Signer

__all__ = ["SignedFile", "decode_signed_file", "header_for", "sign_file"]

_VERSION = (1, 0)


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A signed file as read."""

    header: Header
    payload: bytes = field(repr=False)


def header_for(
    signer: Signer,
    *,
    filename: str,
    payload: bytes,
    timestamp: datetime,
    digest: Digest = Digest.SHA1,
) -> bytes:
    """Return the header that makes `payload` the signed file `filename`.

    `filename` is the name with `.sgn`, its folder included (`New_Zealand/g3-tones.xml.sgn`).
    Raises ValueError as signed_header.
    """
    return signed_header(
        signer,
        version=_VERSION,
        filename=filename,
        timestamp=timestamp,
        digest=digest,
        body=payload,
    )


def sign_file(
    signer: Signer,
    *,
    filename: str,
    payload: bytes,
    timestamp: datetime,
    digest: Digest = Digest.SHA1,
) -> bytes:
    """Return the whole signed file; arguments and errors as header_for."""
    header = header_for(
        signer, filename=filename, payload=payload, timestamp=timestamp, digest=digest
    )
    return header + payload


def decode_signed_file(data: bytes) -> SignedFile:
    """Read a signed file. Raises FormatError when its header is damaged."""
    header = decode_header(data)
    return SignedFile(header, data[header.length :])
