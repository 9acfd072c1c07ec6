"""The phone's side of a CAPF conversation, without I/O.

The server speaks first and says what is to be done; each event that asks for something is
answered with one decision (`authenticate`, `send_public_key`, `certificate_stored`,
`send_certificate`, `certificate_deleted`), `report_progress` may be said at any time before.

Source: the CAPF reference (public capfc tool). Vectors: tests/vectors/capf/*.json.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from cucmsim.errors import FormatError
from cucmsim.formats.capf import (
    HEADER_SIZE,
    VERSION,
    CertificateType,
    Message,
    MessageType,
    NestedCertificate,
    Reason,
    Sha2Signature,
    Sudi,
    Tag,
    byte_element,
    certificate_element,
    device_proof_data,
    sha2_signature_element,
    sudi_element,
    sudi_proof_data,
    text_element,
)
from cucmsim.formats.tlv import Element
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec
from cucmsim.pki.signatures import Signer, sign_bare_digest
from cucmsim.protocols.capf_common import (
    Aborted,
    CapfConversation,
    Direction,
    InProgress,
    StatusRequested,
    decode_key_spec,
    required_byte,
)

__all__ = [
    "TRANSITIONS",
    "AuthenticationRequested",
    "CapfClientConversation",
    "ClientEvent",
    "ClientState",
    "Credentials",
    "DeleteRequested",
    "FetchRequested",
    "KeyRequested",
    "RetryLater",
    "SessionEnded",
    "StoreRequested",
]


class ClientState(Enum):
    """Where the phone stands; the values complete the sentence "while ..."."""

    CONNECTED = "waiting for the auth request"
    ASKED = "about to authenticate"
    WAITING = "waiting for an operation"
    GENERATING = "making a key"
    SUBMITTED = "waiting for the certificate"
    STORING = "storing the certificate"
    FETCHING = "about to send the certificate"
    DELETING = "deleting the certificate"
    FINISHING = "waiting for the end of the session"
    ABORTING = "waiting for the abort response"
    AGREEING = "agreeing to the abort"
    ENDED = "ended"


_S = ClientState
_M = MessageType
_SENT = Direction.SENT
_RECEIVED = Direction.RECEIVED

TRANSITIONS: Final[dict[tuple[ClientState, Direction, MessageType], ClientState]] = {
    # the server speaks first
    (_S.CONNECTED, _RECEIVED, _M.AUTH_REQUEST): _S.ASKED,
    (_S.CONNECTED, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.CONNECTED, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # we say who we are
    (_S.ASKED, _SENT, _M.AUTH_RESPONSE): _S.WAITING,
    (_S.ASKED, _SENT, _M.REQUEST_IN_PROGRESS): _S.ASKED,
    (_S.ASKED, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.ASKED, _SENT, _M.STATUS_RESPONSE): _S.ASKED,
    (_S.ASKED, _RECEIVED, _M.STATUS_REQUEST): _S.ASKED,
    (_S.ASKED, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.ASKED,
    (_S.ASKED, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.ASKED, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.ASKED, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # the server says what is to be done
    (_S.WAITING, _RECEIVED, _M.KEY_GENERATE_REQUEST): _S.GENERATING,
    (_S.WAITING, _RECEIVED, _M.FETCH_CERTIFICATE_REQUEST): _S.FETCHING,
    (_S.WAITING, _RECEIVED, _M.DELETE_CERTIFICATE_REQUEST): _S.DELETING,
    (_S.WAITING, _SENT, _M.REQUEST_IN_PROGRESS): _S.WAITING,
    (_S.WAITING, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.WAITING, _SENT, _M.STATUS_RESPONSE): _S.WAITING,
    (_S.WAITING, _RECEIVED, _M.STATUS_REQUEST): _S.WAITING,
    (_S.WAITING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.WAITING,
    (_S.WAITING, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.WAITING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.WAITING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # install: we make a key,
    (_S.GENERATING, _SENT, _M.KEY_GENERATE_RESPONSE): _S.SUBMITTED,
    (_S.GENERATING, _SENT, _M.REQUEST_IN_PROGRESS): _S.GENERATING,
    (_S.GENERATING, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.GENERATING, _SENT, _M.STATUS_RESPONSE): _S.GENERATING,
    (_S.GENERATING, _RECEIVED, _M.STATUS_REQUEST): _S.GENERATING,
    (_S.GENERATING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.GENERATING,
    (_S.GENERATING, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.GENERATING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.GENERATING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # the server makes the certificate,
    (_S.SUBMITTED, _RECEIVED, _M.STORE_CERTIFICATE_REQUEST): _S.STORING,
    (_S.SUBMITTED, _SENT, _M.REQUEST_IN_PROGRESS): _S.SUBMITTED,
    (_S.SUBMITTED, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.SUBMITTED, _SENT, _M.STATUS_RESPONSE): _S.SUBMITTED,
    (_S.SUBMITTED, _RECEIVED, _M.STATUS_REQUEST): _S.SUBMITTED,
    (_S.SUBMITTED, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.SUBMITTED,
    (_S.SUBMITTED, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.SUBMITTED, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.SUBMITTED, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # we store it
    (_S.STORING, _SENT, _M.STORE_CERTIFICATE_RESPONSE): _S.FINISHING,
    (_S.STORING, _SENT, _M.REQUEST_IN_PROGRESS): _S.STORING,
    (_S.STORING, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.STORING, _SENT, _M.STATUS_RESPONSE): _S.STORING,
    (_S.STORING, _RECEIVED, _M.STATUS_REQUEST): _S.STORING,
    (_S.STORING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.STORING,
    (_S.STORING, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.STORING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.STORING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # troubleshoot
    (_S.FETCHING, _SENT, _M.FETCH_CERTIFICATE_RESPONSE): _S.FINISHING,
    (_S.FETCHING, _SENT, _M.REQUEST_IN_PROGRESS): _S.FETCHING,
    (_S.FETCHING, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.FETCHING, _SENT, _M.STATUS_RESPONSE): _S.FETCHING,
    (_S.FETCHING, _RECEIVED, _M.STATUS_REQUEST): _S.FETCHING,
    (_S.FETCHING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.FETCHING,
    (_S.FETCHING, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.FETCHING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.FETCHING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # delete
    (_S.DELETING, _SENT, _M.DELETE_CERTIFICATE_RESPONSE): _S.FINISHING,
    (_S.DELETING, _SENT, _M.REQUEST_IN_PROGRESS): _S.DELETING,
    (_S.DELETING, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.DELETING, _SENT, _M.STATUS_RESPONSE): _S.DELETING,
    (_S.DELETING, _RECEIVED, _M.STATUS_REQUEST): _S.DELETING,
    (_S.DELETING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.DELETING,
    (_S.DELETING, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.DELETING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.DELETING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # all is done but the goodbye
    (_S.FINISHING, _SENT, _M.REQUEST_IN_PROGRESS): _S.FINISHING,
    (_S.FINISHING, _SENT, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.FINISHING, _SENT, _M.STATUS_RESPONSE): _S.FINISHING,
    (_S.FINISHING, _RECEIVED, _M.STATUS_REQUEST): _S.FINISHING,
    (_S.FINISHING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.FINISHING,
    (_S.FINISHING, _RECEIVED, _M.ABORT_REQUEST): _S.AGREEING,
    (_S.FINISHING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.FINISHING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # we gave up, and wait for the server to agree
    (_S.ABORTING, _RECEIVED, _M.ABORT_RESPONSE): _S.ENDED,
    (_S.ABORTING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.ABORTING,
    (_S.ABORTING, _RECEIVED, _M.END_SESSION): _S.ENDED,
    (_S.ABORTING, _RECEIVED, _M.RETRY_LATER): _S.ENDED,
    # the server gave up
    (_S.AGREEING, _SENT, _M.ABORT_RESPONSE): _S.ENDED,
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a phone proves itself with: by mode a string, or the key of a certificate.

    `password` "" is the null string, which is also sent beside a certificate. `certificate` is
    the LSC or MIC by `certificate_type`; `sudi` a built-in RSA certificate sent besides.
    """

    password: str = field(default="", repr=False)
    certificate: Signer | None = field(default=None, repr=False)
    certificate_type: int = CertificateType.LSC
    sudi: Signer | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AuthenticationRequested:
    """The server asks who we are."""

    version: int | None
    authentication_type: int | None


