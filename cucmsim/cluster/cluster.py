"""The whole: one process's share of a cluster, from its settings to its end.

With the publisher among its nodes the process fills the store; without, it waits until the store
holds its nodes. Every node answers from its view; one task follows the store's changes and replaces
the views. What was opened is closed in the opposite order, however the run ends.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from cucmsim import __version__
from cucmsim.clock import Clock, SystemClock
from cucmsim.cluster.bootstrap import fill_store
from cucmsim.cluster.directory import hold_directory, make_directory, socket_path
from cucmsim.cluster.management import (
    NodeReady,
    NodeReport,
    ReadyReport,
    ServiceReport,
    StatusReport,
    management_app,
)
from cucmsim.cluster.node import Node
from cucmsim.cluster.phonechanges import changed_phone, new_phone
from cucmsim.cluster.services import Surroundings, builders_of
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.daemons.managed import ManagementServer, TcpAccess
from cucmsim.entropy import Entropy, SystemEntropy
from cucmsim.errors import RefusedError, StoreError
from cucmsim.services.journal import Exchange, Journal
from cucmsim.services.mirror import write_mirror
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device
from cucmsim.store.store import Store

__all__ = ["Cluster", "RunOptions"]

_WAIT_FOR_PUBLISHER_S = 300.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run is told besides its settings. `node` None runs every node in this process."""

    node: str | None = None
    prune: bool = False


