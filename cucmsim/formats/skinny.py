"""SCCP ("Skinny") on the wire: messages cut out of a byte stream, and their numbers.

    length 4 | version 4 | message id 4 | payload

Little-endian. `length` counts message id and payload; `version` is 0 for the basic layouts, which
are the only ones written here. A message with an unknown number is a `Frame` like any other.
Whatever is wrong with a length ends the connection: what follows cannot be found any more.

Source: Wireshark's dissector (packet-skinny, 4.0), which is the second reader in the tests;
chan-sccp and chan_skinny agree. Wireshark gives 0x11A and 0x11B to the answers about tokens.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from cucmsim.errors import FormatError
from cucmsim.formats.reader import Reader

__all__ = ["HEADER_SIZE", "LARGEST", "Frame", "FrameStream", "MessageId", "encode_frame"]

HEADER_SIZE = 12
LARGEST = 8192
"""The largest `length` that is read: an alarm in XML has some 2000 bytes, nothing has more."""

_ID_SIZE = 4


class MessageId(IntEnum):
    """The messages of registration."""

    KEEPALIVE = 0x0000
    REGISTER = 0x0001
    IP_PORT = 0x0002
    LINE_STAT_REQUEST = 0x000B
    CONFIG_STAT_REQUEST = 0x000C
    TIME_DATE_REQUEST = 0x000D
    BUTTON_TEMPLATE_REQUEST = 0x000E
    VERSION_REQUEST = 0x000F
    CAPABILITIES = 0x0010
    SERVER_REQUEST = 0x0012
    ALARM = 0x0020
    SOFT_KEY_SET_REQUEST = 0x0025
    UNREGISTER = 0x0027
    SOFT_KEY_TEMPLATE_REQUEST = 0x0028
    REGISTER_TOKEN_REQUEST = 0x0029
    AVAILABLE_LINES = 0x002D
    REGISTER_ACK = 0x0081
    LINE_STAT = 0x0092
    CONFIG_STAT = 0x0093
    TIME_DATE = 0x0094
    BUTTON_TEMPLATE = 0x0097
    VERSION = 0x0098
    CAPABILITIES_REQUEST = 0x009B
    REGISTER_REJECT = 0x009D
    SERVERS = 0x009E
    RESET = 0x009F
    KEEPALIVE_ACK = 0x0100
    SOFT_KEY_TEMPLATE = 0x0108
    SOFT_KEY_SETS = 0x0109
    UNREGISTER_ACK = 0x0118
    REGISTER_TOKEN_ACK = 0x011A
    REGISTER_TOKEN_REJECT = 0x011B
    XML_ALARM = 0x015A


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as on the wire."""

    message_id: int
    payload: bytes = field(default=b"", repr=False)
    version: int = 0

    @property
    def name(self) -> str:
        """What to call it: `REGISTER`, or `message 0x0026` where the number is not known."""
        try:
            return MessageId(self.message_id).name
        except ValueError:
            return f"message 0x{self.message_id:04X}"


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a message."""
    numbers = (_ID_SIZE + len(frame.payload), frame.version, frame.message_id)
    return b"".join(number.to_bytes(4, "little") for number in numbers) + frame.payload


class FrameStream:
    """Collects bytes and gives out whole messages; `largest` bounds `length`."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no part of a message is held."""
        return not self._buffer

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """Take the next whole message out; None when there is none yet. Raises FormatError."""
        if len(self._buffer) < _ID_SIZE:
            return None
        size = int.from_bytes(self._buffer[:4], "little")
        if not _ID_SIZE <= size <= self._largest:
            raise FormatError(f"a message of {size} bytes, expected 4 to {self._largest}", 0)
        end = HEADER_SIZE - _ID_SIZE + size
        if len(self._buffer) < end:
            return None
        reader = Reader(bytes(self._buffer[4:end]), base=4)
        del self._buffer[:end]
        version, number = (int.from_bytes(reader.take(4), "little") for _ in range(2))
        return Frame(number, reader.take(reader.remaining), version)
