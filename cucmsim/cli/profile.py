"""`cucmsim profile`: list, add, change and remove security profiles while the cluster runs."""

import json
from typing import Annotated
from urllib.parse import quote

import typer
from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from cucmsim.cli.client import ManagementClient, publisher_client
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.tables import count_of, print_table
from cucmsim.cluster.profilesapi import ProfileReport
from cucmsim.errors import CommandError

__all__ = ["register"]

_REPORTS = TypeAdapter(list[ProfileReport])

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="As `profile list` shows it.", show_default=False)
]
Mode = Annotated[
    str | None, typer.Option(help="Device security mode: non-secure, authenticated, encrypted.")
]
SipTransport = Annotated[
    str | None, typer.Option(help="SIP transport: tcp, udp, tls or tcp+udp; default by the mode.")
]
Encrypted = Annotated[
    bool | None,
    typer.Option("--encrypted-config/--no-encrypted-config", help="TFTP Encrypted Config."),
]
AuthenticationMode = Annotated[
    str | None,
    typer.Option(help="null-string, authentication-string, existing-lsc or existing-mic."),
]
KeyOrder = Annotated[str | None, typer.Option(help="Key of an LSC: rsa, ec or ec-preferred.")]
KeySize = Annotated[int | None, typer.Option(help="RSA key size of an LSC in bits.")]
EcSize = Annotated[int | None, typer.Option(help="EC key size of an LSC in bits.")]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    profiles = typer.Typer(
        help="Phone security profiles of a running cluster.", no_args_is_help=True
    )
    app.add_typer(profiles, name="profile")
    profiles.command("list")(_list)
    profiles.command("add")(_add)
    profiles.command("set")(_set)
    profiles.command("remove")(_remove)


def _list(
    config: ConfigArgument,
    match: Annotated[str, typer.Option(help="Only names that contain this.")] = "",
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show security profiles, and how many phones use each."""
    client = publisher_client(settings_for(config, data))
    found = _REPORTS.validate_python(client.get("/profiles", {"match": match}))
    if as_json:
        typer.echo(json.dumps([one.model_dump() for one in found], indent=2))
        return
    heads = ("Name", "Mode", "Transport", "Encrypted config", "CAPF", "Key", "Phones")
    table = Table(*heads, box=None, pad_edge=False)
    for one in found:
        table.add_row(*map(escape, _cells(one)))
    print_table(table)


def _cells(one: ProfileReport) -> tuple[str, ...]:
    encrypted = "yes" if one.encrypted_config else "no"
    sizes = {"rsa": f"{one.key_size_bits}", "ec": f"{one.ec_size_bits}"}
    size = sizes.get(one.key_order, f"{one.ec_size_bits}/{one.key_size_bits}")
    key = f"{one.key_order} {size}"
    mode = one.device_security_mode
    return (
        one.name, mode, one.transport, encrypted, one.authentication_mode, key, str(one.phones)
    )  # fmt: skip


def _add(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    name: NameArgument,
    device_security_mode: Mode = None,
    transport: SipTransport = None,
    encrypted_config: Encrypted = None,
    authentication_mode: AuthenticationMode = None,
    key_order: KeyOrder = None,
    key_size_bits: KeySize = None,
    ec_size_bits: EcSize = None,
    data: DataOption = None,
) -> None:
    """Add a security profile; options are the keys of [[security_profiles]]."""
    given = _given(locals())
    client = publisher_client(settings_for(config, data))
    client.post("/profiles", {"name": name, **given})
    typer.echo(f"{name} added")


def _set(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    name: NameArgument,
    device_security_mode: Mode = None,
    transport: SipTransport = None,
    encrypted_config: Encrypted = None,
    authentication_mode: AuthenticationMode = None,
    key_order: KeyOrder = None,
    key_size_bits: KeySize = None,
    ec_size_bits: EcSize = None,
    data: DataOption = None,
) -> None:
    """Change a security profile, and with it the configuration files of its phones."""
    given = _given(locals())
    if not given:
        raise CommandError("nothing to change: give at least one option", 2)
    client = publisher_client(settings_for(config, data))
    phones = _report(client, name).phones
    answer = client.patch(_url(name), given, phones=phones)
    changed = ProfileReport.model_validate(answer)
    users = f"; {count_of(changed.phones, 'phone')} to be reset" if changed.phones else ""
    typer.echo(f"{name} changed{users}")


def _remove(config: ConfigArgument, name: NameArgument, data: DataOption = None) -> None:
    """Remove a security profile that no phone uses."""
    publisher_client(settings_for(config, data)).delete(_url(name))
    typer.echo(f"{name} removed")


def _report(client: ManagementClient, name: str) -> ProfileReport:
    return ProfileReport.model_validate(client.get(_url(name)))


def _url(name: str) -> str:
    return f"/profiles/{quote(name, safe='')}"


def _given(arguments: dict[str, object]) -> dict[str, object]:
    """Return the options that were given, by their keys in [[security_profiles]]."""
    return {
        name: value
        for name, value in arguments.items()
        if name not in ("config", "name", "data") and value is not None
    }
