"""The messages of a phone: REGISTER in its three forms, REFER, and the check of an order.

Every header stands where the phone of the published registration has it, so its messages come out
byte for byte. Source: sip.md. Vectors: tests/vectors/sip/register.sip, refer-alarm.sip.
"""

import hashlib
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from cucmsim.entropy import Entropy
from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import ALARM_TYPE, RegistrationReason, format_registration_reason
from cucmsim.formats.remotecc import BOUNDARY, register_body
from cucmsim.formats.servicecontrol import (
    SERVICE_CONTROL_EVENT,
    SERVICE_CONTROL_TYPE,
    Action,
    ServiceControl,
    parse_service_control,
)
from cucmsim.formats.sip import Header, Request, Response
from cucmsim.formats.sip_multipart import bodies_of
from cucmsim.formats.sip_values import (
    Parameters,
    format_date,
    parse_address,
    parse_uri,
    quoted,
)
from cucmsim.protocols.sip_common import Instant, address_pair, branch, hex_token

__all__ = [
    "OrderRefusedError",
    "PhoneProfile",
    "RegisterKind",
    "RegistrationDialog",
    "alarm_request",
    "digest_answer",
    "read_order",
    "register_request",
    "token_request",
]

_SUPPORTED: Final = (
    "replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,"
    "X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,"
    "X-cisco-monrec,X-cisco-config,X-cisco-sis-7.0.0,X-cisco-xsi-8.5.1"
)
_ALLOW: Final = "ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE"
_NO_SESSION: Final = "0" * 32
_ALARM_EXPIRES_S = 10
_FIFTH_LINE = "FeatureControlVersionStamp"


class OrderRefusedError(Exception):
    """An order that the phone answers with `status`."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class RegisterKind(Enum):
    """What a REGISTER is for: only the first one at a server carries reason and body."""

    FIRST = "first"
    REFRESH = "refresh"
    KEEPALIVE = "keepalive"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class PhoneProfile:
    """What a phone is registered as.

    `mac` is twelve lower-case hex digits, `contact_user` the UUID (old 79xx: the number) of its
    Contact, `model_number` the device type. With orders a 7975 is stricter than others
    (`refuses_from_user`) and so is an 8861 (`refuses_fifth_line`); a 79xx with 8.x tells no device
    name in Contact (`names_device`); an 8961 or 9971 marks a keepalive (`marks_keepalive`).
    """

    device_name: str
    mac: str
    contact_user: str
    lines: tuple[str, ...]
    transport: str = "TCP"
    user_agent: str = "Cisco-CP8861/12.1.1"
    model_number: int = 685
    active_load: str = ""
    inactive_load: str = ""
    expires_s: int = 3600
    auth_name: str = ""
    auth_password: str = field(default="", repr=False)
    names_device: bool = True
    marks_keepalive: bool = False
    refuses_from_user: bool = False
    refuses_fifth_line: bool = True

    @property
    def user(self) -> str:
        """The first line's number; the MAC address of a phone without lines."""
        return self.lines[0] if self.lines else self.mac


@dataclass(frozen=True, slots=True)
class RegistrationDialog:
    """What stays the same from one REGISTER to the next at one server.

    `local` is address and port of our end of the connection; `server` the address registered with.
    """

    server: str
    local: tuple[str, int]
    call_id: str
    tag: str
    session_id: str
    sequence: int = 100

    @classmethod
    def create(
        cls,
        profile: PhoneProfile,
        server: str,
        local: tuple[str, int],
        count: int,
        entropy: Entropy,
    ) -> "RegistrationDialog":
        """Begin one; Call-ID and tag start with the MAC address, `count` tells them apart."""
        mac = profile.mac
        number = f"{count % 0x10000:04x}"
        unique = f"{hex_token(entropy, 4)}-{hex_token(entropy, 4)}"
        return cls(
            server,
            local,
            f"{mac[:8]}-{mac[8:]}{number}-{unique}@{local[0]}",
            f"{mac}{number}{hex_token(entropy, 4)}-{hex_token(entropy, 4)}",
            f"{hex_token(entropy, 4)}00105000a000{mac}",
        )

    def next(self) -> "RegistrationDialog":
        """Return the dialog for the next request."""
        return replace(self, sequence=self.sequence + 1)


