"""What a configuration says of a thing, as text to remember and to compare.

The text is JSON with the fields that are not as usual; 40,000 phones are told in half a second.
Fields that the store or CAPF keeps are no part of it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from operator import attrgetter

from cucmsim.store.rows import (
    CallManagerGroup,
    Device,
    DevicePool,
    Line,
    PhoneSecurityProfile,
    ProcessNode,
    TftpFile,
)

__all__ = ["Row", "changes", "said"]

Row = ProcessNode | CallManagerGroup | DevicePool | PhoneSecurityProfile | Device | TftpFile

_STORE_ONLY = frozenset(
    (
        "name",
        "pkid",
        "nodeid",
        "versionstamp",
        "date_time_group_pkid",
        "ctiid",
        "certificate_status",
        "operation_expires",
        "wrong_strings",
        "locked_until",
        "lsc_der",
        "mic_der",
        "lsc_valid_until",
        "lsc_issuer",
        "lsc_issuer_valid_until",
    )
)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The fields of a kind of row that a description speaks of, and what they usually are."""

    names: tuple[str, ...]
    usual: tuple[object, ...]
    read: Callable[[Row], tuple[object, ...]]

    @classmethod
    def of(cls, kind: type[Row]) -> "_Spoken":
        """Look at the fields of a dataclass."""
        spoken = [entry for entry in fields(kind) if entry.name not in _STORE_ONLY]
        names = tuple(entry.name for entry in spoken)
        usual = tuple(
            entry.default if entry.default_factory is MISSING else entry.default_factory()
            for entry in spoken
        )
        return cls(names, usual, attrgetter(*names))


_SPOKEN: Mapping[type, _Spoken] = {
    kind: _Spoken.of(kind)
    for kind in (
        ProcessNode,
        CallManagerGroup,
        DevicePool,
        PhoneSecurityProfile,
        Device,
        TftpFile,
    )
}


def said(row: Row | str) -> str:
    """Return what a description says of a thing; a parameter's value as it is."""
    if isinstance(row, str):
        return row
    spoken = _SPOKEN[type(row)]
    told = zip(spoken.names, spoken.usual, spoken.read(row), strict=True)
    return _JSON.encode({name: value for name, usual, value in told if value != usual})


def changes(wanted: Row, held: Row, now: str, before: str | None) -> list[str]:
    """Return the fields of which a description says something new that the store does not have.

    `now` is what it says of `wanted`, `before` what it said last, None when it did not speak of it.
    """
    new, old = json.loads(now), json.loads(before or "null")
    return [
        name
        for name in _SPOKEN[type(wanted)].names
        if (old is None or new.get(name) != old.get(name))
        and getattr(wanted, name) != getattr(held, name)
    ]


def _plain(value: object) -> object:
    """Return as JSON what JSON does not know: static files by their hash, lines, ports."""
    match value:
        case bytes():
            return hashlib.sha256(value).hexdigest()
        case Line():
            return [value.number, value.label, value.display]
        case Mapping():
            return dict(value)
    raise TypeError(f"found {type(value).__name__} in a row, expected what JSON can tell")


_JSON = json.JSONEncoder(sort_keys=True, default=_plain)
