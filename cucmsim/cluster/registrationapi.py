"""The part of the management API about registered phones: who is there, alarms, orders."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict

from cucmsim.errors import RefusedError
from cucmsim.formats.servicecontrol import Action
from cucmsim.services.registration import OrderOutcome, Registration, Registrations
from cucmsim.store.alarms import StoredAlarm

__all__ = ["AlarmReport", "Order", "OutcomeReport", "RegistrationReport", "add_registrations"]

_MOST = 1000


class RegistrationReport(BaseModel):
    """A registered phone."""

    model_config = ConfigDict(frozen=True)

    device: str
    node: str
    protocol: str
    tls: bool
    address: str
    port: int
    number: str
    user_agent: str
    registered_at: datetime
    refreshed_at: datetime

    @classmethod
    def of(cls, held: Registration) -> "RegistrationReport":
        """Return what is shown of a registration."""
        return cls(
            device=held.device_name,
            node=held.node,
            protocol=held.protocol,
            tls=held.is_tls,
            address=held.address,
            port=held.port,
            number=held.details.number,
            user_agent=held.details.user_agent,
            registered_at=held.registered_at,
            refreshed_at=held.refreshed_at,
        )


class AlarmReport(BaseModel):
    """An alarm that a phone sent, with its parameters in order."""

    model_config = ConfigDict(frozen=True)

    time: datetime
    node: str
    device: str
    address: str
    name: str
    parameters: dict[str, str]

    @classmethod
    def of(cls, held: StoredAlarm) -> "AlarmReport":
        """Return what is shown of an alarm."""
        return cls(
            time=held.time,
            node=held.node,
            device=held.device_name,
            address=held.address,
            name=held.alarm.name,
            parameters={one.name: one.value for one in held.alarm.parameters},
        )


class Order(BaseModel):
    """What phones are told to do; `devices` None means every phone registered here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    devices: list[str] | None = None


class OutcomeReport(BaseModel):
    """What came of an order; `status` is the phone's answer, None when there was none."""

    model_config = ConfigDict(frozen=True)

    device: str
    action: str
    status: int | None
    accepted: bool

    @classmethod
    def of(cls, outcome: OrderOutcome) -> "OutcomeReport":
        """Return what is shown of an outcome."""
        return cls(
            device=outcome.device_name,
            action=outcome.action,
            status=outcome.status,
            accepted=outcome.is_accepted,
        )


def add_registrations(app: FastAPI, nodes: Callable[[], Mapping[str, Registrations]]) -> None:
    """Add the routes to `app`; `nodes` gives the registrations of each node of the process."""

    @app.get("/registrations")
    async def registrations() -> list[RegistrationReport]:
        return [
            RegistrationReport.of(one) for node in nodes().values() for one in node.held.values()
        ]

    @app.get("/alarms")
    async def alarms(
        device: str | None = None,
        name: str | None = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    ) -> list[AlarmReport]:
        found = [one for node in nodes().values() for one in node.alarms(device, name)]
        found.sort(key=lambda one: one.time)
        return [AlarmReport.of(one) for one in found[-limit:]]

    @app.post("/orders")
    async def order(wanted: Order) -> list[OutcomeReport]:
        outcomes: list[OrderOutcome] = []
        for node, names in _by_node(nodes(), wanted.devices).items():
            outcomes += await nodes()[node].order_many(names, wanted.action)
        return [OutcomeReport.of(outcome) for outcome in outcomes]


def _by_node(
    nodes: Mapping[str, Registrations], names: Sequence[str] | None
) -> dict[str, list[str]]:
    """Return the phones to order by node. Raises RefusedError naming those not registered."""
    here = {name: node for node, held in nodes.items() for name in held.held}
    missing = [name for name in names or () if name not in here]
    if missing:
        raise RefusedError(f"not registered here: {', '.join(missing)}")
    chosen: dict[str, list[str]] = {}
    for name in here if names is None else names:
        chosen.setdefault(here[name], []).append(name)
    return chosen
