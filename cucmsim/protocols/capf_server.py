"""The server's side of a CAPF conversation, without I/O.

The server speaks first: `start`, then hand bytes to `receive_data`, take events from `next_event`,
answer each with one decision (`request_key`, `store_certificate`, `request_certificate`,
`request_deletion`, `end`, `retry_later`), and write what `data_to_send` returns. A phone that
breaks the rules is told end session with reason 7, which is queued when RemoteProtocolError is
raised.

Source: the CAPF reference (public capfd tool). Vectors: tests/vectors/capf/*.json.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from cucmsim.errors import FormatError, RemoteProtocolError
from cucmsim.formats.capf import (
    HEADER_SIZE,
    VERSION,
    AuthenticationType,
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
    short_element,
    text_element,
)
from cucmsim.pki.keys import KeySpec
from cucmsim.protocols.capf_common import (
    Aborted,
    CapfConversation,
    Direction,
    InProgress,
    StatusRequested,
    key_spec_elements,
    required_byte,
)

__all__ = [
    "TRANSITIONS",
    "AuthenticationReceived",
    "CapfServerConversation",
    "DeleteAnswered",
    "FetchAnswered",
    "KeyAnswered",
    "ServerEvent",
    "ServerState",
    "StoreAnswered",
]


class ServerState(Enum):
    """Where the server stands; the values complete the sentence "while ..."."""

    IDLE = "not started"
    AUTHENTICATING = "waiting for the auth response"
    DECIDING = "deciding what to do"
    GENERATING = "waiting for the public key"
    SIGNING = "signing"
    STORING = "waiting for the store response"
    FETCHING = "waiting for the certificate"
    DELETING = "waiting for the delete response"
    FINISHING = "about to end the session"
    ABORTING = "agreeing to the abort"
    ENDED = "ended"


_S = ServerState
_M = MessageType
_SENT = Direction.SENT
_RECEIVED = Direction.RECEIVED

TRANSITIONS: Final[dict[tuple[ServerState, Direction, MessageType], ServerState]] = {
    (_S.IDLE, _SENT, _M.AUTH_REQUEST): _S.AUTHENTICATING,
    (_S.IDLE, _SENT, _M.RETRY_LATER): _S.ENDED,
    # the phone says who it is
    (_S.AUTHENTICATING, _RECEIVED, _M.AUTH_RESPONSE): _S.DECIDING,
    (_S.AUTHENTICATING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.AUTHENTICATING,
    (_S.AUTHENTICATING, _RECEIVED, _M.STATUS_REQUEST): _S.AUTHENTICATING,
    (_S.AUTHENTICATING, _SENT, _M.STATUS_RESPONSE): _S.AUTHENTICATING,
    (_S.AUTHENTICATING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.AUTHENTICATING, _SENT, _M.END_SESSION): _S.ENDED,
    # we say what is to be done
    (_S.DECIDING, _SENT, _M.KEY_GENERATE_REQUEST): _S.GENERATING,
    (_S.DECIDING, _SENT, _M.FETCH_CERTIFICATE_REQUEST): _S.FETCHING,
    (_S.DECIDING, _SENT, _M.DELETE_CERTIFICATE_REQUEST): _S.DELETING,
    (_S.DECIDING, _SENT, _M.RETRY_LATER): _S.ENDED,
    (_S.DECIDING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.DECIDING,
    (_S.DECIDING, _RECEIVED, _M.STATUS_REQUEST): _S.DECIDING,
    (_S.DECIDING, _SENT, _M.STATUS_RESPONSE): _S.DECIDING,
    (_S.DECIDING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.DECIDING, _SENT, _M.END_SESSION): _S.ENDED,
    # install: the phone makes a key,
    (_S.GENERATING, _RECEIVED, _M.KEY_GENERATE_RESPONSE): _S.SIGNING,
    (_S.GENERATING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.GENERATING,
    (_S.GENERATING, _RECEIVED, _M.STATUS_REQUEST): _S.GENERATING,
    (_S.GENERATING, _SENT, _M.STATUS_RESPONSE): _S.GENERATING,
    (_S.GENERATING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.GENERATING, _SENT, _M.END_SESSION): _S.ENDED,
    # we make the certificate,
    (_S.SIGNING, _SENT, _M.STORE_CERTIFICATE_REQUEST): _S.STORING,
    (_S.SIGNING, _SENT, _M.RETRY_LATER): _S.ENDED,
    (_S.SIGNING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.SIGNING,
    (_S.SIGNING, _RECEIVED, _M.STATUS_REQUEST): _S.SIGNING,
    (_S.SIGNING, _SENT, _M.STATUS_RESPONSE): _S.SIGNING,
    (_S.SIGNING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.SIGNING, _SENT, _M.END_SESSION): _S.ENDED,
    # the phone stores it
    (_S.STORING, _RECEIVED, _M.STORE_CERTIFICATE_RESPONSE): _S.FINISHING,
    (_S.STORING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.STORING,
    (_S.STORING, _RECEIVED, _M.STATUS_REQUEST): _S.STORING,
    (_S.STORING, _SENT, _M.STATUS_RESPONSE): _S.STORING,
    (_S.STORING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.STORING, _SENT, _M.END_SESSION): _S.ENDED,
    # troubleshoot
    (_S.FETCHING, _RECEIVED, _M.FETCH_CERTIFICATE_RESPONSE): _S.FINISHING,
    (_S.FETCHING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.FETCHING,
    (_S.FETCHING, _RECEIVED, _M.STATUS_REQUEST): _S.FETCHING,
    (_S.FETCHING, _SENT, _M.STATUS_RESPONSE): _S.FETCHING,
    (_S.FETCHING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.FETCHING, _SENT, _M.END_SESSION): _S.ENDED,
    # delete
    (_S.DELETING, _RECEIVED, _M.DELETE_CERTIFICATE_RESPONSE): _S.FINISHING,
    (_S.DELETING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.DELETING,
    (_S.DELETING, _RECEIVED, _M.STATUS_REQUEST): _S.DELETING,
    (_S.DELETING, _SENT, _M.STATUS_RESPONSE): _S.DELETING,
    (_S.DELETING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.DELETING, _SENT, _M.END_SESSION): _S.ENDED,
    # all is done but the goodbye
    (_S.FINISHING, _RECEIVED, _M.REQUEST_IN_PROGRESS): _S.FINISHING,
    (_S.FINISHING, _RECEIVED, _M.STATUS_REQUEST): _S.FINISHING,
    (_S.FINISHING, _SENT, _M.STATUS_RESPONSE): _S.FINISHING,
    (_S.FINISHING, _RECEIVED, _M.ABORT_REQUEST): _S.ABORTING,
    (_S.FINISHING, _SENT, _M.END_SESSION): _S.ENDED,
    (_S.ABORTING, _SENT, _M.ABORT_RESPONSE): _S.ENDED,
}


@dataclass(frozen=True, slots=True)
class AuthenticationReceived:
    """The phone says who it is and proves it.

    `password` is None where the element is missing, "" for the null string; it never shows in a
    repr. `signature_sha1` and `sha2_signature` prove possession of the key of `certificate`.
    """

    device_name: str
    version: int | None
    password: str | None = field(repr=False)
    certificate: NestedCertificate | None = None
    signature_sha1: bytes | None = None
    sha2_signature: Sha2Signature | None = None
    sudi: Sudi | None = None


@dataclass(frozen=True, slots=True)
class KeyAnswered:
    """The phone made a key; `public_key` is its SubjectPublicKeyInfo, None if it could not."""

    public_key: bytes | None
    reason: int | None


@dataclass(frozen=True, slots=True)
class StoreAnswered:
    """The phone stored the certificate (reason 1) or did not."""

    reason: int

    @property
    def succeeded(self) -> bool:
        """Whether the certificate is in the phone now."""
        return self.reason == Reason.CERTIFICATE_UPDATED


@dataclass(frozen=True, slots=True)
class FetchAnswered:
    """The phone's certificate, None if it has none."""

    reason: int
    certificate: NestedCertificate | None


