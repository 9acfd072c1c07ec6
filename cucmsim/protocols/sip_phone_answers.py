"""What a phone answers to the requests of its servers: orders are checked, calls not taken.

Source: sip.md, NOTIFY service-control.
"""

from typing import Final

from cucmsim.errors import FormatError
from cucmsim.formats.sip import Header, Request, Response
from cucmsim.protocols.phone_events import Ordered, OrderRefused
from cucmsim.protocols.sip_common import Instant, answer_to, check_request
from cucmsim.protocols.sip_member import Member
from cucmsim.protocols.sip_phone_messages import OrderRefusedError, PhoneProfile, read_order

__all__ = ["answer_request"]

_ANSWERS: Final = {"OPTIONS": 200, "INVITE": 486, "NOTIFY": 200, "REFER": 200}
_NOT_ALLOWED: Final = 405
_ALLOW: Final = Header("Allow", "ACK,NOTIFY,OPTIONS,REFER")


def answer_request(
    profile: PhoneProfile, member: Member, request: Request, call_id: str | None, now: Instant
) -> tuple[Response | None, Ordered | OrderRefused | None]:
    """Return the answer, and the order or why it was refused; `call_id` is the registration's.

    Nothing answers an ACK.
    """
    status = _ANSWERS.get(request.method, _NOT_ALLOWED)
    event: Ordered | OrderRefused | None = None
    try:
        check_request(request)
        if request.method in ("NOTIFY", "REFER"):
            control = read_order(profile, request, call_id)
            event = None if control is None else Ordered(member.index, control)
    except FormatError as error:
        status, event = 400, OrderRefused(member.index, 400, error.message)
    except OrderRefusedError as error:
        status, event = error.status, OrderRefused(member.index, error.status, str(error))
    if request.method == "ACK":
        return None, None
    extra = (_ALLOW,) if request.method == "OPTIONS" or status == _NOT_ALLOWED else ()
    tag = member.dialog.tag if member.dialog else ""
    answer = answer_to(request, status, now, tag=tag, server=profile.user_agent, extra=extra)
    return answer, event
