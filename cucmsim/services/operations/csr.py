"""Signing requests: made with a key of their own, shown, and kept until a certificate comes.

The subject is that of the unit's own certificate, the key of the same kind and size. The host name
stands in the SAN extension too; CAPF's name is no host and does not. CAPF's request is made on the
publisher only, ITLRecovery has none. Source: cucm.md 1.5 (commands and texts), 5.1 (extensions).
"""

import asyncio
from collections.abc import Sequence

from cryptography.hazmat.primitives.serialization import Encoding

from cucmsim.errors import RefusedError
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec, PrivateKey, dump_private_key, key_spec
from cucmsim.pki.keysource import key_job
from cucmsim.pki.profiles import Unit
from cucmsim.pki.requests import (
    REQUEST_UNITS,
    common_name_of,
    load_request,
    make_request,
    request_pem,
)
from cucmsim.pki.signatures import Signer
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.store.requests import PendingRequest

__all__ = ["generate_csr", "list_csrs", "show_csr"]


async def generate_csr(
    operator: Operator,
    node: str,
    unit: str,
    *,
    key: KeySpec | None = None,
    digest: Digest = Digest.SHA256,
    subject_alternative: Sequence[str] | None = None,
) -> Outcome:
    """Make the signing request of a node's unit, in place of the one before.

    `key` None is a key like the certificate's; `subject_alternative` None is the host name alone.

    Raises:
        RefusedError: no request can be made for the unit here, or not with these values.
        StoreError: the store cannot be used, or the node has no certificate of the unit.

    """
    replica = await operator.newest()
    wanted = _unit(unit, is_publisher=replica.node(node).is_publisher)
    signer = replica.signer(node, wanted.value)
    names = _names(signer, wanted) if subject_alternative is None else subject_alternative
    spec = key or key_spec(signer.private_key)
    if spec.algorithm is not key_spec(signer.private_key).algorithm:
        raise RefusedError(f"Invalid key type {spec} for {unit}.")
    private_key = await asyncio.to_thread(key_job(spec, operator.entropy))
    pending = _pending(wanted, signer, private_key, digest, names)
    async with operator.store.transaction() as transaction:
        await transaction.put_request(node, wanted.value, pending)
    return Outcome((f"Successfully Generated CSR for {unit}.",))


def _unit(unit: str, *, is_publisher: bool) -> Unit:
    """Return the unit by its name, if it has requests on such a node."""
    if unit not in REQUEST_UNITS:
        raise RefusedError(f"CSR generation is not supported for {unit}.")
    if unit == Unit.CAPF and not is_publisher:
        raise RefusedError("CSR generation for CAPF is supported on the publisher only.")
    return Unit(unit)


def _names(signer: Signer, unit: Unit) -> tuple[str, ...]:
    """Return the host name of a certificate for the SAN extension."""
    name = common_name_of(signer.certificate.subject)
    return () if unit is Unit.CAPF or not name.isascii() else (name,)


def _pending(
    unit: Unit, signer: Signer, private_key: PrivateKey, digest: Digest, names: Sequence[str]
) -> PendingRequest:
    try:
        request = make_request(
            unit,
            signer.certificate.subject,
            private_key,
            digest=digest,
            subject_alternative=names,
        )
    except ValueError as error:
        raise RefusedError(str(error)) from error
    return PendingRequest(request.public_bytes(Encoding.DER), dump_private_key(private_key))


async def list_csrs(operator: Operator, node: str) -> tuple[str, ...]:
    """Return the names of a node's requests as `show csr own` takes them: tomcat/tomcat.csr."""
    async with operator.store.transaction() as transaction:
        units = await transaction.list_requests(node)
    return tuple(f"{unit}/{unit}.csr" for unit in units)


async def show_csr(operator: Operator, node: str, unit: str) -> bytes:
    """Return a node's request as PEM. Raises RefusedError when there is none."""
    async with operator.store.transaction() as transaction:
        pending = await transaction.get_request(node, unit) if unit in REQUEST_UNITS else None
    if pending is None:
        raise RefusedError(f"CSR for {unit} does not exist.")
    return request_pem(load_request(pending.request_der))
