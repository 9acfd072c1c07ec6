"""Upgrading a node: a release is installed beside the one that runs, and switched to later.

    await begin_upgrade(operator, "cucm-pub", Version.parse("12.5.1.10000-22"))
    await finish_upgrade(operator, "cucm-pub")     # what the node does when its time has come
    await switch_version(operator, "cucm-pub")     # the node goes down and comes up with the other

The former release is then on the inactive side, so switching again leads back. Publisher first:
a subscriber takes only what the publisher has installed, and runs only what the publisher runs.

Trust lists follow the release of the node whose TFTP builds them. Own certificates stay as they
are; what the new release has besides is made at the switch: ITLRecovery from 10.0, which signs the
ITL from 12.0. The CTL is nobody's business here: it stays until `utils ctl update CTLFile`. With
CSCvv13565 a mixed-mode publisher that comes from before 12.5 to 12.5(1), SU1 or SU2 makes its
ITLRecovery anew, which the CTL does not know; 12.5(1)SU3 has the fix.

Every step is one transaction. Source: cucm.md 3.6, 5.1 and 7 (row 6).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from cucmsim.errors import RefusedError
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.services.certificates import OwnCertificate, make_own_certificates
from cucmsim.services.operations.missing import missing_plans, put_new
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.regeneration import plan_replacement, put_replacement
from cucmsim.services.operations.versions import (
    Installation,
    Sides,
    Version,
    has_sides,
    put_sides,
    sides_of,
)
from cucmsim.services.trustlists import is_mixed_mode, nodes_in_order
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

__all__ = [
    "INSTALLATION_TIME",
    "begin_upgrade",
    "cancel_upgrade",
    "check_switch",
    "check_upgrade",
    "finish_upgrade",
    "follow_description",
    "switch_version",
]

INSTALLATION_TIME = timedelta(minutes=1)
"""How long an installation takes by the cluster's clock; a real one takes an hour and more."""

_DEFECT_FROM, _DEFECT_BEFORE = Release(12, 5), Release(12, 5, 1, 3)
_SAID = "release"

_Change = Callable[[Replica, Sides], Sides]
"""What a step makes of a node's versions; refuses what is not to be."""


async def begin_upgrade(
    operator: Operator, node: str, version: Version, *, switches: bool = False
) -> Sides:
    """Begin to install a version on the inactive side of a node; what was there is lost.

    `switches`: the node switches to it as soon as it is installed, if it may then.

    Raises:
        RefusedError: an upgrade runs, the version is not newer than the active one, or the
            publisher does not have it; nothing was changed.
        StoreError: nothing was changed.

    """
    ends = operator.clock.now() + INSTALLATION_TIME

    def begin(replica: Replica, sides: Sides) -> Sides:
        check_upgrade(replica, node, version)
        return Sides(sides.active, None, Installation(version, ends, switches))

    return await _carry_out(operator, node, begin, "upgrade begun")


def check_upgrade(replica: Replica, node: str, version: Version) -> None:
    """Refuse an upgrade that cannot be begun now. Raises RefusedError, StoreError."""
    sides = _known(replica, node)
    if sides.installation is not None:
        raise RefusedError("An upgrade is already in progress.")
    if version <= sides.active:
        raise RefusedError(
            f"Version {version} is not newer than the active version {sides.active}."
        )
    publisher = replica.publisher.name
    if node != publisher and not sides_of(replica, publisher).holds(version):
        raise RefusedError(
            f"The publisher {publisher} has to be upgraded first:"
            f" version {version} is not installed there."
        )


async def cancel_upgrade(operator: Operator, node: str) -> Sides:
    """End an installation; the inactive side stays empty.

    Raises:
        RefusedError: none runs.
        StoreError: nothing was changed.

    """

    def cancel(_replica: Replica, sides: Sides) -> Sides:
        if sides.installation is None:
            raise RefusedError("There is no upgrade in progress.")
        return Sides(sides.active)

    return await _carry_out(operator, node, cancel, "upgrade cancelled")


async def finish_upgrade(operator: Operator, node: str) -> Sides:
    """Put what was installed on the inactive side, and switch to it if that was asked for.

    A switch that is not allowed yet is left to the administrator.

    Raises:
        RefusedError: no installation runs.
        StoreError: nothing was changed.

    """

    def finish(replica: Replica, sides: Sides) -> Sides:
        installation = sides.installation
        if installation is None:
            raise RefusedError("There is no upgrade in progress.")
        installed = Sides(sides.active, installation.version)
        is_next = installation.switches and _may_run(replica, node, installation.version)
        return _switched(installed) if is_next else installed

    return await _carry_out(operator, node, finish, "upgrade installed")


async def switch_version(operator: Operator, node: str) -> Sides:
    """Make the inactive version the active one; the node restarts by itself then.

    Raises:
        RefusedError: there is none, an upgrade runs, or the publisher runs another one.
        StoreError: nothing was changed.

    """

    def switch(replica: Replica, _sides: Sides) -> Sides:
        return _switched(check_switch(replica, node))

    return await _carry_out(operator, node, switch, "version switched")


