"""The phone on the stage: our own, or whatever somebody wants to test.

A scenario knows a `StagePhone`. `SimulatedPhone` is our own.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from cucmsim.cluster.journalapi import EventReport
from cucmsim.phone.events import Event, Registering
from cucmsim.phone.execute import Button
from cucmsim.phone.localends import LocalEnds
from cucmsim.phone.performer import Network
from cucmsim.phone.tftp import TftpPatience
from cucmsim.phone.values import PhoneIdentity
from cucmsim.scenarios.narrative import Decided, Happened, Tell, WhoActs
from cucmsim.scenarios.observed import BootReport, DirectoryReport, report_of
from cucmsim.scenarios.stagecluster import StageCluster
from cucmsim.testing.dhcp import through_dhcp
from cucmsim.testing.handset import Handset, HandsetOptions

__all__ = ["Clusters", "SimulatedPhone", "StagePhone", "events_of"]

_PATIENT_S: Final = 5.0
_SETTLED_S: Final = 10.0
_LOOK_S: Final = 0.01
_EXPLAINS: Final = "LastOutOfServiceInformation"
_STANDBY: Final = "keepalive"
"""What a phone says first to the CallManager it may need some day."""

Clusters = Callable[[], Sequence[StageCluster]]
"""Gives the clusters that run on the stage now."""


class StagePhone(Protocol):
    """A phone that scenarios drive and judge."""

    @property
    def name(self) -> str:
        """The device name."""
        ...

    async def boot(self) -> BootReport:
        """Have it boot (again), and return what came of it."""
        ...

    async def move(self, *clusters: StageCluster) -> None:
        """Tell it the TFTP servers of these clusters from now on; it keeps what it holds."""
        ...

    async def press_directories(self) -> DirectoryReport:
        """Have its directory button pressed; return what came of it."""
        ...

    async def erase(self) -> None:
        """Have its trust lists erased by hand."""
        ...

    async def stay(self) -> None:
        """Leave it on from now on, so that it obeys its cluster's orders."""
        ...

    async def next_boot(self) -> BootReport:
        """Wait for a boot that it was ordered to, after `stay`; return what came of it."""
        ...

    async def close(self) -> None:
        """Switch it off."""
        ...


