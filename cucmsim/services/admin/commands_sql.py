"""`run sql`: any SELECT, and on the publisher some changes. Source: cucm.md 1.7; seed 001."""

from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.sql.command import run_sql

__all__ = ["COMMANDS"]


async def run_statement(context: Context, arguments: Arguments) -> Steps:
    """Run a statement over the database and print its rows."""
    for line in await run_sql(
        context.store,
        arguments["statement"],
        is_publisher=context.node.is_publisher,
        now=context.platform.local_time(),
    ):
        yield f"{line}\n"


COMMANDS = (
    Command.of(
        "run sql <statement...>",
        run_statement,
        level=1,
        description="Runs an SQL statement.",
        example="run sql select name from processnode",
    ),
)
