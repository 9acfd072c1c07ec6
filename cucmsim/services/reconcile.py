"""Applies a configuration to the store: what it adds or changes, field by field.

For each thing that a configuration describes the store remembers what it said last
(`cucmsim_applied`). Only a field that now says something else is written, so what was changed
while the cluster ran survives a restart, and an edit of the file takes effect. What only the store
has stays, unless it is pruned. A thing that was removed while the cluster ran stays removed until
its description changes, or has been taken out of the file and is put in again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cucmsim.formats.trustlist import CTL_FILENAME, ITL_FILENAME
from cucmsim.services.operations.clockmove import OWN_SERVICE
from cucmsim.services.operations.profiles import is_standard, under_profile
from cucmsim.services.sayings import Row, changes, said
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    CallManagerGroup,
    Device,
    DevicePool,
    PhoneSecurityProfile,
    ProcessNode,
    TftpFile,
)
from cucmsim.store.store import Store, Transaction

__all__ = [
    "Applied",
    "Description",
    "Kind",
    "Names",
    "apply_description",
    "format_names",
    "prune",
    "strangers_to",
]

_FOLLOWS = {"pending_operation": "certificate_status", "model": "ctiid"}
"""Fields that are written with another one."""

_TRUST_LISTS = (f"/{CTL_FILENAME}", f"/{ITL_FILENAME}")
_SHOWN = 20
"""How many names of one kind a line of the log shows."""


class Kind(StrEnum):
    """What a description speaks of, in the order in which it is applied."""

    NODE = "node"
    GROUP = "CallManager group"
    POOL = "device pool"
    PROFILE = "security profile"
    PHONE = "phone"
    ENTERPRISE = "enterprise parameter"
    SERVICE = "service parameter"
    FILE = "TFTP file"


Names = dict[Kind, list[str]]
"""Names of things by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a configuration describes, as the store's own rows.

    `service_parameters` are keyed (node or "", service, name).
    """

    nodes: tuple[ProcessNode, ...]
    groups: tuple[CallManagerGroup, ...]
    device_pools: tuple[DevicePool, ...]
    security_profiles: tuple[PhoneSecurityProfile, ...] = ()
    devices: tuple[Device, ...]
    enterprise: Mapping[str, str]
    service_parameters: Mapping[tuple[str, str, str], str]
    tftp_files: tuple[TftpFile, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did. Names of `changed` have the fields behind them, in parentheses."""

    added: Names = field(default_factory=dict)
    changed: Names = field(default_factory=dict)
    removed_before: Names = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Format as lines for the log."""
        yield from format_names("added", self.added)
        yield from format_names("changed", self.changed)
        yield from format_names("in the file, but removed before", self.removed_before)


def format_names(verb: str, names: Names, shown: int | None = _SHOWN) -> Iterator[str]:
    """Format as a line for each kind, with at most `shown` names (None: all)."""
    for kind, found in names.items():
        more = "" if shown is None or len(found) <= shown else f" and {len(found) - shown} more"
        plural = "s"[: len(found) != 1]
        yield f"{verb}: {len(found)} {kind.value}{plural}: {', '.join(found[:shown])}{more}"


@dataclass(frozen=True, slots=True)
class _Item:
    """A described thing: as the file has it (`said`: what is remembered), and as the store has."""

    kind: Kind
    name: str
    wanted: Row | str
    held: Row | str | None
    said: str


async def apply_description(store: Store, description: Description, replica: Replica) -> Applied:
    """Write what `description` adds or changes, in one transaction; tell what that was.

    `replica` is the newest. Raises StoreError, with nothing changed.
    """
    applied = Applied()
    async with store.transaction() as transaction:
        remembered = await transaction.applied()
        for kind in Kind:
            items = list(_items(kind, description, replica))
            before = remembered.get(kind.value, {})
            rows = [
                (item, row)
                for item in items
                if (row := _row_to_write(item, before.get(item.name), applied)) is not None
            ]
            await _write(transaction, rows, description)
            await _remember(transaction, kind, items, before)
    return applied


async def _remember(
    transaction: Transaction, kind: Kind, items: list[_Item], before: Mapping[str, str]
) -> None:
    """Remember what the file says now, and forget what it no longer speaks of."""
    now = {item.name: item.said for item in items}
    news = {name: text for name, text in now.items() if before.get(name) != text}
    await transaction.remember_applied(kind.value, news)
    await transaction.forget_applied(kind.value, before.keys() - now.keys())


def _row_to_write(item: _Item, before: str | None, applied: Applied) -> Row | str | None:
    """Return the row that brings the store to what the file says; None when nothing is to do."""
    if item.held is None:
        outcome = applied.removed_before if before == item.said else applied.added
        outcome.setdefault(item.kind, []).append(item.name)
        return None if before == item.said else item.wanted
    if before == item.said:
        return None
    if isinstance(item.wanted, str) or isinstance(item.held, str):
        if item.wanted == item.held:
            return None
        applied.changed.setdefault(item.kind, []).append(item.name)
        return item.wanted
    differing = changes(item.wanted, item.held, item.said, before)
    if not differing:
        return None
    applied.changed.setdefault(item.kind, []).append(f"{item.name} ({', '.join(differing)})")
    written = {*differing, *(_FOLLOWS[name] for name in differing if name in _FOLLOWS)}
    return replace(item.held, **{name: getattr(item.wanted, name) for name in written})


async def _write(
    transaction: Transaction, rows: list[tuple[_Item, Row | str]], description: Description
) -> None:
    """Write rows of one kind."""
    devices = [row for _, row in rows if isinstance(row, Device)]
    if devices:
        profiles = await _profiles_of(transaction, devices, description)
        await transaction.put_devices(
            [under_profile(row, profiles.get(row.security_profile)) for row in devices]
        )
    for item, row in rows:
        match row:
            case ProcessNode():
                await transaction.put_node(row)
            case CallManagerGroup():
                await transaction.put_group(row)
            case DevicePool():
                await transaction.put_device_pool(row)
            case PhoneSecurityProfile():
                await transaction.put_profile(row)
            case TftpFile():
                await transaction.put_tftp_file(row)
            case str() if item.kind is Kind.ENTERPRISE:
                await transaction.set_enterprise_parameter(item.name, row)
            case str():
                node, service, name = item.name.split("/", 2)
                await transaction.set_service_parameter(service, name, row, node)


async def _profiles_of(
    transaction: Transaction, devices: list[Device], description: Description
) -> Mapping[str, PhoneSecurityProfile]:
    """Return the profiles there are; a removed one that a phone now needs is there again."""
    held = await transaction.profiles()
    named = {device.security_profile for device in devices}
    back = {
        row.name: row
        for row in description.security_profiles
        if row.name in named and row.name not in held
    }
    for row in back.values():
        await transaction.put_profile(row)
    return {**held, **back}


def _items(kind: Kind, description: Description, replica: Replica) -> Iterator[_Item]:
    """Pair each described thing of `kind` with what the store has of it."""
    held = _held(kind, replica)
    for name, value in _described(kind, description).items():
        yield _Item(kind, name, value, held.get(name), said(value))


def _described(kind: Kind, description: Description) -> Mapping[str, Row | str]:
    match kind:
        case Kind.NODE:
            return {row.name: row for row in description.nodes}
        case Kind.GROUP:
            return {row.name: row for row in description.groups}
        case Kind.POOL:
            return {row.name: row for row in description.device_pools}
        case Kind.PROFILE:
            return {row.name: row for row in description.security_profiles}
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
        case Kind.PROFILE:
            return replica.profiles
        case Kind.PHONE:
            return replica.devices
        case Kind.ENTERPRISE:
            return replica.enterprise
        case Kind.SERVICE:
            return {"/".join(key): value for key, value in replica.service_parameters.items()}
        case Kind.FILE:
            return {f"{n or ''}/{name}": row for (n, name), row in replica.tftp_files.items()}


def strangers_to(description: Description, replica: Replica) -> Names:
    """Return what only the store has, but for what the cluster puts there itself."""
    found = {
        kind: [
            name
            for name in _held(kind, replica).keys() - _described(kind, description).keys()
            if not _is_made_here(kind, name)
        ]
        for kind in Kind
    }
    named = {device.security_profile for device in description.devices}
    found[Kind.PROFILE] = [name for name in found[Kind.PROFILE] if name not in named]
    return {kind: sorted(names) for kind, names in found.items() if names}


def _is_made_here(kind: Kind, name: str) -> bool:
    """Whether it is a trust list, a standard profile, or our own, such as the clock's advance."""
    if kind is Kind.PROFILE:
        return is_standard(name)
    if kind is Kind.SERVICE:
        return f"/{OWN_SERVICE}/" in name
    return kind is Kind.FILE and name.endswith(_TRUST_LISTS)


async def prune(store: Store, strangers: Names) -> None:
    """Remove `strangers` in one transaction; a parameter goes back to its default.

    Raises StoreError, with nothing removed, when something that stays needs one of them.
    """
    async with store.transaction() as transaction:
        await transaction.delete_devices(strangers.get(Kind.PHONE, ()))
        for kind in reversed(Kind):
            for name in strangers.get(kind, ()):
                await _remove(transaction, kind, name)


async def _remove(transaction: Transaction, kind: Kind, name: str) -> None:
    match kind:
        case Kind.NODE:
            await transaction.delete_node(name)
        case Kind.GROUP:
            await transaction.delete_group(name)
        case Kind.POOL:
            await transaction.delete_device_pool(name)
        case Kind.PROFILE:
            await transaction.delete_profile(name)
        case Kind.ENTERPRISE:
            await transaction.delete_enterprise_parameter(name)
        case Kind.SERVICE:
            node, service, parameter = name.split("/", 2)
            await transaction.delete_service_parameter(service, parameter, node)
        case Kind.FILE:
            node, _, file = name.partition("/")
            await transaction.delete_tftp_file(file, node or None)
