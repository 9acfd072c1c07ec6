"""`cucmsim cluster`: what concerns a cluster as a whole, and none of a real server's commands.

    cucmsim cluster backup CONFIG FILE
    cucmsim cluster restore CONFIG FILE
    cucmsim cluster add-node CONFIG NAME --address IP
    cucmsim cluster remove-node CONFIG NAME
    cucmsim cluster restart CONFIG
    cucmsim cluster security-password CONFIG

The publisher's process does it. A backup and a restore are made on the database itself where it
does not run here; the nodes take it over from there.
"""

import typer

from cucmsim.cli import clusterbackup, clusternodes, clusterpassword, clusterrestart

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(no_args_is_help=True, help="The cluster as a whole: backups and nodes.")
    app.add_typer(group, name="cluster")
    clusterbackup.register(group)
    clusternodes.register(group)
    clusterrestart.register(group)
    clusterpassword.register(group)
