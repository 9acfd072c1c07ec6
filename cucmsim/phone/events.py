"""What happens inside a phone, one value for each line or fixed group of lines of its console log.

Events name things, not texts: `texts79xx` and `texts78xx` put them into the words of each
generation, `phone.md` 3.3 and 3.4 and seeds 000 and 002 being the sources. The machines of this
package give most of them; those marked (I/O) come from whoever carries out the steps.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from cucmsim.formats.phonevalues import Endpoint
from cucmsim.phone.values import FileKind, Purpose, Refusal, Transport, TrustSource

__all__ = [
    "BootStarted",
    "CacheFlushed",
    "CapfFinished",
    "CapfSkipped",
    "CapfStarted",
    "CertificateHashMismatch",
    "ConfigurationAccepted",
    "ConfigurationDecrypted",
    "ConfigurationKept",
    "DeviceCertificateUsed",
    "DeviceTlInfo",
    "DirectoryRequested",
    "DownloadFailed",
    "DownloadFinished",
    "DownloadStarted",
    "Event",
    "FileApproved",
    "HttpsAuthenticated",
    "HttpsConnected",
    "HttpsConnecting",
    "HttpsNotInTrustList",
    "HttpsRefused",
    "Registering",
    "RegistrationFailed",
    "RegistrationSucceeded",
    "RequestRetransmitted",
    "RequestSent",
    "ResetReceived",
    "ServerSecurity",
    "SignatureVerified",
    "TlsHandshakeWaited",
    "TrustListKept",
    "TrustListMissing",
    "TrustListRefused",
    "TrustListUpdated",
    "TrustListVerified",
    "TrustListsErased",
    "TrustListsSearched",
    "TrustListsSummarised",
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
    "VerificationFailed",
]


# --- boot and downloads


@dataclass(frozen=True, slots=True)
class BootStarted:
    """The phone starts to load its files."""

    device_name: str
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DownloadStarted:
    """A file is wanted: `name` without `.sgn`. `size_limit` None for trust lists.

    79xx: `tlRequestFile: Request CTLSEP….tlv`, or for other files `tftp request rcv'd …`.
    78xx/88xx: `execing`, `GETXXTP [src=…][sec=…]`.
    """

    name: str
    kind: FileKind
    secure: bool
    size_limit: int | None


@dataclass(frozen=True, slots=True)
class ServerSecurity:
    """The phone found out whether the TFTP server `server` (the `index`-th) signs its files.

    `holds_trust_list` False: `** no CTL, assume TFTP NONSECURE`. Values: 0x9 secure, 0xa not.
    """

    server: str
    index: int
    secure: bool
    holds_trust_list: bool


@dataclass(frozen=True, slots=True)
class FileApproved:
    """The name to ask for is settled: `authenticated file approved - add .sgn -- <name>.sgn`."""

    name: str
    secure: bool


@dataclass(frozen=True, slots=True)
class RequestSent:
    """A request goes to a server: `TFTP: [n]:Requesting <name> from <ip>`.

    `number` counts requests, trust lists and other files apart; `size_limit` None for trust lists
    of a 79xx, which names none there.
    """

    number: int
    name: str
    kind: FileKind
    server: str
    index: int
    transport: Transport
    size_limit: int | None


@dataclass(frozen=True, slots=True)
class RequestRetransmitted:
    """(I/O) TFTP sent its last packet again, the `count`-th time."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class DownloadFinished:
    """The file came: `[n]:Finished --> rcvd <size> bytes`, `XXTP complete - status = 100`."""

    number: int
    name: str
    kind: FileKind
    server: str
    transport: Transport
    size: int
    status_line: str = ""


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """It did not. `failure` is a word of `steps.FetchFailure`; HTTP's line or TFTP's error."""

    number: int
    name: str
    kind: FileKind
    server: str
    transport: Transport
    failure: str
    status_line: str = ""
    code: int | None = None
    text: str = ""


# --- trust lists


@dataclass(frozen=True, slots=True)
class TrustListMissing:
    """No server has it. Status: `File Not Found <CTLFile.tlv>`."""

    kind: FileKind


@dataclass(frozen=True, slots=True)
class TrustListVerified:
    """The signature of a new list is right, or the list was taken blindly (`source` BLIND).

    79xx: `File sign verify SUCCESS; header length <296>`; 78xx/88xx: `Hashes match...`, the
    warnings about the version, `TL parse to table: CTL_SUCCESS`.
    """

    kind: FileKind
    source: TrustSource
    header_length: int
    version: tuple[int, int]
    padding: int
    signer: str = ""


@dataclass(frozen=True, slots=True)
class TrustListUpdated:
    """It is in force now: `TL file updated.`; status `Trust List Updated` where one was held."""

    kind: FileKind
    replaced: bool
    sha1: bytes


