"""Reads back, from the database and from every node, what was announced, and what is served.

In a quiet moment everything must agree: each node at the version of the database, with every change
that was announced, serving files that its certificates of now have signed.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .database import Database, DatabaseState, read_state
from .judge import Finding
from .ledger import GONE, Key, Ledger
from .nodes import ApiError, NodeProcess
from .place import NODES, Place
from .trustfiles import read_records, read_signed
from .truth import CALLMANAGER, TVS, Truth

__all__ = ["Reader", "found_in"]

_CATCH_UP_S: Final = 30.0
_AGREE_S: Final = 15.0
_LOOK_S: Final = 0.3
_FILE_S: Final = 5.0
_UNITS: Final = {3: "CallManager", 5: "tomcat", 9: "CAPF", 11: "TVS", 17: "ITLRecovery"}
_PAGE: Final = 1000
Compare = Callable[[], Awaitable[list[str]]]


@dataclass
class Reader:
    """Reads back; what must not be is returned as findings."""

    place: Place
    nodes: Mapping[str, NodeProcess]
    database: Database
    truth: Truth
    ledger: Ledger
    chance: random.Random
    values_read: int = 0
    files_read: int = 0
    slowest_catch_up_s: float = 0.0

    async def quiet(self, sample: int) -> list[Finding]:
        """Check everything, files of `sample` phones; the administrator and chaos rest."""
        began = time.time()
        late = await self._caught_up()
        if late:
            return [_finding("catch-up", text) for text in late]
        self.slowest_catch_up_s = max(self.slowest_catch_up_s, time.time() - began)
        lost = await self._agreed(self._database_differences)
        for node in NODES:
            lost += await self._agreed(partial(self._node_differences, node))
        served = [text for node in NODES for text in await self._files(node, sample)]
        return [_finding("lost change", text) for text in lost] + [
            _finding("file", text) for text in served
        ]

    async def look_around(self) -> list[Finding]:
        """Check one phone at one node that says it has the version of its last change."""
        node = self.nodes[self.chance.choice(NODES)]
        kept = [key for key in self.ledger.entries if key[0] == "description"]
        key = self.chance.choice(kept)
        entry = self.ledger.entries[key]
        revision, wanted = entry.revision, entry.version
        try:
            version = (await node.look()).version
            if version < wanted:
                return []
            found = await self._description(node, key[1])
        except ApiError:
            return []
        now = self.ledger.entries[key]
        if now.revision != revision or now is not entry or entry.allows(found):
            return []
        text = (
            f"{key[1]} at {node.name}, version {version}: found {found!r}, expected {entry.value!r}"
        )
        return [_finding("lost change", f"{text} announced in version {wanted}")]

    async def _description(self, node: NodeProcess, name: str) -> str:
        self.values_read += 1
        try:
            held = await node.api.ask("GET", f"/devices/{name}", timeout_s=5.0)
        except ApiError as error:
            if error.is_refused:
                return GONE
            raise
        return str(held["description"])

    async def _caught_up(self) -> list[str]:
        """Wait until every node has the database's version; return who has not in time."""
        until = time.monotonic() + _CATCH_UP_S
        while True:
            state = await read_state(self.database.url, time.time())
            versions = {node: await self._version(node) for node in NODES}
            late = [node for node in NODES if state is None or versions[node] != state.version]
            if not late:
                return []
            if time.monotonic() > until:
                newest = None if state is None else state.version
                return [
                    f"{node} is at version {versions[node]}, the database at {newest},"
                    f" {_CATCH_UP_S:.0f} s after the last fault"
                    for node in late
                ]
            await asyncio.sleep(_LOOK_S)

    async def _version(self, node: str) -> int | None:
        try:
            return (await self.nodes[node].look()).version
        except ApiError:
            return None

    async def _agreed(self, compare: Compare) -> list[str]:
        """Return the differences that last: what phones do meanwhile takes a moment to be told."""
        until = time.monotonic() + _AGREE_S
        while True:
            found = await compare()
            if not found or time.monotonic() > until:
                return found
            await asyncio.sleep(1)

    async def _database_differences(self) -> list[str]:
        state = await read_state(self.database.url, time.time())
        if state is None:
            return ["the database does not answer"]
        self.truth.certificates.look(state)
        found = found_in(state)
        kinds = ("description", "label", "parameter", "own", "lsc")
        lost = self.ledger.differences(found, kinds)
        if not lost:
            self.ledger.settle(found)
        self.values_read += len(self.ledger.entries)
        return [f"database: {text}" for text in lost]

    async def _node_differences(self, node: str) -> list[str]:
        """Return what a node holds that is not what was announced."""
        api = self.nodes[node].api
        try:
            page = await api.ask("GET", f"/devices?limit={_PAGE}")
            own = await api.ask("GET", "/certificates")
        except ApiError as error:
            return [f"{node}: {error}"]
        found: dict[Key, str] = {
            ("description", one["name"]): one["description"] for one in page["devices"]
        }
        found |= {("own", one["node"], one["store"]): _sha1_of(one["pem"]) for one in own}
        self.values_read += len(found)
        return [
            f"{node}: {text}" for text in self.ledger.differences(found, ("description", "own"))
        ]

    async def _files(self, node: str, sample: int) -> list[str]:
        """Return what is wrong with the files that a node serves."""
        faults = await self._check_list(node)
        phones = self.place.phones
        for phone in self.chance.sample(list(phones), min(sample, len(phones))):
            name = f"{phone.name}.cnf.xml.sgn"
            data = await self._fetch(node, name)
            if data is None:
                faults.append(f"{node} does not serve {name}")
                continue
            faults += self._check_signature(node, name, data)
            label = self.ledger.entries["label", phone.name].value
            if phone.protocol == "SIP" and f">{label}<".encode() not in data:
                faults.append(f"{name} of {node} does not hold the label {label!r}")
        return faults

    async def _check_list(self, node: str) -> list[str]:
        name = "ITLFile.tlv"
        data = await self._fetch(node, name)
        if data is None:
            return [f"{node} does not serve {name}"]
        faults = self._check_signature(node, name, data)
        held = {one.sha1.hex() for one in read_records(data)}
        for one in NODES:
            current = self.truth.certificates.current(one, TVS)
            if current is None or current.sha1 not in held:
                faults.append(f"{name} of {node} lacks the TVS certificate of {one}")
        return faults

    def _check_signature(self, node: str, name: str, data: bytes) -> list[str]:
        current = self.truth.certificates.current(node, CALLMANAGER)
        signed = read_signed(data)
        if current is None or signed.serial != current.serial:
            return [f"{name} of {node} is signed by another certificate than it has now"]
        if not signed.is_signed_by(current.certificate.public_key()):
            return [f"{name} of {node}: the signature does not verify"]
        return []

    async def _fetch(self, node: str, name: str) -> bytes | None:
        """Return a file over HTTP; None where it is not served."""
        self.files_read += 1
        url = f"http://{self.place.address(node)}:{self.place.ports[node]['http']}/{name}"
        try:
            async with httpx.AsyncClient(timeout=_FILE_S) as client:
                answer = await client.get(url)
        except httpx.HTTPError:
            return None
        return answer.content if answer.is_success else None


def found_in(state: DatabaseState) -> dict[Key, str]:
    """Return what the database holds, by the keys of the ledger."""
    found: dict[Key, str] = {
        ("own", node, _UNITS[unit]): hashlib.sha1(one.public_bytes(Encoding.DER)).hexdigest()
        for (node, unit), one in state.own.items()
        if unit in _UNITS
    }
    for name, (description, label, lsc) in state.phones.items():
        found["description", name] = description
        found["label", name] = label
        if lsc is not None:
            found["lsc", name] = hashlib.sha256(lsc).hexdigest()
    found |= {("parameter", name): value for name, value in state.parameters.items()}
    return found


def _sha1_of(pem: str) -> str:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest()


def _finding(kind: str, text: str) -> Finding:
    return Finding(time.time(), kind, text)
