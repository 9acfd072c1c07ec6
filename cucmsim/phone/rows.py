"""The rows of a phone's web pages: label and value, in the order of the real pages.

Rows of the device page are those of a 7821, rows of the network page those of an 8841, with the
trust lists and their signatures (phone.md 3.6). An 88xx writes labels as sentences, a 78xx in
capitals; the pages of a 79xx call the servers CallManager and have no rows of trust lists.
"""

import re
from itertools import zip_longest
from typing import TypeAlias

from cucmsim.phone.values import Generation
from cucmsim.phone.view import PhoneView, TrustListView

__all__ = ["Rows", "device_rows", "ethernet_rows", "network_rows", "port_rows", "stream_rows"]

Rows: TypeAlias = tuple[tuple[str, str], ...]

_INSTALLED = "Installed"
_SECURITY_MODES = {1: "Non Secure", 2: "Authenticated", 3: "Encrypted"}
_SERVERS = 5
_DNS_SERVERS = 3
_TFTP_SERVERS = 2
_CAPITALISED = {
    "CUCM server / TFTP server": "CUCM Server/TFTP Server",
    "SW port setup": "SW Port Setup",
}
_ETHERNET = ("Tx frames", "Tx broadcast", "Tx unicast", "Rx frames", "Rx broadcast", "Rx unicast")
_PORT = (
    "Rx totalPkt",
    "Rx crcErr",
    "Rx alignErr",
    "Rx multicast",
    "Rx broadcast",
    "Tx excessDefer",
)
_STREAM = (
    "Remote address",
    "Local address",
    "Start time",
    "Stream status",
    "Sender packets",
    "Rcvr packets",
)


def device_rows(view: PhoneView) -> Rows:
    """Return the rows of Device information."""
    model = f"CP-{view.identity.model}"
    rows = (
        ("Service mode", "Enterprise"),
        ("Service domain", view.configuration.call_manager_group),
        ("Service state", view.service_state),
        ("MAC address", view.identity.mac),
        ("Host name", view.identity.name),
        ("Phone DN", view.directory_number),
        ("App load ID", f"rootfs{_load_suffix(view)}"),
        ("Boot load ID", f"sboot{_load_suffix(view)}"),
        ("Version", view.load),
        ("Hardware revision", "1.0"),
        ("Serial number", view.serial_number),
        ("Model number", model),
        ("Message waiting", _yes(view.message_waiting)),
        ("UDI", f"phone Cisco IP Phone {view.identity.model}, Global {model} {view.serial_number}"),
        ("Time", f"{view.at:%H:%M:%S}"),
        ("Time zone", view.time_zone),
        ("Date", f"{view.at:%m/%d/%y}"),
        ("System free memory", "0"),
        ("Java heap free memory", "0"),
        ("Java pool free memory", "0"),
        ("FIPS mode enabled", "No"),
    )
    return _labelled(view, rows)


def _load_suffix(view: PhoneView) -> str:
    """Return the load without the protocol in front: `sip78xx.12-5-1` becomes `78xx.12-5-1`."""
    return re.sub(r"^(?:sip|sccp)", "", view.load, flags=re.IGNORECASE)


def network_rows(view: PhoneView) -> Rows:
    """Return the rows of Network setup, with the trust lists where the model shows them."""
    rows = (*_address_rows(view), *_server_rows(view), *_url_rows(view), *_setting_rows(view))
    if view.identity.generation is Generation.SERIES_79XX:
        return _labelled(view, rows)
    return _labelled(
        view, (*rows, *_trust_list_rows("CTL", view.ctl), *_trust_list_rows("ITL", view.itl))
    )


