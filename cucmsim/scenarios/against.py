"""Clusters that run already, as a scenario's: what `--against` is about.

They are reached by their management API, by TCP (a URL, with a token) or by a Unix socket. Ends
that are processes of one cluster, each with some of its nodes, are one cluster. A scenario whose
cluster they are not is not applicable. They stay in the state that it brings about.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import httpx

from cucmsim.cluster.reports import StatusReport
from cucmsim.errors import NotApplicableError, RefusedError, UnreachableError
from cucmsim.pki.release import Release
from cucmsim.testing.administrator import Administrator
from cucmsim.testing.processes import ProcessesAdministrator
from cucmsim.testing.reached import ReachedCluster
from cucmsim.testing.shape import ClusterShape

__all__ = ["RunningClusters"]

_WEB: Final = ("http://", "https://")


class RunningClusters:
    """Gives the clusters of `ends` (URLs, or paths of sockets), in the order of the scenario's.

    For one run; the next one begins with the first again.
    """

    def __init__(self, ends: Sequence[str], token: str = "") -> None:
        self._ends = tuple(ends)
        self._token = token
        self._left: list[_Cluster] | None = None
        self._given = 0

    @asynccontextmanager
    async def open(self, shape: ClusterShape, name: str) -> AsyncIterator[ReachedCluster]:
        """Give the next cluster. Raises NotApplicableError, UnreachableError, RefusedError."""
        if self._left is None:
            self._left = _clusters([await _reach(end, self._token) for end in self._ends])
        if not self._left:
            count = self._given + 1
            raise NotApplicableError(
                f"needs {count} clusters: {name} besides; give --against again"
            )
        cluster = self._left.pop(0)
        self._given += 1
        async with _administered(cluster, self._token) as administrator:
            _check(await administrator.status(), shape, " ".join(one.end for one in cluster))
            await _add_missing_phones(administrator, shape)
            yield ReachedCluster(administrator, (await administrator.ready()).nodes)


@dataclass(frozen=True, slots=True)
class _Process:
    """A process of a cluster: where it answers, and its state at the beginning."""

    end: str
    status: StatusReport

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.status.nodes)

    @property
    def has_publisher(self) -> bool:
        return any(node.role == "publisher" for node in self.status.nodes)


_Cluster: TypeAlias = list[_Process]


async def _reach(end: str, token: str) -> _Process:
    """Find out what runs at an end. Raises UnreachableError, RefusedError."""
    administrator = _administrator(end, token)
    try:
        return _Process(end, await administrator.status())
    finally:
        await administrator.close()


def _clusters(processes: Sequence[_Process]) -> list[_Cluster]:
    """Put the processes of one cluster together, the publisher's first.

    A process is of an earlier one's cluster if that has the same name and none of its nodes.
    """
    clusters: list[_Cluster] = []
    for one in processes:
        for cluster in clusters:
            held = {node for other in cluster for node in other.nodes}
            has_publisher = any(other.has_publisher for other in cluster)
            is_same = cluster[0].status.cluster == one.status.cluster
            if is_same and held.isdisjoint(one.nodes) and not (has_publisher and one.has_publisher):
                cluster.append(one)
                break
        else:
            clusters.append([one])
    return [sorted(cluster, key=lambda one: not one.has_publisher) for cluster in clusters]


@asynccontextmanager
async def _administered(cluster: _Cluster, token: str) -> AsyncIterator[Administrator]:
    """Give who operates a cluster, by its process or by all of them."""
    reached = [(_administrator(one.end, token), one.nodes) for one in cluster]
    administrator = reached[0][0] if len(reached) == 1 else ProcessesAdministrator(reached)
    try:
        yield administrator
    finally:
        await administrator.close()


def _administrator(end: str, token: str) -> Administrator:
    """Return who operates a cluster. Raises UnreachableError where there is no such socket."""
    if end.startswith(_WEB):
        return Administrator(httpx.AsyncHTTPTransport(), end.rstrip("/"), token)
    if not Path(end).is_socket():
        raise UnreachableError(f"no cluster answers on {end}: no socket is there")
    return Administrator(httpx.AsyncHTTPTransport(uds=end), "http://cluster")


def _check(status: StatusReport, shape: ClusterShape, end: str) -> None:
    """Compare a cluster with what a scenario needs. Raises NotApplicableError with all of it."""
    wanted, running = Release.parse(shape.release), Release.parse(status.release)
    needs = []
    if (wanted.major, wanted.minor) != (running.major, running.minor):
        needs.append(f"release {shape.release} (found {status.release})")
    if status.security_mode != shape.mode:
        needs.append(f"{shape.mode} mode (found {status.security_mode})")
    if len(status.nodes) != shape.nodes:
        nodes = f"{shape.nodes} node{'s' * (shape.nodes > 1)}"
        found = ", ".join(node.name for node in status.nodes) or "none"
        needs.append(f"{nodes} (found {found}; give --against for each process of a cluster)")
    if shape.extra:
        needs.append(f"a description of its own ({', '.join(shape.extra)})")
    if needs:
        raise NotApplicableError(f"{end}: needs {', '.join(needs)}")


async def _add_missing_phones(administrator: Administrator, shape: ClusterShape) -> None:
    """Add the phones of a scenario that the cluster does not know."""
    for number, phone in enumerate(shape.phones, 1):
        try:
            await administrator.phone(phone.identity.name)
        except RefusedError:
            await administrator.post("/devices", phone.entry(number))
