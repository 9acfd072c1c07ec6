"""What happens while a phone looks for its TFTP servers through DHCP; see `events`. All are (I/O).

Which words a real phone's console has for it was not published: the lines are ours.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "DhcpAnswered",
    "DhcpAsked",
    "DhcpEvent",
    "DhcpOffered",
    "DhcpRefused",
    "DhcpTimedOut",
    "ServerSource",
]


class ServerSource(StrEnum):
    """Where the TFTP servers stood, in the order in which a phone looks (phone.md 1.1)."""

    OPTION_150 = "option 150"
    OPTION_66 = "option 66"
    NEXT_SERVER = "next server"
    LAST_RESORT = "last resort"
    """The DNS name `CiscoCM1`."""


@dataclass(frozen=True, slots=True)
class DhcpAsked:
    """A message went out, the `count`-th time: `kind` is `INFORM`, `DISCOVER` or `REQUEST`."""

    interface: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class DhcpOffered:
    """A server offers an address, which the phone requests."""

    server: str
    address: str


@dataclass(frozen=True, slots=True)
class DhcpRefused:
    """A server refuses the address that was requested."""

    reason: str


@dataclass(frozen=True, slots=True)
class DhcpAnswered:
    """A server answered; `servers` are the TFTP servers that the phone takes."""

    server: str
    servers: tuple[str, ...]
    source: ServerSource


@dataclass(frozen=True, slots=True)
class DhcpTimedOut:
    """Nobody answered. Status: `DHCP timeout`."""

    interface: str


DhcpEvent = DhcpAsked | DhcpOffered | DhcpRefused | DhcpAnswered | DhcpTimedOut
