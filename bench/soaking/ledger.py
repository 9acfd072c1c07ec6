"""What was announced: for each thing that is changed, the value that the cluster said it has now.

A change whose outcome nobody was told (the connection broke) leaves the thing in doubt: old and
new value are both right, until the database is looked at in a quiet moment. It is left alone then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

__all__ = ["ANYTHING", "GONE", "Entry", "Key", "Ledger"]

Key: TypeAlias = tuple[str, ...]
"""What a value belongs to: `("description", "SEP...")`."""
GONE: Final = "(gone)"
ANYTHING: Final = "(anything)"


@dataclass(slots=True)
class Entry:
    """A value that was announced, the version that has it, and in `doubts` what may be instead."""

    value: str
    version: int
    revision: int = 0
    doubts: set[str] = field(default_factory=set)

    def allows(self, value: str) -> bool:
        """Tell whether a value that was found is right."""
        return value == self.value or value in self.doubts or ANYTHING in self.doubts


@dataclass
class Ledger:
    """All entries; `announced` counts changes, `doubtful` those of which nobody was told."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    announced: int = 0
    doubtful: int = 0

    def expect(self, key: Key, value: str) -> None:
        """Take what was there from the beginning."""
        self.entries[key] = Entry(value, 0)

    def announce(self, key: Key, value: str, version: int) -> None:
        """Take a change that was announced, and that is in `version` at the latest."""
        old = self.entries.get(key)
        revision = 0 if old is None else old.revision + 1
        self.entries[key] = Entry(value, version, revision)
        self.announced += 1

    def doubt(self, key: Key, value: str) -> None:
        """Take a change of which nobody knows whether it was made."""
        entry = self.entries.setdefault(key, Entry(GONE, 0))
        entry.doubts.add(value)
        entry.revision += 1
        self.doubtful += 1

    def is_certain(self, key: Key) -> bool:
        """Tell whether a thing is in no doubt."""
        entry = self.entries.get(key)
        return entry is None or not entry.doubts

    def settle(self, found: Mapping[Key, str]) -> None:
        """End doubts by what the database was found to hold."""
        for key, entry in self.entries.items():
            if entry.doubts and entry.allows(found.get(key, GONE)):
                entry.value = found.get(key, GONE)
                entry.doubts.clear()
                entry.revision += 1

    def differences(self, found: Mapping[Key, str], kinds: tuple[str, ...]) -> list[str]:
        """Return, in words, where what was found is not what was announced."""
        return [
            f"{' '.join(key)}: found {found.get(key, GONE)!r}, expected {entry.value!r}"
            + (f" or {sorted(entry.doubts)}" if entry.doubts else "")
            + (f", announced in version {entry.version}" if entry.version else "")
            for key, entry in self.entries.items()
            if key[0] in kinds and not entry.allows(found.get(key, GONE))
        ]
