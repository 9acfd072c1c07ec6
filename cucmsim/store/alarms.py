"""The last alarms of phones, as each node got them: of no interest to any replica.

An alarm of a phone that is deleted goes with it; `forget_strangers` takes those of phones that a
statement deleted. Parameters are kept as JSON, which holds whatever a phone sent.
Source: CUCM 14 stores per TFTP host what phones say of their ITL (phone.md 3.5).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from cucmsim.formats.phonealarms import Alarm, AlarmParameter
from cucmsim.store.engine import Session, whole
from cucmsim.store.schema import TABLES

__all__ = ["StoredAlarm", "forget_alarms", "forget_strangers", "put_alarms", "read_alarms"]

_TABLE, _DEVICE, _NODE = (TABLES[name] for name in ("cucmsim_alarm", "device", "processnode"))


@dataclass(frozen=True, slots=True)
class StoredAlarm:
    """An alarm as it came; `device_name` is what the message told, known or not."""

    time: datetime
    node: str
    device_name: str
    address: str
    alarm: Alarm


async def put_alarms(session: Session, node: str, alarms: Sequence[StoredAlarm]) -> None:
    """Keep these alarms, and no others, of the phones that sent them to a node (its pkid).

    Those of phones that are not there are left out. A thousand phones at a time fit.
    """
    names = {held.device_name for held in alarms}
    found = await session.rows(
        select(_DEVICE.c.name, _DEVICE.c.pkid).where(_DEVICE.c.name.in_(names))
    )
    pkids = {str(name): str(pkid) for name, pkid in found}
    of_them = _TABLE.c.fkdevice.in_(pkids.values())
    await session.execute(delete(_TABLE).where(of_them & (_TABLE.c.fkprocessnode == node)))
    rows = [
        _row(pkids[held.device_name], node, held) for held in alarms if held.device_name in pkids
    ]
    if rows:
        await session.execute(insert(_TABLE), rows)


async def read_alarms(session: Session, node: str) -> tuple[StoredAlarm, ...]:
    """Return what a node (its name) keeps, oldest first."""
    query = (
        select(
            _DEVICE.c.name, _TABLE.c.name, _TABLE.c.received, _TABLE.c.address, _TABLE.c.parameters
        )
        .join(_DEVICE, _DEVICE.c.pkid == _TABLE.c.fkdevice)
        .join(_NODE, _NODE.c.pkid == _TABLE.c.fkprocessnode)
        .where(_NODE.c.name == node)
        .order_by(_TABLE.c.received, _DEVICE.c.name, _TABLE.c.name)
    )
    return tuple(
        StoredAlarm(
            datetime.fromtimestamp(whole(received), UTC),
            node,
            str(device),
            str(address),
            Alarm(str(name), _parameters(str(parameters))),
        )
        for device, name, received, address, parameters in await session.rows(query)
    )


async def forget_alarms(session: Session, node: str) -> None:
    """Forget all that a node (its pkid) keeps."""
    await session.execute(delete(_TABLE).where(_TABLE.c.fkprocessnode == node))


async def forget_strangers(session: Session) -> None:
    """Forget the alarms of phones that are not there any more."""
    await session.execute(delete(_TABLE).where(_TABLE.c.fkdevice.not_in(select(_DEVICE.c.pkid))))


def _row(device: str, node: str, held: StoredAlarm) -> dict[str, object]:
    parameters = [[one.name, one.value, one.is_enum] for one in held.alarm.parameters]
    return {
        "fkdevice": device,
        "fkprocessnode": node,
        "name": held.alarm.name,
        "received": int(held.time.timestamp()),
        "address": held.address,
        "parameters": json.dumps(parameters),
    }


def _parameters(text: str) -> tuple[AlarmParameter, ...]:
    return tuple(
        AlarmParameter(name, value, is_enum=is_enum) for name, value, is_enum in json.loads(text)
    )
