"""Certificates as a replica reads them: with their maps, own ones with their opened keys."""

import base64
from collections.abc import Collection

from sqlalchemy import select

from cucmsim.pki.sealing import SealingKey
from cucmsim.store.engine import Session, moment, whole
from cucmsim.store.rows import OwnKey, StoredCertificate
from cucmsim.store.schema import TABLES
from cucmsim.store.typetables import UNIT_NAMES

__all__ = ["read_certificates", "read_own_keys"]


async def read_certificates(session: Session) -> tuple[StoredCertificate, ...]:
    """Return every certificate with its maps, in the order of pkid."""
    units = await _read_map(session, "certificateservicecertificatemap", "tkcertificateservice")
    roles = await _read_map(session, "certificatetrustrolemap", "tktrustrole")
    nodes = await _read_nodes(session, "certificateprocessnodemap")
    owners = await _read_nodes(session, "cucmsim_privatekey")
    source, hashes = TABLES["certificate"], TABLES["certificatehashmap"]
    query = (
        select(source, hashes.c.hash)
        .join(hashes, hashes.c.fkcertificate == source.c.pkid)
        .order_by(source.c.pkid)
    )
    return tuple(
        StoredCertificate(
            pkid=(pkid := str(row["pkid"])),
            servername=str(row["servername"]),
            subjectname=str(row["subjectname"]),
            issuername=str(row["issuername"]),
            serialnumber=str(row["serialnumber"]),
            certificate_der=_der(str(row["certificate"])),
            hash=str(row["hash"]),
            ipv4address=str(row["ipv4address"]),
            timetolive=row["timetolive"] if isinstance(row["timetolive"], int) else None,
            units=frozenset(UNIT_NAMES[number] for number in units.get(pkid, ())),
            roles=tuple(sorted(roles.get(pkid, ()))),
            node=next(iter(owners.get(pkid, ())), None),
            nodes=frozenset(nodes.get(pkid, ())),
        )
        for row in await session.mappings(query)
    )


def _der(certificate_pem: str) -> bytes:
    """Return the bytes between the lines of a PEM text of ours."""
    return base64.b64decode("".join(certificate_pem.split("-----")[2].split()))


async def _read_map(session: Session, table: str, column: str) -> dict[str, list[int]]:
    """Return the numbers of a map's column by certificate."""
    source = TABLES[table]
    found: dict[str, list[int]] = {}
    for pkid, number in await session.rows(select(source.c.fkcertificate, source.c[column])):
        found.setdefault(str(pkid), []).append(whole(number))
    return found


async def _read_nodes(session: Session, table: str) -> dict[str, list[str]]:
    """Return the names of the nodes that a table ties to each certificate."""
    source, node = TABLES[table], TABLES["processnode"]
    query = select(source.c.fkcertificate, node.c.name).join(
        node, node.c.pkid == source.c.fkprocessnode
    )
    found: dict[str, list[str]] = {}
    for pkid, name in await session.rows(query):
        found.setdefault(str(pkid), []).append(str(name))
    return found


async def read_own_keys(
    session: Session, sealing: SealingKey, certificates: Collection[StoredCertificate]
) -> tuple[dict[tuple[str, str], StoredCertificate], dict[tuple[str, str], OwnKey]]:
    """Return own certificates and their opened keys, both by node name and unit.

    Raises:
        VerificationError: a key does not open.

    """
    by_pkid = {held.pkid: held for held in certificates}
    source, node = TABLES["cucmsim_privatekey"], TABLES["processnode"]
    columns = (
        source.c.fkcertificate,
        source.c.tkcertificateservice,
        source.c.sealedkey,
        source.c.modified,
    )
    query = select(node.c.name, *columns).join(node, node.c.pkid == source.c.fkprocessnode)
    own: dict[tuple[str, str], StoredCertificate] = {}
    keys: dict[tuple[str, str], OwnKey] = {}
    for name, pkid, number, sealed, modified in await session.rows(query.order_by(node.c.nodeid)):
        place = (str(name), UNIT_NAMES[whole(number)])
        blob = sealed if isinstance(sealed, bytes) else b""
        opened = sealing.open(blob, str(pkid).encode())
        own[place] = by_pkid[str(pkid)]
        keys[place] = OwnKey(
            node=place[0], unit=place[1], private_key_der=opened, modified=moment(modified)
        )
    return own, keys
