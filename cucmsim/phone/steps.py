"""What a booting phone wants done, and what can come of it.

The machines of this package (`Boot`, `HttpsCheck`) do no I/O: `next_step()` says what is to be done
next, whoever does it gives the outcome to `answer(outcome, now)`, and `take_effects()` gives what
happened meanwhile, in order: events for log and screen, and `StoreFlash`. One step is one exchange
with one server; which server comes next after a failure is the machine's decision.

A step over TLS carries a `PeerCheck`. Right after the handshake, before anything is sent, the
certificate shown goes to `check.judge(...)`: ACCEPTED, go on; REFUSED, close and answer
`PeerRefused`; UNPROVEN, close (or keep the connection for later) and answer `PeerUnproven`: the
machine asks TVS and, when that vouches, asks for the same step again.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from cucmsim.formats.phonealarms import OutOfServiceReason
from cucmsim.formats.phonevalues import CallManager, Endpoint, Line
from cucmsim.formats.tvs import (
    QueryAnswer,
    QueryRequest,
    QueryTags,
    VerificationAnswer,
    VerificationRequest,
)
from cucmsim.phone.config import RegistrationTimers
from cucmsim.phone.events import DeviceTlInfo, Event
from cucmsim.phone.flash import Flash
from cucmsim.phone.values import Certified, FileKind, Transport

__all__ = [
    "AskTvs",
    "CapfAnswered",
    "CapfBusy",
    "CapfOperation",
    "Effect",
    "Fetch",
    "FetchFailure",
    "Fetched",
    "NotFetched",
    "NotReached",
    "Outcome",
    "PeerCheck",
    "PeerRefused",
    "PeerUnproven",
    "PeerVerdict",
    "Register",
    "Registered",
    "RegistrationRefused",
    "RunCapf",
    "Step",
    "StoreFlash",
    "TvsAnswered",
]


_TLS = 3


class PeerVerdict(StrEnum):
    """What becomes of a TLS server after its handshake."""

    ACCEPTED = "accepted"
    UNPROVEN = "unproven"
    REFUSED = "refused"


class PeerCheck(Protocol):
    """Says whether a server may be talked to."""

    def judge(self, certificate_der: bytes | None) -> PeerVerdict:
        """Judge the certificate that a server showed, None when it showed none."""
        ...


class FetchFailure(StrEnum):
    """Why no file came."""

    NOT_FOUND = "not found"
    TOO_LARGE = "too large"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    ERROR = "error"


class CapfOperation(StrEnum):
    """What CAPF did with the phone."""

    NONE = "none"
    INSTALL = "install"
    FETCH = "fetch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get a file. Outcomes: Fetched, NotFetched; over HTTPS also PeerRefused, PeerUnproven.

    `server` is a TFTP server's name or address; its port for `transport` is for whoever does it to
    know. `index` counts the phone's TFTP servers from 0. `size_limit` in bytes.
    """

    name: str
    kind: FileKind
    server: str
    index: int
    transport: Transport
    size_limit: int
    check: PeerCheck | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file came. `status_line` is HTTP's: `HTTP/1.1 200 OK`."""

    data: bytes = field(repr=False)
    status_line: str = ""


@dataclass(frozen=True, slots=True)
class NotFetched:
    """It did not. `status_line` is HTTP's, `code` and `text` those of a TFTP error."""

    failure: FetchFailure
    status_line: str = ""
    code: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class AskTvs:
    """Ask one TVS server. Outcomes: TvsAnswered, NotReached, PeerRefused.

    `index` counts the configuration's servers from 0; `certified` is what to present when asked.
    """

    server: Endpoint
    index: int
    request: VerificationRequest | QueryRequest
    tags: QueryTags
    certified: Certified | None
    check: PeerCheck


