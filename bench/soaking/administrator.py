"""An administrator who does not stop working while nodes die: changes, certificates, resets.

What the publisher said was done goes into the ledger. Certificates are regenerated as the documents
have it: one at a time, CallManager only while every phone holds the TVS certificates of all nodes,
TVS only while it holds those of the others, services restarted afterwards, phones reset.
"""

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .judge import Judge
from .ledger import ANYTHING, GONE, Ledger
from .nodes import ApiError, NodeProcess
from .place import NODES, PUBLISHER, Place
from .truth import Truth, process_of

__all__ = ["Administrator"]

_PAUSE_S: Final = (0.1, 0.8)
_BETWEEN_REGENERATIONS_S: Final = 20.0
_PROMPTNESS: Final = 0.6
_SHOWN: Final = 120
_RETRY_S: Final = 0.2
_MOST_DESKS: Final = 30
_DESK: Final = 0x00507B000000
_ON_NODE: Final[Mapping[str, tuple[str, ...]]] = {
    "CallManager": ("callmanager", "tvs", "tftp"),
    "TVS": ("tvs",),
    "CAPF": ("capf",),
    "ITLRecovery": (),
    "tomcat": ("web", "tftp"),
}
"""What restarts on the node itself (cucm.md 5.3)."""
_EVERY_TFTP: Final = ("TVS", "CAPF", "ITLRecovery")
_PUBLISHERS_OWN: Final = ("CAPF", "ITLRecovery")
Work = Callable[[], Coroutine[None, None, None]]


