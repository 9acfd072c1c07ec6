"""What nodes do by themselves when certificates or the rollback parameter changed.

Read off two replicas, so every process of a cluster finds out what its own nodes have to do, no
matter where the change was made. Source: cucm.md 3.7, 5.3; seed 003.
"""

from dataclasses import dataclass

from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.drs.restore import RESTORED
from cucmsim.services.operations.operator import Restart
from cucmsim.services.operations.restarts import (
    after_regeneration,
    after_rename,
    after_rollback,
    resets_after_regeneration,
    restarts_itself,
    rollback_works_itself,
)
from cucmsim.services.operations.rollback import ROLLBACK_PARAMETER
from cucmsim.services.parameters import is_true
from cucmsim.store.replica import Replica

__all__ = ["Aftermath", "aftermath"]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Services to restart, as node and Cisco's name, in order; then whether phones are reset."""

    restarts: tuple[tuple[str, str], ...] = ()
    resets_phones: bool = False


def aftermath(old: Replica, new: Replica, release: Release) -> Aftermath:
    """Return what follows by itself from what changed between two replicas.

    Nothing from a restore: the administrator restarts the servers then.
    """
    if _is_restored(old, new):
        return Aftermath()
    restarts: dict[tuple[str, str], None] = {}
    resets = False
    for node, unit in _replaced(old, new):
        if restarts_itself(unit, release):
            for each in after_regeneration(unit, release):
                restarts.update(dict.fromkeys(_places(each, node, new)))
        resets = resets or resets_after_regeneration(unit, new, release)
    for node in _renamed(old, new):
        for each in after_rename():
            restarts.update(dict.fromkeys(_places(each, node, new)))
    if _is_prepared(old) != _is_prepared(new) and rollback_works_itself(release):
        for each in after_rollback():
            restarts.update(dict.fromkeys(_places(each, "", new)))
        resets = True
    return Aftermath(tuple(restarts), resets)


def _is_restored(old: Replica, new: Replica) -> bool:
    stamps = [one.service_parameter(OWN_SERVICE, RESTORED) for one in (old, new)]
    return stamps[0] != stamps[1]


def _replaced(old: Replica, new: Replica) -> list[tuple[str, Unit]]:
    """Return the own certificates, as node and unit, that took the place of others."""
    return [
        (node, Unit(unit))
        for (node, unit), held in new.own.items()
        if (before := old.own.get((node, unit))) is not None
        and before is not held
        and before.certificate_der != held.certificate_der
    ]


def _renamed(old: Replica, new: Replica) -> list[str]:
    """Return the nodes whose host or domain name is another now."""
    return [
        name
        for name, node in new.nodes.items()
        if name in old.nodes and old.nodes[name].fqdn != node.fqdn
    ]


def _places(restart: Restart, node: str, replica: Replica) -> list[tuple[str, str]]:
    nodes = list(replica.nodes) if restart.every_node else [node]
    return [(name, restart.service) for name in nodes]


def _is_prepared(replica: Replica) -> bool:
    return is_true(replica.enterprise.get(ROLLBACK_PARAMETER, "F"))
