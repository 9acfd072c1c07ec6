"""An administrator of a running cluster: everything by its management API, as programs do.

The cluster may run in this process, or anywhere that its management API reaches.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter

from cucmsim.cluster.certificatesapi import CertificateReport
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.commandapi import CommandOutcome
from cucmsim.cluster.journalapi import EventPage, EventReport
from cucmsim.cluster.management import management_app
from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.cluster.registrationapi import AlarmReport, OutcomeReport, RegistrationReport
from cucmsim.cluster.reports import DeviceReport, ReadyReport, StatusReport
from cucmsim.cluster.trustapi import TrustHeldReport, TrustListReport
from cucmsim.errors import RefusedError, UnreachableError

__all__ = ["Administrator", "Said"]

_TIMEOUT_S: Final = 120.0
_LOOK_S: Final = 0.05
_PAGE: Final = 1000
_ModelT = TypeVar("_ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Said:
    """What the server said to an order, and whether it did it."""

    lines: tuple[str, ...]
    succeeded: bool

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


class Administrator:
    """Operates one cluster. Raises RefusedError with the server's words, UnreachableError."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport | None, url: str, token: str = ""
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(
            transport=transport, base_url=url, headers=headers, timeout=_TIMEOUT_S
        )

    @classmethod
    def of(cls, cluster: Cluster) -> "Administrator":
        """Return the administrator of a cluster of this process."""
        return cls(httpx.ASGITransport(management_app(cluster)), "http://cluster")

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.aclose()

    # orders

    async def command(self, line: str, answers: Iterable[str] = (), *, node: str) -> Said:
        """Give a command of the command line, with the answers to its questions."""
        answer = await self._send(
            "POST", f"/commands/{node}", {"line": line, "answers": [*answers]}
        )
        said = CommandOutcome.model_validate(answer.json())
        return Said(tuple(said.text.splitlines()), said.succeeded)

    async def operate(self, operation: str, **wanted: object) -> Said:
        """Carry out an operation (`regenerate`, `itl-reset/localkey`); a refusal is said too."""
        try:
            answer = await self._send("POST", f"/operations/{operation}", wanted)
        except RefusedError as refusal:
            return Said(tuple(str(refusal).splitlines()), succeeded=False)
        return Said(tuple(OutcomeOfOperation.model_validate(answer.json()).lines), succeeded=True)

    async def act(self, action: str, service: str, *, node: str) -> None:
        """Start, stop or restart a service of a node."""
        await self._send("POST", f"/services/{node}/{service}/{action}")

    async def advance(self, by: timedelta) -> None:
        """Move the cluster's clock forward."""
        await self._send("POST", "/clock/advance", {"seconds": int(by.total_seconds())})

    async def order(self, action: str, *devices: str) -> list[OutcomeReport]:
        """Reset or restart registered phones."""
        answer = await self._send("POST", "/orders", {"action": action, "devices": [*devices]})
        return _list_of(OutcomeReport, answer)

    async def change_phone(self, name: str, **changes: object) -> DeviceReport:
        """Change a phone, with keys as in a description."""
        answer = await self._send("PATCH", f"/devices/{name}", changes)
        return DeviceReport.model_validate(answer.json())

    async def set_parameter(
        self, name: str, value: str, *, service: str = "", node: str = ""
    ) -> Said:
        """Set an enterprise or service parameter."""
        wanted = {"name": name, "value": value, "service": service, "node": node}
        answer = await self._send("POST", "/parameters", wanted)
        return Said(tuple(OutcomeOfOperation.model_validate(answer.json()).lines), succeeded=True)

    async def post(self, url: str, body: Mapping[str, object] | None = None) -> object:
        """Send anything else; return the answer's JSON."""
        result: object = (await self._send("POST", url, body)).json()
        return result

    async def delete(self, url: str) -> object:
        """Remove something; return the answer's JSON."""
        result: object = (await self._send("DELETE", url)).json()
        return result

    # questions

    async def ready(self) -> ReadyReport:
        """Return the nodes with the ports they answer on."""
        return ReadyReport.model_validate((await self._send("GET", "/ready")).json())

    async def status(self) -> StatusReport:
        """Return the state of the cluster's process."""
        return StatusReport.model_validate((await self._send("GET", "/status")).json())

    async def comes_up(self, node: str, version: str, before: StatusReport) -> None:
        """Wait until a node runs a version, and anew all that it ran `before`.

        Raises TimeoutError.
        """
        async with asyncio.timeout(_TIMEOUT_S):
            while not _is_up(node, version, before, await self.status()):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(_LOOK_S)

    async def phone(self, name: str) -> DeviceReport:
        """Return what the cluster knows of a phone."""
        return DeviceReport.model_validate((await self._send("GET", f"/devices/{name}")).json())

    async def events(self, **query: str | float) -> EventPage:
        """Return a page of the journal: what `GET /events` takes as `query`."""
        answer = await self._send("GET", f"/events?{httpx.QueryParams(query)}")
        return EventPage.model_validate(answer.json())

    async def exchanges(self, after: int = 0, **query: str | float) -> list[EventReport]:
        """Return all that the journal has after a number, page by page."""
        found: list[EventReport] = []
        while (page := await self.events(after=after, limit=_PAGE, **query)).events:
            found += page.events
            after = page.last
        return found

    async def registrations(self) -> list[RegistrationReport]:
        """Return the phones that are registered."""
        return _list_of(RegistrationReport, await self._send("GET", "/registrations"))

    async def alarms(self, device: str, name: str) -> list[AlarmReport]:
        """Return the alarms of a phone, oldest first."""
        return _list_of(
            AlarmReport, await self._send("GET", f"/alarms?device={device}&name={name}")
        )

    async def trust_lists(self) -> list[TrustListReport]:
        """Return the trust lists that the nodes serve."""
        return _list_of(TrustListReport, await self._send("GET", "/trust-lists"))

    async def trust_held(self) -> list[TrustHeldReport]:
        """Return the trust lists that registered phones say they hold."""
        return _list_of(TrustHeldReport, await self._send("GET", "/trust-held"))

    async def certificates(self, store: str = "") -> list[CertificateReport]:
        """Return the nodes' own certificates, or those of a trust store."""
        answer = await self._send("GET", f"/certificates/{store}" if store else "/certificates")
        return _list_of(CertificateReport, answer)

    async def certificate(self, unit: str, *, node: str) -> CertificateReport:
        """Return a node's own certificate."""
        for held in await self.certificates():
            if (held.store, held.node) == (unit, node):
                return held
        raise RefusedError(f"{node} has no {unit} certificate")

    async def _send(
        self, method: str, url: str, body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        try:
            answer = await self._client.request(method, url, json=body)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(
                f"no cluster answers on {self._client.base_url}: {reason}"
            ) from error
        if answer.is_error:
            raise RefusedError(_detail(answer))
        return answer


def _is_up(node: str, version: str, before: StatusReport, now: StatusReport) -> bool:
    """Tell whether a node has a version, and its services have started since `before`."""
    old, new = (next(one for one in each.nodes if one.name == node) for each in (before, now))
    since = {each.name: each.since for each in new.services if each.ports}
    ran = [each for each in old.services if each.ports]
    started = all(each.name in since and since[each.name] > each.since for each in ran)
    return started and new.versions.active == version


def _list_of(model: type[_ModelT], answer: httpx.Response) -> list[_ModelT]:
    return TypeAdapter(list[model]).validate_python(answer.json())  # type: ignore[valid-type]  # a type made here


def _detail(answer: httpx.Response) -> str:
    """Return a refusal's words."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
    if isinstance(detail, Sequence) and not isinstance(detail, str):
        return "\n".join(map(str, detail))
    return str(detail)