def register_request(
    profile: PhoneProfile,
    dialog: RegistrationDialog,
    now: Instant,
    entropy: Entropy,
    kind: RegisterKind,
    *,
    expires_s: int,
    reason: RegistrationReason | None = None,
    authorization: Header | None = None,
) -> Request:
    """Return a REGISTER; `expires_s` and `reason` count where its kind has them."""
    is_first = kind is RegisterKind.FIRST
    body = register_body() if is_first else b""
    aor = f"<sip:{profile.user}@{dialog.server}>"
    headers = [
        _via(profile, dialog, entropy),
        Header("From", f"{aor};tag={dialog.tag}"),
        Header("To", aor),
        Header("Call-ID", dialog.call_id),
        Header("Max-Forwards", "70"),
        Header("Session-ID", f"{dialog.session_id};remote={_NO_SESSION}"),
        Header("Date", format_date(now.time)),
        Header("CSeq", f"{dialog.sequence} REGISTER"),
        Header("User-Agent", profile.user_agent),
        Header("Contact", _contact(profile, dialog, is_keepalive=kind is RegisterKind.KEEPALIVE)),
        Header("Supported", _SUPPORTED),
    ]
    if is_first and reason is not None:
        headers.append(Header("Reason", format_registration_reason(reason)))
    expires = expires_s if kind in (RegisterKind.FIRST, RegisterKind.REFRESH) else 0
    headers.append(Header("Expires", str(expires)))
    if authorization is not None:
        headers.append(authorization)
    if body:
        headers.append(Header("Content-Type", f"multipart/mixed; boundary={BOUNDARY}"))
        headers.append(Header("Mime-Version", "1.0"))
    headers.append(Header("Content-Length", str(len(body))))
    return Request(tuple(headers), body, "REGISTER", f"sip:{dialog.server}")


def alarm_request(
    profile: PhoneProfile,
    dialog: RegistrationDialog,
    now: Instant,
    entropy: Entropy,
    body: bytes,
) -> Request:
    """Return the REFER that carries one alarm."""
    reference = f"{hex_token(entropy, 4)}@{dialog.local[0]}"
    described = (
        Header("Content-Length", str(len(body))),
        Header("Content-Type", ALARM_TYPE),
        Header("Content-Disposition", "session;handling=required"),
    )
    head = _refer_head(profile, dialog, now, entropy, f"cid:{reference}", f"<{reference}>")
    return Request((*head, *described), body, "REFER", f"sip:{dialog.server}")


def token_request(
    profile: PhoneProfile, dialog: RegistrationDialog, now: Instant, entropy: Entropy
) -> Request:
    """Return the REFER that asks a server of higher priority whether the phone may come back."""
    target = "<urn:X-cisco-remotecc:token-registration>"
    head = _refer_head(profile, dialog, now, entropy, target, None)
    return Request((*head, Header("Content-Length", "0")), b"", "REFER", f"sip:{dialog.server}")


def _refer_head(
    profile: PhoneProfile,
    dialog: RegistrationDialog,
    now: Instant,
    entropy: Entropy,
    target: str,
    content_id: str | None,
) -> tuple[Header, ...]:
    address = f"{quoted(profile.user)} <sip:{profile.user}@{dialog.local[0]}>"
    headers = (
        _via(profile, dialog, entropy),
        Header("From", f"{address};tag={dialog.tag}"),
        Header("To", f"<sip:{dialog.server}>"),
        Header("Call-ID", dialog.call_id),
        Header("Session-ID", f"{dialog.session_id};remote={_NO_SESSION}"),
        Header("Date", format_date(now.time)),
        Header("CSeq", f"{dialog.sequence} REFER"),
        Header("User-Agent", profile.user_agent),
        Header("Expires", str(_ALARM_EXPIRES_S)),
        Header("Max-Forwards", "70"),
        Header("Contact", f"{_contact_address(profile, dialog)}{_device_name(profile)}"),
        Header("Require", "norefersub"),
        Header("Referred-By", address),
        Header("Refer-To", target),
    )
    identified = () if content_id is None else (Header("Content-Id", content_id),)
    return (*headers, *identified, Header("Allow", _ALLOW))


def _via(profile: PhoneProfile, dialog: RegistrationDialog, entropy: Entropy) -> Header:
    pair = address_pair(*dialog.local)
    return Header("Via", f"SIP/2.0/{profile.transport} {pair};branch={branch(entropy)}")


def _contact_address(profile: PhoneProfile, dialog: RegistrationDialog) -> str:
    pair = address_pair(*dialog.local)
    return f"<sip:{profile.contact_user}@{pair};transport={profile.transport.lower()}>"


def _device_name(profile: PhoneProfile) -> str:
    if not profile.names_device:
        return ""
    return f';+u.sip!devicename.ccm.cisco.com="{profile.device_name}"'


