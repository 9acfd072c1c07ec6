"""The part of the management API about the fault plan of a process."""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict

from cucmsim.services.faults.check import COMMON, entry_of, expected_of, keys_of, read_fault
from cucmsim.services.faults.kinds import KINDS, FaultKind, Parameter, Value
from cucmsim.services.faults.plan import FaultPlan, HeldRule

__all__ = ["FaultReport", "KindReport", "ParameterOfKind", "add_faults", "kind_reports"]

_Entry = Annotated[dict[str, object], Body(description="keys as in [[faults]]")]


class FaultReport(BaseModel):
    """A fault in force: `rule` as it was asked for, how often it could happen, and did."""

    model_config = ConfigDict(frozen=True)

    number: int
    rule: dict[str, Value]
    seen: int
    used: int

    @classmethod
    def of(cls, held: HeldRule) -> "FaultReport":
        """Return what is shown of a rule in force."""
        rule = entry_of(held.rule)
        return cls(number=held.number, rule=rule, seen=held.seen, used=held.used)


class ParameterOfKind(BaseModel):
    """A key that a fault may have; `default` None where it has to be given."""

    model_config = ConfigDict(frozen=True)

    help: str
    expected: str
    default: Value | None

    @classmethod
    def of(cls, parameter: Parameter) -> "ParameterOfKind":
        """Return what is shown of a parameter."""
        return cls(help=parameter.help, expected=expected_of(parameter), default=parameter.default)


class KindReport(BaseModel):
    """A kind of fault; `keys` are those of every rule that make sense for it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    summary: str
    happens_to: str
    services: list[str]
    keys: list[str]
    parameters: dict[str, ParameterOfKind]

    @classmethod
    def of(cls, kind: FaultKind) -> "KindReport":
        """Return what is shown of a kind."""
        info = KINDS[kind]
        return cls(
            kind=kind.value,
            summary=info.summary,
            happens_to=info.opportunity.value,
            services=list(info.services),
            keys=[name for name in keys_of(kind) if name in COMMON],
            parameters={name: ParameterOfKind.of(one) for name, one in info.parameters.items()},
        )


def kind_reports() -> list[KindReport]:
    """Return every kind there is."""
    return [KindReport.of(kind) for kind in KINDS]


def add_faults(
    app: FastAPI,
    plan: Callable[[], FaultPlan],
    nodes: Callable[[], Mapping[str, Collection[str]]],
) -> None:
    """Add the routes to `app`; `nodes` are those of the cluster, with their services."""

    @app.get("/faults")
    async def faults() -> list[FaultReport]:
        return [FaultReport.of(held) for held in plan().held]

    @app.get("/faults/kinds")
    async def kinds() -> list[KindReport]:
        return kind_reports()

    @app.post("/faults", status_code=201)
    async def add(entry: _Entry) -> FaultReport:
        rule = read_fault(entry, nodes())
        return FaultReport.of(_held(plan(), plan().add(rule)))

    @app.delete("/faults/{number}")
    async def remove(number: int) -> dict[str, str]:
        _held(plan(), number)
        plan().remove(number)
        return {"detail": f"fault {number} cleared"}

    @app.delete("/faults")
    async def clear() -> dict[str, str]:
        count = len(plan().held)
        plan().clear()
        return {"detail": f"{count} cleared"}


def _held(plan: FaultPlan, number: int) -> HeldRule:
    """Return a rule in force. Raises HTTPException naming those there are."""
    for held in plan.held:
        if held.number == number:
            return held
    known = ", ".join(str(held.number) for held in plan.held) or "none"
    raise HTTPException(404, f"no fault {number}; in force: {known}")
