"""Orders of the server to a registered phone: reset, restart, look at the configuration.

A text of `key={value}` lines with CRLF after each. The three stamps name the versions of the
configuration, dial plan and soft keys that the server holds.
Source: SIPCC's reader of it; an 8861 with 14.1.1 rebooted by it (which refuses a fifth line,
FeatureControlVersionStamp). Vector: tests/vectors/sip/notify-reset.sip.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cucmsim.errors import FormatError

__all__ = [
    "NO_STAMP",
    "SERVICE_CONTROL_EVENT",
    "SERVICE_CONTROL_TYPE",
    "Action",
    "ServiceControl",
    "format_service_control",
    "parse_service_control",
]

SERVICE_CONTROL_EVENT: Final = "service-control"
SERVICE_CONTROL_TYPE: Final = "text/plain"
NO_STAMP: Final = "00000000-0000-0000-0000-000000000000"

_LINE: Final = re.compile(r"([A-Za-z0-9-]{1,64})=(?:\{([^{}]*)\}|([^{}]*))")
_LINES = 32


class Action(StrEnum):
    """What the phone is told to do."""

    RESET = "reset"
    RESTART = "restart"
    CHECK_VERSION = "check-version"
    APPLY_CONFIG = "apply-config"
    PRT_REPORT = "prt-report"


@dataclass(frozen=True, slots=True)
class ServiceControl:
    """An order; a stamp is None where its line is missing, `others` are lines with other keys."""

    action: str
    register_call_id: str
    config_stamp: str | None = NO_STAMP
    dialplan_stamp: str | None = NO_STAMP
    softkey_stamp: str | None = NO_STAMP
    others: tuple[tuple[str, str], ...] = ()

    @property
    def has_stamps(self) -> bool:
        """Whether all three stamps are there."""
        return None not in (self.config_stamp, self.dialplan_stamp, self.softkey_stamp)


def format_service_control(control: ServiceControl) -> bytes:
    """Return the body of the NOTIFY."""
    pairs = (
        ("RegisterCallId", control.register_call_id),
        ("ConfigVersionStamp", control.config_stamp),
        ("DialplanVersionStamp", control.dialplan_stamp),
        ("SoftkeyVersionStamp", control.softkey_stamp),
        *control.others,
    )
    lines = [f"action={control.action}"]
    lines += [f"{key}={{{value}}}" for key, value in pairs if value is not None]
    return "".join(f"{line}\r\n" for line in lines).encode()


def parse_service_control(data: bytes) -> ServiceControl:
    """Read such a body, with or without braces, any line ends. Raises FormatError."""
    try:
        lines = [line.strip() for line in data.decode().splitlines()]
    except UnicodeDecodeError as error:
        raise FormatError("text that is not UTF-8", error.start) from None
    pairs = [_parse_line(line) for line in lines if line]
    if len(pairs) > _LINES:
        raise FormatError(f"{len(pairs)} lines, expected at most {_LINES}", 0)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormatError("a key that stands there twice", 0)
    if "action" not in fields:
        raise FormatError("no action", 0)
    return ServiceControl(
        fields.pop("action"),
        fields.pop("RegisterCallId", ""),
        fields.pop("ConfigVersionStamp", None),
        fields.pop("DialplanVersionStamp", None),
        fields.pop("SoftkeyVersionStamp", None),
        tuple(fields.items()),
    )


def _parse_line(line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise FormatError(f"{line[:40]!r}, expected key={{value}}", 0)
    return match[1], match[2] if match[2] is not None else match[3]
