"""`cucmsim cluster`: what concerns a cluster as a whole, and none of a real server's commands.

    cucmsim cluster backup CONFIG FILE
    cucmsim cluster restore CONFIG FILE

The publisher's process does it where it runs here; else it is done on the database itself, from
which the nodes take it over.
"""

import typer

from cucmsim.cli import clusterbackup

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(no_args_is_help=True, help="The cluster as a whole: backup and restore.")
    app.add_typer(group, name="cluster")
    clusterbackup.register(group)
