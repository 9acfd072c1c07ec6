"""The part of the management API that shows and sets enterprise and service parameters."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict

from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.cluster.problems import nearest
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.parametersetting import (
    Held,
    held_parameters,
    known_parameters,
    set_parameter,
)
from cucmsim.store.rows import service_key

__all__ = ["ParameterReport", "ParameterSetting", "add_parameters"]


class ParameterReport(BaseModel):
    """A parameter; `service` is "enterprise" or a short name, `of_nodes` what nodes have instead.

    `shown` is the name in the administration pages.
    """

    model_config = ConfigDict(frozen=True)

    service: str
    name: str
    shown: str
    value: str
    default: str
    of_nodes: dict[str, str]

    @classmethod
    def of(cls, held: Held) -> "ParameterReport":
        """Return what is shown of a parameter."""
        return cls(
            service=held.service,
            name=held.parameter.name,
            shown=held.parameter.display,
            value=held.value,
            default=held.parameter.default,
            of_nodes=dict(held.of_nodes),
        )


class ParameterSetting(BaseModel):
    """A value for a parameter; without a service, of whichever has it; without a node, of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: str
    service: str = ""
    node: str = ""


def add_parameters(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the routes to `app`."""

    @app.get("/parameters")
    async def parameters(service: str = "", match: str = "") -> list[ParameterReport]:
        wanted = _services(service)
        return [
            ParameterReport.of(held)
            for held in held_parameters(await operator().newest())
            if held.service in wanted
            and match.lower() in f"{held.parameter.name}\n{held.parameter.display}".lower()
        ]

    @app.post("/parameters")
    async def change(wanted: ParameterSetting) -> OutcomeOfOperation:
        service, name = _found(wanted.service, wanted.name)
        outcome = await set_parameter(operator(), service, name, wanted.value, wanted.node)
        return OutcomeOfOperation.of(outcome)


def _services(service: str) -> Mapping[str, object]:
    """Return what a service is known by and has; of "", all of them. Raises HTTPException."""
    known = known_parameters()
    if not service:
        return known
    short = service_key(service)
    if short not in known:
        raise HTTPException(
            404, f"no parameters of {service!r}, expected one of {', '.join(known)}"
        )
    return {short: known[short]}


def _found(service: str, name: str) -> tuple[str, str]:
    """Return service and name of a parameter that is called `name`. Raises HTTPException."""
    places = {one: short for short in _services(service) for one in known_parameters()[short]}
    if name not in places:
        hint = nearest(name, places)
        also = f"; did you mean {hint!r}?" if hint else ""
        raise HTTPException(404, f"no parameter {name!r}{also}")
    return places[name], name
