"""`cucmsim cluster restart`: one node after the other restarts its services.

The publisher first, then the subscribers in their order, as Cisco's documents have it. The next one
is told when the one before is up again, with the newest version and every service that it had.
"""

import time
from typing import Annotated

import typer

from cucmsim.cli.client import ManagementClient, clients_of
from cucmsim.cli.options import ConfigArgument, DataOption, settings_for
from cucmsim.cluster.wholestatus import ClusterReport, MemberReport
from cucmsim.errors import CommandError, UnreachableError

__all__ = ["register"]

_POLL_S = 0.5


def register(group: typer.Typer) -> None:
    """Add the command to the group."""
    group.command("restart")(_restart)


def _restart(
    config: ConfigArgument,
    node: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this node; may be repeated. Default: all."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long a node may take.")
    ] = 120.0,
    data: DataOption = None,
) -> None:
    """Restart the services of all nodes, one node at a time; stop when one does not come back."""
    client = _answering(clients_of(settings_for(config, data)))
    for before in _chosen(_look(client), node or []):
        typer.echo(f"{before.name}: restarting ...")
        begun = time.monotonic()
        client.post(f"/cluster/nodes/{before.name}/restart")
        _wait_up(client, before, timeout)
        typer.echo(f"{before.name}: up again after {time.monotonic() - begun:.1f} s")


def _answering(clients: list[ManagementClient]) -> ManagementClient:
    for client in clients:
        if client.answers():
            return client
    raise UnreachableError(f"no cluster answers on {clients[0].path}")


def _look(client: ManagementClient) -> ClusterReport:
    return ClusterReport.model_validate(client.get("/cluster"))


def _chosen(report: ClusterReport, names: list[str]) -> list[MemberReport]:
    """Return the nodes that are meant, publisher first. Raises CommandError before any is told."""
    known = {node.name: node for node in report.nodes}
    for name in names:
        if name not in known:
            raise CommandError(f"no node {name!r}; the cluster has: {', '.join(known)}")
    chosen = [node for node in report.nodes if node.name in (names or known)]
    for node in chosen:
        if not node.is_alive:
            raise CommandError(f"{node.name}: no process runs it; nothing was restarted")
    return sorted(chosen, key=lambda node: node.role != "publisher")


def _wait_up(client: ManagementClient, before: MemberReport, timeout_s: float) -> None:
    """Wait until a node is up as it was before. Raises CommandError when it is not in time."""
    deadline = time.monotonic() + timeout_s
    while why := _missing(_look(client), before):
        if time.monotonic() > deadline:
            raise CommandError(f"{before.name}: not up again after {timeout_s:g} s: {why}")
        time.sleep(_POLL_S)


def _missing(report: ClusterReport, before: MemberReport) -> str:
    """Say what a node still lacks; nothing when it is up."""
    now = next((node for node in report.nodes if node.name == before.name), None)
    if now is None or not now.is_alive or now.process is None or before.process is None:
        return "no process runs it"
    if now.process.started == before.process.started:
        return "it has not restarted"
    stopped = [name for name in now.stopped if name not in before.stopped]
    if stopped:
        return f"stopped: {', '.join(stopped)}"
    return f"{now.behind} versions behind" if now.behind else ""
