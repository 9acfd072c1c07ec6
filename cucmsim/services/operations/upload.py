"""Uploading what an authority signed: a certificate, or one with its chain.

The certificate must fit the pending request (key and SAN), be valid, serve the unit's purposes and
lead to a root, over the authorities in the unit's trust store and those uploaded with it, which go
into that store. Everything is one transaction. Source: cucm.md 1.5 (texts of success), 5.1 (rules:
PEM or DER, up to 4096 bits, no wildcard, authorities first, in the matching trust store); the words
of the refusals are not published (docs/divergences.md).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509

from cucmsim.errors import FormatError, RefusedError
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.chains import is_issued_by
from cucmsim.pki.keys import PrivateKey, dump_public_key, load_private_key
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.requests import (
    REQUEST_UNITS,
    alternative_names,
    common_name_of,
    load_request,
    purposes_lacking,
)
from cucmsim.services.certificates import TRUST_STORES_OF, OwnCertificate
from cucmsim.services.operations.holdtimer import held_by, refuse_while_held
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.regeneration import put_replacement
from cucmsim.services.operations.restarts import (
    after_regeneration,
    resets_after_regeneration,
    restarts_itself,
)
from cucmsim.services.operations.uploads import UNREADABLE, check_dates, put_trusted, read_upload
from cucmsim.store.replica import Replica
from cucmsim.store.requests import PendingRequest
from cucmsim.store.store import Transaction

__all__ = ["upload_certificate"]

_DEEPEST = 10


async def upload_certificate(operator: Operator, node: str, unit: str, data: bytes) -> Outcome:
    """Give a node the certificate of a unit that an authority signed.

    `data` is the certificate, followed by the authorities above it in their order if they are to
    be trusted with it. The services of the unit show it after their restart.

    Raises:
        RefusedError: why it is not taken; nothing was changed.
        StoreError: the store cannot be used.

    """
    leaf, *chain = read_upload(data)
    if unit not in REQUEST_UNITS:
        raise RefusedError(f"Certificate upload is not supported for {unit}.")
    wanted, now = Unit(unit), operator.clock.now()
    trust_store = TRUST_STORES_OF[wanted][0]
    _check_leaf(wanted, leaf, now)
    async with operator.store.transaction() as transaction:
        await _check_hold(operator, transaction, node, wanted)
        pending = await transaction.get_request(node, unit)
        private_key = _key_of_request(unit, leaf, pending)
        replica = await transaction.replica()
        trusted = [load_certificate(one.certificate_der) for one in replica.in_store(trust_store)]
        _check_chain(leaf, chain, trusted, now)
        made = OwnCertificate(node, wanted, leaf, private_key)
        held = replica.own.get((node, unit))
        if held is None:
            raise RefusedError(f"node {node} has no {unit} certificate")
        await put_replacement(transaction, made, held)
        for authority in chain:
            await put_trusted(transaction, replica, trust_store, authority)
        await transaction.delete_request(node, unit)
    await operator.newest()
    return _outcome(wanted, replica, operator.release)


async def _check_hold(operator: Operator, transaction: Transaction, node: str, unit: Unit) -> None:
    """Refuse while the hold timer runs, which every new certificate starts."""
    other = held_by(unit, operator.release)
    if other is not None:
        modified = await transaction.own_modified(node, other.value)
        refuse_while_held(unit, other, modified, operator.clock.now())


def _outcome(unit: Unit, replica: Replica, release: Release) -> Outcome:
    restarts, by_itself = after_regeneration(unit, release), restarts_itself(unit, release)
    return Outcome(
        (
            f"Successfully imported certificate for {unit}.",
            f"Please restart services related to {unit} for the new certificate to",
            "become active.",
        ),
        restarts=() if by_itself else restarts,
        automatic=restarts if by_itself else (),
        resets_phones=resets_after_regeneration(unit, replica, release),
    )


def _check_leaf(unit: Unit, leaf: x509.Certificate, now: datetime) -> None:
    """Check what can be told from the certificate alone."""
    check_dates(leaf, now)
    try:
        lacking = purposes_lacking(unit, leaf)
        names = {common_name_of(leaf.subject), *alternative_names(leaf)}
    except (FormatError, ValueError) as error:
        raise RefusedError(UNREADABLE) from error
    if lacking:
        raise RefusedError(f"The certificate lacks the key usage {', '.join(lacking)}.")
    if any("*" in name for name in names):
        raise RefusedError("Wildcard certificates are not supported.")


def _key_of_request(
    unit: str, leaf: x509.Certificate, pending: PendingRequest | None
) -> PrivateKey:
    """Return the key of the request that the certificate was made of."""
    if pending is None:
        raise RefusedError(f"CSR for {unit} does not exist.")
    private_key = load_private_key(pending.private_key_der, trusted=True)
    public_key = certificate_public_key(leaf)
    if dump_public_key(public_key) != dump_public_key(private_key.public_key()):
        raise RefusedError("CSR public key and certificate public key do not match")
    if alternative_names(load_request(pending.request_der)) != alternative_names(leaf):
        raise RefusedError("CSR SAN and Certificate SAN does not match")
    return private_key


def _check_chain(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    """Check the order of what was uploaded, and go on to a root over what is trusted."""
    current = leaf
    for authority in chain:
        if not is_issued_by(current, authority):
            raise RefusedError("The certificates of the chain are not in order.")
        _check_authority(authority, now)
        current = authority
    for _ in range(_DEEPEST):
        if is_issued_by(current, current) and (current in chain or current in trusted):
            return
        current = _issuer(current, trusted)
        _check_authority(current, now)
    raise RefusedError("The chain of the certificate is too long.")


def _issuer(certificate: x509.Certificate, trusted: Iterable[x509.Certificate]) -> x509.Certificate:
    issuers = [one for one in trusted if one != certificate and is_issued_by(certificate, one)]
    if not issuers:
        raise RefusedError("CA certificate is not available in the trust-store")
    return max(issuers, key=lambda one: one.not_valid_after_utc)


def _check_authority(authority: x509.Certificate, now: datetime) -> None:
    """Refuse an authority that is not valid now, or may sign no certificates."""
    check_dates(authority, now)
    try:
        extensions = [extension.value for extension in authority.extensions]
    except ValueError as error:
        raise RefusedError("Error reading the CA certificate") from error
    for value in extensions:
        may_not = (isinstance(value, x509.BasicConstraints) and not value.ca) or (
            isinstance(value, x509.KeyUsage) and not value.key_cert_sign
        )
        if may_not:
            name = common_name_of(authority.subject)
            raise RefusedError(f"{name} is not a CA certificate.")
