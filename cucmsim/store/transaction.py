"""What can be written in one transaction. Made by `Store.transaction`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cucmsim.errors import FormatError, StoreError
from cucmsim.pki.sealing import SealingKey
from cucmsim.store import (
    alarms,
    certificates,
    devices,
    drsrows,
    nodes,
    parameters,
    platform,
    profiles,
    requests,
    tables,
    wholestore,
)
from cucmsim.store.alarms import StoredAlarm
from cucmsim.store.certificates import NodePlace, OwnEntry
from cucmsim.store.changelog import Writer
from cucmsim.store.drsrows import Tables
from cucmsim.store.loading import ReplicaLoader
from cucmsim.store.replica import Replica
from cucmsim.store.requests import PendingRequest
from cucmsim.store.resealing import resealed
from cucmsim.store.rows import (
    ROLES_OF_STORE,
    CallManagerGroup,
    Device,
    DevicePool,
    PhoneSecurityProfile,
    ProcessNode,
    TftpFile,
)
from cucmsim.store.schema import ENTERPRISE_PKID
from cucmsim.store.secret import SECRET_TABLE, change_secret, first_key_of_secret
from cucmsim.store.tables import RowChange
from cucmsim.store.wholestore import WholeStore

__all__ = ["Transaction"]


class Transaction:
    """One change of the store: all of it, or nothing when the block raises.

    Every method raises StoreError when the database fails or when something named is not there.
    A row that would not change is not touched; a transaction that touches none makes no version.
    """

    def __init__(self, writer: Writer, sealing: SealingKey, loader: ReplicaLoader) -> None:
        self._writer = writer
        self._sealing = sealing
        self._loader = loader

    async def replica(self) -> Replica:
        """Return everything as this transaction sees it, to decide by."""
        return await self._loader.load(self._writer.session)

    # nodes, groups, pools

    async def put_node(self, node: ProcessNode) -> str:
        """Insert or change a node, found by its pkid or else its name; return its pkid."""
        return await nodes.put_node(self._writer, node)

    async def delete_node(self, name: str) -> bool:
        """Delete a node with its certificates, files and parameters; tell if it was there."""
        held = await self._writer.find("processnode", {"name": name, "systemnode": "f"})
        if held is not None:
            await certificates.delete_node_certificates(self._writer, str(held["pkid"]))
            await platform.forget_platform(self._writer.session, str(held["pkid"]))
            await alarms.forget_alarms(self._writer.session, str(held["pkid"]))
        return await nodes.delete_node(self._writer, name)

    async def put_group(self, group: CallManagerGroup) -> str:
        """Insert or change a CallManager group by name; its members must exist."""
        return await nodes.put_group(self._writer, group)

    async def delete_group(self, name: str) -> bool:
        """Delete a CallManager group that no pool uses; tell if it was there."""
        return await nodes.delete_group(self._writer, name)

    async def put_device_pool(self, pool: DevicePool) -> str:
        """Insert or change a device pool by name; its group must exist."""
        return await nodes.put_device_pool(self._writer, pool)

    async def delete_device_pool(self, name: str) -> bool:
        """Delete a device pool that no phone uses; tell if it was there."""
        return await nodes.delete_device_pool(self._writer, name)

    # phones

    async def profiles(self) -> Mapping[str, PhoneSecurityProfile]:
        """Return every security profile as this transaction sees it, by name."""
        return await profiles.read_profiles(self._writer.session)

    async def put_profile(self, profile: PhoneSecurityProfile) -> None:
        """Insert or change a security profile by name, for all its phones."""
        await profiles.put_profile(self._writer, profile)

    async def delete_profile(self, name: str) -> bool:
        """Delete a security profile that no phone uses; tell if it was there."""
        return await profiles.delete_profile(self._writer, name)

    async def get_device(self, name: str) -> Device | None:
        """Return a phone as this transaction sees it, to change and put back."""
        return (await devices.read_devices(self._writer.session, names=[name])).get(name)

    async def get_devices(self, names: Collection[str]) -> Mapping[str, Device]:
        """Return those of these phones that are there, by name, to change and put back."""
        return await devices.read_devices(self._writer.session, names=names)

    async def put_device(self, device: Device) -> bool:
        """Insert or change a phone by name; tell if that changed anything."""
        return await devices.put_devices(self._writer, [device]) > 0

    async def put_devices(self, many: Iterable[Device]) -> int:
        """Insert or change phones by name, 40,000 in seconds; return how many changed."""
        return await devices.put_devices(self._writer, many)

    async def delete_device(self, name: str) -> bool:
        """Delete a phone; tell if it was there."""
        return await devices.delete_devices(self._writer, [name]) > 0

    async def delete_devices(self, names: Iterable[str]) -> int:
        """Delete phones, 40,000 in seconds; return how many were there."""
        return await devices.delete_devices(self._writer, names)

    async def put_alarms(self, node: str, many: Sequence[StoredAlarm]) -> None:
        """Keep these alarms of the phones that sent them to a node; makes no version.

        Whatever else the node kept of these phones goes, and what it kept of phones that are gone.
        """
        pkid = await nodes.node_pkid(self._writer, node)
        await alarms.forget_strangers(self._writer.session)
        await alarms.put_alarms(self._writer.session, pkid, many)

    # parameters and files

    async def set_enterprise_parameter(self, name: str, value: str) -> None:
        """Set an enterprise parameter ("ClusterSecurityMode")."""
        await parameters.put_parameter(self._writer, name, value)

    async def delete_enterprise_parameter(self, name: str) -> bool:
        """Put an enterprise parameter back to its default; tell if it was set."""
        return await parameters.delete_parameter(self._writer, name)

    async def set_service_parameter(
        self, service: str, name: str, value: str, node: str = ""
    ) -> None:
        """Set a parameter of a service, for one node or (empty) the whole cluster."""
        owner = await self._owner(node)
        await parameters.put_parameter(self._writer, name, value, service=service, node=owner)

    async def delete_service_parameter(self, service: str, name: str, node: str = "") -> bool:
        """Put a service parameter back to its default; tell if it was set."""
        owner = await self._owner(node)
        return await parameters.delete_parameter(self._writer, name, service=service, node=owner)

    async def _owner(self, node: str) -> str:
        return await nodes.node_pkid(self._writer, node) if node else ENTERPRISE_PKID

    async def put_tftp_file(self, file: TftpFile) -> str:
        """Insert or replace a static file."""
        node = None if file.node is None else await nodes.node_pkid(self._writer, file.node)
        return await parameters.put_tftp_file(self._writer, file, node)

    async def delete_tftp_file(self, name: str, node: str | None = None) -> bool:
        """Remove a static file; tell if it was there."""
        pkid = None if node is None else await nodes.node_pkid(self._writer, node)
        return await parameters.delete_tftp_file(self._writer, name, pkid)

    async def platform(self, node: str) -> Mapping[str, str]:
        """Return what the platform of a node keeps, by name."""
        pkid = await nodes.node_pkid(self._writer, node)
        return await platform.read_platform(self._writer.session, pkid)

    async def put_platform_value(self, node: str, name: str, value: str | None) -> None:
        """Keep a value of a node's platform, None: forget it; makes no version."""
        pkid = await nodes.node_pkid(self._writer, node)
        await platform.put_platform_value(self._writer.session, pkid, name, value)

    async def secret(self, name: str) -> bytes | None:
        """Return a secret of the cluster; None when there is none of that name."""
        return await platform.read_secret(self._writer.session, name, self._sealing)

    async def put_secret(self, name: str, secret: bytes) -> None:
        """Keep a secret of the cluster, sealed, in place of the one before; makes no version."""
        await platform.put_secret(self._writer.session, name, secret, self._sealing)

    async def applied(self) -> Mapping[str, Mapping[str, str]]:
        """Return what a configuration said last of each thing, by kind and name."""
        return await parameters.applied(self._writer.session)

    async def remember_applied(self, kind: str, said: Mapping[str, str]) -> None:
        """Remember what a configuration says of these things; makes no version."""
        await parameters.remember_applied(self._writer.session, kind, said)

    async def forget_applied(self, kind: str, names: Collection[str]) -> None:
        """Forget what a configuration said of these things; makes no version."""
        await parameters.forget_applied(self._writer.session, kind, names)

    # whole tables, for `run sql`

    async def read_tables(self, names: Collection[str]) -> Mapping[str, Sequence[Sequence[object]]]:
        """Return whole tables of CUCM as this transaction sees them."""
        return await tables.read_tables(self._writer.session, names)

    async def change_rows(self, table: str, changes: Sequence[RowChange]) -> None:
        """Carry out what a statement did to rows; refuse what no replica could be read from."""
        await tables.change_rows(self._writer, table, changes)
        try:
            await self.replica()
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(tables.unreadable(table, changes)) from error

    async def dump_database(self) -> Tables:
        """Return the rows that a backup holds (`drsrows.py`)."""
        return await drsrows.dump_database(self._writer.session)

    async def replace_database(self, rows: Tables) -> None:
        """Put the rows of a backup in the place of all; no node has keys, requests, files then."""
        await drsrows.replace_database(self._writer, rows)

    async def replace_everything(self, whole: WholeStore, passwords: Sequence[str]) -> None:
        """Put a whole store, sealed under one of these passwords, in the place of this one.

        The password of this store stays. Raises VerificationError when none of them is right.
        """
        (secret,) = whole.tables[SECRET_TABLE]
        key = await first_key_of_secret(secret, passwords)
        tables = resealed(whole.tables, key, self._sealing)
        await wholestore.replace_everything(self._writer, replace(whole, tables=tables))

    async def change_password(self, password: str) -> None:
        """Have another security password open the store from the next start of processes on."""
        await change_secret(self._writer, self._sealing, password)

    # certificates

    async def put_own_certificate(
        self,
        node: str,
        unit: str,
        certificate_der: bytes,
        private_key_der: bytes,
        roles: Sequence[int] | None = None,
    ) -> str:
        """Give a node its certificate of a unit; a new one takes the old one's row and pkid.

        `private_key_der` is PKCS#8; `roles` None gives those of the unit (`ROLES_OF_STORE`).
        """
        given = tuple(ROLES_OF_STORE.get(unit, ()) if roles is None else roles)
        own = OwnEntry(unit, certificate_der, private_key_der, given)
        place = await self._place(node)
        try:
            return await certificates.put_own_certificate(self._writer, place, own, self._sealing)
        except FormatError as error:
            raise StoreError(f"{unit} certificate of {node!r}: {error}") from error

    async def put_file_certificate(
        self, node: str, unit: str, certificate_der: bytes, private_key_der: bytes
    ) -> str:
        """Give a node that has no key of a unit a pair that the database does not show as such."""
        own = OwnEntry(unit, certificate_der, private_key_der, ())
        place = await self._place(node)
        return await certificates.put_file_certificate(self._writer, place, own, self._sealing)

    async def own_modified(self, node: str, unit: str) -> datetime | None:
        """Return when a node's certificate of a unit took the place of another; None: never."""
        pkid = await nodes.node_pkid(self._writer, node)
        return await certificates.own_modified(self._writer, pkid, unit)

    async def put_trust_certificate(
        self,
        store_unit: str,
        certificate_der: bytes,
        node: str | None = None,
        roles: Sequence[int] | None = None,
    ) -> str:
        """Put a certificate into a trust store ("CAPF-trust"); return its pkid.

        `node` is where it came from; `roles` None gives those of the store.
        """
        place = None if node is None else await self._place(node)
        try:
            return await certificates.put_trust_certificate(
                self._writer, store_unit, certificate_der, place, roles
            )
        except FormatError as error:
            raise StoreError(f"certificate for {store_unit}: {error}") from error

    async def delete_certificate(self, unit: str, pkid: str, node: str | None = None) -> bool:
        """Take a certificate out of a unit or trust store; tell if it was in it.

        With `node` only this node's map goes too, and the row stays while other nodes have it.
        """
        place = None if node is None else await self._place(node)
        return await certificates.delete_certificate(self._writer, unit, pkid, place)

    async def put_request(self, node: str, unit: str, pending: PendingRequest) -> None:
        """Keep a node's signing request of a unit, with its key, in place of the one before."""
        pkid = await nodes.node_pkid(self._writer, node)
        await requests.put_request(self._writer, pkid, unit, pending, self._sealing)

    async def get_request(self, node: str, unit: str) -> PendingRequest | None:
        """Return a node's signing request of a unit; None when there is none."""
        pkid = await nodes.node_pkid(self._writer, node)
        return await requests.get_request(self._writer, pkid, unit, self._sealing)

    async def delete_request(self, node: str, unit: str) -> bool:
        """Forget a node's signing request of a unit; tell whether there was one."""
        pkid = await nodes.node_pkid(self._writer, node)
        return await requests.delete_request(self._writer, pkid, unit)

    async def list_requests(self, node: str) -> tuple[str, ...]:
        """Return the units of which a node has a signing request, by name."""
        return await requests.list_requests(self._writer, await nodes.node_pkid(self._writer, node))

    async def _place(self, node: str) -> NodePlace:
        pkid = await nodes.node_pkid(self._writer, node)
        place = await self._writer.find("cucmsim_node", {"fkprocessnode": pkid})
        return NodePlace(pkid, node, str(place["address"]) if place else "")
