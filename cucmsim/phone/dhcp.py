"""Finds a phone's TFTP servers through DHCP, really asking on an interface.

    finder = DhcpFinder("eth0", identity)
    answer = await finder.find(tell)        # None: nobody answers

Option 150 wins over option 66, that over the next server of the message (`siaddr`); where none of
them is there the DNS name `CiscoCM1` is the last resort (phone.md 1.1). The phone asks under its
own MAC address, whatever the interface has.

No root is needed where UDP port 68 may be bound, as in a container: the socket is an ordinary one,
bound to the interface. An interface without an address works where the kernel lets answers in
(rp_filter off), but is given none: that is the business of the machine.

Source: phone.md 1.1, RFC 2131, RFC 5859.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final

from cucmsim.entropy import Entropy, SystemEntropy, stream_of
from cucmsim.errors import FormatError
from cucmsim.formats.dhcp import CLIENT_PORT, SERVER_PORT, DhcpMessage, DhcpOption
from cucmsim.phone.datagrams import Datagrams
from cucmsim.phone.dhcpevents import (
    DhcpAnswered,
    DhcpAsked,
    DhcpEvent,
    DhcpOffered,
    DhcpRefused,
    DhcpTimedOut,
    ServerSource,
)
from cucmsim.phone.interface import Interface, InterfaceError, read_interface
from cucmsim.phone.values import Generation, PhoneIdentity
from cucmsim.protocols.dhcp_client import (
    Asked,
    Configured,
    DhcpClient,
    DhcpIdentity,
    DhcpPatience,
    Event,
    Offered,
    Refused,
)

__all__ = ["DhcpAnswer", "DhcpFinder", "DhcpWay", "tftp_servers", "vendor_class"]

LAST_RESORT: Final = "CiscoCM1"
_EVERYBODY: Final = "255.255.255.255"
_NOWHERE: Final = IPv4Address(0)
_MIDDLE: Final = 128
"""Of the byte that a random wait is made of."""

Tell = Callable[[DhcpEvent], None]


@dataclass(frozen=True, slots=True)
class DhcpAnswer:
    """What a DHCP server said; texts are empty where it said nothing."""

    tftp_servers: tuple[str, ...]
    source: ServerSource
    server: str = ""
    subnet_mask: str = ""
    default_router: str = ""
    domain_name: str = ""
    dns_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DhcpWay:
    """How to ask: patience, and the ports of server and client, which are not for the user."""

    patience: DhcpPatience = field(default_factory=DhcpPatience)
    server_port: int = SERVER_PORT
    client_port: int = CLIENT_PORT


class DhcpFinder:
    """Asks on one interface for one phone, as often as wanted."""

    def __init__(
        self,
        interface: str,
        identity: PhoneIdentity,
        *,
        way: DhcpWay | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        self.interface = interface
        """The name of the interface."""
        self._identity = DhcpIdentity(bytes.fromhex(identity.mac), vendor_class(identity))
        self._way = way or DhcpWay()
        self._entropy = stream_of(entropy or SystemEntropy(), f"dhcp/{identity.name}")

    async def find(self, tell: Tell) -> DhcpAnswer | None:
        """Return what a server says, None when nobody does.

        `tell` is given what happens. Raises InterfaceError when the interface cannot be used.
        """
        interface = read_interface(self.interface)
        client = DhcpClient(
            self._identity,
            int.from_bytes(self._entropy.token(4)),
            address=interface.address,
            patience=self._way.patience,
            jitter_s=lambda: self._entropy.token(1)[0] / _MIDDLE - 1,
        )
        with closing(await Datagrams.open(_open(interface, self._way.client_port))) as wire:
            message = await self._run(client, wire, tell)
        if message is None:
            tell(DhcpTimedOut(self.interface))
            return None
        answer = _answer(message)
        tell(DhcpAnswered(answer.server, answer.tftp_servers, answer.source))
        return answer

    async def _run(self, client: DhcpClient, wire: Datagrams, tell: Tell) -> DhcpMessage | None:
        """Ask until somebody answers; None when nobody does. Raises InterfaceError."""
        now = asyncio.get_running_loop().time
        while True:
            for datagram in client.datagrams_to_send(now()):
                host = _EVERYBODY if datagram.server is None else str(datagram.server)
                wire.send(datagram.data, (host, self._way.server_port))
            while (event := client.next_event()) is not None:
                self._tell(event, tell)
                if isinstance(event, Configured):
                    return event.message
            until = client.next_timeout()
            if until is None:
                return None
            item = await wire.receive(until)
            if isinstance(item, OSError):
                raise _refused(self.interface, "cannot send on it", item)
            if item is not None:
                client.receive_datagram(item[0], now())
            client.handle_timeout(now())

    def _tell(self, event: Event, tell: Tell) -> None:
        match event:
            case Asked(kind, count):
                tell(DhcpAsked(self.interface, kind.name, count))
            case Offered(message):
                tell(DhcpOffered(_server(message), str(message.your_address)))
            case Refused(message):
                tell(DhcpRefused(_text(message, DhcpOption.MESSAGE)))
            case _:
                pass


def tftp_servers(message: DhcpMessage) -> tuple[tuple[str, ...], ServerSource]:
    """Return the TFTP servers that a message names, in order, and where they stood.

    An option that cannot be read counts as one that is not there.
    """
    if several := _addresses(message, DhcpOption.TFTP_SERVERS):
        return several, ServerSource.OPTION_150
    if name := _text(message, DhcpOption.TFTP_SERVER_NAME).strip():
        return (name,), ServerSource.OPTION_66
    if message.next_server != _NOWHERE:
        return (str(message.next_server),), ServerSource.NEXT_SERVER
    return (LAST_RESORT,), ServerSource.LAST_RESORT


def vendor_class(identity: PhoneIdentity) -> bytes:
    """Return the option 60 of a phone, as its model sends it.

    The NUL at the end is real; a 79xx carries the G of its full name (phone.md 1.1).
    """
    suffix = "G" if identity.generation is Generation.SERIES_79XX else ""
    return f"Cisco Systems, Inc. IP Phone CP-{identity.model}{suffix}\0".encode()


def _answer(message: DhcpMessage) -> DhcpAnswer:
    servers, source = tftp_servers(message)
    masks = _addresses(message, DhcpOption.SUBNET_MASK)
    routers = _addresses(message, DhcpOption.ROUTERS)
    return DhcpAnswer(
        servers,
        source,
        server=_server(message),
        subnet_mask=masks[0] if masks else "",
        default_router=routers[0] if routers else "",
        domain_name=_text(message, DhcpOption.DOMAIN_NAME),
        dns_servers=_addresses(message, DhcpOption.DNS_SERVERS),
    )


def _server(message: DhcpMessage) -> str:
    return next(iter(_addresses(message, DhcpOption.SERVER_IDENTIFIER)), "")


def _addresses(message: DhcpMessage, option: DhcpOption) -> tuple[str, ...]:
    try:
        return tuple(map(str, message.addresses(option)))
    except FormatError:
        return ()


def _text(message: DhcpMessage, option: DhcpOption) -> str:
    try:
        return message.text(option)
    except FormatError:
        return ""


def _open(interface: Interface, port: int) -> socket.socket:
    """Return a socket for DHCP's answers on one interface. Raises InterfaceError."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    doing = "cannot be bound to"
    try:
        bound.setblocking(False)  # noqa: FBT003 - its only parameter
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.name.encode())
        doing = f"cannot listen on UDP port {port}"
        bound.bind(("0.0.0.0", port))  # noqa: S104 - of this interface alone
    except OSError as error:
        bound.close()
        raise _refused(interface.name, doing, error) from error
    return bound


def _refused(interface: str, doing: str, error: OSError) -> InterfaceError:
    """Return what is wrong with an interface, and what would help."""
    hints = {
        errno.EACCES: "this needs CAP_NET_BIND_SERVICE, or 68 or less in the kernel's setting "
        "net.ipv4.ip_unprivileged_port_start",
        errno.EPERM: "this needs CAP_NET_RAW",
        errno.EADDRINUSE: "another DHCP client has it",
        errno.ENETDOWN: "the interface is down",
        errno.ENETUNREACH: "the interface has no address and no route",
    }
    hint = f": {hints[error.errno]}" if error.errno in hints else ""
    return InterfaceError(f"{interface}: {doing}: {error.strerror or error}{hint}")
