"""The tables by which processes of a cluster find each other: on PostgreSQL, and never a version.

They belong to no replica, to no backup and to no `run sql`; what is in them is true for seconds.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from cucmsim.store.schema import METADATA

__all__ = ["CALLS", "OF_PROCESSES", "PRESENCE"]

PRESENCE = Table(
    "cucmsim_presence",
    METADATA,
    # by name: what a process tells outlives a restore of the database
    Column("node", String(255), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("program", String(64), nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("services", Text, nullable=False),
    Column("registered", Integer, nullable=False),
    Column("itl", String(64), nullable=False),
    Column("clockoffset", BigInteger, nullable=False),
)
"""What the process of each node tells about itself (`presence.py`)."""

CALLS = Table(
    "cucmsim_call",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("node", String(255), nullable=False),
    Column("method", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("taken", String(1), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary),
)
"""Requests of one process to another (`calls.py`); `due` is the database's time."""

OF_PROCESSES = frozenset({PRESENCE.name, CALLS.name})
"""Their names: no copy, backup or restore of a store has them."""
