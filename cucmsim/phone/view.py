"""What a phone shows of itself, as values: the input of its web pages.

Whoever runs the phone makes a new `PhoneView` when somebody asks for a page; pages.py renders it
and nothing else. Times are in the phone's own time zone.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from cucmsim.errors import FormatError
from cucmsim.formats.roles import Role
from cucmsim.formats.trustlist import Record, decode_trust_list
from cucmsim.phone.config import PhoneConfiguration
from cucmsim.phone.console import LogFile
from cucmsim.phone.statuslist import StatusList
from cucmsim.phone.values import PhoneIdentity
from cucmsim.pki.digests import Digest

__all__ = [
    "NetworkView",
    "PhoneView",
    "ServerView",
    "TrustListView",
    "trust_list_view",
]

_CAPF_LABEL = "CAPF server"
_TVS_LABEL = "TVS"
_SERVER_LABEL = "CUCM server / TFTP server"
_LABELS = {
    Role.CAPF.value: _CAPF_LABEL,
    Role.TVS.value: _TVS_LABEL,
    Role.CCM.value: _SERVER_LABEL,
    Role.CCM_TFTP.value: _SERVER_LABEL,
    Role.TFTP.value: _SERVER_LABEL,
}
_COMMON_NAME = re.compile(r'(?:^|[;,])cn="?([^;,"]+)', re.IGNORECASE)
_LABEL_ORDER = (_CAPF_LABEL, _TVS_LABEL, _SERVER_LABEL)


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The phone's network setup; addresses as text, empty where there is none."""

    ip_address: str = ""
    subnet_mask: str = ""
    default_router: str = ""
    domain_name: str = ""
    dns_servers: tuple[str, ...] = ()
    dhcp_enabled: bool = True
    dhcp_server: str = ""
    tftp_servers: tuple[str, ...] = ()
    alternate_tftp: bool = False
    operational_vlan: str = ""


@dataclass(frozen=True, slots=True)
class ServerView:
    """A member of the CallManager group; `state` is `Active`, `Standby` or empty."""

    name: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class TrustListView:
    """An installed trust list: the SHA-1 of the whole file, and rows (label, name) of its records.

    A CAPF record counts as `CAPF server`, TVS as `TVS`, CCM, CCM+TFTP and TFTP as
    `CUCM server / TFTP server`, in this order; records of other roles have no row.
    """

    signature: bytes
    entries: tuple[tuple[str, str], ...] = ()

    @property
    def signature_text(self) -> str:
        """The signature as the page shows it: hex pairs with blanks between."""
        return self.signature.hex(" ").upper()


@dataclass(frozen=True, slots=True)
class PhoneView:
    """A phone as its web pages show it at `at`, its own time; `service_state` as in CUCM.

    `number` is what it was registered as last.
    """

    identity: PhoneIdentity
    at: datetime
    load: str = ""
    serial_number: str = ""
    time_zone: str = "GMT"
    message_waiting: bool = False
    service_state: str = "Idle"
    network: NetworkView = field(default_factory=NetworkView)
    servers: tuple[ServerView, ...] = ()
    ctl: TrustListView | None = None
    itl: TrustListView | None = None
    configuration: PhoneConfiguration = field(default_factory=PhoneConfiguration)
    status: StatusList = field(default_factory=StatusList)
    logs: tuple[LogFile, ...] = ()
    number: str = ""

    @property
    def directory_number(self) -> str:
        """The number of the first line; empty for a phone without lines.

        A configuration for SCCP names none: the server says it.
        """
        return next((line.number for line in self.configuration.lines), self.number)


def trust_list_view(data: bytes | None) -> TrustListView | None:
    """Return what pages show of a CTL or ITL file; None where there is none."""
    if not data:
        return None
    try:
        records = decode_trust_list(data).records
    except FormatError:
        records = ()
    rows = [(label, _name(record)) for record in records if (label := _LABELS.get(record.role))]
    rows.sort(key=lambda row: _LABEL_ORDER.index(row[0]))
    return TrustListView(Digest.SHA1.hash(data), tuple(rows))


def _name(record: Record) -> str:
    """Return the common name of a record's subject, else what else names it."""
    subject = record.subject or ""
    found = _COMMON_NAME.search(subject)
    return found[1].strip() if found else subject or record.dns_name or ""
