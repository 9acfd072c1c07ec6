"""`cucmsim status` and `cucmsim stop`: ask a running cluster how it is, or to end."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import print_table
from cucmsim.cli.wholestatus import print_whole
from cucmsim.cluster.directory import is_held
from cucmsim.cluster.node import ServiceState
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.reports import StatusReport
from cucmsim.cluster.wholestatus import ClusterReport
from cucmsim.errors import CommandError, UnreachableError

__all__ = ["register"]

_STOP_S = 15.0
_POLL_S = 0.05


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""

    @app.command("status")
    def _status(
        config: ConfigArgument,
        data: DataOption = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
        phones: Annotated[
            bool, typer.Option("--phones", help="Name the phones that hold each ITL.")
        ] = False,
    ) -> None:
        """Show the nodes here, then the whole cluster. Exit status 1 when a node is not whole."""
        clients = clients_of(settings_for(config, data))
        reports, silent = _reports(clients)
        whole = _whole(clients, phones=phones)
        if as_json:
            shown = [report.model_dump(mode="json") for report in reports]
            seen = whole.model_dump(mode="json")
            typer.echo(json.dumps([{**report, "whole": seen} for report in shown], indent=2))
        elif not quiet:
            _print(reports)
            print_whole(whole)
        for line in () if quiet else silent:
            typer.echo(f"cucmsim: {line}", err=True)
        if silent or not whole.is_whole or not all(_is_whole(report) for report in reports):
            raise typer.Exit(1)

    @app.command("stop")
    def _stop(config: ConfigArgument, data: DataOption = None) -> None:
        """Stop every process of the cluster that runs here, and wait until it has ended."""
        clients = clients_of(settings_for(config, data))
        running = [client for client in clients if client.answers()]
        if not running:
            raise UnreachableError(f"no cluster answers on {clients[0].path}")
        for client in running:
            client.post("/stop")
        for client in running:
            _wait_gone(client.path)
        typer.echo("Stopped.")


def _reports(clients: list[ManagementClient]) -> tuple[list[StatusReport], list[str]]:
    """Return what each process says, and a line for each that does not answer.

    Raises UnreachableError when none does.
    """
    reports, silent = [], []
    for client in clients:
        try:
            reports.append(StatusReport.model_validate(client.get("/status")))
        except UnreachableError as error:
            silent.append(str(error))
    if not reports:
        raise UnreachableError("\n".join(silent))
    return reports, silent


def _whole(clients: list[ManagementClient], *, phones: bool) -> ClusterReport:
    """Return the whole cluster as the first process that answers sees it."""
    client = next(client for client in clients if client.answers())
    return ClusterReport.model_validate(client.get("/cluster", {"phones": int(phones)}))


def _is_whole(report: StatusReport) -> bool:
    return all(
        service.state is ServiceState.STARTED for node in report.nodes for service in node.services
    )


def _upgrades(report: StatusReport) -> Iterator[str]:
    """Yield a line for each node that has been upgraded, or is being."""
    for node in report.nodes:
        held = node.versions
        told = [f"version {held.active}"]
        told += [f"{held.inactive} is inactive"] if held.inactive else []
        told += [f"{held.installing} is being installed"] if held.installing else []
        if len(told) > 1:
            yield f"{node.name}: {', '.join(told)}"


def _print(reports: list[StatusReport]) -> None:
    for report in reports:
        typer.echo(
            f"{report.cluster}: release {report.release}, {report.security_mode},"
            f" {report.devices} phones; process {report.pid}"
            f" since {report.started:%Y-%m-%d %H:%M:%S} UTC"
        )
        for line in _upgrades(report):
            typer.echo(line)
    table = Table(
        "Node", "Role", "Address", "Service", "State", "Ports", "Replica", "Phones", box=None
    )
    for report in reports:
        for node in report.nodes:
            for service in node.services:
                ports = ", ".join(map(str, service.ports))
                table.add_row(
                    node.name,
                    node.role,
                    node.address,
                    service.name,
                    service.state.value,
                    ports,
                    str(node.version),
                    str(node.registered) if service.name == ServiceName.CALLMANAGER else "",
                )
    print_table(table)


def _wait_gone(socket: Path) -> None:
    """Wait until the process has let go of its lock. Raises CommandError when it does not."""
    deadline = time.monotonic() + _STOP_S
    while is_held(socket.with_suffix(".lock")):
        if time.monotonic() > deadline:
            raise CommandError(f"the cluster on {socket} has not ended after {_STOP_S:.0f} s")
        time.sleep(_POLL_S)
