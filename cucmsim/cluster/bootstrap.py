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
from cucmsim.errors import RefusedError, StartError
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.services.certificates import CertificatePlan, make_own_certificates
from cucmsim.services.operations.missing import missing_plans, put_new
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.upgrade import follow_description
from cucmsim.services.operations.versions import active_release, has_sides
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
from cucmsim.store.store import Store

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
    replica = await _run_release(store, settings, clock, entropy)
    replica = await _make_missing_certificates(store, replica, settings, clock, entropy)
    return await _make_missing_ctl(store, replica, clock)


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


async def _run_release(store: Store, settings: Settings, clock: Clock, entropy: Entropy) -> Replica:
    """Have new nodes run the release that is described, and every node one that is described anew.

    Raises StartError when no certificate can be made as described.
    """
    described = settings.cluster
    operator = Operator(
        store,
        store.load_replica,
        described.release,
        settings.certificates,
        clock,
        entropy,
        described.security_password,
    )
    try:
        return await follow_description(operator, described.release)
    except RefusedError as error:
        raise StartError(f"release {described.release}: {error}") from error


async def _make_missing_certificates(
    store: Store, replica: Replica, settings: Settings, clock: Clock, entropy: Entropy
) -> Replica:
    """Make and store the own certificates that nodes do not have."""
    plans = _missing_plans(replica, settings, entropy)
    if not plans:
        return replica
    made = await make_own_certificates(plans, clock=clock, entropy=entropy)
    async with store.transaction() as transaction:
        await put_new(transaction, made)
    structlog.get_logger().info("certificates made", count=len(made))
    return await store.update_replica(replica)


def _missing_plans(replica: Replica, settings: Settings, entropy: Entropy) -> list[CertificatePlan]:
    return [
        plan
        for node in replica.nodes
        for plan in missing_plans(
            replica, node, active_release(replica, node), settings.certificates, entropy
        )
    ]


async def _make_missing_ctl(store: Store, replica: Replica, clock: Clock) -> Replica:
    """Give every node of a mixed-mode cluster that has no CTL at all the same CTL."""
    if not is_mixed_mode(replica) or has_ctl(replica):
        return replica
    release = active_release(replica, replica.publisher.name)
    data = build_ctl(replica, release, timestamp=clock.now())
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
    return (
        has_keys and has_sides(replica, node) and (has_ctl(replica) or not is_mixed_mode(replica))
    )
