"""`cucmsim scenario list|show|run`: documented situations, played with a verdict.

`run` is in `scenariorun`. Exit status: 0 every run passed, 1 one did not (failed, an error, not
judged, or not applicable, which with `--all` does not count), 2 usage, 69 a cluster or device that
runs elsewhere does not answer.
"""

import json
from typing import Annotated

import typer
from rich.table import Table

from cucmsim.cli import scenariorun
from cucmsim.cli.scenariochoice import FileOption, known_scenarios, scenario_named
from cucmsim.cli.tables import print_table
from cucmsim.scenarios.model import Scenario
from cucmsim.scenarios.steplist import steps_of

__all__ = ["register"]

_WIDTH = 12

_Json = Annotated[bool, typer.Option("--json", help="Say it as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer(name="scenario", help="Play documented situations.", no_args_is_help=True)
    group.command("list")(_list)
    group.command("show")(_show)
    scenariorun.register(group)
    app.add_typer(group)


def _list(*, files: FileOption = None, as_json: _Json = False) -> None:
    """List the scenarios there are."""
    known = known_scenarios(files)
    if as_json:
        typer.echo(json.dumps([_report(one) for one in known], indent=2))
        return
    table = Table(box=None, header_style="bold")
    for heading in ("Name", "What", "Releases", "Source"):
        table.add_column(heading, no_wrap=heading == "Name")
    for one in known:
        table.add_row(one.name, one.title, " ".join(one.releases), one.source)
    print_table(table)


def _show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A scenario.")],
    *,
    files: FileOption = None,
    as_json: _Json = False,
) -> None:
    """Show a scenario: its cluster, its steps, what must come of it, its parameters."""
    shown = scenario_named(name, known_scenarios(files))
    if as_json:
        typer.echo(json.dumps(_report(shown), indent=2))
        return
    typer.echo(f"{shown.name}: {shown.title}\n")
    for line in shown.story.splitlines():
        typer.echo(f"  {line}".rstrip())
    typer.echo("")
    for number, line in enumerate(steps_of(shown.play)):
        _line("" if number else "steps", line)
    _line("outcome", shown.outcome)
    _line("source", shown.source)
    _line("cluster", _cluster(shown))
    _line("releases", ", ".join(shown.releases))
    _line("phone", "any; 8861 by default" if shown.phones else "none takes part")
    for parameter, choice in shown.choices.items():
        first, *others = choice.values
        _line("parameter", f"{parameter}={first} (or {', '.join(others)}): {choice.help}")


def _line(name: str, text: str) -> None:
    typer.echo(f"{name:<{_WIDTH}}{text}")


def _cluster(shown: Scenario) -> str:
    """Say in a line what the cluster is like."""
    shape = shown.shape
    nodes = f"{shape.nodes} node{'s' * (shape.nodes > 1)}"
    phones = ", ".join(f"{one.identity.name} ({one.identity.model})" for one in shape.phones)
    extra = f"; sets {', '.join(shape.extra)}" if shape.extra else ""
    return f"{nodes}, {shape.mode}, phones {phones or 'none'}{extra}"


def _report(shown: Scenario) -> dict[str, object]:
    """Return what is known of a scenario as JSON has it."""
    return {
        "name": shown.name,
        "title": shown.title,
        "source": shown.source,
        "outcome": shown.outcome,
        "story": shown.story,
        "steps": [*steps_of(shown.play)],
        "cluster": {
            "mode": shown.shape.mode,
            "nodes": shown.shape.nodes,
            "phones": [
                {"name": one.identity.name, "model": one.identity.model}
                for one in shown.shape.phones
            ],
            "sets": [*shown.shape.extra],
        },
        "releases": [*shown.releases],
        "phones": shown.phones,
        "parameters": {
            name: {"help": one.help, "values": [*one.values]} for name, one in shown.choices.items()
        },
    }
