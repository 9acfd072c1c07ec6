"""`cucmsim fetch`: get one file from a TFTP server, ours or anybody's.

The client is tftpy, which shares no code with our daemon. The file is written when all of it has
arrived; until then nothing of that name is made or touched.
"""

import io
import logging
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer
from tftpy.TftpClient import TftpClient
from tftpy.TftpPacketTypes import TftpPacketERR
from tftpy.TftpShared import TftpException, TftpTimeout

from cucmsim.cli.certificatefile import parse_endpoint
from cucmsim.errors import CommandError, UnreachableError

__all__ = ["register"]

_PORT = 69
_USAGE = 2

_Server = Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="Port 69 if not given.")]
_Name = Annotated[str, typer.Argument(help="The file to ask for, such as ITLFile.tlv.")]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where to write it, - for standard output [NAME, here]."),
]
_Blksize = Annotated[
    int | None, typer.Option(min=8, max=65464, help="Ask for blocks of this size (RFC 2348).")
]
_Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each packet.")]
_Retries = Annotated[int, typer.Option(min=1, help="How often to wait before giving up.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("fetch")(_fetch)


def _fetch(
    server: _Server,
    name: _Name,
    *,
    output: _Output = None,
    blksize: _Blksize = None,
    timeout: _Timeout = 2.0,
    retries: _Retries = 3,
) -> None:
    """Get a file from a TFTP server."""
    if not name.isprintable() or not name.strip("/"):
        raise CommandError(f"{name!r} is no file name", _USAGE)
    host, port = parse_endpoint(server, _PORT)
    content = _download(host, port, name, blksize, timeout, retries)
    if output is not None and str(output) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    path = output or Path(PurePosixPath(name).name)
    _write(path, content)
    typer.echo(f"{path}: {len(content)} bytes")


def _download(
    host: str, port: int, name: str, blksize: int | None, timeout_s: float, retries: int
) -> bytes:
    """Return the file. Raises CommandError with what the server said, or UnreachableError."""
    logging.getLogger("tftpy").setLevel(logging.CRITICAL + 1)  # it would log what we raise
    where = f"{host}:{port}"
    errors: list[TftpPacketERR] = []

    def keep_error(packet: object) -> None:
        if isinstance(packet, TftpPacketERR):
            errors.append(packet)

    content = io.BytesIO()
    options = {} if blksize is None else {"blksize": blksize}
    try:
        client = TftpClient(socket.gethostbyname(host), port, options)
        client.download(name, content, keep_error, timeout_s, retries)
    except TftpTimeout as error:
        raise UnreachableError(f"{where} does not answer") from error
    except OSError as error:
        raise UnreachableError(f"{where}: {error.strerror or error}") from error
    except (TftpException, struct.error, ValueError) as error:
        if errors:
            raise CommandError(f"{where}: {name}: {_said(errors[0])}") from error
        raise CommandError(f"{where}: {name}: the answer is no TFTP: {error}") from error
    return content.getvalue()


def _said(packet: TftpPacketERR) -> str:
    """Return the code and the text of an ERROR."""
    text = (packet.errmsg or b"").decode("ascii", "backslashreplace")
    return f"error {packet.errorcode}: {text}" if text else f"error {packet.errorcode}"


def _write(path: Path, content: bytes) -> None:
    """Write the file in one step, with the rights of any new file. Raises CommandError."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".fetch-", delete=False) as file:
            file.write(content)
        try:
            mask = os.umask(0)
            os.umask(mask)
            Path(file.name).chmod(0o666 & ~mask)
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink()
            raise
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", _USAGE) from error
