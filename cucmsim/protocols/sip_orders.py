"""The requests that a server sends to a registered phone, and what a server calls itself.

Source: NOTIFY of a CUCM 12.5; REFER with check-version of CME, its parts as documented for CUCM.
Vector: tests/vectors/sip/notify-reset.sip.
"""

from dataclasses import dataclass
from typing import Final

from cucmsim.entropy import Entropy
from cucmsim.formats.servicecontrol import (
    SERVICE_CONTROL_EVENT,
    SERVICE_CONTROL_TYPE,
    ServiceControl,
    format_service_control,
)
from cucmsim.formats.sip import Header, Request
from cucmsim.formats.sip_multipart import Part, format_multipart
from cucmsim.formats.sip_values import Uri, format_date, parse_uri
from cucmsim.pki.release import Release
from cucmsim.protocols.sip_common import Instant, address_pair, content, hex_token
from cucmsim.protocols.sip_requests import RegisterRequested

__all__ = ["OrderNumber", "ServerIdentity", "notify", "refer"]

OrderNumber = int
"""Counts the orders of a connection from 1."""

_FIRST_SEQUENCE = 101
_BOUNDARY = "uniqueBoundary"
_INTERFACES: Final = ((14, "10.0.0"), (12.5, "9.2.0"), (12, "9.0.0"), (0, "8.0.0"))


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """A server as its messages show it: node name, address and port, `TCP` or `TLS`."""

    node: str
    address: str
    port: int
    transport: str
    release: Release

    @property
    def server(self) -> str:
        """The value of Server and User-Agent."""
        return f"Cisco-CUCM{self.release.major}.{self.release.minor}"

    @property
    def supported(self) -> str:
        """The value of Supported in the answer to a new registration."""
        number = self.release.major + self.release.minor / 10
        interface = next(text for first, text in _INTERFACES if number >= first)
        return f"X-cisco-srtp-fallback,X-cisco-sis-{interface}"

    @property
    def contact(self) -> str:
        """The value of Contact."""
        pair = address_pair(self.address, self.port)
        return f"<sip:{pair};transport={self.transport.lower()}>"


def notify(
    me: ServerIdentity,
    phone: RegisterRequested,
    control: ServiceControl,
    number: OrderNumber,
    now: Instant,
    entropy: Entropy,
) -> Request:
    """Return the NOTIFY service-control that gives a phone an order."""
    body = format_service_control(control)
    headers = (
        *_head(me, phone, f"{_FIRST_SEQUENCE - 1 + number} NOTIFY", now, entropy),
        Header("User-Agent", me.server),
        Header("Event", SERVICE_CONTROL_EVENT),
        Header("Subscription-State", "active"),
        Header("Contact", me.contact),
        *content(SERVICE_CONTROL_TYPE, body),
    )
    return Request(headers, body, "NOTIFY", _request_uri(phone))


def refer(
    me: ServerIdentity,
    phone: RegisterRequested,
    control: ServiceControl,
    number: OrderNumber,
    now: Instant,
    entropy: Entropy,
) -> Request:
    """Return the REFER that gives a phone an order in a part of its body."""
    reference = f"{hex_token(entropy, 4)}@{me.address}"
    part_headers = (
        Header("Content-Type", SERVICE_CONTROL_TYPE),
        Header("Content-Disposition", "session;handling=required"),
    )
    body = format_multipart([Part(part_headers, format_service_control(control))], _BOUNDARY)
    headers = (
        *_head(me, phone, f"{_FIRST_SEQUENCE - 1 + number} REFER", now, entropy),
        Header("User-Agent", me.server),
        Header("Require", "norefersub"),
        Header("Refer-To", f"cid:{reference}"),
        Header("Content-Id", f"<{reference}>"),
        Header("Contact", me.contact),
        *content(f"multipart/mixed; boundary={_BOUNDARY}", body),
    )
    return Request(headers, body, "REFER", _request_uri(phone))


def _head(
    me: ServerIdentity, phone: RegisterRequested, sequence: str, now: Instant, entropy: Entropy
) -> tuple[Header, ...]:
    uri = parse_uri(phone.contact_uri)
    pair = address_pair(me.address, me.port)
    tag = int.from_bytes(entropy.token(4), "big")
    call_id = "-".join(hex_token(entropy, size) for size in (4, 4, 3, 4))
    return (
        Header("Via", f"SIP/2.0/{me.transport} {pair};branch=z9hG4bK{hex_token(entropy, 7)}"),
        Header("From", f"<sip:{me.address}>;tag={tag}"),
        Header("To", f"<sip:{_user(uri)}{uri.host}>"),
        Header("Call-ID", f"{call_id}@{me.address}"),
        Header("CSeq", sequence),
        Header("Max-Forwards", "70"),
        Header("Date", format_date(now.time)),
    )


def _request_uri(phone: RegisterRequested) -> str:
    uri = parse_uri(phone.contact_uri)
    port = "" if uri.port is None else f":{uri.port}"
    return f"{uri.scheme}:{_user(uri)}{uri.host}{port}"


def _user(uri: Uri) -> str:
    return f"{uri.user}@" if uri.user else ""
