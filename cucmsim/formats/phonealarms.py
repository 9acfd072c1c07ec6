"""What a phone reports about itself: alarms in XML, and the reason for its registration.

An alarm travels in a REFER of its own before the REGISTER (over SCCP in a message of its own); the
reason of the last registration stands in the header Reason of the REGISTER.
Source: a 7821 with 12.1.1 at CUCM 11.5 (569 bytes reproduced); names of the second alarm from
chan-sccp and FreeSWITCH; reason numbers from SIPCC and Cisco's alarm catalogue.
Vectors: tests/vectors/sip/refer-alarm.sip, register.sip.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from xml.sax.saxutils import escape

from cucmsim.errors import FormatError
from cucmsim.formats.remotecc import parse_xml
from cucmsim.formats.sip_values import parse_address, parse_number, quoted

__all__ = [
    "ALARM_TYPE",
    "DEVICE_TL_INFO",
    "LAST_OUT_OF_SERVICE",
    "LAST_OUT_OF_SERVICE_NAMES",
    "Alarm",
    "AlarmParameter",
    "OutOfServiceReason",
    "RegistrationReason",
    "device_tl_info",
    "format_alarm",
    "format_registration_reason",
    "last_out_of_service",
    "parse_alarm",
    "parse_registration_reason",
    "signature_text",
]

ALARM_TYPE: Final = "application/x-cisco-alarm+xml"
DEVICE_TL_INFO: Final = "DeviceTLInfo"
LAST_OUT_OF_SERVICE: Final = "LastOutOfServiceInformation"

LAST_OUT_OF_SERVICE_NAMES: Final = (
    "DeviceName",
    "DeviceIPv4Address",
    "IPv4DefaultGateway",
    "DeviceIPv6Address",
    "IPv6DefaultGateway",
    "ModelNumber",
    "NeighborIPv4Address",
    "NeighborIPv6Address",
    "NeighborDeviceID",
    "NeighborPortID",
    "DHCPv4Status",
    "DHCPv6Status",
    "TFTPCfgStatus",
    "DNSStatusUnifiedCM1",
    "DNSStatusUnifiedCM2",
    "DNSStatusUnifiedCM3",
    "VoiceVLAN",
    "UnifiedCMIPAddress",
    "LocalPort",
    "TimeStamp",
    "ReasonForOutOfService",
    "LastProtocolEventSent",
    "LastProtocolEventReceived",
)
"""The parameters of `LastOutOfServiceInformation` in their order."""

_NUMBERS: Final = re.compile(r"DHCPv[46]Status|TFTPCfgStatus|DNSStatus.*|ReasonForOutOfService")
_PARAMETERS = 100
_LARGEST = 8192
_LONGEST_NAME = 64
_ALARM_CODE: Final = re.compile(r"cisco-alarm:([0-9]{1,9})")


class OutOfServiceReason(IntEnum):
    """Why a phone was without service: `cisco-alarm:` and `ReasonForOutOfService`."""

    TCP_TIMEOUT = 10
    CM_RESET_TCP = 12
    CM_ABORTED_TCP = 13
    CM_CLOSED_TCP = 14
    IP_LOST = 16
    REGISTRATION_TIMEOUT = 17
    TO_HIGHER_SERVER = 18
    PHONE_KEYPAD = 20
    RESET = 22
    RESTART = 23
    REGISTRATION_REJECTED = 24
    INITIALIZED = 25
    VOICE_VLAN_CHANGED = 26
    VERSION_STAMP = 100
    CONFIG_STAMP = 101
    SOFTKEY_STAMP = 102
    DIALPLAN_STAMP = 103
    APPLY_CONFIG = 104
    CONFIGURATION_RETRY = 105
    TLS_ERROR = 106

    @property
    def text(self) -> str:
        """What follows `Last=`; those of a few numbers are documented, the others follow suit."""
        return _REASON_TEXTS.get(self, self.name.lower().replace("_", "-"))


_REASON_TEXTS: Final = {
    OutOfServiceReason.TCP_TIMEOUT: "TCP-timeout",
    OutOfServiceReason.CM_RESET_TCP: "CM-reset-TCP",
    OutOfServiceReason.CM_ABORTED_TCP: "CM-aborted-TCP",
    OutOfServiceReason.RESET: "reset-reset",
    OutOfServiceReason.RESTART: "reset-restart",
}


@dataclass(frozen=True, slots=True)
class AlarmParameter:
    """A parameter; an `Enum` holds a number, a `String` any text."""

    name: str
    value: str
    is_enum: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm with its parameters in order."""

    name: str
    parameters: tuple[AlarmParameter, ...] = ()

    def value(self, name: str) -> str | None:
        """Return the value of a parameter, None when it is not there."""
        return next((held.value for held in self.parameters if held.name == name), None)


