"""`set csr gen` and `show csr`: signing requests of the node. Source: cucm.md 1.5."""

from cucmsim.services.admin.command import Arguments, Command, Context, Steps
from cucmsim.services.operations.csr import generate_csr, list_csrs, show_csr

__all__ = ["COMMANDS"]


async def generate(context: Context, arguments: Arguments) -> Steps:
    """Make the signing request of a unit, in place of the one before."""
    operator = context.operations.operator()
    outcome = await generate_csr(operator, context.node_name, arguments["unit"])
    for line in outcome.lines:
        yield f"{line}\n"


async def show_list(context: Context, arguments: Arguments) -> Steps:
    """List the node's requests; a trust store has none."""
    names: tuple[str, ...] = ()
    if arguments["type"] == "own":
        names = await list_csrs(context.operations.operator(), context.node_name)
    for name in names:
        yield f"{name}\n"
    if not names:
        yield "No CSR found\n"


async def show_own(context: Context, arguments: Arguments) -> Steps:
    """Show a request as PEM; `tomcat` means `tomcat/tomcat.csr`, as with certificates."""
    name = arguments["name"]
    unit, _, file = name.partition("/")
    wanted = unit if file in ("", f"{unit}.csr") else name
    pem = await show_csr(context.operations.operator(), context.node_name, wanted)
    yield pem.decode()


COMMANDS = (
    Command.of(
        "set csr gen <unit>",
        generate,
        level=1,
        during_upgrade=False,
        description="Generates the signing request of a unit.",
        example="set csr gen tomcat",
    ),
    Command.of(
        "show csr list <type:own|trust>",
        show_list,
        description="Lists the signing requests.",
        example="show csr list own",
    ),
    Command.of(
        "show csr own <name>",
        show_own,
        description="Shows a signing request.",
        example="show csr own tomcat/tomcat.csr",
    ),
)