@dataclass(frozen=True, slots=True)
class KeyRequested:
    """Install or upgrade: the server asks for a new key."""

    spec: KeySpec


@dataclass(frozen=True, slots=True)
class StoreRequested:
    """The server gives us a certificate."""

    certificate: NestedCertificate


@dataclass(frozen=True, slots=True)
class FetchRequested:
    """Troubleshoot: the server asks for our certificate."""


@dataclass(frozen=True, slots=True)
class DeleteRequested:
    """The server asks us to delete our LSC."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The server ended the session. `reason` is a `Reason` as far as that is known."""

    reason: int
    text: str | None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The server is busy. `delay` is the number it gave, in a unit that is not known."""

    delay: int | None


ClientEvent: TypeAlias = (
    AuthenticationRequested
    | KeyRequested
    | StoreRequested
    | FetchRequested
    | DeleteRequested
    | SessionEnded
    | RetryLater
    | InProgress
    | StatusRequested
    | Aborted
)


class CapfClientConversation(CapfConversation[ClientState, ClientEvent]):
    """The phone's side, for the phone named `device_name` (`SEP` and 12 hex digits)."""

    def __init__(self, device_name: str) -> None:
        super().__init__(TRANSITIONS, first=_S.CONNECTED, ended=_S.ENDED, session_id=None)
        self._device_name = device_name

    def authenticate(self, credentials: Credentials) -> None:
        """Say who we are. Signs twice with each key of `credentials`."""
        elements = [
            byte_element(Tag.REASON, Reason.CERTIFICATE_UPDATED),
            byte_element(Tag.VERSION, VERSION),
            text_element(Tag.PASSWORD, credentials.password),
            text_element(Tag.DEVICE_NAME, self._device_name),
        ]
        if credentials.certificate is not None:
            nested_type = credentials.certificate_type
            elements += _proof(self._device_name, credentials.certificate, nested_type)
        if credentials.sudi is not None:
            elements.append(_sudi_proof(self._session_id or 0, credentials.sudi))
        self._send(_M.AUTH_RESPONSE, *sorted(elements, key=lambda each: each.tag))

    def report_progress(self) -> None:
        """Say that we are still at work."""
        self._send(_M.REQUEST_IN_PROGRESS)

    def send_public_key(self, public_key: bytes | None) -> None:
        """Answer with the new key's SubjectPublicKeyInfo; None says that none could be made."""
        if public_key is None:
            answer = byte_element(Tag.REASON, Reason.INVALID_ELEMENT)
        else:
            answer = Element(Tag.PUBLIC_KEY, public_key)
        self._send(_M.KEY_GENERATE_RESPONSE, answer)

    def certificate_stored(self, reason: int = Reason.CERTIFICATE_UPDATED) -> None:
        """Say that the certificate is stored, or with another reason that it is not."""
        self._send(_M.STORE_CERTIFICATE_RESPONSE, byte_element(Tag.REASON, reason))

    def send_certificate(self, certificate: NestedCertificate | None) -> None:
        """Answer a fetch; None says that we have no certificate."""
        if certificate is None:
            refusal = byte_element(Tag.REASON, Reason.INVALID_ELEMENT)
            self._send(_M.FETCH_CERTIFICATE_RESPONSE, refusal)
            return
        success = byte_element(Tag.REASON, Reason.CERTIFICATE_UPDATED)
        self._send(_M.FETCH_CERTIFICATE_RESPONSE, success, certificate_element(certificate))

    def certificate_deleted(self, reason: int = Reason.CERTIFICATE_UPDATED) -> None:
        """Say that the LSC is deleted, or with another reason that it is not."""
        self._send(_M.DELETE_CERTIFICATE_RESPONSE, byte_element(Tag.REASON, reason))

    def abort(self) -> None:
        """Give up; the server's answer is awaited."""
        self._send(_M.ABORT_REQUEST)

    def _read(self, message: Message) -> ClientEvent:
        return _READERS[MessageType(message.message_type)](message)


