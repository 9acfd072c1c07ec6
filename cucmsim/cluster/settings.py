"""What a cluster description says, as values. The one place where options and defaults stand.

`loading.load_settings` makes a `Settings` from a TOML file and the environment; the models here say
which keys there are, what they may hold and what they mean (the descriptions become the reference
in config/README.md). Phones, device pools and CallManager groups come out as the store's own rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, InstanceOf

from cucmsim.cluster.limits import LimitSettings
from cucmsim.cluster.logs import LogFormat
from cucmsim.cluster.ports import DEFAULT_SERVICES, NodePorts, ServiceName
from cucmsim.cluster.values import (
    AdministratorName,
    AdministratorPassword,
    ClusterName,
    DatabaseUrl,
    DigestValue,
    DomainName,
    FileLocationText,
    Flag,
    HostName,
    IpAddress,
    KeySpecValue,
    Name,
    NodeName,
    Number,
    PathValue,
    Port,
    PortRange,
    ReleaseValue,
    SecurityPassword,
    TableModel,
    Text,
    choice,
    expecting,
)
from cucmsim.pki.profiles import SubjectFields, Unit
from cucmsim.pki.release import Release
from cucmsim.services.faults.plan import FaultRule
from cucmsim.services.filelocations import ALTERNATE_FILE_LOCATIONS
from cucmsim.store.rows import (
    AuthenticationMode,
    CallManagerGroup,
    Device,
    DevicePool,
    KeyOrder,
    SecurityMode,
    Transport,
)
from cucmsim.store.typetables import TYPE_TABLES

__all__ = [
    "CertificateSettings",
    "CertificatesSettings",
    "ClusterSettings",
    "DeviceSecurityMode",
    "EcSize",
    "GroupEntry",
    "ManagementSettings",
    "NodePorts",
    "NodeSettings",
    "PoolEntry",
    "RsaSize",
    "SecurityProfile",
    "ServiceName",
    "Settings",
    "TftpFileEntry",
    "TftpFileSettings",
    "TftpSettings",
    "TrustCertificateEntry",
    "TrustCertificateSettings",
]

DeviceSecurityMode = Annotated[
    InstanceOf[SecurityMode],
    *choice({mode.name.lower().replace("_", "-"): mode for mode in SecurityMode}),
]
TransportName = Annotated[
    InstanceOf[Transport],
    *choice({mode.name.lower().replace("_", "+"): mode for mode in Transport}),
]
_TRUST_STORES = [
    name for _, name, _ in TYPE_TABLES["typecertificateservice"] if name.endswith("-trust")
]
TrustStoreName = Annotated[str, *choice({name: name for name in _TRUST_STORES})]
AlternateFileLocations = Annotated[
    tuple[FileLocationText, ...], Field(max_length=len(ALTERNATE_FILE_LOCATIONS))
]
RsaSize = Literal[512, 1024, 2048, 3072, 4096]
EcSize = Literal[256, 384, 521]


class ClusterSettings(TableModel):
    """What holds for the whole cluster. The paths are absolute once loaded."""

    id: ClusterName = Field("StandAloneCluster", description="The cluster's name")
    release: ReleaseValue = Field(
        Release.parse("11.5"),
        description="The release a new cluster runs; another one later upgrades every node",
        json_schema_extra={"default": "11.5"},
    )
    security_mode: Literal["non-secure", "mixed"] = Field(
        "non-secure", description="Cluster Security Mode; `mixed` makes a CTL at the first start"
    )
    security_password: SecurityPassword = Field(
        description="Seals the private keys in the database; the same at every start", repr=False
    )
    administrator: AdministratorName = Field(
        "admin", description="The administrator of every node's command line, privilege level 4"
    )
    administrator_password: AdministratorPassword | None = Field(
        None,
        description="Its password; without one nobody logs in by SSH, but `cucmsim admin` works",
        repr=False,
    )
    database: DatabaseUrl = Field(
        "",
        description="Where the cluster is kept; default: a SQLite file in `data_directory`",
        repr=False,
    )
    data_directory: PathValue = Field(Path("data"), description="What must last, and sockets")
    certs_directory: PathValue = Field(
        Path(),
        description="Each node's certificates and keys as PEM; default: `certs` in data_directory",
    )
    tls_keylog: PathValue | None = Field(
        None, description="File that receives the TLS secrets, for Wireshark"
    )
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="How log lines look")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged"
    )
    traces: Flag = Field(
        True,  # noqa: FBT003  pydantic takes a default by position
        description="Write the trace files that `file list activelog` shows; costs TVS some speed",
    )


class NodeSettings(TableModel):
    """A server of the cluster."""

    name: NodeName = Field(description="What `processnode.name` holds, and phones are told")
    host: HostName = Field("", description="Host name; default: the first part of `name`")
    domain: DomainName = Field("", description="Domain name; default: the rest of `name`")
    address: IpAddress = Field(description="The address that phones are told")
    bind: IpAddress = Field("", description="The address to listen on; default: `address`")
    role: Literal["publisher", "subscriber"] = Field(description="Exactly one is the publisher")
    services: tuple[ServiceName, ...] = Field(
        (),
        description="What it runs; default: all that its role may run (CAPF on the publisher only)",
    )
    tftp_single_port: Flag = Field(
        False,  # noqa: FBT003  pydantic takes a default by position
        description="Answer TFTP from the port asked, for networks that translate addresses",
    )
    tftp_transfer_ports: PortRange | None = Field(
        None,
        description="Ports that TFTP sends files from, and asks other clusters from; default: any",
    )
    alternate_file_locations: AlternateFileLocations = Field(
        (), description="Its own in place of those of `[tftp]`; an empty list is none"
    )
    ports: NodePorts = Field(NodePorts(), description="The ports of its services")

    @property
    def is_publisher(self) -> bool:
        """Whether it is the publisher."""
        return self.role == "publisher"

    @property
    def fqdn(self) -> str:
        """Host and domain, or the host alone where no domain is set."""
        return f"{self.host}.{self.domain}" if self.domain else self.host

    def endpoints(self, service: ServiceName) -> tuple[tuple[str, int], ...]:
        """Return each (address, port) on which `service` is to listen."""
        return tuple((self.bind, port) for port in self.ports.of(service))

    def completed(self) -> "NodeSettings":
        """Return this node with what follows from other keys filled in, offsets applied."""
        given = self.model_fields_set
        host, _, domain = self.name.partition(".")
        named = not self.name.replace(".", "").isdigit()
        runs = tuple(s for s in DEFAULT_SERVICES if self.is_publisher or s is not ServiceName.CAPF)
        update = {
            "host": self.host or (host if named else ""),
            "domain": self.domain if "domain" in given or not named else domain,
            "bind": self.bind or self.address,
            "services": self.services if "services" in given else runs,
            "ports": self.ports.shifted(),
        }
        return self.model_copy(update=update)


class GroupEntry(TableModel):
    """A CallManager group as the file has it."""

    name: Name = Field(description="The group's name")
    members: Annotated[tuple[NodeName, ...], Field(min_length=1, max_length=3)] = Field(
        description="Names of 1 to 3 nodes, in the order phones are to prefer"
    )


class PoolEntry(TableModel):
    """A device pool as the file has it."""

    name: Name = Field(description="The pool's name")
    callmanager_group: Name | None = Field(None, description="Default: the first group")
    date_time_group: Name = Field("CMLocal", description="Name of the date/time group")
    date_template: Text = Field("M/D/Y", description="How phones show the date")
    time_zone: Text = Field("Etc/GMT", description="IANA name of the time zone")
    ntp_servers: tuple[IpAddress, ...] = Field((), description="NTP servers of SIP phones")


class SecurityProfile(TableModel):
    """A phone security profile."""

    name: Name = Field(description="The profile's name")
    device_security_mode: DeviceSecurityMode = Field(
        SecurityMode.NON_SECURE,
        description="How phones register, in a mixed-mode cluster",
        json_schema_extra={"default": "non-secure"},
    )
    transport: TransportName | None = Field(
        None, description="SIP transport; default: tls for a secure mode, else tcp"
    )
    encrypted_config: Flag = Field(
        False,  # noqa: FBT003  pydantic takes a default by position
        description="TFTP Encrypted Config",
    )
    authentication_mode: AuthenticationMode = Field(
        AuthenticationMode.NULL_STRING, description="How phones prove themselves to CAPF"
    )
    key_order: KeyOrder = Field(KeyOrder.RSA_ONLY, description="Kind of key of the LSC")
    key_size_bits: RsaSize = Field(2048, description="Size of an RSA key")
    ec_size_bits: EcSize = Field(384, description="Size of an EC key")


class CertificateSettings(TableModel):
    """How the certificate of one unit is made; None is what the release does."""

    key: KeySpecValue | None = Field(None, description="Kind and size of the key")
    digest: DigestValue | None = Field(None, description="Digest of its signature")
    validity_days: Annotated[Number, Field(ge=1, le=36500)] | None = Field(
        None, description="How long it is valid"
    )
    subject_alternative: tuple[DomainName, ...] = Field(
        (), description="DNS names of a subjectAltName extension"
    )


_UNIT = CertificateSettings()


class CertificatesSettings(TableModel):
    """The subject fields of all certificates, and each unit's own settings."""

    organizational_unit: Text = Field("Lab", description="OU of every subject")
    organization: Text = Field("cucmsim", description="O of every subject")
    locality: Text = Field("Lab", description="L of every subject")
    state: Text = Field("Lab", description="ST of every subject")
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$"), expecting("two capital letters")] = Field(
        "US", description="C of every subject"
    )
    call_manager: CertificateSettings = Field(_UNIT, alias="CallManager")
    call_manager_ecdsa: CertificateSettings = Field(_UNIT, alias="CallManager-ECDSA")
    tvs: CertificateSettings = Field(_UNIT, alias="TVS")
    capf: CertificateSettings = Field(_UNIT, alias="CAPF")
    itl_recovery: CertificateSettings = Field(_UNIT, alias="ITLRecovery")
    tomcat: CertificateSettings = Field(_UNIT, alias="tomcat")
    tomcat_ecdsa: CertificateSettings = Field(_UNIT, alias="tomcat-ECDSA")
    ipsec: CertificateSettings = Field(_UNIT, alias="ipsec")

    def of(self, unit: Unit) -> CertificateSettings:
        """Return the settings of `unit`."""
        for name, field in type(self).model_fields.items():
            if field.alias == unit.value:
                settings: CertificateSettings = getattr(self, name)
                return settings
        raise KeyError(unit)

    @property
    def subject(self) -> SubjectFields:
        """The subject fields that every certificate shares."""
        return SubjectFields(
            organizational_unit=self.organizational_unit,
            organization=self.organization,
            locality=self.locality,
            state=self.state,
            country=self.country,
        )


