"""The alternate file locations of a TFTP service: where it looks for files of other clusters.

They are ten service parameters of Cisco Tftp, `AlternateFileLocation1` to `10`, each holding
`[http://|tftp://]HOST[:PORT]`: a TFTP server of another cluster. Without a scheme it is asked over
HTTP on port 6970, as the Centralized TFTP File Locator Service does; `tftp://` is for a server
that has no HTTP (port 69). A node that has any of the ten for itself, an empty one too, does
without those of the cluster. Source: seed 000 (centralized TFTP), cucm.md 3.1 and 3.7.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cucmsim.store.replica import Replica

__all__ = [
    "ALTERNATE_FILE_LOCATIONS",
    "LOCATION_FORM",
    "FileLocation",
    "Found",
    "Missing",
    "NoAnswer",
    "RemoteAnswer",
    "RemoteFiles",
    "Scheme",
    "is_location",
    "location_parameters",
    "location_texts",
    "parse_location",
]

ALTERNATE_FILE_LOCATIONS = tuple(f"AlternateFileLocation{number}" for number in range(1, 11))
"""The names of the parameters, in the order in which they are asked."""

LOCATION_FORM = '"HOST[:PORT]", asked over HTTP, or "tftp://HOST[:PORT]"'
"""What a person is told to write for one."""

_SERVICE = "tftp"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCATION = re.compile(
    rf"(?:(?P<scheme>http|tftp)://)?(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?"
)
_LONGEST_HOST = 253
_LAST_PORT = 65535


class Scheme(StrEnum):
    """How a location is asked."""

    HTTP = "http"
    TFTP = "tftp"


_USUAL_PORTS = {Scheme.HTTP: 6970, Scheme.TFTP: 69}


@dataclass(frozen=True, slots=True)
class FileLocation:
    """A TFTP server of another cluster."""

    scheme: Scheme
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def parse_location(text: str) -> FileLocation:
    """Return the location that `text` names. Raises ValueError saying what is expected."""
    match = _LOCATION.fullmatch(text.strip())
    if match is None or len(match["host"]) > _LONGEST_HOST:
        raise ValueError(f"found {text!r}, expected [http://|tftp://]HOST[:PORT]")
    scheme = Scheme(match["scheme"] or Scheme.HTTP)
    port = int(match["port"] or _USUAL_PORTS[scheme])
    if not 0 < port <= _LAST_PORT:
        raise ValueError(f"found port {port}, expected 1 to {_LAST_PORT}")
    return FileLocation(scheme, match["host"], port)


def is_location(text: str) -> bool:
    """Tell whether a parameter may hold `text`: a location, or nothing."""
    try:
        return not text.strip() or bool(parse_location(text))
    except ValueError:
        return False


def location_parameters(node: str, texts: Iterable[str]) -> dict[tuple[str, str, str], str]:
    """Return the parameters that hold these locations, for `node` or ("") the cluster."""
    held = zip(ALTERNATE_FILE_LOCATIONS, texts, strict=False)
    return {(node, _SERVICE, name): text for name, text in held}


def location_texts(replica: Replica, node: str) -> tuple[str, ...]:
    """Return what the parameters of a node hold, in their order, without empty ones."""
    own = _held(replica.service_parameters, node)
    held = own or _held(replica.service_parameters, "")
    return tuple(text for text in held if text.strip())


def _held(parameters: Mapping[tuple[str, str, str], str], node: str) -> list[str]:
    keys = ((node, _SERVICE, name) for name in ALTERNATE_FILE_LOCATIONS)
    return [parameters[key] for key in keys if key in parameters]


@dataclass(frozen=True, slots=True)
class Found:
    """The location has the file: these bytes."""

    data: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{len(self.data)} bytes"


@dataclass(frozen=True, slots=True)
class Missing:
    """The location answers that it has no such file, or none that we take."""

    text: str = ""

    def __str__(self) -> str:
        return f"not found: {self.text}" if self.text else "not found"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The location is away, or its answer broke off; `is_silent` when it took us time to know."""

    text: str
    is_silent: bool = False

    def __str__(self) -> str:
        return f"no answer: {self.text}"


RemoteAnswer = Found | Missing | NoAnswer


class RemoteFiles(Protocol):
    """Gets files of other clusters; `daemons/remotefiles.py` does."""

    async def get(self, location: FileLocation, name: str) -> RemoteAnswer:
        """Ask one location for one file, in bounded time; raises nothing."""
        ...
