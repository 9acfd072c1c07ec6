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

__all__ = ["StandIns", "keep_stand_ins", "stand_in_names", "stand_ins"]

_KEPT = "stand-in services"
_HAPROXY_FROM, _PRIMARY_FROM = Release(14), Release(15)
_EVERYWHERE = (
    "A Cisco DB",
    "A Cisco DB Replicator",
    "Cisco AMC Service",
    "Cisco Audit Event Service",
    "Cisco CTIManager",
    "Cisco CTL Provider",
    "Cisco Certificate Change Notification",
    "Cisco Certificate Expiry Monitor",
    "Cisco DRF Local",
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
    master = "Cisco DRF Primary" if release >= _PRIMARY_FROM else "Cisco DRF Master"
    more = [master] if is_publisher else []
    return (*_EVERYWHERE, *more, *(["Cisco HAProxy"] if release >= _HAPROXY_FROM else []))


async def stand_ins(context: Context) -> StandIns:
    """Return the states on the node. Raises StoreError."""
    started = context.operations.started.isoformat()
    async with context.store.transaction() as transaction:
        text = (await transaction.platform(context.node_name)).get(_KEPT)
    if text is None:
        return StandIns(started)
    held = json.loads(text)
    stopped = tuple(held["stopped"]) if held["started"] == started else ()
    return StandIns(started, held["activated"], stopped)


async def keep_stand_ins(context: Context, states: StandIns) -> None:
    """Keep other states. Raises StoreError."""
    async with context.store.transaction() as transaction:
        await transaction.put_platform_value(context.node_name, _KEPT, json.dumps(asdict(states)))
