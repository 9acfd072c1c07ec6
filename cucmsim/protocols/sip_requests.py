"""What the registrar reads out of a phone's requests: registrations and alarms, as values."""

from dataclasses import dataclass, field
from typing import Final

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import (
    ALARM_TYPE,
    Alarm,
    RegistrationReason,
    parse_alarm,
    parse_registration_reason,
)
from cucmsim.formats.remotecc import RemoteccOffer, parse_offer
from cucmsim.formats.sip import Request
from cucmsim.formats.sip_multipart import bodies_of
from cucmsim.formats.sip_values import Address, parse_address, parse_number, parse_uri

__all__ = [
    "ALLOWED",
    "TOKEN_REGISTRATION",
    "AlarmReported",
    "Asked",
    "BadRequest",
    "RegisterRequested",
    "StrayResponse",
    "read_alarm",
    "read_register",
]

ALLOWED: Final = ("REGISTER", "REFER", "OPTIONS")
TOKEN_REGISTRATION: Final = "urn:X-cisco-remotecc:token-registration"  # noqa: S105 - no secret

_DEVICE_NAME: Final = "+u.sip!devicename.ccm.cisco.com"
_MODEL: Final = "+u.sip!model.ccm.cisco.com"
_INSTANCE: Final = "+sip.instance"
_KEEPALIVE: Final = "cisco-keep-alive"
_MAC_LENGTH = 12
_LONGEST_EXPIRY_S = 86_400
_USUAL_EXPIRY_S = 3600


@dataclass(frozen=True, slots=True)
class RegisterRequested:
    """A phone wants to be registered, for the first time or again.

    `contact` is the header's value as sent, `contact_uri` the address in it; `device_name` is ""
    where nothing tells it; `number` is the user of To, the phone's first line.
    """

    call_id: str
    device_name: str
    number: str
    contact: str
    contact_uri: str
    expires_s: int
    is_keepalive: bool = False
    model: str = ""
    user_agent: str = ""
    reason: RegistrationReason = field(default=RegistrationReason())
    offer: RemoteccOffer = field(default=RemoteccOffer())


@dataclass(frozen=True, slots=True)
class AlarmReported:
    """A REFER, which was accepted: alarms, or a phone that asks whether it may come back.

    `wants_token` tells the latter. `device_name` is "" where nothing tells it.
    """

    device_name: str
    alarms: tuple[Alarm, ...] = ()
    wants_token: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Another request came and was answered: OPTIONS with what we can, the rest with a refusal."""

    method: str
    uri: str


@dataclass(frozen=True, slots=True)
class StrayResponse:
    """A response that ends no order: one that says to wait, or one to nothing we asked."""

    status: int


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A request was answered with 400."""

    method: str
    problem: str


def read_register(request: Request) -> RegisterRequested:
    """Read a REGISTER whose usual headers were checked. Raises FormatError."""
    contact = request.only("Contact")
    address = parse_address(contact)
    parse_uri(address.uri)
    reason = _reason(request)
    to = parse_uri(parse_address(request.only("To")).uri)
    return RegisterRequested(
        request.only("Call-ID"),
        _device_name(address) or reason.name,
        to.user or "",
        contact,
        address.uri,
        _expires(request, address),
        address.parameter(_KEEPALIVE) is not None,
        address.parameter(_MODEL) or "",
        request.value("User-Agent") or "",
        reason,
        parse_offer(request),
    )


def read_alarm(request: Request) -> AlarmReported:
    """Read a REFER whose usual headers were checked. Raises FormatError."""
    target = parse_address(request.only("Refer-To")).uri
    contact = request.value("Contact")
    device = "" if contact is None else _device_name(parse_address(contact))
    alarms = tuple(
        parse_alarm(part.body) for part in bodies_of(request) if part.content_type == ALARM_TYPE
    )
    named = next((alarm.value("DeviceName") or "" for alarm in alarms), "")
    is_token = target.lower() == TOKEN_REGISTRATION.lower()
    return AlarmReported(device or (named if named.isprintable() else ""), alarms, is_token)


def _device_name(contact: Address) -> str:
    """Return the name the Contact tells, or make it of the MAC address there."""
    named = contact.parameter(_DEVICE_NAME)
    if named:
        return named
    mac = (contact.parameter(_INSTANCE) or "").strip("<>")[-_MAC_LENGTH:]
    try:
        return f"SEP{bytes.fromhex(mac).hex().upper()}" if mac else ""
    except ValueError:
        return ""


def _expires(request: Request, contact: Address) -> int:
    value = contact.parameter("expires")
    if value is None:
        value = request.value("Expires")
    if value is None:
        return _USUAL_EXPIRY_S
    return min(parse_number(value), _LONGEST_EXPIRY_S)


def _reason(request: Request) -> RegistrationReason:
    value = request.value("Reason")
    if value is None:
        return RegistrationReason()
    try:
        return parse_registration_reason(value)
    except FormatError:
        return RegistrationReason()
