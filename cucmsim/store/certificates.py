"""Certificates and their maps, and the private keys of own certificates.

The life of a row is CUCM's (cucm.md 2.1): a trust certificate is looked up by the SHA-1 of its DER,
inserted when it is new, then its service, role and node maps are filled. Regenerating an own
certificate is an UPDATE of the same row, whose pkid stays. Deleting takes the service map of that
store first; the certificate goes only when no service, role or node map is left, so a deletion for
one node leaves the row for the others.

One thing the documents do not show: when the row of a regenerated certificate also stood in trust
stores, the old certificate stays in these, in a row of its own (docs/divergences.md).

Private keys are sealed under the cluster security password and bound to the pkid of their row.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from cucmsim.entropy import SystemEntropy
from cucmsim.errors import StoreError
from cucmsim.formats.names import rfc2253_name, serial_bytes
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.changelog import Writer
from cucmsim.store.engine import Values, moment, whole
from cucmsim.store.rows import ROLES_OF_STORE
from cucmsim.store.typetables import UNIT_NAMES

__all__ = [
    "NodePlace",
    "OwnEntry",
    "certificate_columns",
    "delete_certificate",
    "delete_node_certificates",
    "own_modified",
    "put_file_certificate",
    "put_own_certificate",
    "put_trust_certificate",
    "sha1_base64",
    "unit_number",
]

_UNITS = {name: number for number, name in UNIT_NAMES.items()}
_SERVICE_MAP = "certificateservicecertificatemap"
_ROLE_MAP = "certificatetrustrolemap"
_NODE_MAP = "certificateprocessnodemap"


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Of a node, what a certificate's row copies."""

    pkid: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """What a node is to own: PKCS#8 DER beside the certificate it belongs to."""

    unit: str
    certificate_der: bytes
    private_key_der: bytes = field(repr=False)
    roles: tuple[int, ...]


def unit_number(unit: str) -> int:
    """Return typecertificateservice.enum of a unit. Raises StoreError for an unknown one."""
    if unit not in _UNITS:
        raise StoreError(f"no certificate unit {unit!r}; expected one of {', '.join(_UNITS)}")
    return _UNITS[unit]


def sha1_base64(certificate_der: bytes) -> str:
    """Return certificatehashmap.hash: base64 of the SHA-1 over the DER."""
    return base64.b64encode(hashlib.sha1(certificate_der, usedforsecurity=False).digest()).decode()


def certificate_columns(certificate_der: bytes) -> dict[str, object]:
    """Return the columns of table certificate that follow from the certificate itself.

    Raises:
        FormatError: the bytes are no certificate.

    """
    certificate = load_certificate(certificate_der)
    return {
        "subjectname": rfc2253_name(certificate.subject),
        "issuername": rfc2253_name(certificate.issuer),
        "serialnumber": serial_bytes(certificate).hex(),
        "certificate": certificate.public_bytes(Encoding.PEM).decode(),
    }


async def put_own_certificate(
    writer: Writer, node: NodePlace, own: OwnEntry, sealing: SealingKey
) -> str:
    """Give a node its certificate of a unit, in the row it has for it; return the pkid."""
    unit = unit_number(own.unit)
    held_key = await writer.find(
        "cucmsim_privatekey", {"fkprocessnode": node.pkid, "tkcertificateservice": unit}
    )
    if held_key is not None:
        pkid = await _row_of_key(writer, held_key, node, unit)
        await _regenerate(writer, pkid, own)
    else:
        pkid = await _own_row(writer, node, unit, own)
    await _fill_maps(writer, pkid, unit, own.roles, node)
    await _put_key(writer, pkid, node, own, sealing)
    return pkid


async def _regenerate(writer: Writer, pkid: str, own: OwnEntry) -> None:
    """Update an own row in place; what trust stores hold of the old certificate stays there."""
    old_hash = await writer.find("certificatehashmap", {"fkcertificate": pkid})
    new_hash = sha1_base64(own.certificate_der)
    if old_hash is None or old_hash["hash"] == new_hash:
        return
    await _leave_in_trust_stores(writer, pkid, str(old_hash["hash"]))
    await writer.save("certificate", {"pkid": pkid}, certificate_columns(own.certificate_der))
    await writer.save("certificatehashmap", {"fkcertificate": pkid}, {"hash": new_hash})
    for held in await writer.find_all(_ROLE_MAP, {"fkcertificate": pkid}):
        if held["tktrustrole"] not in own.roles:
            await writer.delete(_ROLE_MAP, {"pkid": held["pkid"]})


