"""The management API: how commands and other programs reach a running cluster. JSON over HTTP.

`/openapi.json` describes it. A refusal is `{"detail": ...}` with status 404 (no such thing), 409
(not now, not here) or 422 (with every problem of what was sent).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Body, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from cucmsim import __version__
from cucmsim.cluster.node import ServiceState
from cucmsim.errors import RefusedError, SettingsError, StartError, StoreError
from cucmsim.services.journal import Exchange
from cucmsim.store.rows import Device

__all__ = [
    "DeviceList",
    "DeviceReport",
    "EventReport",
    "Management",
    "NodeReady",
    "NodeReport",
    "ReadyReport",
    "ServiceReport",
    "StatusReport",
    "management_app",
]

_MOST = 1000


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class NodeReady(_Report):
    """A node whose ports all answer."""

    name: str
    address: str
    services: dict[str, int]


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
    services: list[ServiceReport]


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


class EventReport(_Report):
    """An exchange of the journal with its running number."""

    number: int
    time: datetime
    node: str
    service: str
    peer: str
    device: str | None
    request: str
    answer: str
    milliseconds: float


class Management(Protocol):
    """What the API needs of a cluster. Methods raise RefusedError where something is not to be."""

    def ready(self) -> ReadyReport:
        """Return the nodes of this process."""
        ...

    def status(self) -> StatusReport:
        """Return the state of this process."""
        ...

    def devices(self) -> Mapping[str, Device]:
        """Return every phone by name."""
        ...

    def events(self, after: int) -> Sequence[tuple[int, Exchange]]:
        """Return the exchanges after number `after`."""
        ...

    async def add_device(self, entry: Mapping[str, object]) -> Device:
        """Add a phone described as in `[[phones]]`. Raises SettingsError."""
        ...

    async def change_device(self, name: str, changes: Mapping[str, object]) -> Device:
        """Change a phone. Raises SettingsError."""
        ...

    async def remove_device(self, name: str) -> None:
        """Remove a phone."""
        ...

    async def act_on_service(self, node: str, service: str, action: str) -> None:
        """Start, stop or restart a service of a node. Raises StartError."""
        ...

    def stop(self) -> None:
        """Stop the process, soon."""
        ...


_Entry = Annotated[dict[str, object], Body(description="keys as in [[phones]]")]


def management_app(management: Management) -> FastAPI:
    """Return the application that serves `management`."""
    app = FastAPI(title="cucmsim management API", version=__version__)
    _add_refusals(app)
    _add_reports(app, management)
    _add_devices(app, management)
    _add_services(app, management)
    return app


def _add_refusals(app: FastAPI) -> None:
    """Answer refusals in one form."""

    async def refuse(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    async def list_problems(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error).splitlines()}, 422)

    for kind in (RefusedError, StartError, StoreError):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(SettingsError, list_problems)


def _add_reports(app: FastAPI, management: Management) -> None:
    @app.get("/ready")
    async def ready() -> ReadyReport:
        return management.ready()

    @app.get("/status")
    async def status() -> StatusReport:
        return management.status()

    @app.get("/events")
    async def events(
        after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=_MOST)] = 100
    ) -> list[EventReport]:
        found = management.events(after)[:limit]
        return [EventReport(number=number, **_fields(exchange)) for number, exchange in found]

    @app.post("/stop", status_code=202)
    async def stop() -> dict[str, str]:
        management.stop()
        return {"detail": "stopping"}


def _add_devices(app: FastAPI, management: Management) -> None:
    @app.get("/devices")
    async def devices(
        match: str = "",
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    ) -> DeviceList:
        found = [held for name, held in management.devices().items() if match.upper() in name]
        page = found[offset : offset + limit]
        return DeviceList(total=len(found), devices=[DeviceReport.of(held) for held in page])

    @app.get("/devices/{name}")
    async def device(name: str) -> DeviceReport:
        return DeviceReport.of(_device(management, name))

    @app.post("/devices", status_code=201)
    async def add(entry: _Entry) -> DeviceReport:
        return DeviceReport.of(await management.add_device(entry))

    @app.patch("/devices/{name}")
    async def change(name: str, changes: _Entry) -> DeviceReport:
        _device(management, name)
        return DeviceReport.of(await management.change_device(name, changes))

    @app.delete("/devices/{name}")
    async def remove(name: str) -> dict[str, str]:
        _device(management, name)
        await management.remove_device(name)
        return {"detail": f"{name} removed"}


def _add_services(app: FastAPI, management: Management) -> None:
    @app.get("/services")
    async def services() -> dict[str, list[ServiceReport]]:
        return {node.name: node.services for node in management.status().nodes}

    @app.post("/services/{node}/{service}/{action}")
    async def act(node: str, service: str, action: str) -> dict[str, list[ServiceReport]]:
        await management.act_on_service(node, service, action)
        return await services()


def _device(management: Management, name: str) -> Device:
    held = management.devices().get(name)
    if held is None:
        raise HTTPException(404, f"no phone {name!r}")
    return held


def _fields(exchange: Exchange) -> dict[str, object]:
    return {name: getattr(exchange, name) for name in exchange.__slots__}
