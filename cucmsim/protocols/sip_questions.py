"""What a phone asks its servers: it moves a member on, makes the request and puts it out.

One place makes all requests, so the numbering of Call-IDs and the tries of a REGISTER (a challenge,
an expiry that is too brief) are kept here. Source: sip.md.
"""

from collections.abc import Sequence
from typing import Final

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import (
    Alarm,
    OutOfServiceReason,
    RegistrationReason,
    format_alarm,
)
from cucmsim.formats.sip import Header, Response
from cucmsim.formats.sip_values import parse_number
from cucmsim.protocols.phone_events import Connect, PhoneAction, Send
from cucmsim.protocols.sip_common import Instant
from cucmsim.protocols.sip_member import Member, MemberInput, MemberState
from cucmsim.protocols.sip_phone_messages import (
    PhoneProfile,
    RegisterKind,
    RegistrationDialog,
    alarm_request,
    digest_answer,
    register_request,
    token_request,
)

__all__ = ["Questions"]

_TRIES = 3
_AUTHENTICATE = (401, 407)
_TOO_BRIEF = 423
_KINDS: Final = {
    MemberState.REGISTERING: RegisterKind.FIRST,
    MemberState.REFRESHING: RegisterKind.REFRESH,
    MemberState.PROBING: RegisterKind.KEEPALIVE,
    MemberState.LEAVING: RegisterKind.LEAVE,
}


class Questions:
    """Everything one phone asks; what is to be done with it goes into `actions`."""

    def __init__(self, profile: PhoneProfile, entropy: Entropy) -> None:
        self.actions: list[PhoneAction] = []
        self._profile = profile
        self._entropy = entropy
        self._reason = OutOfServiceReason.INITIALIZED
        self._expires_s = profile.expires_s
        self._dialogs = 0
        self._tries = 0

    def connect(self, member: Member) -> None:
        """Open the connection."""
        member.move(MemberInput.CONNECT)
        self.actions.append(Connect(member.index))

    def begin(self, member: Member, local: tuple[str, int]) -> None:
        """Begin a dialog, with a new Call-ID."""
        self._dialogs += 1
        member.dialog = RegistrationDialog.create(
            self._profile, member.address, local, self._dialogs, self._entropy
        )

    def register(
        self, member: Member, now: Instant, reason: OutOfServiceReason, alarms: Sequence[Alarm]
    ) -> None:
        """Report the alarms and register, with a new Call-ID."""
        member.move(MemberInput.REGISTER)
        self.begin(member, self._next(member).local)
        for alarm in alarms:
            self.report(member, now, alarm)
        self._reason, self._expires_s = reason, self._profile.expires_s
        self._tries = 1
        self._send_register(member, now)

    def refresh(self, member: Member, now: Instant) -> None:
        """Register again."""
        member.move(MemberInput.REFRESH)
        self._tries = 1
        self._send_register(member, now)

    def try_again(self, member: Member, response: Response, now: Instant) -> bool:
        """Answer a challenge, or ask for longer where it was too brief; False when neither helps.

        A REGISTER is tried three times.
        """
        if self._tries >= _TRIES:
            return False
        authorization = None
        if response.status in _AUTHENTICATE:
            uri = f"sip:{member.address}"
            authorization = digest_answer(self._profile, response, uri)
            if authorization is None:
                return False
        elif not self._take_min_expires(response):
            return False
        self._tries += 1
        again = member.state is MemberState.REGISTERING
        member.move(MemberInput.REGISTER if again else MemberInput.REFRESH)
        self._send_register(member, now, authorization)
        return True

    def _take_min_expires(self, response: Response) -> bool:
        if response.status != _TOO_BRIEF:
            return False
        try:
            self._expires_s = parse_number(response.only("Min-Expires"))
        except FormatError:
            return False
        return True

    def probe(self, member: Member, now: Instant) -> None:
        """Ask for life."""
        member.move(MemberInput.PROBE)
        self._send_register(member, now)

    def leave(self, member: Member, now: Instant) -> None:
        """Give the registration up."""
        member.move(MemberInput.LEAVE)
        self._send_register(member, now)

    def ask_for_token(self, member: Member, now: Instant) -> None:
        """Ask whether the phone may come back."""
        member.move(MemberInput.ASK)
        request = token_request(self._profile, self._next(member), now, self._entropy)
        self.actions.append(Send(member.index, member.ask(request, now)))

    def report(self, member: Member, now: Instant, alarm: Alarm) -> None:
        """Report an alarm, in a dialog of its own."""
        dialog = member.dialog
        self.begin(member, self._next(member).local)
        request = alarm_request(
            self._profile, self._next(member), now, self._entropy, format_alarm(alarm)
        )
        member.dialog = dialog
        self.actions.append(Send(member.index, member.ask(request, now, alarm)))

    def _send_register(
        self, member: Member, now: Instant, authorization: Header | None = None
    ) -> None:
        request = register_request(
            self._profile,
            self._next(member),
            now,
            self._entropy,
            _KINDS[member.state],
            expires_s=self._expires_s,
            reason=self._registration_reason(),
            authorization=authorization,
        )
        self.actions.append(Send(member.index, member.ask(request, now)))

    def _registration_reason(self) -> RegistrationReason:
        profile, reason = self._profile, self._reason
        return RegistrationReason(
            reason, profile.device_name, profile.active_load, profile.inactive_load, reason.text
        )

    def _next(self, member: Member) -> RegistrationDialog:
        """Return the dialog for one more request."""
        if member.dialog is None:
            raise AssertionError("a dialog begins with the connection")
        member.dialog = member.dialog.next()
        return member.dialog
