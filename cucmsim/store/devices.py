"""Phones: 40,000 of them written in seconds, and read as plain rows into shared values.

A phone is a row of device, one of devicenumplanmap a line (numplan holds the number), and one of
ours where CAPF has counted wrong strings or knows a certificate. Writing compares with what is
there: a phone that is the same is not touched, one that changed gets a fresh versionstamp. Security
mode, transport and encryption stand in securityprofile; a profile row is found by its name together
with these values, and made when there is none.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Column, bindparam, delete, select, update

from cucmsim.errors import StoreError
from cucmsim.store.changelog import Writer, versionstamp
from cucmsim.store.devicerows import (
    DEVICE_COLUMNS,
    EXTRA_COLUMNS,
    PROTOCOL_NUMBERS,
    Names,
    Profile,
    completed,
    device_from_row,
    device_row,
    extra_row,
    model_name,
    product_name,
)
from cucmsim.store.engine import Session, Values, whole
from cucmsim.store.rows import Device, Line
from cucmsim.store.schema import TABLES
from cucmsim.store.typetables import moniker_of

__all__ = ["delete_devices", "put_devices", "read_devices"]

_CHUNK = 5000
"""How many values go into one IN list; both drivers allow some 32,000."""
_BREATH = 1000
"""After how many phones read the loop gets a turn."""
_FIRST_UNKNOWN_MODEL = 1_000_000
_CAPF_COLUMNS = ("tkauthenticationmode", "tkkeyorder", "keysize", "ecpublickeycurve")
_PROTOCOLS = {number: name for name, number in PROTOCOL_NUMBERS.items()}


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]


async def put_devices(writer: Writer, devices: Iterable[Device]) -> int:
    """Insert or change phones by name; return how many were new or different.

    Raises:
        StoreError: a device pool is unknown.

    """
    wanted = {device.name: device for device in devices}
    held = await read_devices(writer.session, names=wanted)
    fresh = [_new(writer, device) for name, device in wanted.items() if name not in held]
    changed = [
        stamped
        for name, old in held.items()
        if (stamped := _changed(writer, wanted[name], old)) is not None
    ]
    await _write(writer, fresh, changed, held)
    return len(fresh) + len(changed)


def _new(writer: Writer, device: Device) -> Device:
    stamp = device.versionstamp or versionstamp(writer)
    return completed(device, device.pkid or writer.new_pkid(), stamp)


def _changed(writer: Writer, wanted: Device, held: Device) -> Device | None:
    """Return what to write over `held`; None when nothing differs."""
    device = completed(wanted, held.pkid, held.versionstamp)
    if device == held:
        return None
    counted = replace(held, wrong_strings=device.wrong_strings, locked_until=device.locked_until)
    if device == counted:
        return device
    return replace(device, versionstamp=versionstamp(writer, held.versionstamp))


async def _write(
    writer: Writer, fresh: Sequence[Device], changed: Sequence[Device], held: dict[str, Device]
) -> None:
    rows = await _Encoder.load(writer)
    await writer.insert_many("device", [await rows.encode(device) for device in fresh])
    await _update_many(writer, [await rows.encode(device) for device in changed])
    moved = [device for device in changed if device.lines != held[device.name].lines]
    await _drop(writer, "devicenumplanmap", [device.pkid for device in moved])
    await _insert_lines(writer, [*fresh, *moved])
    await _drop(writer, "cucmsim_capfdevice", [device.pkid for device in changed])
    extras = [row for device in (*fresh, *changed) if (row := extra_row(device)) is not None]
    await writer.insert_many("cucmsim_capfdevice", extras, noted=False)


async def _update_many(writer: Writer, rows: Sequence[Values]) -> None:
    """Update rows of table device by pkid, in one go."""
    if not rows:
        return
    source = TABLES["device"]
    values: dict[str, object] = {
        name: bindparam(f"new_{name}") for name in DEVICE_COLUMNS if name != "pkid"
    }
    statement = update(source).where(source.c.pkid == bindparam("new_pkid")).values(values)
    parameters = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    await writer.session.execute(statement, parameters)
    for row in rows:
        writer.touch("device", str(row["pkid"]), "U")


async def _drop(writer: Writer, table: str, devices: Sequence[str]) -> None:
    """Delete what a table holds of these devices, unnoted: the device's row stands for it."""
    source = TABLES[table]
    for chunk in _chunks(devices):
        await writer.session.execute(delete(source).where(source.c.fkdevice.in_(chunk)))