def _contact(profile: PhoneProfile, dialog: RegistrationDialog, *, is_keepalive: bool) -> str:
    instance = f'"<urn:uuid:00000000-0000-0000-0000-{profile.mac}>"'
    mark = ";expires=0;cisco-keep-alive" if is_keepalive and profile.marks_keepalive else ""
    return (
        f"{_contact_address(profile, dialog)};+sip.instance={instance}{_device_name(profile)}"
        f';+u.sip!model.ccm.cisco.com="{profile.model_number}"{mark}'
    )


def digest_answer(profile: PhoneProfile, response: Response, uri: str) -> Header | None:
    """Return the answer to a 401 or 407 to a REGISTER, None when it cannot be answered.

    Only MD5 without `qop`, or with `qop=auth`, is understood (RFC 2617).
    """
    proxy = response.status == _PROXY_STATUS
    challenge = response.value("Proxy-Authenticate" if proxy else "WWW-Authenticate") or ""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() != "digest" or not profile.auth_name:
        return None
    try:
        given = dict(_challenge(rest))
    except FormatError:
        return None
    realm, nonce = given.get("realm") or "", given.get("nonce") or ""
    if (given.get("algorithm") or "MD5").upper() != "MD5":
        return None
    secret = _md5(f"{profile.auth_name}:{realm}:{profile.auth_password}")
    request = _md5(f"REGISTER:{uri}")
    middle, quality = nonce, ""
    if "auth" in (given.get("qop") or "").replace(" ", "").split(","):
        own = _md5(f"{nonce}:{uri}")[:8]
        middle, quality = f"{nonce}:00000001:{own}:auth", f',cnonce="{own}",qop=auth,nc=00000001'
    answer = _md5(f"{secret}:{middle}:{request}")
    value = (
        f"Digest username={quoted(profile.auth_name)},realm={quoted(realm)},uri={quoted(uri)},"
        f'response="{answer}",nonce={quoted(nonce)}{quality},algorithm=MD5'
    )
    return Header("Proxy-Authorization" if proxy else "Authorization", value)


_PROXY_STATUS = 407


def _challenge(text: str) -> Parameters:
    """Read `name=value, name="value"`: the parameters of an address with other separators."""
    return parse_address("sip:x;" + _semicolons(text)).parameters


def _semicolons(text: str) -> str:
    in_quotes, out = False, []
    for character in text:
        in_quotes ^= character == '"'
        out.append(";" if character == "," and not in_quotes else character)
    return "".join(out)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def read_order(
    profile: PhoneProfile, request: Request, call_id: str | None
) -> ServiceControl | None:
    """Read the order in a NOTIFY or REFER whose usual headers were checked.

    `call_id` is that of the registration, None without one. Returns None for a REFER about
    something else. Raises OrderRefusedError with the status to answer, as phones do.
    """
    if request.method == "NOTIFY":
        _check_notify(profile, request)
    try:
        parts = bodies_of(request)
        texts = [part.body for part in parts if part.content_type == SERVICE_CONTROL_TYPE]
        if not texts and request.method == "REFER":
            return None
        if not texts:
            raise OrderRefusedError(400, "no body of type text/plain")
        control = parse_service_control(texts[0])
    except FormatError as error:
        raise OrderRefusedError(400, error.message) from None
    _check_control(profile, control, call_id)
    return control


def _check_notify(profile: PhoneProfile, request: Request) -> None:
    event = (request.value("Event") or "").partition(";")[0].strip().lower()
    if event != SERVICE_CONTROL_EVENT:
        raise OrderRefusedError(400 if not event else 489, f"event {event[:40]!r}")
    try:
        users = [
            parse_uri(uri).user
            for uri in (
                request.uri,
                parse_address(request.only("To")).uri,
                parse_address(request.only("From")).uri,
            )
        ]
    except FormatError as error:
        raise OrderRefusedError(400, error.message) from None
    if not users[0] or not users[1]:
        raise OrderRefusedError(400, "no user in the request's address or in To")
    if users[2] and profile.refuses_from_user:
        raise OrderRefusedError(400, "a user in From")
    if users[0] not in {profile.contact_user, *profile.lines}:
        raise OrderRefusedError(404, f"{users[0][:40]!r} is neither a line nor the Contact")


def _check_control(profile: PhoneProfile, control: ServiceControl, call_id: str | None) -> None:
    if control.register_call_id != call_id:
        raise OrderRefusedError(400, "RegisterCallId is not that of the registration")
    if control.action == Action.CHECK_VERSION and not control.has_stamps:
        raise OrderRefusedError(400, "check-version without its stamps")
    if profile.refuses_fifth_line and _FIFTH_LINE in dict(control.others):
        raise OrderRefusedError(400, f"a line {_FIFTH_LINE}")
