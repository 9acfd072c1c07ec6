"""What a phone reads from its configuration file: `SEP<MAC>.cnf.xml` or `XMLDefault.cnf.xml`.

A reader only: the bytes are those left after the signature was verified and the file decrypted.
SIP files use the prefix `xsi` without declaring it, so an undeclared prefix is passed over; all
else that is not well-formed XML, any document type and anything beyond the size limit is refused.
Entities are never resolved and nothing is fetched. Elements that a phone does not know are left
alone, empty ones count as absent. Source: phone.md 1.5, cucm.md 4.1 and 4.2. Vectors: sgn/, enc/.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lxml import etree

from cucmsim.errors import FormatError
from cucmsim.formats.defaultconfig import DefaultLoad
from cucmsim.formats.phonevalues import CallManager, Endpoint, Line, PhoneUrls
from cucmsim.phone.xmlvalues import (
    XmlValueError,
    children,
    flag,
    number,
    offset_of_line,
    parse_xml,
    priority,
    refusal,
    text,
)

__all__ = ["SIZE_LIMIT", "PhoneConfiguration", "RegistrationTimers", "parse_configuration"]

SIZE_LIMIT = 2048 * 1024
"""Bytes that a 78xx or 88xx takes (phone.md 1.3); a 79xx takes 550,001."""

_ROOTS = ("device", "Default")
_FEATURE_LINE = "9"
_TVS_PORT = 2445
_CAPF_PORT = 3804
_SECURITY_MODES = range(1, 4)


@dataclass(frozen=True, slots=True)
class RegistrationTimers:
    """SIP timers of `sipStack`, in seconds; the defaults are CUCM's Standard SIP Profile."""

    register_expires_s: int = 3600
    register_delta_s: int = 5
    keepalive_expires_s: int = 120


@dataclass(frozen=True, slots=True)
class PhoneConfiguration:
    """One configuration file; empty text and tuples where the file says nothing.

    `is_default`: the root is `Default`, as in `XMLDefault.cnf.xml`; only such a file has `loads`.
    `call_managers` and `tvs_servers` are in order of priority. `capf_mode`: 0 nothing to do, 1 by
    authentication string, 2 by null string, 3 by existing certificate (LSC first), 4 (MIC first).
    `certificate_hash` is lower-case hexadecimal. `security_mode`: 1 none, 2 authenticated,
    3 encrypted. `transport`: 1 TCP, 2 UDP, 3 TLS, 4 TCP and UDP. `vendor` holds the settings of
    `vendorConfig` by element name.
    """

    is_default: bool = False
    full_config: bool = True
    protocol: str = ""
    uuid: str = ""
    device_pool: str = ""
    date_template: str = ""
    time_zone: str = ""
    call_manager_group: str = ""
    call_managers: tuple[CallManager, ...] = ()
    tvs_servers: tuple[Endpoint, ...] = ()
    capf_servers: tuple[Endpoint, ...] = ()
    capf_mode: int = 0
    certificate_hash: str = ""
    encrypted_config: bool = False
    security_mode: int = 1
    transport: int = 1
    ip_address_mode: int = 0
    lines: tuple[Line, ...] = ()
    phone_label: str = ""
    soft_key_file: str = ""
    load: str = ""
    inactive_load: str = ""
    version_stamp: str = ""
    urls: PhoneUrls = field(default_factory=PhoneUrls)
    timers: RegistrationTimers = RegistrationTimers()
    connection_monitor_duration_s: int = 120
    tls_resumption_timer_s: int = 3600
    user_locale: str = ""
    network_locale: str = ""
    owner: str = ""
    vendor: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    auto_registration: bool = False
    loads: tuple[DefaultLoad, ...] = ()

    def load_for(self, type_number: int) -> str:
        """Return the load of a device type: of `XMLDefault`, else the phone's own."""
        found = (load.load for load in self.loads if load.type_number == type_number)
        return next(found, self.load)


def parse_configuration(data: bytes, *, size_limit: int = SIZE_LIMIT) -> PhoneConfiguration:
    """Read a configuration file (plain XML). Raises FormatError and changes nothing."""
    root = parse_xml(data, size_limit)
    if root.tag not in _ROOTS:
        raise FormatError(f"found root element {root.tag!r}, expected device or Default", 0)
    try:
        return _configuration(root)
    except XmlValueError as error:
        raise FormatError(str(error), offset_of_line(data, error.line)) from error


