"""What happens to the files of a booting phone; see `events`."""

from dataclasses import dataclass

from cucmsim.phone.values import FileKind, Purpose, Refusal, Transport, TrustSource

__all__ = [
    "BootStarted",
    "CacheFlushed",
    "CertificateHashMismatch",
    "ConfigurationAccepted",
    "ConfigurationDecrypted",
    "ConfigurationKept",
    "DownloadFailed",
    "DownloadFinished",
    "DownloadStarted",
    "FileApproved",
    "RequestRetransmitted",
    "RequestSent",
    "ServerSecurity",
    "SignatureVerified",
    "TrustListKept",
    "TrustListMissing",
    "TrustListRefused",
    "TrustListUpdated",
    "TrustListVerified",
    "TrustListsErased",
    "TrustListsSearched",
    "TrustListsSummarised",
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
    phone holds no trust list. `signer` is the subject of the one who signed; over HTTPS,
    `tls_server` is the trusted server that stands for a signature.
    """

    name: str
    version_stamp: str
    source: TrustSource | None = None
    signer: str = ""
    tls_server: str = ""


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
