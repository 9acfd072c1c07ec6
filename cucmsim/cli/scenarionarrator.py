"""How a run of a scenario is told: to a person as it goes, or as a value for a program."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Final

import typer
from rich.table import Table

from cucmsim.cli.tables import print_table
from cucmsim.cluster.journalapi import EventReport
from cucmsim.scenarios.narrative import (
    Check,
    Decided,
    Happened,
    Passage,
    Result,
    Shown,
    Tell,
    WhoActs,
)
from cucmsim.scenarios.observed import UNKNOWN
from cucmsim.scenarios.runner import Order, RunResult, Verdict
from cucmsim.scenarios.sentences import exchange_line, told, told_besides

__all__ = [
    "again",
    "conclusion",
    "json_of",
    "narrate_to",
    "opening",
    "passage_lines",
    "print_results",
    "progress_line",
]

_COLOURS: Final = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "red",
    Verdict.ERROR: "red",
    Verdict.NOT_APPLICABLE: "yellow",
    Verdict.NOT_JUDGED: "yellow",
}
_MARKS: Final = {
    Result.MET: ("  met     ", "green"),
    Result.BROKEN: ("  BROKEN  ", "red"),
    Result.UNSEEN: ("  unseen  ", "yellow"),
}
_ACTORS: Final = {WhoActs.ADMINISTRATOR: "cyan", WhoActs.PHONE: "magenta", WhoActs.FAULT: "red"}
_MAIN: Final = "cluster"


def opening(order: Order, phone: str, model: str) -> Iterator[str]:
    """Return what stands above a run."""
    one = order.scenario
    yield typer.style(f"{one.name}: {one.title}", bold=True)
    with_phone = f", phone {phone} ({model})" if one.phones else ""
    seed = f", seed {order.seed}" if order.around is None else ""
    yield f"release {order.release}{with_phone}{seed}; source: {one.source}"
    yield ""
    yield from (f"  {line}".rstrip() for line in one.story.splitlines())
    yield ""


def narrate_to(*, verbose: bool) -> Tell:
    """Return what prints passages as they come."""

    def tell(passage: Passage) -> None:
        for line in passage_lines(passage, verbose=verbose):
            typer.echo(line)

    return tell


def passage_lines(passage: Passage, *, verbose: bool) -> Iterator[str]:
    """Return the lines for a passage: none where it is for the curious only."""
    match passage:
        case Happened():
            yield from _step(passage)
        case Shown(exchange=exchange):
            yield _detail("wire", exchange_line(exchange), dim=True)
        case Decided(event=event):
            sentence = told(event) or (told_besides(event) if verbose else None)
            if sentence:
                yield _detail("phone", sentence)
        case Check():
            yield _check(passage)


def _step(step: Happened) -> Iterator[str]:
    who, where = f"{step.who}: ", ""
    if step.who in (WhoActs.NARRATOR, WhoActs.PHONE):
        who, where = "", f"{step.where} " if step.where else ""
    is_other = step.who is WhoActs.ADMINISTRATOR and step.where != _MAIN
    place = f" [{step.where}]" if is_other else ""
    yield typer.style(f"* {who}{where}{step.text}{place}", fg=_ACTORS.get(step.who), bold=True)
    for line in step.said:
        if line.strip():
            yield _detail("server", line)


def _detail(label: str, text: str, *, dim: bool = False) -> str:
    return typer.style(f"  {label:<7} {text}", dim=dim)


def _check(check: Check) -> str:
    mark, colour = _MARKS[check.result]
    claim = check.claim
    if check.result is Result.BROKEN:
        claim += f": found {check.found}, expected {check.wanted}"
    elif check.result is Result.UNSEEN:
        shown = check.found == UNKNOWN.value
        claim += ": a device does not show that" if shown else f": {check.found}"
    elif check.wanted != "yes" and check.wanted not in check.claim:
        claim += f": {check.found}"
    return typer.style(mark, fg=colour, bold=True) + claim


def conclusion(result: RunResult, outcome: str) -> Iterator[str]:
    """Return what stands below a run."""
    yield ""
    verdict = typer.style(result.verdict.upper(), fg=_COLOURS[result.verdict], bold=True)
    yield f"{verdict} after {result.seconds:.1f} s{': ' if result.reason else ''}{result.reason}"
    yield f"what must come of it: {outcome}"
    if result.seed is None:
        return
    digest = f", wire {result.digest[:16]}" if result.digest else ""
    yield f"seed {result.seed}{digest}; the same run again:"
    yield f"  {again(result)}"


def again(result: RunResult) -> str:
    """Return the command that gives the same run."""
    parameters = "".join(f" {name}={value}" for name, value in result.parameters.items())
    phone = f" --phone {result.model}" if result.model else ""
    return (
        f"cucmsim scenario run {result.scenario}{parameters} --release {result.release}{phone}"
        f" --seed {result.seed}"
    )


def print_results(results: Iterable[RunResult]) -> None:
    """Print a table of runs, and how many came out how."""
    table = Table(box=None, header_style="bold")
    for heading in ("Scenario", "Release", "Phone", "Verdict", "Seconds", "Why"):
        table.add_column(heading, no_wrap=heading != "Why")
    counts = dict.fromkeys(Verdict, 0)
    for one in results:
        counts[one.verdict] += 1
        parameters = "".join(f" {name}={value}" for name, value in one.parameters.items())
        verdict = f"[{_COLOURS[one.verdict]}]{one.verdict}"
        row = (one.scenario + parameters, one.release, one.model, verdict, f"{one.seconds:.1f}")
        table.add_row(*row, one.reason.replace("[", "\\["))
    print_table(table)
    typer.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))


def json_of(result: RunResult, passages: Iterable[Passage]) -> str:
    """Return a run as a JSON object on one line."""
    told_so_far = [value for one in passages if (value := _value(one)) is not None]
    values = {
        each.name: getattr(result, each.name) for each in fields(result) if each.name != "captures"
    }
    values |= {
        "digest": result.digest,
        "checks": [_value(check) for check in result.checks],
        "parameters": dict(result.parameters),
        "narration": told_so_far,
    }
    return json.dumps(values)


def _value(passage: Passage) -> dict[str, object] | None:
    match passage:
        case Happened(who=who, where=where, text=text, said=said):
            return {"is": "step", "who": who, "where": where, "text": text, "said": [*said]}
        case Shown(cluster=cluster, exchange=exchange):
            return {"is": "exchange", "cluster": cluster, **_exchange(exchange)}
        case Decided(phone=phone, event=event):
            sentence = told(event) or told_besides(event)
            name = type(event).__name__
            return {"is": "decision", "phone": phone, "event": name, "text": sentence}
        case Check(claim=claim, wanted=wanted, found=found, result=result):
            return {
                "is": "check",
                "claim": claim,
                "wanted": wanted,
                "found": found,
                "result": result,
            }


def _exchange(exchange: EventReport) -> dict[str, object]:
    values: dict[str, object] = exchange.model_dump(mode="json")
    return values


def progress_line(result: RunResult, count: str) -> str:
    """Return the line of a run among many."""
    verdict = typer.style(f"{result.verdict:<14}", fg=_COLOURS[result.verdict])
    parameters = "".join(f" {name}={value}" for name, value in result.parameters.items())
    why = f"  {result.reason}" if result.reason else ""
    name = f"{result.scenario}{parameters}"
    return f"{count:>7}  {verdict} {name}, release {result.release}, {result.seconds:.1f} s{why}"
