"""`cucmsim capture`: record the packets of a running cluster, and save them for Wireshark."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import count_of
from cucmsim.cluster.captureapi import CaptureReport
from cucmsim.errors import CommandError

__all__ = ["probe_file", "register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    captures = typer.Typer(
        help="Packets of a running cluster, for Wireshark.", no_args_is_help=True
    )
    app.add_typer(captures, name="capture")
    captures.command("start")(_start)
    captures.command("stop")(_stop)
    captures.command("status")(_status)
    captures.command("save")(_save)


def _start(config: ConfigArgument, data: DataOption = None) -> None:
    """Begin to capture, in every process of the cluster; what was captured before is forgotten."""
    for client in clients_of(settings_for(config, data)):
        _tell(client, _switched(client, on=True))


def _stop(config: ConfigArgument, data: DataOption = None) -> None:
    """Capture no more; what was captured can still be saved."""
    for client in clients_of(settings_for(config, data)):
        _tell(client, _switched(client, on=False))


def _status(
    config: ConfigArgument,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show whether packets are captured, and how many were."""
    clients = clients_of(settings_for(config, data))
    reports = [CaptureReport.model_validate(client.get("/capture")) for client in clients]
    if as_json:
        typer.echo(json.dumps([report.model_dump() for report in reports], indent=2))
        return
    for client, report in zip(clients, reports, strict=True):
        _tell(client, report)


def _save(
    config: ConfigArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it (pcapng).")],
    data: DataOption = None,
) -> None:
    """Write what was captured so far; of several processes a section each."""
    clients = clients_of(settings_for(config, data))
    probe_file(file)
    reports = [CaptureReport.model_validate(client.get("/capture")) for client in clients]
    packets = sum(report.packets for report in reports)
    if not packets:
        raise CommandError("nothing was captured: `cucmsim capture start CONFIG` begins")
    whole = b"".join(client.download("/capture/pcapng") for client in clients)
    try:
        file.write_bytes(whole)
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror or error}") from error
    typer.echo(f"{file}: {count_of(packets, 'packet')}.")
    for report in reports:
        if report.dropped:
            typer.echo(f"cucmsim: {_dropped(report)}", err=True)


def probe_file(file: Path) -> None:
    """Find out whether a file can be written; one that was not there is there, empty, then.

    Raises CommandError.
    """
    try:
        with file.open("ab"):
            pass
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror or error}") from error


def _switched(client: ManagementClient, *, on: bool) -> CaptureReport:
    return CaptureReport.model_validate(client.post("/capture", {"on": on}))


def _tell(client: ManagementClient, report: CaptureReport) -> None:
    """Print a line about the capture of a process."""
    told = [
        "on" if report.on else "off",
        count_of(report.conversations, "conversation"),
        count_of(report.packets, "packet"),
        f"{report.size} of {report.limit} bytes",
    ]
    if report.dropped:
        told.append(_dropped(report))
    typer.echo(f"{client.path.stem}: {', '.join(told)}")


def _dropped(report: CaptureReport) -> str:
    return f"{count_of(report.dropped, 'older conversation')} dropped"
