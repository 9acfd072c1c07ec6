"""`cucmsim capf enrol|fetch|delete`: visit a CAPF server as a phone does.

The server decides what is done: the command answers whatever it has pending, and ends with exit
status 1 when that was not what the command is for.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.certificatefile import parse_endpoint, read_certificate, read_identity
from cucmsim.cli.linkoptions import CiphersOption, TimeoutOption, TlsOption, link_options
from cucmsim.errors import CommandError, RemoteProtocolError, UnreachableError
from cucmsim.formats.capf import CertificateType, NestedCertificate, Reason
from cucmsim.phone.capfclient import CapfOperation, CapfOutcome, CapfPhone, visit_capf
from cucmsim.phone.link import LinkError, LinkOptions, UnusableOptionsError
from cucmsim.pki.certificates import certificate_der, certificate_pem
from cucmsim.pki.keys import dump_private_key_pem
from cucmsim.pki.signatures import Signer
from cucmsim.protocols.capf_client import Credentials

__all__ = ["register"]

_PORT = 3804
_USAGE = 2

_SAYS: dict[int, str] = {
    Reason.NO_ACTION: "nothing is pending for it",
    Reason.CERTIFICATE_UPDATED: "certificate updated",
    Reason.INVALID_ELEMENT: "refused: wrong proof, or an invalid element",
    Reason.UNKNOWN_DEVICE: "unknown device",
}
_DONE = {
    CapfOperation.INSTALL: "LSC installed",
    CapfOperation.FETCH: "certificate sent",
    CapfOperation.DELETE: "LSC deleted",
}

_Host = Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The CAPF server.")]
_Device = Annotated[str, typer.Option("--device", help="The device name, SEP and 12 hex digits.")]
_AuthString = Annotated[
    str, typer.Option("--auth-string", help="The authentication string; left out: null string.")
]
_Certificate = Annotated[
    Path | None, typer.Option("--certificate", help="The LSC or MIC the phone holds (PEM or DER).")
]
_Key = Annotated[
    Path | None, typer.Option("--key", help="Its private key: authenticates with the certificate.")
]
_IsMic = Annotated[bool, typer.Option("--mic", help="The certificate is a MIC, not an LSC.")]
_Sudi = Annotated[Path | None, typer.Option("--sudi", help="A SUDI certificate sent besides.")]
_SudiKey = Annotated[Path | None, typer.Option("--sudi-key", help="The SUDI's private key.")]
_KeyOut = Annotated[
    Path | None, typer.Option("--key-out", help="Where the new private key goes (mode 0600).")
]
_Out = Annotated[
    Path | None, typer.Option("--out", help="Where the new LSC goes; left out: standard output.")
]


@dataclass(frozen=True, slots=True)
class _Files:
    """What was named on the command line to prove who we are."""

    certificate: Path | None
    key: Path | None
    is_mic: bool
    sudi: Path | None
    sudi_key: Path | None


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    capf = typer.Typer(name="capf", help="Visit a CAPF server as a phone.", no_args_is_help=True)
    capf.command("enrol")(_command(CapfOperation.INSTALL, "Get an LSC (install or upgrade)."))
    capf.command("fetch")(_command(CapfOperation.FETCH, "Send the certificate (troubleshoot)."))
    capf.command("delete")(_command(CapfOperation.DELETE, "Delete the LSC."))
    app.add_typer(capf)


def _command(expected: CapfOperation, summary: str) -> Callable[..., None]:
    """Return the command for an operation; all three take the same options."""

    def visit(  # noqa: PLR0913 - each parameter is an option
        host: _Host,
        *,
        device: _Device,
        auth_string: _AuthString = "",
        certificate: _Certificate = None,
        key: _Key = None,
        mic: _IsMic = False,
        sudi: _Sudi = None,
        sudi_key: _SudiKey = None,
        key_out: _KeyOut = None,
        out: _Out = None,
        tls: TlsOption = None,
        ciphers: CiphersOption = None,
        timeout: TimeoutOption = 10.0,
    ) -> None:
        phone = _phone(device, auth_string, _Files(certificate, key, mic, sudi, sudi_key))
        _require_places(key_out, out)
        outcome = _visit(host, phone, link_options(tls, ciphers, timeout))
        _write(outcome, key_out, out)
        _conclude(expected, outcome, device)

    visit.__doc__ = summary
    return visit


def _phone(device: str, auth_string: str, files: _Files) -> CapfPhone:
    """Put together what the phone is and has. Raises CommandError (2)."""
    if files.key is not None and files.certificate is None:
        raise CommandError("--key needs --certificate", _USAGE)
    if (files.sudi is None) != (files.sudi_key is None):
        raise CommandError("--sudi and --sudi-key need each other", _USAGE)
    kind = CertificateType.MIC if files.is_mic else CertificateType.LSC
    held = None
    if files.certificate is not None:
        held = NestedCertificate(kind, certificate_der(read_certificate(files.certificate)))
    credentials = Credentials(
        password=auth_string,
        certificate=_signer(files.certificate, files.key),
        certificate_type=kind,
        sudi=_signer(files.sudi, files.sudi_key),
    )
    return CapfPhone(device, credentials, held)


def _signer(certificate: Path | None, key: Path | None) -> Signer | None:
    """Read a certificate and its key, None where one is not given. Raises CommandError (2)."""
    if certificate is None or key is None:
        return None
    return Signer(*read_identity(certificate, key))


def _visit(where: str, phone: CapfPhone, options: LinkOptions) -> CapfOutcome:
    """Visit the server. Raises CommandError (1, 2) and UnreachableError (69)."""
    host, port = parse_endpoint(where, _PORT)
    try:
        return asyncio.run(visit_capf(host, port, phone, options))
    except (UnusableOptionsError, ValueError) as error:
        raise CommandError(str(error), _USAGE) from None
    except LinkError as error:
        raise UnreachableError(str(error)) from None
    except RemoteProtocolError as error:
        raise CommandError(f"{where}: the server broke the rules: {error}") from None


def _require_places(*files: Path | None) -> None:
    """Refuse files that could not be written after the visit: the key would be lost (2)."""
    for file in files:
        if file is not None and (file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK)):
            raise CommandError(f"{file}: cannot be written; expected a file in a directory", _USAGE)


def _write(outcome: CapfOutcome, key_out: Path | None, out: Path | None) -> None:
    """Write the new key and certificate, if there are any. Raises CommandError (1)."""
    if outcome.certificate is None or outcome.private_key is None:
        return
    try:
        if key_out is not None:
            _write_key(key_out, dump_private_key_pem(outcome.private_key))
        pem = certificate_pem(outcome.certificate)
        if out is None:
            typer.echo(pem.decode(), nl=False)
        else:
            out.write_bytes(pem)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None


def _write_key(path: Path, pem: bytes) -> None:
    """Write a file that only its owner may read, also where there was another before."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(pem)


def _conclude(expected: CapfOperation, outcome: CapfOutcome, device: str) -> None:
    """Say how it went. Raises CommandError (1) when it is not what was wanted."""
    if outcome.busy:
        raise CommandError(f"{device}: the server is busy, retry later")
    if outcome.operation is CapfOperation.NONE:
        raise CommandError(f"{device}: {_refusal(outcome)}")
    if not outcome.succeeded:
        raise CommandError(f"{device}: {outcome.operation} failed: {_refusal(outcome)}")
    if outcome.operation is not expected:
        found = f"the server had {outcome.operation} pending ({_DONE[outcome.operation]})"
        raise CommandError(f"{device}: expected {expected}, but {found}")
    typer.echo(f"{device}: {_DONE[expected]}", err=True)


def _refusal(outcome: CapfOutcome) -> str:
    """Say what the reason of end session means."""
    if outcome.reason is None:
        return "the server gave up"
    text = f", {outcome.text}" if outcome.text else ""
    return f"{_SAYS.get(outcome.reason, 'session ended')} (reason {outcome.reason}{text})"