class TftpSettings(TableModel):
    """What holds for the TFTP service of every node."""

    alternate_file_locations: AlternateFileLocations = Field(
        (),
        description="TFTP servers of other clusters, asked in this order for files not found here",
    )


class TftpFileEntry(TableModel):
    """Static TFTP files as the file has them: one file, or all below a directory."""

    name: Text | None = Field(None, description="The name to serve it under; default: its own")
    path: PathValue | None = Field(None, description="The file; or give `directory`")
    directory: PathValue | None = Field(None, description="Serve every file below it")
    nodes: tuple[NodeName, ...] = Field((), description="On which nodes; default: all")


@dataclass(frozen=True, slots=True)
class TftpFileSettings:
    """A static TFTP file; `node` None serves it from every node."""

    name: str
    path: Path
    node: str | None


class TrustCertificateEntry(TableModel):
    """Certificates for a trust store as the file has them."""

    store: TrustStoreName = Field(description="The trust store that gets them")
    path: PathValue = Field(description="PEM with any number of certificates, or DER with one")
    nodes: tuple[NodeName, ...] = Field(
        (), description="Of which nodes they are, when they are certificates of nodes"
    )


@dataclass(frozen=True, slots=True)
class TrustCertificateSettings:
    """A file of certificates for a trust store; `node` is whose they are, if a node's."""

    store: str
    path: Path
    node: str | None


