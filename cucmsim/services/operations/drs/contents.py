"""What the components of a backup hold, as files of their tars.

    PLATFORM  .security/<unit>/certs/<unit>.der, keys/<unit>_priv.der    own certificate and key
              .security/<unit>/certs/<unit>.csr, keys/<unit>_csr.der     a signing request, its key
    CCMDB     <table>.json                                               the rows of each table
    TFTP      own/<file name>, everybody/<file name>                     static files, CTL and ITL

The publisher's have the database and the files that every node serves. Certificates, keys and
requests are DER, keys PKCS#8.
"""

import asyncio
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from cucmsim.errors import RefusedError
from cucmsim.pki.profiles import Unit
from cucmsim.services.parameters import is_true
from cucmsim.store.drsrows import Tables
from cucmsim.store.replica import Replica
from cucmsim.store.requests import PendingRequest
from cucmsim.store.rows import TftpFile
from cucmsim.store.store import Transaction

__all__ = [
    "COMPONENTS",
    "DATABASE",
    "DEFECT",
    "PLATFORM",
    "SERVICE",
    "TFTP",
    "Pair",
    "PlatformContents",
    "collect",
    "components_of",
    "read_database",
    "read_platform",
    "read_row",
    "read_tftp",
    "shown_row",
]

PLATFORM, DATABASE, TFTP = "PLATFORM", "CCMDB", "TFTP"
COMPONENTS = (PLATFORM, DATABASE, TFTP)

SERVICE, DEFECT = "drs", "CSCtn50405"
"""The service parameter that switches the defect on."""

_BASE64 = "base64"
_SECURITY = re.compile(r"\.security/(?P<unit>[^/]+)/(?:certs|keys)/(?P<file>[^/]+)")
_PLACES = {"own/": True, "everybody/": False}


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, or a request for one, with its key: DER and PKCS#8 DER."""

    public_der: bytes
    private_key_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlatformContents:
    """The pairs of a server by unit, and what it asked to have signed."""

    own: Mapping[str, Pair]
    requests: Mapping[str, Pair]


def components_of(*, is_publisher: bool) -> tuple[str, ...]:
    """Return the components of a server, in the order they are backed up."""
    return COMPONENTS if is_publisher else (PLATFORM, TFTP)


async def collect(
    transaction: Transaction, replica: Replica, node: str, component: str
) -> dict[str, bytes]:
    """Return the files of a component, all as the transaction sees them. Raises StoreError."""
    if component == PLATFORM:
        return await _platform(transaction, replica, node)
    if component == TFTP:
        return _tftp(replica, node)
    return await asyncio.to_thread(_database, await transaction.dump_database())


def _database(tables: Tables) -> dict[str, bytes]:
    """Return the rows as files. Blocks: 40,000 phones take a second."""
    return {
        f"{name}.json": json.dumps([shown_row(row) for row in rows]).encode()
        for name, rows in tables.items()
    }


async def _platform(transaction: Transaction, replica: Replica, node: str) -> dict[str, bytes]:
    lacks = is_true(replica.service_parameter(SERVICE, DEFECT) or "F")
    files = {}
    for (owner, unit), held in replica.own.items():
        if owner == node and not (lacks and unit == Unit.CALLMANAGER):
            key = replica.own_keys[owner, unit].private_key_der
            files[f".security/{unit}/certs/{unit}.der"] = held.certificate_der
            files[f".security/{unit}/keys/{unit}_priv.der"] = key
    for unit in await transaction.list_requests(node):
        pending = await transaction.get_request(node, unit)
        if pending is not None:
            files[f".security/{unit}/certs/{unit}.csr"] = pending.request_der
            files[f".security/{unit}/keys/{unit}_csr.der"] = pending.private_key_der
    return files


def _tftp(replica: Replica, node: str) -> dict[str, bytes]:
    is_publisher = replica.node(node).is_publisher
    files = {}
    for (owner, name), file in replica.tftp_files.items():
        if owner == node:
            files[f"own/{name}"] = file.data
        elif owner is None and is_publisher:
            files[f"everybody/{name}"] = file.data
    return files


def shown_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row as JSON holds it."""
    return {
        name: {_BASE64: b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in row.items()
    }


def read_database(files: Mapping[str, bytes]) -> Tables:
    """Return the rows by table. Raises RefusedError for what is none of ours."""
    try:
        return {
            name.removesuffix(".json"): [read_row(row) for row in json.loads(data)]
            for name, data in files.items()
        }
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise RefusedError(f"{DATABASE} of the backup is damaged: {error!r}") from error


def read_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return the row that `shown_row` shows."""
    return {
        name: b64decode(value[_BASE64]) if isinstance(value, dict) else value
        for name, value in row.items()
    }


def read_platform(files: Mapping[str, bytes]) -> PlatformContents:
    """Return the pairs of a server. Raises RefusedError where half of one is missing."""
    units = sorted({found["unit"] for name in files if (found := _SECURITY.fullmatch(name))})
    try:
        own = {
            unit: Pair(
                files[f".security/{unit}/certs/{unit}.der"],
                files[f".security/{unit}/keys/{unit}_priv.der"],
            )
            for unit in units
            if f".security/{unit}/certs/{unit}.der" in files
        }
        requests = {
            unit: Pair(
                files[f".security/{unit}/certs/{unit}.csr"],
                files[f".security/{unit}/keys/{unit}_csr.der"],
            )
            for unit in units
            if f".security/{unit}/certs/{unit}.csr" in files
        }
    except KeyError as error:
        raise RefusedError(f"{PLATFORM} of the backup is damaged: it lacks {error}") from error
    return PlatformContents(own, requests)


def read_tftp(files: Mapping[str, bytes], node: str) -> list[TftpFile]:
    """Return the static files of a server."""
    return [
        TftpFile(name=name.removeprefix(place), data=data, node=node if is_own else None)
        for name, data in files.items()
        for place, is_own in _PLACES.items()
        if name.startswith(place)
    ]


def as_request(pair: Pair) -> PendingRequest:
    """Return a pair as the store keeps a request."""
    return PendingRequest(pair.public_der, pair.private_key_der)
