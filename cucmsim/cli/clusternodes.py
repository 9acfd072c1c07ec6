"""`cucmsim cluster add-node` and `remove-node`: subscribers of a cluster that runs."""

from typing import Annotated

import typer

from cucmsim.cli.client import publisher_client
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.operationsapi import OutcomeOfOperation

__all__ = ["register"]

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The node's name.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command("add-node")(_add)
    group.command("remove-node")(_remove)


def _add(  # noqa: PLR0913 - the options of a command line
    config: ConfigArgument,
    name: _Name,
    address: Annotated[str, typer.Option(metavar="IP", help="The address that phones are told.")],
    bind: Annotated[
        str | None, typer.Option(metavar="IP", help="What it listens on; default: its address.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="Default: the publisher's.")
    ] = None,
    port_offset: Annotated[
        int | None, typer.Option(metavar="N", help="Raise every port by so much.")
    ] = None,
    tftp_port: Annotated[
        list[int] | None, typer.Option(metavar="PORT", help="UDP port of TFTP; may be repeated.")
    ] = None,
    single_port: Annotated[
        bool, typer.Option("--tftp-single-port", help="Answer TFTP from the port asked.")
    ] = False,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="Put it last into this CallManager group."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Add a subscriber to the running cluster; its process needs no entry in CONFIG."""
    ports = {"offset": port_offset, "tftp": tftp_port or None}
    given = {"address": address, "bind": bind, "domain": domain}
    entry = {key: value for key, value in given.items() if value is not None}
    body = {
        "entry": {
            "name": name,
            **entry,
            "tftp_single_port": single_port,
            "ports": {key: value for key, value in ports.items() if value is not None},
        },
        "groups": group or [],
    }
    _print(publisher_client(settings_for(config, data)).post("/cluster/nodes", body))


def _remove(
    config: ConfigArgument,
    name: _Name,
    force: Annotated[
        bool, typer.Option("--force", help="Even if it runs: its process ends then.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Take a subscriber out of the running cluster."""
    client = publisher_client(settings_for(config, data))
    _print(client.delete(f"/cluster/nodes/{name}", {"force": int(force)}))


def _print(answer: object) -> None:
    for line in OutcomeOfOperation.model_validate(answer).lines:
        typer.echo(line)
