"""`utils disaster_recovery`: backup devices, backups, restores, and what is told of them.

Source: cucm.md 1.7 (syntax, the history's line, names of tars). Dialogs and the other texts are not
in the documents. A backup is made while the command runs; once begun it goes on, whoever presses
Ctrl-C. Commands of schedules are in `commands_drs_schedule.py`.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TypeVar

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import (
    authenticity,
    is_yes,
    refuse_host_key,
    server_and_port,
    sftp_account,
)
from cucmsim.services.admin.command import Arguments, Command, Context, Run, Steps
from cucmsim.services.operations.drs.agents import feature_of
from cucmsim.services.operations.drs.backup import back_up, estimate_size, list_backups
from cucmsim.services.operations.drs.contents import components_of
from cucmsim.services.operations.drs.devices import (
    BACKUPS_KEPT,
    BackupDevice,
    add_device,
    delete_device,
    list_devices,
    set_jsch_logs,
)
from cucmsim.services.operations.drs.progress import (
    Kind,
    Past,
    Progress,
    State,
    cancel_backup,
    progress_of,
    read_history,
)
from cucmsim.services.operations.drs.restore import restore

__all__ = ["COMMANDS"]

T = TypeVar("T")

_CONTINUE = Question("Do you want to continue (y/n)?")
_TYPE = "NETWORK"
_MOST_DIGITS = 3
_ENDS = {
    State.RUNNING: "In Progress...",
    State.SUCCESS: "Completed...",
    State.ERROR: "Failed...",
    State.CANCELED: "Canceled...",
}


async def device_add(context: Context, arguments: Arguments) -> Steps:
    """Ask for the password of the server, look whether it lets us in, and keep the device."""
    kept = arguments.get("n", str(BACKUPS_KEPT))
    if not (kept.isascii() and kept.isdigit() and len(kept) <= _MOST_DIGITS):
        raise RefusedError(f"drfCliMsg: Invalid number of backups: found {kept!r}")
    host, port = server_and_port(arguments["server"])
    password = yield Question(
        f"Please enter password to access network server {host}:", echo=Echo.NOTHING
    )
    yield "\n"
    given = {
        "host": host,
        "port": port,
        "user": arguments["user"],
        "password": password,
    }
    account, drs = sftp_account(given, arguments["path"]), context.operations.drs()
    key = await drs.sftp.host_key(account.host, account.port)
    refuse_host_key((yield authenticity(account.host, key)))
    await add_device(drs, BackupDevice(arguments["name"], account, key, int(kept)))
    yield "drfCliMsg: Network Device added successfully.\n"


async def device_list(context: Context, _arguments: Arguments) -> Steps:
    """Show the devices; never their passwords."""
    held = await list_devices(context.operations.operator())
    if not held:
        yield "drfCliMsg: No backup devices configured.\n"
        return
    rows = [
        (
            one.name,
            _TYPE,
            f"{one.account.host}:{one.account.directory}",
            one.account.user,
            str(one.kept),
        )
        for one in held.values()
    ]
    yield table(("Device Name", "Device Type", "Device Path", "User", "Backups"), rows)


async def device_delete(context: Context, arguments: Arguments) -> Steps:
    """Forget a device, or all."""
    for name in await delete_device(context.operations.operator(), arguments["name"]):
        yield f"drfCliMsg: Device {name} deleted successfully.\n"


async def backup(context: Context, arguments: Arguments) -> Steps:
    """Back the cluster up."""
    features = arguments["features"].split(",")
    drs, device = context.operations.drs(), arguments["device"]
    await _finished(back_up(drs, device, features))
    yield _initiated(Kind.BACKUP)


async def restore_network(context: Context, arguments: Arguments) -> Steps:
    """Restore a server, or all, once that is confirmed."""
    yield (
        "drfCliMsg: WARNING! The data of the server(s) is replaced with that of the backup; what"
        " was changed since is lost.\n"
    )
    if not is_yes((yield _CONTINUE)):
        return
    asked = (arguments["device"], arguments["tarfilename"], arguments["server"])
    outcome = await _finished(restore(context.operations.drs(), *asked))
    yield _initiated(Kind.RESTORE)
    yield "".join(f"drfCliMsg: {line}\n" for line in outcome.lines)


def _initiated(kind: Kind) -> str:
    return (
        f"drfCliMsg: {kind.title()} initiated successfully. Please run 'utils disaster_recovery"
        f" status {kind}' command to see the status\n"
    )


async def _finished(work: Awaitable[T]) -> T:
    """Await what goes on when the session ends."""
    return await asyncio.shield(asyncio.ensure_future(work))


async def cancel(context: Context, _arguments: Arguments) -> Steps:
    """Have the backup that runs given up, once that is confirmed."""
    if is_yes((yield _CONTINUE)):
        await cancel_backup(context.operations.operator())
        yield "drfCliMsg: Backup cancellation requested.\n"


async def status(context: Context, arguments: Arguments) -> Steps:
    """Show how the latest backup or restore stands."""
    kind = Kind(arguments["kind"])
    held = await progress_of(context.operations.operator(), kind)
    if held is None:
        yield f"drfCliMsg: No {kind} has been made.\n"
        return
    yield _status(context, held)


def _status(context: Context, held: Progress) -> str:
    why = f" {held.why}" if held.why else ""
    head = (
        f"Status: {held.state} :{held.kind.title()} {_ENDS[held.state]}{why}\n"
        f"Tar Filename: {held.stamp}.tar\n"
        f"Storage Location: {_TYPE}\n"
        f"Operation: {held.kind}\n"
        f"Percentage Complete: {held.percentage}\n"
    )
    return head + "".join(
        f"{one.feature} {one.server} {one.component} SUCCESS {_local(context, one.at)}\n"
        for one in held.steps
    )


async def history(context: Context, arguments: Arguments) -> Steps:
    """Show the backups or restores that ended, oldest first."""
    kind = Kind(arguments["kind"])
    held = await read_history(context.operations.operator(), kind)
    if not held:
        yield f"drfCliMsg: No {kind} history available.\n"
    for one in held:
        yield _history_line(context, one)


def _history_line(context: Context, one: Past) -> str:
    """Return the line of cucm.md 1.7: tar, device, time, outcome, mode, features."""
    ended, features = _local(context, one.ended), ",".join(one.features)
    return f"{one.stamp}.tar {_TYPE} {ended} {one.state} {one.mode} {features}\n"


def _local(context: Context, moment: str) -> str:
    local = context.platform.localize(datetime.fromisoformat(moment))
    return f"{local:%a %b} {local.day:2} {local:%H:%M:%S %Z %Y}"


async def show_backupfiles(context: Context, arguments: Arguments) -> Steps:
    """Show the backups on a device."""
    found = await list_backups(context.operations.drs(), arguments["device"])
    if not found:
        yield "drfCliMsg: No backup files found on the device.\n"
    for one in found:
        yield f"{one.stamp}.tar\n"


async def show_registration(context: Context, arguments: Arguments) -> Steps:
    """Show what of a server is backed up, by its host name."""
    named = arguments["host"]
    for node in context.view.replica.nodes.values():
        if named in (node.name, node.host, node.fqdn):
            components = components_of(is_publisher=node.is_publisher)
            feature = feature_of(context.release)
            yield table(("Feature", "Component"), [(feature, one) for one in components])
            return
    raise RefusedError(f"drfCliMsg: Server {named} is not registered.")


async def estimate(context: Context, arguments: Arguments) -> Steps:
    """Tell how large a backup would be."""
    features = arguments["features"].split(",")
    size = await estimate_size(context.operations.drs(), features)
    yield f"drfCliMsg: Estimated size of the backup: {size} bytes\n"


async def jsch_logs(context: Context, arguments: Arguments) -> Steps:
    """Have the steps at SFTP servers logged, or no longer."""
    action = arguments["action"]
    await set_jsch_logs(context.operations.operator(), is_on=action == "enable")
    yield f"drfCliMsg: JSch logs {action}d successfully.\n"


async def prepare_restore(context: Context, _arguments: Arguments) -> Steps:
    """Refuse: the nodes of this cluster share one database, there is none of a subscriber."""
    nodes = [one.name for one in context.view.replica.nodes.values() if not one.is_publisher]
    yield "drfCliMsg: The publisher cannot be restored from the database of a subscriber.\n"
    raise RefusedError(
        f"drfCliMsg: Process nodes have been added already: {', '.join(nodes)}."
        if nodes
        else "drfCliMsg: The cluster has no subscriber."
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns as wide as their longest cell, two blanks between, under a rule."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    ]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "".join(f"{line}\n" for line in lines)


def _command(usage: str, run: Run, description: str, example: str = "") -> Command:
    return Command.of(
        f"utils disaster_recovery {usage}",
        run,
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description=description,
        example=f"utils disaster_recovery {example}" if example else "",
    )


COMMANDS = (
    _command(
        "device add network <name> <path> <server> <user> [n]",
        device_add,
        "Adds a directory on an SFTP server in which n backups are kept.",
        "device add network sftp1 /backups joemar2-server.cisco.com joemar2 3",
    ),
    _command("device list", device_list, "Shows the backup devices."),
    _command(
        "device delete <name>", device_delete, "Deletes a backup device, * all.", "device delete *"
    ),
    _command(
        "backup network <features> <device>",
        backup,
        "Backs up features, separated by commas, of every server of the cluster.",
        "backup network UCM sftp1",
    ),
    _command(
        "restore network <server> <tarfilename> <device>",
        restore_network,
        "Restores a server, or ALL, from a backup.",
        "restore network cucm-pub 2026-03-01-12-00-00 sftp1",
    ),
    _command("cancel_backup", cancel, "Cancels the backup in progress."),
    _command(
        "status <kind:backup|restore>", status, "Shows how the latest one stands.", "status backup"
    ),
    _command("history <kind:backup|restore>", history, "Shows those that ended.", "history backup"),
    _command(
        "show_backupfiles <device>",
        show_backupfiles,
        "Shows the backups on a device.",
        "show_backupfiles sftp1",
    ),
    _command(
        "show_registration <host>",
        show_registration,
        "Shows the features and components of a server.",
        "show_registration cucm-pub",
    ),
    _command(
        "estimate_tar_size <features>",
        estimate,
        "Tells how large a backup would be.",
        "estimate_tar_size UCM",
    ),
    _command(
        "jschLogs operation <action:enable|disable>",
        jsch_logs,
        "Logs what is done at SFTP servers.",
        "jschLogs operation enable",
    ),
    _command(
        "prepare restore pub_from_sub",
        prepare_restore,
        "Prepares the publisher to be restored from the database of a subscriber.",
    ),
)
