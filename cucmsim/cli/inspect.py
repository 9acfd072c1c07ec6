"""`cucmsim inspect`: shows a trust list, a signed or an encrypted file, and checks its signature.

Trust lists are laid out as `show itl` and `show ctl` do. Exit status: 0, 1 when the signature is
wrong, 2 when the file cannot be read or is damaged.
"""

import hashlib
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from cryptography import x509

from cucmsim.errors import CommandError, FormatError
from cucmsim.formats.encryptedfile import decode_encrypted_file
from cucmsim.formats.header import Header, SignerId, decode_header, verify_file
from cucmsim.formats.listing import (
    digest_name,
    format_header,
    format_trust_list,
    kind_of,
    record_tag_name,
)
from cucmsim.formats.names import decode_text, display_serial, escape_controls
from cucmsim.formats.roles import role_name
from cucmsim.formats.trustlist import (
    PHONE_SIZE_LIMIT,
    Record,
    TrustList,
    decode_trust_list,
    loads_on_phones,
    verify_trust_list,
)
from cucmsim.pki.certificates import load_certificate

__all__ = ["register"]

_ENCRYPTED, _TRUST_LIST = (2, 0), (1, 2)
_VALID, _INVALID, _UNKNOWN_SIGNER = "valid", "invalid", "unknown signer"

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"


@dataclass(frozen=True, slots=True)
class _Inspected:
    """A file of any kind, read and checked; `trust_list` is None for the other kinds."""

    data: bytes = field(repr=False)
    header: Header
    kind: str
    trust_list: TrustList | None
    signature: str


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""

    @app.command("inspect")
    def _inspect(
        file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - reads stdin.")],
        *,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
        certificate: Annotated[
            list[Path] | None,
            typer.Option(metavar="PEM", help="A signer's certificate, PEM or DER; repeatable."),
        ] = None,
    ) -> None:
        """Show a trust list (ITL, CTL), a .sgn or an .enc.sgn file and check its signature."""
        certificates = [_load_certificate(path) for path in certificate or []]
        inspected = _inspect_data(_read(file), file, certificates)
        _warn(inspected)
        shown = json.dumps(_as_json(inspected), indent=2) if as_json else _as_listing(inspected)
        typer.echo(shown.rstrip("\n"))
        if inspected.signature == _INVALID:
            raise typer.Exit(1)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", 2) from error


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return load_certificate(_read(str(path)))
    except FormatError as error:
        raise CommandError(f"{path}: {error}", 2) from error


def _inspect_data(data: bytes, file: str, certificates: list[x509.Certificate]) -> _Inspected:
    try:
        header = decode_header(data)
        trust_list = None
        if header.version == _TRUST_LIST or header.filename.endswith(".tlv"):
            trust_list = decode_trust_list(data)
            kind = str(kind_of(trust_list))
        elif header.version == _ENCRYPTED:
            decode_encrypted_file(data)
            kind = "encrypted file"
        else:
            kind = "signed file"
        signature = _check_signature(data, header, trust_list, certificates)
    except FormatError as error:
        raise CommandError(f"{file}: {error}", 2) from error
    return _Inspected(data, header, kind, trust_list, signature)


def _check_signature(
    data: bytes,
    header: Header,
    trust_list: TrustList | None,
    certificates: list[x509.Certificate],
) -> str:
    """Check with the certificates given; without any, with the trust list's own record."""
    verified: bool | None = None
    if certificates or trust_list is None:
        named = [one for one in certificates if _is_named(header.signer, one)]
        verified = any(verify_file(data, one) for one in named) if named else None
    else:
        verified = verify_trust_list(trust_list)
    return {True: _VALID, False: _INVALID, None: _UNKNOWN_SIGNER}[verified]


def _is_named(signer: SignerId, certificate: x509.Certificate) -> bool:
    """Compare names as CUCM joins them (`;`) and as certutils does (`,`)."""
    return _joined_alike(signer) == _joined_alike(SignerId.of(certificate))


def _joined_alike(signer: SignerId) -> tuple[bytes, bytes, bytes]:
    return signer.name.replace(b",", b";"), signer.serial, signer.ca_name.replace(b",", b";")


def _warn(inspected: _Inspected) -> None:
    if inspected.trust_list is not None and not loads_on_phones(inspected.data):
        size = len(inspected.data)
        text = f"warning: {size} bytes; phones load no trust list over {PHONE_SIZE_LIMIT}"
        typer.echo(text, err=True)


def _as_listing(inspected: _Inspected) -> str:
    header = inspected.header
    if inspected.trust_list is not None:
        modified = header.modified or datetime.fromtimestamp(0, UTC)
        return format_trust_list(
            kind_of(inspected.trust_list),
            inspected.data,
            modified=modified.astimezone(),
            verified=inspected.signature == _VALID,
        )
    return (
        f"{inspected.kind}: {escape_controls(header.filename)}\n"
        f"Length of file: {len(inspected.data)}\n\n"
        f"{format_header(header)}\n"
        f"Length of payload: {len(inspected.data) - header.length}\n"
        f"Signature: {inspected.signature}\n"
    )


def _as_json(inspected: _Inspected) -> dict[str, Json]:
    header, data = inspected.header, inspected.data
    shown: dict[str, Json] = {
        "type": inspected.kind,
        "version": _dotted(header.version),
        "filename": header.filename,
        "timestamp": header.modified.isoformat() if header.modified else None,
        "length": len(data),
        "header_length": header.length,
        "signer_version": _dotted(header.signer_version) if header.signer_version else None,
        "signer": {
            "subject": decode_text(header.signer.name),
            "issuer": decode_text(header.signer.ca_name),
            "serial": display_serial(header.signer.serial),
        },
        "digest": digest_name(header.digest),
        "signature": inspected.signature,
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    }
    if inspected.trust_list is None:
        return shown | {"payload_length": len(data) - header.length}
    return shown | {"records": [_record_json(record) for record in inspected.trust_list.records]}


def _record_json(record: Record) -> dict[str, Json]:
    certificate, serial = record.certificate_der, record.serial
    digest = record.certificate_hash
    if certificate is not None:
        digest = hashlib.sha1(certificate, usedforsecurity=False).digest()
    lengths: dict[str, Json] = {
        record_tag_name(element.tag): len(element.value) for element in record.elements
    }
    return {
        "role": role_name(record.role),
        "function": record.role,
        "dns_name": record.dns_name,
        "subject": record.subject,
        "issuer": record.issuer,
        "serial": None if serial is None else display_serial(serial),
        "certificate_hash": None if digest is None else digest.hex(),
        "length": record.length,
        "lengths": lengths,
    }


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
