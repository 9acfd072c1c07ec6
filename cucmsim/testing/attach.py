"""What is added to the report of a test that failed: what crossed the wire, what phones said."""

import re
from pathlib import Path
from typing import Final

from cucmsim.cluster.journaltext import lines_of
from cucmsim.services.faults.check import entry_of
from cucmsim.services.journal import JournalQuery
from cucmsim.testing.clusterwork import ClusterWork
from cucmsim.testing.labs import Bench
from cucmsim.testing.phonework import PhoneWork

__all__ = ["save_captures", "sections_of"]

_NO_NAME: Final = r"[^A-Za-z0-9._]+"
"""What names of files are better without."""


def save_captures(bench: Bench, directory: Path, test: str) -> tuple[str, str]:
    """Write what each cluster of a test captured; return a title and the names of the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for number, cluster in enumerate(bench.clusters, 1):
        path = directory / f"{re.sub(_NO_NAME, '-', test)}-{number}-{cluster.name}.pcapng"
        path.write_bytes(bench.labs.thread.call(cluster.pcapng))
        written.append(str(path))
    return "cucmsim captures", "\n".join(written)


def sections_of(bench: Bench) -> list[tuple[str, str]]:
    """Return titles and texts for each cluster and phone of a test."""
    return bench.labs.thread.call(lambda: _sections(bench))


def _sections(bench: Bench) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for cluster in bench.clusters:
        found.append((f"cucmsim journal of {cluster.name}", _journal(cluster)))
        if cluster.lab.faults.held:
            found.append((f"cucmsim faults of {cluster.name}", _faults(cluster)))
    consoles = [(f"cucmsim console log of {one.name}", _console(one)) for one in bench.phones]
    return [*found, *consoles]


def _journal(cluster: ClusterWork) -> str:
    shape, nodes = cluster.lab.shape, len(cluster.lab.nodes)
    head = f"{nodes} node{'s' * (nodes > 1)}, release {shape.release}, {shape.mode}"
    lines = lines_of(cluster.found(JournalQuery()))
    return "\n".join([head, *(lines or ["nothing crossed the wire"])])


def _faults(cluster: ClusterWork) -> str:
    held = cluster.lab.faults.held
    return "\n".join(f"{one.number}: {entry_of(one.rule)}, happened {one.used}x" for one in held)


def _console(phone: PhoneWork) -> str:
    lines = phone.handset.history or ["it was not switched on"]
    messages = [f"status message: {one}" for one in phone.handset.messages]
    return "\n".join([*lines, *messages, repr(phone.whereabouts())])
