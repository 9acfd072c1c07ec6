"""What the certificate service of a node writes into certMgmt: its words are those of cucm.md 2.2.

The lines follow from what changed between two replicas, so they appear on every node that a change
reaches, whoever made it, as *Cisco Certificate Change Notification* brings it there.
"""

from collections.abc import Iterator

from cucmsim.formats.names import escape_controls
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View
from cucmsim.store.replica import Replica

__all__ = ["certificate_lines", "trace_certificates"]


def trace_certificates(traces: TraceFiles, node: str, view: View) -> None:
    """Write what happens to the certificates of a node into its traces from now on."""
    view.subscribe(lambda old, new: traces.say("certificates", certificate_lines(old, new, node)))


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
