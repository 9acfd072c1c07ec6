"""Applies a configuration to the store: what it adds or changes, field by field.

For each thing that a configuration describes the store remembers what it said last
(`cucmsim_applied`). Only a field that now says something else is written, so what was changed
while the cluster ran survives a restart, and an edit of the file takes effect. What only the store
has stays, unless it is to be pruned. A thing that was removed while the cluster ran stays removed
until its description changes.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum, StrEnum

from cucmsim.formats.trustlist import CTL_FILENAME
from cucmsim.store.replica import Replica
from cucmsim.store.rows import CallManagerGroup, Device, DevicePool, ProcessNode, TftpFile
from cucmsim.store.store import Store, Transaction

__all__ = ["Applied", "Description", "Kind", "apply_description", "prune"]

_BOOKKEEPING = frozenset({"pkid", "nodeid", "versionstamp", "date_time_group_pkid"})
"""Fields that the store fills in; no description speaks of them."""

_SHOWN = 20
"""How many names of one kind a line of the log shows."""

Row = ProcessNode | CallManagerGroup | DevicePool | Device | TftpFile


class Kind(StrEnum):
    """What a description speaks of, in the order in which it is applied."""

    NODE = "node"
    GROUP = "CallManager group"
    POOL = "device pool"
    PHONE = "phone"
    ENTERPRISE = "enterprise parameter"
    SERVICE = "service parameter"
    FILE = "TFTP file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a configuration describes, as the store's own rows.

    `service_parameters` are keyed (node or "", service, name).
    """

    nodes: tuple[ProcessNode, ...]
    groups: tuple[CallManagerGroup, ...]
    device_pools: tuple[DevicePool, ...]
    devices: tuple[Device, ...]
    enterprise: Mapping[str, str]
    service_parameters: Mapping[tuple[str, str, str], str]
    tftp_files: tuple[TftpFile, ...]


