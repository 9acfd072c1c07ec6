"""The part of the management API that upgrades nodes: install, cancel, switch versions.

What a node has is told by `GET /status`. Any process of the cluster takes the orders; the node
itself finishes an installation and restarts after a switch.
"""

from collections.abc import Callable

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from cucmsim.errors import RefusedError
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.upgrade import begin_upgrade, cancel_upgrade, switch_version
from cucmsim.services.operations.versions import Sides, version_of_image

__all__ = ["VersionReport", "add_upgrades"]


class OnNode(BaseModel):
    """The node."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str


class UpgradeWish(OnNode):
    """Which image to install; the node switches to it by itself if `switch`."""

    image: str
    switch: bool = False


class VersionReport(BaseModel):
    """The versions of a node: what runs, what it can switch to, what is being installed."""

    model_config = ConfigDict(frozen=True)

    active: str
    inactive: str | None
    installing: str | None

    @classmethod
    def of(cls, sides: Sides) -> "VersionReport":
        """Return what is shown of a node's sides."""
        inactive, installation = sides.inactive, sides.installation
        return cls(
            active=str(sides.active),
            inactive=None if inactive is None else str(inactive),
            installing=None if installation is None else str(installation.version),
        )


def add_upgrades(app: FastAPI, operator: Callable[[], Operator]) -> None:
    """Add the routes to `app`."""

    @app.post("/operations/upgrade")
    async def upgrade(wanted: UpgradeWish) -> VersionReport:
        version = version_of_image(wanted.image)
        if version is None:
            raise RefusedError(
                f"{wanted.image!r} is no image; expected for example"
                " UCSInstall_UCOS_12.5.1.10000-22.sgn.iso"
            )
        return VersionReport.of(
            await begin_upgrade(operator(), wanted.node, version, switches=wanted.switch)
        )

    @app.post("/operations/upgrade/cancel")
    async def cancel(wanted: OnNode) -> VersionReport:
        return VersionReport.of(await cancel_upgrade(operator(), wanted.node))

    @app.post("/operations/switch-version")
    async def switch(wanted: OnNode) -> VersionReport:
        return VersionReport.of(await switch_version(operator(), wanted.node))
