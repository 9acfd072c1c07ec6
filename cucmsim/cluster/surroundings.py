"""What the services of a node are made from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cucmsim.clock import Clock
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.daemons.conversation import Limits, Recorder
from cucmsim.daemons.mischief import Mischief
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.entropy import Entropy, stream_of
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.signatures import Signer
from cucmsim.services.admin.commandline import CommandLine
from cucmsim.services.capture import Capture, Tap
from cucmsim.services.faults.filefaults import FileFaults
from cucmsim.services.faults.plan import FaultPlan
from cucmsim.services.faults.strangers import Strangers
from cucmsim.services.filelocator import FileLocator
from cucmsim.services.itlstamp import ItlMemory
from cucmsim.services.journal import Journal
from cucmsim.services.operations.versions import active_release
from cucmsim.services.provisioning import Provisioning
from cucmsim.services.registration import Registrations
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View
from cucmsim.store.store import Store

__all__ = ["NodeFiles", "Surroundings"]


class NodeFiles:
    """The files of a node's TFTP service, for those that serve them besides; none while it stands.

    Over HTTP a phone gets what TFTP has loaded, so that restarting TFTP changes both.
    """

    def __init__(self) -> None:
        self._source: Provisioning | None = None
        self._locator: FileLocator | None = None
        self._strangers: Strangers | None = None

    def use(self, source: Provisioning | None, locator: FileLocator | None = None) -> None:
        """Take files from `source` from now on; what is not there, TFTP finds by `locator`."""
        self._source, self._locator = source, locator

    def signers(self) -> Sequence[Signer]:
        """Return everybody who may have signed a file."""
        return self._source.signers() if self._source else ()

    def strangers(self, clock: Clock, entropy: Entropy) -> Strangers:
        """Return those who should not have signed; made once, so that TFTP and HTTP have the same.

        A restart of TFTP keeps them.
        """
        if self._strangers is None:
            self._strangers = Strangers(clock, stream_of(entropy, "strangers"))
        return self._strangers

    def seeks(self, name: str) -> bool:
        """Tell whether TFTP would look for a file in other clusters."""
        return self._locator is not None and self._locator.seeks(name)

    def cached(self, name: str) -> bytes | None:
        """Return the file if it is at hand."""
        return self._source.cached(name) if self._source else None

    async def fetch(self, name: str) -> bytes | None:
        """Return the file; None when there is no such file."""
        return await self._source.fetch(name) if self._source else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services of a node are made from, and what several of them need.

    `follow` brings the view up to date. Raises StoreError.
    """

    settings: Settings
    node: NodeSettings
    view: View
    store: Store
    journal: Journal
    clock: Clock
    entropy: Entropy
    registrations: Registrations
    command_line: CommandLine
    traces: TraceFiles
    itl_memory: ItlMemory
    faults: FaultPlan
    capture: Capture
    follow: Callable[[], Awaitable[object]]
    files: NodeFiles = field(default_factory=NodeFiles)

    @property
    def release(self) -> Release:
        """The release that the node runs now; a service keeps what it was built with."""
        return active_release(self.view.replica, self.node.name)

    def recorder(self, service: ServiceName) -> Recorder:
        """Return what writes the exchanges of `service` into the journal."""
        return Recorder(self.node.name, service.value, self.journal, self.clock, self.tap(service))

    def tap(self, service: ServiceName) -> Tap:
        """Return what tells the capture what crosses the wire of `service`."""
        return Tap(self.capture, self.node.name, service.value, self.node.address)

    def file_faults(self, service: ServiceName) -> FileFaults:
        """Return what makes the files of `service` wrong."""
        return FileFaults(
            self.faults,
            self.node.name,
            service.value,
            signers=self.files.signers,
            strangers=self.files.strangers(self.clock, self.entropy),
        )

    def identity(self, unit: Unit) -> TlsIdentity:
        """Return the node's certificate of `unit` with its key, as the store has it now."""
        signer = self.view.replica.signer(self.node.name, unit.value)
        return TlsIdentity(signer.certificate, signer.private_key)

    def mischief(self, service: ServiceName) -> Mischief:
        """Return what makes the faults of `service` happen; an impostor has the key of ipsec."""
        return Mischief(
            self.faults,
            self.node.name,
            service.value,
            self.clock,
            self.entropy,
            lambda: self.identity(Unit.IPSEC).private_key,
        )

    def policy(self, *, asks: bool = False) -> TlsPolicy:
        """Return the TLS policy; `asks` for a client certificate, any or none will do."""
        keylog = self.settings.cluster.tls_keylog
        return TlsPolicy(
            keylog=keylog,
            request_client_certificate=asks,
            secrets=self.capture.add_secret,
        )

    def limits(self, idle_s: float | None = None) -> Limits:
        """Return what a service grants its clients."""
        given = self.settings.limits
        return Limits(
            handshake_s=given.handshake_timeout_s,
            idle_s=idle_s or given.idle_timeout_s,
            connections=given.connections,
        )
