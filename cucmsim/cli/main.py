"""The `cucmsim` command: puts the commands together and turns errors into exit statuses.

Exit status: 0 done, 1 answered no, 2 usage or a refused configuration, 69 unreachable.
"""

import sys
from importlib import import_module

import typer

from cucmsim.errors import CommandError, CucmsimError, SettingsError, StartError, StoreError

__all__ = ["build_app", "main"]

_COMMANDS = ("run", "check", "inspect", "fetch", "status", "device", "tvs", "capf", "version")


def build_app() -> typer.Typer:
    """Make the command with every sub-command registered."""
    app = typer.Typer(
        name="cucmsim",
        help="A simulated Cisco Unified Communications Manager cluster.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in _COMMANDS:
        import_module(f"cucmsim.cli.{command}").register(app)
    return app


def main() -> None:
    """Run the command line of this process."""
    try:
        build_app()()
    except CommandError as error:
        _end(error, error.exit_status)
    except SettingsError as error:
        _end(error, 2)
    except (StartError, StoreError, CucmsimError) as error:
        _end(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _end(error: CucmsimError, exit_status: int) -> None:
    """Show what went wrong in one line (or one a problem) and end with `exit_status`."""
    for line in str(error).splitlines():
        typer.echo(f"cucmsim: {line}", err=True)
    sys.exit(exit_status)
