"""Which phones a command is about: named, all, or those that CAPF knows something of."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient
from cucmsim.cli.options import device_name
from cucmsim.cluster.reports import DeviceList, DeviceReport
from cucmsim.errors import CommandError

__all__ = [
    "All",
    "Devices",
    "ExpiresBefore",
    "IssuedBy",
    "IssuerExpiresBefore",
    "Match",
    "Pending",
    "Query",
    "Stale",
    "Status",
    "WithLsc",
    "chosen_devices",
    "find_devices",
    "query_of",
]

_PAGE = 1000

Query = Mapping[str, str | int]
"""What the management API is asked for, by its names."""

Devices = Annotated[
    list[str] | None,
    typer.Argument(metavar="[DEVICE]...", help="SEP and a MAC address, or the address alone."),
]
All = Annotated[bool, typer.Option("--all", help="All phones of the cluster.")]
Match = Annotated[str, typer.Option(help="Only names that contain this.")]
Status = Annotated[
    str | None,
    typer.Option(help="Certificate status, such as upgrade-failed or operation-pending."),
]
Pending = Annotated[
    str | None, typer.Option(help="Pending operation: none, install, delete, troubleshoot.")
]
IssuedBy = Annotated[str, typer.Option("--issued-by", help="LSC issued by a name with this in it.")]
WithLsc = Annotated[bool | None, typer.Option("--lsc/--no-lsc", help="With, or without an LSC.")]
Stale = Annotated[bool, typer.Option("--stale", help="LSC signed by an earlier CAPF certificate.")]
ExpiresBefore = Annotated[
    datetime | None, typer.Option("--expires-before", help="LSC that ends before then (UTC).")
]
IssuerExpiresBefore = Annotated[
    datetime | None,
    typer.Option("--issuer-expires-before", help="LSC whose issuer ends before then (UTC)."),
]


def query_of(
    *,
    match: str = "",
    status: str | None = None,
    pending: str | None = None,
    issued_by: str = "",
    with_lsc: bool | None = None,
    stale: bool = False,
    expires_before: datetime | None = None,
    issuer_expires_before: datetime | None = None,
) -> Query:
    """Return the query of the options that were given."""
    wanted: dict[str, str | None] = {
        "match": match or None,
        "status": status,
        "operation": pending,
        "lsc_issued_by": issued_by or None,
        "has_lsc": None if with_lsc is None else str(with_lsc).lower(),
        "stale_lsc": "true" if stale else None,
        "lsc_expires_before": _in_utc(expires_before),
        "lsc_issuer_expires_before": _in_utc(issuer_expires_before),
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _in_utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat()


def find_devices(client: ManagementClient, query: Query) -> list[DeviceReport]:
    """Return all phones that a query finds, asked for in pages."""
    found: list[DeviceReport] = []
    while True:
        page = DeviceList.model_validate(
            client.get("/devices", {**query, "offset": len(found), "limit": _PAGE})
        )
        found += page.devices
        if len(found) >= page.total or not page.devices:
            return found


def chosen_devices(
    client: ManagementClient, devices: Sequence[str] | None, query: Query, *, everything: bool
) -> list[str]:
    """Return names of phones: those given, else those that are found. Raises CommandError."""
    ways = [bool(devices), bool(query), everything]
    if sum(ways) != 1:
        raise CommandError("give phones, or what they have in common, or --all: one of these", 2)
    if devices:
        return [device_name(device) for device in devices]
    found = [held.name for held in find_devices(client, query)]
    if not found:
        raise CommandError("no phone is like that")
    return found
