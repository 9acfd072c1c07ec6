"""The messages of the Trust Verification Service (TVS, TCP 2445).

A message is `0x57`, version 1, its type, a reserved byte, the session id (4 bytes), the length of
the elements (2), and the elements: tag (1), length (2), value. Big-endian. `Message` keeps elements
and reserved byte as they came, so encoding a decoded message gives the same bytes. `parse_*` turn
a message into what it asks or answers; `*_message` go the other way.

Issuer and serial number of a query stand in two of the tags 4, 5 and 6; which, is not known. They
are told apart by shape: text such as `CN=...` is the issuer, anything else the serial number.

Source: seeds 000, 001, 002 and the public tvsd and tvsc tools. Vectors: tests/vectors/tvs/*.json;
seed 002 gives the 153 bytes of a query and the size, 1480, of its answer.
"""

import re
from dataclasses import dataclass, field
from enum import IntEnum

from cucmsim.errors import FormatError
from cucmsim.formats.names import decode_text, encode_text
from cucmsim.formats.reader import Reader
from cucmsim.formats.tlv import Element, encode_elements, read_elements

__all__ = [
    "DEFAULT_TIME_TO_LIVE_S",
    "DISCRIMINATOR",
    "HEADER_SIZE",
    "Message",
    "MessageType",
    "QueryAnswer",
    "QueryRequest",
    "QueryTags",
    "Reason",
    "Tag",
    "VerificationAnswer",
    "VerificationRequest",
    "decode_message",
    "encode_message",
    "message_size",
    "parse_answer",
    "parse_request",
    "query_answer_message",
    "query_message",
    "verification_answer_message",
    "verification_message",
]

DISCRIMINATOR = 0x57
HEADER_SIZE = 10
DEFAULT_TIME_TO_LIVE_S = 86400

_VERSION = 1
_START = bytes((DISCRIMINATOR, _VERSION))
_DEVICE_PREFIX = b"\x01"
_NAME = re.compile(r"[A-Za-z0-9.]+=")


class MessageType(IntEnum):
    """The third byte of a message."""

    VERIFICATION_REQUEST = 1
    VERIFICATION_RESPONSE = 2
    QUERY_REQUEST = 3
    QUERY_RESPONSE = 4

    @property
    def trace_name(self) -> str:
        """What the service's traces call it."""
        return _TRACE_NAMES[self]


_TRACE_NAMES = {
    MessageType.VERIFICATION_REQUEST: "TVS_MSG_CERT_VERIFICATION_REQ",
    MessageType.VERIFICATION_RESPONSE: "TVS_MSG_CERT_VERIFICATION_RES",
    MessageType.QUERY_REQUEST: "TVS_MSG_QUERY_CERT_REQ",
    MessageType.QUERY_RESPONSE: "TVS_MSG_QUERY_CERT_RES",
}


class Tag(IntEnum):
    """The elements. ISSUER and SERIAL are what our phone sends; see the head of this module."""

    DEVICE = 1
    CERTIFICATE = 2
    SUBJECT = 3
    ISSUER = 4
    SERIAL = 5
    SPARE = 6
    REASON = 7
    ROLES = 8
    TIME_TO_LIVE = 9


