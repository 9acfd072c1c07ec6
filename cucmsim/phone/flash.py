"""What a phone keeps while it is off: trust lists, configuration, certificates, settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from cucmsim.errors import CucmsimError
from cucmsim.phone.values import Certified

__all__ = ["Flash", "FlashError"]


class FlashError(CucmsimError):
    """A flash directory cannot be read, written or had; says which file and why."""


@dataclass(frozen=True, slots=True)
class Flash:
    """The flash of a phone; `config` is the XML in force, `settings` what a person set on it."""

    ctl: bytes | None = field(default=None, repr=False)
    itl: bytes | None = field(default=None, repr=False)
    config: bytes | None = field(default=None, repr=False)
    lsc: Certified | None = None
    mic: Certified | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def active_certificate(self) -> Certified | None:
        """What the phone presents: its LSC, else its MIC (phone.md 2.6)."""
        return self.lsc or self.mic

    def without_trust_lists(self) -> "Flash":
        """Return the flash after "Erasing CTL and ITL files"."""
        return replace(self, ctl=None, itl=None)
