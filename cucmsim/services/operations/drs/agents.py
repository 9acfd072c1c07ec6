"""What backups and restores work with: the cluster, SFTP, and the services of DRF."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from cucmsim.errors import RefusedError
from cucmsim.pki.release import Release
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.standinstate import DRF_LOCAL, drf_master, stopped_services
from cucmsim.services.sftp import SftpClient
from cucmsim.store.replica import Replica

__all__ = ["Drs", "check_features", "feature_of", "refuse_without_agents"]

_NAMED_UCM_FROM = Release(9)


@dataclass(frozen=True, slots=True)
class Drs:
    """The disaster recovery system of the publisher.

    `zone` is the publisher's, in which backups are named; `started` tells when a node of this
    process came up, None for one of another process.
    """

    operator: Operator
    sftp: SftpClient
    zone: tzinfo
    started: Callable[[str], datetime | None]


def feature_of(release: Release) -> str:
    """Return the one feature that is registered here: that of the call manager."""
    return "UCM" if release >= _NAMED_UCM_FROM else "CCM"


def check_features(release: Release, features: Iterable[str]) -> tuple[str, ...]:
    """Return the features as they are spelt. Raises RefusedError for one that is not there."""
    known = feature_of(release)
    asked = [one.strip() for one in features]
    unknown = [one for one in asked if one.upper() != known]
    if unknown or not asked:
        found = ", ".join(map(repr, unknown)) or "none"
        raise RefusedError(f"drfCliMsg: Invalid feature: found {found}, expected {known}")
    return (known,)


async def refuse_without_agents(drs: Drs, replica: Replica, servers: Iterable[str]) -> None:
    """Refuse while the master, or the local agent of a server, was stopped."""
    publisher = replica.publisher.name
    master = drf_master(drs.operator.release)
    wanted = [(publisher, master), *((server, DRF_LOCAL) for server in servers)]
    async with drs.operator.store.transaction() as transaction:
        kept = {node: await transaction.platform(node) for node, _ in wanted}
    for node, service in wanted:
        came_up = drs.started(node)
        since = None if came_up is None else came_up.isoformat()
        if service in stopped_services(kept[node], since):
            raise RefusedError(
                f"drfCliMsg: {'Master' if service == master else 'Local'} Agent is not responding."
                f" {service} is not started on {node}."
            )