async def _leave_in_trust_stores(writer: Writer, pkid: str, sha1: str) -> None:
    """Move the trust-store maps of an own row to a new row with the old certificate."""
    maps = await writer.find_all(_SERVICE_MAP, {"fkcertificate": pkid})
    trust = [held for held in maps if _unit_name(held).endswith("-trust")]
    if not trust:
        return
    old = await writer.find("certificate", {"pkid": pkid})
    copy = await writer.insert("certificate", {**(old or {}), "pkid": ""})
    await writer.insert("certificatehashmap", {"fkcertificate": copy, "hash": sha1})
    for held in trust:
        await writer.update(_SERVICE_MAP, str(held["pkid"]), {"fkcertificate": copy})
        for role in ROLES_OF_STORE.get(_unit_name(held), ()):
            await writer.save(_ROLE_MAP, {"fkcertificate": copy, "tktrustrole": role}, {})
    for held in await writer.find_all(_NODE_MAP, {"fkcertificate": pkid}):
        await writer.insert(_NODE_MAP, {**held, "fkcertificate": copy, "pkid": ""})


def _unit_name(service_map: dict[str, object]) -> str:
    return UNIT_NAMES.get(whole(service_map["tkcertificateservice"]), "")


async def _own_row(writer: Writer, node: NodePlace, unit: int, own: OwnEntry) -> str:
    """Return a row for an own certificate whose key is new.

    The one that the database has for it without a key, as after a restore; a trust row that holds
    it already; or a new one.
    """
    restored = await _shown_row(writer, node, unit)
    if restored is not None:
        await _regenerate(writer, restored, own)
        return restored
    same = {"hash": sha1_base64(own.certificate_der)}
    for held in await writer.find_all("certificatehashmap", same):
        if not await _has_key(writer, str(held["fkcertificate"])):
            return str(held["fkcertificate"])
    return await _insert_certificate(writer, own.certificate_der, node)


async def _has_key(writer: Writer, pkid: str) -> bool:
    return await writer.find("cucmsim_privatekey", {"fkcertificate": pkid}) is not None


async def _shown_row(writer: Writer, node: NodePlace, unit: int) -> str | None:
    """Return the row without a key that the database shows as a node's certificate of a unit."""
    for held in await writer.find_all(_NODE_MAP, {"fkprocessnode": node.pkid}):
        key = {"fkcertificate": held["fkcertificate"], "tkcertificateservice": unit}
        is_of_unit = await writer.find(_SERVICE_MAP, key) is not None
        if is_of_unit and not await _has_key(writer, str(held["fkcertificate"])):
            return str(held["fkcertificate"])
    return None


async def _row_of_key(writer: Writer, held_key: Values, node: NodePlace, unit: int) -> str:
    """Return the row of the certificate that a key belongs to.

    Where that is none that the database shows (`put_file_certificate`) it is given up for the one
    that is shown.
    """
    pkid = str(held_key["fkcertificate"])
    own = {"fkcertificate": pkid, "tkcertificateservice": unit}
    if await writer.find(_SERVICE_MAP, own) is not None:
        return pkid
    shown = await _shown_row(writer, node, unit)
    if shown is None:
        return pkid
    values = {"fkcertificate": shown, "sealedkey": b""}
    await writer.update("cucmsim_privatekey", str(held_key["pkid"]), values)
    await _delete_if_unused(writer, pkid)
    return shown


async def put_file_certificate(
    writer: Writer, node: NodePlace, own: OwnEntry, sealing: SealingKey
) -> str:
    """Give a node that has no key of a unit a pair in files that the database knows nothing of.

    Its row has no map: what is shown, and what TVS answers from, is the unit's other certificate.
    """
    pkid = await _insert_certificate(writer, own.certificate_der, node)
    await _put_key(writer, pkid, node, own, sealing)
    return pkid


async def _insert_certificate(
    writer: Writer, certificate_der: bytes, node: NodePlace | None
) -> str:
    columns = certificate_columns(certificate_der)
    place = {"servername": node.name, "ipv4address": node.address} if node else {}
    pkid = await writer.insert("certificate", {**columns, **place})
    sha1 = sha1_base64(certificate_der)
    await writer.insert("certificatehashmap", {"fkcertificate": pkid, "hash": sha1})
    return pkid


async def _fill_maps(
    writer: Writer, pkid: str, unit: int, roles: Sequence[int], node: NodePlace | None
) -> None:
    """Check and fill the maps in CUCM's order: service, roles, node."""
    own = {"fkcertificate": pkid}
    await writer.save(_SERVICE_MAP, {**own, "tkcertificateservice": unit}, {})
    for role in roles:
        await writer.save(_ROLE_MAP, {**own, "tktrustrole": role}, {})
    if node is not None:
        place = {"servername": node.name, "ipv4address": node.address}
        await writer.save(_NODE_MAP, {**own, "fkprocessnode": node.pkid}, place)


