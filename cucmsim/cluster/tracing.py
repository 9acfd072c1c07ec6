"""What a node writes about itself as the cluster changes, whoever changed it.

The certificate service writes into certMgmt, in the words of cucm.md 2.2, on every node that a
change reaches, as *Cisco Certificate Change Notification* brings it there. *Cisco CTL Provider*
writes the node's CTL whenever that is another, laid out as `show ctl` does (seed 001). What is
installed, started and switched to stands in install/system-history.log; with the version the logs
change sides, so that those of the version left are found under `inactivelog`.
"""

from collections.abc import Iterator, Mapping

from cucmsim.clock import Clock
from cucmsim.cluster.settings import ClusterSettings
from cucmsim.errors import FormatError, StoreError
from cucmsim.formats.listing import Kind, format_trust_list
from cucmsim.formats.names import escape_controls
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.services.journal import Exchange
from cucmsim.services.operations.versions import has_sides, sides_of
from cucmsim.services.systemhistory import SystemHistory, changes
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["certificate_lines", "ctl_lines", "open_traces", "trace_exchange", "trace_node"]

_MODE = "ClusterSecurityMode"


def open_traces(described: ClusterSettings, node: str, clock: Clock, view: View) -> TraceFiles:
    """Return the trace files of a node, where it writes what happens to it from now on."""
    directory = described.data_directory / "logs" / node
    traces = TraceFiles(directory, clock, is_on=described.traces)
    trace_node(traces, node, view)
    return traces


def trace_node(traces: TraceFiles, node: str, view: View) -> None:
    """Write what happens to a node into its traces from now on."""
    if not traces.is_on:
        return
    history = SystemHistory(traces.directory, traces.clock)
    if has_sides(view.replica, node):
        history.boot(str(sides_of(view.replica, node).active))

    def write(old: Replica, new: Replica) -> None:
        traces.say("certificates", certificate_lines(old, new, node))
        traces.say("ctl", ctl_lines(old, new, node, traces))
        _note_versions(traces, history, node, old, new)

    view.subscribe(write)


def _note_versions(
    traces: TraceFiles, history: SystemHistory, node: str, old: Replica, new: Replica
) -> None:
    if not (has_sides(old, node) and has_sides(new, node)):
        return
    try:
        before, after = sides_of(old, node), sides_of(new, node)
    except StoreError:  # who reads the versions to act on them says so
        return
    history.note(changes(before, after))
    if before.active != after.active:
        traces.change_sides()


def ctl_lines(old: Replica, new: Replica, node: str, traces: TraceFiles) -> Iterator[str]:
    """Yield the lines about the security mode and the CTL of a node, where they changed."""
    was, is_now = (replica.enterprise.get(_MODE, "0") for replica in (old, new))
    if was != is_now:
        yield f"{_MODE} changed from {was} to {is_now}"
    before, after = (_ctl(replica, node) for replica in (old, new))
    if after is None and before is not None:
        yield f"{CTL_FILENAME} has been deleted"
    if after is None or after == before:
        return
    yield f"{CTL_FILENAME} has been {'created' if before is None else 'modified'}"
    try:
        listing = format_trust_list(Kind.CTL, after, modified=traces.clock.now())
    except FormatError as error:
        yield f"Error parsing the CTL File: {error}"
        return
    yield from (line.expandtabs() for line in listing.splitlines() if line)


def _ctl(replica: Replica, node: str) -> bytes | None:
    held = replica.tftp_file(CTL_FILENAME, node)
    return None if held is None else held.data


def trace_exchange(traces: Mapping[str, TraceFiles], exchange: Exchange) -> None:
    """Write an exchange into the traces of its node; what a network did is in no node's."""
    if exchange.node:
        traces[exchange.node].record(exchange)


def certificate_lines(old: Replica, new: Replica, node: str) -> Iterator[str]:
    """Yield the lines about what changed on a node."""
    if old.certificates is new.certificates:
        return
    for (owner, unit), held in new.own.items():
        before = old.own.get((owner, unit))
        if owner == node and before and before.certificate_der != held.certificate_der:
            yield from ("op:regenerate", f"unit:{unit}")
            yield "result of regenerate operations is ::Regenerate of certificate is successful"
    was, is_now = _trusted(old, node), _trusted(new, node)
    for unit, name, _ in sorted(is_now - was):
        yield from ("op:import", f"unit:{unit}")
        yield f"Successfully imported trusted certificate with Subject DN:{name}"
        yield "result of import operations is ::Import of trust certificate is successful"
    for unit, name, _ in sorted(was - is_now):
        yield from ("op:delete", f"unit:{unit}")
        yield f"Successfully deleted trusted certificate with Subject DN:{name}"


def _trusted(replica: Replica, node: str) -> set[tuple[str, str, str]]:
    """Return store, subject and hash of each trust certificate on a node."""
    return {
        (unit, escape_controls(held.subjectname), held.hash)
        for held in replica.certificates
        if held.is_on(node)
        for unit in held.units
        if unit.endswith("-trust")
    }