@dataclass(frozen=True, slots=True)
class TrustListKept:
    """The file is the one already held: `CTL: Found identical existing certificate; no update`."""

    kind: FileKind


@dataclass(frozen=True, slots=True)
class TrustListRefused:
    """The old list stays in force. Status: `Trust List Update Failed`."""

    kind: FileKind
    reason: Refusal


@dataclass(frozen=True, slots=True)
class TrustListsSummarised:
    """Both were dealt with; what the phone holds now.

    Status: `CTL and ITL installed`, `CTL Installed`, `ITL installed`, `No Trust List installed`;
    only where neither was updated nor refused: those have said so.
    """

    has_ctl: bool
    has_itl: bool
    updated: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class TrustListsErased:
    """A person erased both. Status: `Erasing CTL and ITL files`."""


@dataclass(frozen=True, slots=True)
class CacheFlushed:
    """The TVS proxy forgot its certificates after a trust list changed; 3708 bytes on a 79xx."""

    request_size: int = 3708


@dataclass(frozen=True, slots=True)
class TrustListsSearched:
    """Records were looked for, in the CTL, then in the ITL as far as not found.

    `by_certificate`: `findByCertAndRoleInTL`, else `findByIssuerAndSerialAndRoleInTL`. `found` is
    CTL, ITL or None.
    """

    purpose: Purpose
    by_certificate: bool
    found: TrustSource | None


# --- signed files


@dataclass(frozen=True, slots=True)
class SignatureVerified:
    """`verifyFile: verify SUCCESS </usr/ram/<name>>`; `name` without `.sgn`."""

    name: str
    kind: FileKind
    source: TrustSource
    signer: str = ""


@dataclass(frozen=True, slots=True)
class VerificationFailed:
    """A signed file is refused. Status: `Verification Failed`."""

    name: str
    kind: FileKind
    reason: Refusal


@dataclass(frozen=True, slots=True)
class ConfigurationAccepted:
    """A configuration is in force now; `version_stamp` is its own.

    `source` is why its signature was trusted, None where it had none: over HTTPS, or where the
    phone holds no trust list. `signer` is the subject of the one who signed.
    """

    name: str
    version_stamp: str
    source: TrustSource | None = None
    signer: str = ""


@dataclass(frozen=True, slots=True)
class ConfigurationKept:
    """The configuration held before stays in force, if `held` there was one; why."""

    name: str
    reason: str
    held: bool


@dataclass(frozen=True, slots=True)
class CertificateHashMismatch:
    """`certHash` names neither LSC nor MIC (phone.md 2.5)."""

    expected: str


@dataclass(frozen=True, slots=True)
class ConfigurationDecrypted:
    """An encrypted configuration opened; `with_mic` tells with which key."""

    name: str
    with_mic: bool


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
    """A visit ended. `operation` is a word of `steps.CapfOperation`."""

    server: Endpoint
    operation: str
    succeeded: bool
    detail: str = ""


# --- registration, person


@dataclass(frozen=True, slots=True)
class Registering:
    """The phone turns to its CallManager group."""

    members: tuple[str, ...]
    protocol: str
    transport: int


@dataclass(frozen=True, slots=True)
class RegistrationSucceeded:
    """The phone is registered."""

    server: str


@dataclass(frozen=True, slots=True)
class RegistrationFailed:
    """No member took the phone."""

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


Event: TypeAlias = (
    BootStarted
    | DownloadStarted
    | ServerSecurity
    | FileApproved
    | RequestSent
    | RequestRetransmitted
    | DownloadFinished
    | DownloadFailed
    | TrustListMissing
    | TrustListVerified
    | TrustListUpdated
    | TrustListKept
    | TrustListRefused
    | TrustListsSummarised
    | TrustListsErased
    | CacheFlushed
    | TrustListsSearched
    | SignatureVerified
    | VerificationFailed
    | ConfigurationAccepted
    | ConfigurationKept
    | CertificateHashMismatch
    | ConfigurationDecrypted
    | TvsStarted
    | TvsCacheSearched
    | TvsConnecting
    | DeviceCertificateUsed
    | TlsHandshakeWaited
    | TvsConnected
    | TvsServerVerified
    | TvsServerRefused
    | TvsRequestSent
    | TvsAnswerReceived
    | TvsCached
    | TvsFailed
    | TvsGivenUp
    | DirectoryRequested
    | HttpsConnecting
    | HttpsConnected
    | HttpsNotInTrustList
    | HttpsAuthenticated
    | HttpsRefused
    | CapfStarted
    | CapfSkipped
    | CapfFinished
    | Registering
    | RegistrationSucceeded
    | RegistrationFailed
    | ResetReceived
    | DeviceTlInfo
)
