"""`utils system upgrade` and `switch-version`, `show version`: a node's two sides.

The images lie on the administrator's SFTP server; the name of one says which version it installs,
and nothing else of it is looked at. Source: cucm.md 1.7 (`show version active`); the dialogs are in
no document that we have (docs/divergences.md).
"""

import asyncio
from collections.abc import Mapping

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes, server_and_port, sftp_account
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps
from cucmsim.services.operations.upgrade import (
    begin_upgrade,
    cancel_upgrade,
    check_switch,
    check_upgrade,
    switch_version,
)
from cucmsim.services.operations.versions import Sides, Version, sides_of, version_of_image
from cucmsim.services.sftp import SftpAccount
from cucmsim.services.view import View

__all__ = ["COMMANDS"]

_SOURCES = """
Source:

 1) Remote Filesystem Via SFTP
 2) Remote Filesystem Via FTP
 3) DVD/CD
 q) quit

"""
_SFTP, _QUIT = "1", "q"
_OTHER_SOURCES = {"2": "FTP is not supported; use SFTP.", "3": "There is no disc in the drive."}
_WHERE = (
    ("directory", Question("Directory [/]: ")),
    ("host", Question("Server: ")),
    ("user", Question("User Name: ")),
    ("password", Question("Password: ", echo=Echo.STARS)),
)
_PLEASE_SELECT = 'Please select an option ({} or "q" ): '
_INVALID = "Invalid option: {}"


async def show_version(context: Context, arguments: Arguments) -> Steps:
    """Show which version is on the active or the inactive side (cucm.md 1.7)."""
    side, sides = arguments["side"].title(), _sides(context)
    version = sides.active if side == "Active" else sides.inactive
    if version is None:
        yield "No Inactive Master Version found.\n"
        return
    yield (
        f"{side} Master Version: {version}\n"
        f"{side} Version Installed Software Options:\nNo Installed Software Options Found.\n"
    )


async def initiate(context: Context, _arguments: Arguments) -> Steps:
    """Ask where the images are, install one, and wait until it is installed."""
    yield "\nWarning: Do not close this window without first canceling the upgrade.\n\n" + _SOURCES
    source = yield Question(_PLEASE_SELECT.format("1 - 3"))
    if source == _QUIT:
        return
    if source != _SFTP:
        raise RefusedError(_OTHER_SOURCES.get(source, _INVALID.format(source)))
    given = {}
    for name, question in _WHERE:
        given[name] = yield question
    account = _account(given)
    yield "\nChecking for valid upgrades.  Please wait...\n"
    images = await _valid_images(context, account)
    yield _listed(account, list(images))
    chosen = yield Question(_PLEASE_SELECT.format(f"1 - {len(images)}"))
    if chosen == _QUIT:
        return
    if chosen not in map(str, range(1, len(images) + 1)):
        raise RefusedError(_INVALID.format(chosen))
    name, version = list(images.items())[int(chosen) - 1]
    yield (
        "Accessing the file.  Please wait...\nValidating the file...\n\n"
        f"Downloaded: {name}\n   File version: {version}\n\n"
    )
    switches = is_yes(
        (yield Question("Automatically switch versions if the upgrade is successful (yes/no): "))
    )
    if not is_yes((yield Question("Start installation (yes/no): "))):
        return
    async for output in _install(context, version, switches=switches):
        yield output


async def _install(context: Context, version: Version, *, switches: bool) -> Steps:
    operator = context.operations.operator()
    await begin_upgrade(operator, context.node_name, version, switches=switches)
    yield "Upgrading the system.  Please wait...\n"
    await _until_it_ends(context.view, context.node_name)
    for output in _ended(_sides(context), version):
        yield output


def _sides(context: Context) -> Sides:
    return sides_of(context.view.replica, context.node_name)


def _account(given: Mapping[str, str]) -> SftpAccount:
    """Return the account; the server may be "host:port". Raises RefusedError."""
    host, port = server_and_port(given["host"])
    directory = given["directory"].strip() or "/"
    return sftp_account({**given, "host": host, "port": port}, directory)


