"""`set network hostname`, `set` and `unset network domain`: the node gets another name.

Source: cucm.md 1.6, with the warning of 9 to 12.5 about the licence; from 14 the dialog begins with
the box. The address is not changed. Of the notification scripts only those are named that do
something here; the dialog of the domain is not in the documents.
"""

from cucmsim.errors import RefusedError
from cucmsim.pki.release import Release
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import is_yes
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.operations.rename import rename_domain, rename_host

__all__ = ["COMMANDS"]

_NO_LICENCE_FROM = Release(14)
_LICENCE = """\
WARNING: Changing this setting will invalidate software license
         on this server. The license will have to be re-hosted.
Continue(y/n):
"""
_BOX = """
ctrl-c: To quit the input.

         ***   W A R N I N G   ***
Do not close this window without first canceling the command.

This command will automatically restart system services.
The command should not be issued during normal operating
hours.

=======================================================
 Note: Please verify that the new hostname is a unique
       name across the cluster and, if DNS services are
       utilized, any DNS configuration is completed
       before proceeding.
=======================================================

Security Warning : This operation will regenerate
       all CUCM Certificates including any third party
       signed Certificates that have been uploaded.

"""
_ADDRESS = Question("Would you like to change the network ip address at this time [yes]:: ")
_FINISHES = "\nWarning: Do not close this window until command finishes.\n\n"
_DOMAIN_WARNING = """
         ***   W A R N I N G   ***
This will cause all certificates of this server to be regenerated
and its services to restart.

"""


async def set_hostname(context: Context, _arguments: Arguments) -> Steps:
    """Give the node another host name, in the dialog of the server."""
    if context.release < _NO_LICENCE_FROM:
        yield _LICENCE
        if not is_yes((yield Question("Continue (y/n)?"))):
            return
    yield _BOX
    host = (yield Question("Enter the hostname:: ")).strip()
    if (yield _ADDRESS).strip().lower() not in ("n", "no"):
        raise RefusedError("The network ip address of this node is set in its description.")
    yield f"{_FINISHES}Hostname: {host}\n"
    if not is_yes((yield Question("Do you want to continue [yes/no]? "))):
        return
    old = context.node.host
    outcome = await rename_host(context.operations.operator(), context.node_name, host)
    yield (
        "\n"
        "calling 4 of 10 component notification script: ahostname_callback.sh\n"
        f"Info(0): Processnode query returned using {old}:\nname\n====\n{old}\n"
        f"updating server table from:'{old}', to: '{host}'\nRows: 1\n"
        "calling 5 of 10 component notification script: clm_notify_hostname.sh\n"
        f"Verifying update across cluster nodes...\nUpdating platformConfig.xml: {old} to {host}\n"
        "cluster update successfull\n"
        "calling 9 of 10 component notification script: regenerate_all_certs.sh\n"
        f"\n{outcome.lines[-1]}\n"
    )


def set_domain(context: Context, arguments: Arguments) -> Steps:
    """Give the node another domain name. Raises RefusedError without one."""
    if "domain" not in arguments:
        raise RefusedError(
            f"The domain name of this node is {context.node.domain or 'not set'}. Expected the"
            ' new one; "unset network domain" takes it away.'
        )
    return _change_domain(context, arguments["domain"])


def unset_domain(context: Context, _arguments: Arguments) -> Steps:
    """Take the domain name of the node away."""
    return _change_domain(context, "")


async def _change_domain(context: Context, domain: str) -> Steps:
    """Change the domain name once that is confirmed; "" is none."""
    yield _DOMAIN_WARNING
    if not is_yes((yield Question("Continue (y/n)?"))):
        return
    outcome = await rename_domain(context.operations.operator(), context.node_name, domain)
    yield f"{outcome.lines[-1]}\n"


async def set_address(_context: Context, _arguments: Arguments) -> Steps:
    """Refuse: a node listens where its description says."""
    raise RefusedError("The network ip address of this node is set in its description.")
    yield ""  # a generator, as every command


COMMANDS = (
    Command.of(
        "set network hostname",
        set_hostname,
        level=1,
        during_upgrade=False,
        description="Sets the host name of the node; all its certificates are regenerated.",
    ),
    Command.of(
        "set network domain [domain]",
        set_domain,
        level=1,
        during_upgrade=False,
        description="Sets the domain name of the node; all its certificates are regenerated.",
        example="set network domain example.com",
    ),
    Command.of(
        "unset network domain",
        unset_domain,
        level=1,
        during_upgrade=False,
        description="Takes the domain name away; all certificates are regenerated.",
    ),
    Command.of(
        "set network ip eth0 <address> <mask> <gateway>",
        set_address,
        level=1,
        during_upgrade=False,
        description="Would set the address of the node, which is set in its description.",
        example="set network ip eth0 10.3.90.21 255.255.254.0 10.3.90.1",
    ),
)
