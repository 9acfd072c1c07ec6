"""`cucmsim sftp`: an SFTP server for labs, that stands between clusters."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import asyncssh
import typer

from cucmsim.cli.loop import run_loop, stopping
from cucmsim.clock import SystemClock
from cucmsim.cluster.logs import LogFormat, configure_logs
from cucmsim.daemons.sftpserver import SftpDirectory, SftpLogin
from cucmsim.daemons.sshd import host_key
from cucmsim.errors import CommandError
from cucmsim.pki.keys import KeyAlgorithm, KeySpec

__all__ = ["register"]

_PASSWORD = "SFTP_PASSWORD"  # noqa: S105 - the name of a variable
_KEY = KeySpec(KeyAlgorithm.RSA, 2048)
"""The administrator's dialog of seed 003 shows the fingerprint of an RSA key."""
_USAGE = 2


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("sftp")(_sftp)


def _sftp(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Served as /.")],
    user: Annotated[str, typer.Option(metavar="NAME", help="Who is let in.")],
    address: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 2022,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"Holds the password; without it {_PASSWORD} of the environment."
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--host-key",
            metavar="FILE",
            help="Where the host key is kept; default: a hidden file beside DIRECTORY.",
        ),
    ] = None,
) -> None:
    """Serve DIRECTORY to clusters by SFTP, until Ctrl-C.

    For bulk certificates, `file get` and ITLRecovery.p12. Nothing outside of DIRECTORY is served.
    """
    if not directory.is_dir():
        raise CommandError(f"{directory}: no such directory", _USAGE)
    if not user:
        raise CommandError("found no --user, expected a name", _USAGE)
    login = SftpLogin(user, _password(password_file))
    shown = host_key(_key_path(directory.resolve(), key), _KEY)
    configure_logs(LogFormat.CONSOLE, "info", SystemClock())
    run_loop(_serve(SftpDirectory((address, port), directory, login, shown), address, shown))


def _password(file: Path | None) -> str:
    """Return the password: the first line of `file`, or what the environment holds."""
    try:
        found = os.environ.get(_PASSWORD, "") if file is None else file.read_text()
    except (OSError, UnicodeError) as error:
        raise CommandError(f"{file}: {getattr(error, 'strerror', 'not a text')}", _USAGE) from None
    password = "".join(found.splitlines()[:1])
    if not password:
        where = file or f"{_PASSWORD}, and no --password-file is given"
        raise CommandError(f"found no password in {where}", _USAGE)
    return password


def _key_path(directory: Path, given: Path | None) -> Path:
    """Return where the host key is kept: never where clients could fetch it."""
    path = given or directory.parent / f".{directory.name}.ssh_host_key"
    if path.resolve().is_relative_to(directory):
        raise CommandError(f"--host-key {path} lies in {directory}, which is served", _USAGE)
    return path


async def _serve(server: SftpDirectory, address: str, key: asyncssh.SSHKey) -> None:
    """Serve until a signal."""
    stop = asyncio.Event()
    with stopping(stop):
        await server.start()
        typer.echo(f"Serving sftp://{server.login.user}@{address}:{server.ports[0]}/")
        for kind in ("md5", "sha256"):
            typer.echo(f"RSA key fingerprint {key.get_fingerprint(kind)}")
        typer.echo("Ready. Ctrl-C stops the server.")
        await stop.wait()
        await server.stop()
    typer.echo("Stopped.")
