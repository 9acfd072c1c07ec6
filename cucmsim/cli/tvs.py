"""`cucmsim tvs`: ask a Trust Verification Service, ours or anybody's, as a phone does.

Exit status: 0 trusted, 1 not trusted (or no proper answer), 2 usage, 69 unreachable.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from cucmsim.cli.certificatefile import parse_endpoint, read_certificate, read_identity
from cucmsim.cli.linkoptions import CiphersOption, TimeoutOption, TlsOption, link_options
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.formats.names import format_name
from cucmsim.formats.roles import role_name
from cucmsim.formats.tvs import (
    QueryAnswer,
    QueryRequest,
    QueryTags,
    Reason,
    VerificationAnswer,
    VerificationRequest,
)
from cucmsim.phone.link import LinkError, LinkOptions, UnusableOptionsError
from cucmsim.phone.tvsclient import TvsReply, WrongAnswerError, ask
from cucmsim.pki.certificates import certificate_der, certificate_pem, load_certificate
from cucmsim.pki.keys import PrivateKey
from cucmsim.protocols.tvs import TvsClient

__all__ = ["register"]

_PORT = 2445
_USAGE = 2

_Server = Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="Port 2445 if not given.")]
_Device = Annotated[str, typer.Option(help="Device name to ask as.")]
_Client = Annotated[
    Path | None,
    typer.Option(help="The LSC or MIC to present when asked (PEM or DER)."),
]
_ClientKey = Annotated[
    Path | None, typer.Option(help="Its private key; left out: it stands in the same PEM file.")
]

_DEFAULT_DEVICE = "CP-8861-SEP000000000000"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    tvs = typer.Typer(help="Ask a Trust Verification Service.", no_args_is_help=True)
    tvs.command("verify")(_verify)
    tvs.command("query")(_query)
    app.add_typer(tvs, name="tvs")


def _verify(
    server: _Server,
    certificate: Annotated[Path, typer.Argument(help="Certificate to ask about, PEM or DER.")],
    *,
    device: _Device = _DEFAULT_DEVICE,
    tls: TlsOption = None,
    ciphers: CiphersOption = None,
    client_certificate: _Client = None,
    client_key: _ClientKey = None,
    timeout: TimeoutOption = 10.0,
) -> None:
    """Ask whether a certificate is trusted."""
    request = VerificationRequest(device, certificate_der(read_certificate(certificate)))
    options = link_options(tls, ciphers, timeout, _identity(client_certificate, client_key))
    _show(_ask(server, request, options, TvsClient()))


def _query(  # noqa: PLR0913 - one parameter an option of the command line
    server: _Server,
    *,
    issuer: Annotated[str, typer.Option(help="Issuer as trust lists write it: CN=...;OU=...")],
    serial: Annotated[str, typer.Option(help="Serial number, hex; colons may stand in it.")],
    subject: Annotated[str, typer.Option(help="Subject, written like the issuer.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the certificate here, PEM.")
    ] = None,
    device: _Device = _DEFAULT_DEVICE,
    tls: TlsOption = None,
    ciphers: CiphersOption = None,
    client_certificate: _Client = None,
    client_key: _ClientKey = None,
    timeout: TimeoutOption = 10.0,
    issuer_tag: Annotated[int, typer.Option(help="Tag of the issuer.", min=4, max=6)] = 4,
    serial_tag: Annotated[int, typer.Option(help="Tag of the serial number.", min=4, max=6)] = 5,
) -> None:
    """Ask for the certificate with an issuer and serial number."""
    request = QueryRequest(device, subject or issuer, issuer, _serial(serial))
    options = link_options(tls, ciphers, timeout, _identity(client_certificate, client_key))
    client = TvsClient(tags=QueryTags(issuer_tag, serial_tag))
    _show(_ask(server, request, options, client), output)


def _ask(
    server: str,
    request: VerificationRequest | QueryRequest,
    options: LinkOptions,
    client: TvsClient,
) -> TvsReply:
    """Ask, and turn what goes wrong into an exit status."""
    host, port = parse_endpoint(server, _PORT)
    try:
        return asyncio.run(ask(host, port, request, options, client))
    except (UnusableOptionsError, ValueError) as error:
        raise CommandError(str(error), _USAGE) from error
    except LinkError as error:
        raise UnreachableError(str(error)) from error
    except WrongAnswerError as error:
        raise CommandError(str(error)) from error


def _show(reply: TvsReply, output: Path | None = None) -> None:
    """Print an answer; ends with status 1 when it is no."""
    answer = reply.answer
    typer.echo(f"Connection: {reply.tls_version} {reply.cipher}")
    if reply.server_certificate is not None:
        typer.echo(f"Server: {format_name(reply.server_certificate.subject)}")
    if answer.reason != Reason.TRUSTED:
        raise CommandError(f"not trusted (reason {answer.reason})")
    typer.echo("Trusted: yes")
    _show_details(answer)
    if isinstance(answer, QueryAnswer) and answer.certificate_der is not None:
        _show_certificate(answer.certificate_der, output)


def _show_details(answer: VerificationAnswer | QueryAnswer) -> None:
    roles = ", ".join(f"{role} ({role_name(role)})" for role in answer.roles)
    typer.echo(f"Roles: {roles or 'none'}")
    if answer.time_to_live_s is not None:
        typer.echo(f"Time to live: {answer.time_to_live_s} s")


def _show_certificate(data: bytes, output: Path | None) -> None:
    certificate = load_certificate(data)
    typer.echo(f"Certificate: {format_name(certificate.subject)}")
    if output is None:
        return
    try:
        output.write_bytes(certificate_pem(certificate))
    except OSError as error:
        raise CommandError(f"{output}: cannot be written: {error.strerror}") from error


def _identity(
    certificate: Path | None, key: Path | None
) -> tuple[x509.Certificate, PrivateKey] | None:
    """Read what to present. Raises CommandError."""
    if certificate is None:
        if key is not None:
            raise CommandError("--client-key needs --client-certificate", _USAGE)
        return None
    return read_identity(certificate, key)


def _serial(text: str) -> bytes:
    """Read a serial number in hex. Raises CommandError."""
    digits = text.replace(":", "").removeprefix("0x")
    try:
        serial = bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
    except ValueError:
        serial = b""
    if not serial:
        raise CommandError(f"--serial {text}: expected a number in hex", _USAGE)
    return serial
