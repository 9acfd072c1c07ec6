"""The faults that can be asked for, each with its parameters: the one place where they stand.

The command line, the management API, the description and the reference in docs/faults.md are made
from this table. An *opportunity* is what a fault can happen to: a datagram, a file asked for, a
connection, a message; each kind says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["KINDS", "OFF_NODES", "FaultKind", "KindInfo", "Opportunity", "Parameter", "Value"]

Value = str | int | float


class FaultKind(StrEnum):
    """What goes wrong; the part before the hyphen is what it goes wrong with."""

    TFTP_DROP = "tftp-drop"
    TFTP_DELAY = "tftp-delay"
    TFTP_DUPLICATE = "tftp-duplicate"
    TFTP_REORDER = "tftp-reorder"
    TFTP_CORRUPT = "tftp-corrupt"
    TFTP_ERROR = "tftp-error"
    FILE_TRUNCATE = "file-truncate"
    FILE_CORRUPT = "file-corrupt"
    FILE_WRONG_SIGNATURE = "file-wrong-signature"
    FILE_WRONG_SIGNER = "file-wrong-signer"
    FILE_EXPIRED_SIGNER = "file-expired-signer"
    FILE_OLDER = "file-older"
    FILE_WRONG_NAME = "file-wrong-name"
    FILE_WRONG_DIGEST = "file-wrong-digest"
    FILE_OVERSIZED = "file-oversized"
    TVS_SILENT = "tvs-silent"
    TVS_SLOW = "tvs-slow"
    TVS_REFUSE = "tvs-refuse"
    TVS_WRONG_CERTIFICATE = "tvs-wrong-certificate"
    TVS_WRONG_SESSION = "tvs-wrong-session"
    TVS_NOT_TRUSTED = "tvs-not-trusted"
    TVS_MALFORMED = "tvs-malformed"
    TVS_SPLIT = "tvs-split"
    CAPF_DROP = "capf-drop"
    TLS_VERSIONS = "tls-versions"
    TLS_CIPHERS = "tls-ciphers"
    TLS_CERTIFICATE = "tls-certificate"
    HTTP_STATUS = "http-status"
    HTTP_STALL = "http-stall"
    HTTP_TRUNCATE = "http-truncate"
    SIP_REFUSE = "sip-refuse"
    SIP_RESET = "sip-reset"
    DHCP_SILENT = "dhcp-silent"
    NODE_DOWN = "node-down"
    SERVICE_DOWN = "service-down"


class Opportunity(StrEnum):
    """What a fault happens to, and what `times` and `after` count."""

    DATAGRAM = "datagram"
    FILE = "file"
    CONNECTION = "connection"
    MESSAGE = "message"
    STATE = "state"
    """It is so from when the fault is added until it is cleared; nothing is counted."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kind; `default` None: it has to be given. `choices` () allows any value."""

    help: str
    default: Value | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    kind: type[str | int | float] = int


@dataclass(frozen=True, slots=True)
class KindInfo:
    """What a kind does, to what, for which services, and with which parameters."""

    summary: str
    opportunity: Opportunity
    services: tuple[str, ...]
    parameters: Mapping[str, Parameter]


_DELAY_S: Final = Parameter("seconds", 1.0, 0.0, 3600.0, kind=float)
_DIRECTION: Final = Parameter(
    "whose datagrams", "server", choices=("server", "phone", "both"), kind=str
)
_BLOCK: Final = Parameter("only this block; 0: the options; -1: any", -1, -1, 65535)
_FILES: Final = ("tftp", "http")
_TLS: Final = ("tvs", "capf", "http", "callmanager", "web")
_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")

OFF_NODES: Final = ("dhcp",)
"""The services that no node runs: a phone's network has them."""


def _kind(
    summary: str,
    opportunity: Opportunity,
    services: tuple[str, ...],
    **parameters: Parameter,
) -> KindInfo:
    return KindInfo(summary, opportunity, services, MappingProxyType(parameters))


def _datagrams(summary: str, **parameters: Parameter) -> KindInfo:
    return _kind(
        summary,
        Opportunity.DATAGRAM,
        ("tftp",),
        direction=_DIRECTION,
        block=_BLOCK,
        **parameters,
    )


def _file(summary: str, **parameters: Parameter) -> KindInfo:
    return _kind(summary, Opportunity.FILE, _FILES, **parameters)


_OFFSET: Final = Parameter(
    "which byte, from 0; negative: from the end", -1, -16_777_216, 16_777_216
)

