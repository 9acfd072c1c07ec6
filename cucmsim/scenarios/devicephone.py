"""Somebody's own phone or firmware on the stage, judged by what it does on the wire.

A boot ends when the device has registered, or when it has done nothing for a while. What it holds
it says itself before it registers (alarm DeviceTLInfo): the SHA-1 of the ITL and CTL served now
mean that it follows, another one that it is locked out. What is not to be told from that stays
unknown.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cucmsim.cluster.journalapi import EventReport
from cucmsim.cluster.trustapi import TrustHeldReport
from cucmsim.errors import CommandError, RefusedError, UnreachableError
from cucmsim.formats.phonealarms import DEVICE_TL_INFO
from cucmsim.phone.values import FileKind, PhoneIdentity, TrustSource
from cucmsim.scenarios.devicehook import Act, Action, DeviceHook
from cucmsim.scenarios.listings import shown_list
from cucmsim.scenarios.narrative import Happened, Tell, WhoActs
from cucmsim.scenarios.observed import UNKNOWN, BootReport, DirectoryReport
from cucmsim.scenarios.stagecluster import StageCluster
from cucmsim.scenarios.stagephone import Clusters

__all__ = ["DevicePhone", "Patience"]

_LOOK_S: Final = 0.25
_LISTS: Final = ((FileKind.ITL, "itl"), (FileKind.CTL, "ctl"))

Marks = Mapping[StageCluster, int]
Times = Mapping[StageCluster, datetime]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a device may take to begin, and how long it is silent when it has ended."""

    begin_s: float = 300.0
    quiet_s: float = 30.0


class DevicePhone:
    """A `StagePhone` that is not ours."""

    def __init__(
        self,
        identity: PhoneIdentity,
        clusters: Clusters,
        hook: DeviceHook,
        patience: Patience,
        tell: Tell,
    ) -> None:
        self._identity = identity
        self._clusters = clusters
        self._hook = hook
        self._patience = patience
        self._tell = tell
        self._told: tuple[StageCluster, ...] = tuple(clusters()[:1])
        self._began: tuple[Marks, Times] = {}, {}

    @property
    def name(self) -> str:
        """The device name."""
        return self._identity.name

    async def boot(self) -> BootReport:
        """Have it boot. Raises UnreachableError when it does nothing at all."""
        marks, told_last = await self._marks(), await self._told_last()
        if not await self._is_reset_by_order():
            await self._do(Action.BOOT)
        exchanges = await self._until_booted(marks)
        await self._tell_exchanges()
        return await self._report(exchanges, told_last)

    async def move(self, *clusters: StageCluster) -> None:
        """Have it told the TFTP servers of these clusters."""
        self._told = clusters
        await self._do(Action.MOVE)

    async def press_directories(self) -> DirectoryReport:
        """Have its directory button pressed; the directory ends when it is quiet."""
        marks = await self._marks()
        await self._do(Action.PRESS_DIRECTORIES)
        exchanges = await self._until_quiet(marks, "asked for its directory")
        await self._tell_exchanges()
        return DirectoryReport(self.name, exchanges, title=UNKNOWN, failure=UNKNOWN)

    async def erase(self) -> None:
        """Have its trust lists erased."""
        await self._do(Action.ERASE)

    async def stay(self) -> None:
        """Let it go on; what it does from now on belongs to its next boot."""
        self._began = await self._marks(), await self._told_last()

    async def next_boot(self) -> BootReport:
        """Wait for a boot that its cluster ordered. Raises UnreachableError when there is none."""
        marks, told_last = self._began
        exchanges = await self._until_booted(marks)
        await self._tell_exchanges()
        report = await self._report(exchanges, told_last)
        await self.stay()
        return report

    async def close(self) -> None:
        """End what the hook has begun."""
        await self._hook.close()

    async def _do(self, action: Action) -> None:
        act = Act(action, self._identity, [one.reached for one in self._told])
        self._tell(Happened(WhoActs.PHONE, self.name, f"device under test: {action}"))
        await self._hook.do(act)

    async def _is_reset_by_order(self) -> bool:
        """Reset it where it is registered; tell whether it was."""
        for cluster in self._clusters():
            held = await cluster.administrator.registrations()
            if self.name not in [one.device for one in held]:
                continue
            try:
                outcomes = await cluster.administrator.order("reset", self.name)
            except RefusedError:
                continue  # it has just left
            if any(one.accepted for one in outcomes):
                self._tell(Happened(WhoActs.ADMINISTRATOR, cluster.name, f"resets {self.name}"))
                return True
        return False

    # what it does

    async def _until_booted(self, marks: Marks) -> tuple[EventReport, ...]:
        return await self._until_quiet(marks, "booted", _has_registered)

    async def _until_quiet(
        self,
        marks: Marks,
        what: str,
        has_ended: Callable[[Sequence[EventReport]], bool] = lambda _: False,
    ) -> tuple[EventReport, ...]:
        """Return what it did until it has ended, or is quiet.

        Raises UnreachableError where it does nothing, CommandError where its hook fails before.
        """
        began = last = time.monotonic()
        seen: tuple[EventReport, ...] = ()
        while True:
            failure = self._hook.failure()
            found = await self._exchanges(marks)
            if len(found) > len(seen):
                seen, last = found, time.monotonic()
            if failure and not seen:
                raise CommandError(f"{failure}, before anything was seen of {self.name}")
            if has_ended(seen):
                return seen
            if seen and time.monotonic() - last > self._patience.quiet_s:
                return seen
            if not seen and time.monotonic() - began > self._patience.begin_s:
                raise UnreachableError(self._absence(what))
            await asyncio.sleep(_LOOK_S)

    def _absence(self, what: str) -> str:
        act = Act(Action.BOOT, self._identity, [one.reached for one in self._told])
        return (
            f"{self.name} has not {what} within {self._patience.begin_s:g} s: waited for anything"
            f" from it, such as a request for ITL{self.name}.tlv by TFTP at {act.servers('tftp')}"
            f" or by HTTP at {act.servers('http')}"
        )

    async def _exchanges(self, marks: Marks) -> tuple[EventReport, ...]:
        """Return what it did since; orders that it was given are none of its doing."""
        found: list[EventReport] = []
        for cluster in self._clusters():
            found += await cluster.exchanges(marks.get(cluster, 0))
        hosts = {_host(one) for one in found if one.device == self.name}
        return tuple(one for one in found if _is_of(one, self.name, hosts))

    async def _marks(self) -> Marks:
        return {cluster: await cluster.mark() for cluster in self._clusters()}

    async def _tell_exchanges(self) -> None:
        for cluster in self._clusters():
            await cluster.tell_exchanges()

    # what follows from that

    async def _told_last(self) -> Times:
        """Return when it last told each cluster what it holds."""
        times = {}
        for cluster in self._clusters():
            alarms = await cluster.administrator.alarms(self.name, DEVICE_TL_INFO)
            if alarms:
                times[cluster] = max(alarm.time for alarm in alarms)
        return times

    async def _report(self, exchanges: tuple[EventReport, ...], told_last: Times) -> BootReport:
        nodes = [one.node for one in exchanges if _is_registration(one)]
        registered = nodes[-1] if nodes else None
        told = await self._told_now(registered, told_last)
        is_current = None if told is None else await _is_current(*told)
        sources: dict[FileKind, TrustSource | None] = {}
        if told is not None and is_current:
            sources = dict.fromkeys(await _vouched_for(told[0], exchanges), TrustSource.TVS)
        return BootReport(
            phone=self.name,
            registered=registered,
            exchanges=exchanges,
            sources=sources,
            refused=None,
            is_device=True,
            is_current=is_current,
        )

    async def _told_now(
        self, registered: str | None, told_last: Times
    ) -> tuple[StageCluster, TrustHeldReport] | None:
        """Return the last thing it said of what it holds, where it registered; None: nothing."""
        now = await self._told_last()
        found = [
            (cluster, held)
            for cluster in self._clusters()
            if registered is None or registered in cluster.nodes
            if now.get(cluster) != told_last.get(cluster)
            for held in await cluster.administrator.trust_held()
            if held.device == self.name
        ]
        return max(found, key=lambda one: one[1].time, default=None)