class SimulatedPhone:
    """Our own phone. `handset` may be looked into; what is found there no device would show."""

    def __init__(
        self,
        identity: PhoneIdentity,
        clusters: Clusters,
        options: HandsetOptions,
        tell: Tell,
        ends: LocalEnds | None = None,
    ) -> None:
        self._tell = tell
        self._clusters = clusters
        self._ends = ends
        self._is_on = False
        self._began: Mapping[StageCluster, int] = {}
        self._seen = 0
        first = clusters()[0].reached
        told = through_dhcp(first.network(), identity.name, [first])
        self._network = self._from_ends(told)
        self.handset = Handset(identity, self._network, options)

    @property
    def name(self) -> str:
        """The device name."""
        return self.handset.name

    async def boot(self) -> BootReport:
        """Boot, as after a reset. Raises FlashError."""
        self._tell(Happened(WhoActs.PHONE, self.name, "boots"))
        self._began = marks = await self._marks()
        summary = await self.handset.boot()
        self._is_on = True
        await self.settle()
        exchanges = await self._tell_all(marks, seen=0)
        return report_of(self.name, summary, exchanges, tuple(self.handset.messages))

    async def move(self, *clusters: StageCluster) -> None:
        """Tell it the TFTP servers of these clusters, as a changed DHCP option 150 does."""
        names = ", ".join(cluster.name for cluster in clusters)
        self._tell(Happened(WhoActs.PHONE, self.name, f"is told the TFTP servers of {names}"))
        await self.close()
        others = {
            name: at for one in self._clusters() for name, at in one.reached.addresses.items()
        }
        networks = [one.reached.network(others=others) for one in clusters]
        servers = tuple(server for network in networks for server in network.servers)
        network, reached = networks[0].with_servers(servers), [one.reached for one in clusters]
        told = through_dhcp(network, self.name, reached, self._network)
        self._network = self._from_ends(told)
        self.handset = self.handset.moved(self._network)

    async def press_directories(self) -> DirectoryReport:
        """Press the directory button."""
        self._tell(Happened(WhoActs.PHONE, self.name, "its directory button is pressed"))
        marks, seen = await self._marks(), len(self.handset.events)
        await self.handset.press(Button.DIRECTORIES)
        exchanges = await self._tell_all(marks, seen)
        screen = self.handset.phone.browser.screen
        return DirectoryReport(self.name, exchanges, screen.title, screen.failure)

    async def erase(self) -> None:
        """Erase CTL and ITL in the security settings."""
        self._tell(Happened(WhoActs.PHONE, self.name, "its trust lists are erased by hand"))
        await self.handset.phone.erase_trust_lists()

    async def stay(self) -> None:
        """Stay on from now on, and obey resets, until it is booted or moved by hand."""
        self._tell(Happened(WhoActs.PHONE, self.name, "stays on and obeys orders"))
        self._began, self._seen = await self._marks(), len(self.handset.events)
        await self.handset.stay()

    async def next_boot(self) -> BootReport:
        """Wait for the next boot that it was ordered to."""
        marks, seen = self._began, self._seen
        summary = await self.handset.boots.get()
        await self.settle()
        self._tell(Happened(WhoActs.PHONE, self.name, "has booted as it was ordered to"))
        exchanges = await self._tell_all(marks, seen)
        self._began, self._seen = await self._marks(), len(self.handset.events)
        return report_of(self.name, summary, exchanges, tuple(self.handset.messages))

    async def close(self) -> None:
        """Switch it off."""
        self._is_on = False
        await self.handset.close()

    def _from_ends(self, network: Network) -> Network:
        """Return how it reaches its servers in a run that is to be had again.

        It is more patient there: what is asked twice on a busy machine would be another run.
        """
        if self._ends is None:
            return network
        patience = TftpPatience(_PATIENT_S, network.tftp.retransmissions)
        return replace(network, tftp=patience, link=replace(network.link, ends=self._ends))

    async def settle(self) -> None:
        """Wait until it is registered as it was, should something have cut it off.

        For a run that is to be had again: what it does meanwhile comes before what follows.
        """
        summary = self.handset.summary
        if not self._is_on or self._ends is None or summary is None or summary.registered is None:
            return
        asked = [one for one in self.handset.events if isinstance(one, Registering)]
        for cluster in self._clusters():
            members = [name for name in asked[-1].members if name in cluster.nodes]
            if members:
                await self._settle_with(cluster, members)

    async def _settle_with(self, cluster: StageCluster, members: Sequence[str]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_S):
                while not await self._has_settled(cluster, members):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_S)

    async def _has_settled(self, cluster: StageCluster, members: Sequence[str]) -> bool:
        """Tell whether it is at the first of its group, and the next one has been told so."""
        if self.handset.phone.standing.active != members[0]:
            return False
        after = self._began.get(cluster, 0)
        found = await cluster.exchanges(after, service="callmanager")
        told = [one for one in found if one.device in (None, self.name)]  # SCCP says no name there
        asked = [one.number for one in told if one.request.lower() == "register"]
        if not self._has_explained(told):
            return False
        if len(members) == 1:
            return True
        ready = [
            one.number for one in told if one.node != members[0] and _STANDBY in one.request.lower()
        ]
        return max(asked, default=0) < max(ready, default=0)

    def _has_explained(self, told: Sequence[EventReport]) -> bool:
        """Tell whether it has said why it was away, as it does once it is back (SIP)."""
        back = [one.number for one in told if one.request == "REGISTER"]
        said = [one.number for one in told if _EXPLAINS in one.request and one.device == self.name]
        return len(back) <= 1 or max(back) < max(said, default=0)

    async def _marks(self) -> Mapping[StageCluster, int]:
        return {cluster: await cluster.mark() for cluster in self._clusters()}

    async def _tell_all(
        self, marks: Mapping[StageCluster, int], seen: int
    ) -> tuple[EventReport, ...]:
        """Tell what crossed the wire and what the phone decided; return its exchanges."""
        found: list[EventReport] = []
        for cluster in self._clusters():
            await cluster.tell_exchanges()
            found += await cluster.exchanges(marks.get(cluster, 0))
        for event in self.handset.events[seen:]:
            self._tell(Decided(self.name, event))
        return tuple(one for one in found if one.device in (None, self.name))


def events_of(phone: StagePhone) -> tuple[Event, ...] | None:
    """Return what has happened inside a phone since it booted; None of a device."""
    return tuple(phone.handset.events) if isinstance(phone, SimulatedPhone) else None
