"""`cucmsim journal`: what crossed the wire of a running cluster, so far and from now on."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.durations import is_duration, parse_duration
from cucmsim.cli.journalpages import LONGEST_PAGE, Query, Reading, in_order, read_all
from cucmsim.cli.journaltail import JournalTail
from cucmsim.cli.loop import run_loop
from cucmsim.cli.options import ConfigArgument, DataOption, device_name, settings_for
from cucmsim.cluster.clockapi import ClockReport
from cucmsim.cluster.journalapi import EventReport
from cucmsim.cluster.journaltext import line_of
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.problems import nearest
from cucmsim.errors import CommandError
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.journal import ANY_FAULT

__all__ = ["register"]

_USAGE = 2
_TAIL = 10


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("journal")(_journal)


def _journal(  # noqa: PLR0913 - a command line's options
    config: ConfigArgument,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    node: Annotated[str, typer.Option(metavar="NAME", help="What this node was asked.")] = "",
    service: Annotated[
        str, typer.Option(metavar="NAME", help="What this service was asked, such as tvs.")
    ] = "",
    device: Annotated[
        str, typer.Option(metavar="NAME", help="What this phone asked: SEP and MAC address.")
    ] = "",
    fault: Annotated[
        str, typer.Option(metavar="NAME", help="With this fault (or a part of it), or with any.")
    ] = "",
    request: Annotated[
        str, typer.Option(metavar="TEXT", help="With this in the request, in any case.")
    ] = "",
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="Not before: 5m (ago), or 2026-03-01T10:00 (UTC)."),
    ] = "",
    last: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=LONGEST_PAGE, help=f"The last N; {_TAIL} with --follow."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
    data: DataOption = None,
) -> None:
    """Show what crossed the wire: time, node, service, phone, request and answer, fault."""
    settings = settings_for(config, data)
    given = {
        "node": _one_of("--node", node, [held.name for held in settings.nodes]),
        "service": _one_of("--service", service, [str(one) for one in ServiceName]),
        "device": device_name(device) if device else "",
        "fault": _fault(fault),
        "request": request,
    }
    clients = clients_of(settings)
    if since:
        given["since"] = _moment(since, clients)
    query = {key: text for key, text in given.items() if text}
    if follow and last is None and not since:
        last = _TAIL
    tell = _tell_json if as_json else _tell
    readings = _told_so_far(clients, query, last, tell)
    if follow:
        tail = JournalTail(settings.cluster.data_directory, query, readings, tell, _note)
        run_loop(tail.run())


def _told_so_far(
    clients: list[ManagementClient],
    query: Query,
    last: int | None,
    tell: Callable[[EventReport], None],
) -> list[Reading]:
    """Tell what is there, in order of time; return what was read."""
    readings, silent = read_all(clients, query, last)
    for line in silent:
        _note(line)
    for held in readings:
        if held.dropped_before:
            _note(f"{held.process}: exchanges before number {held.dropped_before} are lost")
    events = in_order(event for held in readings for event in held.events)
    for event in events[-last:] if last else events:
        tell(event)
    return readings


def _tell(event: EventReport) -> None:
    """Print a line for a person."""
    typer.echo(line_of(event))


def _tell_json(event: EventReport) -> None:
    typer.echo(event.model_dump_json())


def _note(line: str) -> None:
    """Print what is not of the journal where it is not taken for it."""
    sys.stdout.flush()
    typer.echo(f"cucmsim: {line}", err=True)


def _one_of(option: str, given: str, names: list[str]) -> str:
    """Return a name that may be given. Raises CommandError."""
    if not given or given in names:
        return given
    hint = nearest(given, names)
    also = f"; did you mean {hint!r}?" if hint else ""
    raise CommandError(
        f"found {option} {given!r}, expected one of {', '.join(names)}{also}", _USAGE
    )


def _fault(given: str) -> str:
    """Return what names a fault, or a part of one. Raises CommandError."""
    kinds = list(FaultKind)
    if not given or given == ANY_FAULT or any(given.lower() in kind for kind in kinds):
        return given
    hint = nearest(given, kinds)
    also = f"; did you mean {str(hint)!r}?" if hint else ""
    raise CommandError(f"found --fault {given!r}, expected {ANY_FAULT} or the name of one{also}", 2)


def _moment(since: str, clients: list[ManagementClient]) -> str:
    """Return the moment that is meant, by the cluster's clock where it is `ago`."""
    if is_duration(since):
        running = [client for client in clients if client.answers()] or clients
        now = ClockReport.model_validate(running[0].get("/clock")).now
        return _ago(now, since).isoformat()
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        expected = "a time ago such as 5m or 1h30m, or a moment such as 2026-03-01T10:00"
        raise CommandError(f"found --since {since!r}, expected {expected}", _USAGE) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _ago(now: datetime, since: str) -> datetime:
    try:
        return now - parse_duration("--since", since)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
