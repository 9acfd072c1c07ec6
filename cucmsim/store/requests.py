"""Signing requests that wait for their certificate, each with its private key, sealed.

A node has at most one for each unit; a new one takes the place of the old. The key is bound to the
pkid of its row, as those of own certificates are.
"""

from dataclasses import dataclass, field

from cucmsim.entropy import SystemEntropy
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.certificates import unit_number
from cucmsim.store.changelog import Writer
from cucmsim.store.engine import whole
from cucmsim.store.typetables import UNIT_NAMES

__all__ = ["PendingRequest", "delete_request", "get_request", "list_requests", "put_request"]

_TABLE = "cucmsim_csr"


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request as DER, with the PKCS#8 DER of the key it was made for."""

    request_der: bytes
    private_key_der: bytes = field(repr=False)


def _key(node: str, unit: str) -> dict[str, object]:
    return {"fkprocessnode": node, "tkcertificateservice": unit_number(unit)}


async def put_request(
    writer: Writer, node: str, unit: str, pending: PendingRequest, sealing: SealingKey
) -> None:
    """Keep a request of a node (its pkid), in place of the one before."""
    await writer.delete(_TABLE, _key(node, unit))
    pkid = writer.new_pkid()
    # never from given entropy: a nonce must not repeat under one key (pki/sealing.py)
    sealed = sealing.seal(pending.private_key_der, SystemEntropy(), pkid.encode())
    values = {"pkid": pkid, "request": pending.request_der, "sealedkey": sealed}
    await writer.insert(_TABLE, {**_key(node, unit), **values})


async def get_request(
    writer: Writer, node: str, unit: str, sealing: SealingKey
) -> PendingRequest | None:
    """Return a node's request with its key opened; None when there is none.

    Raises:
        VerificationError: the key does not open.

    """
    held = await writer.find(_TABLE, _key(node, unit))
    if held is None:
        return None
    request, sealed = held["request"], held["sealedkey"]
    request_der = request if isinstance(request, bytes) else b""
    blob = sealed if isinstance(sealed, bytes) else b""
    return PendingRequest(request_der, sealing.open(blob, str(held["pkid"]).encode()))


async def delete_request(writer: Writer, node: str, unit: str) -> bool:
    """Forget a node's request; tell whether there was one."""
    return await writer.delete(_TABLE, _key(node, unit)) > 0


async def list_requests(writer: Writer, node: str) -> tuple[str, ...]:
    """Return the units of which a node has a request."""
    held = await writer.find_all(_TABLE, {"fkprocessnode": node})
    return tuple(sorted(UNIT_NAMES[whole(row["tkcertificateservice"])] for row in held))
