"""What the store holds, as values: nodes, certificates, phones, parameters, files.

The vocabulary of everything above the store. Each class joins what CUCM spreads over several
tables (named in its docstring; `schema.py` has them) into what a service wants to know. Values are
frozen and take keywords only; change one with `dataclasses.replace` and give it back to a
`Transaction`. An empty `pkid` or `versionstamp` is filled in by the store.

Source: CUCM's table and column names as far as they are known (9.1 to 15); the numbers of the
enumerations are those of its type tables and of `<capfAuthMode>`, `<deviceSecurityMode>` and
`<transportLayerProtocol>` of a phone's configuration. Where no number is known the choice stands in
`docs/divergences.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType

__all__ = [
    "ROLES_OF_STORE",
    "SERVICE_NAMES",
    "AuthenticationMode",
    "CallManagerGroup",
    "CertificateStatus",
    "Device",
    "DevicePool",
    "KeyOrder",
    "Line",
    "OwnKey",
    "PendingOperation",
    "ProcessNode",
    "Protocol",
    "SecurityMode",
    "StoredCertificate",
    "TftpFile",
    "Transport",
    "service_key",
]

SERVICE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "callmanager": "Cisco CallManager",
        "tftp": "Cisco Tftp",
        "tvs": "Cisco Trust Verification Service",
        "capf": "Cisco Certificate Authority Proxy Function",
        "ctimanager": "Cisco CTIManager",
        "ctlprovider": "Cisco CTL Provider",
        "tomcat": "Cisco Tomcat",
    }
)
"""Short name of a service (configuration, ready file) -> the name that CUCM shows."""

ROLES_OF_STORE: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "CallManager": (2, 0),
        "CallManager-ECDSA": (2, 0),
        "ITLRecovery": (0,),
        "Phone-SAST-trust": (0, 3),
        "TVS": (21,),
        "CAPF": (4,),
        "tomcat": (7,),
        "tomcat-ECDSA": (7,),
        "tomcat-trust": (7,),
        "ipsec": (7,),
        "Phone-trust": (7,),
        "Phone-CTL-trust": (7,),
        "Phone-VPN-trust": (26,),
    }
)
"""Certificate unit -> the trust roles that a certificate gets by being in it; others give none."""


def service_key(service: str) -> str:
    """Return the short name of a service given by either name; an unknown one as it is."""
    for short, shown in SERVICE_NAMES.items():
        if service in (short, shown):
            return short
    return service


class Protocol(StrEnum):
    """What a phone speaks."""

    SCCP = "SCCP"
    SIP = "SIP"


class SecurityMode(IntEnum):
    """Device security mode, as in `<deviceSecurityMode>`."""

    NON_SECURE = 1
    AUTHENTICATED = 2
    ENCRYPTED = 3


class Transport(IntEnum):
    """SIP transport, as in `<transportLayerProtocol>`."""

    TCP = 1
    UDP = 2
    TLS = 3
    TCP_UDP = 4


class AuthenticationMode(StrEnum):
    """How a phone proves itself to CAPF."""

    AUTHENTICATION_STRING = "authentication-string"
    NULL_STRING = "null-string"
    EXISTING_LSC = "existing-lsc"
    EXISTING_MIC = "existing-mic"

    @property
    def number(self) -> int:
        """The number in `<capfAuthMode>` and typeauthenticationmode."""
        return tuple(AuthenticationMode).index(self) + 1


class PendingOperation(StrEnum):
    """What CAPF is to do at the phone's next visit."""

    NONE = "none"
    INSTALL = "install"
    DELETE = "delete"
    TROUBLESHOOT = "troubleshoot"

    @property
    def number(self) -> int:
        """The number in typecertificateoperation; 1 is nothing pending."""
        return tuple(PendingOperation).index(self) + 1


class CertificateStatus(StrEnum):
    """How the last CAPF operation of a phone went."""

    NONE = "none"
    PENDING = "operation-pending"
    UPGRADE_SUCCESS = "upgrade-success"
    UPGRADE_FAILED = "upgrade-failed"
    DELETE_SUCCESS = "delete-success"
    DELETE_FAILED = "delete-failed"
    TROUBLESHOOT_SUCCESS = "troubleshoot-success"
    TROUBLESHOOT_FAILED = "troubleshoot-failed"

    @property
    def number(self) -> int:
        """The number in typecertificatestatus; 1 is none, 2 is pending."""
        return tuple(CertificateStatus).index(self) + 1


