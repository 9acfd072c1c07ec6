"""What a server sends to an SCCP phone: registration, orders, and what is on its buttons.

`decode_answer` reads a `Frame`; a message that nothing is known of stays one. All in the basic
layouts, which phones of every age read. A button template has room for 42 buttons; the
places for soft keys (32) and their sets (16) are written empty.

Source: Wireshark's dissector, chan-sccp, chan_skinny.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader
from cucmsim.formats.skinny import Frame, MessageId
from cucmsim.formats.skinny_layout import U8, U16, U32, Gap, Layout, Text, pack, unpack

__all__ = [
    "LINE_BUTTON",
    "Answer",
    "ButtonTemplate",
    "ConfigStat",
    "LineStat",
    "NoFields",
    "NoSoftKeys",
    "RegisterAck",
    "RegisterReject",
    "Reset",
    "ResetType",
    "Server",
    "Servers",
    "TimeDate",
    "TokenAck",
    "TokenReject",
    "UnregisterAck",
    "Version",
    "decode_answer",
    "encode_answer",
]

LINE_BUTTON: Final = 9

_BUTTONS = 42
_UNUSED: Final = (0, 255)
_SERVERS = 5
_COUNTS: Final[Layout] = (U32, U32, U32)
_SOFT_KEY_SIZES: Final = {
    MessageId.SOFT_KEY_TEMPLATE: 12 + 32 * 20,
    MessageId.SOFT_KEY_SETS: 12 + 16 * 48,
}


class ResetType(IntEnum):
    """What a phone is told to do."""

    RESET = 1
    RESTART = 2
    APPLY_CONFIG = 3


@dataclass(frozen=True, slots=True)
class RegisterAck:
    """The phone is registered; intervals in seconds, the second one towards the standby."""

    keepalive_s: int
    date_template: str = "M/D/Y"
    standby_keepalive_s: int = 0
    protocol_version: int = 0
    unknown: int = 0
    features: int = 0


@dataclass(frozen=True, slots=True)
class RegisterReject:
    """It is not; `text` is what the phone shows, at most 31 characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Reset:
    """An order; `kind` is one of `ResetType`, known or not."""

    kind: int


@dataclass(frozen=True, slots=True)
class UnregisterAck:
    """The phone is registered no more; 0 is success."""

    status: int = 0


@dataclass(frozen=True, slots=True)
class TokenAck:
    """The phone may come back."""

    features: int = 0


@dataclass(frozen=True, slots=True)
class TokenReject:
    """It may not, for so many seconds."""

    wait_s: int


@dataclass(frozen=True, slots=True)
class LineStat:
    """A line: its number, what the others see, and what the phone shows."""

    line: int
    number: str = ""
    display: str = ""
    label: str = ""
    options: int = 0


@dataclass(frozen=True, slots=True)
class ConfigStat:
    """What the server knows of the phone."""

    device_name: str
    user: int = 0
    instance: int = 1
    user_name: str = ""
    server_name: str = ""
    line_count: int = 0
    speed_dial_count: int = 0


@dataclass(frozen=True, slots=True)
class TimeDate:
    """The time that the phone shows, and the same in unix seconds; Sunday is day 0."""

    year: int
    month: int
    weekday: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int
    unix_time: int

    @classmethod
    def of(cls, now: datetime) -> "TimeDate":
        """Return `now` in its own time zone."""
        seconds = int(now.astimezone(UTC).timestamp())
        return cls(
            now.year,
            now.month,
            now.isoweekday() % 7,
            now.day,
            now.hour,
            now.minute,
            now.second,
            now.microsecond // 1000,
            seconds,
        )


@dataclass(frozen=True, slots=True)
class Version:
    """The load that the phone should have."""

    load: str


@dataclass(frozen=True, slots=True)
class Server:
    """A member of the phone's group; `address` is 4 bytes in the order of the network."""

    name: str
    port: int
    address: bytes = field(default=bytes(4))


@dataclass(frozen=True, slots=True)
class Servers:
    """The group in order, at most five."""

    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class ButtonTemplate:
    """The phone's buttons in order: instance and kind of each, `LINE_BUTTON` for a line."""

    buttons: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class NoSoftKeys:
    """An answer about soft keys that names none: SOFT_KEY_TEMPLATE or SOFT_KEY_SETS."""

    message_id: MessageId


@dataclass(frozen=True, slots=True)
class NoFields:
    """An answer without fields: KEEPALIVE_ACK, CAPABILITIES_REQUEST."""

    message_id: MessageId


_Fixed: TypeAlias = (
    RegisterAck
    | RegisterReject
    | Reset
    | UnregisterAck
    | TokenAck
    | TokenReject
    | LineStat
    | ConfigStat
    | TimeDate
    | Version
)
Answer: TypeAlias = _Fixed | Servers | ButtonTemplate | NoSoftKeys | NoFields

