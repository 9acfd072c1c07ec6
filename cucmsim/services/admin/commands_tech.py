"""`show tech`: the database from within: its state, its tables, what stands in them, parameters.

A real server shows much more under `show tech`; here is what belongs to the database. The rows of a
table are printed as `run sql` prints them; the headings are ours.
"""

from collections.abc import Iterator

from cucmsim.errors import RefusedError
from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.sql.command import run_sql
from cucmsim.store.tables import CUCM_TABLES

__all__ = ["COMMANDS"]

_RULE = "-" * 20
_ENTERPRISE = (
    "select paramname, paramvalue from processconfig where tkservice = 11 order by paramname"
)
_SERVICE = (
    "select n.name as server, s.name as service, p.paramname, p.paramvalue from processconfig p,"
    " typeservice s, processnode n where p.tkservice = s.enum and p.fkprocessnode = n.pkid and"
    " p.tkservice <> 11 order by 1, 2, 3"
)


def _heading(name: str) -> str:
    return f"\n {_RULE} show tech {name} {_RULE}\n\n"


async def show_database(context: Context, _arguments: Arguments) -> Steps:
    """Show the state of the database and how far this node is."""
    release = context.release
    is_up = context.store.is_connected
    rows = {
        "Database": f"ccm{release.major}_{release.minor}_{release.maintenance}",
        "State": "On-Line" if is_up else "does not answer",
        "Role": "publisher" if context.node.is_publisher else "subscriber",
        "Version": str(context.store.version),
        "Version here": str(context.view.replica.version),
        "Tables": str(len(CUCM_TABLES)),
    }
    yield _heading("database")
    yield "".join(f"{name:<13}: {value}\n" for name, value in rows.items())


async def show_tables(_context: Context, _arguments: Arguments) -> Steps:
    """Name the tables of the database."""
    yield _heading("systables")
    yield "".join(f"{name}\n" for name in sorted(CUCM_TABLES))


async def show_schema(_context: Context, _arguments: Arguments) -> Steps:
    """Show the tables with their columns."""
    yield _heading("dbschema")
    for name in sorted(CUCM_TABLES):
        yield f"{name}\n" + "".join(_columns(name)) + "\n"


def _columns(table: str) -> Iterator[str]:
    width = max(len(column.name) for column in CUCM_TABLES[table].columns)
    for column in CUCM_TABLES[table].columns:
        must = "" if column.nullable else " not null"
        yield f"  {column.name:<{width}} {str(column.type).lower()}{must}\n"


async def show_table(context: Context, arguments: Arguments) -> Steps:
    """Show what stands in a table."""
    name = arguments["table"].lower()
    if name not in CUCM_TABLES:
        raise RefusedError(f"The specified table ({name}) is not in the database.")
    yield _heading(f"table {name}")
    async for text in _rows(context, f"select * from {name}"):  # noqa: S608 - a name of ours
        yield text


async def show_parameters(context: Context, arguments: Arguments) -> Steps:
    """Show the enterprise parameters that were set, those of services, or all."""
    kind = arguments["kind"]
    for name, statement in (("enterprise", _ENTERPRISE), ("service", _SERVICE)):
        if kind in (name, "all"):
            yield _heading(f"params {name}")
            async for text in _rows(context, statement):
                yield text


async def _rows(context: Context, statement: str) -> Steps:
    for line in await run_sql(
        context.store, statement, is_publisher=False, now=context.platform.local_time()
    ):
        yield f"{line}\n"


COMMANDS = (
    Command.of("show tech database", show_database, description="Shows the state of the database."),
    Command.of("show tech systables", show_tables, description="Names the tables."),
    Command.of("show tech dbschema", show_schema, description="Shows the tables' columns."),
    Command.of(
        "show tech table <table>",
        show_table,
        level=1,
        description="Shows what stands in a table.",
        example="show tech table processnode",
    ),
    Command.of(
        "show tech params <kind:all|enterprise|service>",
        show_parameters,
        level=1,
        description="Shows the parameters that were set.",
        example="show tech params enterprise",
    ),
)
