"""What is special to a phone that registers by SCCP: what it says of itself, and its orders."""

from datetime import datetime

from cucmsim.errors import FormatError
from cucmsim.formats.models import PHONE_MODELS, SignalingProtocol
from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.servicecontrol import ServiceControl
from cucmsim.formats.skinny import Frame, FrameStream
from cucmsim.formats.skinny_answers import (
    LINE_BUTTON,
    Answer,
    ButtonTemplate,
    LineStat,
    decode_answer,
)
from cucmsim.formats.skinny_messages import Register as RegisterMessage
from cucmsim.phone.orders import Order
from cucmsim.phone.steps import Register
from cucmsim.phone.values import PhoneIdentity
from cucmsim.protocols.sccp_phone import SccpPhone

__all__ = ["SccpDialect", "register_message"]

_PROTOCOL_VERSION = 22
_STREAMS = 5


def register_message(identity: PhoneIdentity, step: Register) -> RegisterMessage:
    """Return what the phone says of itself."""
    model = PHONE_MODELS[identity.model]
    return RegisterMessage(
        identity.name,
        device_type=model.number,
        max_streams=_STREAMS,
        protocol_version=_PROTOCOL_VERSION,
        mac=bytes.fromhex(identity.mac),
        line_count=model.line_count,
        load=step.load or model.loads.get(SignalingProtocol.SCCP, ""),
        config_stamp=step.version_stamp,
    )


class SccpDialect:
    """The `Dialect` of SCCP. Why it lost a service it says in the alarm before a Register."""

    def __init__(self, identity: PhoneIdentity, step: Register) -> None:
        self.machine = SccpPhone(register_message(identity, step), len(step.members))
        self.number, self.is_numbered = "", False
        self._stream = FrameStream()

    def order_of(self, control: ServiceControl) -> Order | None:
        """Return what is to be done."""
        return Order(control.action)

    def served(self, server: str, local: tuple[str, int]) -> None:  # noqa: ARG002 - as for SIP
        """Forget what the server before said: each one tells the lines anew."""
        self.number, self.is_numbered = "", False
        self._stream = FrameStream()

    def sent(self, data: bytes) -> None:
        """Nothing is told of it later."""

    def received(self, data: bytes) -> None:
        """Look for the number of the first line, or that there is no line."""
        if self.is_numbered:
            return
        try:
            self._stream.feed(data)
            while frame := self._stream.next_frame():
                self._learn(decode_answer(frame))
        except FormatError:
            self._stream = FrameStream()  # what cannot be read costs the connection anyway

    def _learn(self, answer: Answer | Frame) -> None:
        match answer:
            case LineStat(line=1, number=number):
                self.number, self.is_numbered = number, True
            case ButtonTemplate(buttons=buttons):
                self.is_numbered = LINE_BUTTON not in (kind for _, kind in buttons)
            case _:
                pass

    def out_of_service(self, reason: OutOfServiceReason, at: datetime) -> Alarm | None:  # noqa: ARG002 - see above
        """Return nothing: the machine tells it."""
        return None
