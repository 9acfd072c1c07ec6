"""The pages of a phone that programs read: `/DeviceInformationX` and the like.

Element names are those of the phones' XML service documents; values those of the HTML pages.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from cucmsim.formats.phoneblocks import DECLARATION, escape
from cucmsim.phone.rows import device_rows, network_rows
from cucmsim.phone.view import PhoneView

__all__ = ["document"]

_DEVICE = (
    ("MACAddress", "MAC address"),
    ("HostName", "Host name"),
    ("phoneDN", "Phone DN"),
    ("appLoadID", "App load ID"),
    ("bootLoadID", "Boot load ID"),
    ("versionID", "Version"),
    ("hardwareRevision", "Hardware revision"),
    ("serialNumber", "Serial number"),
    ("modelNumber", "Model number"),
    ("MessageWaiting", "Message waiting"),
    ("udi", "UDI"),
    ("time", "Time"),
    ("timezone", "Time zone"),
    ("date", "Date"),
    ("systemFreeMemory", "System free memory"),
    ("fipsModeEnabled", "FIPS mode enabled"),
)
_NETWORK = (
    ("DHCPServer", "DHCP server"),
    ("BOOTPServer", "BOOTP server"),
    ("MACAddress", "MAC address"),
    ("HostName", "Host name"),
    ("DomainName", "Domain name"),
    ("IPAddress", "IP address"),
    ("SubNetMask", "Subnet mask"),
    ("TFTPServer1", "TFTP server 1"),
    ("TFTPServer2", "TFTP server 2"),
    ("DefaultRouter1", "Default router"),
    ("DNSServer1", "DNS server 1"),
    ("DNSServer2", "DNS server 2"),
    ("DNSServer3", "DNS server 3"),
    ("VLANId", "Operational VLAN ID"),
    ("AdminVLANId", "Admin VLAN ID"),
    ("CallManager1", "CUCM server1"),
    ("CallManager2", "CUCM server2"),
    ("CallManager3", "CUCM server3"),
    ("CallManager4", "CUCM server4"),
    ("CallManager5", "CUCM server5"),
    ("InformationURL", "Information URL"),
    ("DirectoriesURL", "Directories URL"),
    ("MessagesURL", "Messages URL"),
    ("ServicesURL", "Services URL"),
    ("DHCPEnabled", "DHCP"),
    ("DHCPAddressReleased", "DHCP address released"),
    ("AltTFTP", "Alternate TFTP"),
    ("IdleURL", "Idle URL"),
    ("IdleURLTime", "Idle URL time"),
    ("ProxyServerURL", "Proxy server URL"),
    ("AuthenticationURL", "Authentication URL"),
    ("SWPortCfg", "SW port setup"),
    ("PCPortCfg", "PC port setup"),
    ("UserLocale", "User locale"),
    ("NetworkLocale", "Network locale"),
    ("PCPortDisabled", "PC port disabled"),
    ("GARPEnabled", "GARP enabled"),
    ("VoiceVlanEnabled", "Voice VLAN enabled"),
    ("SecurityMode", "Security mode"),
    ("WebAccess", "Web access enabled"),
)
_ETHERNET = ("TxFrames", "TxBroadcast", "TxUnicast", "RxFrames", "RxBroadcast", "RxUnicast")
_PORT = ("RxtotalPkt", "RxcrcErr", "RxalignErr", "Rxmulticast", "Rxbroadcast", "TxexcessDefer")
_STREAM = ("RemoteAddr", "LocalAddr", "StreamStatus", "SenderPackets", "RcvrPackets")
_STREAM_VALUES = ("0.0.0.0/0", "0.0.0.0/0", "Not Ready", "0", "0")
_PORTS = {"", "1", "2"}
_STREAMS = {"", "1", "2", "3", "4", "5"}
_LOGS = {"", "0", "1", "2"}


def document(view: PhoneView, path: str, query: str) -> str | None:
    """Return the XML document at `path`, whose query is a bare number; None where there is none."""
    make = _DOCUMENTS.get(path)
    return None if make is None else make(view, query)


def _document(root: str, elements: tuple[tuple[str, str], ...]) -> str:
    lines = "".join(f"<{name}>{escape(value)}</{name}>\n" for name, value in elements)
    return f"{DECLARATION}<{root}>\n{lines}</{root}>\n"


def _device(view: PhoneView, query: str) -> str:
    del query
    values = _by_label(device_rows(view))
    return _document(
        "DeviceInformation", tuple((name, values[label.lower()]) for name, label in _DEVICE)
    )


def _network(view: PhoneView, query: str) -> str:
    del query
    values = _by_label(network_rows(view))
    return _document(
        "NetworkConfiguration", tuple((name, values[label.lower()]) for name, label in _NETWORK)
    )


def _by_label(rows: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the first value of each label, whichever way the generation writes it."""
    return {
        label.lower().replace("callmanager ", "cucm server"): value
        for label, value in reversed(rows)
    }


def _ethernet(view: PhoneView, query: str) -> str:
    del view, query
    return _document("EthernetInformation", tuple((name, "0") for name in _ETHERNET))


def _port(view: PhoneView, query: str) -> str | None:
    del view
    if query not in _PORTS:
        return None
    return _document("PortInformation", tuple((name, "0") for name in _PORT))


def _stream(view: PhoneView, query: str) -> str | None:
    del view
    if query not in _STREAMS:
        return None
    return _document("StreamingStatistics", tuple(zip(_STREAM, _STREAM_VALUES, strict=True)))


def _log(view: PhoneView, query: str) -> str | None:
    if query not in _LOGS:
        return None
    generation = view.identity.generation
    messages = view.status.messages
    return _document(
        "DeviceLog", tuple(("status", message.format(generation)) for message in messages)
    )


_DOCUMENTS: Mapping[str, Callable[[PhoneView, str], str | None]] = MappingProxyType(
    {
        "/DeviceInformationX": _device,
        "/NetworkConfigurationX": _network,
        "/EthernetInformationX": _ethernet,
        "/PortInformationX": _port,
        "/StreamingStatisticsX": _stream,
        "/DeviceLogX": _log,
    }
)
