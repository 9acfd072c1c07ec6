"""The status messages of a phone: the latest 30, each with the time of day it appeared.

The texts are those that phones show (phone.md 3.1); which event shows which text is in
texts79xx.py and texts78xx.py. A 79xx writes `9:52:58p No Trust List Installed`, a 78xx or 88xx
`[8:54:12am 08/20/19] No Trust List installed`. Pure: the moment is given, in the phone's time.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from cucmsim.formats.models import Generation

__all__ = ["STATUS_LIMIT", "StatusList", "StatusMessage"]

STATUS_LIMIT = 30
_NOON = 12


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """One message and when it appeared."""

    moment: datetime
    text: str

    def format(self, generation: Generation) -> str:
        """Return the message as the phone's page and its status menu show it."""
        hour = self.moment.hour % _NOON or _NOON
        clock = f"{hour}:{self.moment:%M:%S}"
        half = "a" if self.moment.hour < _NOON else "p"
        if generation is Generation.SERIES_79XX:
            return f"{clock}{half} {self.text}"
        return f"[{clock}{half}m {self.moment:%m/%d/%y}] {self.text}"


@dataclass(frozen=True, slots=True)
class StatusList:
    """The messages kept, the oldest first."""

    messages: tuple[StatusMessage, ...] = ()

    def add(self, moment: datetime, text: str) -> "StatusList":
        """Return the list with one more message, the oldest dropped beyond the limit."""
        messages = (*self.messages, StatusMessage(moment, text))
        return replace(self, messages=messages[-STATUS_LIMIT:])
