"""What a process does by itself while its nodes serve: the tasks beside the daemons.

Faults of the plan that are about nodes and services, what follows changes of certificates, upgrades
and restarts that were ordered, the certificate monitor, the time, what others are told and ask, the
local copy of the store, and on the publisher the backups that are scheduled.
"""

from dataclasses import dataclass

from cucmsim.cluster.aftermath import AftermathRunner
from cucmsim.cluster.calls import CallServer
from cucmsim.cluster.certificatemonitor import CertificateMonitor
from cucmsim.cluster.drsschedule import DrsScheduler
from cucmsim.cluster.faultrunner import FaultRunner
from cucmsim.cluster.nodeorders import OrderRunner
from cucmsim.cluster.presence import PresenceTeller
from cucmsim.cluster.timekeeping import Timekeeper
from cucmsim.cluster.upgrades import UpgradeRunner
from cucmsim.store.copykeeper import CopyKeeper

__all__ = ["Housekeeping"]


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """The tasks of one process."""

    faults: FaultRunner
    aftermath: AftermathRunner
    upgrades: UpgradeRunner
    orders: OrderRunner
    monitor: CertificateMonitor
    backups: DrsScheduler
    presence: PresenceTeller
    timekeeper: Timekeeper
    copies: CopyKeeper
    calls: CallServer

    async def start_faults(self) -> None:
        """Take down what the plan says, before the nodes start."""
        await self.faults.start()

    def start(self, *, is_publisher: bool) -> None:
        """Start the rest, once the nodes have started."""
        self.aftermath.start()
        self.upgrades.start()
        self.orders.start()
        self.monitor.start()
        self.timekeeper.start()
        self.presence.start()
        self.copies.start()
        self.calls.start()
        if is_publisher:
            self.backups.start()

    async def stop(self) -> None:
        """Stop all of it, in the opposite order."""
        await self.calls.stop()
        await self.copies.stop()
        await self.presence.stop()
        await self.timekeeper.stop()
        await self.monitor.stop()
        await self.backups.stop()
        self.orders.stop()
        await self.upgrades.stop()
        await self.aftermath.stop()
        await self.faults.stop()
