"""The network setup that a phone's pages show: what DHCP said, or what a person typed."""

import ipaddress
import socket
from typing import Final

from cucmsim.phone.performer import Network
from cucmsim.phone.view import NetworkView

__all__ = ["network_view"]

_IPV4: Final = 4


def network_view(network: Network) -> NetworkView:
    """Return the setup; servers that a person gave are alternate TFTP servers (phone.md 1.1)."""
    servers = tuple(server.host for server in network.servers)
    ends = network.link.ends
    address = ends.address if ends else _own_address(servers[0]) if servers else ""
    if network.finder is None:
        return NetworkView(
            ip_address=address, dhcp_enabled=False, tftp_servers=servers, alternate_tftp=True
        )
    told = network.told
    if told is None:
        return NetworkView()
    return NetworkView(
        ip_address=address,
        subnet_mask=told.subnet_mask,
        default_router=told.default_router,
        domain_name=told.domain_name,
        dns_servers=told.dns_servers,
        dhcp_server=told.server,
        tftp_servers=servers,
    )


def _own_address(towards: str) -> str:
    """Return the address from which a server is reached; empty when that cannot be told."""
    try:
        version = ipaddress.ip_address(towards).version
    except ValueError:
        return ""  # a name: pages wait for no DNS
    family = socket.AF_INET if version == _IPV4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((towards, 9))  # UDP: nothing is sent
        except OSError:
            return ""
        return str(probe.getsockname()[0])
