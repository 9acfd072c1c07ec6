"""Adding a subscriber to a cluster that runs, and taking one out of it.

Adding is System > Server on a real publisher: the node is in the database with certificates of its
own and the publisher's version, trusted by every node, but in no CallManager group unless that is
said. ITLs name its TVS at once, a CTL knows it when it is made anew. The description need not
have it: what it is goes into the store as its entry, in the words of `[[nodes]]`, from which its
process reads it. Taking one out ends its certificates as such; what trust stores hold of them
stays, as on a real cluster, for the administrator to delete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from cucmsim.errors import RefusedError
from cucmsim.services.certificates import make_own_certificates
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.missing import missing_plans, put_new
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.versions import Sides, put_sides, sides_of
from cucmsim.services.trustlists import is_mixed_mode
from cucmsim.store.replica import Replica
from cucmsim.store.rows import CallManagerGroup, ProcessNode
from cucmsim.store.transaction import Transaction

__all__ = ["add_node", "check_removal", "entry_of", "remove_node"]

_ENTRY = "NodeEntry"
_LARGEST_GROUP = 3


def entry_of(replica: Replica, node: str) -> str | None:
    """Return the entry of a node that was added; None for one that only the description has."""
    return replica.service_parameter(OWN_SERVICE, _ENTRY, node) if node in replica.nodes else None


async def add_node(
    operator: Operator, node: ProcessNode, entry: str, groups: Sequence[str] = ()
) -> Outcome:
    """Add a subscriber, at the end of these CallManager groups.

    Raises:
        RefusedError: name, host name or a port is another node's, or a group is full or unknown;
            nothing was changed.
        StoreError: nothing was changed.

    """
    replica = await operator.newest()
    _check_new(replica, node, groups)
    future = replace(replica, nodes={**replica.nodes, node.name: node})
    active = sides_of(replica, replica.publisher.name).active
    try:
        plans = missing_plans(
            future, node.name, active.release, operator.certificates, operator.entropy
        )
    except ValueError as error:
        raise RefusedError(str(error)) from None
    made = await make_own_certificates(plans, clock=operator.clock, entropy=operator.entropy)
    async with operator.store.transaction() as transaction:
        current = await transaction.replica()
        _check_new(current, node, groups)
        await transaction.put_node(node)
        await transaction.set_service_parameter(OWN_SERVICE, _ENTRY, entry, node.name)
        await put_sides(transaction, node.name, Sides(active))
        await put_new(transaction, made)
        for name in groups:
            held = current.groups[name]
            await transaction.put_group(replace(held, members=(*held.members, node.name)))
    structlog.get_logger().info("node added", node=node.name, name=node.fqdn)
    return Outcome(tuple(_after_adding(await operator.newest(), node, groups)))


def _check_new(replica: Replica, node: ProcessNode, groups: Sequence[str]) -> None:
    """Refuse what another node has already, and groups that cannot take it."""
    for held in replica.nodes.values():
        if held.name.lower() == node.name.lower():
            raise RefusedError(f"the cluster has a node {held.name} already")
        if held.fqdn.lower() == node.fqdn.lower():
            raise RefusedError(f"the host name {node.fqdn} is that of {held.name}")
        shared = {port for port in held.ports.values() if port} & set(node.ports.values())
        if held.address == node.address and shared:
            ports = ", ".join(map(str, sorted(shared)))
            raise RefusedError(f"address {node.address} with ports {ports} is that of {held.name}")
    for name in groups:
        group = replica.groups.get(name)
        if group is None:
            known = ", ".join(replica.groups)
            raise RefusedError(f"no CallManager group {name!r}; the cluster has: {known}")
        if len(group.members) >= _LARGEST_GROUP:
            members = ", ".join(group.members)
            raise RefusedError(f"CallManager group {name} has three members already: {members}")


def _after_adding(replica: Replica, node: ProcessNode, groups: Sequence[str]) -> list[str]:
    lines = [f"{node.name} ({node.fqdn}, {node.address}) is in the cluster."]
    lines += [_shown(replica, replica.groups[name]) for name in groups]
    if not groups:
        lines += ["It is in no CallManager group: no phone registers with it."]
    lines += ["ITLs have its certificates now: reset the phones, so that they fetch them."]
    if is_mixed_mode(replica):
        lines += ["Cluster is in mixed mode: run `utils ctl update CTLFile` before that."]
    return lines


def _shown(replica: Replica, group: CallManagerGroup) -> str:
    members, phones = ", ".join(group.members), _phones_of(replica, group.name)
    return f"CallManager group {group.name}: {members} ({phones} phone{'s'[: phones != 1]})"


def _phones_of(replica: Replica, group: str) -> int:
    pools = {pool.name for pool in replica.device_pools.values() if pool.callmanager_group == group}
    return sum(device.device_pool in pools for device in replica.devices.values())


def check_removal(replica: Replica, node: str) -> Mapping[str, CallManagerGroup]:
    """Return the groups that lose a node, without it, by name.

    Raises RefusedError for what is no subscriber, and the only member of a group.
    """
    if node not in replica.nodes:
        raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(replica.nodes)}")
    if replica.node(node).is_publisher:
        raise RefusedError(f"{node} is the publisher: it cannot be removed")
    left = {
        name: replace(group, members=tuple(one for one in group.members if one != node))
        for name, group in replica.groups.items()
        if node in group.members
    }
    for name, group in left.items():
        if not group.members:
            raise RefusedError(
                f"{node} is the only member of CallManager group {name}: put another one in first"
            )
    return left


async def remove_node(operator: Operator, node: str) -> Outcome:
    """Take a subscriber out of the cluster, with all that is its own.

    Raises:
        RefusedError: as `check_removal`; nothing was changed.
        StoreError: nothing was changed.

    """
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        left = check_removal(replica, node)
        trusted = _trusted(replica, node)
        await _put_groups(transaction, left)
        await transaction.delete_node(node)
    structlog.get_logger().info("node removed", node=node)
    replica = await operator.newest()
    lines = [
        f"{node} is no longer in the cluster.",
        *(_shown(replica, one) for one in left.values()),
    ]
    if trusted:
        lines += [f"Its certificates stay in the trust stores: {', '.join(trusted)}."]
    lines += ["ITLs are without it now: reset the phones, so that they fetch them."]
    if is_mixed_mode(replica):
        lines += ["Cluster is in mixed mode: run `utils ctl update CTLFile` before that."]
    return Outcome(tuple(lines))


async def _put_groups(transaction: Transaction, groups: Mapping[str, CallManagerGroup]) -> None:
    for group in groups.values():
        await transaction.put_group(group)


def _trusted(replica: Replica, node: str) -> list[str]:
    """Return the trust stores that hold certificates of a node."""
    own = {held.certificate_der for (owner, _), held in replica.own.items() if owner == node}
    units = {
        unit
        for held in replica.certificates
        if held.certificate_der in own
        for unit in held.units
        if unit.endswith("-trust")
    }
    return sorted(units)