class KeyOrder(StrEnum):
    """Which kind of key a phone is to make for its LSC."""

    RSA_ONLY = "rsa"
    EC_ONLY = "ec"
    EC_PREFERRED = "ec-preferred"

    @property
    def number(self) -> int:
        """The number in typekeyorder."""
        return tuple(KeyOrder).index(self) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessNode:
    """A server of the cluster (processnode, processnodeservice, callmanager).

    `name` is what processnode.name holds: host name, fully qualified name or address. `services`
    are short names (`SERVICE_NAMES`), the keys of `ports` those of the cluster description (tftp,
    http, https, https_client, tvs, capf, sip, sip_tls, sccp, sccp_tls, web). `nodeid` 0 lets the
    store choose: 2 for the publisher, 3 and up for the others (1 is EnterpriseWideData).
    """

    name: str
    host: str
    domain: str = ""
    address: str
    nodeid: int = 0
    is_publisher: bool = False
    services: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    description: str = ""
    pkid: str = ""

    @property
    def fqdn(self) -> str:
        """Host and domain, or the host alone where no domain is set."""
        return f"{self.host}.{self.domain}" if self.domain else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCertificate:
    """A certificate with its maps (certificate, certificate*map).

    `serialnumber` is lower-case hex without separators, the names RFC 2253 text without spaces,
    `hash` the base64 of the SHA-1 of the DER. `units` are names of typecertificateservice
    ("CallManager", "CallManager-trust", ...), `roles` numbers of typetrustrole, ascending.
    `node` names the owner of an own certificate, `nodes` every node it is mapped to.
    """

    pkid: str
    servername: str
    subjectname: str
    issuername: str
    serialnumber: str
    certificate_der: bytes = field(repr=False)
    hash: str
    ipv4address: str = ""
    timetolive: int | None = None
    units: frozenset[str] = frozenset()
    roles: tuple[int, ...] = ()
    node: str | None = None
    nodes: frozenset[str] = frozenset()

    def is_on(self, node: str) -> bool:
        """Tell whether the stores of `node` hold it.

        An own certificate that was put into trust stores is in those of every node; a trusted one
        is on the nodes it is mapped to, or on all.
        """
        return self.node is not None or not self.nodes or node in self.nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """The private key of a node's own certificate, opened: PKCS#8 DER.

    `modified` is when it took the place of another one; None for that of the installation.
    """

    node: str
    unit: str
    private_key_der: bytes = field(repr=False)
    modified: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallManagerGroup:
    """An ordered list of nodes that phones register with (callmanagergroup, ...member)."""

    name: str
    members: tuple[str, ...]
    tftp_default: bool = False
    pkid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePool:
    """What phones have in common (devicepool, datetimesetting).

    `time_zone` is an IANA name; pools that name the same date/time group share its settings.
    """

    name: str
    callmanager_group: str
    date_time_group: str = "CMLocal"
    date_template: str = "M/D/Y"
    time_zone: str = "Etc/GMT"
    ntp_servers: tuple[str, ...] = ()
    connection_monitor_duration_s: int = 120
    pkid: str = ""
    date_time_group_pkid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSecurityProfile:
    """What phones of a security profile have in common (securityprofile).

    `security_mode`, `transport` and `encrypted_config` hold for every phone of it; what it says of
    CAPF is what a phone starts from.
    """

    name: str
    security_mode: int = SecurityMode.NON_SECURE.value
    transport: int = Transport.TCP.value
    encrypted_config: bool = False
    authentication_mode: AuthenticationMode = AuthenticationMode.NULL_STRING
    key_type: KeyOrder = KeyOrder.RSA_ONLY
    key_size_bits: int = 2048
    ec_size_bits: int = 384


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a phone (numplan, devicenumplanmap); its place in `Device.lines` is its index."""

    number: str
    label: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A phone (device, securityprofile, devicenumplanmap and our own book-keeping).

    `security_profile` names the profile that holds security mode, transport and encryption of the
    configuration file; `device_pool` must exist. `key_size_bits` is the RSA size, `ec_size_bits`
    the curve's. `wrong_strings` and `locked_until` are CAPF's counter and lock. The store gives a
    fresh `versionstamp` (unix seconds, hyphen, uuid) at every change but one of these two alone.
    """

    name: str
    model: str
    protocol: str = Protocol.SIP.value
    device_pool: str = "Default"
    description: str = ""
    security_profile: str = ""
    security_mode: int = SecurityMode.NON_SECURE.value
    transport: int = Transport.TCP.value
    encrypted_config: bool = False
    authentication_mode: AuthenticationMode = AuthenticationMode.NULL_STRING
    authentication_string: str = field(default="", repr=False)
    pending_operation: PendingOperation = PendingOperation.NONE
    certificate_status: CertificateStatus = CertificateStatus.NONE
    key_type: KeyOrder = KeyOrder.RSA_ONLY
    key_size_bits: int = 2048
    ec_size_bits: int = 384
    operation_expires: datetime | None = None
    wrong_strings: int = 0
    locked_until: datetime | None = None
    lsc_der: bytes | None = field(default=None, repr=False)
    mic_der: bytes | None = field(default=None, repr=False)
    lsc_valid_until: datetime | None = None
    lsc_issuer: str = ""
    lsc_issuer_valid_until: datetime | None = None
    load_information: str = ""
    lines: tuple[Line, ...] = ()
    ctiid: int = 0
    versionstamp: str = ""
    pkid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TftpFile:
    """A static file of the TFTP service; `node` None serves it from every node."""

    name: str
    data: bytes = field(repr=False)
    node: str | None = None
    pkid: str = ""