class Reason(IntEnum):
    """The values of REASON that are known."""

    TRUSTED = 0
    NOT_TRUSTED = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message as on the wire; `reserved` is whatever the sender left in byte 3."""

    type: MessageType
    session_id: int
    elements: tuple[Element, ...]
    reserved: int = 0

    @property
    def length(self) -> int:
        """The bytes of the elements."""
        return sum(3 + len(element.value) for element in self.elements)

    def find(self, tag: int) -> Element | None:
        """Return the first element with `tag`, None when it is not there."""
        return next((element for element in self.elements if element.tag == tag), None)

    def get(self, tag: int) -> bytes:
        """Return the value of the element with `tag`. Raises FormatError when it is not there."""
        element = self.find(tag)
        if element is None:
            raise FormatError(
                f"{self.type.trace_name} without element {tag}", HEADER_SIZE + self.length
            )
        return element.value


@dataclass(frozen=True, slots=True)
class QueryTags:
    """The tags that carry issuer and serial number in a query."""

    issuer: int = Tag.ISSUER
    serial: int = Tag.SERIAL


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """Is this certificate trusted? `device_name` is `CP-8861-SEPB000B4BA0AEE`, empty if absent."""

    device_name: str
    certificate_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """Which certificate has this issuer and serial number? Names as in trust lists."""

    device_name: str
    subject: str
    issuer: str
    serial: bytes


@dataclass(frozen=True, slots=True)
class VerificationAnswer:
    """The verdict; roles and time to live (seconds) only where it is `Reason.TRUSTED`."""

    reason: int
    roles: tuple[int, ...] = ()
    time_to_live_s: int | None = None


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The certificate found with its roles and time to live, or a reason other than TRUSTED."""

    reason: int
    certificate_der: bytes | None = field(default=None, repr=False)
    roles: tuple[int, ...] = ()
    time_to_live_s: int | None = None


def message_size(data: bytes) -> int | None:
    """Return the size of the message that `data` starts with, None until that can be told.

    Raises FormatError as soon as what is there cannot begin a message.
    """
    if data[:2] != _START:
        _check_start(data)
    if len(data) > len(_START):
        _message_type(data[2])
    if len(data) < HEADER_SIZE:
        return None
    return HEADER_SIZE + int.from_bytes(data[8:HEADER_SIZE])


def _check_start(data: bytes) -> None:
    """Raise FormatError for the first byte that is not what a message starts with."""
    for offset, (found, right) in enumerate(zip(data, _START, strict=False)):
        if found != right:
            what = ("protocol discriminator", "version")[offset]
            raise FormatError(f"{what} 0x{found:02x}, expected 0x{right:02x}", offset)


def _message_type(number: int) -> MessageType:
    """Return a message type. Raises FormatError for an unknown one."""
    try:
        return MessageType(number)
    except ValueError:
        raise FormatError(f"message type {number}, expected 1 to 4", 2) from None


def decode_message(data: bytes) -> Message:
    """Read the one message that `data` is. Raises FormatError when it is none."""
    message_size(data)
    reader = Reader(data)
    reader.take(2)
    message_type = _message_type(reader.u8())
    reserved, session_id = reader.u8(), reader.u32()
    body = reader.nested(reader.u16())
    reader.expect_end()
    return Message(message_type, session_id, read_elements(body), reserved)


def encode_message(message: Message) -> bytes:
    """Return the bytes of `message`. Raises ValueError when they pass 65535 bytes of elements."""
    body = encode_elements(message.elements)
    if len(body) > 0xFFFF:  # noqa: PLR2004 - what the length field can say
        raise ValueError(f"a message of {len(body)} bytes of elements, at most 65535")
    head = bytes((DISCRIMINATOR, _VERSION, message.type, message.reserved))
    return head + message.session_id.to_bytes(4) + len(body).to_bytes(2) + body


def parse_request(message: Message) -> VerificationRequest | QueryRequest:
    """Return what a request asks. Raises FormatError when it is none or lacks something."""
    if message.type is MessageType.VERIFICATION_REQUEST:
        return VerificationRequest(_device_name(message), message.get(Tag.CERTIFICATE))
    if message.type is MessageType.QUERY_REQUEST:
        subject = decode_text(message.get(Tag.SUBJECT))
        issuer, serial = _issuer_and_serial(message)
        return QueryRequest(_device_name(message), subject, issuer, serial)
    raise FormatError(f"{message.type.trace_name} instead of a request", 2)


def parse_answer(message: Message) -> VerificationAnswer | QueryAnswer:
    """Return what an answer says. Raises FormatError when it is none or lacks something."""
    if message.type is MessageType.VERIFICATION_RESPONSE:
        return VerificationAnswer(_reason(message), _roles(message), _time_to_live(message))
    if message.type is MessageType.QUERY_RESPONSE:
        reason = _reason(message)
        found = message.get(Tag.CERTIFICATE) if reason == Reason.TRUSTED else None
        return QueryAnswer(reason, found, _roles(message), _time_to_live(message))
    raise FormatError(f"{message.type.trace_name} instead of an answer", 2)


