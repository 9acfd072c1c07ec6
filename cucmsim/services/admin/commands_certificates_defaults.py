"""`set cert default-ca-list` and `show cert default-ca-list`: the CAs of phone manufacturers.

Source: cucm.md 1.5 (names, columns, the question, the refusal); the rest of the texts is ours.
"""

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Run, Steps
from cucmsim.services.operations.defaultcas import default_cas, find_default_cas, set_default_cas

__all__ = ["COMMANDS"]

_HEADINGS = ("Common Name", "Trust Stores", "Purpose")


async def show_list(_context: Context, _arguments: Arguments) -> Steps:
    """Show the list in three columns."""
    rows = [(one.common_name, ", ".join(one.trust_stores), one.purpose) for one in default_cas()]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    rules = tuple("=" * width for width in widths)
    for row in (_HEADINGS, rules, *rows):
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield " ".join(cells).rstrip() + "\n"


def _setting(word: str, *, is_enabled: bool) -> Run:
    """Return the command that enables or disables."""

    async def run(context: Context, arguments: Arguments) -> Steps:
        name = _wanted(arguments)
        find_default_cas(name)
        which = "all default CA certificates" if name is None else f"the {name} certificate"
        yield f"This operation will {word} {which}.\n"
        if not is_yes((yield Question("Do you wish to proceed (yes|no)? "))):
            return
        operator, node = context.operations.operator(), context.node_name
        for changed in await set_default_cas(operator, node, name, is_enabled=is_enabled):
            yield f"The {changed} certificate is {word}d.\n"

    return run


def _wanted(arguments: Arguments) -> str | None:
    """Return the common name that is meant, with or without quotes; None for all."""
    name = arguments.get("name", "").strip('" ')
    if arguments["which"] == "all":
        if name:
            raise RefusedError(f"Unknown parameter: {name}")
        return None
    if not name:
        raise RefusedError("Mandatory parameter missing: name")
    return name


def _command(word: str, *, is_enabled: bool) -> Command:
    return Command.of(
        f"set cert default-ca-list {word} <which:all|common-name> [name...]",
        _setting(word, is_enabled=is_enabled),
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description=f"{word.capitalize()}s default CA certificates.",
        example=f"set cert default-ca-list {word} common-name CAP-RTP-001",
    )


COMMANDS = (
    Command.of(
        "show cert default-ca-list",
        show_list,
        publisher_only=True,
        description="Shows the default CA certificates.",
    ),
    _command("enable", is_enabled=True),
    _command("disable", is_enabled=False),
)