KINDS: Final[Mapping[FaultKind, KindInfo]] = MappingProxyType(
    {
        FaultKind.TFTP_DROP: _datagrams("a datagram is lost"),
        FaultKind.TFTP_DELAY: _datagrams("a datagram comes late", delay_s=_DELAY_S),
        FaultKind.TFTP_DUPLICATE: _datagrams("a datagram comes twice"),
        FaultKind.TFTP_REORDER: _datagrams("a datagram comes after the one that follows it"),
        FaultKind.TFTP_CORRUPT: _datagrams("a byte of a datagram is turned over", offset=_OFFSET),
        FaultKind.TFTP_ERROR: _kind(
            "a request is answered with an error",
            Opportunity.FILE,
            ("tftp",),
            code=Parameter("TFTP error code", 0, 0, 65535),
            text=Parameter("what it says", "", kind=str),
        ),
        FaultKind.FILE_TRUNCATE: _file(
            "a file lacks its end", keep=Parameter("bytes that are left", 100, 0, 16_777_216)
        ),
        FaultKind.FILE_CORRUPT: _file("a byte of a file is turned over", offset=_OFFSET),
        FaultKind.FILE_WRONG_SIGNATURE: _file("the signature is not that of the file"),
        FaultKind.FILE_WRONG_SIGNER: _file("signed by a certificate that nobody knows"),
        FaultKind.FILE_EXPIRED_SIGNER: _file("signed by a certificate that has expired"),
        FaultKind.FILE_OLDER: _file(
            "signed, with an earlier time", seconds=Parameter("earlier by", 86_400, 1, 1 << 31)
        ),
        FaultKind.FILE_WRONG_NAME: _file(
            "signed under another name", name=Parameter("that name", "another", kind=str)
        ),
        FaultKind.FILE_WRONG_DIGEST: _file(
            "signed, with another digest in the header than the signature is made with"
        ),
        FaultKind.FILE_OVERSIZED: _file(
            "larger than a phone takes, and signed",
            size=Parameter("bytes, at least", 65_537, 1, 16_777_216),
        ),
        FaultKind.TVS_SILENT: _kind("TVS does not answer", Opportunity.MESSAGE, ("tvs",)),
        FaultKind.TVS_SLOW: _kind(
            "TVS answers late", Opportunity.MESSAGE, ("tvs",), delay_s=_DELAY_S
        ),
        FaultKind.TVS_REFUSE: _kind("TVS resets the connection", Opportunity.CONNECTION, ("tvs",)),
        FaultKind.TVS_WRONG_CERTIFICATE: _kind(
            "TVS answers a query with another certificate", Opportunity.MESSAGE, ("tvs",)
        ),
        FaultKind.TVS_WRONG_SESSION: _kind(
            "TVS answers with another session id", Opportunity.MESSAGE, ("tvs",)
        ),
        FaultKind.TVS_NOT_TRUSTED: _kind("TVS trusts nothing", Opportunity.MESSAGE, ("tvs",)),
        FaultKind.TVS_MALFORMED: _kind(
            "TVS answers with bytes that are no answer", Opportunity.MESSAGE, ("tvs",)
        ),
        FaultKind.TVS_SPLIT: _kind("TVS answers byte by byte", Opportunity.MESSAGE, ("tvs",)),
        FaultKind.CAPF_DROP: _kind(
            "CAPF closes the connection instead of a message",
            Opportunity.MESSAGE,
            ("capf",),
            message=Parameter("which message of the server, from 1", 1, 1, 20),
        ),
        FaultKind.TLS_VERSIONS: _kind(
            "only these TLS versions are spoken",
            Opportunity.CONNECTION,
            _TLS,
            low=Parameter("the lowest", "1.0", choices=_VERSIONS, kind=str),
            high=Parameter("the highest", "1.3", choices=_VERSIONS, kind=str),
        ),
        FaultKind.TLS_CIPHERS: _kind(
            "only these TLS ciphers are spoken",
            Opportunity.CONNECTION,
            _TLS,
            ciphers=Parameter("as OpenSSL writes them; TLS 1.3 needs TLS_ names", kind=str),
        ),
        FaultKind.TLS_CERTIFICATE: _kind(
            "a certificate of another name is shown, self-signed",
            Opportunity.CONNECTION,
            _TLS,
            name=Parameter("its common name", "impostor", kind=str),
        ),
        FaultKind.HTTP_STATUS: _kind(
            "a file is answered with this status",
            Opportunity.FILE,
            ("http",),
            status=Parameter("HTTP status", 503, 400, 599),
        ),
        FaultKind.HTTP_STALL: _kind(
            "the answer stops in the middle of the file, and the connection stays",
            Opportunity.FILE,
            ("http",),
            keep=Parameter("bytes of the file that are sent, never all", 100, 0, 16_777_216),
        ),
        FaultKind.HTTP_TRUNCATE: _kind(
            "the connection is closed in the middle of the file",
            Opportunity.FILE,
            ("http",),
            keep=Parameter("bytes of the file that are sent, never all", 100, 0, 16_777_216),
        ),
        FaultKind.SIP_REFUSE: _kind(
            "a REGISTER is refused; SCCP: a Register is rejected, without a status",
            Opportunity.MESSAGE,
            ("callmanager",),
            status=Parameter("SIP status", 503, 400, 699),
            retry_after_s=Parameter("seconds in Retry-After; 0: without", 0, 0, 86_400),
        ),
        FaultKind.SIP_RESET: _kind(
            "the connection is reset at a moment",
            Opportunity.CONNECTION,
            ("callmanager",),
            moment=Parameter(
                "when: the connection stands; in place of an answer to a REGISTER or Register; "
                "after that answer; in place of an answer to a refresh or KeepAlive",
                "connect",
                choices=("connect", "register", "answered", "refresh"),
                kind=str,
            ),
        ),
        FaultKind.DHCP_SILENT: _kind(
            "a phone of a lab that starts hears nothing of DHCP", Opportunity.MESSAGE, OFF_NODES
        ),
        FaultKind.NODE_DOWN: _kind("every service of a node is down", Opportunity.STATE, ()),
        FaultKind.SERVICE_DOWN: _kind(
            "a service is down",
            Opportunity.STATE,
            ("tftp", "http", "tvs", "capf", "callmanager", "web", "ssh"),
        ),
    }
)
