"""The management API: what it answers and how it refuses. The cluster behind it is pretended."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from cucmsim.clock import MovableClock, SystemClock
from cucmsim.cluster.calls import Elsewhere
from cucmsim.cluster.certificatemonitor import CertificateMonitor
from cucmsim.cluster.management import management_app
from cucmsim.cluster.node import ServiceAction, ServiceState
from cucmsim.cluster.reports import (
    NodeReady,
    NodeReport,
    ReadyReport,
    ServiceReport,
    StatusReport,
)
from cucmsim.cluster.settings import NodeSettings
from cucmsim.cluster.trustapi import TrustListReport
from cucmsim.cluster.upgradeapi import VersionReport
from cucmsim.cluster.wholestatus import Observatory
from cucmsim.errors import Problem, RefusedError, SettingsError, StartError, StoreError
from cucmsim.services.admin.commandline import CommandLine
from cucmsim.services.capture import Capture
from cucmsim.services.faults.plan import FaultPlan
from cucmsim.services.journal import Journal
from cucmsim.services.operations.clockmove import sleep_until
from cucmsim.services.operations.drs.agents import Drs
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.phonesearch import PhoneSearch, find_phones
from cucmsim.services.registration import Registrations
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import Device, Line

TIME = datetime(2026, 3, 1, tzinfo=UTC)
PHONES = [Device(name=f"SEP00000000000{n}", model="7962", lines=(Line("2001"),)) for n in range(3)]
SERVICE = ServiceReport(name="tvs", state=ServiceState.STARTED, ports=[2445], since=TIME)


@dataclass
class PretendedCluster:
    """Answers with what a test knows; `fault` is raised by whatever changes something."""

    phones: dict[str, Device] = field(default_factory=lambda: {held.name: held for held in PHONES})
    fault: Exception | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)
    registrations: dict[str, Registrations] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    capture: Capture = field(default_factory=lambda: Capture(SystemClock()))
    command_lines: dict[str, CommandLine] = field(default_factory=dict)
    view: View = field(default_factory=lambda: View(Replica()))
    faults: FaultPlan = field(default_factory=FaultPlan)
    described_services: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"pub": ("tvs",)}
    )

    @property
    def monitor(self) -> CertificateMonitor:
        clock = MovableClock(SystemClock())
        return CertificateMonitor({}, self.view, self.operator, partial(sleep_until, clock))

    def ready(self) -> ReadyReport:
        return ReadyReport(nodes=[NodeReady(name="pub", address="127.0.0.1", services={"tvs": 1})])

    def status(self) -> StatusReport:
        node = NodeReport(
            name="pub",
            role="publisher",
            address="127.0.0.1",
            version=7,
            versions=VersionReport(active="11.5.1.10000-1", inactive=None, installing=None),
            services=[SERVICE],
        )
        return StatusReport(
            cluster="Lab",
            release="11.5(1)",
            security_mode="mixed",
            program="cucmsim",
            pid=1,
            started=TIME,
            devices=3,
            nodes=[node],
        )

    def devices(self) -> Mapping[str, Device]:
        return self.phones

    def find_devices(self, search: PhoneSearch) -> Sequence[Device]:
        return find_phones(Replica(devices=self.phones), search)

    @property
    def observatory(self) -> Observatory:
        raise NotImplementedError

    async def take_in(self, settings: NodeSettings) -> bool:
        self._do("take in", settings.name)
        return True

    async def trust_lists(self) -> list[TrustListReport]:
        return [TrustListReport(node="pub", itl="1b", ctl=None)]

    def administration(self) -> "PretendedCluster":
        return self

    def elsewhere(self) -> Elsewhere:
        raise RefusedError("not here")

    async def add_device(self, entry: Mapping[str, object]) -> Device:
        self._do("add", entry)
        return PHONES[0]

    async def change_devices(
        self, names: Sequence[str], changes: Mapping[str, object]
    ) -> Sequence[Device]:
        self._do("change", *names, changes)
        return [self.phones[name] for name in names]

    async def remove_device(self, name: str) -> None:
        self._do("remove", name)

    async def act_on_service(self, node: str, service: str, action: ServiceAction) -> None:
        self._do(node, service, action.value)

    def operator(self) -> Operator:
        raise RefusedError("a pretended cluster is not operated")

    def drs(self) -> Drs:
        raise RefusedError("a pretended cluster is not backed up")

    def stop(self) -> None:
        self._do("stop")

    def _do(self, *call: object) -> None:
        if self.fault is not None:
            raise self.fault
        self.calls.append(call)


@pytest.fixture
def cluster() -> PretendedCluster:
    return PretendedCluster()


@pytest.fixture
async def api(cluster: PretendedCluster) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(management_app(cluster))
    async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
        yield client


async def test_ready_has_the_form_of_the_ready_file(api: httpx.AsyncClient) -> None:
    assert (await api.get("/ready")).json() == {
        "nodes": [{"name": "pub", "address": "127.0.0.1", "services": {"tvs": 1}}]
    }


async def test_status_and_services_tell_the_state_of_every_service(api: httpx.AsyncClient) -> None:
    status = (await api.get("/status")).json()
    assert status["nodes"][0]["version"] == 7
    assert (await api.get("/services")).json() == {"pub": status["nodes"][0]["services"]}


async def test_phones_come_in_pages_of_those_that_match(api: httpx.AsyncClient) -> None:
    page = (await api.get("/devices", params={"match": "sep", "offset": 1, "limit": 1})).json()
    assert page["total"] == 3
    assert [held["name"] for held in page["devices"]] == ["SEP000000000001"]
    assert page["devices"][0]["lines"] == ["2001"]
    none = (await api.get("/devices", params={"match": "ATA"})).json()
    assert none == {"total": 0, "devices": []}


async def test_an_authentication_string_is_never_shown(
    api: httpx.AsyncClient, cluster: PretendedCluster
) -> None:
    cluster.phones["SEP1"] = Device(name="SEP1", model="7962", authentication_string="987654")
    assert "987654" not in (await api.get("/devices/SEP1")).text


async def test_changes_reach_the_cluster(api: httpx.AsyncClient, cluster: PretendedCluster) -> None:
    answers = [
        await api.post("/devices", json={"mac": "1"}),
        await api.patch("/devices/SEP000000000001", json={"model": "7965"}),
        await api.delete("/devices/SEP000000000002"),
        await api.post("/services/pub/tvs/restart"),
        await api.post("/stop"),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 202]
    assert cluster.calls == [
        ("add", {"mac": "1"}),
        ("change", "SEP000000000001", {"model": "7965"}),
        ("remove", "SEP000000000002"),
        ("pub", "tvs", "restart"),
        ("stop",),
    ]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_phone_is_not_found(api: httpx.AsyncClient, method: str) -> None:
    answer = await api.request(method, "/devices/SEPX", json={} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()) == (404, {"detail": "no phone 'SEPX'"})


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (RefusedError("not here"), 409),
        (StartError("not here"), 409),
        (StoreError("not here"), 503),
    ],
)
async def test_a_refusal_is_told_in_words(
    api: httpx.AsyncClient, cluster: PretendedCluster, fault: Exception, status: int
) -> None:
    cluster.fault = fault
    answer = await api.post("/services/pub/tvs/stop")
    assert (answer.status_code, answer.json()) == (status, {"detail": "not here"})


async def test_every_problem_of_a_phone_is_told(
    api: httpx.AsyncClient, cluster: PretendedCluster
) -> None:
    problems = [Problem("device", key, "nothing", "something") for key in ("mac", "model")]
    cluster.fault = SettingsError(tuple(problems))
    answer = await api.post("/devices", json={})
    assert answer.status_code == 422
    assert answer.json() == {"detail": [str(problem) for problem in problems]}


@pytest.mark.parametrize(
    ("send", "told"),
    [
        (lambda api: api.get("/devices", params={"limit": 0}), "query.limit: "),
        (lambda api: api.post("/devices", json=[1]), "body: "),
        (lambda api: api.post("/services/pub/tvs/burn"), "path.action: "),
    ],
)
async def test_a_malformed_request_is_told_in_lines(
    api: httpx.AsyncClient, send: Callable[[httpx.AsyncClient], httpx.Response], told: str
) -> None:
    answer = await send(api)  # type: ignore[misc]  # a coroutine in disguise of a lambda
    assert answer.status_code == 422
    assert answer.json()["detail"][0].startswith(told)


async def test_the_api_describes_itself(api: httpx.AsyncClient) -> None:
    description = (await api.get("/openapi.json")).json()
    assert {"/ready", "/status", "/devices", "/services", "/events"} <= description["paths"].keys()
