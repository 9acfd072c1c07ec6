"""Own certificates that nodes do not have yet: what a new node, or a new release, makes.

What a node has stays as it is, with its key size and its digest, whatever release it runs now.
Source: cucm.md 5.1.
"""

from collections.abc import Iterable

from cucmsim.entropy import Entropy
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.services.certificates import (
    TRUST_STORES_OF,
    CertificatePlan,
    OwnCertificate,
    plans_for_node,
)
from cucmsim.services.operations.operator import CertificateSettings
from cucmsim.store.replica import Replica
from cucmsim.store.store import Transaction

__all__ = ["missing_plans", "put_new"]


def missing_plans(
    replica: Replica,
    node: str,
    release: Release,
    certificates: CertificateSettings,
    entropy: Entropy,
) -> list[CertificatePlan]:
    """Return what a node of a release has to make and does not have.

    Raises:
        ValueError: settings that no certificate of a unit can be made with.

    """
    plans = plans_for_node(
        replica.node(node),
        release=release,
        fields=certificates.subject,
        publisher_fqdn=replica.publisher.fqdn,
        entropy=entropy,
        settings={unit: certificates.of(unit) for unit in Unit},
    )
    return [plan for plan in plans if not replica.has_signer(node, plan.unit.value)]


async def put_new(transaction: Transaction, made: Iterable[OwnCertificate]) -> None:
    """Store certificates that take nobody's place, in the trust stores of every node too."""
    for own in made:
        await transaction.put_own_certificate(
            own.node, own.unit.value, own.certificate_der, own.private_key_der, own.roles
        )
        for trust_store in TRUST_STORES_OF[own.unit]:
            await transaction.put_trust_certificate(trust_store, own.certificate_der)
