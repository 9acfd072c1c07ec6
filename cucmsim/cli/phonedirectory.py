"""`cucmsim phone directory FLASH_DIR`: press the directory button of a phone that has booted.

Which phone it is stands in its MIC. Prints the console log and each screen. The TVS cache is not
part of the flash: `--press 2` presses twice, and only the first press asks TVS. Exit status: 0 a
page is shown, 1 not (the server is not trusted, say), 69 nobody answers.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.hosts import HostOption, hint_unknown, names_of
from cucmsim.cli.linkoptions import TlsOption, link_options
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.phone.device import Phone
from cucmsim.phone.directorypages import DirectoryScreen
from cucmsim.phone.execute import Button
from cucmsim.phone.flash import Flash
from cucmsim.phone.flashdir import FlashDirectory
from cucmsim.phone.flashowner import owner_of
from cucmsim.phone.performer import Network
from cucmsim.phone.values import PhoneIdentity

__all__ = ["print_screen", "register"]

_USAGE = 2
_TIMEOUT_S = 10.0

_Directory = Annotated[Path, typer.Argument(metavar="FLASH_DIR", help="A phone's flash.")]
_Press = Annotated[int, typer.Option("--press", min=1, metavar="N", help="Press so many times.")]
_Choose = Annotated[
    list[int] | None,
    typer.Option("--choose", metavar="N", help="Then follow the N-th item; repeat to go on."),
]
_Search = Annotated[
    list[str] | None,
    typer.Option("--search", metavar="KEY=TEXT", help="Then fill the form (f, l, n) and send it."),
]


@dataclass(frozen=True, slots=True)
class _Visit:
    """What a person does: press, choose items in turn, fill a form."""

    presses: int
    choices: tuple[int, ...]
    search: dict[str, str] | None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("directory")(_open)


def _open(
    directory: _Directory,
    *,
    press: _Press = 1,
    choose: _Choose = None,
    search: _Search = None,
    host: HostOption = None,
    tls: TlsOption = None,
) -> None:
    """Open the https directory of a phone that has booted."""
    if not directory.is_dir():
        raise CommandError(f"{directory}: no such directory", _USAGE)
    flash, names = FlashDirectory(directory).load(), names_of(host)
    network = Network((), names, link=link_options(tls, None, _TIMEOUT_S))
    identity = _identity(flash, directory)
    visit = _Visit(press, tuple(choose or ()), None if search is None else _fields(search))
    phone = Phone(identity, network, on_line=typer.echo)
    phone.flash = flash  # nothing is written, so that a phone may run on it
    screen = asyncio.run(_visit(phone, visit))
    hint_unknown(names)
    if screen.failure:
        error = UnreachableError if screen.is_unreachable else CommandError
        raise error(f"{identity.name}: {screen.failure}: {screen.reason}")


async def _visit(phone: Phone, visit: _Visit) -> DirectoryScreen:
    """Do what a person does, showing each screen. Raises CommandError (2)."""
    await phone.start()
    browser = phone.browser
    browser.on_screen = print_screen
    for _ in range(visit.presses):
        await phone.press(Button.DIRECTORIES)
    try:
        for number in visit.choices:
            await browser.choose(number)
        if visit.search is not None:
            await browser.search(visit.search)
    except ValueError as error:
        if not browser.screen.failure:
            raise CommandError(f"{phone.identity.name}: {error}", _USAGE) from None
    return browser.screen


def print_screen(screen: DirectoryScreen) -> None:
    """Print what a phone shows of its directory."""
    for line in screen.lines():
        typer.echo(f"| {line}")


def _identity(flash: Flash, directory: Path) -> PhoneIdentity:
    """Return whose flash it is. Raises CommandError (2)."""
    owner = owner_of(flash)
    if owner is None:
        raise CommandError(
            f"{directory}: no MIC that names its phone; `cucmsim phone boot --flash {directory}`"
            " first",
            _USAGE,
        )
    return owner


def _fields(options: list[str]) -> dict[str, str]:
    """Return what is typed into the form. Raises CommandError (2)."""
    fields = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not (key and equals):
            raise CommandError(f"--search {option}: expected KEY=TEXT", _USAGE)
        fields[key] = text
    return fields
