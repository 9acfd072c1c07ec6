"""The whole cluster as one of its processes sees it: `GET /cluster`, the end of `cucmsim status`.

What the processes tell of their nodes through the database (`store/presence.py`), with what every
replica knows: certificates that end soon, and which ITL each phone says it holds. While the
database is away only the nodes of the process that is asked are known.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict

from cucmsim.cluster.settings import Settings
from cucmsim.cluster.trustapi import TrustHeldReport
from cucmsim.errors import StoreError
from cucmsim.formats.phonealarms import DEVICE_TL_INFO
from cucmsim.services.operations.monitor import expiry_alarms
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.versions import sides_of
from cucmsim.services.registration import Registrations
from cucmsim.services.replication import Replications
from cucmsim.services.view import View
from cucmsim.store.presence import Presence
from cucmsim.store.rows import ProcessNode

__all__ = ["ClusterReport", "MemberReport", "Observatory", "add_whole_status"]

_STARTED = "started"


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class ExpiryReport(_Report):
    """A certificate of a node that ends within 30 days, as the certificate monitor counts."""

    unit: str
    certificate: str
    ends: datetime


class ProcessReport(_Report):
    """The process that runs a node, or ran it last; `started` is when the node came up."""

    host: str
    pid: int
    program: str
    started: datetime
    told_before_s: float
    clock_offset_s: float


class MemberReport(_Report):
    """A node. `behind` counts versions, None where that is not known."""

    name: str
    role: str
    address: str
    version: str
    process: ProcessReport | None
    is_alive: bool
    replica: int | None
    behind: int | None
    replication: str
    services: dict[str, str]
    registered: int
    itl: str
    expiring: list[ExpiryReport]

    @property
    def stopped(self) -> list[str]:
        """The services that do not run."""
        return [name for name, state in self.services.items() if state != _STARTED]

    @property
    def is_whole(self) -> bool:
        """Whether it runs, with every service."""
        return self.is_alive and not self.stopped


class ItlReport(_Report):
    """An ITL by its SHA-1 (empty: none): which nodes serve it, how many phones say they hold it."""

    sha1: str
    served_by: list[str]
    held_by: int
    phones: list[str] = []


class ClusterReport(_Report):
    """A cluster as one process sees it; `version` is the newest that it has heard of."""

    cluster: str
    security_mode: str
    seen_from: list[str]
    has_database: bool
    version: int
    phones: int
    nodes: list[MemberReport]
    itls: list[ItlReport]

    @property
    def is_whole(self) -> bool:
        """Whether every node runs, with every service."""
        return self.has_database and all(node.is_whole for node in self.nodes)


class Observatory:
    """Looks at the whole cluster from one process; `own` is what that tells of its nodes now."""

    def __init__(
        self,
        settings: Settings,
        view: View,
        operator: Callable[[], Operator],
        registrations: Mapping[str, Registrations],
        own: Callable[[], Sequence[Presence]],
    ) -> None:
        self._described = settings.cluster
        self._view = view
        self._operator = operator
        self._registrations = registrations
        self._own = own

    async def look(self, *, names_phones: bool = False) -> ClusterReport:
        """Return what there is to see; with the names of phones by their ITL if so wished."""
        told, replica = await self._told(), self._view.replica
        here = list(self._registrations)
        store = self._operator().store
        known = Replications(here[0] if here else "", self._view, store.version, told)
        own = {one.node: one for one in self._own()}
        nodes = [
            self._member(node, own.get(node.name), (told or {}).get(node.name), known)
            for node in replica.nodes.values()
        ]
        held = await self._held(has_database=told is not None)
        return ClusterReport(
            cluster=self._described.id,
            security_mode=self._described.security_mode,
            seen_from=here,
            has_database=told is not None,
            version=max(store.version, replica.version),
            phones=len(replica.devices),
            nodes=nodes,
            itls=_itls(nodes, held, names_phones=names_phones),
        )

    async def _told(self) -> Mapping[str, Presence] | None:
        """Return what the nodes told; None while the database is away."""
        try:
            return {one.node: one for one in await self._operator().store.read_presence()}
        except StoreError:
            return None

    def _member(
        self,
        node: ProcessNode,
        own: Presence | None,
        told: Presence | None,
        known: Replications,
    ) -> MemberReport:
        replica, seen = self._view.replica, own or told
        is_alive = own is not None or (told is not None and told.is_alive)
        state = known.of(node, answers=is_alive)
        now = self._operator().clock.now()
        return MemberReport(
            name=node.name,
            role="publisher" if node.is_publisher else "subscriber",
            address=node.address,
            version=str(sides_of(replica, node.name).active),
            process=None if seen is None else _process(seen),
            is_alive=is_alive,
            replica=None if seen is None else seen.version,
            behind=state.queue,
            replication=str(state.state),
            services={} if seen is None else dict(seen.services),
            registered=seen.registered if seen is not None and is_alive else 0,
            itl=seen.itl if seen is not None and is_alive else "",
            expiring=[
                ExpiryReport(unit=one.unit, certificate=one.certificate, ends=one.ends)
                for one in expiry_alarms(replica, node.name, now)
            ],
        )

    async def _held(self, *, has_database: bool) -> list[TrustHeldReport]:
        """Return what each phone said last of its trust lists, to whichever node."""
        store, replica = self._operator().store, self._view.replica
        alarms = [one.last_alarms(DEVICE_TL_INFO) for one in self._registrations.values()]
        others = replica.nodes.keys() - self._registrations.keys() if has_database else ()
        alarms += [
            tuple(
                alarm
                for alarm in await store.read_alarms(node)
                if alarm.alarm.name == DEVICE_TL_INFO
            )
            for node in others
        ]
        latest = {}
        for alarm in sorted(chain.from_iterable(alarms), key=lambda one: one.time):
            latest[alarm.device_name] = TrustHeldReport.of(alarm)
        return [one for name, one in latest.items() if name in replica.devices]


def _process(seen: Presence) -> ProcessReport:
    return ProcessReport(
        host=seen.host,
        pid=seen.pid,
        program=seen.program,
        started=seen.started,
        told_before_s=round(seen.age_s, 1),
        clock_offset_s=seen.clock_offset_s,
    )


def _itls(
    nodes: Sequence[MemberReport], held: Sequence[TrustHeldReport], *, names_phones: bool
) -> list[ItlReport]:
    """Return every ITL that is served or held: those that are served first."""
    serving: dict[str, list[str]] = {}
    for node in nodes:
        if node.itl:
            serving.setdefault(node.itl, []).append(node.name)
    holding: dict[str, list[str]] = {}
    for one in held:
        holding.setdefault(one.itl, []).append(one.device)
    return [
        ItlReport(
            sha1=sha1,
            served_by=serving.get(sha1, []),
            held_by=len(holding.get(sha1, ())),
            phones=sorted(holding.get(sha1, ())) if names_phones else [],
        )
        for sha1 in dict.fromkeys((*serving, *sorted(holding)))
    ]


def add_whole_status(app: FastAPI, observatory: Callable[[], Observatory]) -> None:
    """Add the route to `app`."""

    @app.get("/cluster")
    async def cluster(*, phones: Annotated[bool, Query()] = False) -> ClusterReport:
        """Show the whole cluster; with `phones` the names of those that hold each ITL."""
        return await observatory().look(names_phones=phones)
