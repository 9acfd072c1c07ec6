"""Clusters that run already, as a scenario's: what `--against` is about.

They are reached by their management API, by TCP (a URL, with a token) or by a Unix socket. A
scenario whose cluster they are not is not applicable. They stay in the state that it brings about.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from cucmsim.cluster.reports import StatusReport
from cucmsim.errors import NotApplicableError, RefusedError, UnreachableError
from cucmsim.pki.release import Release
from cucmsim.testing.administrator import Administrator
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
        self._given = 0

    @asynccontextmanager
    async def open(self, shape: ClusterShape, name: str) -> AsyncIterator[ReachedCluster]:
        """Give the next cluster. Raises NotApplicableError, UnreachableError, RefusedError."""
        if self._given == len(self._ends):
            count = self._given + 1
            raise NotApplicableError(
                f"needs {count} clusters: {name} besides; give --against again"
            )
        end = self._ends[self._given]
        self._given += 1
        administrator = _administrator(end, self._token)
        try:
            status = await administrator.status()
            _check(status, shape, end)
            await _add_missing_phones(administrator, shape)
            yield ReachedCluster(administrator, (await administrator.ready()).nodes)
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
        needs.append(f"{nodes} in one process (found {len(status.nodes)})")
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
