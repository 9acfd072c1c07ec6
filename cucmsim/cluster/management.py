"""The management API: how commands and other programs reach a running cluster. JSON over HTTP.

`/openapi.json` describes it. A refusal is `{"detail": ...}` with status 404 (no such thing), 409
(not now, not here), 422 (with every problem of what was sent) or 503 (the database fails).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Annotated, Protocol

from fastapi import Body, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from cucmsim import __version__
from cucmsim.cluster.calls import Elsewhere, add_elsewhere
from cucmsim.cluster.capfapi import DeviceQuery, add_capf
from cucmsim.cluster.captureapi import add_capture
from cucmsim.cluster.certificatemonitor import CertificateMonitor
from cucmsim.cluster.certificatesapi import add_certificates
from cucmsim.cluster.clockapi import add_clock
from cucmsim.cluster.clusterapi import add_cluster, add_restart
from cucmsim.cluster.commandapi import add_commands
from cucmsim.cluster.directory import socket_path
from cucmsim.cluster.drsapi import add_drs
from cucmsim.cluster.faultsapi import add_faults
from cucmsim.cluster.journalapi import add_journal
from cucmsim.cluster.node import ServiceAction
from cucmsim.cluster.operationsapi import OutcomeOfOperation, add_operations
from cucmsim.cluster.parametersapi import add_parameters
from cucmsim.cluster.profilesapi import add_profiles
from cucmsim.cluster.registrationapi import add_registrations
from cucmsim.cluster.reports import (
    ChangedDevices,
    DeviceChanges,
    DeviceList,
    DeviceReport,
    ReadyReport,
    ServiceReport,
    StatusReport,
)
from cucmsim.cluster.settings import NodeSettings, Settings
from cucmsim.cluster.trustapi import TrustListReport, add_trust
from cucmsim.cluster.trustlistsapi import add_trust_list_operations
from cucmsim.cluster.upgradeapi import add_upgrades
from cucmsim.cluster.wholestatus import Observatory, add_whole_status
from cucmsim.daemons.managed import ManagementServer, TcpAccess
from cucmsim.errors import RefusedError, SettingsError, StartError, StoreError
from cucmsim.services.admin.commandline import CommandLine
from cucmsim.services.capture import Capture
from cucmsim.services.faults.plan import FaultPlan
from cucmsim.services.journal import Journal
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.phonesearch import PhoneSearch
from cucmsim.services.registration import Registrations
from cucmsim.services.view import View
from cucmsim.store.rows import Device

__all__ = ["Management", "management_app", "management_server", "operation_names"]


class PhoneAdministration(Protocol):
    """Changes phones. Methods raise RefusedError where something is not to be."""

    async def add_device(self, entry: Mapping[str, object]) -> Device:
        """Add a phone described as in `[[phones]]`. Raises SettingsError."""
        ...

    async def change_devices(
        self, names: Sequence[str], changes: Mapping[str, object]
    ) -> Sequence[Device]:
        """Change all these phones or none. Raises SettingsError."""
        ...

    async def remove_device(self, name: str) -> None:
        """Remove a phone."""
        ...


class Management(Protocol):
    """What the API needs of a cluster. Methods raise RefusedError where something is not to be."""

    @property
    def journal(self) -> Journal:
        """What crossed the wire of this process."""
        ...

    @property
    def capture(self) -> Capture:
        """What crossed the wire of this process, byte for byte."""
        ...

    @property
    def registrations(self) -> Mapping[str, Registrations]:
        """The registered phones of each node of this process."""
        ...

    @property
    def command_lines(self) -> Mapping[str, CommandLine]:
        """The command line of each node of this process."""
        ...

    @property
    def view(self) -> View:
        """What the nodes of this process answer from."""
        ...

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong in this process."""
        ...

    @property
    def described_services(self) -> Mapping[str, Collection[str]]:
        """The services of each node that the description has."""
        ...

    @property
    def monitor(self) -> CertificateMonitor:
        """Writes the alarms about certificates."""
        ...

    def ready(self) -> ReadyReport:
        """Return the nodes of this process."""
        ...

    def status(self) -> StatusReport:
        """Return the state of this process."""
        ...

    def devices(self) -> Mapping[str, Device]:
        """Return every phone by name."""
        ...

    def find_devices(self, search: PhoneSearch) -> Sequence[Device]:
        """Return the phones that a search finds, by name."""
        ...

    async def trust_lists(self) -> list[TrustListReport]:
        """Return the trust lists that the nodes of this process serve."""
        ...

    def administration(self) -> PhoneAdministration:
        """Return what changes phones; the publisher has to run here."""
        ...

    async def act_on_service(self, node: str, service: str, action: ServiceAction) -> None:
        """Start, stop or restart a service of a node. Raises StartError."""
        ...

    @property
    def observatory(self) -> Observatory:
        """Looks at the whole cluster."""
        ...

    async def take_in(self, settings: NodeSettings) -> bool:
        """Run a node that was added, if this process runs every node; tell whether."""
        ...

    def operator(self) -> Operator:
        """Return what operations on the cluster work with."""
        ...

    def drs(self) -> Drs:
        """Return what backups and restores work with; the publisher has to run here."""
        ...

    def elsewhere(self) -> Elsewhere:
        """Return what reaches the nodes of other processes."""
        ...

    def stop(self) -> None:
        """Stop the process, soon."""
        ...


_OPERATIONS = "/operations/"

_Entry = Annotated[dict[str, object], Body(description="keys as in [[phones]]")]


_serving: ContextVar[Management] = ContextVar("management")
"""The cluster whose request is being answered."""