_ACK: Final[Layout] = (U32, Text(6, is_full=True), Gap(2), U32, U8, U8, U16)
_LINE: Final[Layout] = (U32, Text(24), Text(40), Text(40), U32)
_CONFIG: Final[Layout] = (Text(16), U32, U32, Text(40), Text(40), U32, U32)
_LAYOUTS: Final[Mapping[int, tuple[Callable[..., _Fixed], Layout, int]]] = MappingProxyType(
    {
        MessageId.REGISTER_ACK: (RegisterAck, _ACK, 16),
        MessageId.REGISTER_REJECT: (RegisterReject, (Text(32),), 0),
        MessageId.RESET: (Reset, (U32,), 4),
        MessageId.UNREGISTER_ACK: (UnregisterAck, (U32,), 4),
        MessageId.REGISTER_TOKEN_ACK: (TokenAck, (U32,), 0),
        MessageId.REGISTER_TOKEN_REJECT: (TokenReject, (U32,), 4),
        MessageId.LINE_STAT: (LineStat, _LINE, 108),
        MessageId.CONFIG_STAT: (ConfigStat, _CONFIG, 112),
        MessageId.TIME_DATE: (TimeDate, (U32,) * 9, 36),
        MessageId.VERSION: (Version, (Text(16),), 1),
    }
)
"""The messages of a fixed layout, and how many bytes must be there at least."""

_NUMBERS: Final = {kind: number for number, (kind, _, _) in _LAYOUTS.items()}
_NO_FIELDS: Final = frozenset({MessageId.KEEPALIVE_ACK, MessageId.CAPABILITIES_REQUEST})


def decode_answer(frame: Frame) -> Answer | Frame:
    """Read a message of a server; one with a number that is none of these stays as it is.

    Raises FormatError when a known one is too short.
    """
    known = _LAYOUTS.get(frame.message_id)
    if known is not None:
        kind, layout, least = known
        return unpack(kind, layout, frame.payload, least)
    if frame.message_id in _NO_FIELDS:
        return NoFields(MessageId(frame.message_id))
    if frame.message_id in _SOFT_KEY_SIZES:
        return NoSoftKeys(MessageId(frame.message_id))
    if frame.message_id == MessageId.BUTTON_TEMPLATE:
        return ButtonTemplate(tuple(_buttons(Reader(frame.payload, base=12))))
    if frame.message_id == MessageId.SERVERS:
        return Servers(tuple(_servers(Reader(frame.payload, base=12))))
    return frame


def encode_answer(answer: Answer) -> Frame:
    """Return the message. Raises OverflowError for a number that has no room."""
    match answer:
        case NoFields():
            return Frame(answer.message_id)
        case NoSoftKeys():
            return Frame(answer.message_id, bytes(_SOFT_KEY_SIZES[answer.message_id]))
        case ButtonTemplate():
            return Frame(MessageId.BUTTON_TEMPLATE, _packed_buttons(answer.buttons[:_BUTTONS]))
        case Servers():
            return Frame(MessageId.SERVERS, _packed_servers(answer.servers[:_SERVERS]))
        case _:
            number = _NUMBERS[type(answer)]
            return Frame(number, pack(_LAYOUTS[number][1], *astuple(answer)))


def _buttons(reader: Reader) -> Iterator[tuple[int, int]]:
    _, count, _ = (int.from_bytes(reader.take(4), "little") for _ in _COUNTS)
    if count > _BUTTONS:
        raise FormatError(f"{count} buttons, expected at most {_BUTTONS}", 16)
    for _ in range(count):
        yield reader.u8(), reader.u8()


def _packed_buttons(buttons: tuple[tuple[int, int], ...]) -> bytes:
    filled = (*buttons, *[_UNUSED] * (_BUTTONS - len(buttons)))
    counts = pack(_COUNTS, 0, len(buttons), len(buttons))
    return counts + b"".join(pack((U8, U8), *button) for button in filled)


def _servers(reader: Reader) -> Iterator[Server]:
    """Give the places that hold a name."""
    names = [reader.take(48).split(b"\0", 1)[0].decode("latin-1") for _ in range(_SERVERS)]
    ports = [int.from_bytes(reader.take(4), "little") for _ in range(_SERVERS)]
    addresses = [reader.take(4) for _ in range(_SERVERS)]
    for name, port, address in zip(names, ports, addresses, strict=True):
        if name:
            yield Server(name, port, address)


def _packed_servers(servers: tuple[Server, ...]) -> bytes:
    filled = (*servers, *[Server("", 0)] * (_SERVERS - len(servers)))
    names = b"".join(pack((Text(48),), server.name) for server in filled)
    ports = b"".join(pack((U32,), server.port) for server in filled)
    return names + ports + b"".join(server.address for server in filled)
