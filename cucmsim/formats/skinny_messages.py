"""What an SCCP phone sends: registration, alarms, questions about its buttons and lines.

`decode_request` reads a `Frame`; a message that nothing is known of stays one. Numbers are kept,
known or not. The MAC address of a registration is 6 bytes in a field of 12, as Wireshark reads it.

Source: Wireshark's dissector, chan-sccp, chan_skinny; the alarm text is the one that Cisco's
troubleshooting guides show (`25: Name=SEP001122334455 Load=8.0(9.0) Last=Initialized`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import (
    Alarm,
    AlarmParameter,
    RegistrationReason,
    format_alarm,
    parse_alarm,
)
from cucmsim.formats.reader import Reader
from cucmsim.formats.skinny import Frame, MessageId
from cucmsim.formats.skinny_layout import U8, U16, U32, Gap, Layout, Raw, Text, pack, unpack

__all__ = [
    "STATION_ALARM",
    "AvailableLines",
    "Capabilities",
    "IpPort",
    "LineStatRequest",
    "Plain",
    "Register",
    "Request",
    "StationAlarm",
    "TokenRequest",
    "Unregister",
    "XmlAlarm",
    "decode_request",
    "encode_request",
]

STATION_ALARM: Final = "StationAlarm"
"""What an alarm that is no XML is called here."""

_NO_ADDRESS = bytes(4)
_MOST_CODECS = 18
_XML_SIZE = 2000
_CODEC_REST = 8
_WORDS = re.compile(r"(?:([0-9]{1,9}):)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Register:
    """A phone wants to be registered; addresses are bytes in the order of the network.

    `device_type` is the number of its model, `protocol_version` the newest it speaks.
    """

    device_name: str
    user: int = 0
    instance: int = 1
    address: bytes = _NO_ADDRESS
    device_type: int = 0
    max_streams: int = 0
    active_streams: int = 0
    protocol_version: int = 0
    unknown: int = 0
    features: int = 0
    max_conferences: int = 0
    active_conferences: int = 0
    mac: bytes = field(default=bytes(6))
    address_scope: int = 0
    line_count: int = 0
    ipv6_address: bytes = field(default=bytes(16))
    ipv6_scope: int = 0
    load: str = ""
    config_stamp: str = ""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A phone asks whether it may come back to this server."""

    device_name: str
    user: int = 0
    instance: int = 1
    address: bytes = _NO_ADDRESS
    device_type: int = 0


@dataclass(frozen=True, slots=True)
class IpPort:
    """The port of the phone's media."""

    port: int


@dataclass(frozen=True, slots=True)
class LineStatRequest:
    """A phone asks what is on a line, counted from 1."""

    line: int


@dataclass(frozen=True, slots=True)
class AvailableLines:
    """How many lines the phone has."""

    count: int


@dataclass(frozen=True, slots=True)
class Unregister:
    """The phone leaves; `reason` is 0 where it tells none."""

    reason: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The codecs a phone has, each with the most frames it takes in a packet."""

    codecs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StationAlarm:
    """An alarm in one line of text."""

    severity: int
    text: str
    first: int = 0
    second: int = 0

    @property
    def reason(self) -> RegistrationReason:
        """What the text says about the last loss of service."""
        match = _WORDS.fullmatch(self.text)
        assert match is not None  # noqa: S101 - the expression takes any text
        told = dict(word.split("=", 1) for word in match[2].split() if "=" in word)
        number = None if match[1] is None else int(match[1])
        return RegistrationReason(
            number, told.get("Name", ""), told.get("Load", ""), last=told.get("Last", "")
        )

    @property
    def alarm(self) -> Alarm:
        """The same in the form in which alarms are kept."""
        numbers = (("AlarmSeverity", self.severity), ("Parm1", self.first), ("Parm2", self.second))
        severity, *rest = (
            AlarmParameter(name, str(value), is_enum=True) for name, value in numbers
        )
        return Alarm(STATION_ALARM, (severity, AlarmParameter("Text", self.text), *rest))


@dataclass(frozen=True, slots=True)
class XmlAlarm:
    """An alarm in XML, as SIP phones send it."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Plain:
    """A message without fields."""

    message_id: MessageId


Request: TypeAlias = (
    Register
    | TokenRequest
    | IpPort
    | LineStatRequest
    | AvailableLines
    | Unregister
    | Capabilities
    | StationAlarm
    | XmlAlarm
    | Plain
)
_Fixed: TypeAlias = (
    Register | TokenRequest | IpPort | LineStatRequest | AvailableLines | Unregister | StationAlarm
)