def _address_rows(view: PhoneView) -> Rows:
    network = view.network
    return (
        ("MAC address", view.identity.mac),
        ("Host name", view.identity.name),
        ("Domain name", network.domain_name),
        ("DHCP server", network.dhcp_server),
        ("BOOTP server", "No"),
        ("DHCP", _yes(network.dhcp_enabled)),
        ("IP address", network.ip_address),
        ("Subnet mask", network.subnet_mask),
        ("Default router", network.default_router),
        *_numbered("DNS server {}", network.dns_servers, _DNS_SERVERS),
        ("Alternate TFTP", _yes(network.alternate_tftp)),
        *_numbered("TFTP server {}", network.tftp_servers, _TFTP_SERVERS),
        ("DHCP address released", "No"),
        ("Operational VLAN ID", network.operational_vlan),
        ("Admin VLAN ID", ""),
    )


def _server_rows(view: PhoneView) -> Rows:
    is_old = view.identity.generation is Generation.SERIES_79XX
    label = "CallManager {}" if is_old else "CUCM server{}"
    names = tuple(f"{server.name}  {server.state}".rstrip() for server in view.servers)
    return _numbered(label, names, _SERVERS)


def _url_rows(view: PhoneView) -> Rows:
    urls = view.configuration.urls
    return (
        ("Information URL", urls.secure_information or urls.information),
        ("Directories URL", urls.secure_directory or urls.directory),
        ("Messages URL", urls.secure_messages or urls.messages),
        ("Services URL", urls.secure_services or urls.services),
        ("Idle URL", urls.secure_idle or urls.idle),
        ("Idle URL time", "0"),
        ("Proxy server URL", urls.proxy_server),
        ("Authentication URL", urls.secure_authentication or urls.authentication),
    )


def _setting_rows(view: PhoneView) -> Rows:
    configuration, vendor = view.configuration, view.configuration.vendor
    return (
        ("SW port setup", "Auto"),
        ("PC port setup", "Auto"),
        ("User locale", configuration.user_locale),
        ("Network locale", configuration.network_locale),
        ("PC port disabled", _yes(vendor.get("pcPort", "0") != "0")),
        ("GARP enabled", _yes(vendor.get("garp", "1") == "0")),
        ("Voice VLAN enabled", _yes(vendor.get("voiceVlanAccess", "0") == "0")),
        ("Security mode", _SECURITY_MODES[configuration.security_mode]),
        ("Web access enabled", _yes(vendor.get("webAccess", "0") == "0")),
        ("SSH access enabled", _yes(vendor.get("sshAccess", "1") == "0")),
        ("CDP: SW port", "Yes"),
        ("LLDP-MED: SW port", "Yes"),
    )


def _trust_list_rows(kind: str, held: TrustListView | None) -> Rows:
    if held is None:
        return ((f"{kind} file", "Not installed"), (f"{kind} signature", ""))
    return (
        (f"{kind} file", _INSTALLED),
        (f"{kind} signature", held.signature_text),
        *held.entries,
    )


def ethernet_rows(view: PhoneView) -> Rows:
    """Return the rows of Ethernet information: nothing is counted."""
    return _labelled(view, tuple((label, "0") for label in _ETHERNET))


def port_rows(view: PhoneView) -> Rows:
    """Return the rows of a port's statistics: nothing is counted."""
    return _labelled(view, tuple((label, "0") for label in _PORT))


def stream_rows(view: PhoneView) -> Rows:
    """Return the rows of a stream: this phone makes no calls."""
    values = ("0.0.0.0/0", "0.0.0.0/0", "00:00:00", "Not ready", "0", "0")
    return _labelled(view, tuple(zip(_STREAM, values, strict=True)))


def _numbered(label: str, values: tuple[str, ...], count: int) -> Rows:
    filled = zip_longest(range(1, count + 1), values[:count], fillvalue="")
    return tuple((label.format(index), str(value)) for index, value in filled)


def _yes(value: bool) -> str:  # noqa: FBT001 - one value in, its word out
    return "Yes" if value else "No"


def _labelled(view: PhoneView, rows: Rows) -> Rows:
    """Return rows with labels as the generation writes them."""
    if view.identity.generation is Generation.SERIES_88XX:
        return rows
    return tuple((_capitalised(label), value) for label, value in rows)


def _capitalised(label: str) -> str:
    if label in _CAPITALISED:
        return _CAPITALISED[label]
    return " ".join(word[:1].upper() + word[1:] for word in label.split(" "))
