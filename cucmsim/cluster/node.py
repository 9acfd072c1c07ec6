"""A node: the services of one server, each started, stopped and restarted by itself.

A service is built anew at each start from what the node's view holds then, so what it had loaded
stays until its restart, as documented for the real services.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.settings import NodeSettings, ServiceName
from cucmsim.daemons.base import Daemon
from cucmsim.errors import RefusedError

__all__ = ["Builder", "Node", "ServiceState", "ServiceStatus"]

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
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=settings.name)

    @property
    def name(self) -> str:
        """The node's name."""
        return self.settings.name

    def services(self) -> tuple[ServiceStatus, ...]:
        """Return the state of each service, in the order of the settings."""
        return tuple(self._status(service) for service in self._builders)

    async def start(self) -> None:
        """Start every service. Raises StartError, with none left running."""
        try:
            for service in self._builders:
                await self.start_service(service)
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, drain_s: float) -> None:
        """Stop every service, all at the same time."""
        await asyncio.gather(*(self.stop_service(name, drain_s) for name in tuple(self._running)))

    async def start_service(self, service: str) -> None:
        """Start a stopped service; one that runs is left alone. Raises StartError, RefusedError."""
        known = self._known(service)
        if known in self._running:
            return
        daemon = await self._builders[known]()
        await daemon.start()
        self._running[known] = daemon
        self._since[known] = self._clock.now()
        self._log.info("service started", service=known.value, ports=list(daemon.ports))

    async def stop_service(self, service: str, drain_s: float) -> None:
        """Stop a service; one that does not run is left alone. Raises RefusedError."""
        known = self._known(service)
        daemon = self._running.pop(known, None)
        if daemon is not None:
            await daemon.stop(drain_s)
            self._since[known] = self._clock.now()
            self._log.info("service stopped", service=known.value)

    async def restart_service(self, service: str, drain_s: float) -> None:
        """Stop and start a service; it then works with what the store holds now."""
        await self.stop_service(service, drain_s)
        await self.start_service(service)

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
