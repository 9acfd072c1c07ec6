"""`cucmsim device`: list, show, add, change and remove phones while the cluster runs."""

import json
from typing import Annotated

import typer

from cucmsim.cli import devicecapf
from cucmsim.cli import devicechoice as choice
from cucmsim.cli.client import clients_everywhere, publisher_client
from cucmsim.cli.deviceshow import as_record, print_device, print_devices
from cucmsim.cli.devicestates import last_alarm, phone_states
from cucmsim.cli.options import ConfigArgument, DataOption, device_name, settings_for
from cucmsim.cli.tables import count_of
from cucmsim.cluster.reports import ChangedDevices, DeviceReport
from cucmsim.errors import CommandError

__all__ = ["register"]

DeviceArgument = Annotated[
    str, typer.Argument(metavar="DEVICE", help="SEP and a MAC address, or the address alone.")
]
Model = Annotated[str | None, typer.Option(help="Phone model, such as 8861.")]
Protocol = Annotated[str | None, typer.Option(help="SIP or SCCP.")]
Profile = Annotated[
    str | None,
    typer.Option("--security-profile", "--profile", help="Name of a phone security profile."),
]
Mode = Annotated[
    str | None, typer.Option(help="Device security mode: non-secure, authenticated, encrypted.")
]
AuthenticationMode = Annotated[
    str | None,
    typer.Option(help="null-string, authentication-string, existing-lsc or existing-mic."),
]
AuthenticationString = Annotated[
    str | None, typer.Option(help="4 to 10 digits, for authentication-string.")
]
Operation = Annotated[
    str | None, typer.Option(help="Pending CAPF operation: none, install, delete, troubleshoot.")
]
KeyOrder = Annotated[str | None, typer.Option(help="Key of the LSC: rsa, ec or ec-preferred.")]
KeySize = Annotated[int | None, typer.Option(help="RSA key size of the LSC in bits.")]
EcSize = Annotated[int | None, typer.Option(help="EC key size of the LSC in bits.")]
Pool = Annotated[str | None, typer.Option(help="Name of a device pool.")]
Description = Annotated[str | None, typer.Option(help="A text.")]
Load = Annotated[str | None, typer.Option(help="Phone load.")]
Lines = Annotated[
    list[str] | None, typer.Option("--line", help="Directory number; repeatable, empty: no lines.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    devices = typer.Typer(help="Phones of a running cluster.", no_args_is_help=True)
    app.add_typer(devices, name="device")
    devices.command("list")(_list)
    devices.command("show")(_show)
    devices.command("add")(_add)
    devices.command("set")(_set)
    devices.command("remove")(_remove)
    devicecapf.register(devices)


def _list(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    match: choice.Match = "",
    status: choice.Status = None,
    pending: choice.Pending = None,
    issued_by: choice.IssuedBy = "",
    with_lsc: choice.WithLsc = None,
    stale: choice.Stale = False,
    expires_before: choice.ExpiresBefore = None,
    issuer_expires_before: choice.IssuerExpiresBefore = None,
    data: DataOption = None,
    as_json: AsJson = False,
) -> None:
    """List phones: all, or those whose name, CAPF operation or LSC is as the options say."""
    settings = settings_for(config, data)
    query = choice.query_of(
        match=match,
        status=status,
        pending=pending,
        issued_by=issued_by,
        with_lsc=with_lsc,
        stale=stale,
        expires_before=expires_before,
        issuer_expires_before=issuer_expires_before,
    )
    found = choice.find_devices(publisher_client(settings), query)
    states = phone_states(clients_everywhere(settings))
    if as_json:
        typer.echo(json.dumps([as_record(held, states) for held in found], indent=2))
    else:
        print_devices(found, states)


def _show(
    config: ConfigArgument,
    device: DeviceArgument,
    data: DataOption = None,
    as_json: AsJson = False,
) -> None:
    """Show a phone: where it is registered, its trust lists against the current, last alarm."""
    settings = settings_for(config, data)
    name = device_name(device)
    held = DeviceReport.model_validate(publisher_client(settings).get(f"/devices/{name}"))
    clients = clients_everywhere(settings)
    states, alarm = phone_states(clients), last_alarm(clients, held.name)
    if as_json:
        told = None if alarm is None else alarm.model_dump(mode="json")
        typer.echo(json.dumps({**as_record(held, states), "last_alarm": told}, indent=2))
    else:
        print_device(held, states, alarm)


def _add(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    device: DeviceArgument,
    model: Annotated[str, typer.Option(help="Phone model, such as 8861.")],
    protocol: Protocol = None,
    security_profile: Profile = None,
    device_security_mode: Mode = None,
    authentication_mode: AuthenticationMode = None,
    authentication_string: AuthenticationString = None,
    pending_operation: Operation = None,
    key_order: KeyOrder = None,
    key_size_bits: KeySize = None,
    ec_size_bits: EcSize = None,
    device_pool: Pool = None,
    description: Description = None,
    load: Load = None,
    lines: Lines = None,
    data: DataOption = None,
) -> None:
    """Add a phone; options are the keys of [[phones]] in the configuration."""
    given = _given(locals())
    client = publisher_client(settings_for(config, data))
    report = client.post("/devices", {"mac": device, **given})
    typer.echo(f"{DeviceReport.model_validate(report).name} added")


def _set(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    devices: choice.Devices = None,
    everything: choice.All = False,
    match: choice.Match = "",
    model: Model = None,
    protocol: Protocol = None,
    security_profile: Profile = None,
    device_security_mode: Mode = None,
    authentication_mode: AuthenticationMode = None,
    authentication_string: AuthenticationString = None,
    pending_operation: Operation = None,
    key_order: KeyOrder = None,
    key_size_bits: KeySize = None,
    ec_size_bits: EcSize = None,
    device_pool: Pool = None,
    description: Description = None,
    load: Load = None,
    lines: Lines = None,
    data: DataOption = None,
) -> None:
    """Change phones: those named, those with a like name, or all; what is not given stays."""
    given = _given(locals())
    if not given:
        raise CommandError("nothing to change: give at least one option", 2)
    client = publisher_client(settings_for(config, data))
    query = choice.query_of(match=match)
    names = choice.chosen_devices(client, devices, query, everything=everything)
    answer = client.patch("/devices", {"devices": names, "changes": given}, phones=len(names))
    changed = ChangedDevices.model_validate(answer).devices
    typer.echo(f"{changed[0] if len(changed) == 1 else count_of(len(changed), 'phone')} changed")


def _remove(config: ConfigArgument, device: DeviceArgument, data: DataOption = None) -> None:
    """Remove a phone."""
    client = publisher_client(settings_for(config, data))
    client.delete(f"/devices/{device_name(device)}")
    typer.echo(f"{device_name(device)} removed")


_NO_KEYS = frozenset({"config", "device", "devices", "everything", "match", "data"})


def _given(arguments: dict[str, object]) -> dict[str, object]:
    """Return the options that were given, by their keys in [[phones]]."""
    given = {
        name: value
        for name, value in arguments.items()
        if name not in _NO_KEYS and value not in (None, [])
    }
    return given | {"lines": ()} if given.get("lines") == [""] else given
