"""`cucmsim cluster security-password`: another security password for the whole cluster."""

import sys
from typing import Annotated

import typer

from cucmsim.cli.client import publisher_client
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.errors import CommandError

__all__ = ["register"]

_USAGE = 2


def register(group: typer.Typer) -> None:
    """Add the command to the group."""
    group.command("security-password")(_change)


def _change(
    config: ConfigArgument,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the old and the new one as two lines.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Change the security password, also the one that opens the database; nodes go on."""
    client = publisher_client(settings_for(config, data))
    old, new = _lines() if stdin else _asked()
    client.post("/cluster/security-password", {"old": old, "new": new})
    typer.echo("Changed. Nodes that run go on; each needs the new password at its next start:")
    typer.echo("security_password in CONFIG, or CUCMSIM_CLUSTER__SECURITY_PASSWORD.")
    typer.echo("Backups made before need the old one, and ITLRecovery.p12 has to be fetched anew.")


def _asked() -> tuple[str, str]:
    old = typer.prompt("Old security password", hide_input=True)
    new = typer.prompt("New security password", hide_input=True, confirmation_prompt=True)
    return str(old), str(new)


def _lines() -> tuple[str, str]:
    lines = sys.stdin.read().splitlines()
    match lines:
        case [old, new]:
            return old, new
    raise CommandError(f"found {len(lines)} lines, expected the old password and the new", _USAGE)
