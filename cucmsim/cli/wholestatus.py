"""How the whole cluster is shown at the end of `cucmsim status`."""

from collections.abc import Iterator

import typer
from rich.table import Table

from cucmsim.cli.tables import count_of, print_table
from cucmsim.cluster.wholestatus import ClusterReport, MemberReport

__all__ = ["print_whole"]

_OWN_UNITS_LAST = "-trust"


def print_whole(report: ClusterReport) -> None:
    """Print nodes, ITLs, and certificates that end soon."""
    typer.echo()
    away = "" if report.has_database else "; the database does not answer: other nodes unknown"
    typer.echo(f"The cluster at version {report.version}, seen from {_seen_from(report)}{away}")
    _print_nodes(report)
    if report.itls:
        _print_itls(report)
    for line in _expiring(report):
        typer.echo(line)


def _seen_from(report: ClusterReport) -> str:
    return ", ".join(report.seen_from)


def _print_nodes(report: ClusterReport) -> None:
    table = Table(
        "Node", "Process", "Program", "Up since", "Version", "Replica", "Replication", "Services",
        "Phones", box=None,
    )  # fmt: skip
    for node in report.nodes:
        process = node.process
        who = "none" if process is None else f"{process.pid} on {process.host}"
        gone = process is not None and not node.is_alive
        table.add_row(
            node.name,
            f"gone: {who}" if gone else who,
            "" if process is None else process.program,
            "" if process is None else f"{process.started:%Y-%m-%d %H:%M:%S}",
            node.version,
            _replica(node),
            node.replication,
            _services(node),
            str(node.registered) if node.is_alive else "",
        )
    print_table(table)


def _replica(node: MemberReport) -> str:
    if node.replica is None:
        return ""
    return f"{node.replica}, {node.behind} behind" if node.behind else str(node.replica)


def _services(node: MemberReport) -> str:
    if not node.is_alive:
        return ""
    return f"stopped: {', '.join(node.stopped)}" if node.stopped else "all started"


def _print_itls(report: ClusterReport) -> None:
    table = Table("ITL (SHA-1)", "Served by", "Held by", box=None)
    for itl in report.itls:
        held = ", ".join(itl.phones) or (count_of(itl.held_by, "phone") if itl.held_by else "")
        table.add_row(itl.sha1 or "none", ", ".join(itl.served_by), held)
    print_table(table)


def _expiring(report: ClusterReport) -> Iterator[str]:
    """Yield a line for each own certificate that ends soon, and one for all others of a node."""
    for node in report.nodes:
        trusted = [one for one in node.expiring if one.unit.endswith(_OWN_UNITS_LAST)]
        for one in node.expiring:
            if one not in trusted:
                yield f"{node.name}: {one.certificate} ends {one.ends:%Y-%m-%d %H:%M} UTC"
        if trusted:
            first = min(one.ends for one in trusted)
            certificates = count_of(len(trusted), "certificate")
            yield f"{node.name}: {certificates} in trust stores end from {first:%Y-%m-%d} on"
