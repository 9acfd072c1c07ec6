"""`cucmsim parameter`: show and set enterprise and service parameters of a running cluster."""

import json
from collections.abc import Iterable
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from cucmsim.cli.client import publisher_client
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import print_table
from cucmsim.cluster.operationsapi import OutcomeOfOperation, RestartReport
from cucmsim.cluster.parametersapi import ParameterReport

__all__ = ["register"]

_REPORTS = TypeAdapter(list[ParameterReport])

Service = Annotated[
    str,
    typer.Option(metavar="NAME", help="enterprise, callmanager, tftp, tvs, capf or drs."),
]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    parameters = typer.Typer(
        help="Enterprise and service parameters of a running cluster.", no_args_is_help=True
    )
    app.add_typer(parameters, name="parameter")
    parameters.command("list")(_list)
    parameters.command("set")(_set)


def _list(
    config: ConfigArgument,
    service: Service = "",
    match: Annotated[
        str, typer.Option(metavar="TEXT", help="Those with it in either name, in any case.")
    ] = "",
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show parameters: both names, the value, the default."""
    client = publisher_client(settings_for(config, data))
    found = _REPORTS.validate_python(
        client.get("/parameters", {"service": service, "match": match})
    )
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in found], indent=2))
        return
    table = Table("Service", "Name", "Shown as", "Value", "Default", box=None, pad_edge=False)
    for one in found:
        own = [f"{node}: {value}" for node, value in one.of_nodes.items()]
        cells = (one.service, one.name, one.shown, ", ".join([one.value, *own]), one.default)
        table.add_row(*map(escape, cells))
    print_table(table)


def _set(
    config: ConfigArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `parameter list` shows it.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="true and false for a flag.")],
    service: Service = "",
    node: Annotated[
        str, typer.Option(metavar="NODE", help="Set a service parameter for this node alone.")
    ] = "",
    data: DataOption = None,
) -> None:
    """Set a parameter, and say which services are to be restarted."""
    client = publisher_client(settings_for(config, data))
    wanted = {"name": name, "value": value, "service": service, "node": node}
    outcome = OutcomeOfOperation.model_validate(client.post("/parameters", wanted))
    for line in (*outcome.lines, *_consequences(outcome)):
        typer.echo(line)


def _consequences(outcome: OutcomeOfOperation) -> Iterable[str]:
    if outcome.restarts:
        yield f"To be restarted: {_named(outcome.restarts)}"
    if outcome.automatic:
        yield f"Restarted by the nodes: {_named(outcome.automatic)}"
    if outcome.resets_phones:
        yield "The phones are reset."


def _named(restarts: Iterable[RestartReport]) -> str:
    return ", ".join(one.service + (" (every node)" if one.every_node else "") for one in restarts)
