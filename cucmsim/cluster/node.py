"""A node: the services of one server, each started, stopped and restarted by itself.

A service is built anew at each start from what the node's view holds then, so what it had loaded
stays until its restart, as documented for the real services.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.settings import NodeSettings, ServiceName
from cucmsim.daemons.base import Daemon
from cucmsim.errors import RefusedError
from cucmsim.services.operations.servicecontrol import ServiceAction

__all__ = ["Builder", "Node", "ServiceAction", "ServiceState", "ServiceStatus", "finish"]

Builder = Callable[[], Awaitable[Daemon]]
"""Makes a service from what the node's view holds now; does not start it."""


class ServiceState(StrEnum):
    """Whether a service runs."""

    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A service as `status` shows it; `since` is when it got into this state."""

    name: str
    state: ServiceState
    ports: tuple[int, ...]
    since: datetime


class Node:
    """The services of one server."""

    def __init__(
        self, settings: NodeSettings, builders: Mapping[ServiceName, Builder], clock: Clock
    ) -> None:
        self.settings = settings
        self._builders = builders
        self._clock = clock
        self._running: dict[ServiceName, Daemon] = {}
        self._since = dict.fromkeys(builders, clock.now())
        self._changing = {service: asyncio.Lock() for service in builders}
        self._wanted: set[ServiceName] = set()
        self._down: set[ServiceName] = set()
        self._is_closed = False
        self._listeners: list[Callable[[], None]] = []
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=settings.name)

    @property
    def name(self) -> str:
        """The node's name."""
        return self.settings.name

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its services."""
        return tuple(service.value for service in self._builders)

    def services(self) -> tuple[ServiceStatus, ...]:
        """Return the state of each service, in the order of the settings."""
        return tuple(self._status(service) for service in self._builders)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when a service has started or stopped; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def start(self, but: Collection[str] = ()) -> None:
        """Start every service `but` some. Raises StartError, StoreError, with none left running."""
        try:
            for service in self._builders:
                if service not in but:
                    self._wanted.add(service)
                    if service not in self._down:
                        await self._start(service)
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, drain_s: float) -> None:
        """Stop every service, all at the same time; none can be started after that."""
        self._is_closed = True
        await finish(self._stop(service, drain_s) for service in self._builders)

    async def act(self, service: str, action: ServiceAction, drain_s: float) -> None:
        """Start, stop or restart a service; one that is as wanted already is left alone.

        After a restart it works with what the store holds now. Raises RefusedError, StartError,
        StoreError; a service that could not be started is stopped.
        """
        known = self._known(service)
        if action is not ServiceAction.START:
            self._wanted.discard(known)
            await self._stop(known, drain_s)
        if action is not ServiceAction.STOP:
            self._wanted.add(known)
            await self._start(known)

    async def set_down(self, service: str) -> None:
        """Stop a service as if its machine were killed; it cannot be started until `let_up`."""
        known = self._known(service)
        self._down.add(known)
        await self._stop(known, 0)

    async def let_up(self, service: str) -> bool:
        """Start a service that is down, unless it was stopped by an order; tell whether it runs.

        Raises StartError, StoreError.
        """
        known = self._known(service)
        self._down.discard(known)
        if known in self._wanted:
            await self._start(known)
        return known in self._running

    async def _start(self, service: ServiceName) -> None:
        async with self._changing[service]:
            if self._is_closed:
                raise RefusedError(f"node {self.name} is stopping")
            if service in self._running:
                return
            if service in self._down:
                raise RefusedError(f"{service} of {self.name} is down by a fault of the plan")
            daemon = await self._builders[service]()
            try:
                await daemon.start()
            except BaseException:
                await daemon.stop(0)
                raise
            self._running[service] = daemon
            self._since[service] = self._clock.now()
            self._log.info("service started", service=service.value, ports=list(daemon.ports))
            self._tell()

    async def _stop(self, service: ServiceName, drain_s: float) -> None:
        async with self._changing[service]:
            daemon = self._running.pop(service, None)
            if daemon is not None:
                await daemon.stop(drain_s)
                self._since[service] = self._clock.now()
                self._log.info("service stopped", service=service.value)
                self._tell()

    def _known(self, service: str) -> ServiceName:
        """Return the service called `service`. Raises RefusedError naming those there are."""
        for known in self._builders:
            if known.value == service:
                return known
        runs = ", ".join(known.value for known in self._builders) or "none"
        raise RefusedError(f"node {self.name} has no service {service!r}; it has: {runs}")

    def _status(self, service: ServiceName) -> ServiceStatus:
        daemon = self._running.get(service)
        state = ServiceState.STOPPED if daemon is None else ServiceState.STARTED
        ports = () if daemon is None else tuple(daemon.ports)
        return ServiceStatus(service.value, state, ports, self._since[service])


async def finish(endings: Iterable[Awaitable[None]]) -> None:
    """Await all of `endings` at the same time, and raise the first failure when all are over."""
    outcomes = await asyncio.gather(*endings, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
