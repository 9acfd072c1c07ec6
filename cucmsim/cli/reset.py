"""`cucmsim reset`: tell registered phones to reset, restart or fetch their configuration."""

from enum import StrEnum
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, clients_everywhere
from cucmsim.cli.options import ConfigArgument, DataOption, device_name, settings_for
from cucmsim.cli.tables import count_of
from cucmsim.cluster.registrationapi import OutcomeReport, RegistrationReport
from cucmsim.errors import CommandError
from cucmsim.formats.servicecontrol import Action

__all__ = ["register"]

_USAGE = 2


class _Order(StrEnum):
    """What a person may order; the others of `Action` need more than a word."""

    RESET = Action.RESET.value
    RESTART = Action.RESTART.value
    APPLY_CONFIG = Action.APPLY_CONFIG.value


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("reset")(_reset)


def _reset(
    config: ConfigArgument,
    device: Annotated[
        str | None, typer.Argument(metavar="DEVICE", help="A registered phone; or --all.")
    ] = None,
    all_phones: Annotated[bool, typer.Option("--all", help="Every registered phone.")] = False,
    action: Annotated[_Order, typer.Option(help="What they are to do.")] = _Order.RESET,
    data: DataOption = None,
) -> None:
    """Reset registered phones. Exit status 1 when one of them does not accept."""
    if (device is None) is not all_phones:
        raise CommandError("expected either a DEVICE or --all", _USAGE)
    clients = clients_everywhere(settings_for(config, data))
    names = None if device is None else [device_name(device)]
    outcomes = [one for client in clients for one in _order(client, Action(action), names)]
    if device is not None and not outcomes:
        raise CommandError(f"{device_name(device)} is not registered")
    for outcome in outcomes:
        typer.echo(f"{outcome.device}: {outcome.action}: {_said(outcome)}")
    typer.echo(count_of(len(outcomes), "phone"))
    if not all(outcome.accepted for outcome in outcomes):
        raise typer.Exit(1)


def _order(
    client: ManagementClient, action: Action, names: list[str] | None
) -> list[OutcomeReport]:
    """Order the phones that are registered with the nodes of one process."""
    held = client.get("/registrations")
    assert isinstance(held, list)  # noqa: S101 - our own API
    here = {RegistrationReport.model_validate(one).device for one in held}
    chosen = sorted(here if names is None else here.intersection(names))
    if not chosen:
        return []
    answer = client.post("/orders", {"action": action.value, "devices": chosen})
    assert isinstance(answer, list)  # noqa: S101 - our own API
    return [OutcomeReport.model_validate(one) for one in answer]


def _said(outcome: OutcomeReport) -> str:
    if outcome.status is None:
        return "no answer"
    return "accepted" if outcome.accepted else f"refused with {outcome.status}"
