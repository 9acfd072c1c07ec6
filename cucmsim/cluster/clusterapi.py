"""The part of the management API that is about the cluster as a whole, and none of a real server's.

The process that runs the publisher carries it out.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import FastAPI, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cucmsim.cluster.description import process_node
from cucmsim.cluster.newnode import complete_entry, new_node
from cucmsim.cluster.operationsapi import OutcomeOfOperation
from cucmsim.cluster.settings import NodeSettings
from cucmsim.errors import RefusedError
from cucmsim.services.operations.members import add_node, check_removal, remove_node
from cucmsim.services.operations.noderestart import order_restart
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.securitypassword import reseal_cluster
from cucmsim.services.operations.whole.file import BackupHeader
from cucmsim.services.operations.whole.restore import back_up_cluster, restore_cluster

__all__ = ["BackupReport", "add_cluster", "add_restart"]

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


class PasswordChange(BaseModel):
    """The security password that there is, and the one to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    old: str = Field(repr=False)
    new: str = Field(repr=False)


class NodeWish(BaseModel):
    """A subscriber to add; groups get it as their last member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: dict[str, object] = Field(description="keys as in [[nodes]]")
    groups: tuple[str, ...] = ()


def add_cluster(
    app: FastAPI,
    operator: Callable[[], Operator],
    name: Callable[[], str],
    take_in: Callable[[NodeSettings], Awaitable[bool]],
) -> None:
    """Add the routes to `app`; `operator` refuses where the publisher is not run."""
    _add_backup(app, operator, name)
    _add_nodes(app, operator, take_in)
    _add_password(app, operator)


def add_restart(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the route to `app`; every process may order it of every node."""

    @app.post("/cluster/nodes/{node}/restart", status_code=202)
    async def restart(node: str) -> dict[str, str]:
        """Have a node restart its services; it is done when the node tells of a later start."""
        await order_restart(operator(), node)
        return {"detail": f"{node} was told to restart"}


def _add_password(app: FastAPI, operator: Callable[[], Operator]) -> None:
    @app.post("/cluster/security-password")
    async def change(wanted: PasswordChange) -> dict[str, str]:
        """Change the security password, also the one that opens the database."""
        await reseal_cluster(operator(), wanted.old, wanted.new)
        return {"detail": "changed"}


def _add_nodes(
    app: FastAPI,
    operator: Callable[[], Operator],
    take_in: Callable[[NodeSettings], Awaitable[bool]],
) -> None:
    @app.post("/cluster/nodes", status_code=201)
    async def add(wanted: NodeWish) -> OutcomeOfOperation:
        """Add a subscriber; this process runs it if it runs every node."""
        held = operator()
        entry = complete_entry(wanted.entry, await held.newest())
        node = new_node(entry)
        outcome = await add_node(held, process_node(node), json.dumps(entry), wanted.groups)
        runs = await take_in(node)
        told = "It runs." if runs else f"`cucmsim run CONFIG --node {node.name}` starts it."
        return OutcomeOfOperation.of(replace(outcome, lines=(*outcome.lines, told)))

    @app.delete("/cluster/nodes/{node}")
    async def remove(node: str, *, force: bool = False) -> OutcomeOfOperation:
        """Take a subscriber out of the cluster; one that runs only when forced: it ends then."""
        held = operator()
        check_removal(await held.newest(), node)
        if not force and await held.store.is_run(node):
            raise RefusedError(f"{node} runs: stop it first, or remove it by force")
        return OutcomeOfOperation.of(await remove_node(held, node))


def _add_backup(app: FastAPI, operator: Callable[[], Operator], name: Callable[[], str]) -> None:

    @app.get("/cluster/backup", response_class=Response)
    async def backup() -> Response:
        return Response(await back_up_cluster(operator(), name()), media_type=_OCTETS)

    @app.post("/cluster/restore", openapi_extra=_UPLOAD)
    async def restored(request: Request, backup_password: _BackupPassword = None) -> BackupReport:
        held, data = operator(), await request.body()
        publisher = (await held.newest()).publisher.name
        return BackupReport.of(await restore_cluster(held, data, publisher, backup_password))