class ManagementSettings(TableModel):
    """The management API over TCP, besides its Unix socket."""

    address: IpAddress = Field("127.0.0.1", description="The address to listen on")
    port: Port | None = Field(None, description="TCP port; without it, only the Unix socket")
    token: Annotated[
        str | None, Field(pattern=r"^[!-~]{16,256}$", repr=False), expecting("16 to 256 characters")
    ] = Field(None, description="What a client must send; needed with `port`", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole cluster description, checked.

    `service_parameters` are keyed (node or "", service, name). `phones` hold everything their
    security profiles say. The parameters are those the description gives; defaults stand in
    `cucmsim.services.parameters`.
    """

    path: Path
    cluster: ClusterSettings
    nodes: tuple[NodeSettings, ...]
    callmanager_groups: tuple[CallManagerGroup, ...]
    device_pools: tuple[DevicePool, ...]
    security_profiles: tuple[SecurityProfile, ...]
    phones: tuple[Device, ...]
    enterprise_parameters: Mapping[str, str]
    service_parameters: Mapping[tuple[str, str, str], str]
    certificates: CertificatesSettings
    tftp_files: tuple[TftpFileSettings, ...]
    trust_certificates: tuple[TrustCertificateSettings, ...]
    management: ManagementSettings
    limits: LimitSettings
    faults: tuple[FaultRule, ...] = ()

    @property
    def publisher(self) -> NodeSettings:
        """The one publisher."""
        return next(node for node in self.nodes if node.is_publisher)

    @property
    def services(self) -> Mapping[str, tuple[str, ...]]:
        """The short names of the services of each node."""
        return {node.name: tuple(one.value for one in node.services) for node in self.nodes}

    def node(self, name: str) -> NodeSettings:
        """Return the node called `name`; KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
