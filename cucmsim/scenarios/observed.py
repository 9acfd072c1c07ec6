"""What a phone did at a boot, as a scenario judges it: one's own phone, or somebody's device.

Of our own phone everything is known. Of a device only what it did on the wire: which files it
fetched, what it asked TVS, what it said of its trust lists, where it registered. What cannot be
told from that is None.
"""

from dataclasses import dataclass
from typing import Final

from cucmsim.cluster.journalapi import EventReport
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, TrustSource

__all__ = ["BootReport", "DirectoryReport", "report_of"]

_NONE: Final = "not served"


@dataclass(frozen=True, slots=True)
class BootReport:
    """What came of a boot.

    `sources` says for each kind of file that is in force now why it was taken, None: it was held
    before; `refused` which kinds were not; `names` are the files in force. They are None where they
    cannot be known. `exchanges` are those of the phone with the cluster meanwhile, `messages` what
    its screen said.

    Of a device (`is_device`) `sources` has only what could be told from the wire, and `is_current`
    is whether it says that it holds the trust lists that are served now.
    """

    phone: str
    registered: str | None
    exchanges: tuple[EventReport, ...]
    sources: dict[FileKind, TrustSource | None] | None
    refused: dict[FileKind, str] | None
    names: tuple[str, ...] | None = None
    messages: tuple[str, ...] | None = None
    failure: str = ""
    is_device: bool = False
    is_current: bool | None = None

    @property
    def follows(self) -> bool | None:
        """Whether it took what it was given, and has a configuration it could check."""
        if self.is_device:
            return self.is_current and self.registered is not None
        if self.sources is None or self.refused is None:
            return None
        return not self.refused and FileKind.CONFIG in self.sources

    @property
    def is_locked(self) -> bool | None:
        """Whether it took nothing of what it was given, and refused some."""
        if self.is_device:
            return None if self.is_current is None else not self.is_current
        if self.sources is None or self.refused is None:
            return None
        return bool(self.refused) and not self.sources

    @property
    def questions(self) -> tuple[EventReport, ...]:
        """What it asked TVS."""
        return tuple(one for one in self.exchanges if one.service == "tvs")

    def shows(self, text: str) -> bool | None:
        """Tell whether its screen said something, in capitals or not; None: that is not seen."""
        if self.messages is None:
            return None
        return any(text.lower() in message.lower() for message in self.messages)

    def source(self, kind: FileKind) -> str | None:
        """Return why a kind of file was taken, in words; None where that cannot be known."""
        if self.sources is None:
            return None
        if kind not in self.sources:
            if self.is_device:
                return None
            return (self.refused or {}).get(kind, _NONE)
        source = self.sources[kind]
        return "held before" if source is None else source.value

    def source_named(self, kind: str) -> str | None:
        """Return why a kind of file, by its name, was taken; None where that cannot be known."""
        return self.source(FileKind(kind))

    def refusal_named(self, kind: str) -> str | None:
        """Return why a kind of file was refused, "" if it was not; None where nobody knows."""
        return None if self.refused is None else self.refused.get(FileKind(kind), "")


@dataclass(frozen=True, slots=True)
class DirectoryReport:
    """What came of pressing the directory button; title and failure as on the screen, if seen."""

    phone: str
    exchanges: tuple[EventReport, ...]
    title: str | None
    failure: str | None

    @property
    def questions(self) -> tuple[EventReport, ...]:
        """What TVS was asked."""
        return tuple(one for one in self.exchanges if one.service == "tvs")


def report_of(
    phone: str, summary: BootSummary, exchanges: tuple[EventReport, ...], messages: tuple[str, ...]
) -> BootReport:
    """Return the report of a boot of our own phone."""
    return BootReport(
        phone=phone,
        registered=summary.registered,
        exchanges=exchanges,
        sources={each.kind: each.source for each in summary.accepted},
        refused={each.kind: each.reason.value for each in summary.refused},
        names=tuple(each.name for each in summary.accepted),
        messages=messages,
        failure=summary.failure,
    )
