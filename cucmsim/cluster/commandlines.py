"""The command line of each node of this process, and what its commands do to the running node."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from cucmsim.cluster.node import Node, ServiceState
from cucmsim.cluster.power import NodePower
from cucmsim.cluster.settings import Settings
from cucmsim.cluster.surroundings import NodeFiles
from cucmsim.daemons.probes import SystemProbes
from cucmsim.daemons.sftpclient import AsyncSftpClient
from cucmsim.errors import StoreError
from cucmsim.services.admin import command
from cucmsim.services.admin.commandline import CommandLine
from cucmsim.services.admin.platform import Platform
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.servicecontrol import ServiceAction
from cucmsim.services.operations.versions import is_upgrading
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View

__all__ = ["ClusterCalls", "NodeDesk", "open_command_line"]

ActOnService = Callable[[str, str, ServiceAction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ClusterCalls:
    """What a desk asks of its process."""

    act: ActOnService
    operator: Callable[[], Operator]
    drs: Callable[[], Drs]


class NodeDesk:
    """What commands do to node `name`; `nodes` are those of this process, once they are made."""

    def __init__(
        self,
        name: str,
        nodes: Mapping[str, Node],
        files: NodeFiles,
        calls: ClusterCalls,
        power: NodePower,
        traces: TraceFiles,
        view: View,
    ) -> None:
        self.name = name
        self.sftp = AsyncSftpClient()
        self.network = SystemProbes()
        self._power = power
        self._nodes = nodes
        self._files = files
        self._calls = calls
        self._traces = traces
        self._view = view

    @property
    def started(self) -> datetime:
        """When the node came up."""
        return self._power.started

    @property
    def is_upgrading(self) -> bool:
        """Whether an upgrade of the node runs."""
        return is_upgrading(self._view.replica, self.name)

    def restart_node(self) -> None:
        """Begin to restart the whole node. Raises RefusedError while it goes down already."""
        self._power.restart()

    def shut_down_node(self) -> None:
        """Begin to stop every service of the node. Raises RefusedError."""
        self._power.shut_down()

    def log_directory(self) -> Path:
        """Return where the node's logs lie, all lines written."""
        self._traces.flush()
        return self._traces.directory

    def operator(self) -> Operator:
        """Return what operations work with."""
        return self._calls.operator()

    def drs(self) -> Drs:
        """Return what backups work with. Raises RefusedError where the publisher is not run."""
        return self._calls.drs()

    def services(self) -> Sequence[command.ServiceState]:
        """Return the state of each service of the node."""
        return [
            command.ServiceState(held.name, held.state is ServiceState.STARTED, held.since)
            for held in self._nodes[self.name].services()
        ]

    async def tftp_file(self, name: str) -> bytes | None:
        """Return a file as the node's TFTP service serves it; None when it does not."""
        return await self._files.fetch(name)

    async def act_on_service(self, node: str, service: str, action: ServiceAction) -> None:
        """Act on a service of a node. Raises RefusedError, StartError, StoreError."""
        await self._calls.act(node, service, action)


async def open_command_line(settings: Settings, desk: NodeDesk, view: View) -> CommandLine:
    """Open a node's command line, with the administrator that the description names."""
    operator, described = desk.operator(), settings.cluster
    platform = await Platform.opened(operator.store, desk.name, operator.clock, operator.entropy)
    if described.administrator_password is not None:
        try:
            await platform.describe(described.administrator, described.administrator_password)
        except StoreError as error:  # the database is away: as it was described before
            log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
            log.warning("administrator stays as before", node=desk.name, why=str(error))
    return CommandLine(
        node_name=desk.name,
        store=operator.store,
        view=view,
        clock=operator.clock,
        entropy=operator.entropy,
        operations=desk,
        platform=platform,
    )
