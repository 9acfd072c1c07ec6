"""What an SCCP phone says to its servers: it moves a member on, and puts the message out.

Each message that wants an answer sets when that is overdue. Source: chan-sccp.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cucmsim.formats.phonealarms import Alarm, OutOfServiceReason
from cucmsim.formats.skinny import Frame, MessageId, encode_frame
from cucmsim.formats.skinny_answers import LINE_BUTTON, Answer, ButtonTemplate, NoFields
from cucmsim.formats.skinny_messages import (
    AvailableLines,
    Capabilities,
    LineStatRequest,
    Plain,
    Register,
    Request,
    StationAlarm,
    TokenRequest,
    Unregister,
    XmlAlarm,
    encode_request,
)
from cucmsim.protocols.phone_events import Connect, Disconnect, PhoneAction, Send
from cucmsim.protocols.phone_timers import SccpTimers
from cucmsim.protocols.sccp_member import Member, MemberInput
from cucmsim.protocols.sip_common import Instant

__all__ = ["SccpQuestions"]

_INFORMATIONAL = 2
_CODECS: Final = ((4, 40), (2, 40), (11, 60))
_ABOUT_ITSELF: Final = (
    MessageId.BUTTON_TEMPLATE_REQUEST,
    MessageId.SOFT_KEY_TEMPLATE_REQUEST,
    MessageId.SOFT_KEY_SET_REQUEST,
    MessageId.TIME_DATE_REQUEST,
)


class SccpQuestions:
    """Everything one phone says; what is to be done with it goes into `actions`."""

    def __init__(self, register: Register, timers: SccpTimers) -> None:
        self.actions: list[PhoneAction] = []
        self._message = register
        self._timers = timers

    def connect(self, member: Member) -> None:
        """Open the connection."""
        member.move(MemberInput.CONNECT)
        self.actions.append(Connect(member.index))

    def close(self, member: Member) -> None:
        """Close the connection, or stop opening it."""
        member.move(MemberInput.CLOSE)
        self.actions.append(Disconnect(member.index))

    def register(
        self, member: Member, now: Instant, reason: OutOfServiceReason, alarms: Sequence[Alarm]
    ) -> None:
        """Register, after what there is to report."""
        member.move(MemberInput.REGISTER)
        self._await(member, now)
        for alarm in alarms:
            self.report(member, alarm)
        name, load = self._message.device_name, self._message.load
        text = f"{reason.value}: Name={name} Load={load} Last={reason.text}"
        self._send(member, StationAlarm(_INFORMATIONAL, text))
        self._send(member, replace(self._message, address=member.address))

    def leave(self, member: Member, now: Instant) -> None:
        """Give the registration up."""
        member.move(MemberInput.LEAVE)
        self._await(member, now)
        self._send(member, Unregister())

    def ask_for_token(self, member: Member, now: Instant) -> None:
        """Ask whether the phone may come back."""
        member.move(MemberInput.ASK)
        self._await(member, now)
        name = self._message.device_name
        self._send(member, TokenRequest(name, address=member.address))

    def keep_alive(self, member: Member, due: float) -> None:
        """Say that the phone lives; the next time at `due`."""
        member.due = due
        member.asked()
        self._send(member, Plain(MessageId.KEEPALIVE))

    def report(self, member: Member, alarm: Alarm) -> None:
        """Report an alarm."""
        self._send(member, XmlAlarm(alarm))

    def ask_about_itself(self, member: Member) -> None:
        """Ask for what a registered phone shows: buttons, soft keys, the time."""
        for question in _ABOUT_ITSELF:
            self._send(member, Plain(question))

    def answer(self, member: Member, answer: Answer | Frame) -> None:
        """Tell what the server asks for, or what follows from its answer, if anything does."""
        match answer:
            case NoFields(message_id=MessageId.CAPABILITIES_REQUEST):
                self._send(member, Capabilities(_CODECS))
            case ButtonTemplate():
                lines = [number for number, kind in answer.buttons if kind == LINE_BUTTON]
                for line in lines:
                    self._send(member, LineStatRequest(line))
                self._send(member, AvailableLines(len(lines)))
            case _:
                pass

    def _await(self, member: Member, now: Instant) -> None:
        member.due = now.monotonic_s + self._timers.answer_s

    def _send(self, member: Member, message: Request) -> None:
        self.actions.append(Send(member.index, encode_frame(encode_request(message))))