async def _put_key(
    writer: Writer, pkid: str, node: NodePlace, own: OwnEntry, sealing: SealingKey
) -> None:
    key = _key_place(node.pkid, own.unit)
    held = await writer.find("cucmsim_privatekey", key)
    blob = held["sealedkey"] if held is not None else None
    same = isinstance(blob, bytes) and blob and sealing.open(blob, pkid.encode())
    if same == own.private_key_der:
        return
    # never from given entropy: a nonce must not repeat under one key (pki/sealing.py)
    sealed = sealing.seal(own.private_key_der, SystemEntropy(), pkid.encode())
    values: dict[str, object] = {"fkcertificate": pkid, "sealedkey": sealed}
    if held is not None:
        values["modified"] = int(writer.clock.now().timestamp())
    await writer.save("cucmsim_privatekey", key, values)


def _key_place(node: str, unit: str) -> dict[str, object]:
    return {"fkprocessnode": node, "tkcertificateservice": unit_number(unit)}


async def own_modified(writer: Writer, node: str, unit: str) -> datetime | None:
    """Return when the own certificate of a node (pkid) was replaced; None where it never was."""
    held = await writer.find("cucmsim_privatekey", _key_place(node, unit))
    return None if held is None else moment(held["modified"])


async def put_trust_certificate(
    writer: Writer,
    unit: str,
    certificate_der: bytes,
    node: NodePlace | None = None,
    roles: Sequence[int] | None = None,
) -> str:
    """Put a certificate into a trust store; return the pkid of its row, new or not.

    `node` is where it came from; `roles` None gives it those of the store (`ROLES_OF_STORE`).
    """
    held = await writer.find("certificatehashmap", {"hash": sha1_base64(certificate_der)})
    if held is None:
        pkid = await _insert_certificate(writer, certificate_der, node)
    else:
        pkid = str(held["fkcertificate"])
    given = ROLES_OF_STORE.get(unit, ()) if roles is None else roles
    await _fill_maps(writer, pkid, unit_number(unit), given, node)
    return pkid


async def delete_certificate(
    writer: Writer, unit: str, pkid: str, node: NodePlace | None = None
) -> bool:
    """Take a certificate out of a unit or trust store; tell whether it was in it.

    With `node` only this node's map goes with it, and the row stays while others have it.
    """
    own = {"fkcertificate": pkid}
    number = unit_number(unit)
    deleted = await writer.delete(_SERVICE_MAP, {**own, "tkcertificateservice": number})
    left = await writer.find_all(_SERVICE_MAP, own)
    kept_roles = {role for held in left for role in ROLES_OF_STORE.get(_unit_name(held), ())}
    for held in await writer.find_all(_ROLE_MAP, own):
        if not left or (
            held["tktrustrole"] in ROLES_OF_STORE.get(unit, ())
            and held["tktrustrole"] not in kept_roles
        ):
            await writer.delete(_ROLE_MAP, {"pkid": held["pkid"]})
    if not left:
        of_node = {"fkprocessnode": node.pkid} if node else {}
        deleted += await writer.delete(_NODE_MAP, {**own, **of_node})
    await writer.delete("cucmsim_privatekey", {**own, "tkcertificateservice": number})
    await _delete_if_unused(writer, pkid)
    return deleted > 0


async def _delete_if_unused(writer: Writer, pkid: str) -> None:
    """Delete a certificate that no service, role or node map, and no key, holds any more."""
    own = {"fkcertificate": pkid}
    for table in (_SERVICE_MAP, _ROLE_MAP, _NODE_MAP, "cucmsim_privatekey"):
        if await writer.find(table, own) is not None:
            return
    await writer.delete("certificatehashmap", own)
    await writer.delete("certificate", {"pkid": pkid})


async def delete_node_certificates(writer: Writer, node: str) -> None:
    """Take a node's own certificates, requests and node maps away (`node` is a pkid)."""
    await writer.delete("cucmsim_csr", {"fkprocessnode": node})
    for held in await writer.find_all("cucmsim_privatekey", {"fkprocessnode": node}):
        unit = UNIT_NAMES[whole(held["tkcertificateservice"])]
        await delete_certificate(writer, unit, str(held["fkcertificate"]))
    for held in await writer.find_all(_NODE_MAP, {"fkprocessnode": node}):
        await writer.delete(_NODE_MAP, {"pkid": held["pkid"]})
        await _delete_if_unused(writer, str(held["fkcertificate"]))
