"""Builds the services of a node: what each is made of, taken from the view at that moment."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.logs import trace_for
from cucmsim.cluster.node import Builder
from cucmsim.cluster.settings import NodeSettings, ServiceName, Settings
from cucmsim.daemons.base import Daemon
from cucmsim.daemons.capfd import CAPF_LIMITS, CapfServer
from cucmsim.daemons.conversation import Limits, Recorder
from cucmsim.daemons.tftpd import TftpOptions, TftpServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.tvsd import TvsServer
from cucmsim.entropy import Entropy
from cucmsim.errors import StartError
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.pki.profiles import Unit
from cucmsim.protocols.tftp_requests import Limits as TransferLimits
from cucmsim.services.enrolment import Enrolment
from cucmsim.services.journal import Journal
from cucmsim.services.provisioning import Provisioning
from cucmsim.services.verification import Verification
from cucmsim.services.view import View
from cucmsim.store.store import Store

__all__ = ["Surroundings", "builders_of"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services of a node are made from."""

    settings: Settings
    node: NodeSettings
    view: View
    store: Store
    journal: Journal
    clock: Clock
    entropy: Entropy


def builders_of(around: Surroundings) -> Mapping[ServiceName, Builder]:
    """Return the builders of the services that the node runs, in the order they are started."""
    known: dict[ServiceName, Builder] = {
        ServiceName.TVS: partial(_build_tvs, around),
        ServiceName.CAPF: partial(_build_capf, around),
        ServiceName.TFTP: partial(_build_tftp, around),
    }
    return {service: known[service] for service in known if service in around.node.services}


class _TftpService:
    """The TFTP daemon with what builds its files; files are built ahead while it runs."""

    name = "tftp"

    def __init__(self, provisioning: Provisioning, server: TftpServer) -> None:
        self._provisioning = provisioning
        self._server = server
        self._ahead: asyncio.Task[None] | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports bound."""
        return self._server.ports

    async def start(self) -> None:
        """Serve, and build ahead."""
        self._provisioning.load()
        await self._server.start()
        self._ahead = asyncio.create_task(self._provisioning.run())
        self._ahead.add_done_callback(_report_end)

    async def stop(self, drain_s: float) -> None:
        """Let transfers finish, then let go of everything."""
        try:
            await self._server.stop(drain_s)
        finally:
            if self._ahead is not None:
                self._ahead.cancel()
                await asyncio.wait([self._ahead])
            self._provisioning.close()


def _report_end(ahead: asyncio.Task[None]) -> None:
    """Log what ended the task that builds ahead; files are then built when they are asked for."""
    if not ahead.cancelled():
        structlog.get_logger().error("files are built ahead no more", why=repr(ahead.exception()))


async def _build_tftp(around: Surroundings) -> Daemon:
    limits = around.settings.limits
    provisioning = Provisioning(
        around.node.name,
        around.view,
        around.settings.cluster.release,
        clock=around.clock,
        entropy=around.entropy,
    )
    server = TftpServer(
        provisioning,
        around.node.endpoints(ServiceName.TFTP),
        node=around.node.name,
        journal=around.journal,
        clock=around.clock,
        options=TftpOptions(
            single_port=around.node.tftp_single_port,
            limits=TransferLimits(
                timeout_s=limits.tftp_timeout_s, max_retransmissions=limits.tftp_retransmissions
            ),
            max_transfers=limits.tftp_transfers,
        ),
    )
    return _TftpService(provisioning, server)


async def _build_tvs(around: Surroundings) -> Daemon:
    node, view = around.node.name, around.view
    trace = trace_for(ServiceName.TVS.value, node)
    signer = view.replica.signer(node, Unit.TVS.value)
    verification = Verification(node, view, partial(_ctl_file, around), trace=trace)
    try:
        return TvsServer(
            around.node.endpoints(ServiceName.TVS)[0],
            verification,
            TlsIdentity(signer.certificate, signer.private_key),
            _recorder(around, ServiceName.TVS),
            policy=_policy(around),
            limits=_limits(around),
            trace=trace,
        )
    except StartError:
        verification.close()
        raise


async def _build_capf(around: Surroundings) -> Daemon:
    enrolment = Enrolment(
        around.node.name, around.store, around.view, clock=around.clock, entropy=around.entropy
    )
    return CapfServer(
        around.node.endpoints(ServiceName.CAPF)[0],
        enrolment,
        _recorder(around, ServiceName.CAPF),
        around.entropy,
        policy=_policy(around),
        limits=_limits(around, CAPF_LIMITS.idle_s),
    )


def _ctl_file(around: Surroundings) -> bytes | None:
    """Return the node's CTL as it lies there now; None when there is none."""
    held = around.view.replica.tftp_file(CTL_FILENAME, around.node.name)
    return None if held is None else held.data


def _recorder(around: Surroundings, service: ServiceName) -> Recorder:
    return Recorder(around.node.name, service.value, around.journal, around.clock)


def _policy(around: Surroundings) -> TlsPolicy:
    return TlsPolicy(keylog=around.settings.cluster.tls_keylog, request_client_certificate=True)


def _limits(around: Surroundings, idle_s: float | None = None) -> Limits:
    given = around.settings.limits
    return Limits(
        handshake_s=given.handshake_timeout_s,
        idle_s=idle_s or given.idle_timeout_s,
        connections=given.connections,
    )
