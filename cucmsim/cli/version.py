"""`cucmsim version`."""

import typer

from cucmsim import __version__

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""

    @app.command("version")
    def _version() -> None:
        """Print the version."""
        typer.echo(f"cucmsim {__version__}")
