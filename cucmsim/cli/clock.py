"""`cucmsim clock`: show the clock of a running cluster, or move it forward."""

import time
from datetime import timedelta
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.durations import parse_duration
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.clockapi import ClockReport
from cucmsim.errors import CommandError

__all__ = ["register"]

_FOLLOW_S = 10.0
_POLL_S = 0.05


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""

    @app.command("clock")
    def _clock(
        config: ConfigArgument,
        advance: Annotated[
            str | None,
            typer.Option(metavar="TIME", help="Move it forward: 5m, 90s, 1d12h (s, m, h, d, w)."),
        ] = None,
        data: DataOption = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    ) -> None:
        """Show the cluster's clock, or move it forward for all its nodes. It never goes back."""
        by = None if advance is None else parse_duration("--advance", advance)
        clients = clients_of(settings_for(config, data))
        running = [client for client in clients if client.answers()] or clients
        report = _asked(running[0]) if by is None else _advanced(running, by)
        if as_json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            typer.echo(
                f"{report.now:%Y-%m-%d %H:%M:%S} UTC, {timedelta(seconds=report.ahead_s)} ahead"
            )


def _asked(client: ManagementClient) -> ClockReport:
    return ClockReport.model_validate(client.get("/clock"))


def _advanced(clients: list[ManagementClient], by: timedelta) -> ClockReport:
    """Move the clock by one process, and wait until every one shows it."""
    sent = {"seconds": int(by.total_seconds())}
    report = ClockReport.model_validate(clients[0].post("/clock/advance", sent))
    deadline = time.monotonic() + _FOLLOW_S
    for client in clients[1:]:
        while _asked(client).ahead_s < report.ahead_s:
            if time.monotonic() > deadline:
                raise CommandError(f"the process on {client.path} has not followed")
            time.sleep(_POLL_S)
    return report
