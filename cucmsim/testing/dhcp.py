"""The DHCP of a lab's phones: at each start a phone is told its TFTP servers, as by option 150.

Nothing crosses a wire here, and no node serves it. The fault plan of the clusters that a phone is
told of may have nobody answer (`dhcp-silent`): the phone goes on with the servers that it was told
before, a new one has none, and the cluster's journal has a DISCOVER without an answer. Clusters
that run elsewhere have no plan here: their phones know their servers without asking.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from cucmsim.phone.dhcp import DhcpAnswer
from cucmsim.phone.dhcpevents import ServerSource
from cucmsim.phone.events import DhcpTimedOut, Event
from cucmsim.phone.performer import FileServer, Network
from cucmsim.services.faults.kinds import FaultKind
from cucmsim.services.faults.plan import Fault, Scene
from cucmsim.services.journal import Exchange
from cucmsim.testing.labcluster import LabCluster
from cucmsim.testing.reached import ReachedCluster

__all__ = ["LabDhcp", "through_dhcp"]

_SERVICE: Final = "dhcp"
_INTERFACE: Final = "lab"


class LabDhcp:
    """Answers one phone with `servers`, unless a fault of `labs` has it silent."""

    def __init__(
        self, device: str, servers: Sequence[FileServer], labs: Sequence[LabCluster]
    ) -> None:
        self._device = device
        self._servers = tuple(servers)
        self._labs = tuple(labs)
        self.named: tuple[FileServer, ...] = ()
        """The servers that the phone was told last."""
        self.told: DhcpAnswer | None = None
        """The answer in which it was told them."""

    async def find(self, tell: Callable[[Event], None]) -> DhcpAnswer | None:
        """Return the servers, None while a fault has nobody answer."""
        for lab in self._labs:
            scene = Scene("", _SERVICE, self._device)
            fault = lab.faults.take((FaultKind.DHCP_SILENT,), scene)
            if fault is not None:
                self._record(lab, fault)
                tell(DhcpTimedOut(_INTERFACE))
                return None
        hosts = tuple(server.host for server in self._servers)
        self.named, self.told = self._servers, DhcpAnswer(hosts, ServerSource.OPTION_150)
        return self.told

    def after(self, before: Network) -> Network:
        """Return `before` as asking here from now on; what it was told before is what it knows."""
        asked = before.finder
        if isinstance(asked, LabDhcp):
            self.named, self.told = asked.named, asked.told
        return replace(before, servers=self.named, told=self.told, finder=self, reach=self._servers)

    def _record(self, lab: LabCluster, fault: Fault) -> None:
        now = lab.clock.now()
        lab.journal.record(
            Exchange(now, "", _SERVICE, "", self._device, "DISCOVER", "nothing", 0.0, str(fault))
        )


def through_dhcp(
    network: Network,
    device: str,
    clusters: Sequence[ReachedCluster],
    before: Network | None = None,
) -> Network:
    """Return `network` with its TFTP servers asked for at each start of the phone `device`.

    Until it hears them it knows what it was told through `before`, its network until now.
    """
    labs = [one for one in clusters if isinstance(one, LabCluster)]
    if not labs:
        return network
    finder = None if before is None else before.finder
    return LabDhcp(device, network.servers, labs).after(replace(network, finder=finder))
