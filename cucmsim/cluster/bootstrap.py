"""The publisher's work at the start: fill the store, make what certificates are missing.

Each step is one transaction that is skipped when its result is there, so a start that was killed
is completed by the next one.
"""

import structlog

from cucmsim.clock import Clock
from cucmsim.cluster.description import describe_settings
from cucmsim.cluster.settings import Settings
from cucmsim.entropy import Entropy
from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import (
    CertificatePlan,
    OwnCertificate,
    make_own_certificates,
    plans_for_node,
)
from cucmsim.services.reconcile import apply_description, prune
from cucmsim.services.trustlists import build_ctl, is_mixed_mode
from cucmsim.store.replica import Replica
from cucmsim.store.rows import TftpFile
from cucmsim.store.store import Store, Transaction

__all__ = ["fill_store"]

_TRUSTED_AS = {
    Unit.CALLMANAGER: ("CallManager-trust",),
    Unit.CALLMANAGER_ECDSA: ("CallManager-trust",),
    Unit.CAPF: ("CAPF-trust", "CallManager-trust"),
    Unit.ITLRECOVERY: ("CallManager-trust",),
    Unit.TVS: ("TVS-trust",),
    Unit.TOMCAT: ("tomcat-trust",),
    Unit.TOMCAT_ECDSA: ("tomcat-trust",),
    Unit.IPSEC: ("ipsec-trust",),
}
"""Which trust stores of every node a fresh own certificate is put into (cucm.md 2.2, 5.1)."""


async def fill_store(
    store: Store, settings: Settings, clock: Clock, entropy: Entropy, *, prune_store: bool
) -> None:
    """Bring the store to what `settings` describe, with every certificate that takes."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    description = describe_settings(settings)
    applied = await apply_description(store, description)
    for line in applied.lines():
        log.info(line)
    if prune_store:
        for line in await prune(store, description):
            log.warning(line)
    made = await _make_missing_certificates(store, settings, clock, entropy)
    if made:
        log.info("certificates made", count=len(made))
    if await _make_missing_ctl(store, settings, clock):
        log.info("CTL made", file=CTL_FILENAME)


async def _make_missing_certificates(
    store: Store, settings: Settings, clock: Clock, entropy: Entropy
) -> list[OwnCertificate]:
    """Make and store the own certificates that nodes of the description do not have."""
    replica = await store.load_replica()
    plans = _missing_plans(replica, settings, entropy)
    made = await make_own_certificates(plans, clock=clock, entropy=entropy)
    if made:
        async with store.transaction() as transaction:
            for own in made:
                await _put(transaction, own)
    return made


async def _put(transaction: Transaction, own: OwnCertificate) -> None:
    await transaction.put_own_certificate(
        own.node, own.unit.value, own.certificate_der, own.private_key_der, own.roles
    )
    for trust_store in _TRUSTED_AS[own.unit]:
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


async def _make_missing_ctl(store: Store, settings: Settings, clock: Clock) -> bool:
    """Give every node of a mixed-mode cluster that has no CTL at all the same CTL."""
    replica = await store.load_replica()
    if not is_mixed_mode(replica) or any(name == CTL_FILENAME for _, name in replica.tftp_files):
        return False
    data = build_ctl(replica, settings.cluster.release, timestamp=clock.now())
    async with store.transaction() as transaction:
        for node in replica.nodes:
            await transaction.put_tftp_file(TftpFile(name=CTL_FILENAME, data=data, node=node))
    return True
