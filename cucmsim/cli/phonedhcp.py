"""`cucmsim phone boot --dhcp INTERFACE`: the phone finds its TFTP servers through DHCP.

Everything that is wrong with the options, or that the interface is not allowed, is a CommandError
with exit status 2.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import typer

from cucmsim.cli.certificatefile import parse_endpoint
from cucmsim.errors import CommandError
from cucmsim.phone.dhcp import DhcpFinder
from cucmsim.phone.interface import InterfaceError, read_interface
from cucmsim.phone.performer import Network
from cucmsim.phone.values import PhoneIdentity

__all__ = ["DhcpOption", "mac_of", "saying_what_is_missing", "silence_of", "with_servers"]

DhcpOption = Annotated[
    str | None,
    typer.Option(
        "--dhcp",
        metavar="INTERFACE",
        help="In place of --tftp: at each boot, ask DHCP there for the TFTP servers.",
    ),
]

_USAGE = 2
_TFTP_PORT = 69


def mac_of(mac: str | None, dhcp: str | None) -> str:
    """Return --mac, else the MAC address of --dhcp's interface. Raises CommandError (2)."""
    if mac is not None:
        return mac
    if dhcp is None:
        raise CommandError(
            "--mac is missing: a phone needs one, unless --dhcp names an interface", _USAGE
        )
    with saying_what_is_missing():
        return read_interface(dhcp).mac.hex()


def with_servers(
    network: Network, tftp: list[str], dhcp: str | None, identity: PhoneIdentity
) -> Network:
    """Return `network` with the servers of --tftp, or with --dhcp to find them.

    Raises CommandError (2) unless one of both is given.
    """
    if bool(tftp) == (dhcp is not None):
        raise CommandError("expected --tftp HOST[:PORT] or --dhcp INTERFACE, one of both", _USAGE)
    if dhcp is not None:
        with saying_what_is_missing():
            read_interface(dhcp)
        return replace(network, finder=DhcpFinder(dhcp, identity))
    endpoints = (parse_endpoint(server, _TFTP_PORT) for server in tftp)
    servers = (replace(network.ports, host=host, tftp_port=port) for host, port in endpoints)
    return replace(network, servers=tuple(servers))


def silence_of(network: Network) -> str:
    """Return who did not answer, for the end of the command."""
    if isinstance(network.finder, DhcpFinder):
        return f"no DHCP server answers on {network.finder.interface}, or no TFTP server it named"
    servers = ", ".join(f"{each.host}:{each.tftp_port}" for each in network.servers)
    return f"no TFTP server answers ({servers})"


@contextmanager
def saying_what_is_missing() -> Iterator[None]:
    """Turn what is wrong with an interface into a CommandError (2)."""
    try:
        yield
    except InterfaceError as error:
        raise CommandError(f"--dhcp {error}", _USAGE) from None
