"""What the management API tells, as models; `/openapi.json` and the commands know them."""

import os
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cucmsim import __version__
from cucmsim.cluster.node import Node, ServiceState
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.settings import ClusterSettings
from cucmsim.cluster.upgradeapi import VersionReport
from cucmsim.services.operations.versions import active_release, sides_of
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device

__all__ = [
    "ChangedDevices",
    "DeviceChanges",
    "DeviceList",
    "DeviceReport",
    "NodeReady",
    "NodeReport",
    "ReadyReport",
    "ServiceReport",
    "StatusReport",
]


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class NodeReady(_Report):
    """A node whose ports all answer."""

    name: str
    address: str
    services: dict[str, int]

    @classmethod
    def of(cls, node: Node) -> "NodeReady":
        """Return the ports that answer by their names; of several TFTP ports the first."""
        ports: dict[str, int] = {}
        for held in node.services():
            named = node.settings.ports.keyed(ServiceName(held.name))
            for (spot, _), port in zip(named, held.ports, strict=False):
                ports.setdefault(str(spot[0]), port)
        return cls(name=node.name, address=node.settings.address, services=ports)


class ReadyReport(_Report):
    """The nodes of this process; the content of the ready file."""

    nodes: list[NodeReady]


class ServiceReport(_Report):
    """A service of a node."""

    name: str
    state: ServiceState
    ports: list[int]
    since: datetime


class NodeReport(_Report):
    """A node of this process. `version` is that of the replica it answers from."""

    name: str
    role: str
    address: str
    version: int
    registered: int = 0
    versions: VersionReport
    services: list[ServiceReport]

    @classmethod
    def of(cls, node: Node, replica: Replica, registered: int) -> "NodeReport":
        """Return the state of each service of a node with so many registered phones."""
        return cls(
            name=node.name,
            role=node.settings.role,
            address=node.settings.address,
            version=replica.version,
            registered=registered,
            versions=VersionReport.of(sides_of(replica, node.name)),
            services=[ServiceReport.model_validate(held) for held in node.services()],
        )


class StatusReport(_Report):
    """A cluster as this process sees it."""

    cluster: str
    release: str
    security_mode: str
    program: str
    pid: int
    started: datetime
    devices: int
    nodes: list[NodeReport]

    @classmethod
    def of(
        cls,
        described: ClusterSettings,
        replica: Replica,
        started: datetime,
        nodes: list[NodeReport],
    ) -> "StatusReport":
        """Return what a process that `started` then tells of the cluster and its own `nodes`."""
        return cls(
            cluster=described.id,
            release=str(active_release(replica, replica.publisher.name)),
            security_mode=described.security_mode,
            program=f"cucmsim {__version__}",
            pid=os.getpid(),
            started=started,
            devices=len(replica.devices),
            nodes=nodes,
        )


class DeviceReport(_Report):
    """A phone. Authentication strings are never shown."""

    name: str
    model: str
    protocol: str
    description: str
    device_pool: str
    security_profile: str
    security_mode: int
    encrypted_config: bool
    authentication_mode: str
    pending_operation: str
    certificate_status: str
    lsc_valid_until: datetime | None
    lsc_issuer: str
    lsc_issuer_valid_until: datetime | None
    operation_expires: datetime | None
    locked_until: datetime | None
    lines: list[str]
    versionstamp: str

    @classmethod
    def of(cls, device: Device) -> "DeviceReport":
        """Return what is shown of `device`."""
        values = {name: getattr(device, name) for name in cls.model_fields if name != "lines"}
        return cls(**values, lines=[line.number for line in device.lines])


class DeviceList(_Report):
    """A page of phones; `total` counts all that match."""

    total: int
    devices: list[DeviceReport]


class DeviceChanges(_Report):
    """The same changes, with keys as in `[[phones]]`, of several phones."""

    devices: Annotated[list[str], Field(min_length=1)]
    changes: dict[str, object]


class ChangedDevices(_Report):
    """The names of the phones that were changed."""

    devices: list[str]