@dataclass(frozen=True, slots=True)
class DeleteAnswered:
    """The phone deleted its certificate (reason 1) or did not."""

    reason: int

    @property
    def succeeded(self) -> bool:
        """Whether the certificate is gone."""
        return self.reason == Reason.CERTIFICATE_UPDATED


ServerEvent: TypeAlias = (
    AuthenticationReceived
    | KeyAnswered
    | StoreAnswered
    | FetchAnswered
    | DeleteAnswered
    | InProgress
    | StatusRequested
    | Aborted
)


class CapfServerConversation(CapfConversation[ServerState, ServerEvent]):
    """The server's side. `session_id` is any number of 32 bits that tells this session apart."""

    def __init__(self, session_id: int) -> None:
        super().__init__(TRANSITIONS, first=_S.IDLE, ended=_S.ENDED, session_id=session_id)

    def start(self) -> None:
        """Ask the phone who it is."""
        self._send(
            _M.AUTH_REQUEST,
            byte_element(Tag.VERSION, VERSION),
            byte_element(Tag.AUTHENTICATION_TYPE, AuthenticationType.NONE),
        )

    def request_key(self, spec: KeySpec) -> None:
        """Install or upgrade: ask the phone to make a key."""
        self._send(_M.KEY_GENERATE_REQUEST, *key_spec_elements(spec))

    def store_certificate(self, certificate_der: bytes) -> None:
        """Give the phone its LSC."""
        self._send(
            _M.STORE_CERTIFICATE_REQUEST,
            byte_element(Tag.CERTIFICATE_TYPE, CertificateType.LSC),
            certificate_element(NestedCertificate(CertificateType.LSC, certificate_der)),
        )

    def request_certificate(self) -> None:
        """Troubleshoot: ask for the phone's certificate."""
        self._send(_M.FETCH_CERTIFICATE_REQUEST)

    def request_deletion(self) -> None:
        """Ask the phone to delete its LSC."""
        self._send(_M.DELETE_CERTIFICATE_REQUEST)

    def end(self, reason: int, text: str | None = None) -> None:
        """End the session with a reason, and a text for people if there is one."""
        elements = [byte_element(Tag.REASON, reason)]
        if text is not None:
            elements.append(text_element(Tag.REASON_TEXT, text))
        self._send(_M.END_SESSION, *elements)

    def retry_later(self, delay_s: int) -> None:
        """Send the phone away for `delay_s` seconds (the real unit is not known)."""
        self._send(_M.RETRY_LATER, short_element(Tag.RETRY_DELAY, delay_s))

    def _fail(self, problem: str) -> RemoteProtocolError:
        self._queue(_M.END_SESSION, byte_element(Tag.REASON, Reason.INVALID_ELEMENT))
        return super()._fail(problem)

    def _read(self, message: Message) -> ServerEvent:
        return _READERS[MessageType(message.message_type)](message)


