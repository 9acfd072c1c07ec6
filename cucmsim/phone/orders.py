"""What makes a phone that runs fetch and register again, and what it does then.

Source: sip.md, NOTIFY service-control; the numbers are those of its alarms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cucmsim.formats.phonealarms import OutOfServiceReason

__all__ = ["COURSES", "Course", "Order"]


class Order(StrEnum):
    """Why; `RETRY` is the phone's own idea, after it got nowhere with what it knows."""

    RESET = "reset"
    RESTART = "restart"
    APPLY_CONFIG = "apply-config"
    CONFIG_APPLIED = "config-applied"
    CHECK_VERSION = "check-version"
    KEYPAD = "reset from the keypad"
    ERASE = "erasure of CTL and ITL"
    RETRY = "configuration-retry"


@dataclass(frozen=True, slots=True)
class Course:
    """What to do: boot from the trust lists on, or only fetch the configuration; then register.

    `reason` is what the phone tells the server when it comes back.
    """

    reason: OutOfServiceReason
    boots: bool = False
    registers: bool = True


COURSES: Final[Mapping[Order, Course]] = MappingProxyType(
    {
        Order.RESET: Course(OutOfServiceReason.RESET, boots=True),
        Order.RESTART: Course(OutOfServiceReason.RESTART),
        Order.APPLY_CONFIG: Course(OutOfServiceReason.APPLY_CONFIG),
        Order.CONFIG_APPLIED: Course(OutOfServiceReason.APPLY_CONFIG, registers=False),
        Order.CHECK_VERSION: Course(OutOfServiceReason.CONFIG_STAMP),
        Order.KEYPAD: Course(OutOfServiceReason.PHONE_KEYPAD, boots=True),
        Order.ERASE: Course(OutOfServiceReason.PHONE_KEYPAD, boots=True),
        Order.RETRY: Course(OutOfServiceReason.CONFIGURATION_RETRY),
    }
)
