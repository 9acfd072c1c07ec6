"""Regenerating a node's own certificate: a new key, a new certificate, and who follows.

The key is of the kind and size of the old one unless another is given ("Regenerate keeps length").
The certificate has the name of the old one; CAPF's alone gets eight new digits, so that the old
CAPF certificate stays in CAPF-trust and CallManager-trust beside the new one, for the LSCs it
signed, until somebody deletes it. Every other one takes the old one's place in the trust stores of
all nodes, where files are named after the common name. What was uploaded from an authority is
overwritten. Services show the new certificate once they are restarted.

Source: cucm.md 1.5 (texts), 2.1, 2.2, 5.1, 5.3 and 6; seed 003 (hold timer, texts).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from cryptography.x509.oid import NameOID

from cucmsim.errors import RefusedError
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, key_spec
from cucmsim.pki.profiles import Unit, default_profile
from cucmsim.pki.release import Release
from cucmsim.services.certificates import (
    TRUST_STORES_OF,
    CertificatePlan,
    OwnCertificate,
    UnitSettings,
    make_own_certificates,
    plan_for_unit,
)
from cucmsim.services.operations.holdtimer import held_by, refuse_while_held
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.restarts import (
    after_regeneration,
    resets_after_regeneration,
    restarts_itself,
)
from cucmsim.services.operations.uploads import put_trusted
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate
from cucmsim.store.store import Transaction

__all__ = [
    "check_regeneration",
    "plan_replacement",
    "put_replacement",
    "regenerate_certificate",
    "regeneration_warning",
]

_ITLRECOVERY_WARNING = (
    "WARNING: If you are using a tokenless CTL and if the CallManager certificate is recently",
    "generated, please ensure that the CTL File already has the new CallManager certificate and is",
    "updated to the endpoints, before generating the ITL Recovery certificate. Are you sure want",
    "to proceed?",
)
_BACKUP = (
    "Please do a backup of the server as soon as possible. Failure to do so can stale the cluster "
    "in case of a crash."
)
_OWN_WARNING_FROM = Release(12)
_TRUST = "-trust"


@dataclass(frozen=True, slots=True)
class _Wish:
    """Settings of a unit with the key and digest that were asked for."""

    key: KeySpec | None
    digest: Digest | None
    validity_days: int | None
    subject_alternative: tuple[str, ...]


def regeneration_warning(unit: Unit, release: Release) -> tuple[str, ...]:
    """Return what the server says before it asks whether to proceed."""
    if unit is Unit.ITLRECOVERY and release >= _OWN_WARNING_FROM:
        return _ITLRECOVERY_WARNING
    overwrites = "WARNING: This operation will overwrite any CA signed certificate"
    return (f"{overwrites} previously imported for {unit}",)


async def regenerate_certificate(
    operator: Operator,
    node: str,
    unit: Unit,
    *,
    key: KeySpec | None = None,
    digest: Digest | None = None,
) -> Outcome:
    """Give `node` a new key and self-signed certificate of `unit`.

    Raises RefusedError when the hold timer runs, the node has no such certificate, or none can be
    made as asked; StoreError, with nothing changed, when the store fails.
    """
    replica = await operator.newest()
    held, other = _allowed(operator, replica, node, unit), held_by(unit, operator.release)
    plan = plan_replacement(operator, replica, held, unit, key=key, digest=digest)
    (made,) = await make_own_certificates([plan], clock=operator.clock, entropy=operator.entropy)
    async with operator.store.transaction() as transaction:
        if other is not None:  # again: another process may have been quicker
            modified = await transaction.own_modified(node, other.value)
            refuse_while_held(unit, other, modified, operator.clock.now())
        await put_replacement(transaction, made, held)
    structlog.get_logger().info("certificate regenerated", node=node, unit=unit.value)
    await operator.newest()
    return _outcome(unit, replica, operator.release)


async def check_regeneration(operator: Operator, node: str, unit: Unit) -> None:
    """Refuse, before anybody is asked to confirm, what `regenerate_certificate` would refuse now.

    Raises:
        RefusedError: the hold timer runs, or the node has no such certificate.
        StoreError: the store cannot be used.

    """
    _allowed(operator, await operator.newest(), node, unit)


def _allowed(operator: Operator, replica: Replica, node: str, unit: Unit) -> StoredCertificate:
    """Return the certificate to replace, if that may be done now. Raises RefusedError."""
    held, other = _held(replica, node, unit), held_by(unit, operator.release)
    if other is not None:
        own_key = replica.own_keys.get((node, other.value))
        modified = None if own_key is None else own_key.modified
        refuse_while_held(unit, other, modified, operator.clock.now())
    return held


def _held(replica: Replica, node: str, unit: Unit) -> StoredCertificate:
    """Return the certificate to replace. Raises RefusedError."""
    if node not in replica.nodes:
        raise RefusedError(f"no node {node!r}; the cluster has: {', '.join(replica.nodes)}")
    held = replica.own.get((node, unit.value))
    if held is None:
        raise RefusedError(f"node {node} has no {unit} certificate")
    return held


def plan_replacement(
    operator: Operator,
    replica: Replica,
    held: StoredCertificate,
    unit: Unit,
    *,
    key: KeySpec | None = None,
    digest: Digest | None = None,
) -> CertificatePlan:
    """Return what to make in the place of `held`, for its node as `replica` names it.

    Raises:
        RefusedError: nothing can be made with these values.

    """
    settings = operator.certificates.of(unit)
    try:
        plan = plan_for_unit(
            replica.node(held.node or ""),
            unit,
            release=operator.release,
            fields=operator.certificates.subject,
            publisher_fqdn=replica.publisher.fqdn,
            entropy=operator.entropy,
            settings=_Wish(
                key or _same_key(held, unit, settings, operator.release),
                digest or settings.digest,
                settings.validity_days,
                settings.subject_alternative,
            ),
        )
    except ValueError as error:
        raise RefusedError(str(error)) from None
    if unit is Unit.ITLRECOVERY:
        return replace(plan, common_name=_common_name(held) or plan.common_name)
    return plan


def _common_name(held: StoredCertificate) -> str:
    """Return whom the old certificate names: ITLRecovery keeps its name for good (seed 003)."""
    subject = load_certificate(held.certificate_der).subject
    return next((str(one.value) for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)), "")


def _same_key(
    held: StoredCertificate, unit: Unit, settings: UnitSettings, release: Release
) -> KeySpec:
    """Return the kind of the old key; where it is none of ours, that of the release."""
    usual = settings.key or default_profile(unit, release).key
    try:
        spec = key_spec(certificate_public_key(load_certificate(held.certificate_der)))
    except ValueError:
        return usual
    return spec if spec.algorithm is usual.algorithm else usual


async def put_replacement(
    transaction: Transaction, made: OwnCertificate, held: StoredCertificate
) -> None:
    """Replace the own certificate, in trust stores too unless the old one keeps its own name.

    In the stores that are left to it, and those it was imported into, it stays on every node.
    """
    stores = TRUST_STORES_OF[made.unit]
    gone = () if made.unit is Unit.CAPF else stores
    for store in gone:
        await transaction.delete_certificate(store, held.pkid)
    await transaction.put_own_certificate(
        made.node, made.unit.value, made.certificate_der, made.private_key_der, made.roles
    )
    for store in stores:
        await transaction.put_trust_certificate(store, made.certificate_der)
    left = sorted(unit for unit in held.units if unit.endswith(_TRUST) and unit not in gone)
    if left:
        await _leave_everywhere(transaction, held, left)


async def _leave_everywhere(
    transaction: Transaction, held: StoredCertificate, stores: Sequence[str]
) -> None:
    """Keep what is no longer its node's own on every node, where it was as the node's own."""
    replica, certificate = await transaction.replica(), load_certificate(held.certificate_der)
    for store in stores:
        await put_trusted(transaction, replica, store, certificate)


def _outcome(unit: Unit, replica: Replica, release: Release) -> Outcome:
    restarts, by_itself = after_regeneration(unit, release), restarts_itself(unit, release)
    return Outcome(
        _lines(unit),
        restarts=() if by_itself else restarts,
        automatic=restarts if by_itself else (),
        resets_phones=resets_after_regeneration(unit, replica, release),
    )


def _lines(unit: Unit) -> tuple[str, ...]:
    done = f"Successfully Regenerated Certificate for {unit}."
    article = "the services" if unit is Unit.ITLRECOVERY else "services"
    restart = (
        f"You must restart {article} related to {unit} for the regenerated certificates to become "
        "active."
    )
    return (done, _BACKUP, restart) if unit is Unit.CALLMANAGER else (done, restart)
