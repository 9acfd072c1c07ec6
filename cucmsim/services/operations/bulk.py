"""Bulk certificates: export to an SFTP server, consolidate, import, between clusters.

Every cluster exports one PKCS#12 file for each node and type into the same directory; one of them
consolidates, which makes one file a type of all of them; each then imports that (cucm.md 5.2, seed
002 from line 59). No keys travel. What a type is imported into is the table of cucm.md 5.2. File
names are not published; ours are

    <node>_<type>.p12      exported, <type> one of tomcat, tftp, capf, ITL_Recovery
    <type>.p12             consolidated

The server is a `SftpServer`, so that a test and the command line each bring their own. Exporting
and consolidating write whole files and can be said again; importing is one transaction.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography import x509

from cucmsim.errors import FormatError, RefusedError
from cucmsim.pki.bundles import dump_trust_bundle, load_trust_bundle
from cucmsim.pki.certificates import certificate_der, load_certificate
from cucmsim.pki.profiles import Unit
from cucmsim.services.operations.operator import Operator, Outcome
from cucmsim.services.operations.uploads import put_trusted
from cucmsim.services.sftp import SftpServer
from cucmsim.store.replica import Replica

__all__ = [
    "BULK_TYPES",
    "BulkType",
    "bulk_types",
    "consolidate_certificates",
    "export_certificates",
    "import_certificates",
]


@dataclass(frozen=True, slots=True)
class BulkType:
    """A type of certificates: as commands and files call it, its unit, where it is imported."""

    name: str
    unit: Unit
    imported_into: tuple[str, ...]


BULK_TYPES: Mapping[str, BulkType] = MappingProxyType(
    {
        bulk.name: bulk
        for bulk in (
            BulkType("tomcat", Unit.TOMCAT, ("tomcat-trust",)),
            BulkType("tftp", Unit.CALLMANAGER, ("Phone-SAST-trust", "CallManager-trust")),
            BulkType("capf", Unit.CAPF, ("CallManager-trust",)),
            BulkType("ITL_Recovery", Unit.ITLRECOVERY, ("Phone-SAST-trust", "CallManager-trust")),
        )
    }
)
"""By name. Source: cucm.md 5.2."""


def bulk_types(name: str) -> tuple[BulkType, ...]:
    """Return the types that a command means by "tftp" or "all", in either case.

    Raises:
        RefusedError: there is no such type.

    """
    if name.lower() == "all":
        return tuple(BULK_TYPES.values())
    for bulk in BULK_TYPES.values():
        if bulk.name.lower() == name.lower():
            return (bulk,)
    raise RefusedError(f"{name} is not a type; expected all or one of {', '.join(BULK_TYPES)}")


async def export_certificates(operator: Operator, server: SftpServer, name: str) -> Outcome:
    """Write the cluster's certificates of a type, or of all, to the server.

    Raises:
        RefusedError: the type is none, or the server does not take a file.
        StoreError: the store cannot be used.

    """
    types, replica = bulk_types(name), await operator.newest()
    for bulk in types:
        for node, certificate in _certificates(replica, bulk):
            data = dump_trust_bundle([(node, certificate)])
            await server.write_file(f"{_file_part(node)}_{bulk.name}.p12", data)
    return Outcome(
        tuple(f"Successfully exported {bulk.name} certificate(s) to sftp server." for bulk in types)
    )


def _certificates(replica: Replica, bulk: BulkType) -> Iterable[tuple[str, x509.Certificate]]:
    """Yield node name and certificate; of ITLRecovery and CAPF the publisher's alone."""
    alone = bulk.unit in (Unit.ITLRECOVERY, Unit.CAPF)
    for (node, unit), held in replica.own.items():
        if unit == bulk.unit and (not alone or replica.node(node).is_publisher):
            yield node, load_certificate(held.certificate_der)


def _file_part(node: str) -> str:
    return re.sub(r"[^\w.-]", "_", node)


async def consolidate_certificates(server: SftpServer, name: str) -> Outcome:
    """Make one file of all that clusters exported of a type, or of each.

    Raises:
        RefusedError: nothing was exported, or a file is none of those.

    """
    types, names = bulk_types(name), sorted(await server.list_files())
    made = []
    for bulk in types:
        exported = [one for one in names if one.endswith(f"_{bulk.name}.p12")]
        found = [entry for one in exported for entry in await _read(server, one)]
        if found:
            await server.write_file(f"{bulk.name}.p12", dump_trust_bundle(_distinct(found)))
            made.append(bulk)
    if not made:
        raise RefusedError("There are no exported certificates to consolidate on the sftp server.")
    return Outcome(tuple(f"Successfully consolidated {bulk.name} certificates." for bulk in made))


async def _read(server: SftpServer, name: str) -> tuple[tuple[str, x509.Certificate], ...]:
    try:
        return load_trust_bundle(await server.read_file(name))
    except FormatError as error:
        raise RefusedError(f"{name} is not a PKCS12 file of certificates.") from error


def _distinct(
    entries: Iterable[tuple[str, x509.Certificate]],
) -> list[tuple[str, x509.Certificate]]:
    """Return the entries without those that come again."""
    kept = {certificate_der(certificate): (name, certificate) for name, certificate in entries}
    return list(kept.values())


async def import_certificates(operator: Operator, server: SftpServer, name: str) -> Outcome:
    """Take what was consolidated into the trust stores of every node.

    Raises:
        RefusedError: nothing was consolidated, or a file is none of those; nothing was changed.
        StoreError: the store cannot be used.

    """
    names = await server.list_files()
    types = [bulk for bulk in bulk_types(name) if f"{bulk.name}.p12" in names]
    if not types:
        raise RefusedError("There are no consolidated certificates on the sftp server.")
    found = [(bulk, await _read(server, f"{bulk.name}.p12")) for bulk in types]
    async with operator.store.transaction() as transaction:
        replica = await transaction.replica()
        for bulk, entries in found:
            for _, certificate in entries:
                for trust_store in bulk.imported_into:
                    await put_trusted(transaction, replica, trust_store, certificate)
    await operator.newest()
    return Outcome(tuple(f"Successfully imported {bulk.name} certificates." for bulk in types))