@dataclass(frozen=True, slots=True)
class TvsAnswered:
    """Its answer, with the bytes sent and received, and the certificate TVS showed."""

    answer: VerificationAnswer | QueryAnswer
    sent_size: int
    received_size: int
    certificate_der: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotReached:
    """The server cannot be reached, or broke off, or is silent; `reason` in words.

    `connected` tells that the TLS connection stood.
    """

    reason: str
    connected: bool = False


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """The check refused the certificate of the server; nothing was sent."""

    certificate_der: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PeerUnproven:
    """The check does not know the certificate of the server; nothing was sent."""

    certificate_der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunCapf:
    """Visit one CAPF server. Outcomes: CapfAnswered, CapfBusy, NotReached, PeerRefused, Unproven.

    `password` "" is the null string; `proof` the LSC or MIC to authenticate with (`proof_is_mic`
    tells which), `held` the LSC to show when the server fetches it.
    """

    server: Endpoint
    index: int
    device_name: str
    password: str = field(repr=False)
    proof: Certified | None
    proof_is_mic: bool
    held: Certified | None
    check: PeerCheck


@dataclass(frozen=True, slots=True)
class CapfAnswered:
    """The session came to its end. `reason` and `text` are those of end session.

    `installed` is the new LSC of a successful install.
    """

    operation: CapfOperation
    succeeded: bool
    reason: int | None = None
    text: str | None = None
    installed: Certified | None = None


@dataclass(frozen=True, slots=True)
class CapfBusy:
    """Retry later; `delay` is what the server said, in a unit that is not known."""

    delay: int | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """Register with the members of the group in order.

    Outcomes: Registered, RegistrationRefused, NotReached, PeerRefused, PeerUnproven. The last step
    of a boot. `protocol` is "SIP" or "SCCP"; `transport` 1 TCP, 2 UDP, 3 TLS; `security_mode`
    1 none, 2 authenticated, 3 encrypted. `alarms` go out before, in order, one REFER each;
    `certified` and `check` are for TLS. `reason` is why the phone was without service;
    `version_stamp` that of its configuration; `load` and `inactive_load` without `.loads`.
    """

    members: tuple[CallManager, ...]
    protocol: str
    transport: int
    security_mode: int
    lines: tuple[Line, ...]
    alarms: tuple[DeviceTlInfo, ...]
    certified: Certified | None
    check: PeerCheck
    reason: OutOfServiceReason = OutOfServiceReason.INITIALIZED
    timers: RegistrationTimers = field(default_factory=RegistrationTimers)
    version_stamp: str = ""
    load: str = ""
    inactive_load: str = ""

    @property
    def is_secure(self) -> bool:
        """Whether to register over TLS."""
        return self.transport == _TLS or self.security_mode > 1


@dataclass(frozen=True, slots=True)
class Registered:
    """The phone is registered with `server`, a member's process node name.

    `transport` is "TCP" or "TLS", `number` what it is registered as, `expires_s` until when
    without a refresh; empty and 0 where that is not told.
    """

    server: str
    transport: str = ""
    number: str = ""
    expires_s: int = 0


@dataclass(frozen=True, slots=True)
class RegistrationRefused:
    """A server said no: SIP's status and reason phrase, and its Warning where it gave one.

    SCCP has no status (0) and a reason only.
    """

    server: str
    status: int
    reason: str
    warning: str = ""

    @property
    def text(self) -> str:
        """The refusal in words."""
        status = f"{self.status} " if self.status else ""
        said = f"{self.server}: {status}{self.reason}"
        return f"{said}, {self.warning}" if self.warning else said


@dataclass(frozen=True, slots=True)
class StoreFlash:
    """Keep this flash, before anything that comes after."""

    flash: Flash


Step: TypeAlias = Fetch | AskTvs | RunCapf | Register
Outcome: TypeAlias = (
    Fetched
    | NotFetched
    | TvsAnswered
    | NotReached
    | PeerRefused
    | PeerUnproven
    | CapfAnswered
    | CapfBusy
    | Registered
    | RegistrationRefused
)
Effect: TypeAlias = Event | StoreFlash
