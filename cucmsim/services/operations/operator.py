"""What operations work with, and what they give back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from cucmsim.clock import Clock
from cucmsim.entropy import Entropy
from cucmsim.pki.profiles import SubjectFields, Unit
from cucmsim.pki.release import Release
from cucmsim.services.certificates import UnitSettings
from cucmsim.store.replica import Replica
from cucmsim.store.store import Store

__all__ = ["CertificateSettings", "Operator", "Outcome", "Restart"]


class CertificateSettings(Protocol):
    """What the description says of certificates."""

    @property
    def subject(self) -> SubjectFields:
        """The subject fields that every certificate shares."""
        ...

    def of(self, unit: Unit) -> UnitSettings:
        """Return what it says of a unit."""
        ...


@dataclass(frozen=True, slots=True)
class Operator:
    """The cluster as operations see it; `newest` brings what this process knows up to date.

    `security_password` is what the description says; `securitypassword.py` tells what it is now.
    """

    store: Store
    newest: Callable[[], Awaitable[Replica]]
    release: Release
    certificates: CertificateSettings
    clock: Clock
    entropy: Entropy
    security_password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Restart:
    """A service, by Cisco's name, that has to be restarted; on the node itself or on every one."""

    service: str
    every_node: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an operation.

    `lines` are the server's words. `restarts` is what the administrator has to restart, `automatic`
    what the nodes restart by themselves; `resets_phones`: registered phones are reset then.
    """

    lines: tuple[str, ...]
    restarts: tuple[Restart, ...] = ()
    automatic: tuple[Restart, ...] = ()
    resets_phones: bool = False
