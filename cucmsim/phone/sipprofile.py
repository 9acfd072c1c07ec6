"""What a phone says of itself when it registers by SIP: its profile, timers and alarms.

Source: sip.md. The User-Agent follows the load (`sip78xx.12-1-1-12` is `Cisco-CP7821/12.1.1`). The
user of Contact is the UUID that the configuration gives the first line; where it gives none it
follows from the device name, and a 79xx has its number.
"""

import re
import uuid
from datetime import datetime
from typing import Final

from cucmsim.formats.models import PHONE_MODELS, SignalingProtocol
from cucmsim.formats.phonealarms import (
    Alarm,
    OutOfServiceReason,
    device_tl_info,
    last_out_of_service,
)
from cucmsim.formats.sip import Message, Request
from cucmsim.phone.events import DeviceTlInfo
from cucmsim.phone.steps import Register
from cucmsim.phone.values import Generation, PhoneIdentity
from cucmsim.protocols.phone_timers import SipTimers
from cucmsim.protocols.sip_phone_messages import PhoneProfile

__all__ = [
    "out_of_service_alarm",
    "protocol_event",
    "sip_profile",
    "sip_timers",
    "trust_list_alarm",
]

_VERSION: Final = re.compile(r"\.(\d+)-(\d+)-(\d+)")
_MARKING = ("8961", "9971")


def sip_profile(identity: PhoneIdentity, step: Register) -> PhoneProfile:
    """Return what the phone registers as."""
    model = PHONE_MODELS[identity.model]
    load = step.load or model.loads.get(SignalingProtocol.SIP, "")
    mac = identity.mac.lower()
    return PhoneProfile(
        device_name=identity.name,
        mac=mac,
        contact_user=_contact_user(identity, step),
        lines=tuple(line.number for line in step.lines),
        transport="TLS" if step.is_secure else "TCP",
        user_agent=f"Cisco-CP{identity.model}/{_version(load)}",
        model_number=model.number,
        active_load=f"{load}.loads" if load else "",
        inactive_load=f"{step.inactive_load}.loads" if step.inactive_load else "",
        expires_s=step.timers.register_expires_s,
        marks_keepalive=identity.model in _MARKING,
        refuses_from_user=identity.model == "7975",
        refuses_fifth_line=identity.model == "8861",
    )


def _version(load: str) -> str:
    found = _VERSION.search(load)
    return ".".join(found.groups()) if found else "0.0.0"


def _contact_user(identity: PhoneIdentity, step: Register) -> str:
    first = step.lines[0] if step.lines else None
    if first is not None and first.uuid:
        return first.uuid
    if identity.generation is Generation.SERIES_79XX:
        return identity.mac.lower() if first is None else first.number
    return str(uuid.uuid5(uuid.NAMESPACE_OID, identity.name))


def sip_timers(step: Register) -> SipTimers:
    """Return the timers of the configuration."""
    return SipTimers(step.timers.register_delta_s, step.timers.keepalive_expires_s)


def trust_list_alarm(told: DeviceTlInfo, address: str) -> Alarm:
    """Return the alarm of a phone at `address`."""
    return device_tl_info(
        told.device_name,
        address,
        ctl_sha1=told.ctl_sha1,
        ctl_server=told.ctl_server,
        itl_sha1=told.itl_sha1,
        itl_server=told.itl_server,
        status_code=told.status_code,
    )


def out_of_service_alarm(
    identity: PhoneIdentity,
    reason: OutOfServiceReason,
    at: datetime,
    *,
    server: str,
    local: tuple[str, int],
    sent: str,
    received: str,
) -> Alarm:
    """Return the alarm of a phone that lost `server` at `at`; `local` was its end."""
    return last_out_of_service(
        (
            ("DeviceName", identity.name),
            ("DeviceIPv4Address", f"{local[0]}/24"),
            ("ModelNumber", f"CP-{identity.model}"),
            ("UnifiedCMIPAddress", server),
            ("LocalPort", str(local[1])),
            ("TimeStamp", str(int(at.timestamp() * 1000))),
            ("ReasonForOutOfService", str(reason.value)),
            ("LastProtocolEventSent", sent),
            ("LastProtocolEventReceived", received),
        )
    )


def protocol_event(direction: str, message: Message) -> str:
    """Return a message as the alarm tells it: `Sent:REGISTER sip:…  Cseq:113 REGISTER CallId:…`."""
    if isinstance(message, Request):
        first = f"{message.method} {message.uri} SIP/2.0"
    else:
        first = f"SIP/2.0 {message.status} {message.reason}"
    sequence, call_id = message.value("CSeq") or "", message.value("Call-ID") or ""
    return f"{direction}:{first}  Cseq:{sequence} CallId:{call_id}"
