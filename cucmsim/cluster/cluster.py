"""The whole: one process's share of a cluster, from its settings to its end.

With the publisher among its nodes the process fills the store; without, it waits until the store
holds what its nodes start from. Every node answers from one view, which a task keeps at the newest
version. What was opened is closed in the opposite order, however the run ends.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from cucmsim.clock import Clock, SystemClock, movable
from cucmsim.cluster.administration import Administration
from cucmsim.cluster.aftermath import AftermathRunner
from cucmsim.cluster.calls import CallServer, Elsewhere
from cucmsim.cluster.certificatemonitor import CertificateMonitor
from cucmsim.cluster.commandlines import ClusterCalls, NodeDesk, open_command_line
from cucmsim.cluster.directory import admin_path, hold_directory, make_directory
from cucmsim.cluster.drsschedule import DrsScheduler
from cucmsim.cluster.faultrunner import FaultRunner
from cucmsim.cluster.housekeeping import Housekeeping
from cucmsim.cluster.management import management_app, management_server
from cucmsim.cluster.newnode import with_added_node, with_stored_nodes
from cucmsim.cluster.node import Node, ServiceAction, finish
from cucmsim.cluster.nodeorders import OrderRunner
from cucmsim.cluster.opening import Beginning, first_replica, follower_of, nodes_to_run, open_store
from cucmsim.cluster.power import NodePower
from cucmsim.cluster.presence import PresenceTeller
from cucmsim.cluster.reports import NodeReady, NodeReport, ReadyReport, StatusReport
from cucmsim.cluster.runoptions import RunOptions
from cucmsim.cluster.services import builders_of
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.cluster.surroundings import NodeFiles, Surroundings
from cucmsim.cluster.timekeeping import Timekeeper
from cucmsim.cluster.tracing import open_traces, trace_exchange
from cucmsim.cluster.trustapi import TrustListReport, trust_list_report
from cucmsim.cluster.upgrades import UpgradeRunner
from cucmsim.cluster.wholestatus import Observatory
from cucmsim.daemons.admind import AdminServer
from cucmsim.daemons.sftpclient import AsyncSftpClient
from cucmsim.entropy import Entropy, SystemEntropy, stream_of
from cucmsim.errors import RefusedError, StoreError
from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME
from cucmsim.services.admin.commandline import CommandLine
from cucmsim.services.alarms import AlarmBook, AlarmKeeper
from cucmsim.services.capture import Capture
from cucmsim.services.faults.plan import FaultPlan
from cucmsim.services.itlstamp import ItlMemory
from cucmsim.services.journal import Exchange, Journal
from cucmsim.services.operations.activation import deactivated_parts
from cucmsim.services.operations.clockmove import follow_clock, sleep_until
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.phonesearch import PhoneSearch, find_phones
from cucmsim.services.operations.servicecontrol import act_on_service
from cucmsim.services.operations.versions import active_release
from cucmsim.services.registration import Registration, Registrations, UnregisterReason
from cucmsim.services.tracefiles import TraceFiles
from cucmsim.services.view import View
from cucmsim.store.copykeeper import CopyKeeper
from cucmsim.store.rows import Device
from cucmsim.store.store import Store

__all__ = ["Cluster", "RunOptions"]

_MANAGEMENT_DRAIN_S = 1.0
_TRUST_LISTS = (ITL_FILENAME, CTL_FILENAME)


class Cluster:
    """The nodes that run in this process. Made by `Cluster.running`."""

    def __init__(self, settings: Settings, store: Store, view: View, beginning: Beginning) -> None:
        options, clock, entropy = beginning.options, beginning.clock, beginning.entropy
        self.settings = settings
        self.journal = Journal(settings.limits.journal_exchanges, is_timed=options.is_timed)
        self.capture = Capture(clock, settings.limits.capture_size)
        self.faults = FaultPlan(settings.faults)
        self.view = view
        self.nodes: dict[str, Node] = {}
        self.registrations: dict[str, Registrations] = {}
        self.command_lines: dict[str, CommandLine] = {}
        self._files: dict[str, NodeFiles] = {}
        self._traces: dict[str, TraceFiles] = {}
        self._alarms: list[AlarmKeeper] = []
        self.powers: dict[str, NodePower] = {}
        self._store = store
        self._follower = follower_of(store, view, beginning, self.nodes)
        self._runs_whole = options.node is None
        self._leaving: list[asyncio.Task[None]] = []
        self._clock = clock
        self._entropy = entropy
        self._operations_entropy = stream_of(entropy, "operations")
        self._administration = Administration(self.operator)
        self._started = clock.now()
        self._stopping = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._sftp = AsyncSftpClient()
        self._tasks = self._housekeeping()
        tell = self._tasks.presence.own
        self.observatory = Observatory(settings, view, self.operator, self.registrations, tell)
        path = admin_path(settings.cluster.data_directory, options.node)
        self._admin = AdminServer(path, self.command_lines, clock)
        self._management = management_server(self, settings, options.node)

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

        Raises StartError, StoreError, and RefusedError for a node that is not described.
        """
        options = options or RunOptions()
        clock, entropy = movable(clock or SystemClock()), entropy or SystemEntropy()
        settings = await with_added_node(settings, options.node, clock, entropy)
        mine = nodes_to_run(settings, options.node)
        async with AsyncExitStack() as stack:
            stack.enter_context(hold_directory(settings.cluster.data_directory, options.node))
            beginning = Beginning(settings, mine, clock, entropy, options)
            store = await stack.enter_async_context(open_store(beginning))
            view = View(await first_replica(store, beginning))
            follow_clock(clock, view)
            if options.node is None:
                settings = with_stored_nodes(settings, view.replica)
                mine = settings.nodes
            settings = replace(settings, phones=())  # the store has them now
            cluster = cls(settings, store, view, beginning)
            if options.capture:
                cluster.capture.start()
            stack.push_async_callback(cluster._close)
            await cluster._start(mine)
            yield cluster

    def _housekeeping(self) -> Housekeeping:
        sleep = partial(sleep_until, self._clock)
        held = (self.nodes, self.registrations, self._files, self.powers)
        timekeeper = Timekeeper(self._store, self._clock)
        return Housekeeping(
            FaultRunner(self.faults, self.nodes, self.journal, self._clock),
            AftermathRunner(self.view, self.nodes, self.registrations, self.act_on_service),
            UpgradeRunner(self.view, self.powers, self.operator, sleep),
            OrderRunner(self.view, self.powers, self._leave),
            CertificateMonitor(self._traces, self.view, self.operator, sleep),
            DrsScheduler(self.view, self.drs, sleep),
            PresenceTeller(self._store, self.view, *held, timekeeper),
            timekeeper,
            CopyKeeper(self._store),
            CallServer(self._store.calls, self.nodes, management_app(self)),
        )

    @property
    def monitor(self) -> CertificateMonitor:
        """Writes the alarms about certificates."""
        return self._tasks.monitor

    async def _start(self, mine: Sequence[NodeSettings]) -> None:
        """Start nodes, the follower and management; `_close` ends them."""
        make_directory(self.settings.cluster.certs_directory, "certificate directory")
        self.journal.subscribe(partial(trace_exchange, self._traces))
        self.journal.subscribe(self._learn_device)
        for settings in mine:
            self.nodes[settings.name] = await self._node(settings)
        await self._follower.mirror()
        await self._tasks.start_faults()
        for held in self.nodes.values():
            await held.start(deactivated_parts(self.view.replica.node(held.name)))
        self._following = asyncio.create_task(self._follower.run())
        self._following.add_done_callback(lambda _: self.stop())
        self._tasks.start(is_publisher=self.settings.publisher.name in self.nodes)
        await self._management.start()
        await self._admin.start()

    async def take_in(self, settings: NodeSettings) -> bool:
        """Run a node that was added just now, if this process runs every node; tell whether.

        Raises StartError, StoreError.
        """
        if self._runs_whole:
            self.settings = replace(self.settings, nodes=(*self.settings.nodes, settings))
            node = self.nodes[settings.name] = await self._node(settings)
            await self._follower.mirror()
            await node.start()
        return self._runs_whole

    def _leave(self, name: str) -> None:
        """Run a node no longer that is not in the cluster; the last one takes the process along."""
        kept = tuple(node for node in self.settings.nodes if node.name != name)
        self.settings = replace(self.settings, nodes=kept)
        stopping = self.nodes.pop(name).stop(self.settings.limits.stop_timeout_s)
        self._leaving.append(asyncio.create_task(stopping))
        for held in (self.powers, self.registrations, self.command_lines, self._files):
            held.pop(name)
        self._traces.pop(name).flush()
        if not self.nodes:
            self.stop()

    async def _node(self, settings: NodeSettings) -> Node:
        book = AlarmBook(settings.name, self.view, self._clock)
        self._alarms.append(AlarmKeeper(settings.name, book, self._store))
        await self._alarms[-1].start()
        registrations = Registrations(settings.name, self.view, self._clock, book)
        registrations.subscribe(self._keep_in_one_place)
        self.registrations[settings.name] = registrations
        files = self._files[settings.name] = NodeFiles()
        traces = open_traces(self.settings.cluster, settings.name, self._clock, self.view)
        self._traces[settings.name] = traces
        around = Surroundings(
            self.settings,
            settings,
            self.view,
            self._store,
            self.journal,
            self._clock,
            stream_of(self._entropy, settings.name),
            registrations,
            await self._command_line(settings.name, files, traces),
            traces,
            ItlMemory(settings.name, self._store),
            self.faults,
            self.capture,
            self._follower.update,
            files,
        )
        return Node(settings, builders_of(around), self._clock)

    async def _command_line(self, node: str, files: NodeFiles, traces: TraceFiles) -> CommandLine:
        power = self.powers[node] = NodePower(
            lambda: self.nodes[node],
            lambda: deactivated_parts(self.view.replica.node(node)),
            self._clock,
            self.settings.limits.stop_timeout_s,
        )
        desk = NodeDesk(
            node,
            self.nodes,
            files,
            ClusterCalls(self.act_on_service, partial(self.operator, node), self.drs),
            power,
            traces,
            self.view,
        )
        opened = await open_command_line(self.settings, desk, self.view)
        self.command_lines[node] = opened
        return opened

    def _learn_device(self, exchange: Exchange) -> None:
        """Let the fault plan know which phone speaks from an address."""
        if exchange.device is not None and exchange.peer:
            self.faults.learn(exchange.peer.rpartition(":")[0], exchange.device)

    def _keep_in_one_place(self, new: Registration, reason: UnregisterReason | None) -> None:
        """Drop a phone at the other nodes of this process when it registers with one."""
        for node, registrations in self.registrations.items():
            if reason is None and node != new.node:
                registrations.drop(new.device_name, UnregisterReason.DUPLICATE)

    async def _close(self) -> None:
        """Stop everything at the same time, so that the longest drain is the whole wait."""
        self.journal.close()
        leaving = asyncio.create_task(self._store.leave())
        await self._tasks.stop()
        for power in self.powers.values():
            await power.finished()
        drain_s = self.settings.limits.stop_timeout_s
        endings: list[Awaitable[None]] = [node.stop(drain_s) for node in self.nodes.values()]
        endings += self._leaving
        endings += [
            self._admin.stop(_MANAGEMENT_DRAIN_S),
            self._management.stop(_MANAGEMENT_DRAIN_S),
        ]
        try:
            await finish(endings)
        finally:
            await leaving
            for traces in self._traces.values():
                traces.flush()
            await finish(alarms.stop() for alarms in self._alarms)
            if self._following is not None:
                self._following.cancel()
                await asyncio.wait([self._following])

    async def wait_stopped(self) -> None:
        """Wait until somebody calls `stop`; raises what ended the task that follows the store."""
        await self._stopping.wait()
        if self._following is not None and self._following.done():
            self._following.result()

    def stop(self) -> None:
        """Let `wait_stopped` return."""
        self._stopping.set()

    # what the management API asks

    def elsewhere(self) -> Elsewhere:
        """Return what reaches the nodes of other processes."""
        return Elsewhere(self._store, self.nodes)

    @property
    def described_services(self) -> Mapping[str, tuple[str, ...]]:
        """The services of each node that the description has."""
        return self.settings.services

    async def settled(self) -> None:
        """Wait until nodes have done what they do by themselves after the changes so far."""
        await self._tasks.aftermath.settled()

    def ready(self) -> ReadyReport:
        """Return the nodes of this process with the ports they answer on."""
        return ReadyReport(nodes=[NodeReady.of(node) for node in self.nodes.values()])

    def status(self) -> StatusReport:
        """Return the state of this process."""
        replica, registered = self.view.replica, self.registrations
        nodes = [
            NodeReport.of(node, replica, len(registered[name].held))
            for name, node in self.nodes.items()
        ]
        return StatusReport.of(self.settings.cluster, replica, self._started, nodes)

    def devices(self) -> Mapping[str, Device]:
        """Return every phone by name."""
        return self.view.replica.devices

    def find_devices(self, search: PhoneSearch) -> Sequence[Device]:
        """Return the phones that a search finds, by name."""
        return find_phones(self.view.replica, search)

    async def trust_lists(self) -> list[TrustListReport]:
        """Return the trust lists that the nodes of this process serve."""
        return [
            trust_list_report(node, *[await files.fetch(name) for name in _TRUST_LISTS])
            for node, files in self._files.items()
        ]

    def administration(self) -> Administration:
        """Return what changes phones. Raises RefusedError where the publisher is not run."""
        self._refuse_without_publisher()
        return self._administration

    def _refuse_without_publisher(self) -> None:
        publisher, here = self.settings.publisher.name, ", ".join(self.nodes)
        if publisher not in self.nodes:
            raise RefusedError(
                f"changes are made on the publisher, {publisher}; this process runs {here}"
            )

    def drs(self) -> Drs:
        """Return what backups work with. Raises RefusedError where the publisher is not run."""
        self._refuse_without_publisher()
        publisher = self.settings.publisher.name
        zone = self.command_lines[publisher].platform.zone
        return Drs(self.operator(publisher), self._sftp, zone, self._came_up)

    def _came_up(self, node: str) -> datetime | None:
        """Return when a node of this process came up; None for one of another process."""
        power = self.powers.get(node)
        return None if power is None else power.started

    async def act_on_service(self, node: str, service: str, action: ServiceAction) -> None:
        """Start, stop or restart a service. Raises RefusedError, StartError, StoreError."""
        held = self.nodes.get(node)
        if held is None:
            raise RefusedError(self._elsewhere(node))
        with suppress(StoreError):  # the database is away: it starts with what is known
            await self._follower.update()
        await act_on_service(held, service, action, self.settings.limits.stop_timeout_s)

    def _elsewhere(self, node: str) -> str:
        """Say that a node does not run here."""
        here = ", ".join(self.nodes)
        if node in self.view.replica.nodes:
            return f"node {node} runs in another process: give it the command there, not to {here}"
        return f"no node {node!r} in this process; it runs: {here}"

    def operator(self, node: str | None = None) -> Operator:
        """Return what operations on this cluster work with, given at `node` or the publisher."""
        replica = self.view.replica
        return Operator(
            self._store,
            self._follower.update,
            active_release(replica, node or replica.publisher.name),
            self.settings.certificates,
            self._clock,
            self._operations_entropy,
            self.settings.cluster.security_password,
        )
