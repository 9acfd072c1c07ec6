"""What a phone's configuration file says, as values.

`formats.phoneconfig` writes these values as XML; `services.provisioning` fills them from the store.
They are grouped as they change: what all phones of a cluster share, what all phones of a device
pool share, and what is a phone's own. Source: elements of `SEP<MAC>.cnf.xml` as releases 10.5 to
12.5 write them; the defaults are those of a freshly installed cluster.
"""

from dataclasses import dataclass

from cucmsim.pki.release import Release

__all__ = [
    "CallManager",
    "CapfValues",
    "ClusterValues",
    "DateTimeSetting",
    "Endpoint",
    "Line",
    "Locale",
    "PhoneUrls",
    "PhoneValues",
    "PoolValues",
    "phone_urls",
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server a phone is told of: its address (name or IP address) and TCP port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class CallManager:
    """A member of a CallManager group; `process_node_name` is what the phone connects to."""

    name: str
    description: str
    process_node_name: str
    ethernet_phone_port: int = 2000
    sip_port: int = 5060
    secured_sip_port: int = 5061
    sip_oauth_port: int = 5090
    sip_mra_oauth_port: int = 5091


@dataclass(frozen=True, slots=True)
class DateTimeSetting:
    """A date/time group; `uuid` without braces."""

    uuid: str = "9ec4850a-7748-11d3-bdf0-00108302ead1"
    name: str = "CMLocal"
    date_template: str = "M/D/Y"
    time_zone: str = "Greenwich Standard Time"
    olson_time_zone: str = "Etc/GMT"
    ntp_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PoolValues:
    """A device pool with its CallManager group in order, and the TVS servers of that group."""

    uuid: str
    name: str
    group_name: str
    call_managers: tuple[CallManager, ...]
    tvs: tuple[Endpoint, ...]
    group_is_tftp_default: bool = True
    date_time: DateTimeSetting = DateTimeSetting()
    revert_priority: int = 0
    connection_monitor_duration_s: int = 120


@dataclass(frozen=True, slots=True)
class PhoneUrls:
    """The service URLs of the enterprise parameters, plain and secured; empty where not set."""

    authentication: str = ""
    directory: str = ""
    idle: str = ""
    information: str = ""
    messages: str = ""
    proxy_server: str = ""
    services: str = ""
    secure_authentication: str = ""
    secure_directory: str = ""
    secure_uds_users_access: str = ""
    secure_idle: str = ""
    secure_information: str = ""
    secure_messages: str = ""
    secure_services: str = ""


@dataclass(frozen=True, slots=True)
class Locale:
    """User or network locale: English in the United States unless told otherwise."""

    user_name: str = "English_United_States"
    user_uid: int = 1
    language_code: str = "en_US"
    character_set: str = "iso-8859-1"
    network_name: str = "United_States"
    network_uid: int = 64
    version: str = ""


@dataclass(frozen=True, slots=True)
class CapfValues:
    """What a phone is told of CAPF.

    `authentication_mode`: 0 nothing pending, 1 by authentication string, 2 by null string, 3 by
    existing certificate (LSC first), 4 by existing certificate (MIC first). `certificate_hash` is
    the lower-case hexadecimal MD5 of the phone's certificate (DER), empty where none is known.
    """

    servers: tuple[Endpoint, ...] = ()
    authentication_mode: int = 0
    certificate_hash: str = ""


@dataclass(frozen=True, slots=True)
class ClusterValues:
    """What every phone of a cluster is told alike."""

    release: Release
    default_server: str
    urls: PhoneUrls = PhoneUrls()
    locale: Locale = Locale()
    tls_resumption_timer_s: int = 3600
    sip_oauth: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line: button (from 1), directory number, and what the phone shows for it."""

    button: int
    number: str
    label: str = ""
    display_name: str = ""
    uuid: str = ""
    max_calls: int = 4
    busy_trigger: int = 2


@dataclass(frozen=True, slots=True)
class PhoneValues:
    """One phone's configuration.

    `protocol` is `SIP` or `SCCP`; `version_stamp` is `<unix seconds>-<uuid>`; `security_mode` 1
    non-secure, 2 authenticated, 3 encrypted; `transport` 1 TCP, 2 UDP, 3 TLS, 4 TCP and UDP.
    """

    cluster: ClusterValues
    pool: PoolValues
    uuid: str
    cti_id: int
    protocol: str
    version_stamp: str
    load: str = ""
    inactive_load: str = ""
    security_mode: int = 1
    transport: int = 1
    capf: CapfValues = CapfValues()
    encrypted_config: bool = False
    lines: tuple[Line, ...] = ()
    phone_label: str = ""
    soft_key_file: str = ""
    owner: str = ""
    ip_address_mode: int = 0


def phone_urls(host: str, *, http_port: int = 8080, https_port: int = 8443) -> PhoneUrls:
    """Return the service URLs that a new cluster gives its phones, all on `host`."""
    plain = f"http://{host}:{http_port}/ccmcip/"
    secured = f"https://{host}:{https_port}/ccmcip/"
    return PhoneUrls(
        authentication=f"{plain}authenticate.jsp",
        directory=f"{plain}xmldirectory.jsp",
        information=f"{plain}GetTelecasterHelpText.jsp",
        services=f"{plain}getservicesmenu.jsp",
        secure_authentication=f"{secured}authenticate.jsp",
        secure_directory=f"{secured}xmldirectory.jsp",
        secure_uds_users_access=f"https://{host}:{https_port}/cucm-uds/users",
        secure_information=f"{secured}GetTelecasterHelpText.jsp",
        secure_services=f"{secured}getservicesmenu.jsp",
    )