def check_switch(replica: Replica, node: str) -> Sides:
    """Return what a node has, if it can switch now. Raises RefusedError, StoreError."""
    sides = _known(replica, node)
    if sides.installation is not None:
        raise RefusedError("An upgrade is in progress; switch-version is not possible.")
    if sides.inactive is None:
        raise RefusedError(
            "There is no inactive version installed; switch-version is not possible."
        )
    if not _may_run(replica, node, sides.inactive):
        publisher = replica.publisher.name
        raise RefusedError(
            f"The publisher {publisher} has to be switched first:"
            f" it runs version {sides_of(replica, publisher).active}."
        )
    return sides


def _known(replica: Replica, node: str) -> Sides:
    if node not in replica.nodes:
        raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(replica.nodes)}")
    return sides_of(replica, node)


def _may_run(replica: Replica, node: str, version: Version) -> bool:
    """Tell whether a node may run a version: subscribers run what the publisher runs."""
    publisher = replica.publisher.name
    return node == publisher or sides_of(replica, publisher).active == version


def _switched(sides: Sides) -> Sides:
    return Sides(sides.inactive or sides.active, sides.active)


async def _carry_out(operator: Operator, node: str, change: _Change, event: str) -> Sides:
    """Change the versions of a node, with the certificates that a new active one makes.

    `event` is what the log says of it; nothing when nothing changes.
    """
    replica = await operator.newest()
    before = _known(replica, node)
    after = change(replica, before)
    made = await _new_certificates(operator, replica, node, before.active, after.active)
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        if change(replica, _known(replica, node)) != after:
            raise RefusedError("The versions of the node have changed meanwhile; try again.")
        await put_sides(transaction, node, after)
        replaced = [(own, _held(replica, own)) for own in made]
        await put_new(transaction, (own for own, held in replaced if held is None))
        for own, held in replaced:
            if held is not None:
                await put_replacement(transaction, own, held)
    if after != before:
        _log(event, node, after)
    await operator.newest()
    return after


def _held(replica: Replica, made: OwnCertificate) -> StoredCertificate | None:
    return replica.own.get((made.node, made.unit.value))


async def _new_certificates(
    operator: Operator, replica: Replica, node: str, old: Version, new: Version
) -> list[OwnCertificate]:
    """Make what a node that goes from one version to another has to have."""
    if old.release == new.release:
        return []
    try:
        plans = missing_plans(replica, node, new.release, operator.certificates, operator.entropy)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    held = replica.own.get((node, Unit.ITLRECOVERY.value))
    if held is not None and _has_defect(replica, node, old.release, new.release):
        future = replace(operator, release=new.release)
        plans.append(plan_replacement(future, replica, held, Unit.ITLRECOVERY))
        structlog.get_logger().warning("ITLRecovery is made anew (CSCvv13565)", node=node)
    return await make_own_certificates(plans, clock=operator.clock, entropy=operator.entropy)


def _has_defect(replica: Replica, node: str, old: Release, new: Release) -> bool:
    """Tell whether CSCvv13565 strikes: a mixed-mode publisher, from before 12.5 to below SU3."""
    comes_over = old < _DEFECT_FROM <= new < _DEFECT_BEFORE
    return comes_over and is_mixed_mode(replica) and replica.node(node).is_publisher


async def follow_description(operator: Operator, described: Release) -> Replica:
    """Bring nodes to what a description says of the release, at the publisher's start.

    A new cluster runs what it says; a node that is added what the publisher runs. After that it
    counts only when it says something else than before: every node then runs that, publisher
    first, with what it ran before on its inactive side. Returns the newest replica. Raises
    StoreError.
    """
    replica = await _begin_with(operator, Version.of(described))
    async with operator.store.transaction() as transaction:
        said = (await transaction.applied()).get(_SAID, {}).get(_SAID, str(described))
    if said != str(described):
        for node in nodes_in_order(replica):
            await _follow(operator, node.name, described)
    async with operator.store.transaction() as transaction:
        await transaction.remember_applied(_SAID, {_SAID: str(described)})
    return await operator.newest()


async def _begin_with(operator: Operator, version: Version) -> Replica:
    """Give nodes that have no version yet the publisher's, or else `version`."""
    replica = await operator.newest()
    publisher = replica.publisher.name
    first = sides_of(replica, publisher).active if has_sides(replica, publisher) else version
    async with operator.store.transaction() as transaction:
        for node in replica.nodes:
            if not has_sides(replica, node):
                await put_sides(transaction, node, Sides(first))
    return await operator.newest()


async def _follow(operator: Operator, node: str, release: Release) -> None:
    """Have a node run a release, unless it does already; an installation is given up."""

    def follow(_replica: Replica, sides: Sides) -> Sides:
        if sides.active.release == release:
            return sides
        there = sides.inactive
        if there is None or there.release != release:
            there = Version.of(release)
        return Sides(there, sides.active)

    await _carry_out(operator, node, follow, "release changed by the description")


def _log(event: str, node: str, sides: Sides) -> None:
    installing = sides.installation and str(sides.installation.version)
    inactive = sides.inactive and str(sides.inactive)
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(node=node)
    log.info(event, active=str(sides.active), inactive=inactive, installing=installing)
