"""The blocks that configuration files of phones have in common, as XML text.

One element a line, no indentation, an empty element as `<x></x>`: the layout of release 12.5.
Values are escaped here and nowhere else; numbers need no escaping.
"""

import re

from cucmsim.formats.phonevalues import (
    CallManager,
    CapfValues,
    ClusterValues,
    Endpoint,
    PhoneUrls,
    PhoneValues,
    PoolValues,
)
from cucmsim.pki.release import Release

__all__ = [
    "DECLARATION",
    "call_manager_group_block",
    "capf_list_block",
    "device_pool_block",
    "escape",
    "locale_block",
    "services_block",
    "tvs_block",
    "urls_block",
]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_OAUTH_PORTS_FROM = Release(12, 5)
_TVS_SERVERS = 3  # a phone uses three at most: primary and two fail-overs
_SPECIAL = re.compile('[&<>"\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]')
_REPLACED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(text: str) -> str:
    """Return `text` fit for an element or attribute; what XML cannot carry becomes a blank."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _REPLACED.get(match[0], " "), text)


def _call_manager(priority: int, member: CallManager, *, oauth_ports: bool) -> str:
    oauth = (
        f"<sipOAuthPort>{member.sip_oauth_port}</sipOAuthPort>\n"
        f"<sipMRAOAuthPort>{member.sip_mra_oauth_port}</sipMRAOAuthPort>\n"
        if oauth_ports
        else ""
    )
    return (
        f'<member priority="{priority}">\n<callManager>\n'
        f"<name>{escape(member.name)}</name>\n"
        f"<description>{escape(member.description)}</description>\n"
        "<ports>\n"
        f"<ethernetPhonePort>{member.ethernet_phone_port}</ethernetPhonePort>\n"
        f"<sipPort>{member.sip_port}</sipPort>\n"
        f"<securedSipPort>{member.secured_sip_port}</securedSipPort>\n"
        f"{oauth}"
        "<mgcpPorts>\n<listen>2427</listen>\n<keepAlive>2428</keepAlive>\n</mgcpPorts>\n"
        "</ports>\n"
        f"<processNodeName>{escape(member.process_node_name)}</processNodeName>\n"
        "</callManager>\n</member>\n"
    )


def call_manager_group_block(pool: PoolValues, release: Release) -> str:
    """Return `callManagerGroup`, its members in the order of the group."""
    oauth_ports = release >= _OAUTH_PORTS_FROM
    members = "".join(
        _call_manager(priority, member, oauth_ports=oauth_ports)
        for priority, member in enumerate(pool.call_managers)
    )
    return (
        "<callManagerGroup>\n"
        f"<name>{escape(pool.group_name)}</name>\n"
        f"<tftpDefault>{_flag(pool.group_is_tftp_default)}</tftpDefault>\n"
        f"<members>\n{members}</members>\n"
        "</callManagerGroup>\n"
    )


def _flag(value: bool) -> str:  # noqa: FBT001  one value in, its text out
    return "true" if value else "false"


def _date_time_block(pool: PoolValues) -> str:
    setting = pool.date_time
    servers = "".join(
        f"<ntp>\n<name>{escape(server)}</name>\n<nameV6></nameV6>\n<ntpMode>Unicast</ntpMode>\n"
        "</ntp>\n"
        for server in setting.ntp_servers
    )
    return (
        f'<dateTimeSetting uuid="{{{escape(setting.uuid)}}}">\n'
        f"<name>{escape(setting.name)}</name>\n"
        f"<dateTemplate>{escape(setting.date_template)}</dateTemplate>\n"
        f"<timeZone>{escape(setting.time_zone)}</timeZone>\n"
        f"<olsonTimeZone>{escape(setting.olson_time_zone)}</olsonTimeZone>\n"
        f"<ntps>\n{servers}</ntps>\n"
        "</dateTimeSetting>\n"
    )


_SRST_BLOCK = """\
<srstInfo uuid="{cd241e11-4a58-4d3d-9661-f06c912a18a3}">
<name>Disable</name>
<srstOption>Disable</srstOption>
<userModifiable>false</userModifiable>
<ipAddr1></ipAddr1>
<port1>2000</port1>
<ipAddr2></ipAddr2>
<port2>2000</port2>
<ipAddr3></ipAddr3>
<port3>2000</port3>
<sipIpAddr1></sipIpAddr1>
<sipPort1>5060</sipPort1>
<sipIpAddr2></sipIpAddr2>
<sipPort2>5060</sipPort2>
<sipIpAddr3></sipIpAddr3>
<sipPort3>5060</sipPort3>
<isSecure>false</isSecure>
</srstInfo>
"""


def device_pool_block(pool: PoolValues, release: Release) -> str:
    """Return `devicePool`: its name, date and time, CallManager group and SRST."""
    return (
        f'<devicePool uuid="{{{escape(pool.uuid)}}}">\n'
        f"<revertPriority>{pool.revert_priority}</revertPriority>\n"
        f"<name>{escape(pool.name)}</name>\n"
        f"{_date_time_block(pool)}"
        f"{call_manager_group_block(pool, release)}"
        f"{_SRST_BLOCK}"
        f"<connectionMonitorDuration>{pool.connection_monitor_duration_s}"
        "</connectionMonitorDuration>\n"
        "</devicePool>\n"
    )


def tvs_block(servers: tuple[Endpoint, ...]) -> str:
    """Return `TVS` with at most three servers, in the order of the CallManager group."""
    members = "".join(
        f'<member priority="{priority}">\n<port>{server.port}</port>\n'
        f"<address>{escape(server.address)}</address>\n</member>\n"
        for priority, server in enumerate(servers[:_TVS_SERVERS])
    )
    return f"<TVS>\n<members>\n{members}</members>\n</TVS>\n"


def capf_list_block(capf: CapfValues) -> str:
    """Return `capfList`; empty in a cluster without CAPF."""
    servers = "".join(
        f"<capf>\n<phonePort>{server.port}</phonePort>\n"
        f"<processNodeName>{escape(server.address)}</processNodeName>\n</capf>\n"
        for server in capf.servers
    )
    return f"<capfList>\n{servers}</capfList>\n" if servers else "<capfList></capfList>\n"


def locale_block(cluster: ClusterValues) -> str:
    """Return `userLocale`, `networkLocale` and `networkLocaleInfo`."""
    locale = cluster.locale
    return (
        "<userLocale>\n"
        f"<name>{escape(locale.user_name)}</name>\n"
        f"<uid>{locale.user_uid}</uid>\n"
        f"<langCode>{escape(locale.language_code)}</langCode>\n"
        f"<version>{escape(locale.version)}</version>\n"
        f"<winCharSet>{escape(locale.character_set)}</winCharSet>\n"
        "</userLocale>\n"
        f"<networkLocale>{escape(locale.network_name)}</networkLocale>\n"
        "<networkLocaleInfo>\n"
        f"<name>{escape(locale.network_name)}</name>\n"
        f"<uid>{locale.network_uid}</uid>\n"
        f"<version>{escape(locale.version)}</version>\n"
        "</networkLocaleInfo>\n"
    )


def urls_block(urls: PhoneUrls) -> str:
    """Return the seven plain URLs and the seven secured ones."""
    return (
        f"<authenticationURL>{escape(urls.authentication)}</authenticationURL>\n"
        f"<directoryURL>{escape(urls.directory)}</directoryURL>\n"
        f"<idleURL>{escape(urls.idle)}</idleURL>\n"
        f"<informationURL>{escape(urls.information)}</informationURL>\n"
        f"<messagesURL>{escape(urls.messages)}</messagesURL>\n"
        f"<proxyServerURL>{escape(urls.proxy_server)}</proxyServerURL>\n"
        f"<servicesURL>{escape(urls.services)}</servicesURL>\n"
        f"<secureAuthenticationURL>{escape(urls.secure_authentication)}"
        "</secureAuthenticationURL>\n"
        f"<secureDirectoryURL>{escape(urls.secure_directory)}</secureDirectoryURL>\n"
        f"<secureUDSUsersAccessURL>{escape(urls.secure_uds_users_access)}"
        "</secureUDSUsersAccessURL>\n"
        f"<secureIdleURL>{escape(urls.secure_idle)}</secureIdleURL>\n"
        f"<secureInformationURL>{escape(urls.secure_information)}</secureInformationURL>\n"
        f"<secureMessagesURL>{escape(urls.secure_messages)}</secureMessagesURL>\n"
        f"<secureServicesURL>{escape(urls.secure_services)}</secureServicesURL>\n"
    )


def services_block(phone: PhoneValues) -> str:
    """Return `userId`, `ownerId` and `phoneServices` with the menu entries of a new cluster."""
    return (
        f'<userId serviceProfileFile="">{escape(phone.owner)}</userId>\n'
        f"<ownerId>{escape(phone.owner)}</ownerId>\n"
        f"{_PHONE_SERVICES}"
    )


def _service(kind: int, name: str, url: str) -> str:
    return (
        f'<phoneService type="{kind}" category="0">\n<name>{name}</name>\n<url>{url}</url>\n'
        "<vendor></vendor>\n<version></version>\n</phoneService>\n"
    )


_PHONE_SERVICES = (
    '<phoneServices useHTTPS="true">\n<provisioning>2</provisioning>\n'
    + _service(1, "Missed Calls", "Application:Cisco/MissedCalls")
    + _service(2, "Voicemail", "Application:Cisco/Voicemail")
    + _service(1, "Received Calls", "Application:Cisco/ReceivedCalls")
    + _service(1, "Placed Calls", "Application:Cisco/PlacedCalls")
    + _service(1, "Personal Directory", "Application:Cisco/PersonalDirectory")
    + _service(1, "Corporate Directory", "Application:Cisco/CorporateDirectory")
    + "</phoneServices>\n"
)
