"""What a phone's registration wants done, and what it tells: values only."""

from dataclasses import dataclass
from datetime import datetime

from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.servicecontrol import ServiceControl

__all__ = [
    "AlarmDelivered",
    "AllFailed",
    "Connect",
    "Disconnect",
    "OrderRefused",
    "Ordered",
    "PhoneAction",
    "PhoneEvent",
    "Registered",
    "RegistrationLost",
    "Rejected",
    "Send",
    "Unregistered",
    "VersionsUnknown",
]


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection to the member; tell `connected` or `disconnected`."""

    member: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the connection to the member, or stop opening it; tell nothing."""

    member: int


@dataclass(frozen=True, slots=True)
class Send:
    """Write a message to the member."""

    member: int
    data: bytes


PhoneAction = Connect | Disconnect | Send


@dataclass(frozen=True, slots=True)
class Registered:
    """The phone is registered at the member, or is so again after a refresh (`is_new` False).

    `date` is the server's clock, None where it tells none.
    """

    member: int
    expires_s: int
    is_new: bool
    date: datetime | None


@dataclass(frozen=True, slots=True)
class RegistrationLost:
    """The active member does not answer, or its connection is lost; the phone looks for another."""

    member: int
    reason: OutOfServiceReason


@dataclass(frozen=True, slots=True)
class Rejected:
    """The member refused the registration; the phone tries again after `retry_s` seconds."""

    member: int
    status: int
    reason: str
    warning: str
    retry_s: float


@dataclass(frozen=True, slots=True)
class AllFailed:
    """No member can be reached; the phone tries again after `retry_s` seconds."""

    retry_s: float


@dataclass(frozen=True, slots=True)
class Ordered:
    """The member gave an order; it was answered with 200 and is to be carried out."""

    member: int
    control: ServiceControl


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """A NOTIFY or REFER of the member was answered with a refusal."""

    member: int
    status: int
    problem: str


@dataclass(frozen=True, slots=True)
class AlarmDelivered:
    """The server took an alarm; it can be dropped."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class VersionsUnknown:
    """No check-version came within 5 s of a failover: the configuration counts as changed."""


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The phone gave up its registration at the member, because it was told to or to go back."""

    member: int


PhoneEvent = (
    Registered
    | RegistrationLost
    | Rejected
    | AllFailed
    | Ordered
    | OrderRefused
    | AlarmDelivered
    | VersionsUnknown
    | Unregistered
)