def verification_message(session_id: int, request: VerificationRequest) -> Message:
    """Return the message that asks for a verification."""
    elements = (
        _device_element(request.device_name),
        Element(Tag.CERTIFICATE, request.certificate_der),
    )
    return Message(MessageType.VERIFICATION_REQUEST, session_id, elements)


def query_message(session_id: int, request: QueryRequest, tags: QueryTags | None = None) -> Message:
    """Return the message that asks for a certificate."""
    tags = tags or QueryTags()
    elements = (
        _device_element(request.device_name),
        Element(Tag.SUBJECT, encode_text(request.subject)),
        Element(tags.issuer, encode_text(request.issuer)),
        Element(tags.serial, request.serial),
    )
    return Message(MessageType.QUERY_REQUEST, session_id, elements)


def verification_answer_message(
    session_id: int, answer: VerificationAnswer, *, reserved: int = 0
) -> Message:
    """Return the message that carries a verdict."""
    elements = (_byte_element(answer.reason), *_what_for(answer.roles, answer.time_to_live_s))
    return Message(MessageType.VERIFICATION_RESPONSE, session_id, elements, reserved)


def query_answer_message(session_id: int, answer: QueryAnswer, *, reserved: int = 0) -> Message:
    """Return the message that carries a certificate, or that there is none."""
    found = answer.certificate_der
    certificate = () if found is None else (Element(Tag.CERTIFICATE, found),)
    what_for = _what_for(answer.roles, answer.time_to_live_s)
    elements = (_byte_element(answer.reason), *certificate, *what_for)
    return Message(MessageType.QUERY_RESPONSE, session_id, elements, reserved)


def _device_element(device_name: str) -> Element:
    return Element(Tag.DEVICE, _DEVICE_PREFIX + device_name.encode())


def _byte_element(reason: int) -> Element:
    return Element(Tag.REASON, bytes((reason,)))


def _what_for(roles: tuple[int, ...], time_to_live_s: int | None) -> tuple[Element, ...]:
    """Return the elements of a positive answer, none of a negative one."""
    if time_to_live_s is None:
        return ()
    return (
        Element(Tag.ROLES, bytes(roles)),
        Element(Tag.TIME_TO_LIVE, time_to_live_s.to_bytes(4)),
    )


def _device_name(message: Message) -> str:
    """Return the device name without its first byte, whose meaning is not known."""
    element = message.find(Tag.DEVICE)
    return "" if element is None else decode_text(element.value[1:])


def _issuer_and_serial(message: Message) -> tuple[str, bytes]:
    """Tell issuer and serial number apart by their shape. Raises FormatError without both."""
    issuer: str | None = None
    serial: bytes | None = None
    for element in message.elements:
        if element.tag not in (Tag.ISSUER, Tag.SERIAL, Tag.SPARE):
            continue
        text = decode_text(element.value)
        if issuer is None and text.isprintable() and _NAME.match(text):
            issuer = text
        elif serial is None:
            serial = element.value
    if issuer is None or serial is None:
        missing = "issuer" if issuer is None else "serial number"
        raise FormatError(f"a query without {missing}", HEADER_SIZE + message.length)
    return issuer, serial


def _reason(message: Message) -> int:
    return _number(message, Tag.REASON, 1)


def _time_to_live(message: Message) -> int | None:
    absent = message.find(Tag.TIME_TO_LIVE) is None
    return None if absent else _number(message, Tag.TIME_TO_LIVE, 4)


def _roles(message: Message) -> tuple[int, ...]:
    element = message.find(Tag.ROLES)
    return () if element is None else tuple(element.value)


def _number(message: Message, tag: Tag, size: int) -> int:
    """Return a number element. Raises FormatError when it is absent or of another size."""
    value = message.get(tag)
    if len(value) != size:
        offset = next(element.offset for element in message.elements if element.tag == tag)
        raise FormatError(f"element {tag} of {len(value)} bytes, expected {size}", offset)
    return int.from_bytes(value)
