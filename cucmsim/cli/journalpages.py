"""What `cucmsim journal` reads: pages of exchanges of each process of a cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cucmsim.cli.client import ManagementClient
from cucmsim.cluster.journalapi import EventPage, EventReport
from cucmsim.cluster.reports import StatusReport
from cucmsim.errors import UnreachableError

__all__ = ["LONGEST_PAGE", "Process", "Query", "Reading", "in_order", "read_all", "read_journal"]

LONGEST_PAGE = 1000

Query = Mapping[str, str | int]
"""What the management API is asked for, by its names."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a cluster; another one behind the same socket is not the same."""

    pid: int
    started: datetime
    nodes: tuple[str, ...]

    @classmethod
    def of(cls, status: StatusReport) -> "Process":
        """Return the process that reported `status`."""
        return cls(status.pid, status.started, tuple(node.name for node in status.nodes))

    def __str__(self) -> str:
        """Format for a person."""
        return f"process {self.pid} ({', '.join(self.nodes)})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a process's journal, and after which number to go on."""

    path: Path
    process: Process
    events: tuple[EventReport, ...]
    last: int
    dropped_before: int


def in_order(events: Iterable[EventReport]) -> list[EventReport]:
    """Return exchanges of several processes by time; those of one process stay as they are."""
    return sorted(events, key=lambda event: event.time)


def read_all(
    clients: Iterable[ManagementClient], query: Query, last: int | None
) -> tuple[list[Reading], list[str]]:
    """Read every process, and say which do not answer. Raises UnreachableError when none does."""
    readings, silent = [], []
    for client in clients:
        try:
            readings.append(read_journal(client, query, last))
        except UnreachableError as error:
            silent.append(str(error))
    if not readings:
        raise UnreachableError("\n".join(silent))
    return readings, silent


def read_journal(client: ManagementClient, query: Query, last: int | None) -> Reading:
    """Read what a process has, or the `last` of it (LONGEST_PAGE at most)."""
    process = Process.of(StatusReport.model_validate(client.get("/status")))
    if last is not None:
        page = _page(client, {**query, "newest_first": "true", "limit": last})
        return Reading(client.path, process, tuple(reversed(page.events)), page.last, 0)
    events: list[EventReport] = []
    after = dropped_before = 0
    while True:
        page = _page(client, {**query, "after": after, "limit": LONGEST_PAGE})
        events += page.events
        after, dropped_before = page.last, max(page.dropped_before, dropped_before)
        if len(page.events) < LONGEST_PAGE:
            return Reading(client.path, process, tuple(events), after, dropped_before)


def _page(client: ManagementClient, query: Query) -> EventPage:
    return EventPage.model_validate(client.get("/events", query))
