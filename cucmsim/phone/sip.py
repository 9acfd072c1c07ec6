"""What is special to a phone that registers by SIP: orders, and the alarm about a lost service.

Source: sip.md.
"""

from datetime import datetime
from typing import Final

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.servicecontrol import NO_STAMP, Action, ServiceControl
from cucmsim.formats.sip_framing import MessageStream
from cucmsim.phone.orders import Order
from cucmsim.phone.sipprofile import (
    out_of_service_alarm,
    protocol_event,
    sip_profile,
    sip_timers,
)
from cucmsim.phone.steps import Register
from cucmsim.phone.values import PhoneIdentity
from cucmsim.protocols.sip_phone import SipPhone

__all__ = ["SipDialect"]

_CUCM_RESULTS: Final = {
    "reregister_needed": Order.APPLY_CONFIG,
    "config_applied": Order.CONFIG_APPLIED,
}


class SipDialect:
    """The `Dialect` of SIP."""

    def __init__(self, identity: PhoneIdentity, step: Register, entropy: Entropy) -> None:
        profile = sip_profile(identity, step)
        servers = tuple(member.process_node_name for member in step.members)
        self.machine = SipPhone(profile, servers, entropy, timers=sip_timers(step))
        self.number, self.is_numbered = profile.user, True
        self._identity, self._step = identity, step
        self._service: _Service | None = None

    def order_of(self, control: ServiceControl) -> Order | None:
        """Return what is to be done; what a phone does not know was answered, and that is all."""
        match control.action:
            case Action.RESET:
                return Order.RESET
            case Action.RESTART:
                return Order.RESTART
            case Action.APPLY_CONFIG:
                return _CUCM_RESULTS.get(dict(control.others).get("CUCMResult", ""))
            case Action.CHECK_VERSION if self._is_outdated(control.config_stamp):
                return Order.CHECK_VERSION
            case _:
                return None

    def _is_outdated(self, stamp: str | None) -> bool:
        """Compare the configuration's stamp; the phone loads no dial plan and no soft keys."""
        return stamp not in (None, "", NO_STAMP, self._step.version_stamp)

    def served(self, server: str, local: tuple[str, int]) -> None:
        """Take note of the server that serves from now on; `local` is our end."""
        self._service = _Service(server, local)

    def sent(self, data: bytes) -> None:
        """Keep the last message to the server."""
        if self._service is not None:
            self._service.sent.feed(data)

    def received(self, data: bytes) -> None:
        """Keep the last message of the server."""
        if self._service is not None:
            self._service.received.feed(data)

    def out_of_service(self, reason: OutOfServiceReason, at: datetime) -> Alarm | None:
        """Return the alarm of a phone that lost its server at `at`, None if it had none."""
        if self._service is None:
            return None
        return out_of_service_alarm(
            self._identity,
            reason,
            at,
            server=self._service.server,
            local=self._service.local,
            sent=self._service.sent.text,
            received=self._service.received.text,
        )


class _Service:
    """A server, our end of the connection, and the last message in each direction."""

    def __init__(self, server: str, local: tuple[str, int]) -> None:
        self.server, self.local = server, local
        self.sent = _LastMessage("Sent")
        self.received = _LastMessage("Rcvd")


class _LastMessage:
    def __init__(self, direction: str) -> None:
        self.text = ""
        self._direction = direction
        self._stream = MessageStream()

    def feed(self, data: bytes) -> None:
        """Take bytes; those that cannot be read cost the connection anyway."""
        try:
            self._stream.feed(data)
            while message := self._stream.next_message():
                self.text = protocol_event(self._direction, message)
        except FormatError:
            self._stream = MessageStream()
