"""Commands about the session itself: help, leaving, pagination, the running number, its end."""

from dataclasses import replace

from cucmsim.errors import RefusedError
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps

__all__ = ["COMMANDS"]

_SECONDS = 60
_SHORTEST, _LONGEST = 5, 99999


async def show_help(context: Context, arguments: Arguments) -> Steps:
    """Show what `help` says of a command; of none, how to get help."""
    words = arguments.get("command", "").split()
    shown = context.grammar.help_on(words)
    if shown is None:
        raise RefusedError(f"No help found for {' '.join(words)}")
    yield shown


async def leave(_context: Context, _arguments: Arguments) -> Steps:
    """End the session."""
    yield Mark.LEAVE


async def show_pagination(context: Context, _arguments: Arguments) -> Steps:
    """Show whether output is paged (cucm.md 1.1)."""
    yield f"Automatic Pagination : {'On' if context.session.pagination else 'Off'}.\n"


async def set_pagination(context: Context, arguments: Arguments) -> Steps:
    """Turn paging on or off for this session (cucm.md 1.1)."""
    context.session.pagination = arguments["state"] == "on"
    yield f"Automatic pagination is turned {arguments['state']}\n"


async def set_command_count(context: Context, arguments: Arguments) -> Steps:
    """Put a running number in the prompt, or take it away (cucm.md 1.1)."""
    context.session.command_count = arguments["state"] == "enable"
    yield ""


async def show_timeout(context: Context, _arguments: Arguments) -> Steps:
    """Show after how many minutes a new session ends by itself."""
    yield f"CLI session timeout is {context.platform.values.session_timeout_minutes} minutes.\n"


async def set_timeout(context: Context, arguments: Arguments) -> Steps:
    """Set after how many minutes sessions end by themselves: new ones only (cucm.md 1.1)."""
    text = arguments["minutes"]
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) <= len("99999") else 0
    if not _SHORTEST <= minutes <= _LONGEST:
        raise RefusedError(
            f"Enter valid values for the minutes. \nSuggested values are {_SHORTEST} to {_LONGEST}"
        )
    values = context.platform.values
    await context.platform.change(replace(values, session_timeout_minutes=minutes))
    yield f"CLI session timeout is set to {minutes} minutes for new sessions.\n"


COMMANDS = (
    Command.of(
        "help [command...]",
        show_help,
        description="Shows what a command does and how it is used.",
        example="help show itl",
    ),
    Command.of("exit", leave, description="Ends the session."),
    Command.of("quit", leave, description="Ends the session."),
    Command.of(
        "show cli pagination",
        show_pagination,
        description="Shows whether automatic pagination is on.",
    ),
    Command.of(
        "set cli pagination <state:on|off>",
        set_pagination,
        level=1,
        description="Turns automatic pagination on or off for this session.",
        example="set cli pagination off",
    ),
    Command.of(
        "show cli session timeout",
        show_timeout,
        description="Shows after how many minutes without a key a session ends.",
    ),
    Command.of(
        "set cli session timeout <minutes>",
        set_timeout,
        level=1,
        during_upgrade=False,
        description="Sets after how many minutes without a key a session ends, 5 to 99999.",
        example="set cli session timeout 60",
    ),
    Command.of(
        "set commandcount <state:enable|disable>",
        set_command_count,
        description="Shows a running number in the prompt.",
        example="set commandcount enable",
    ),
)