@dataclass
class Administrator:
    """Works while `may_work` is set; `holds` are the lists of the phones, by SHA-256."""

    place: Place
    nodes: Mapping[str, NodeProcess]
    truth: Truth
    judge: Judge
    ledger: Ledger
    holds: Mapping[str, str]
    chance: random.Random
    may_work: asyncio.Event = field(default_factory=asyncio.Event)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    _restarts: list[tuple[str, str]] = field(default_factory=list)
    _is_idle: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0
    _regenerated: float = 0.0
    _resets_due: bool = False

    @property
    def log(self) -> Path:
        """What was done when, and how long it took."""
        return self.place.directory / "administrator.log"

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._is_idle.set()
            await self.may_work.wait()
            self._is_idle.clear()
            await self._do(self._choose())
            await asyncio.sleep(self.chance.uniform(*_PAUSE_S))

    async def pause(self) -> None:
        """Do nothing more; return when nothing is being done."""
        self.may_work.clear()
        await self._is_idle.wait()

    async def finish_restarts(self) -> None:
        """Do what is due after regenerations; returns when all of it is done."""
        while self._restarts:
            await self._do(self._restart_next)
            await asyncio.sleep(_RETRY_S)

    def _choose(self) -> Work:
        if self._restarts and self.chance.random() < _PROMPTNESS:
            return self._restart_next
        if self._resets_due and not self._restarts:
            return self.reset_everybody
        if not self._restarts and time.monotonic() - self._regenerated > _BETWEEN_REGENERATIONS_S:
            return self._regenerate
        works: list[tuple[Work, int]] = [
            (self._describe, 8),
            (self._label, 6),
            (self._add_desk, 5),
            (self._remove_desk, 3),
            (self._set_parameter, 3),
            (self._order_enrolment, 4),
            (self._reset_one, 4),
            (self._restart_service, 1),
        ]
        (work,) = self.chance.choices([one for one, _ in works], [share for _, share in works])
        return work

    async def _do(self, work: Work) -> None:
        name, began = work.__name__.strip("_").replace("_", " "), time.time()
        outcome = why = ""
        try:
            await work()
        except ApiError as error:
            outcome = ": refused" if error.is_refused else ": not answered"
            why = str(error)[:_SHOWN]
            self.refusals[f"{name}: {why}"] += 1
        self.counts[name + outcome] += 1
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{began:.1f} {time.time() - began:5.1f} s  {name}{outcome} {why}\n")

    async def _change(
        self, key: tuple[str, ...], value: str, method: str, url: str, body: object = None
    ) -> None:
        """Make a change and note what came of it. Raises ApiError."""
        publisher = self.nodes[PUBLISHER].api
        try:
            await publisher.ask(method, url, body)
        except ApiError as error:
            if not error.is_refused:
                self.ledger.doubt(key, value)
            raise
        self.ledger.announce(key, value, await self._version())

    async def _version(self) -> int:
        """Return the version that the publisher has; one too high where it says nothing."""
        try:
            return (await self.nodes[PUBLISHER].look()).version
        except ApiError:
            return 1 << 60

    def _next(self) -> str:
        self._number += 1
        return f"change {self._number:06}"

    def _any_phone(self, kind: str) -> str | None:
        """Return a phone of the fleet of which a kind of value is in no doubt."""
        free = [one.name for one in self.place.phones if self.ledger.is_certain((kind, one.name))]
        return self.chance.choice(free) if free else None

    async def _describe(self) -> None:
        name, text = self._any_phone("description"), self._next()
        if name is not None:
            key = ("description", name)
            await self._change(key, text, "PATCH", f"/devices/{name}", {"description": text})

    async def _label(self) -> None:
        name, text = self._any_phone("label"), self._next()
        if name is not None:
            number = str(20_000 + int(name[-6:], 16))
            body = {"lines": [{"number": number, "label": text}]}
            await self._change(("label", name), text, "PATCH", f"/devices/{name}", body)

    def _desks(self, *, there: bool) -> list[str]:
        names = [f"SEP{_DESK + index:012X}" for index in range(_MOST_DESKS)]
        return [
            name
            for name in names
            if self.ledger.is_certain(("description", name)) and self._is_there(name) is there
        ]

    def _is_there(self, name: str) -> bool:
        entry = self.ledger.entries.get(("description", name))
        return entry is not None and entry.value != GONE

    async def _add_desk(self) -> None:
        free = self._desks(there=False)
        if not free:
            return
        name, text = self.chance.choice(free), self._next()
        body = {"mac": name.removeprefix("SEP"), "model": "8861", "description": text}
        await self._change(("description", name), text, "POST", "/devices", body)

    async def _remove_desk(self) -> None:
        held = self._desks(there=True)
        if held:
            name = self.chance.choice(held)
            await self._change(("description", name), GONE, "DELETE", f"/devices/{name}")

    async def _set_parameter(self) -> None:
        key = ("parameter", "URLIdle")
        if self.ledger.is_certain(key):
            value = f"http://127.0.0.1/{self._next().replace(' ', '-')}"
            await self._change(key, value, "POST", "/parameters", {"name": key[1], "value": value})

    async def _order_enrolment(self) -> None:
        name = self.chance.choice(self.place.phones).name
        body = {"pending_operation": "install"}
        await self.nodes[PUBLISHER].api.ask("PATCH", f"/devices/{name}", body)

    async def _reset_one(self) -> None:
        """Reset or restart a phone where it is registered."""
        node = self.nodes[self.chance.choice(NODES)]
        registered = await node.api.ask("GET", "/registrations")
        if registered:
            name = self.chance.choice(registered)["device"]
            action = self.chance.choice(("reset", "restart"))
            order = {"action": action, "devices": [name]}
            await node.api.ask("POST", "/orders", order)

    async def reset_everybody(self) -> None:
        """Reset all phones wherever they are registered; those that are not will boot anyway."""
        self._resets_due = False
        for node in self.nodes.values():
            with suppress(ApiError):
                await node.api.ask("POST", "/orders", {"action": "reset"})

    async def _restart_service(self) -> None:
        service = self.chance.choice(("tftp", "tvs", "callmanager", "http"))
        await self._restart(self.chance.choice(NODES), service)

    async def _restart_next(self) -> None:
        """Restart the next service that is due where its node is up."""
        for due in tuple(self._restarts):
            if self.truth.availability.is_up(process_of(due[0])):
                await self._restart(*due)
                self._restarts.remove(due)
                self._resets_due = not self._restarts
                return

    async def _restart(self, node: str, service: str) -> None:
        """Restart a service of a node. Raises ApiError."""
        availability = self.truth.availability
        availability.mark(node, time.time(), up=False)
        try:
            await self.nodes[node].api.ask("POST", f"/services/{node}/{service}/restart")
        except ApiError:
            if (node, service) not in self._restarts:
                self._restarts.append((node, service))
            raise
        if availability.is_up(process_of(node)):
            availability.mark(node, time.time(), up=True)

    async def _regenerate(self) -> None:
        """Make one certificate anew, where that locks nobody out."""
        self._regenerated = time.monotonic()
        unit = self.chance.choice(list(_ON_NODE))
        node = PUBLISHER if unit in _PUBLISHERS_OWN else self.chance.choice(NODES)
        if not self.ledger.is_certain(("own", node, unit)):
            return
        if not self._is_safe(unit, node):
            self.counts["regenerations put off"] += 1
            return
        await self.regenerate(unit, node)

    async def regenerate(self, unit: str, node: str) -> None:
        """Make a certificate anew. Raises ApiError."""
        key = ("own", node, unit)
        api = self.nodes[PUBLISHER].api
        try:
            await api.ask("POST", "/operations/regenerate", {"node": node, "unit": unit})
        except ApiError as error:
            if not error.is_refused:
                self.ledger.doubt(key, ANYTHING)
            raise
        finally:
            self._restarts += [(node, service) for service in _ON_NODE[unit]]
            if unit in _EVERY_TFTP:
                self._restarts += [(one, "tftp") for one in NODES]
        self.counts[f"regenerated {unit}"] += 1
        try:
            sha1 = await self._own(unit, node)
        except ApiError:
            self.ledger.doubt(key, ANYTHING)
            raise
        self.ledger.announce(key, sha1, await self._version())

    async def _own(self, unit: str, node: str) -> str:
        """Return the SHA-1 of a certificate as the publisher has it. Raises ApiError."""
        held = await self.nodes[PUBLISHER].api.ask("GET", "/certificates")
        (pem,) = [one["pem"] for one in held if (one["store"], one["node"]) == (unit, node)]
        certificate = x509.load_pem_x509_certificate(pem.encode())
        return hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest()

    def _is_safe(self, unit: str, node: str) -> bool:
        """Tell whether every phone could still have a new certificate vouched for."""
        if unit not in ("CallManager", "TVS"):
            return True
        others = [one for one in NODES if unit == "CallManager" or one != node]
        return len(self.holds) == self.place.count and all(
            self.judge.knows_tvs_of(held, one) for held in self.holds.values() for one in others
        )
