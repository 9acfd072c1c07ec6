"""The part of the management API that operates the cluster: a route for each operation.

Any process of the cluster carries out an operation, for any node. A refusal says in the server's
words why; services that are to be restarted are restarted by `POST /services/NODE/SERVICE/restart`.
"""

from collections.abc import Callable

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from cucmsim.cluster.values import DigestValue, KeySpecValue
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.operator import Operator, Outcome, Restart
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.services.operations.rollback import set_rollback_parameter

__all__ = ["OutcomeOfOperation", "Regeneration", "RollbackSetting", "add_operations"]


class Regeneration(BaseModel):
    """Which certificate to make anew; `key` ("rsa-2048") None: of the old one's kind and size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    unit: Unit
    key: KeySpecValue | None = None
    digest: DigestValue | None = None


class RollbackSetting(BaseModel):
    """Prepare Cluster for Rollback to pre 8.0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prepared: bool


class RestartReport(BaseModel):
    """A service to restart, on the node itself or on every one."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    service: str
    every_node: bool

    @classmethod
    def of(cls, restart: Restart) -> "RestartReport":
        """Return what is shown of a restart."""
        return cls.model_validate(restart)


class OutcomeOfOperation(BaseModel):
    """The server's words; what to restart, and what nodes restart by themselves."""

    model_config = ConfigDict(frozen=True)

    lines: list[str]
    restarts: list[RestartReport]
    automatic: list[RestartReport]
    resets_phones: bool

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeOfOperation":
        """Return what is shown of an outcome."""
        return cls(
            lines=list(outcome.lines),
            restarts=[RestartReport.of(each) for each in outcome.restarts],
            automatic=[RestartReport.of(each) for each in outcome.automatic],
            resets_phones=outcome.resets_phones,
        )


def add_operations(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the routes to `app`."""

    @app.post("/operations/regenerate")
    async def regenerate(wanted: Regeneration) -> OutcomeOfOperation:
        outcome = await regenerate_certificate(
            operator(), wanted.node, wanted.unit, key=wanted.key, digest=wanted.digest
        )
        return OutcomeOfOperation.of(outcome)

    @app.post("/operations/rollback")
    async def rollback(wanted: RollbackSetting) -> OutcomeOfOperation:
        return OutcomeOfOperation.of(
            await set_rollback_parameter(operator(), prepared=wanted.prepared)
        )
