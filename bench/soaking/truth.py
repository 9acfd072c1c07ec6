"""What is known of the cluster at each moment, by who caused it and by looking at the database.

`Availability` is what the soak itself did to nodes; `Certificates` what the database has held, seen
from outside; `Knowledge` up to which version each node had followed, and when its TFTP started.
Times are those of the machine. What lies between two looks is unknown, and nobody is blamed for it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .database import DatabaseState
from .trustfiles import serial_of

__all__ = [
    "CALLMANAGER",
    "PAGES",
    "SLOW",
    "TVS",
    "Availability",
    "Certificates",
    "Knowledge",
    "KnownCertificate",
    "Look",
    "Truth",
    "process_of",
]

CALLMANAGER: Final = 3
PAGES: Final = (5, 19)
TVS: Final = 11
"""Numbers of typecertificateservice."""
_START_S: Final = 1.0


SLOW: Final = "speed of "
"""What `Availability` calls it whether a node answers at once; then its name."""


class Availability:
    """When a node, or the database, was up for sure, down for sure, or neither."""

    def __init__(self) -> None:
        self._marks: dict[str, list[tuple[float, bool]]] = defaultdict(list)

    def mark(self, what: str, at: float, *, up: bool) -> None:
        """Say that something is up from now on, or that this is not sure from now on."""
        self._marks[what].append((at, up))

    def is_up(self, what: str) -> bool:
        """Tell whether it is up now."""
        marks = self._marks[what]
        return bool(marks) and marks[-1][1]

    def was_up(self, what: str, began: float, ended: float) -> bool:
        """Tell whether it was up all of the time between two moments."""
        state = False
        for at, up in self._marks[what]:
            if at > ended:
                break
            state = up if at <= began else state and up
        return state

    def share_up(self, what: str, began: float, ended: float) -> float:
        """Return the share of a time that it was up."""
        total, state, last = 0.0, False, began
        for at, up in [*self._marks[what], (ended, False)]:
            moment = min(max(at, began), ended)
            total += (moment - last) if state else 0.0
            state, last = up, moment
        return total / max(ended - began, 1e-9)


@dataclass(slots=True)
class KnownCertificate:
    """A certificate that was a node's own; None in `gone_*` while it is.

    It was not there before `seen_at`'s look; it was still there at `last_at`; `gone_version` and
    `gone_at` are those of the first look that missed it.
    """

    node: str
    unit: int
    certificate: x509.Certificate
    seen_at: float
    seen_version: int
    last_at: float
    gone_at: float | None = None
    gone_version: int | None = None
    sha1: str = ""
    serial: bytes = b""

    def __post_init__(self) -> None:
        """Work out what it is looked for by."""
        self.sha1 = hashlib.sha1(self.certificate.public_bytes(Encoding.DER)).hexdigest()
        self.serial = serial_of(self.certificate)


class Certificates:
    """Every certificate that the database was seen to hold as a node's own."""

    def __init__(self) -> None:
        self._known: list[KnownCertificate] = []
        self.looked_at = 0.0
        """When the database was last read."""

    def look(self, state: DatabaseState) -> None:
        """Take what the database holds now."""
        held = {
            (node, unit, certificate.serial_number): certificate
            for (node, unit), certificate in state.own.items()
        }
        for one in self._known:
            if one.gone_at is not None:
                continue
            if held.pop((one.node, one.unit, one.certificate.serial_number), None) is not None:
                one.last_at = state.at
            else:
                one.gone_at, one.gone_version = state.at, state.version
        self._known += [
            KnownCertificate(node, unit, certificate, state.at, state.version, state.at)
            for (node, unit, _), certificate in held.items()
        ]
        self.looked_at = state.at

    def find(self, unit: int, *, node: str = "") -> Iterator[KnownCertificate]:
        """Return those of a unit, of a node if one is named."""
        return (one for one in self._known if one.unit == unit and node in ("", one.node))

    def current(self, node: str, unit: int) -> KnownCertificate | None:
        """Return the one a node has now."""
        return next((one for one in self.find(unit, node=node) if one.gone_at is None), None)

    def by_sha1(self, sha1: str, *units: int) -> KnownCertificate | None:
        """Return the one of some units with a digest."""
        return next((one for unit in units for one in self.find(unit) if one.sha1 == sha1), None)


@dataclass(frozen=True, slots=True)
class Look:
    """What a node said: the version it had, and when its TFTP started, at a moment."""

    at: float
    version: int
    tftp_since: float


class Knowledge:
    """The versions that nodes had, as they said themselves; a new process may know less again."""

    def __init__(self, availability: Availability) -> None:
        self._availability = availability
        self._looks: dict[str, list[Look]] = defaultdict(list)

    def look(self, node: str, look: Look) -> None:
        """Take what a node says."""
        self._looks[node].append(look)

    def version(self, node: str, at: float) -> int:
        """Return the version a node had for sure at a moment; 0 where nothing is known."""
        last = self._last(node, at)
        if last is None or not self._availability.was_up(process_of(node), last.at, at):
            return 0
        return last.version

    def version_at_tftp_start(self, node: str, at: float) -> int:
        """Return the version a node had for sure when the TFTP that it runs was started."""
        last = self._last(node, at)
        return 0 if last is None else self.version(node, last.tftp_since - _START_S)

    def _last(self, node: str, at: float) -> Look | None:
        return next((one for one in reversed(self._looks[node]) if one.at <= at), None)


def process_of(node: str) -> str:
    """Return what `Availability` calls the process of a node, of which a service may be down."""
    return f"{node}/process"


@dataclass
class Truth:
    """All of it."""

    availability: Availability = field(default_factory=Availability)
    certificates: Certificates = field(default_factory=Certificates)
    knowledge: Knowledge = field(init=False)

    def __post_init__(self) -> None:
        """Let what nodes know depend on how long they have lived."""
        self.knowledge = Knowledge(self.availability)
