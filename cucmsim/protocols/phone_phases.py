"""What a registering phone is about, by SIP or SCCP, and what moves it on: its table."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

__all__ = ["PHASES", "PhoneInput", "PhonePhase"]


class PhonePhase(Enum):
    """What the phone is about."""

    IDLE = "idle"
    SEEKING = "seeking a server"
    WAITING = "waiting to try again"
    IN_SERVICE = "registered"
    MOVING = "going back to a higher server"
    STOPPING = "unregistering"
    STOPPED = "stopped"


class PhoneInput(Enum):
    """What moves it on."""

    START = "start"
    STOP = "stop"
    RETRY = "retry"
    REGISTERED = "registered"
    REJECTED = "rejected"
    LOST = "active server lost"
    EXHAUSTED = "no server left"
    TOKEN = "token given"  # noqa: S105 - no secret
    LEFT = "unregistered"


_P, _I = PhonePhase, PhoneInput
PHASES: Final[Mapping[tuple[PhonePhase, PhoneInput], PhonePhase]] = MappingProxyType(
    {
        (_P.IDLE, _I.START): _P.SEEKING,
        (_P.SEEKING, _I.REGISTERED): _P.IN_SERVICE,
        (_P.SEEKING, _I.REJECTED): _P.WAITING,
        (_P.SEEKING, _I.EXHAUSTED): _P.WAITING,
        (_P.SEEKING, _I.STOP): _P.STOPPED,
        (_P.WAITING, _I.RETRY): _P.SEEKING,
        (_P.WAITING, _I.STOP): _P.STOPPED,
        (_P.IN_SERVICE, _I.LOST): _P.SEEKING,
        (_P.IN_SERVICE, _I.REJECTED): _P.WAITING,
        (_P.IN_SERVICE, _I.TOKEN): _P.MOVING,
        (_P.IN_SERVICE, _I.STOP): _P.STOPPING,
        (_P.MOVING, _I.LEFT): _P.SEEKING,
        (_P.MOVING, _I.STOP): _P.STOPPING,
        (_P.STOPPING, _I.LEFT): _P.STOPPED,
        (_P.STOPPED, _I.START): _P.SEEKING,
    }
)
