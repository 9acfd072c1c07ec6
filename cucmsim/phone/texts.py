"""The console texts that fit a phone: by its generation, and by the firmware its load names."""

import re
from typing import Protocol

from cucmsim.phone.console import ConsoleLine
from cucmsim.phone.texts78xx import Texts78xx
from cucmsim.phone.texts79xx import Texts79xx
from cucmsim.phone.values import Generation

__all__ = ["ConsoleTexts", "console_texts", "firmware_of"]

_VERSION = re.compile(r"\.(\d+)-(\d+)-\d+")
_NEWEST_KNOWN = (12, 1)


class ConsoleTexts(Protocol):
    """What puts events into words; give it every event of a phone, in order."""

    def render(self, event: object) -> tuple[ConsoleLine, ...]:
        """Return the lines that the log shows for `event`, none for what it is silent about."""
        ...


def console_texts(generation: Generation, load: str = "", *, debug: bool = True) -> ConsoleTexts:
    """Return the texts of `generation`; `load` is what the phone runs (`sip88xx.10-3-1-20`)."""
    if generation is Generation.SERIES_79XX:
        return Texts79xx()
    return Texts78xx(firmware_of(load) or _NEWEST_KNOWN, debug=debug)


def firmware_of(load: str) -> tuple[int, int] | None:
    """Return major and minor version that the name of a load holds, None where it holds none."""
    found = _VERSION.search(load)
    return (int(found[1]), int(found[2])) if found else None