def _configuration(root: etree._Element) -> PhoneConfiguration:
    profile = root.find("sipProfile")
    pool = root.find("devicePool")
    group = (root if pool is None else pool).find("callManagerGroup")
    return PhoneConfiguration(
        is_default=root.tag == "Default",
        full_config=flag(root, "fullConfig", default=True),
        protocol=text(root, "deviceProtocol"),
        uuid=root.get("uuid", "").strip("{}"),
        device_pool=text(pool, "name"),
        date_template=text(pool, "dateTimeSetting/dateTemplate"),
        time_zone=text(pool, "dateTimeSetting/timeZone"),
        call_manager_group=text(group, "name"),
        call_managers=_call_managers(group),
        tvs_servers=_endpoints(root, "TVS/members", "address", "port", _TVS_PORT),
        capf_servers=_endpoints(root, "capfList", "processNodeName", "phonePort", _CAPF_PORT),
        capf_mode=number(root, "capfAuthMode", 0),
        certificate_hash=text(root, "certHash").lower(),
        encrypted_config=flag(root, "encrConfig", default=False),
        security_mode=_security_mode(root),
        transport=number(root, "transportLayerProtocol", 1),
        ip_address_mode=number(root, "ipAddressMode", 0),
        lines=_lines(profile),
        phone_label=text(profile, "phoneLabel"),
        soft_key_file=text(profile, "softKeyFile"),
        load=text(root, "loadInformation"),
        inactive_load=text(root, "inactiveLoadInformation"),
        version_stamp=text(root, "versionStamp"),
        urls=_urls(root),
        timers=_timers(profile),
        connection_monitor_duration_s=number(pool, "connectionMonitorDuration", 120),
        tls_resumption_timer_s=number(root, "TLSResumptionTimer", 3600),
        user_locale=text(root, "userLocale/name"),
        network_locale=text(root, "networkLocale"),
        owner=text(root, "ownerId"),
        vendor=MappingProxyType({item.tag: text(item) for item in children(root, "vendorConfig")}),
        auto_registration=flag(root, "autoRegistration", default=False),
        loads=_default_loads(root),
    )


def _security_mode(root: etree._Element) -> int:
    mode = number(root, "deviceSecurityMode", 1)
    if mode not in _SECURITY_MODES:
        raise refusal(root, "deviceSecurityMode", f"found {mode}, expected 1, 2 or 3")
    return mode


def _call_managers(group: etree._Element | None) -> tuple[CallManager, ...]:
    """Return the members of the group in order of priority; a member without address is left."""
    members = (item.find("callManager") for item in priority(children(group, "members")))
    return tuple(
        CallManager(
            name=text(member, "name"),
            description=text(member, "description"),
            process_node_name=address,
            ethernet_phone_port=number(member, "ports/ethernetPhonePort", 2000, is_port=True),
            sip_port=number(member, "ports/sipPort", 5060, is_port=True),
            secured_sip_port=number(member, "ports/securedSipPort", 5061, is_port=True),
            sip_oauth_port=number(member, "ports/sipOAuthPort", 5090, is_port=True),
            sip_mra_oauth_port=number(member, "ports/sipMRAOAuthPort", 5091, is_port=True),
        )
        for member in members
        if (address := text(member, "processNodeName"))
    )


def _endpoints(
    root: etree._Element, path: str, address: str, port: str, default_port: int
) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(found, number(item, port, default_port, is_port=True))
        for item in priority(children(root, path))
        if (found := text(item, address))
    )


def _lines(profile: etree._Element | None) -> tuple[Line, ...]:
    """Return the lines; speed dials and other features on buttons are none."""
    return tuple(
        Line(
            button=number(item, "@button", position),
            number=text(item, "name"),
            label=text(item, "featureLabel"),
            display_name=text(item, "displayName"),
            uuid=text(item, "contact"),
            max_calls=number(item, "maxNumCalls", 4),
            busy_trigger=number(item, "busyTrigger", 2),
        )
        for position, item in enumerate(children(profile, "sipLines"), 1)
        if text(item, "featureID") in {"", _FEATURE_LINE}
    )


def _timers(profile: etree._Element | None) -> RegistrationTimers:
    return RegistrationTimers(
        number(profile, "sipStack/timerRegisterExpires", 3600),
        number(profile, "sipStack/timerRegisterDelta", 5),
        number(profile, "sipStack/timerKeepAliveExpires", 120),
    )


def _urls(root: etree._Element) -> PhoneUrls:
    return PhoneUrls(
        authentication=text(root, "authenticationURL"),
        directory=text(root, "directoryURL"),
        idle=text(root, "idleURL"),
        information=text(root, "informationURL"),
        messages=text(root, "messagesURL"),
        proxy_server=text(root, "proxyServerURL"),
        services=text(root, "servicesURL"),
        secure_authentication=text(root, "secureAuthenticationURL"),
        secure_directory=text(root, "secureDirectoryURL"),
        secure_uds_users_access=text(root, "secureUDSUsersAccessURL"),
        secure_idle=text(root, "secureIdleURL"),
        secure_information=text(root, "secureInformationURL"),
        secure_messages=text(root, "secureMessagesURL"),
        secure_services=text(root, "secureServicesURL"),
    )


def _default_loads(root: etree._Element) -> tuple[DefaultLoad, ...]:
    """Return `loadinformation<type>` elements; some releases write a capital I."""
    prefix = "loadinformation"
    return tuple(
        DefaultLoad(int(suffix), item.get("model", ""), text(item))
        for item in children(root)
        if item.tag.lower().startswith(prefix)
        and (suffix := item.tag[len(prefix) :]).isascii()
        and suffix.isdigit()
    )
