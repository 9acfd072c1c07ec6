"""The publisher's work at the start: fill the store, make what certificates are missing.

Each step is one transaction that is skipped when its result is there, so a start that was killed
is completed by the next one.
"""

import asyncio

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.description import describe_settings
from cucmsim.cluster.settings import Settings
from cucmsim.cluster.trustcertificates import put_trust_certificates
from cucmsim.entropy import Entropy
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import (
    TRUST_STORES_OF,
    CertificatePlan,
    OwnCertificate,
    make_own_certificates,
    plans_for_node,
)
from cucmsim.services.reconcile import (
    Description,
    apply_description,
    format_names,
    prune,
    strangers_to,
)
from cucmsim.services.trustlists import build_ctl, is_mixed_mode
from cucmsim.store.replica import Replica
from cucmsim.store.rows import TftpFile
from cucmsim.store.store import Store, Transaction

__all__ = ["fill_store", "is_filled"]


async def fill_store(
    store: Store, settings: Settings, clock: Clock, entropy: Entropy, *, prune_store: bool
) -> Replica:
    """Bring the store to what `settings` describe, with every certificate that takes.

    Returns what it then holds. Raises StoreError, and StartError for a file that is gone.
    """
    description = await asyncio.to_thread(describe_settings, settings)
    replica = await _apply(store, description, prune_store=prune_store)
    replica = await put_trust_certificates(store, replica, settings.trust_certificates)
    replica = await _make_missing_certificates(store, replica, settings, clock, entropy)
    return await _make_missing_ctl(store, replica, settings, clock)


async def _apply(store: Store, description: Description, *, prune_store: bool) -> Replica:
    """Write what the description adds or changes; remove what it lacks if told so, saying what."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    replica = await store.load_replica()
    applied = await apply_description(store, description, replica)
    for line in applied.lines():
        log.info(line)
    strangers = strangers_to(description, replica)
    if prune_store and strangers:
        for line in format_names("only in the store, removing", strangers, shown=None):
            log.warning(line)
        await prune(store, strangers)
    for line in () if prune_store else format_names("only in the store, kept", strangers):
        log.info(line)
    return await store.update_replica(replica)


async def _make_missing_certificates(
    store: Store, replica: Replica, settings: Settings, clock: Clock, entropy: Entropy
) -> Replica:
    """Make and store the own certificates that nodes do not have."""
    plans = _missing_plans(replica, settings, entropy)
    if not plans:
        return replica
    made = await make_own_certificates(plans, clock=clock, entropy=entropy)
    async with store.transaction() as transaction:
        for own in made:
            await _put(transaction, own)
    structlog.get_logger().info("certificates made", count=len(made))
    return await store.update_replica(replica)


async def _put(transaction: Transaction, own: OwnCertificate) -> None:
    await transaction.put_own_certificate(
        own.node, own.unit.value, own.certificate_der, own.private_key_der, own.roles
    )
    for trust_store in TRUST_STORES_OF[own.unit]:
        await transaction.put_trust_certificate(trust_store, own.certificate_der)


def _missing_plans(replica: Replica, settings: Settings, entropy: Entropy) -> list[CertificatePlan]:
    per_unit = {unit: settings.certificates.of(unit) for unit in Unit}
    return [
        plan
        for node in replica.nodes.values()
        for plan in plans_for_node(
            node,
            release=settings.cluster.release,
            fields=settings.certificates.subject,
            publisher_fqdn=replica.publisher.fqdn,
            entropy=entropy,
            settings=per_unit,
        )
        if not replica.has_signer(plan.node, plan.unit.value)
    ]


async def _make_missing_ctl(
    store: Store, replica: Replica, settings: Settings, clock: Clock
) -> Replica:
    """Give every node of a mixed-mode cluster that has no CTL at all the same CTL."""
    if not is_mixed_mode(replica) or has_ctl(replica):
        return replica
    data = build_ctl(replica, settings.cluster.release, timestamp=clock.now())
    async with store.transaction() as transaction:
        for node in replica.nodes:
            await transaction.put_tftp_file(TftpFile(name=CTL_FILENAME, data=data, node=node))
    structlog.get_logger().info("CTL made", file=CTL_FILENAME)
    return await store.update_replica(replica)


def has_ctl(replica: Replica) -> bool:
    """Tell whether any node has a CTL."""
    return any(name == CTL_FILENAME for _, name in replica.tftp_files)


def is_filled(replica: Replica, node: str) -> bool:
    """Tell whether the publisher has made all that `node` starts from."""
    has_keys = any(owner == node for owner, _ in replica.own_keys)
    return has_keys and (has_ctl(replica) or not is_mixed_mode(replica))
