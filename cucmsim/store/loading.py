"""Making a replica, and the next one from it.

The first reads everything. An update reads the changelog since the replica's version: phones and
static files row by row, the small tables whole and only where one of theirs was touched. What came
out equal stays the same object, so that `is` tells what changed.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from cucmsim.errors import StoreError, VerificationError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store.certificatereads import read_certificates, read_own_keys
from cucmsim.store.changelog import changed_since, read_version
from cucmsim.store.devices import read_devices
from cucmsim.store.engine import Session
from cucmsim.store.nodes import read_device_pools, read_groups, read_nodes
from cucmsim.store.parameters import read_parameters, read_tftp_files
from cucmsim.store.profiles import read_profiles
from cucmsim.store.replica import Replica, SignerCache

__all__ = ["ReplicaLoader"]

_NODE_TABLES = frozenset({"processnode", "processnodeservice", "cucmsim_node"})
_GROUP_TABLES = frozenset(
    {"processnode", "callmanager", "callmanagergroup", "callmanagergroupmember"}
)
_POOL_TABLES = frozenset({"devicepool", "datetimesetting", "callmanagergroup"})
_PROFILE_TABLES = frozenset({"securityprofile"})
_PARAMETER_TABLES = frozenset({"processnode", "processconfig"})
_CERTIFICATE_TABLES = frozenset(
    {
        "processnode",
        "certificate",
        "certificateservicecertificatemap",
        "certificatetrustrolemap",
        "certificateprocessnodemap",
        "certificatehashmap",
        "cucmsim_privatekey",
    }
)


@dataclass(frozen=True, slots=True)
class ReplicaLoader:
    """Reads replicas; keeps the key that opens private keys, and the opened signers."""

    sealing: SealingKey
    signers: SignerCache

    async def load(self, session: Session) -> Replica:
        """Read everything the session sees."""
        empty = Replica(version=await read_version(session), signers=self.signers)
        replica = await self._with_small_tables(session, empty, None)
        return replace(
            replica,
            devices=await read_devices(session),
            tftp_files=await read_tftp_files(session),
        )

    async def update(self, session: Session, old: Replica) -> Replica:
        """Read what changed since `old`; `old` itself when nothing did."""
        version = await read_version(session)
        if version == old.version:
            return old
        changed = await changed_since(session, old.version) if version > old.version else None
        if changed is None:
            return await self.load(session)
        replica = replace(old, version=version)
        replica = await self._with_small_tables(session, replica, changed.keys())
        replica = await _with_devices(session, replica, changed.get("device", set()))
        files = changed.get("cucmsim_tftpfile", set())
        if "processnode" in changed:
            return replace(replica, tftp_files=await read_tftp_files(session))
        return await _with_files(session, replica, files)

    async def _with_small_tables(
        self, session: Session, replica: Replica, touched: AbstractSet[str] | None
    ) -> Replica:
        """Read the small tables of which one was touched (None: all)."""

        def is_stale(tables: AbstractSet[str]) -> bool:
            return touched is None or not tables.isdisjoint(touched)

        if is_stale(_NODE_TABLES):
            replica = replace(replica, nodes=await read_nodes(session))
        if is_stale(_GROUP_TABLES):
            replica = replace(replica, groups=await read_groups(session))
        if is_stale(_POOL_TABLES):
            replica = replace(replica, device_pools=await read_device_pools(session))
        if is_stale(_PROFILE_TABLES):
            replica = replace(replica, profiles=await read_profiles(session))
        if is_stale(_PARAMETER_TABLES):
            enterprise, service = await read_parameters(session)
            replica = replace(replica, enterprise=enterprise, service_parameters=service)
        if is_stale(_CERTIFICATE_TABLES):
            replica = await self._with_certificates(session, replica)
        return replica

    async def _with_certificates(self, session: Session, replica: Replica) -> Replica:
        certificates = await read_certificates(session)
        try:
            own, keys = await read_own_keys(session, self.sealing, certificates)
        except VerificationError as error:
            raise StoreError(f"{session.database.shown}: {error}") from error
        if certificates == replica.certificates and keys == replica.own_keys:
            return replica
        return replace(replica, certificates=certificates, own=own, own_keys=keys)


async def _with_devices(session: Session, replica: Replica, changed: set[str]) -> Replica:
    """Read the phones of these pkids; those that are not found are gone."""
    if not changed:
        return replica
    if len(changed) > len(replica.devices) // 2:
        return replace(replica, devices=await read_devices(session))
    found = await read_devices(session, pkids=changed)
    gone = changed - {device.pkid for device in found.values()}
    kept = {
        name: device
        for name, device in replica.devices.items()
        if not gone or device.pkid not in gone
    }
    return replace(replica, devices=kept | found)


async def _with_files(session: Session, replica: Replica, changed: set[str]) -> Replica:
    """Read the static files of these pkids; those that are not found are gone."""
    if not changed:
        return replica
    found = await read_tftp_files(session, changed)
    kept = {key: file for key, file in replica.tftp_files.items() if file.pkid not in changed}
    return replace(replica, tftp_files=kept | found)
