"""`cucmsim where CONFIG`: tells where everything of a cluster is, and what to type next.

It reads the description, and knocks at each node: which ones answer from here? In a lab of
containers the environment says besides on which ports of the host they are (`published`).
"""

import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cli.published import PublishedPort, Target, parse_published
from cucmsim.cli.tables import count_of, print_table
from cucmsim.cluster.ports import DEFAULT_SERVICES
from cucmsim.cluster.settings import NodeSettings, ServiceName, Settings

__all__ = ["register"]

_KNOCK_S = 1.0
_SHOWN_PHONES = 3
_WORDS: Mapping[str, str] = {
    "tftp": "TFTP (UDP)",
    "http": "files, HTTP",
    "https": "files, HTTPS",
    "https_client": "files, HTTPS with LSC",
    "tvs": "TVS",
    "capf": "CAPF",
    "sip": "SIP",
    "sip_tls": "SIP over TLS",
    "sccp": "SCCP",
    "sccp_tls": "SCCP over TLS",
    "web": "https directory",
    "ssh": "command line, SSH",
}
"""What a port is for, by its key in the description."""
_SECRETS: Mapping[str, str] = {
    "administrator_password": "administrator password",
    "security_password": "security password",
    "database": "database password",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A port of a node: what for, where, and where on the host."""

    key: str
    protocol: str
    port: int
    published: PublishedPort | None


@dataclass(frozen=True, slots=True)
class NodePlaces:
    """A node, whether it answers from here, and its ports."""

    name: str
    role: str
    address: str
    answers: bool
    places: tuple[Place, ...]

    def of(self, key: str) -> list[Place]:
        """Return the places of one key."""
        return [place for place in self.places if place.key == key]

    def on_host(self, key: str) -> str:
        """Return `ADDRESS:PORT` of the host for one key, or nothing."""
        for place in self.of(key):
            if place.published is not None and place.published.port is not None:
                return f"{place.published.address}:{place.published.port}"
        return ""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("where")(_where)


def _where(
    config: ConfigArgument,
    data: DataOption = None,
    published: Annotated[
        str,
        typer.Option(
            envvar="LAB_PUBLISHED",
            metavar="TEXT",
            help="Ports of the host: NODE@ADDRESS PORT:TARGET[/udp] ..., as a lab passes them on.",
        ),
    ] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell where everything of a cluster is: addresses, ports, logins; and what to type next."""
    settings = settings_for(config, data)
    nodes = _nodes(settings, parse_published(published))
    if as_json:
        typer.echo(json.dumps(_record(settings, nodes), indent=2))
        return
    cluster = settings.cluster
    phones = count_of(len(settings.phones), "phone")
    typer.echo(f"{cluster.id}: release {cluster.release}, {cluster.security_mode}, {phones}")
    print_table(_table(nodes))
    for line in _texts(settings, nodes):
        typer.echo(line)


def _nodes(settings: Settings, published: Mapping[Target, PublishedPort]) -> list[NodePlaces]:
    """Return each node with its ports, having knocked at all of them at once."""
    with ThreadPoolExecutor(max_workers=16) as knocking:
        answers = list(knocking.map(_answers, settings.nodes))
    return [
        NodePlaces(node.name, node.role, node.address, heard, tuple(_places(node, published)))
        for node, heard in zip(settings.nodes, answers, strict=True)
    ]


def _places(node: NodeSettings, published: Mapping[Target, PublishedPort]) -> Iterator[Place]:
    for service in (each for each in DEFAULT_SERVICES if each in node.services):
        protocol = "udp" if service is ServiceName.TFTP else "tcp"
        for spot, port in node.ports.keyed(service):
            yield Place(str(spot[0]), protocol, port, published.get((node.name, protocol, port)))


def _answers(node: NodeSettings) -> bool:
    """Tell whether a TCP port of `node` answers: that of HTTP, where nobody minds, if it can."""
    ranked = (ServiceName.HTTP, *DEFAULT_SERVICES[1:])
    running = (each for each in ranked if each in node.services and each is not ServiceName.TFTP)
    service = next(running, None)
    if service is None:
        return False
    try:
        socket.create_connection((node.address, node.ports.of(service)[0]), _KNOCK_S).close()
    except OSError:
        return False
    return True


def _table(nodes: list[NodePlaces]) -> Table:
    """Return a column a node, a row a kind of port."""
    table = Table("", *(f"{node.name} ({node.role})" for node in nodes), box=None)
    table.add_row("address", *(node.address for node in nodes))
    table.add_row("from here", *("answers" if node.answers else "silent" for node in nodes))
    for key, word in _WORDS.items():
        if any(node.of(key) for node in nodes):
            table.add_row(word, *(_cell(node, key) for node in nodes))
    return table


def _cell(node: NodePlaces, key: str) -> str:
    ports = ", ".join(str(place.port or "any") for place in node.of(key))
    host = node.on_host(key)
    return f"{ports} = {host}" if host else ports


def _texts(settings: Settings, nodes: list[NodePlaces]) -> Iterator[str]:
    """Yield what stands below the table."""
    if any(place.published for node in nodes for place in node.places):
        yield "After =: where the host has it. `docker compose port` tells those that are missing."
    yield ""
    for name, where in _credentials(settings).items():
        yield f"{name:<24}{where}"
    yield f"{'phones':<24}{_phones(settings)}"
    yield ""
    yield "Next:"
    for line in _next(settings, nodes):
        yield f"  {line}"


def _credentials(settings: Settings) -> dict[str, str]:
    """Return where each secret was given, never what it is."""
    found = {}
    for key, words in _SECRETS.items():
        variable = f"CUCMSIM_CLUSTER__{key.upper()}"
        held = getattr(settings.cluster, key)
        if held and (key != "database" or held.startswith("postgresql")):
            is_given = variable in os.environ
            found[words] = f"{variable} of the environment" if is_given else f"{settings.path}"
    return found


def _phones(settings: Settings) -> str:
    """Return the first few phones."""
    names = [f"{each.name} ({each.model})" for each in settings.phones[:_SHOWN_PHONES]]
    more = len(settings.phones) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "") if names else "none"


def _next(settings: Settings, nodes: list[NodePlaces]) -> Iterator[str]:
    """Yield commands that work: here, then on the host."""
    config = shlex.quote(str(_relative(settings.path)))
    publisher = next(node for node in nodes if node.role == "publisher")
    if not any(node.answers or node.on_host("tftp") for node in nodes):
        yield f"cucmsim run {config}"
    yield f"cucmsim status {config}"
    yield f"cucmsim device list {config}"
    for place in publisher.of("tftp")[:1]:
        yield f"cucmsim fetch {publisher.address}:{place.port} ITLFile.tlv"
    for place in publisher.of("ssh"):
        yield f"ssh -p {place.port} {settings.cluster.administrator}@{publisher.address}"
    if tftp := publisher.on_host("tftp"):
        yield f"on the host: cucmsim fetch {tftp} ITLFile.tlv"
    if ssh := publisher.on_host("ssh"):
        address, _, port = ssh.rpartition(":")
        yield f"on the host: ssh -p {port} {settings.cluster.administrator}@{address}"


def _relative(path: Path) -> Path:
    """Return `path` as one types it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _record(settings: Settings, nodes: list[NodePlaces]) -> dict[str, object]:
    """Return everything for a program."""
    return {
        "cluster": settings.cluster.id,
        "release": str(settings.cluster.release),
        "security_mode": settings.cluster.security_mode,
        "nodes": [asdict(node) for node in nodes],
        "credentials": _credentials(settings),
        "phones": len(settings.phones),
        "next": list(_next(settings, nodes)),
    }
