"""What a server tells a registered SCCP phone about itself: buttons, lines, servers, the time."""

from dataclasses import dataclass
from datetime import datetime

from cucmsim.formats.skinny import MessageId
from cucmsim.formats.skinny_answers import (
    LINE_BUTTON,
    Answer,
    ButtonTemplate,
    ConfigStat,
    LineStat,
    NoSoftKeys,
    Server,
    Servers,
    TimeDate,
    Version,
)
from cucmsim.formats.skinny_messages import LineStatRequest, Plain

__all__ = ["Station", "StationLine"]


@dataclass(frozen=True, slots=True)
class StationLine:
    """A line: its number, what others see, what the phone shows."""

    number: str
    display: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """A phone as its server knows it; `servers` is its group in order, `load` what it should run.

    The phone has one button a line, and no soft keys.
    """

    device_name: str
    server_name: str
    lines: tuple[StationLine, ...] = ()
    servers: tuple[Server, ...] = ()
    load: str = ""

    def answer(self, request: Plain | LineStatRequest, now: datetime) -> Answer:
        """Return the answer to anything but a keepalive."""
        if isinstance(request, LineStatRequest):
            return self._line(request.line)
        match request.message_id:
            case MessageId.BUTTON_TEMPLATE_REQUEST:
                places = range(1, len(self.lines) + 1)
                return ButtonTemplate(tuple((place, LINE_BUTTON) for place in places))
            case MessageId.SOFT_KEY_TEMPLATE_REQUEST:
                return NoSoftKeys(MessageId.SOFT_KEY_TEMPLATE)
            case MessageId.SOFT_KEY_SET_REQUEST:
                return NoSoftKeys(MessageId.SOFT_KEY_SETS)
            case MessageId.TIME_DATE_REQUEST:
                return TimeDate.of(now)
            case MessageId.VERSION_REQUEST:
                return Version(self.load)
            case MessageId.SERVER_REQUEST:
                return Servers(self.servers)
            case _:
                return ConfigStat(
                    self.device_name, server_name=self.server_name, line_count=len(self.lines)
                )

    def _line(self, place: int) -> LineStat:
        """Return a line; one that the phone does not have is empty."""
        if not 1 <= place <= len(self.lines):
            return LineStat(place)
        line = self.lines[place - 1]
        return LineStat(place, line.number, line.display, line.label or line.number)
