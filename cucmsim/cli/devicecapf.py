"""`cucmsim device capf`: order a CAPF operation of phones, one or many at once."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cucmsim.cli import devicechoice as choice
from cucmsim.cli.client import publisher_client
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import count_of
from cucmsim.cluster.capfapi import CapfOrderReport

__all__ = ["register"]


def register(devices: typer.Typer) -> None:
    """Add the command to `devices`."""
    devices.command("capf")(_order)


def _order(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    operation: Annotated[
        str, typer.Argument(metavar="OPERATION", help="install, delete, troubleshoot or none.")
    ],
    devices: choice.Devices = None,
    everything: choice.All = False,
    match: choice.Match = "",
    status: choice.Status = None,
    issued_by: choice.IssuedBy = "",
    with_lsc: choice.WithLsc = None,
    stale: choice.Stale = False,
    expires_before: choice.ExpiresBefore = None,
    authentication_mode: Annotated[
        str | None,
        typer.Option(help="null-string, authentication-string, existing-lsc or existing-mic."),
    ] = None,
    authentication_string: Annotated[
        str | None, typer.Option(help="4 to 10 digits, for authentication-string.")
    ] = None,
    key_order: Annotated[
        str | None, typer.Option(help="Key of the LSC: rsa, ec or ec-preferred.")
    ] = None,
    key_size_bits: Annotated[int | None, typer.Option(help="RSA key size in bits.")] = None,
    ec_size_bits: Annotated[int | None, typer.Option(help="EC key size in bits.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="When the operation expires (UTC); else after the parameter's days."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Order an operation of phones: of those named, of those found by options, or of all."""
    client = publisher_client(settings_for(config, data))
    query = choice.query_of(
        match=match,
        status=status,
        issued_by=issued_by,
        with_lsc=with_lsc,
        stale=stale,
        expires_before=expires_before,
    )
    names = choice.chosen_devices(client, devices, query, everything=everything)
    wanted = {
        "authentication_mode": authentication_mode,
        "authentication_string": authentication_string,
        "key_order": key_order,
        "key_size_bits": key_size_bits,
        "ec_size_bits": ec_size_bits,
        "expires": None if until is None else until.replace(tzinfo=UTC).isoformat(),
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    body = {"devices": names, "operation": operation, **given}
    answer = client.post("/operations/capf", body, phones=len(names))
    report = CapfOrderReport.model_validate(answer)
    ends = "" if report.expires is None else f" until {report.expires:%Y-%m-%d %H:%M:%S} UTC"
    typer.echo(f"{operation}: {count_of(report.devices, 'phone')}{ends}")
