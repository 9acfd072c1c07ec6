"""Builds what serves a node's files: TFTP, and HTTP and HTTPS beside it."""

import asyncio
from collections.abc import Sequence

import structlog
from cryptography import x509

from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.surroundings import NodeFiles, Surroundings
from cucmsim.daemons.base import Daemon
from cucmsim.daemons.httpd import HttpOptions, http_server, https_server
from cucmsim.daemons.remotefiles import Patience, RemoteFileClient
from cucmsim.daemons.sourceports import SourcePorts
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tftp_faults import TftpFaults
from cucmsim.daemons.tftpd import TftpOptions, TftpServer
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.protocols.tftp_requests import Limits as TransferLimits
from cucmsim.services.filelocator import FileLocator
from cucmsim.services.provisioning import Provisioning
from cucmsim.store.replica import Replica

__all__ = ["build_http", "build_tftp"]

_SAYS_404_FROM = Release(12, 5)
_SHOWS_CALLMANAGER_FROM = Release(11)


class _TftpService:
    """The TFTP daemon with what builds its files; files are built ahead while it runs."""

    name = "tftp"

    def __init__(
        self,
        provisioning: Provisioning,
        locator: FileLocator,
        server: TftpServer,
        files: NodeFiles,
    ) -> None:
        self._provisioning = provisioning
        self._locator = locator
        self._server = server
        self._files = files
        self._ahead: asyncio.Task[None] | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports bound."""
        return self._server.ports

    async def start(self) -> None:
        """Serve, and build ahead."""
        await self._provisioning.start()
        await self._server.start()
        self._files.use(self._provisioning, self._locator)
        self._ahead = asyncio.create_task(self._provisioning.run())
        self._ahead.add_done_callback(_report_end)

    async def stop(self, drain_s: float) -> None:
        """Let transfers finish, then let go of everything."""
        self._files.use(None)
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


async def build_tftp(around: Surroundings) -> Daemon:
    """Make the TFTP service."""
    limits = around.settings.limits
    locator = _locator(around)
    provisioning = Provisioning(
        around.node.name,
        around.view,
        around.release,
        clock=around.clock,
        entropy=around.entropy,
        memory=around.itl_memory,
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
            faults=TftpFaults(
                around.faults, around.node.name, around.file_faults(ServiceName.TFTP)
            ),
            transfer_ports=around.node.tftp_transfer_ports or range(0),
        ),
        elsewhere=locator,
        tap=around.tap(ServiceName.TFTP),
    )
    return _TftpService(provisioning, locator, server, around.files)


def _locator(around: Surroundings) -> FileLocator:
    """Make what finds files of other clusters."""
    limits = around.settings.limits
    patience = Patience(limits.alternate_timeout_s, limits.alternate_file_size)
    ports, address = around.node.tftp_transfer_ports, around.node.bind or around.node.address
    return FileLocator(
        around.node.name,
        around.view,
        RemoteFileClient(patience, None if ports is None else SourcePorts(address, ports)),
        clock=around.clock,
        journal=around.journal,
        patience_s=limits.alternate_timeout_s,
    )


class _HttpService:
    """HTTP 6970, HTTPS 6971 and 6972 as one service."""

    name = "http"

    def __init__(self, servers: Sequence[StreamServer]) -> None:
        self._servers = servers

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports bound."""
        return tuple(port for server in self._servers for port in server.ports)

    async def start(self) -> None:
        """Serve on all of them, or on none. Raises StartError."""
        try:
            for server in self._servers:
                await server.start()
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, drain_s: float) -> None:
        """Let requests finish, then close."""
        await asyncio.gather(*(server.stop(drain_s) for server in self._servers))


async def build_http(around: Surroundings) -> Daemon:
    """Make the HTTP service; its files are those of TFTP.

    A missing file is answered 503 before 12.5, 404 from there on. From 11.0 port 6971 shows the
    CallManager certificate and 6972 the tomcat one, before that both show tomcat's.
    """
    release = around.release
    missing = 404 if release >= _SAYS_404_FROM else 503
    shown = Unit.CALLMANAGER if release >= _SHOWS_CALLMANAGER_FROM else Unit.TOMCAT
    plain, tls, tls_client = around.node.endpoints(ServiceName.HTTP)
    recorder, limits = around.recorder(ServiceName.HTTP), around.limits()
    options = HttpOptions(
        missing,
        around.settings.limits.http_head,
        around.files.seeks,
        mischief=around.mischief(ServiceName.HTTP),
        file_faults=around.file_faults(ServiceName.HTTP),
    )

    def is_trusted(certificate: x509.Certificate) -> bool:
        return _is_phone(around.view.replica, certificate)

    return _HttpService(
        (
            http_server(plain, around.files, recorder, options=options, limits=limits),
            https_server(
                tls,
                around.files,
                recorder,
                around.identity(shown),
                around.policy(),
                options=options,
                limits=limits,
            ),
            https_server(
                tls_client,
                around.files,
                recorder,
                around.identity(Unit.TOMCAT),
                around.policy(asks=True),
                is_trusted=is_trusted,
                options=options,
                limits=limits,
            ),
        )
    )


def _is_phone(replica: Replica, certificate: x509.Certificate) -> bool:
    """Tell whether CAPF, or an authority in CAPF-trust, issued the certificate."""
    held = (*replica.in_store("CAPF"), *replica.in_store("CAPF-trust"))
    return any(
        is_issued_by(certificate, load_certificate(issuer.certificate_der)) for issuer in held
    )
