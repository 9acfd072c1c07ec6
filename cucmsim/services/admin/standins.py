"""The services that a real node lists and this one has no counterpart of.

They have a name and a state, which the node keeps in the store, and do nothing. A service that was
stopped runs again after the node came up anew, as after a restart of a server. Source: the names
are those of cucm.md 1.7.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from cucmsim.pki.release import Release
from cucmsim.services.admin.command import Context
from cucmsim.services.operations.standinstate import (
    DRF_LOCAL,
    STAND_INS,
    drf_master,
    stopped_services,
)

__all__ = ["StandIns", "keep_stand_ins", "stand_in_names", "stand_ins"]

_HAPROXY_FROM = Release(14)
_EVERYWHERE = (
    "A Cisco DB",
    "A Cisco DB Replicator",
    "Cisco AMC Service",
    "Cisco Audit Event Service",
    "Cisco CTIManager",
    "Cisco CTL Provider",
    "Cisco Certificate Change Notification",
    "Cisco Certificate Expiry Monitor",
    DRF_LOCAL,
    "Cisco Database Layer Monitor",
    "Cisco DirSync",
    "Cisco RIS Data Collector",
    "Cisco SSOSP Tomcat",
    "Cisco Syslog Agent",
    "Cisco UDS Tomcat",
)
_FEATURES = {"Cisco CTIManager": True, "Cisco CTL Provider": False, "Cisco DirSync": False}
"""Those that can be deactivated, and whether an installation leaves them activated."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """Their states: activated features, and what was stopped since the node `started` (ISO)."""

    started: str
    activated: Mapping[str, bool] = field(default_factory=lambda: dict(_FEATURES))
    stopped: tuple[str, ...] = ()

    def is_feature(self, name: str) -> bool:
        """Whether a service can be deactivated."""
        return name in self.activated

    def is_activated(self, name: str) -> bool:
        """Whether a service is activated; network services always are."""
        return self.activated.get(name, True)


def stand_in_names(release: Release, *, is_publisher: bool) -> tuple[str, ...]:
    """Return the names that a node of a release lists."""
    more = [drf_master(release)] if is_publisher else []
    return (*_EVERYWHERE, *more, *(["Cisco HAProxy"] if release >= _HAPROXY_FROM else []))


async def stand_ins(context: Context) -> StandIns:
    """Return the states on the node. Raises StoreError."""
    started = context.operations.started.isoformat()
    async with context.store.transaction() as transaction:
        kept = await transaction.platform(context.node_name)
    if STAND_INS not in kept:
        return StandIns(started)
    activated = json.loads(kept[STAND_INS])["activated"]
    return StandIns(started, activated, stopped_services(kept, started))


async def keep_stand_ins(context: Context, states: StandIns) -> None:
    """Keep other states. Raises StoreError."""
    async with context.store.transaction() as transaction:
        await transaction.put_platform_value(
            context.node_name, STAND_INS, json.dumps(asdict(states))
        )