async def _insert_lines(writer: Writer, devices: Sequence[Device]) -> None:
    numbers = dict.fromkeys(line.number for device in devices for line in device.lines)
    plan = await _numplan(writer, numbers)
    rows = [
        {
            "pkid": writer.new_pkid(),
            "fkdevice": device.pkid,
            "fknumplan": plan[line.number],
            "numplanindex": index,
            "label": line.label,
            "display": line.display,
        }
        for device in devices
        for index, line in enumerate(device.lines, start=1)
    ]
    await writer.insert_many("devicenumplanmap", rows, noted=False)


async def _numplan(writer: Writer, numbers: Collection[str]) -> dict[str, str]:
    """Return the pkid of each directory number; new ones are made, and outlive their phones."""
    source = TABLES["numplan"]
    plan: dict[str, str] = {}
    for chunk in _chunks(numbers):
        query = select(source.c.dnorpattern, source.c.pkid).where(source.c.dnorpattern.in_(chunk))
        plan |= {str(number): str(pkid) for number, pkid in await writer.session.rows(query)}
    missing = {number: writer.new_pkid() for number in numbers if number not in plan}
    rows = [{"pkid": pkid, "dnorpattern": number} for number, pkid in missing.items()]
    await writer.insert_many("numplan", rows, noted=False)
    return plan | missing


class _Encoder:
    """Makes rows of table device; finds or makes the profile and the model each one points to."""

    def __init__(self, writer: Writer, names: Names) -> None:
        self._writer = writer
        self._pools = {name: pkid for pkid, name in names.pools.items()}
        self._profiles = {profile: pkid for pkid, profile in names.profiles.items()}
        self._models = {name: number for number, name in names.models.items()}

    @classmethod
    async def load(cls, writer: Writer) -> "_Encoder":
        """Read what is there already."""
        return cls(writer, await _read_names(writer.session))

    async def encode(self, device: Device) -> dict[str, object]:
        """Return the row of a phone that has its pkid. Raises StoreError for an unknown pool."""
        pool = self._pools.get(device.device_pool)
        if pool is None:
            known = ", ".join(sorted(self._pools)) or "none"
            raise StoreError(
                f"device {device.name} names device pool {device.device_pool!r}, which is not in"
                f" the store; known pools: {known}"
            )
        return device_row(device, pool, await self._profile(device), await self._model(device))

    async def _profile(self, device: Device) -> str:
        profile = Profile(
            device.security_profile,
            device.protocol,
            int(device.security_mode),
            int(device.transport),
            device.encrypted_config,
        )
        if profile not in self._profiles:
            row = {
                **await self._alike(profile.name),
                "name": profile.name,
                "description": profile.name,
                "tkdeviceprotocol": PROTOCOL_NUMBERS.get(profile.protocol, 0),
                "tkdevicesecuritymode": profile.security_mode,
                "tktransport": profile.transport,
                "tftpencryptedconfig": "t" if profile.encrypted_config else "f",
            }
            self._profiles[profile] = await self._writer.insert("securityprofile", row)
        return self._profiles[profile]

    async def _alike(self, name: str) -> Values:
        """Return what another row of the same profile says of CAPF."""
        row = await self._writer.find("securityprofile", {"name": name}) or {}
        return {column: row[column] for column in _CAPF_COLUMNS if column in row}

    async def _model(self, device: Device) -> int:
        if device.model not in self._models:
            product = product_name(device.model)
            number = max(*self._models.values(), _FIRST_UNKNOWN_MODEL) + 1
            row = {"enum": number, "name": product, "moniker": moniker_of(product)}
            await self._writer.insert_many("typemodel", [row], noted=False)
            self._models[device.model] = number
        return self._models[device.model]


