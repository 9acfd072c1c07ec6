"""`--host NAME=ADDRESS`: where the servers are that DNS does not know."""

from typing import Annotated

import typer

from cucmsim.errors import CommandError
from cucmsim.phone.names import Names

__all__ = ["HostOption", "hint_unknown", "names_of"]

HostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host", metavar="NAME=ADDRESS", help="Where a server is that DNS does not know; repeat."
    ),
]

_USAGE = 2


def names_of(options: list[str] | None) -> Names:
    """Return how names are resolved. Raises CommandError (2)."""
    table = {}
    for option in options or []:
        name, equals, address = option.partition("=")
        if not (name and equals and address):
            raise CommandError(f"--host {option}: expected NAME=ADDRESS", _USAGE)
        table[name] = address
    return Names(table)


def hint_unknown(names: Names) -> None:
    """Say how to tell the phone of servers that it did not find."""
    for name in names.unknown:
        hint = f"DNS does not know {name}; say where it is with --host {name}=ADDRESS"
        typer.echo(f"cucmsim: {hint}", err=True)
