"""`cucmsim etoken`: make simulated eTokens, and sign a cluster's CTL with them as the CTL client.

A token is a file that the user keeps, PKCS#12 under the password that tokens come with; its
certificate, to be put into Phone-SAST-trust, is written beside it as PEM.
"""

import base64
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.cluster.trustlistsapi import MadeEToken
from cucmsim.errors import CommandError
from cucmsim.services.operations.etokens import CtlClientTask

__all__ = ["register"]

_USAGE = 2
_SECRET = 0o600


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    etoken = typer.Typer(no_args_is_help=True, help="Simulated eTokens, and the CTL client.")

    @etoken.command("make")
    def _make(
        config: ConfigArgument,
        number: Annotated[str, typer.Argument(metavar="NUMBER", help="Such as ADN008580ef.")],
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to keep it (.p12).")],
        data: DataOption = None,
    ) -> None:
        """Make an eToken by a running cluster; its certificate is written to FILE with .pem."""
        made = MadeEToken.model_validate(_client(config, data).post("/etokens", {"number": number}))
        try:
            file.touch(_SECRET)
            file.write_bytes(base64.b64decode(made.file))
            file.with_suffix(".pem").write_text(made.certificate)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", _USAGE) from error
        typer.echo(f"{file}, certificate {file.with_suffix('.pem')}")

    @etoken.command("sign")
    def _sign(
        config: ConfigArgument,
        files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Two or more.")],
        task: Annotated[
            CtlClientTask, typer.Option(help="Set mixed mode, or update the CTL.")
        ] = CtlClientTask.UPDATE,
        data: DataOption = None,
    ) -> None:
        """Make the CTL with eTokens, as the CTL client does; the last one signs."""
        tokens = [{"file": _read(file)} for file in files]
        wanted = {"task": task.value, "tokens": tokens}
        answer = _client(config, data).post("/operations/ctl-client", wanted)
        for line in OutcomeOfOperation.model_validate(answer).lines:
            typer.echo(line)

    app.add_typer(etoken, name="etoken")


def _client(config: Path, data: Path | None) -> ManagementClient:
    """Return how the first process that answers is reached."""
    clients = clients_of(settings_for(config, data))
    return next((client for client in clients if client.answers()), clients[0])


def _read(file: Path) -> str:
    try:
        return base64.b64encode(file.read_bytes()).decode()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", _USAGE) from error
