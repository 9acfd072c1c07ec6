"""`cucmsim phone erase FLASH_DIR`: as a person does in the phone's security settings.

A phone that runs on the flash is asked to erase its trust lists itself, which it does between two
boots, and boots again; with --all it must be switched off first.
"""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from cucmsim.errors import CommandError
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.flashlock import FlashInUseError

__all__ = ["register"]

_USAGE: Final = 2
_HOLDER: Final = "cucmsim phone erase"
_PATIENCE_S: Final = 20.0
_POLL_S: Final = 0.1

_Directory = Annotated[Path, typer.Argument(metavar="FLASH_DIR", help="A phone's flash.")]
_All = Annotated[bool, typer.Option("--all", help="Everything: configuration, LSC and MIC too.")]
_Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="Wait so long for a phone that runs.")
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("erase")(_erase)


def _erase(
    directory: _Directory, *, everything: _All = False, timeout: _Timeout = _PATIENCE_S
) -> None:
    """Erase CTL and ITL; of a phone that runs, too: it boots again then."""
    if not directory.is_dir():
        raise CommandError(f"{directory}: no such directory", _USAGE)
    keeper = FlashDirectory(directory)
    try:
        _erase_here(keeper, everything=everything)
    except FlashInUseError as error:
        if everything:
            raise CommandError(f"{error}: switch that phone off first") from None
        _have_erased(keeper, error, timeout)
    what = "everything" if everything else "CTL and ITL"
    typer.echo(f"{directory}: {what} erased")


def _erase_here(keeper: FlashDirectory, *, everything: bool) -> None:
    """Erase what is in the directory. Raises FlashInUseError, FlashError."""
    keeper.lock.take(_HOLDER)
    try:
        keeper.store(Flash() if everything else keeper.load().without_trust_lists())
    finally:
        keeper.lock.drop()


def _have_erased(keeper: FlashDirectory, in_use: FlashInUseError, patience_s: float) -> None:
    """Have the phone that runs erase its trust lists, or do it once that has ended."""
    typer.echo(f"{in_use}: asking it to erase", err=True)
    keeper.lock.ask()
    deadline = time.monotonic() + patience_s
    while keeper.lock.is_asked:
        if time.monotonic() >= deadline:
            keeper.lock.answer()
            raise CommandError(
                f"{in_use}: it did not erase within {patience_s:g} s; switch that phone off first"
            )
        time.sleep(_POLL_S)
        try:
            _erase_here(keeper, everything=False)
        except FlashInUseError:
            continue  # the phone still runs: it will look