def _proof(device_name: str, signer: Signer, certificate_type: int) -> list[Element]:
    der = certificate_der(signer.certificate)
    data = device_proof_data(device_name, der)
    signature = sign_bare_digest(signer.private_key, Digest.SHA512, data)
    return [
        certificate_element(NestedCertificate(certificate_type, der)),
        Element(Tag.SIGNED_DATA, sign_bare_digest(signer.private_key, Digest.SHA1, data)),
        sha2_signature_element(Sha2Signature(Digest.SHA512, signature)),
    ]


def _sudi_proof(session_id: int, signer: Signer) -> Element:
    der = certificate_der(signer.certificate)
    data = sudi_proof_data(session_id, der)
    key = signer.private_key
    sha1, sha512 = (sign_bare_digest(key, each, data) for each in (Digest.SHA1, Digest.SHA512))
    return sudi_element(Sudi(der, sha1, sha512))


def _read_request(message: Message) -> AuthenticationRequested:
    version = message.byte(Tag.VERSION)
    return AuthenticationRequested(version, message.byte(Tag.AUTHENTICATION_TYPE))


def _read_store(message: Message) -> StoreRequested:
    certificate = message.certificate()
    if certificate is None:
        raise FormatError("no certificate element", HEADER_SIZE)
    return StoreRequested(certificate)


def _read_end(message: Message) -> SessionEnded:
    return SessionEnded(required_byte(message, Tag.REASON), message.text(Tag.REASON_TEXT))


def _read_retry(message: Message) -> RetryLater:
    delay = message.value(Tag.RETRY_DELAY)
    return RetryLater(None if delay is None else int.from_bytes(delay, "big"))


_READERS: Final[dict[MessageType, Callable[[Message], ClientEvent]]] = {
    _M.AUTH_REQUEST: _read_request,
    _M.KEY_GENERATE_REQUEST: lambda m: KeyRequested(decode_key_spec(m)),
    _M.STORE_CERTIFICATE_REQUEST: _read_store,
    _M.FETCH_CERTIFICATE_REQUEST: lambda _: FetchRequested(),
    _M.DELETE_CERTIFICATE_REQUEST: lambda _: DeleteRequested(),
    _M.END_SESSION: _read_end,
    _M.RETRY_LATER: _read_retry,
    _M.REQUEST_IN_PROGRESS: lambda _: InProgress(),
    _M.STATUS_REQUEST: lambda _: StatusRequested(),
    _M.ABORT_REQUEST: lambda _: Aborted(),
    _M.ABORT_RESPONSE: lambda _: Aborted(),
}
