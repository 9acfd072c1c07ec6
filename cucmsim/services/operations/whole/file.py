"""The file of a cluster's backup.

    cucmsim cluster backup 1 <SHA-256 of all that follows>
    <header: one line of JSON>
    <gzip of one line of JSON a table: its name, then its rows>

`head -n 2 FILE` shows what it is. Private keys and secrets in it are sealed under the security
password of the cluster it was made of, as they are in the database.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self
from zlib import error as ZlibError  # noqa: N812  an exception in lower case

from cucmsim import __version__
from cucmsim.errors import RefusedError
from cucmsim.services.operations.drs.contents import read_row, shown_row
from cucmsim.store.wholestore import WholeStore

__all__ = ["BackupHeader", "ClusterBackup", "decode_backup", "encode_backup"]

_MAGIC = "cucmsim cluster backup"
_LAYOUT = 1
_FIRST_LINE = re.compile(rf"{_MAGIC} (\d{{1,9}}) ([0-9a-f]{{64}})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupHeader:
    """What a backup is of: `version` is the store's, `schema` that of its rows, `size` the body's.

    `made` is the time of the cluster's clock, ISO 8601.
    """

    cluster: str
    release: str
    publisher: str
    nodes: tuple[str, ...]
    phones: int
    made: str
    version: int
    schema: str
    program: str = f"cucmsim {__version__}"
    size: int = 0

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Read the line. Raises ValueError, TypeError, KeyError for what is none."""
        held = json.loads(line)
        datetime.fromisoformat(held["made"])
        return cls(**{**held, "nodes": tuple(held["nodes"])})


@dataclass(frozen=True, slots=True)
class ClusterBackup:
    """A whole cluster at one moment."""

    header: BackupHeader
    store: WholeStore


def encode_backup(header: BackupHeader, store: WholeStore) -> bytes:
    """Return the file. Blocks: 40,000 phones take seconds."""
    body = gzip.compress(b"".join(_lines(store)), compresslevel=6, mtime=0)
    head = json.dumps({**asdict(header), "size": len(body)}).encode()
    rest = head + b"\n" + body
    return f"{_MAGIC} {_LAYOUT} {hashlib.sha256(rest).hexdigest()}\n".encode() + rest


def _lines(store: WholeStore) -> Iterator[bytes]:
    for name, rows in store.tables.items():
        yield json.dumps([name, [shown_row(row) for row in rows]]).encode() + b"\n"


def decode_backup(data: bytes) -> ClusterBackup:
    """Return what a file holds. Blocks.

    Raises:
        RefusedError: it is no backup, of a newer layout, cut off, or damaged.

    """
    first, _, rest = data.partition(b"\n")
    match = _FIRST_LINE.fullmatch(first.decode("ascii", "replace"))
    if match is None:
        raise RefusedError(f"found no backup of a cluster, expected {_MAGIC!r} at its begin")
    if int(match[1]) != _LAYOUT:
        raise RefusedError(
            f"the backup was made by a newer release: found layout {match[1]}, expected {_LAYOUT}"
        )
    head, _, body = rest.partition(b"\n")
    if hashlib.sha256(rest).hexdigest() != match[2]:
        raise RefusedError(_what_is_wrong(head, body))
    try:
        header = BackupHeader.parse(head)
        tables = {
            name: [read_row(row) for row in rows]
            for name, rows in map(json.loads, gzip.decompress(body).splitlines())
        }
    except (ValueError, TypeError, KeyError, AttributeError, EOFError, OSError, ZlibError) as error:
        raise RefusedError(f"the backup cannot be read: {error!r}") from error
    return ClusterBackup(header, WholeStore(header.schema, header.version, tables))


def _what_is_wrong(head: bytes, body: bytes) -> str:
    """Say whether a file that is not as it was written is cut off."""
    try:
        size = BackupHeader.parse(head).size
    except (ValueError, TypeError, KeyError, AttributeError):
        size = len(body)
    if len(body) < size:
        return f"the backup is cut off: found {len(body)} bytes of data, expected {size}"
    return "the backup is damaged: its checksum is not that of its data"
