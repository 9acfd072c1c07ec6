"""`set password user security`: the password that ITLRecovery.p12 is made under.

Source: seed 003, lines 558 to 560 (what it is for, that the alert comes back). The texts of the
dialog are not in the documents.
"""

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps
from cucmsim.services.operations.publisher import refuse_on_subscriber
from cucmsim.services.operations.securitypassword import (
    change_security_password,
    check_security_password,
)

__all__ = ["COMMANDS"]

_HIDDEN = Echo.STARS


async def set_security_password(context: Context, _arguments: Arguments) -> Steps:
    """Change the cluster security password; ITLRecovery.p12 is to be fetched anew then."""
    operator, node = context.operations.operator(), context.node_name
    refuse_on_subscriber(await operator.newest(), node)
    old = yield Question("Please enter the old password: ", echo=_HIDDEN)
    new = yield Question("Please enter the new password: ", echo=_HIDDEN)
    check_security_password(new)
    if (yield Question("Reenter new password to confirm: ", echo=_HIDDEN)) != new:
        raise RefusedError("The passwords do not match.")
    yield (
        "\nWARNING:\n"
        "Please make sure that the security password on the publisher is changed first.\n"
        "The security password needs to be the same on all cluster nodes.\n\n"
    )
    if not is_yes((yield Question("Continue (y/n)?"))):
        yield Mark.FAILED
        return
    yield "\nPlease wait...\n\n"
    await change_security_password(operator, node, old, new)
    yield "Password updated successfully.\n"


COMMANDS = (
    Command.of(
        "set password user security",
        set_security_password,
        level=4,
        during_upgrade=False,
        description="Changes the security password of the cluster.",
    ),
)