async def delete_devices(writer: Writer, names: Iterable[str]) -> int:
    """Delete phones with their lines' places (the numbers stay); return how many were there."""
    source, count = TABLES["device"], 0
    for chunk in _chunks(names):
        rows = await writer.session.rows(select(source.c.pkid).where(source.c.name.in_(chunk)))
        pkids = [str(row[0]) for row in rows]
        for table in ("devicenumplanmap", "cucmsim_capfdevice", "cucmsim_alarm"):
            await _drop(writer, table, pkids)
        await writer.session.execute(delete(source).where(source.c.pkid.in_(pkids)))
        for pkid in pkids:
            writer.touch("device", pkid, "D")
        count += len(pkids)
    return count


async def read_devices(
    session: Session,
    *,
    names: Collection[str] | None = None,
    pkids: Collection[str] | None = None,
) -> dict[str, Device]:
    """Return phones by name: all of them, or those of these names or pkids."""
    known = await _read_names(session)
    source = TABLES["device"]
    if pkids is None and names is None:
        return await _read_chunk(session, known, source.c.pkid, None)
    column = source.c.pkid if names is None else source.c.name
    devices: dict[str, Device] = {}
    for chunk in _chunks(pkids or () if names is None else names):
        devices |= await _read_chunk(session, known, column, chunk)
    return devices


async def _read_chunk(
    session: Session, names: Names, column: Column[str], values: Sequence[str] | None
) -> dict[str, Device]:
    """Return the phones whose column has one of these values (None: all phones)."""
    source = TABLES["device"]
    query = select(*(source.c[name] for name in DEVICE_COLUMNS)).order_by(source.c.name)
    chosen = None if values is None else column.in_(values)
    rows = await session.rows(query if chosen is None else query.where(chosen))
    pkids = None if values is None else [str(row[0]) for row in rows]
    lines = await _read_lines(session, pkids)
    extras = await _read_extras(session, pkids)
    devices: dict[str, Device] = {}
    for count, row in enumerate(rows, start=1):
        pkid = str(row[0])
        device = device_from_row(row, names, tuple(lines.get(pkid, ())), extras.get(pkid))
        devices[device.name] = device
        if count % _BREATH == 0:
            await asyncio.sleep(0)
    return devices


async def _read_lines(session: Session, devices: Sequence[str] | None) -> dict[str, list[Line]]:
    """Return the lines of each device's pkid, in order."""
    link, plan = TABLES["devicenumplanmap"], TABLES["numplan"]
    query = (
        select(link.c.fkdevice, plan.c.dnorpattern, link.c.label, link.c.display)
        .join(plan, plan.c.pkid == link.c.fknumplan)
        .order_by(link.c.fkdevice, link.c.numplanindex)
    )
    if devices is not None:
        query = query.where(link.c.fkdevice.in_(devices))
    lines: dict[str, list[Line]] = {}
    for device, number, label, display in await session.rows(query):
        lines.setdefault(str(device), []).append(Line(str(number), str(label), str(display)))
    return lines


async def _read_extras(
    session: Session, devices: Sequence[str] | None
) -> dict[str, Sequence[object]]:
    source = TABLES["cucmsim_capfdevice"]
    query = select(source.c.fkdevice, *(source.c[name] for name in EXTRA_COLUMNS))
    if devices is not None:
        query = query.where(source.c.fkdevice.in_(devices))
    return {str(row[0]): row[1:] for row in await session.rows(query)}


async def _read_names(session: Session) -> Names:
    pool, model, profile = (TABLES[name] for name in ("devicepool", "typemodel", "securityprofile"))
    pools = await session.rows(select(pool.c.pkid, pool.c.name))
    models = await session.rows(select(model.c.enum, model.c.name))
    return Names(
        pools={str(pkid): str(name) for pkid, name in pools},
        models={whole(number): model_name(str(name)) for number, name in models},
        profiles={
            str(row["pkid"]): Profile(
                str(row["name"]),
                _PROTOCOLS[whole(row["tkdeviceprotocol"])],
                whole(row["tkdevicesecuritymode"]),
                whole(row["tktransport"]),
                row["tftpencryptedconfig"] == "t",
            )
            for row in await session.mappings(select(profile))
        },
    )
