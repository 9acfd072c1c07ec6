"""`install/system-history.log` of a node: which version was installed, started, switched to.

    =======================================
    Product Name -    Cisco Unified Communications Manager
    Product Version - 12.5.1.10000-1
    =======================================
    11/21/2026 13:20:00 | root: Install 12.5.1.10000-1 Started
    11/21/2026 13:20:00 | root: Install 12.5.1.10000-1 Success
    11/21/2026 13:20:00 | root: Boot 12.5.1.10000-1 Start

Source: the form is that of the platform's own file, by general knowledge; times are UTC.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cucmsim.clock import Clock
from cucmsim.services.operations.versions import Sides

__all__ = ["SystemHistory", "changes"]

_RULE = "=" * 39
_HEAD = (
    _RULE,
    "Product Name -    Cisco Unified Communications Manager",
    "Product Version - {}",
    _RULE,
)


class SystemHistory:
    """The file below a node's log directory. One that cannot be written costs its lines alone."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / "install" / "system-history.log"
        self._clock = clock

    def boot(self, version: str) -> None:
        """Note that the node came up; before that its installation, the first time."""
        if not self._path.exists():
            self._write(line.format(version) for line in _HEAD)
            self.note(f"Install {version} {how}" for how in ("Started", "Success"))
        self.note([f"Boot {version} Start"])

    def note(self, events: Iterable[str]) -> None:
        """Write events with the time it is now."""
        stamp = f"{self._clock.now():%m/%d/%Y %H:%M:%S}"
        self._write(f"{stamp} | root: {event}" for event in events)

    def _write(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        if not text:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)


def changes(old: Sides, new: Sides) -> Iterator[str]:
    """Yield what happened between two states of a node's versions."""
    was, is_now = old.installation, new.installation
    if is_now is not None and is_now != was:
        yield f"Upgrade {is_now.version} Start"
    if was is not None and is_now is None:
        how = "Success" if new.holds(was.version) else "Failed"
        yield f"Upgrade {was.version} {how}"
    if old.active != new.active:
        for how in ("Start", "Success"):
            yield f"Switch Version {old.active} to {new.active} {how}"
        yield f"Boot {new.active} Start"