async def _is_current(cluster: StageCluster, held: TrustHeldReport) -> bool:
    """Tell whether a node serves the lists that are held; where no CTL is served, any is right."""
    served = (await cluster.served()).values()
    return any((itl or "") == held.itl and ctl in (None, held.ctl) for itl, ctl in served)


async def _vouched_for(
    cluster: StageCluster, exchanges: Sequence[EventReport]
) -> tuple[FileKind, ...]:
    """Return the kinds of list about whose signer, at any node, TVS was asked."""
    asked = [one.request.lower().partition(" ")[2] for one in exchanges if one.service == "tvs"]
    found = []
    for kind, name in _LISTS if any(asked) else ():
        shown = [await shown_list(cluster, name, node=node) for node in cluster.nodes]
        serials = tuple(one.serial for one in shown if one.serial)
        if any(request.startswith(serials) for request in asked):
            found.append(kind)
    return tuple(found)


def _is_of(exchange: EventReport, device: str, hosts: Collection[str]) -> bool:
    """Tell whether it is a device's: it names itself, or TVS was asked from where it is."""
    if exchange.request.startswith("order "):
        return False
    if exchange.device is None:
        return exchange.service == "tvs" and _host(exchange) in hosts
    return exchange.device == device


def _host(exchange: EventReport) -> str:
    return exchange.peer.rpartition(":")[0]


def _is_registration(exchange: EventReport) -> bool:
    """Tell whether a device registered anew, with SIP or SCCP."""
    if exchange.service != "callmanager":
        return False
    is_sip = exchange.request == "REGISTER" and exchange.answer.startswith("200")
    return is_sip or (exchange.request == "Register" and exchange.answer.startswith("RegisterAck"))


def _has_registered(exchanges: Sequence[EventReport]) -> bool:
    return any(map(_is_registration, exchanges))
