"""What the process of each node tells about itself, so that any node can show the whole cluster.

One row a node, written over every few seconds by the process that runs it; of no interest to any
replica, so it takes no version and waits for no other writer. `seen` is the database's time.
Whether a process runs the node now is not a matter of how old the row is: the claim tells.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from sqlalchemy import BigInteger, cast, extract, func, select
from sqlalchemy.dialects.postgresql import insert

from cucmsim.errors import StoreError
from cucmsim.store.claims import read_claimed
from cucmsim.store.engine import Session, whole
from cucmsim.store.processtables import PRESENCE

__all__ = ["ClockOffset", "Presence", "put_presence", "read_presence", "read_time"]

_NOW = cast(extract("epoch", func.clock_timestamp()), BigInteger)


@dataclass(frozen=True, slots=True)
class Presence:
    """A node as its process told of it.

    `version` is that of the replica it answers from; `services` name -> "started" or "stopped";
    `itl` the SHA-1 of the ITL it serves in hexadecimal, empty for none; `clock_offset_s` how far
    its machine's clock is ahead of the database's. `is_alive`: a process runs it now;
    `age_s` is how long ago it told this.
    """

    node: str
    host: str
    pid: int
    program: str
    started: datetime
    seen: datetime
    version: int
    services: Mapping[str, str] = field(default_factory=dict)
    registered: int = 0
    itl: str = ""
    clock_offset_s: float = 0.0
    is_alive: bool = False
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """How far the database's clock is ahead of another, give or take `uncertainty`."""

    ahead: timedelta
    uncertainty: timedelta


async def put_presence(session: Session, own: Sequence[Presence]) -> None:
    """Write over what these nodes told before; `seen` becomes the database's time."""
    for one in sorted(own, key=attrgetter("node")):
        row = {**_values(one), "seen": _NOW}
        statement = insert(PRESENCE).values(row)
        await session.execute(statement.on_conflict_do_update(index_elements=["node"], set_=row))


async def read_time(session: Session) -> datetime:
    """Return the time of day that PostgreSQL has now."""
    shown = await session.scalar(select(func.clock_timestamp()))
    if not isinstance(shown, datetime):
        raise StoreError(f"{session.database.shown} tells no time: found {shown!r}")
    return shown.astimezone(UTC)


async def read_presence(session: Session) -> tuple[Presence, ...]:
    """Return what every node told, by name."""
    rows = await session.mappings(select(PRESENCE, _NOW.label("now")).order_by(PRESENCE.c.node))
    claimed = await read_claimed(session, [str(row["node"]) for row in rows])
    return tuple(_presence(row, is_alive=claimed[str(row["node"])]) for row in rows)


def _values(one: Presence) -> dict[str, object]:
    return {
        "node": one.node,
        "host": one.host,
        "pid": one.pid,
        "program": one.program,
        "started": round(one.started.timestamp() * 1000),
        "version": one.version,
        "services": json.dumps(dict(one.services)),
        "registered": one.registered,
        "itl": one.itl,
        "clockoffset": round(one.clock_offset_s * 1000),
    }


def _presence(row: Mapping[str, object], *, is_alive: bool) -> Presence:
    return Presence(
        node=str(row["node"]),
        host=str(row["host"]),
        pid=whole(row["pid"]),
        program=str(row["program"]),
        started=datetime.fromtimestamp(whole(row["started"]) / 1000, UTC),
        seen=datetime.fromtimestamp(whole(row["seen"]), UTC),
        version=whole(row["version"]),
        services=json.loads(str(row["services"])),
        registered=whole(row["registered"]),
        itl=str(row["itl"]),
        clock_offset_s=whole(row["clockoffset"]) / 1000,
        is_alive=is_alive,
        age_s=whole(row["now"]) - whole(row["seen"]),
    )
