"""Starting, stopping and restarting the services of a node, by Cisco's names.

A service of Cisco's may be several of ours: HTTP 6970 to 6972 is part of `Cisco Tftp`, so that a
restart of it also takes up a new certificate of the ports over TLS (cucm.md 3.4). By a short name,
as in a description, one part alone is meant. A service that is started reads certificates, keys
and parameters anew; until then it works with what it had.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from cucmsim.errors import RefusedError
from cucmsim.store.rows import SERVICE_NAMES

__all__ = ["ServiceAction", "ServiceControl", "act_on_service", "parts_of"]

_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SERVICE_NAMES["callmanager"]: ("callmanager",),
        SERVICE_NAMES["tftp"]: ("tftp", "http"),
        SERVICE_NAMES["tvs"]: ("tvs",),
        SERVICE_NAMES["capf"]: ("capf",),
        SERVICE_NAMES["tomcat"]: ("web",),
    }
)


class ServiceAction(StrEnum):
    """What can be done with a service."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"


class ServiceControl(Protocol):
    """A node whose services can be acted on."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...

    @property
    def parts(self) -> Collection[str]:
        """The short names of the services it has."""
        ...

    async def act(self, service: str, action: ServiceAction, drain_s: float) -> None:
        """Act on one part; one that is as wanted already is left alone. Raises StartError."""
        ...


def parts_of(service: str, known: Collection[str]) -> tuple[str, ...]:
    """Return which of the `known` parts a service is, given by either name; () for another's."""
    wanted = _PARTS.get(service, (service,))
    return tuple(part for part in wanted if part in known)


async def act_on_service(
    control: ServiceControl, service: str, action: ServiceAction, drain_s: float
) -> None:
    """Start, stop or restart a service of a node, "Cisco Tftp" or "tftp".

    Raises RefusedError for a service that the node does not have, StartError, StoreError.
    """
    parts = parts_of(service, control.parts)
    if not parts:
        has = ", ".join(control.parts) or "none"
        raise RefusedError(f"node {control.name} has no service {service!r}; it has: {has}")
    if action is not ServiceAction.START:
        for part in reversed(parts):
            await control.act(part, ServiceAction.STOP, drain_s)
    if action is not ServiceAction.STOP:
        for part in parts:
            await control.act(part, ServiceAction.START, drain_s)
