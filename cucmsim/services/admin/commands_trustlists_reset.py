"""`utils ctl` and `utils itl`: security mode, a new CTL, a reset of the trust lists.

Source: cucm.md 1.3 and 1.4 (dialogs of each release); seed 001 (CTL), seed 003 from line 105 (the
ITL, with the passwords that release 10.0 asks for). What a subscriber or a release refuses is
refused before anything is asked. The dialog of `utils ctl reset localkey` is not in the documents.
"""

from pathlib import PurePosixPath

from cucmsim.errors import RefusedError
from cucmsim.pki.release import Release
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes, server_and_port, sftp_account
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.operations.ctl import reset_ctl_localkey, update_ctl
from cucmsim.services.operations.itlreset import reset_itl_localkey, reset_itl_remotekey
from cucmsim.services.operations.mixedmode import set_mixed_mode, set_non_secure_mode
from cucmsim.services.operations.operator import Outcome
from cucmsim.services.operations.publisher import UTILS_FROM, refuse_before, refuse_on_subscriber

__all__ = ["COMMANDS"]

_ASKS_BEFORE = Release(12)
_CONTINUE = "Do you want to continue? (y/n):"
_ADMINISTRATOR = Question("Enter CCM Administrator password :", echo=Echo.NOTHING)
_SFTP = Question("Enter Sftp password :", echo=Echo.NOTHING)
_CHATTER = "Processing token in else 0 tac\ncoun is 1\n" * 2
_MODES = {
    "mixed-mode": ("Mixed mode", set_mixed_mode),
    "non-secure-mode": ("non secure mode", set_non_secure_mode),
}


async def _check(context: Context, command: str) -> None:
    """Refuse what the release or the node does not do."""
    refuse_before(UTILS_FROM, context.release, command)
    refuse_on_subscriber(await context.operations.operator().newest(), context.node_name)


async def set_cluster(context: Context, arguments: Arguments) -> Steps:
    """Set the security mode of the cluster, once that is confirmed."""
    await _check(context, "utils ctl")
    name, operation = _MODES[arguments["mode"]]
    question = f"This operation will set the cluster to {name}. {_CONTINUE}"
    if is_yes((yield Question(question))):
        yield _said(await operation(context.operations.operator(), context.node_name))


async def update(context: Context, _arguments: Arguments) -> Steps:
    """Make the CTL anew, once that is confirmed."""
    await _check(context, "utils ctl")
    if is_yes((yield Question(f"This operation will update the CTLFile. {_CONTINUE}"))):
        yield _said(await update_ctl(context.operations.operator(), context.node_name))


async def reset_ctl(context: Context, _arguments: Arguments) -> Steps:
    """Make the CTL anew with the other key, once that is confirmed."""
    await _check(context, "utils ctl")
    if is_yes((yield Question(f"This operation will reset the CTLFile. {_CONTINUE}"))):
        yield _said(await reset_ctl_localkey(context.operations.operator(), context.node_name))


async def reset_with_local_key(context: Context, _arguments: Arguments) -> Steps:
    """Sign the ITL with the other key of the publisher."""
    await _check(context, "utils itl")
    if context.release < _ASKS_BEFORE:
        await _check_password(context, (yield _ADMINISTRATOR))
        yield "\n\n"
    yield _said(await reset_itl_localkey(context.operations.operator(), context.node_name))


async def reset_with_remote_key(context: Context, arguments: Arguments) -> Steps:
    """Sign the ITL with a saved key, which comes from the administrator's server."""
    await _check(context, "utils itl")
    path = PurePosixPath(arguments["file"])
    host, port = server_and_port(arguments["host"])
    password = yield _SFTP
    yield "\n"
    if context.release < _ASKS_BEFORE:
        yield f"{_CHATTER}\n"
        await _check_password(context, (yield _ADMINISTRATOR))
        yield "\n\n"
    given = {"host": host, "port": port, "user": arguments["user"], "password": password}
    account = sftp_account(given, str(path.parent))
    client, operator = context.operations.sftp, context.operations.operator()
    async with client.session(account, await client.host_key(account.host, account.port)) as server:
        data = await server.read_file(path.name)
    yield _said(await reset_itl_remotekey(operator, context.node_name, data))


async def _check_password(context: Context, password: str) -> None:
    """Refuse a wrong password; whoever has none, at `cucmsim admin`, may give any."""
    has_one = context.user in context.platform.administrators
    if has_one and not await context.platform.is_right(context.user, password):
        raise RefusedError("\nThe password is not valid.")


def _said(outcome: Outcome) -> str:
    return "".join(f"{line}\n" for line in outcome.lines)


COMMANDS = (
    Command.of(
        "utils ctl set-cluster <mode:mixed-mode|non-secure-mode>",
        set_cluster,
        level=1,
        description="Sets the security mode of the cluster and writes the CTL file.",
        example="utils ctl set-cluster mixed-mode",
    ),
    Command.of(
        "utils ctl update CTLFile",
        update,
        level=1,
        description="Writes the CTL file anew on every node.",
        example="utils ctl update CTLFile",
    ),
    Command.of(
        "utils ctl reset localkey",
        reset_ctl,
        level=4,
        during_upgrade=False,
        description="Writes the CTL file anew, signed with the key of the second SAST.",
    ),
    Command.of(
        "utils itl reset localkey",
        reset_with_local_key,
        level=4,
        description="Signs the ITL file with the other key of the publisher.",
    ),
    Command.of(
        "utils itl reset remotekey <host> <user> <file>",
        reset_with_remote_key,
        level=4,
        description="Signs the ITL file with the key of a saved ITLRecovery.p12.",
        example="utils itl reset remotekey joemar2-server.cisco.com joemar2 "
        "/home/joemar2/ITLRecovery.p12",
    ),
)