def management_app(management: Management) -> ASGIApp:
    """Return the application that serves `management`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        with_management = _serving.set(management)
        try:
            await _app()(scope, receive, send)
        finally:
            _serving.reset(with_management)

    return serve


def management_server(
    management: Management, settings: Settings, node: str | None
) -> ManagementServer:
    """Return what serves the process that runs `node` (None: every node)."""
    wanted, tcp = settings.management, None
    if wanted.port is not None and wanted.token is not None:
        tcp = TcpAccess(wanted.address, wanted.port, wanted.token)
    path = socket_path(settings.cluster.data_directory, node)
    return ManagementServer(management_app(management), path, tcp)


def operation_names() -> tuple[str, ...]:
    """Return the names of operations that answer in words: `regenerate`, `itl-reset/localkey`."""
    paths = [
        route.path
        for route in _app().routes
        if isinstance(route, APIRoute) and route.response_model is OutcomeOfOperation
    ]
    return tuple(path.removeprefix(_OPERATIONS) for path in paths if path.startswith(_OPERATIONS))


@cache
def _app() -> FastAPI:
    """Return what serves every cluster: FastAPI never lets go of its endpoints."""
    app = FastAPI(title="cucmsim management API", version=__version__)
    serving = _serving.get
    _add_refusals(app)
    _add_reports(app, serving)
    _add_devices(app, serving)
    _add_services(app, serving)
    add_journal(app, lambda: serving().journal)
    add_capture(app, lambda: serving().capture)
    add_operations(app, lambda: serving().operator())
    add_parameters(app, lambda: serving().operator())
    add_profiles(app, lambda: serving().operator())
    add_trust_list_operations(app, lambda: serving().operator())
    add_capf(app, lambda: serving().operator())
    add_upgrades(app, lambda: serving().operator())
    add_clock(
        app,
        lambda: serving().operator(),
        lambda: serving().monitor.settled(),  # noqa: PLW0108 - it is not there yet
    )
    add_drs(app, lambda: serving().drs())
    add_whole_status(app, lambda: serving().observatory)
    add_restart(app, lambda: serving().operator())
    add_cluster(
        app,
        lambda: serving().drs().operator,
        lambda: serving().status().cluster,
        lambda node: serving().take_in(node),
    )
    add_commands(app, lambda: serving().command_lines)
    add_certificates(app, lambda: serving().view.replica)
    add_faults(app, lambda: serving().faults, lambda: serving().described_services)
    add_registrations(app, lambda: serving().registrations)
    add_elsewhere(app, lambda: serving().elsewhere())
    add_trust(app, lambda: serving().registrations, lambda: serving().trust_lists())
    return app


def _add_refusals(app: FastAPI) -> None:
    """Answer refusals in one form."""

    async def refuse(_request: Request, error: Exception) -> JSONResponse:
        status = 503 if isinstance(error, StoreError) else 409
        return JSONResponse({"detail": str(error)}, status)

    async def list_problems(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error).splitlines()}, 422)

    async def list_faults(_request: Request, error: Exception) -> JSONResponse:
        faults = error.errors() if isinstance(error, RequestValidationError) else ()
        lines = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults]
        return JSONResponse({"detail": lines}, 422)

    for kind in (RefusedError, StartError, StoreError):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(SettingsError, list_problems)
    app.add_exception_handler(RequestValidationError, list_faults)


def _add_reports(app: FastAPI, serving: Callable[[], Management]) -> None:
    @app.get("/ready")
    async def ready() -> ReadyReport:
        return serving().ready()

    @app.get("/status")
    async def status() -> StatusReport:
        return serving().status()

    @app.post("/stop", status_code=202)
    async def stop() -> dict[str, str]:
        serving().stop()
        return {"detail": "stopping"}


def _add_devices(app: FastAPI, serving: Callable[[], Management]) -> None:
    @app.get("/devices")
    async def devices(query: Annotated[DeviceQuery, Query()]) -> DeviceList:
        found = serving().find_devices(query.search)
        page = found[query.offset : query.offset + query.limit]
        return DeviceList(total=len(found), devices=[DeviceReport.of(held) for held in page])

    @app.get("/devices/{name}")
    async def device(name: str) -> DeviceReport:
        return DeviceReport.of(_device(serving(), name))

    @app.post("/devices", status_code=201)
    async def add(entry: _Entry) -> DeviceReport:
        return DeviceReport.of(await serving().administration().add_device(entry))

    @app.patch("/devices/{name}")
    async def change(name: str, changes: _Entry) -> DeviceReport:
        _device(serving(), name)
        (changed,) = await serving().administration().change_devices([name], changes)
        return DeviceReport.of(changed)

    @app.patch("/devices")
    async def change_many(wanted: DeviceChanges) -> ChangedDevices:
        changed = await serving().administration().change_devices(wanted.devices, wanted.changes)
        return ChangedDevices(devices=[held.name for held in changed])

    @app.delete("/devices/{name}")
    async def remove(name: str) -> dict[str, str]:
        _device(serving(), name)
        await serving().administration().remove_device(name)
        return {"detail": f"{name} removed"}


def _add_services(app: FastAPI, serving: Callable[[], Management]) -> None:
    @app.get("/services")
    async def services() -> dict[str, list[ServiceReport]]:
        return {node.name: node.services for node in serving().status().nodes}

    @app.post("/services/{node}/{service}/{action}")
    async def act(node: str, service: str, action: ServiceAction) -> dict[str, list[ServiceReport]]:
        await serving().act_on_service(node, service, action)
        return await services()


def _device(management: Management, name: str) -> Device:
    held = management.devices().get(name)
    if held is None:
        raise HTTPException(404, f"no phone {name!r}")
    return held