async def _valid_images(context: Context, account: SftpAccount) -> Mapping[str, Version]:
    """Return the images that the node can be upgraded with, in order. Raises RefusedError."""
    client = context.operations.sftp
    key = await client.host_key(account.host, account.port)
    async with client.session(account, key) as server:
        names = sorted(await server.list_files())
    found, refused = {}, ""
    for name in names:
        version = version_of_image(name)
        if version is None:
            continue
        try:
            check_upgrade(context.view.replica, context.node_name, version)
        except RefusedError as error:
            refused = f"\n{error}"
        else:
            found[name] = version
    if not found:
        raise RefusedError(f"No valid upgrade options were found.{refused}")
    return found


def _listed(account: SftpAccount, names: list[str]) -> str:
    lines = "".join(f" {number}) {name}\n" for number, name in enumerate(names, 1))
    where = f"{account.host}:{account.directory}"
    return f'\nAvailable options and upgrades in "{where}":\n\n{lines} q) quit\n\n'


async def _until_it_ends(view: View, node: str) -> None:
    """Wait until the installation on a node is over; it goes on when nobody waits."""
    changed = asyncio.Event()
    unsubscribe = view.subscribe(lambda _old, _new: changed.set())
    try:
        while sides_of(view.replica, node).installation is not None:
            changed.clear()
            await changed.wait()
    finally:
        unsubscribe()


def _ended(sides: Sides, version: Version) -> list[str | Mark]:
    """Say how an installation ended."""
    done = "The system upgrade was successful."
    if sides.active == version:
        return [f"{done}  A switch version request has been submitted.\n", Mark.LEAVE]
    if sides.inactive == version:
        return [f"{done}  Please switch versions to activate the upgrade.\n"]
    return ["The upgrade was cancelled.\n", Mark.FAILED]


async def show_upgrade(context: Context, _arguments: Arguments) -> Steps:
    """Say whether an upgrade runs, and what is installed."""
    sides = _sides(context)
    if sides.installation is not None:
        ends = context.platform.localize(sides.installation.ends)
        yield (
            f"Upgrade to {sides.installation.version} is in progress;"
            f" it ends at {ends:%a %b %d %H:%M:%S %Y}.\n"
        )
        return
    yield "There is no upgrade in progress.\n"
    if sides.inactive is not None:
        yield f"Version {sides.inactive} is installed on the inactive side.\n"


async def cancel(context: Context, _arguments: Arguments) -> Steps:
    """End the upgrade that runs."""
    await cancel_upgrade(context.operations.operator(), context.node_name)
    yield "The upgrade was cancelled.\n"


async def switch(context: Context, _arguments: Arguments) -> Steps:
    """Change the sides; the node goes down and comes up with the other version."""
    operator = context.operations.operator()
    sides = check_switch(await operator.newest(), context.node_name)
    yield (
        f"Active Master Version: {sides.active}\nInactive Master Version: {sides.inactive}\n"
        "\nDo you really want to switch versions ?\n\n"
    )
    if not is_yes((yield Question("Enter (yes/no)? "))):
        return
    await switch_version(operator, context.node_name)
    yield "\nSwitching to the inactive version. Appliance is being Restarted ...\n"
    yield "Stopping Service Manager...\n"
    yield Mark.LEAVE


COMMANDS = (
    Command.of(
        "show version <side:active|inactive>",
        show_version,
        description="Shows the software version on the active or inactive partition.",
        example="show version active",
    ),
    Command.of(
        "utils system upgrade initiate",
        initiate,
        level=1,
        during_upgrade=False,
        description="Installs a newer version from an SFTP server on the inactive side.",
    ),
    Command.of(
        "utils system upgrade status",
        show_upgrade,
        description="Shows whether an upgrade is in progress.",
    ),
    Command.of(
        "utils system upgrade cancel",
        cancel,
        level=1,
        description="Cancels the upgrade that is in progress.",
    ),
    Command.of(
        "utils system switch-version",
        switch,
        level=1,
        during_upgrade=False,
        description="Restarts the node with the version on the inactive side.",
    ),
)
