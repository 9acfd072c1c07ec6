"""`cucmsim fault`: make something go wrong in a running cluster, see what, and stop it.

Every process of the cluster has its own plan; what is added or cleared here goes to all of them.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from cucmsim.cli.client import ManagementClient, clients_everywhere
from cucmsim.cli.faulttext import fault_text
from cucmsim.cli.options import ConfigArgument, DataOption, device_name, settings_for
from cucmsim.cli.tables import count_of, print_table
from cucmsim.cluster.faultsapi import FaultReport, KindReport, kind_reports
from cucmsim.cluster.settings import Settings
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.services.faults.check import read_fault
from cucmsim.services.faults.kinds import KINDS, FaultKind, Value

__all__ = ["register"]

_REPORTS = TypeAdapter(list[FaultReport])
_USAGE = 2

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    faults = typer.Typer(
        help="Make things go wrong in a running cluster; docs/faults.md.", no_args_is_help=True
    )
    app.add_typer(faults, name="fault")
    faults.command("add")(_add)
    faults.command("list")(_list)
    faults.command("clear")(_clear)
    faults.command("kinds")(_kinds)


def _add(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="As `fault kinds` shows it.")],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="The parameters of the kind."),
    ] = None,
    node: Annotated[str | None, typer.Option(help="On this node only.")] = None,
    service: Annotated[str | None, typer.Option(help="Of this service only.")] = None,
    device: Annotated[str | None, typer.Option(help="To this phone only.")] = None,
    file: Annotated[
        str | None, typer.Option(help="To files of this name only; * and ? as in a shell.")
    ] = None,
    times: Annotated[int | None, typer.Option(help="So often; default: always.")] = None,
    after: Annotated[int | None, typer.Option(help="Let so many pass before.")] = None,
    probability: Annotated[float | None, typer.Option(help="From 0 to 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="What chance follows from.")] = None,
    data: DataOption = None,
) -> None:
    """Make something go wrong: which kind, where, how often."""
    named = {
        "node": node,
        "service": service,
        "device": None if device is None else device_name(device),
        "file": file,
        "times": times,
        "after": after,
        "probability": probability,
        "seed": seed,
    }
    given = {name: value for name, value in named.items() if value is not None}
    entry = {"kind": kind, **given, **_parameters(kind, parameters or [])}
    settings = settings_for(config, data)
    read_fault(entry, settings.services)  # refused here, it is refused for every process
    for client in _running(settings):
        added = FaultReport.model_validate(client.post("/faults", entry))
        typer.echo(f"fault {added.number}: {fault_text(added.rule)}")


def _list(config: ConfigArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the faults in force: how often each could have happened, and how often it did."""
    found = _merged(_running(settings_for(config, data)))
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in found], indent=2))
        return
    table = Table("Number", "Fault", "Seen", "Used", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            *map(escape, (str(one.number), fault_text(one.rule), str(one.seen), str(one.used)))
        )
    print_table(table)


def _clear(
    config: ConfigArgument,
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="One of `fault list`; default: all.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Let it go right again: one fault, or all."""
    clients = _running(settings_for(config, data))
    if number is None:
        count = len(_merged(clients))
        for client in clients:
            client.delete("/faults")
        typer.echo(f"{count_of(count, 'fault')} cleared")
        return
    refusals = [refusal for client in clients if (refusal := _remove(client, number))]
    if len(refusals) == len(clients):
        raise CommandError(refusals[0])
    typer.echo(f"fault {number} cleared")


def _kinds(as_json: JsonOption = False) -> None:
    """Show every kind of fault, with its parameters and their defaults."""
    reports = kind_reports()
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in reports], indent=2))
        return
    table = Table("Kind", "What happens", "Services", "Parameters", box=None, pad_edge=False)
    for one in reports:
        services = ", ".join(one.services) or "all"
        table.add_row(*map(escape, (one.kind, one.summary, services, _defaults(one))))
    print_table(table)


def _defaults(kind: KindReport) -> str:
    """Return the parameters of a kind as a command line would give them."""
    shown = {name: one.default for name, one in kind.parameters.items()}
    return " ".join(f"{name}={'...' if value is None else value}" for name, value in shown.items())


def _parameters(kind: str, given: list[str]) -> dict[str, Value]:
    """Read NAME=VALUE; a number where the kind has one. Raises CommandError for no `=`."""
    known = KINDS[FaultKind(kind)].parameters if kind in [*KINDS] else {}
    read: dict[str, Value] = {}
    for one in given:
        name, sign, text = one.partition("=")
        if not sign:
            raise CommandError(f"found {one!r}, expected NAME=VALUE", _USAGE)
        value: Value = text
        if name in known:
            with suppress(ValueError):  # what is no number is refused as that
                value = known[name].kind(text)
        read[name] = value
    return read


def _running(settings: Settings) -> list[ManagementClient]:
    """Return the processes that answer; one that was killed leaves its socket behind."""
    clients = clients_everywhere(settings)
    running = [client for client in clients if client.answers()]
    if not running:
        raise UnreachableError(f"no cluster answers on {clients[0].path}")
    return running


def _remove(client: ManagementClient, number: int) -> str:
    """Clear a fault of a process; return why it was not there."""
    try:
        client.delete(f"/faults/{number}")
    except UnreachableError:
        raise
    except CommandError as error:
        return str(error)
    return ""


@dataclass(slots=True)
class _Sum:
    """A fault of several processes."""

    report: FaultReport
    seen: int = 0
    used: int = 0


def _merged(clients: list[ManagementClient]) -> list[FaultReport]:
    """Return the faults of all processes; the same one is counted together."""
    sums: dict[str, _Sum] = {}
    for client in clients:
        for one in _REPORTS.validate_python(client.get("/faults")):
            key = f"{one.number:09} {json.dumps(one.rule, sort_keys=True)}"
            held = sums.setdefault(key, _Sum(one))
            held.seen += one.seen
            held.used += one.used
    return [
        held.report.model_copy(update={"seen": held.seen, "used": held.used})
        for _, held in sorted(sums.items())
    ]