def format_alarm(alarm: Alarm) -> bytes:
    """Return the XML as phones write it: one element a line, no final line end."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<x-cisco-alarm>",
        f"<Alarm Name={_attribute(alarm.name)}>",
        "<ParameterList>",
    ]
    for held in alarm.parameters:
        tag = "Enum" if held.is_enum else "String"
        lines.append(f"<{tag} name={_attribute(held.name)}>{escape(held.value)}</{tag}>")
    lines += ["</ParameterList>", "</Alarm>", "</x-cisco-alarm>"]
    return "\n".join(lines).encode()


def _attribute(text: str) -> str:
    return '"' + escape(text, {'"': "&quot;"}) + '"'


def parse_alarm(data: bytes) -> Alarm:
    """Read an alarm. Raises FormatError."""
    if len(data) > _LARGEST:
        raise FormatError(f"an alarm of {len(data)} bytes, expected at most {_LARGEST}", 0)
    root = parse_xml(data, "x-cisco-alarm")
    found = root.find("Alarm")
    name = None if found is None else found.get("Name")
    if found is None or not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise FormatError("no alarm with a name", 0)
    parameters = tuple(
        AlarmParameter(held.get("name", ""), held.text or "", is_enum=held.tag == "Enum")
        for held in found.iterfind("ParameterList/*")
        if held.tag in {"String", "Enum"}
    )
    if len(parameters) > _PARAMETERS:
        raise FormatError(f"{len(parameters)} parameters, expected at most {_PARAMETERS}", 0)
    return Alarm(name, parameters)


def signature_text(digest: bytes) -> str:
    """Return a trust list's SHA-1 as alarms tell it: `1B A1 ... 6D `, a blank after each byte."""
    return "".join(f"{byte:02X} " for byte in digest)


def device_tl_info(
    device: str,
    ipv4_address: str,
    *,
    ipv6_address: str = "",
    ctl_sha1: bytes | None = None,
    ctl_server: str = "",
    itl_sha1: bytes | None = None,
    itl_server: str = "",
    status_code: int = 3,
) -> Alarm:
    """Return the alarm that tells which trust lists a phone holds, and from where."""
    pairs = (
        ("DeviceName", device),
        ("IPv4Address", ipv4_address),
        ("IPv6Address", ipv6_address),
        ("CTL_Signature", _signature(ctl_sha1)),
        ("CTL_TFTP_Server", ctl_server or "N/A"),
        ("ITL_Signature", _signature(itl_sha1)),
        ("ITL_TFTP_Server", itl_server or "N/A"),
        ("StatusCode", str(status_code)),
    )
    return Alarm(DEVICE_TL_INFO, tuple(AlarmParameter(name, value) for name, value in pairs))


def _signature(digest: bytes | None) -> str:
    return "Not Installed" if digest is None else signature_text(digest)


def last_out_of_service(values: Sequence[tuple[str, str]]) -> Alarm:
    """Return the alarm about the last loss of service; parameters not given are empty or 0."""
    given = dict(values)
    return Alarm(
        LAST_OUT_OF_SERVICE,
        tuple(_out_of_service_parameter(name, given) for name in LAST_OUT_OF_SERVICE_NAMES),
    )


def _out_of_service_parameter(name: str, given: dict[str, str]) -> AlarmParameter:
    is_enum = _NUMBERS.fullmatch(name) is not None
    return AlarmParameter(name, given.get(name, "0" if is_enum else ""), is_enum=is_enum)


@dataclass(frozen=True, slots=True)
class RegistrationReason:
    """What the header Reason of a REGISTER tells; empty or None where it does not.

    `alarm` is a number of `OutOfServiceReason`, known or not.
    """

    alarm: int | None = None
    name: str = ""
    active_load: str = ""
    inactive_load: str = ""
    last: str = ""


def format_registration_reason(reason: RegistrationReason) -> str:
    """Return the value of Reason as a 78xx or 88xx writes it."""
    text = (
        f"cisco-alarm:{reason.alarm or 0} Name={reason.name} ActiveLoad={reason.active_load} "
        f"InactiveLoad={reason.inactive_load} Last={reason.last}"
    )
    return f"SIP;cause=200;text={quoted(text)}"


def parse_registration_reason(value: str) -> RegistrationReason:
    """Read the value of Reason; 79xx phones say `Load=` for the active one. Raises FormatError."""
    text = parse_address(value).parameter("text") or ""
    fields = dict(word.split("=", 1) for word in text.split() if "=" in word)
    match = _ALARM_CODE.match(text)
    return RegistrationReason(
        None if match is None else parse_number(match[1]),
        fields.get("Name", ""),
        fields.get("ActiveLoad", fields.get("Load", "")),
        fields.get("InactiveLoad", ""),
        fields.get("Last", ""),
    )
