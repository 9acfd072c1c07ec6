"""The `cucmsim` command: puts the commands together and turns errors into exit statuses.

Exit status: 0 done, 1 answered no, 2 usage or a refused configuration, 69 unreachable.
"""

import sys
import traceback
from importlib import import_module
from tempfile import NamedTemporaryFile

import typer

from cucmsim.errors import CommandError, CucmsimError, SettingsError

__all__ = ["build_app", "main"]

_MODULES = {
    "run": "run",
    "check": "check",
    "inspect": "inspect",
    "fetch": "fetch",
    "status": "status",
    "stop": "status",
    "device": "device",
    "admin": "admin",
    "clock": "clock",
    "cluster": "cluster",
    "etoken": "etoken",
    "journal": "journal",
    "capture": "capture",
    "fault": "fault",
    "reset": "reset",
    "scenario": "scenario",
    "sftp": "sftp",
    "where": "where",
    "tvs": "tvs",
    "capf": "capf",
    "parameter": "parameter",
    "phone": "phone",
    "phones": "phones",
    "profile": "profile",
    "version": "version",
}
"""The module that registers each command."""


def build_app(wanted: str | None = None) -> typer.Typer:
    """Make the command with every sub-command; with that of `wanted` alone if there is such a one.

    Importing all of them takes a second, importing `inspect` a fraction of it.
    """
    app = typer.Typer(
        name="cucmsim",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_describe)
    modules = [_MODULES[wanted]] if wanted in _MODULES else dict.fromkeys(_MODULES.values())
    for module in modules:
        import_module(f"cucmsim.cli.{module}").register(app)
    return app


def _describe() -> None:
    """A simulated Cisco Unified Communications Manager cluster."""  # noqa: D401 - the help text


def main() -> None:
    """Run the command line of this process."""
    try:
        build_app(sys.argv[1] if len(sys.argv) > 1 else None)(prog_name="cucmsim")
    except CommandError as error:
        _end(error, error.exit_status)
    except SettingsError as error:
        _end(error, 2)
    except CucmsimError as error:
        _end(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last resort: a fault of ours, told in one line
        _end(CucmsimError(f"internal error: {error!r}; {_kept_traceback(error)}"), 1)


def _kept_traceback(error: Exception) -> str:
    """Write where a fault of ours comes from into a file; say where that is."""
    try:
        with NamedTemporaryFile("w", prefix="cucmsim-", suffix=".txt", delete=False) as kept:
            traceback.print_exception(error, file=kept)
    except OSError as fault:
        return f"where it comes from could not be written: {fault.strerror}"
    return f"{kept.name} says where it comes from"


def _end(error: CucmsimError, exit_status: int) -> None:
    """Show what went wrong in one line (or one a problem) and end with `exit_status`."""
    for line in str(error).splitlines():
        typer.echo(f"cucmsim: {line}", err=True)
    sys.exit(exit_status)
