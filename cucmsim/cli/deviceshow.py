"""How phones are printed: a row a phone, or everything about one."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import typer
from rich.table import Table

from cucmsim.cli.devicestates import PhoneStates, TrustReport
from cucmsim.cli.tables import count_of, print_table
from cucmsim.cluster.registrationapi import AlarmReport, RegistrationReport
from cucmsim.cluster.reports import DeviceReport

__all__ = ["as_record", "print_device", "print_devices"]

_COLUMNS = (
    "Device",
    "Model",
    "Protocol",
    "Pool",
    "Lines",
    "CAPF",
    "Certificate status",
    "LSC until",
    "LSC issued by",
    "Registered with",
    "Since",
    "ITL",
    "CTL",
)


def as_record(held: DeviceReport, states: PhoneStates) -> dict[str, object]:
    """Return a phone with its registration and trust lists (None where unknown) for JSON."""
    registration, trust = states.registrations.get(held.name), states.trust.get(held.name)
    return {
        **held.model_dump(mode="json"),
        "registration": None if registration is None else registration.model_dump(mode="json"),
        "trust": None if trust is None else trust.model_dump(mode="json"),
    }


def print_devices(found: Sequence[DeviceReport], states: PhoneStates) -> None:
    """Print a table."""
    table = Table(*_COLUMNS, box=None)
    for held in found:
        registration, trust = states.registrations.get(held.name), states.trust.get(held.name)
        table.add_row(
            held.name,
            held.model,
            held.protocol,
            held.device_pool,
            ", ".join(held.lines),
            held.pending_operation,
            held.certificate_status,
            "" if held.lsc_valid_until is None else f"{held.lsc_valid_until:%Y-%m-%d}",
            _common_name(held.lsc_issuer),
            "" if registration is None else registration.node,
            "" if registration is None else _time(registration.registered_at),
            "" if trust is None else trust.itl,
            "" if trust is None else trust.ctl,
        )
    print_table(table)
    registered = sum(held.name in states.registrations for held in found)
    typer.echo(f"{count_of(len(found), 'phone')}, {registered} registered")


def print_device(held: DeviceReport, states: PhoneStates, alarm: AlarmReport | None) -> None:
    """Print a line for each thing that is known of a phone."""
    lines = [
        ("Device", held.name),
        ("Model", held.model),
        ("Description", held.description),
        ("Device pool", held.device_pool),
        ("Lines", ", ".join(held.lines)),
        ("Security profile", held.security_profile),
        ("CAPF operation", held.pending_operation),
        ("Certificate status", held.certificate_status),
        ("Operation expires", _time_or_none(held.operation_expires)),
        ("LSC until", _time_or_none(held.lsc_valid_until)),
        ("LSC issued by", held.lsc_issuer),
        ("LSC issuer until", _time_or_none(held.lsc_issuer_valid_until)),
        *_registration(states.registrations.get(held.name)),
        *_trust(states.trust.get(held.name)),
        *_alarm(alarm),
    ]
    for name, value in lines:
        typer.echo(f"{name + ': ':21}{value}".rstrip())


def _registration(held: RegistrationReport | None) -> Iterator[tuple[str, str]]:
    if held is None:
        yield "Registered with", "none"
        return
    transport = "TLS" if held.tls else "TCP"
    yield "Registered with", held.node
    yield "Protocol", f"{held.protocol} over {transport}"
    yield "Address", f"{held.address}:{held.port}"
    yield "Since", _time(held.registered_at)
    yield "Last keepalive", _time(held.refreshed_at)


def _trust(report: TrustReport | None) -> Iterator[tuple[str, str]]:
    if report is None:
        yield "Trust lists", "not told"
        return
    held = report.held
    yield "ITL", f"{report.itl} {held.itl} from {held.itl_server}" if held.itl else report.itl
    yield "CTL", f"{report.ctl} {held.ctl} from {held.ctl_server}" if held.ctl else report.ctl
    yield "Trust lists told", _time(held.time)


def _alarm(held: AlarmReport | None) -> Iterator[tuple[str, str]]:
    if held is not None:
        yield "Last alarm", f"{held.name} at {_time(held.time)} from {held.address}"
        for name, value in held.parameters.items():
            yield f"  {name}", value


def _common_name(issuer: str) -> str:
    """Return the common name in a name of RFC 2253; the whole name where it has none."""
    parts = (part.partition("=") for part in issuer.split(","))
    return next((value for key, _, value in parts if key == "CN"), issuer)


def _time_or_none(moment: datetime | None) -> str:
    return "" if moment is None else _time(moment)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