@dataclass(slots=True)
class Applied:
    """What applying did: names by kind."""

    added: dict[Kind, list[str]] = field(default_factory=dict)
    changed: dict[Kind, list[str]] = field(default_factory=dict)
    only_in_store: dict[Kind, list[str]] = field(default_factory=dict)
    removed_before: dict[Kind, list[str]] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Format as lines for the log."""
        verbs = (
            ("added", self.added),
            ("changed", self.changed),
            ("only in the store, kept", self.only_in_store),
            ("in the file, but removed while the cluster ran", self.removed_before),
        )
        for verb, kinds in verbs:
            for kind, names in kinds.items():
                shown = ", ".join(names[:_SHOWN])
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                yield f"{verb}: {len(names)} {kind.value}{'s'[: len(names) != 1]}: {shown}{more}"


@dataclass(frozen=True, slots=True)
class _Item:
    """One described thing: its fields as the file has them, and as the store has them."""

    kind: Kind
    name: str
    wanted: Row | str
    held: Row | str | None

    @property
    def said(self) -> str:
        """What the file says, as JSON to remember."""
        return json.dumps(_fields_of(self.wanted), sort_keys=True)


async def apply_description(store: Store, description: Description) -> Applied:
    """Write what `description` adds or changes, in one transaction; tell what that was."""
    replica = await store.load_replica()
    applied = Applied()
    async with store.transaction() as transaction:
        remembered = await transaction.applied()
        for kind in Kind:
            items = list(_items(kind, description, replica))
            await _apply_kind(transaction, items, remembered.get(kind.value, {}), applied)
            _note_strangers(kind, items, replica, applied)
    return applied


async def _apply_kind(
    transaction: Transaction, items: list[_Item], remembered: Mapping[str, str], applied: Applied
) -> None:
    """Write the items of one kind that differ from what was remembered."""
    rows: list[tuple[_Item, Row | str]] = []
    for item in items:
        row = _row_to_write(item, remembered.get(item.name), applied)
        if row is not None:
            rows.append((item, row))
    await _write(transaction, rows)
    said = {i.name: i.said for i in items if remembered.get(i.name) != i.said}
    if items:
        await transaction.remember_applied(items[0].kind.value, said)


def _row_to_write(item: _Item, before: str | None, applied: Applied) -> Row | str | None:
    """Return the row that brings the store to what the file says; None when nothing is to do."""
    if item.held is None:
        if before == item.said:
            applied.removed_before.setdefault(item.kind, []).append(item.name)
            return None
        applied.added.setdefault(item.kind, []).append(item.name)
        return item.wanted
    if before == item.said:
        return None
    last = json.loads(before) if before else {}
    says, has = _fields_of(item.wanted), _fields_of(item.held)
    changes = {n for n, v in says.items() if last.get(n, ...) != v and has.get(n) != v}
    if not changes:
        return None
    applied.changed.setdefault(item.kind, []).append(f"{item.name} ({', '.join(sorted(changes))})")
    if isinstance(item.wanted, str) or isinstance(item.held, str):
        return item.wanted
    return replace(item.held, **{name: getattr(item.wanted, name) for name in changes})


async def _write(transaction: Transaction, rows: list[tuple[_Item, Row | str]]) -> None:
    """Write rows of one kind."""
    devices = [row for _, row in rows if isinstance(row, Device)]
    if devices:
        await transaction.put_devices(devices)
    for item, row in rows:
        match row:
            case ProcessNode():
                await transaction.put_node(row)
            case CallManagerGroup():
                await transaction.put_group(row)
            case DevicePool():
                await transaction.put_device_pool(row)
            case TftpFile():
                await transaction.put_tftp_file(row)
            case str() if item.kind is Kind.ENTERPRISE:
                await transaction.set_enterprise_parameter(item.name, row)
            case str():
                node, service, name = item.name.split("/", 2)
                await transaction.set_service_parameter(service, name, row, node)


def _items(kind: Kind, description: Description, replica: Replica) -> Iterator[_Item]:
    """Pair each described thing of `kind` with what the store has of it."""
    wanted, held = _described(kind, description), _held(kind, replica)
    for name, value in wanted.items():
        yield _Item(kind, name, value, held.get(name))


def _described(kind: Kind, description: Description) -> Mapping[str, Row | str]:
    match kind:
        case Kind.NODE:
            return {row.name: row for row in description.nodes}
        case Kind.GROUP:
            return {row.name: row for row in description.groups}
        case Kind.POOL:
            return {row.name: row for row in description.device_pools}
        case Kind.PHONE:
            return {row.name: row for row in description.devices}
        case Kind.ENTERPRISE:
            return description.enterprise
        case Kind.SERVICE:
            return {"/".join(key): value for key, value in description.service_parameters.items()}
        case Kind.FILE:
            return {f"{row.node or ''}/{row.name}": row for row in description.tftp_files}


def _held(kind: Kind, replica: Replica) -> Mapping[str, Row | str]:
    match kind:
        case Kind.NODE:
            return replica.nodes
        case Kind.GROUP:
            return replica.groups
        case Kind.POOL:
            return replica.device_pools
        case Kind.PHONE:
            return replica.devices
        case Kind.ENTERPRISE:
            return replica.enterprise
        case Kind.SERVICE:
            return {"/".join(key): value for key, value in replica.service_parameters.items()}
        case Kind.FILE:
            return {f"{n or ''}/{name}": row for (n, name), row in replica.tftp_files.items()}


def _note_strangers(kind: Kind, items: list[_Item], replica: Replica, applied: Applied) -> None:
    """Note what only the store has."""
    strangers = _strangers(kind, {item.name for item in items}, replica)
    if strangers:
        applied.only_in_store[kind] = strangers


def _strangers(kind: Kind, described: set[str], replica: Replica) -> list[str]:
    """Return what of `kind` only the store has.

    Parameters are left out, the store knows their defaults; and so is the CTL, which the cluster
    makes itself.
    """
    if kind in (Kind.ENTERPRISE, Kind.SERVICE):
        return []
    return [
        name
        for name in _held(kind, replica)
        if name not in described and not name.endswith(f"/{CTL_FILENAME}")
    ]


async def prune(store: Store, description: Description) -> list[str]:
    """Remove what only the store has, in one transaction; return a line for each kind."""
    replica = await store.load_replica()
    lines = []
    async with store.transaction() as transaction:
        for kind in reversed(Kind):
            names = _strangers(kind, set(_described(kind, description)), replica)
            for name in names:
                await _remove(transaction, kind, name)
            if names:
                plural = "s"[: len(names) != 1]
                lines.append(f"removed: {len(names)} {kind.value}{plural}: {', '.join(names)}")
    return lines


async def _remove(transaction: Transaction, kind: Kind, name: str) -> None:
    match kind:
        case Kind.NODE:
            await transaction.delete_node(name)
        case Kind.GROUP:
            await transaction.delete_group(name)
        case Kind.POOL:
            await transaction.delete_device_pool(name)
        case Kind.PHONE:
            await transaction.delete_device(name)
        case Kind.FILE:
            node, _, file = name.partition("/")
            await transaction.delete_tftp_file(file, node or None)


def _fields_of(row: Row | str) -> dict[str, object]:
    """Return the fields that a description speaks of, as JSON knows them."""
    if isinstance(row, str):
        return {"value": row}
    values = asdict(row)
    return {
        entry.name: _plain(values[entry.name])
        for entry in fields(row)
        if entry.name not in _BOOKKEEPING
    }


def _plain(value: object) -> object:
    """Return `value` as JSON gives it back."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value.value if isinstance(value, Enum) else value
    return str(value)