def _read_authentication(message: Message) -> AuthenticationReceived:
    device_name = message.text(Tag.DEVICE_NAME)
    if device_name is None:
        raise FormatError("no device name element", HEADER_SIZE)
    return AuthenticationReceived(
        device_name=device_name,
        version=message.byte(Tag.VERSION),
        password=message.text(Tag.PASSWORD),
        certificate=message.certificate(),
        signature_sha1=message.value(Tag.SIGNED_DATA),
        sha2_signature=message.sha2_signature(),
        sudi=message.sudi(),
    )


def _read_fetched(message: Message) -> FetchAnswered:
    return FetchAnswered(required_byte(message, Tag.REASON), message.certificate())


_READERS: Final[dict[MessageType, Callable[[Message], ServerEvent]]] = {
    _M.AUTH_RESPONSE: _read_authentication,
    _M.KEY_GENERATE_RESPONSE: lambda m: KeyAnswered(m.value(Tag.PUBLIC_KEY), m.byte(Tag.REASON)),
    _M.STORE_CERTIFICATE_RESPONSE: lambda m: StoreAnswered(required_byte(m, Tag.REASON)),
    _M.FETCH_CERTIFICATE_RESPONSE: _read_fetched,
    _M.DELETE_CERTIFICATE_RESPONSE: lambda m: DeleteAnswered(required_byte(m, Tag.REASON)),
    _M.REQUEST_IN_PROGRESS: lambda _: InProgress(),
    _M.STATUS_REQUEST: lambda _: StatusRequested(),
    _M.ABORT_REQUEST: lambda _: Aborted(),
}
