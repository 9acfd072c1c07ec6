"""`set cert bulk`: certificates travel between clusters over the administrator's SFTP server.

Source: cucm.md 1.5 (syntax, texts), seed 002 from line 59 (the steps). What `set cert bulk sftp`
asks is not published: here it is what `file get` asks, in the same words.
"""

from collections.abc import Awaitable, Callable

from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.answers import (
    SFTP_QUESTIONS,
    authenticity,
    refuse_host_key,
    sftp_account,
)
from cucmsim.services.admin.command import Arguments, Command, Context, Run, Steps
from cucmsim.services.operations.bulk import (
    BULK_TYPES,
    consolidate_certificates,
    export_certificates,
    import_certificates,
)
from cucmsim.services.operations.bulkserver import bulk_server, set_bulk_server
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.sftp import SftpServer

__all__ = ["COMMANDS"]

Step = Callable[[Operator, SftpServer, str], Awaitable[Outcome]]
_DIRECTORY = Question("\nDirectory: ")


async def set_server(context: Context, _arguments: Arguments) -> Steps:
    """Ask for the server, look whether it lets us in, and keep it."""
    given = {}
    for name, question in SFTP_QUESTIONS:
        given[name] = yield question
    account = sftp_account(given, (yield _DIRECTORY))
    client = context.operations.sftp
    key = await client.host_key(account.host, account.port)
    refuse_host_key((yield authenticity(account.host, key)))
    await set_bulk_server(context.operations.operator(), client, account, key)
    yield "\nSuccessfully set the sftp server.\n"


def _running(step: Step) -> Run:
    """Return the command that takes one of the steps at the server that was set."""

    async def run(context: Context, arguments: Arguments) -> Steps:
        operator = context.operations.operator()
        account, key = await bulk_server(operator)
        async with context.operations.sftp.session(account, key) as server:
            outcome = await step(operator, server, arguments["unit"])
        for line in outcome.lines:
            yield f"{line}\n"

    return run


async def _consolidate(_operator: Operator, server: SftpServer, name: str) -> Outcome:
    return await consolidate_certificates(server, name)


def _command(word: str, step: Step, description: str) -> Command:
    return Command.of(
        f"set cert bulk {word} <unit:all|{'|'.join(BULK_TYPES)}>",
        _running(step),
        level=1,
        during_upgrade=False,
        description=description,
        example=f"set cert bulk {word} all",
    )


COMMANDS = (
    Command.of(
        "set cert bulk sftp",
        set_server,
        level=1,
        during_upgrade=False,
        description="Sets the SFTP server of the bulk certificate exchange.",
    ),
    _command("export", export_certificates, "Writes the cluster's certificates to the server."),
    _command("consolidate", _consolidate, "Makes one file of what all clusters exported."),
    _command("import", import_certificates, "Takes the consolidated certificates."),
)
