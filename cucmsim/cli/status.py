"""`cucmsim status` and `cucmsim stop`: ask a running cluster how it is, or to end."""

import json
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.management import StatusReport
from cucmsim.cluster.node import ServiceState
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
    ) -> None:
        """Show nodes, services and phones. Exit status 1 when a service is stopped."""
        reports = [_report(client) for client in clients_of(settings_for(config, data))]
        if as_json:
            typer.echo(json.dumps([report.model_dump(mode="json") for report in reports], indent=2))
        elif not quiet:
            _print(reports)
        if not all(_is_whole(report) for report in reports):
            raise typer.Exit(1)

    @app.command("stop")
    def _stop(config: ConfigArgument, data: DataOption = None) -> None:
        """Stop every process of the cluster that runs here, and wait until it has ended."""
        for client in clients_of(settings_for(config, data)):
            client.post("/stop")
            _wait_gone(client)
        typer.echo("Stopped.")


def _report(client: ManagementClient) -> StatusReport:
    return StatusReport.model_validate(client.get("/status"))


def _is_whole(report: StatusReport) -> bool:
    return all(
        service.state is ServiceState.STARTED for node in report.nodes for service in node.services
    )


def _print(reports: list[StatusReport]) -> None:
    for report in reports:
        typer.echo(
            f"{report.cluster}: release {report.release}, {report.security_mode},"
            f" {report.devices} phones; process {report.pid}"
            f" since {report.started:%Y-%m-%d %H:%M:%S} UTC"
        )
    table = Table("Node", "Role", "Address", "Service", "State", "Ports", "Replica", box=None)
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
                )
    Console().print(table)


def _wait_gone(client: ManagementClient) -> None:
    """Wait until the process has let go of its socket. Raises CommandError when it does not."""
    deadline = time.monotonic() + _STOP_S
    while client.path.exists():
        if time.monotonic() > deadline:
            raise CommandError(f"the cluster on {client.path} has not ended after {_STOP_S:.0f} s")
        try:
            client.get("/ready")
        except UnreachableError:
            return
        time.sleep(_POLL_S)
