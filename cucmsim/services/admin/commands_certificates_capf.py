"""`utils capf`: the keep-alive timer, and the LSCs of a CAPF certificate that was replaced.

Source: cucm.md 1.7 and 6 (syntax, range, what is stale); the texts are ours.
"""

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.operations.stalelsc import delete_stale_lscs, stale_lscs
from cucmsim.services.parameters import SERVICE_PARAMETERS
from cucmsim.store.rows import Device

__all__ = ["COMMANDS"]

_KEEP_ALIVE = SERVICE_PARAMETERS["capf"]["KeepAliveTimer"]
_NONE_STALE = "No stale LSC found\n"


async def set_keep_alive(context: Context, arguments: Arguments) -> Steps:
    """Set after how many silent minutes CAPF ends a connection; it counts after its restart."""
    try:
        value = _KEEP_ALIVE.store(arguments["minutes"])
    except ValueError:
        raise RefusedError(
            "Enter valid values for the minutes. \n"
            f"Suggested values are {_KEEP_ALIVE.low} to {_KEEP_ALIVE.high}"
        ) from None
    async with context.store.transaction() as transaction:
        await transaction.set_service_parameter("capf", _KEEP_ALIVE.name, value)
    yield f"CAPF keep alive timer is set to {value} minutes.\n"
    yield "Please restart Cisco Certificate Authority Proxy Function.\n"


async def list_stale(context: Context, _arguments: Arguments) -> Steps:
    """List the phones with a stale LSC, and who issued it."""
    stale = stale_lscs(await context.operations.operator().newest())
    if not stale:
        yield _NONE_STALE
        return
    width = max(len(device.name) for device in stale)
    yield f"{'Device Name':{width}} LSC Issuer\n"
    for device in stale:
        yield _row(device, width)
    yield f"Number of stale LSC : {len(stale)}\n"


def _row(device: Device, width: int) -> str:
    return f"{device.name:{max(width, len('Device Name'))}} {device.lsc_issuer}\n"


async def delete_stale(context: Context, _arguments: Arguments) -> Steps:
    """Forget the stale LSCs in the database, once that is confirmed."""
    operator = context.operations.operator()
    if not stale_lscs(await operator.newest()):
        yield _NONE_STALE
        return
    yield "This operation will delete all stale LSC from the database.\n"
    if is_yes((yield Question("Continue (y/n)?"))):
        yield f"Number of stale LSC deleted : {await delete_stale_lscs(operator)}\n"


async def list_requests(_context: Context, _arguments: Arguments) -> Steps:
    """Say that no request waits for an outside authority: CAPF signs by itself."""
    yield "No CSR found\n"


COMMANDS = (
    Command.of(
        "utils capf csr list",
        list_requests,
        level=1,
        description="Lists the requests of phones that wait for an outside authority.",
    ),
    Command.of(
        "utils capf set keep_alive <minutes>",
        set_keep_alive,
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description="Sets the keep-alive timer of CAPF, 5 to 60 minutes.",
        example="utils capf set keep_alive 15",
    ),
    Command.of(
        "utils capf stale-lsc list",
        list_stale,
        level=1,
        publisher_only=True,
        description="Lists the phones whose LSC an earlier CAPF certificate signed.",
    ),
    Command.of(
        "utils capf stale-lsc delete [which:all]",
        delete_stale,
        level=1,
        publisher_only=True,
        during_upgrade=False,
        description="Deletes such LSCs from the database.",
        example="utils capf stale-lsc delete all",
    ),
)
