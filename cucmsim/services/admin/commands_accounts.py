"""Administrators: passwords, locking, further accounts. Source: cucm.md 1.1; dialogs are ours."""

from dataclasses import replace

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.admin.platform import INSTALL_LEVEL

__all__ = ["COMMANDS"]

_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 6, 128
_LONGEST_NAME = 32
_COUNTS, _TIMES = range(2, 6), range(30, 3601)


async def set_password(context: Context, _arguments: Arguments) -> Steps:
    """Change the password of the account that is logged in."""
    if context.user not in context.platform.administrators:
        raise RefusedError(f"Account {context.user} has no password.")
    old = yield _hidden("Please enter the old password: ")
    new = yield _hidden("\nPlease enter the new password: ")
    again = yield _hidden("\nReenter new password to confirm: ")
    yield "\n"
    if not await context.platform.is_right(context.user, old):
        raise RefusedError("The old password did not match.")
    _check_password(new, again)
    await context.platform.set_password(context.user, new)
    yield "Password updated successfully.\n"


async def set_account(context: Context, arguments: Arguments) -> Steps:
    """Add an account of privilege level 0 or 1."""
    name = arguments["name"]
    if not (name.isascii() and name.isalnum() and len(name) <= _LONGEST_NAME):
        raise RefusedError(
            f"Invalid account name: expected up to {_LONGEST_NAME} letters and digits."
        )
    if name in context.platform.administrators:
        raise RefusedError(f"Account {name} already exists.")
    yield "Privilege Levels are:\n    Ordinary - Level 0\n    Advanced - Level 1\n\n"
    level = yield Question("Please enter the privilege level :")
    if level not in ("0", "1"):
        raise RefusedError("Invalid privilege level: expected 0 or 1.")
    new = yield _hidden("Please enter the password :")
    again = yield _hidden("\n             re-enter to confirm :")
    yield "\n"
    _check_password(new, again)
    await context.platform.add(name, int(level), new)
    yield "Account successfully created\n"


async def delete_account(context: Context, arguments: Arguments) -> Steps:
    """Delete an account; not one's own, and not the installation's."""
    if arguments["name"] == context.user:
        raise RefusedError(f"Account {context.user} cannot be deleted.")
    await context.platform.delete(arguments["name"])
    yield f"Account {arguments['name']} is successfully deleted\n"


async def show_accounts(context: Context, _arguments: Arguments) -> Steps:
    """List the accounts."""
    yield "".join(
        f"{held.name} (privilege level {held.level})\n"
        for held in context.platform.administrators.values()
    )


async def show_locking(context: Context, _arguments: Arguments) -> Steps:
    """Show how accounts are locked."""
    values = context.platform.values
    yield (
        f"Account Lockout is {'enabled' if values.is_locking else 'disabled'}\n"
        f"Unlock Time : {values.unlock_s} seconds\n"
        f"Retry Count : {values.lock_count} attempts\n"
    )


async def switch_locking(context: Context, arguments: Arguments) -> Steps:
    """Turn the locking of accounts on or off."""
    is_locking = arguments["state"] == "enable"
    await context.platform.change(replace(context.platform.values, is_locking=is_locking))
    yield f"Account Lockout is {arguments['state']}d\n"


async def set_lock_count(context: Context, arguments: Arguments) -> Steps:
    """Set after how many wrong passwords an account is locked (cucm.md 1.1)."""
    count = _number("attempts", arguments["attempts"], _COUNTS)
    await context.platform.change(replace(context.platform.values, lock_count=count))
    yield f"Retry Count : {count} attempts\n"


async def set_unlock_time(context: Context, arguments: Arguments) -> Steps:
    """Set for how long an account is locked (cucm.md 1.1)."""
    seconds = _number("seconds", arguments["seconds"], _TIMES)
    await context.platform.change(replace(context.platform.values, unlock_s=seconds))
    yield f"Unlock Time : {seconds} seconds\n"


def _number(name: str, text: str, allowed: range) -> int:
    """Return a number that is allowed. Raises RefusedError in the words of cucm.md 1.1."""
    for number in allowed:
        if text == str(number):
            return number
    raise RefusedError(
        f"Enter valid values for the {name}. \nSuggested values are {allowed[0]} to {allowed[-1]}"
    )


def _hidden(prompt: str) -> Question:
    return Question(prompt, Echo.NOTHING)


def _check_password(new: str, again: str) -> None:
    if new != again:
        raise RefusedError("The passwords did not match.")
    if not _SHORTEST_PASSWORD <= len(new) <= _LONGEST_PASSWORD:
        raise RefusedError(
            f"The password must have {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters."
        )


COMMANDS = (
    Command.of(
        "set password user admin",
        set_password,
        level=1,
        during_upgrade=False,
        description="Changes the password of the account that is logged in.",
    ),
    Command.of(
        "set account name <name>",
        set_account,
        level=INSTALL_LEVEL,
        during_upgrade=False,
        description="Adds an account.",
        example="set account name helper",
    ),
    Command.of(
        "delete account <name>",
        delete_account,
        level=INSTALL_LEVEL,
        during_upgrade=False,
        description="Deletes an account.",
        example="delete account helper",
    ),
    Command.of(
        "show account", show_accounts, level=INSTALL_LEVEL, description="Lists the accounts."
    ),
    Command.of("show accountlocking", show_locking, description="Shows how accounts are locked."),
    Command.of(
        "set accountlocking <state:enable|disable>",
        switch_locking,
        level=INSTALL_LEVEL,
        description="Turns the locking of accounts on or off.",
        example="set accountlocking enable",
    ),
    Command.of(
        "set accountlocking count <attempts>",
        set_lock_count,
        level=INSTALL_LEVEL,
        description="Sets after how many wrong passwords an account is locked, 2 to 5.",
        example="set accountlocking count 3",
    ),
    Command.of(
        "set accountlocking unlocktime <seconds>",
        set_unlock_time,
        level=INSTALL_LEVEL,
        description="Sets for how long an account is locked, 30 to 3600 seconds.",
        example="set accountlocking unlocktime 300",
    ),
)
