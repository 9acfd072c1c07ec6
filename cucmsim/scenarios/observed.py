"""What a phone did at a boot, as a scenario judges it: one's own phone, or somebody's device.

Of our own phone everything is known. Of a device only what it did on the wire: which files it
fetched, what it asked TVS, what it said of its trust lists, where it registered. What cannot be
told from that is `UNKNOWN` when it is asked for; None is a value like any other.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from cucmsim.cluster.journalapi import EventReport
from cucmsim.phone.summary import BootSummary
from cucmsim.phone.values import FileKind, TrustSource

__all__ = ["UNKNOWN", "BootReport", "DirectoryReport", "Unknown", "report_of"]

_NONE: Final = "not served"


class _Marker(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Marker.UNKNOWN
"""What cannot be known of a device."""

Unknown: TypeAlias = Literal[_Marker.UNKNOWN]


@dataclass(frozen=True, slots=True)
class BootReport:
    """What came of a boot.

    `sources` says for each kind of file that is in force now why it was taken, None: it was held
    before; `refused` which kinds were not; `names` are the files in force. They are None where they
    cannot be known, and so are `messages`, what its screen said. `registered` is the node where it
    did, None: nowhere; that is seen of a device too. `exchanges` are those with the cluster.

    Of a device (`is_device`) `sources` has only what could be told from the wire, and `is_current`
    is whether it says that it holds the trust lists that are served now, None: it says nothing.
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
    def follows(self) -> bool | Unknown:
        """Whether it took what it was given, and has a configuration it could check.

        A device has to register besides.
        """
        if self.is_device:
            if self.registered is None:
                return False
            return UNKNOWN if self.is_current is None else self.is_current
        if self.sources is None or self.refused is None:
            return UNKNOWN
        return not self.refused and FileKind.CONFIG in self.sources

    @property
    def is_locked(self) -> bool | Unknown:
        """Whether it took nothing of what it was given, and refused some."""
        if self.is_device:
            return UNKNOWN if self.is_current is None else not self.is_current
        if self.sources is None or self.refused is None:
            return UNKNOWN
        return bool(self.refused) and not self.sources

    @property
    def questions(self) -> tuple[EventReport, ...]:
        """What it asked TVS."""
        return tuple(one for one in self.exchanges if one.service == "tvs")

    def shows(self, text: str) -> bool | Unknown:
        """Tell whether its screen said something, in capitals or not."""
        if self.messages is None:
            return UNKNOWN
        return any(text.lower() in message.lower() for message in self.messages)

    def source(self, kind: FileKind) -> str | Unknown:
        """Return why a kind of file was taken, or refused, in words."""
        if self.sources is None:
            return UNKNOWN
        if kind not in self.sources:
            if self.is_device:
                return UNKNOWN
            return (self.refused or {}).get(kind, _NONE)
        source = self.sources[kind]
        return "held before" if source is None else source.value

    def source_named(self, kind: str) -> str | Unknown:
        """Return why a kind of file, by its name, was taken."""
        return self.source(FileKind(kind))

    def refusal_named(self, kind: str) -> str | Unknown:
        """Return why a kind of file, by its name, was refused, "" if it was not."""
        return UNKNOWN if self.refused is None else self.refused.get(FileKind(kind), "")

    def refuses(self, kind: FileKind) -> bool | Unknown:
        """Tell whether a kind of file was refused."""
        return UNKNOWN if self.refused is None else kind in self.refused

    def takes(self, name: str) -> bool | Unknown:
        """Tell whether a file, by its name, is in force."""
        return UNKNOWN if self.names is None else name in self.names


@dataclass(frozen=True, slots=True)
class DirectoryReport:
    """What came of pressing the directory button; title and failure as on the screen."""

    phone: str
    exchanges: tuple[EventReport, ...]
    title: str | Unknown | None
    failure: str | Unknown | None

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