class Cluster:
    """The nodes that run in this process. Made by `Cluster.running`."""

    def __init__(
        self, settings: Settings, store: Store, replica: Replica, clock: Clock, entropy: Entropy
    ) -> None:
        self.settings = settings
        self.journal = Journal()
        self.view = View(replica)
        self.nodes: dict[str, Node] = {}
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._started = clock.now()
        self._stopping = asyncio.Event()
        self._mirror_lock = asyncio.Lock()
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        settings: Settings,
        options: RunOptions | None = None,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> AsyncIterator["Cluster"]:
        """Run what `settings` and `options` say while the block runs; ready when it begins.

        Raises StartError, StoreError, and SettingsError for a node that is not described.
        """
        options = options or RunOptions()
        clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
        mine = _nodes_to_run(settings, options.node)
        async with AsyncExitStack() as stack:
            stack.enter_context(hold_directory(settings.cluster.data_directory, options.node))
            store = await _open_store(stack, settings, mine, clock, entropy, options)
            cluster = cls(settings, store, await store.load_replica(), clock, entropy)
            await cluster._start(stack, mine, options.node)
            yield cluster

    async def _start(
        self, stack: AsyncExitStack, mine: Sequence[NodeSettings], node: str | None
    ) -> None:
        """Start nodes, followers and management; `stack` will end them."""
        make_directory(self.settings.cluster.certs_directory, "certificate directory")
        await self._mirror(self.view.replica, mine)
        stack.push_async_callback(self._stop_nodes)
        for settings in mine:
            await self._start_node(settings)
        follower = asyncio.create_task(self._follow(mine))
        stack.push_async_callback(_end_task, follower)
        await self._start_management(stack, node)

    async def _start_node(self, settings: NodeSettings) -> None:
        around = Surroundings(
            self.settings,
            settings,
            self.view,
            self._store,
            self.journal,
            self._clock,
            self._entropy,
        )
        node = Node(settings, builders_of(around), self._clock)
        await node.start()
        self.nodes[settings.name] = node

    async def _stop_nodes(self) -> None:
        """Stop every node, all at the same time."""
        drain_s = self.settings.limits.stop_timeout_s
        await asyncio.gather(*(node.stop(drain_s) for node in self.nodes.values()))

    async def _start_management(self, stack: AsyncExitStack, node: str | None) -> None:
        wanted = self.settings.management
        tcp = None
        if wanted.port is not None and wanted.token is not None:
            tcp = TcpAccess(wanted.address, wanted.port, wanted.token)
        path = socket_path(self.settings.cluster.data_directory, node)
        server = ManagementServer(management_app(self), path, tcp)
        await server.start()
        stack.push_async_callback(server.stop, 1.0)

    async def _follow(self, mine: Sequence[NodeSettings]) -> None:
        """Replace the view whenever the store announces a change; go on serving when it is away."""
        async for _version in self._store.changes():
            try:
                replica = await self._store.update_replica(self.view.replica)
                await self._take(replica, mine)
            except StoreError as error:
                self._log.warning(
                    "database away, serving on", version=self.view.replica.version, why=str(error)
                )

    async def _take(self, replica: Replica, mine: Sequence[NodeSettings]) -> None:
        """Answer from `replica` from now on."""
        old = self.view.replica
        if replica is old or replica.version < old.version:
            return
        self.view.replace(replica)
        self._log.debug("replica updated", version=replica.version)
        if replica.certificates is not old.certificates or replica.own_keys is not old.own_keys:
            await self._mirror(replica, mine)

    async def _mirror(self, replica: Replica, mine: Sequence[NodeSettings]) -> None:
        directory = self.settings.cluster.certs_directory
        async with self._mirror_lock:
            names = [node.name for node in mine]
            await asyncio.to_thread(write_mirror, directory, replica, names)

    # what the management API and commands ask

    async def wait_stopped(self) -> None:
        """Wait until somebody calls `stop`."""
        await self._stopping.wait()

    def stop(self) -> None:
        """Let `wait_stopped` return."""
        self._stopping.set()

    def ready(self) -> ReadyReport:
        """Return the nodes of this process with the ports they answer on."""
        return ReadyReport(
            nodes=[
                NodeReady(
                    name=node.name,
                    address=node.settings.address,
                    services={held.name: held.ports[0] for held in node.services() if held.ports},
                )
                for node in self.nodes.values()
            ]
        )

    def status(self) -> StatusReport:
        """Return the state of this process."""
        described = self.settings.cluster
        return StatusReport(
            cluster=described.id,
            release=str(described.release),
            security_mode=described.security_mode,
            program=f"cucmsim {__version__}",
            pid=os.getpid(),
            started=self._started,
            devices=len(self.view.replica.devices),
            nodes=[self._report(node) for node in self.nodes.values()],
        )

    def _report(self, node: Node) -> NodeReport:
        return NodeReport(
            name=node.name,
            role=node.settings.role,
            address=node.settings.address,
            version=self.view.replica.version,
            services=[
                ServiceReport(name=s.name, state=s.state, ports=list(s.ports), since=s.since)
                for s in node.services()
            ],
        )

    def devices(self) -> Mapping[str, Device]:
        """Return every phone by name."""
        return self.view.replica.devices

    def events(self, after: int) -> Sequence[tuple[int, Exchange]]:
        """Return the exchanges after number `after`."""
        return self.journal.since(after)

    async def add_device(self, entry: Mapping[str, object]) -> Device:
        """Add a phone. Raises SettingsError with what is wrong, RefusedError when it is there."""
        self._require_publisher()
        replica = await self._newest()
        device = new_phone(entry, self.settings, replica)
        if device.name in replica.devices:
            raise RefusedError(f"phone {device.name} is there already; `device set` changes it")
        return await self._put(device)

    async def change_device(self, name: str, changes: Mapping[str, object]) -> Device:
        """Change a phone. Raises SettingsError with what is wrong."""
        self._require_publisher()
        replica = await self._newest()
        held = replica.devices.get(name)
        if held is None:
            raise RefusedError(f"no phone {name!r}")
        return await self._put(changed_phone(held, changes, self.settings, replica))

    async def remove_device(self, name: str) -> None:
        """Remove a phone."""
        self._require_publisher()
        async with self._store.transaction() as transaction:
            await transaction.delete_device(name)
        await self._newest()

    async def act_on_service(self, node: str, service: str, action: str) -> None:
        """Start, stop or restart a service. Raises RefusedError, StartError."""
        held = self.nodes.get(node)
        if held is None:
            here = ", ".join(self.nodes)
            raise RefusedError(f"no node {node!r} in this process; it runs: {here}")
        drain_s = self.settings.limits.stop_timeout_s
        match action:
            case "start":
                await held.start_service(service)
            case "stop":
                await held.stop_service(service, drain_s)
            case "restart":
                await held.restart_service(service, drain_s)
            case _:
                raise RefusedError(f"found action {action!r}, expected start, stop or restart")

    def _require_publisher(self) -> None:
        if self.settings.publisher.name not in self.nodes:
            raise RefusedError(
                f"changes are made on the publisher, {self.settings.publisher.name};"
                f" this process runs {', '.join(self.nodes)}"
            )

    async def _put(self, device: Device) -> Device:
        async with self._store.transaction() as transaction:
            await transaction.put_device(device)
        return (await self._newest()).devices[device.name]

    async def _newest(self) -> Replica:
        """Bring the view up to date now, so that who made a change sees it answered."""
        replica = await self._store.update_replica(self.view.replica)
        mine = [node.settings for node in self.nodes.values()]
        await self._take(replica, mine)
        return self.view.replica


def _nodes_to_run(settings: Settings, name: str | None) -> tuple[NodeSettings, ...]:
    """Return the nodes of this process. Raises RefusedError for a name that is not described."""
    if name is None:
        return settings.nodes
    for node in settings.nodes:
        if node.name == name:
            return (node,)
    known = ", ".join(node.name for node in settings.nodes)
    raise RefusedError(f"{settings.path}: no node {name!r}; it describes: {known}")


async def _open_store(
    stack: AsyncExitStack,
    settings: Settings,
    mine: Sequence[NodeSettings],
    clock: Clock,
    entropy: Entropy,
    options: RunOptions,
) -> Store:
    """Open the store: filled by this process if it runs the publisher, else awaited."""
    publishes = any(node.is_publisher for node in mine)
    store = await stack.enter_async_context(
        Store.open(
            settings.cluster.database,
            security_password=settings.cluster.security_password,
            clock=clock,
            entropy=entropy,
            migrate=publishes,
        )
    )
    if publishes:
        await fill_store(store, settings, clock, entropy, prune_store=options.prune)
    else:
        structlog.get_logger().info("waiting for the publisher", node=options.node)
        for node in mine:
            await store.wait_for_node(node.name, timeout_s=_WAIT_FOR_PUBLISHER_S)
    return store


async def _end_task(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
