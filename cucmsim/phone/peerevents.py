"""What happens between a phone and TVS, HTTPS servers, CAPF and CallManager; see `events`."""

from dataclasses import dataclass
from datetime import datetime

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone.values import Purpose, Refusal, TrustSource

__all__ = [
    "CapfFinished",
    "CapfSkipped",
    "CapfStarted",
    "DeviceCertificateUsed",
    "DeviceTlInfo",
    "DirectoryRequested",
    "HttpsAuthenticated",
    "HttpsConnected",
    "HttpsConnecting",
    "HttpsNotInTrustList",
    "HttpsRefused",
    "Registering",
    "RegistrationFailed",
    "RegistrationLost",
    "RegistrationSucceeded",
    "ResetReceived",
    "TlsHandshakeWaited",
    "TvsAnswerReceived",
    "TvsCacheSearched",
    "TvsCached",
    "TvsConnected",
    "TvsConnecting",
    "TvsFailed",
    "TvsGivenUp",
    "TvsRequestSent",
    "TvsServerRefused",
    "TvsServerVerified",
    "TvsStarted",
]


# --- TVS


@dataclass(frozen=True, slots=True)
class TvsStarted:
    """The phone turns to TVS. `is_query`: it has issuer and serial only (phone.md 2.2, 6)."""

    purpose: Purpose
    is_query: bool


@dataclass(frozen=True, slots=True)
class TvsCacheSearched:
    """`lookupAuthCertTvsCacheEntry: No matching entry found at cache`, or found."""

    found: bool


@dataclass(frozen=True, slots=True)
class TvsConnecting:
    """`connectToTvsServer: Successfully started a TLS connection establishment …`."""

    server: Endpoint
    index: int


@dataclass(frozen=True, slots=True)
class DeviceCertificateUsed:
    """The phone presents its LSC or MIC: `cert len=785, type=LSC`, subject, issuer, key length.

    Names in OpenSSL's one-line form: `/C=AU/O=stormin/…`.
    """

    certificate_length: int
    is_mic: bool
    subject: str
    issuer: str
    key_length: int


@dataclass(frozen=True, slots=True)
class TlsHandshakeWaited:
    """(I/O) The handshake was looked at again after half a second, the `count`-th time."""

    server: Endpoint
    count: int


@dataclass(frozen=True, slots=True)
class TvsConnected:
    """TCP and TLS to TVS stand."""

    server: Endpoint
    index: int


@dataclass(frozen=True, slots=True)
class TvsServerVerified:
    """TVS's own certificate is in a trust list with role 21: `cert hash and hash in TL MATCH`."""

    server: Endpoint
    by_hash: bool
    source: TrustSource


@dataclass(frozen=True, slots=True)
class TvsServerRefused:
    """It is not; the phone closes."""

    server: Endpoint
    index: int


@dataclass(frozen=True, slots=True)
class TvsRequestSent:
    """The request went out: `bytes written : 153`."""

    server: Endpoint
    is_query: bool
    size: int


@dataclass(frozen=True, slots=True)
class TvsAnswerReceived:
    """The answer came: `TVS Service receives 1480 bytes of data`, `status : 0`."""

    server: Endpoint
    is_query: bool
    size: int
    status: int
    roles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TvsCached:
    """The answer is kept: `Saving certificate in TVS cache with default time-to-live value: …`."""

    is_query: bool
    time_to_live_s: int


@dataclass(frozen=True, slots=True)
class TvsFailed:
    """One server does not answer."""

    server: Endpoint
    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class TvsGivenUp:
    """No TVS server helped: none trusted, none configured, or all silent."""

    purpose: Purpose
    reason: Refusal


# --- HTTPS servers: the directory, provisioning


@dataclass(frozen=True, slots=True)
class DirectoryRequested:
    """(I/O) The directory button was pressed: `Directory url https://…`."""

    url: str


@dataclass(frozen=True, slots=True)
class HttpsConnecting:
    """(I/O) `cIpSetupSsl: Trying to connect to IPV4, IP: …, Port : 8443`."""

    server: Endpoint


@dataclass(frozen=True, slots=True)
class HttpsConnected:
    """(I/O) TCP stands, the handshake starts; then `Server Certificate Validation needs …`."""

    server: Endpoint


@dataclass(frozen=True, slots=True)
class HttpsNotInTrustList:
    """`https_cert_vfy: HTTPS cert not in CTL`: in neither list."""

    server: str


@dataclass(frozen=True, slots=True)
class HttpsAuthenticated:
    """`Authenticated the HTTPS conn via TVS`, or through a trust list or the cache."""

    server: str
    source: TrustSource


@dataclass(frozen=True, slots=True)
class HttpsRefused:
    """The certificate of an HTTPS server is not trusted. Services show `Host Not Found`."""

    server: str
    reason: Refusal


# --- CAPF


@dataclass(frozen=True, slots=True)
class CapfStarted:
    """The phone visits CAPF; `mode` is capfAuthMode, `why` one of `boot`'s CAPF reasons."""

    server: Endpoint
    mode: int
    why: str


@dataclass(frozen=True, slots=True)
class CapfSkipped:
    """It does not: no server, or a person would have to type the authentication string."""

    reason: str


@dataclass(frozen=True, slots=True)
class CapfFinished:
    """A visit ended. `operation` is a word of `steps.CapfOperation`; `detail` is why it failed."""

    server: Endpoint
    operation: str
    succeeded: bool
    detail: str = ""

    @property
    def what(self) -> str:
        """What ended: the operation, or, where the server told none, the session."""
        return "session" if self.operation == "none" else self.operation


# --- registration, person


@dataclass(frozen=True, slots=True)
class Registering:
    """The phone turns to its CallManager group."""

    members: tuple[str, ...]
    protocol: str
    transport: int


@dataclass(frozen=True, slots=True)
class RegistrationSucceeded:
    """The phone is registered; over "TCP" or "TLS", as which number, for how long."""

    server: str
    transport: str = ""
    number: str = ""
    expires_s: int = 0


@dataclass(frozen=True, slots=True)
class RegistrationFailed:
    """No member took the phone; `unreachable`: none answers."""

    reason: str
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class RegistrationLost:
    """(I/O) The server does not answer any more, or closed the connection."""

    server: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResetReceived:
    """(I/O) The server asks for `reset`, `restart` or `apply-config`.

    Status: `Restart requested by Cisco Unified Communications Manager`.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class DeviceTlInfo:
    """The DeviceTLInfo alarm after a trust list changed or was refused (phone.md 3.5).

    Signatures are the SHA-1 of the files held, None where there is none; servers are empty then.
    """

    device_name: str
    ctl_sha1: bytes | None
    ctl_server: str
    itl_sha1: bytes | None
    itl_server: str
    status_code: int
    at: datetime
