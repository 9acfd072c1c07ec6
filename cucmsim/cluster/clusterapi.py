"""The part of the management API that is about the cluster as a whole, and none of a real server's.

The process that runs the publisher carries it out.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.whole.file import BackupHeader
from cucmsim.services.operations.whole.restore import back_up_cluster, restore_cluster

__all__ = ["BackupReport", "add_cluster"]

_OCTETS = "application/octet-stream"
_UPLOAD = {
    "requestBody": {
        "description": "What GET /cluster/backup gave",
        "content": {_OCTETS: {"schema": {"type": "string", "format": "binary"}}},
        "required": True,
    }
}
_BackupPassword = Annotated[
    str | None,
    Header(description="The security password it was made under; default: the description's"),
]


class BackupReport(BaseModel):
    """What a backup is of."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    cluster: str
    release: str
    publisher: str
    nodes: tuple[str, ...]
    phones: int
    made: str
    version: int

    @classmethod
    def of(cls, header: BackupHeader) -> "BackupReport":
        """Return what is shown of a backup."""
        return cls.model_validate(header)


def add_cluster(app: FastAPI, operator: Callable[[], Operator], name: Callable[[], str]) -> None:
    """Add the routes to `app`; `operator` refuses where the publisher is not run."""

    @app.get("/cluster/backup", response_class=Response)
    async def backup() -> Response:
        return Response(await back_up_cluster(operator(), name()), media_type=_OCTETS)

    @app.post("/cluster/restore", openapi_extra=_UPLOAD)
    async def restored(request: Request, backup_password: _BackupPassword = None) -> BackupReport:
        held, data = operator(), await request.body()
        publisher = (await held.newest()).publisher.name
        return BackupReport.of(await restore_cluster(held, data, publisher, backup_password))
