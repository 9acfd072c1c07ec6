"""`cucmsim check CONFIG`: says what a cluster description describes, or everything wrong with it.

Exit status: 0 the description is right, 2 it is refused. Nothing is started and nothing written.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from cucmsim.cli.faulttext import fault_text
from cucmsim.cluster.addresses import missing_addresses
from cucmsim.cluster.loading import load_settings
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.cluster.warnings import locked_out_phones
from cucmsim.errors import Problem, SettingsError
from cucmsim.services.faults.check import entry_of

__all__ = ["register"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

_REFUSED = 2


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(check)


def check(
    config: Annotated[Path, typer.Argument(help="The cluster description (TOML).")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a cluster description describes, or everything that is wrong with it."""
    try:
        settings = load_settings(config, os.environ)
    except SettingsError as error:
        _refuse(config, error.problems, as_json=as_json)
        raise typer.Exit(_REFUSED) from None
    warnings = (*missing_addresses(settings), *locked_out_phones(settings))
    if as_json:
        typer.echo(json.dumps(_summary(settings, warnings), indent=2))
        return
    for line in _lines(settings):
        typer.echo(line)
    for problem in warnings:
        typer.echo(f"warning: {problem}", err=True)


def _refuse(config: Path, problems: tuple[Problem, ...], *, as_json: bool) -> None:
    """Print every problem."""
    if as_json:
        found: list[Json] = [_problem(problem) for problem in problems]
        typer.echo(json.dumps({"valid": False, "problems": found}, indent=2))
        return
    for problem in problems:
        typer.echo(str(problem), err=True)
    count = len(problems)
    typer.echo(f"{config}: refused, {count} problem{'s' if count > 1 else ''}", err=True)


def _problem(problem: Problem) -> dict[str, Json]:
    """Return a problem as JSON."""
    return {
        "file": problem.file,
        "key": problem.key,
        "found": problem.found,
        "expected": problem.expected,
        "nearest": problem.nearest,
    }


def _ports(node: NodeSettings) -> dict[str, list[int]]:
    """Return the ports of each service that the node runs."""
    return {service.value: list(node.ports.of(service)) for service in node.services}


def _models(settings: Settings) -> Counter[str]:
    """Return how many phones there are of each model and protocol."""
    return Counter(f"{phone.model} {phone.protocol}" for phone in settings.phones)


def _lines(settings: Settings) -> Iterator[str]:
    """Yield what is described, for a person."""
    cluster = settings.cluster
    yield f"cluster    {cluster.id}, release {cluster.release}, {cluster.security_mode}"
    yield f"database   {cluster.database.partition(':')[0]}"
    yield f"data       {cluster.data_directory}"
    yield f"certs      {cluster.certs_directory}"
    for node in settings.nodes:
        ports = (f"{name} {'/'.join(map(str, p))}" for name, p in _ports(node).items())
        where = node.address if node.bind == node.address else f"{node.address} on {node.bind}"
        yield f"{node.role:<11}{node.fqdn} at {where}: {', '.join(ports) or 'no service'}"
    for group in settings.callmanager_groups:
        yield f"group      {group.name}: {', '.join(group.members)}"
    for pool in settings.device_pools:
        yield f"pool       {pool.name}, group {pool.callmanager_group}"
    models = ", ".join(f"{count} x {model}" for model, count in sorted(_models(settings).items()))
    yield f"phones     {len(settings.phones)}{f' ({models})' if models else ''}"
    if settings.tftp_files:
        yield f"files      {len(settings.tftp_files)} static files of TFTP"
    for rule in settings.faults:
        yield f"fault      {fault_text(entry_of(rule))}"
    yield f"{settings.path}: nothing wrong"


def _summary(settings: Settings, warnings: tuple[Problem, ...]) -> dict[str, Json]:
    """Return what is described, for a program."""
    cluster = settings.cluster
    nodes: list[Json] = [
        {
            "name": node.name,
            "fqdn": node.fqdn,
            "role": node.role,
            "address": node.address,
            "bind": node.bind,
            "services": {name: list[Json](ports) for name, ports in _ports(node).items()},
        }
        for node in settings.nodes
    ]
    return {
        "valid": True,
        "cluster": cluster.id,
        "release": str(cluster.release),
        "security_mode": cluster.security_mode,
        "data_directory": str(cluster.data_directory),
        "certs_directory": str(cluster.certs_directory),
        "nodes": nodes,
        "callmanager_groups": {g.name: list[Json](g.members) for g in settings.callmanager_groups},
        "device_pools": [pool.name for pool in settings.device_pools],
        "phones": len(settings.phones),
        "models": dict(_models(settings)),
        "tftp_files": [file.name for file in settings.tftp_files],
        "faults": [dict[str, Json](**entry_of(rule)) for rule in settings.faults],
        "warnings": [_problem(problem) for problem in warnings],
    }