_STATION: Final[Layout] = (Text(16), U32, U32)
_REGISTER: Final[Layout] = (
    *_STATION,
    Raw(4),
    U32,
    U32,
    U32,  # from here on only newer phones
    U8,
    U8,
    U16,
    U32,
    U32,
    Raw(6),
    Gap(6),
    U32,
    U32,
    Raw(16),
    U32,
    Text(32),
    Text(48),
    Gap(16),  # Wireshark shows the stamp only where so much follows it
)
_LAYOUTS: Final[Mapping[int, tuple[Callable[..., _Fixed], Layout, int]]] = MappingProxyType(
    {
        MessageId.REGISTER: (Register, _REGISTER, 36),
        MessageId.REGISTER_TOKEN_REQUEST: (
            TokenRequest,
            (*_STATION, Raw(4), U32, Gap(20)),
            24,
        ),
        MessageId.IP_PORT: (IpPort, (U32,), 4),
        MessageId.LINE_STAT_REQUEST: (LineStatRequest, (U32,), 4),
        MessageId.AVAILABLE_LINES: (AvailableLines, (U32,), 4),
        MessageId.UNREGISTER: (Unregister, (U32,), 0),
        MessageId.ALARM: (StationAlarm, (U32, Text(80), U32, U32), 84),
    }
)
"""The messages of a fixed layout, and how many bytes must be there at least."""

_PLAIN: Final = frozenset(
    {
        MessageId.KEEPALIVE,
        MessageId.CONFIG_STAT_REQUEST,
        MessageId.TIME_DATE_REQUEST,
        MessageId.BUTTON_TEMPLATE_REQUEST,
        MessageId.VERSION_REQUEST,
        MessageId.SERVER_REQUEST,
        MessageId.SOFT_KEY_SET_REQUEST,
        MessageId.SOFT_KEY_TEMPLATE_REQUEST,
    }
)


def decode_request(frame: Frame) -> Request | Frame:
    """Read a message of a phone; one with a number that is none of these stays as it is.

    Raises FormatError when a known one is too short or its text is not printable.
    """
    known = _LAYOUTS.get(frame.message_id)
    if known is not None:
        kind, layout, least = known
        return _checked(unpack(kind, layout, frame.payload, least))
    if frame.message_id in _PLAIN:
        return Plain(MessageId(frame.message_id))
    if frame.message_id == MessageId.CAPABILITIES:
        return _decode_capabilities(frame.payload)
    if frame.message_id == MessageId.XML_ALARM:
        return XmlAlarm(parse_alarm(frame.payload.rstrip(b"\0")))
    return frame


def encode_request(request: Request) -> Frame:
    """Return the message. Raises OverflowError for a number that has no room."""
    match request:
        case Plain():
            return Frame(request.message_id)
        case XmlAlarm():
            data = format_alarm(request.alarm).ljust(_XML_SIZE, b"\0")
            return Frame(MessageId.XML_ALARM, data)
        case Capabilities():
            entries = [pack((U32, U32, Gap(8)), *codec) for codec in request.codecs]
            return Frame(MessageId.CAPABILITIES, pack((U32,), len(entries)) + b"".join(entries))
        case _:
            number = _NUMBERS[type(request)]
            return Frame(number, pack(_LAYOUTS[number][1], *astuple(request)))


_NUMBERS: Final = {kind: number for number, (kind, _, _) in _LAYOUTS.items()}


def _checked(message: _Fixed) -> _Fixed:
    """Return a message whose name can be shown. Raises FormatError."""
    name = message.device_name if isinstance(message, Register | TokenRequest) else "-"
    if not name or not name.isprintable():
        raise FormatError(f"the device name {name!r}, expected printable characters", 12)
    return message


def _decode_capabilities(payload: bytes) -> Capabilities:
    reader = Reader(payload, base=12)
    count = int.from_bytes(reader.take(4), "little")
    if count > _MOST_CODECS:
        raise FormatError(f"{count} codecs, expected at most {_MOST_CODECS}", 12)
    return Capabilities(tuple(_codec(reader) for _ in range(count)))


def _codec(reader: Reader) -> tuple[int, int]:
    number, frames = (int.from_bytes(reader.take(4), "little") for _ in range(2))
    reader.take(_CODEC_REST)
    return number, frames
