"""Host and domain name of a node: all its certificates but ITLRecovery are made anew.

`set network hostname` and `set network domain` mind no hold timer: CallManager and TVS of the node
are new at once. A phone that trusts this node alone is locked out unless the ITL was emptied before
(the rollback parameter), a CTL of eTokens is made anew after, or TVS of another node vouches.
ITLRecovery keeps key and name for good. All services of the node restart, and every TFTP service,
whose ITL names the node's TVS. Names and certificates change in one transaction. The name under
which the cluster knows the node, and tells it to phones, stays (docs/divergences.md).
Source: cucm.md 1.6 and 7 (row 8); seed 003 (from "De uitgeverij ITL-terugwinningsleutel").
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import structlog

from cucmsim.errors import RefusedError
from cucmsim.pki.profiles import OWN_UNITS, Unit
from cucmsim.services.certificates import CertificatePlan, make_own_certificates
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.regeneration import plan_replacement, put_replacement
from cucmsim.services.operations.restarts import after_rename
from cucmsim.store.replica import Replica
from cucmsim.store.rows import ProcessNode

__all__ = ["rename_domain", "rename_host"]

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_DOMAIN = 255


async def rename_host(operator: Operator, node: str, host: str) -> Outcome:
    """Give a node another host name (`set network hostname`).

    Raises:
        RefusedError: no ARPANET name of up to 63 characters, one that another node has, the name
            it has already, or no such node; nothing was changed.
        StoreError: nothing was changed.

    """
    if _LABEL.fullmatch(host) is None:
        raise RefusedError(
            f"{host!r} is not a valid hostname: letters, digits and hyphens, 1 to 63"
        )
    return await _rename(operator, node, host=host)


async def rename_domain(operator: Operator, node: str, domain: str) -> Outcome:
    """Give a node another domain name (`set network domain`); "" takes it away.

    Raises:
        RefusedError: no domain name, the one it has already, or no such node.
        StoreError: nothing was changed.

    """
    labels = domain.split(".") if domain else []
    if len(domain) > _LONGEST_DOMAIN or not all(_LABEL.fullmatch(label) for label in labels):
        raise RefusedError(f"{domain!r} is not a valid domain name")
    return await _rename(operator, node, domain=domain)


async def _rename(
    operator: Operator, node: str, *, host: str | None = None, domain: str | None = None
) -> Outcome:
    replica = await operator.newest()
    renamed = _renamed(replica, node, host, domain)
    plans = _plans(operator, replace(replica, nodes={**replica.nodes, node: renamed}), node)
    made = await make_own_certificates(plans, clock=operator.clock, entropy=operator.entropy)
    async with operator.store.transaction() as transaction:
        current = await transaction.replica()
        now = _renamed(current, node, host, domain)
        if now.fqdn != renamed.fqdn:
            raise RefusedError(f"{node} was renamed by somebody else meanwhile. Please try again.")
        await transaction.put_node(now)
        for own in made:
            await put_replacement(transaction, own, current.own[node, own.unit.value])
    structlog.get_logger().info("node renamed", node=node, name=renamed.fqdn)
    await operator.newest()
    return Outcome(
        (f"Hostname: {renamed.host}", "System services will restart in 1 minute"),
        automatic=after_rename(),
    )


def _renamed(replica: Replica, node: str, host: str | None, domain: str | None) -> ProcessNode:
    """Return the node as it is to be. Raises RefusedError."""
    if node not in replica.nodes:
        raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(replica.nodes)}")
    held = replica.node(node)
    wanted = replace(
        held,
        host=held.host if host is None else host,
        domain=held.domain if domain is None else domain,
    )
    if wanted == held:
        raise RefusedError(f"{held.fqdn} is the name of the node already.")
    others = [one.host.lower() for one in replica.nodes.values() if one.name != node]
    if wanted.host.lower() in others:
        raise RefusedError(f"The hostname {wanted.host} is not unique across the cluster.")
    return wanted


def _plans(operator: Operator, future: Replica, node: str) -> Sequence[CertificatePlan]:
    """Return what the node has to make, named as it is to be."""
    return [
        plan_replacement(operator, future, future.own[node, unit.value], unit)
        for unit in OWN_UNITS
        if unit is not Unit.ITLRECOVERY and (node, unit.value) in future.own
    ]
