"""A phone's connections to the members of its CallManager group, one each, in tasks.

They are opened, written to and closed as the state machine says; what happens to them is told to a
`Hearer`. A server whose certificate is not trusted is told nothing before the connection is closed.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from cucmsim.errors import FormatError
from cucmsim.formats.phonealarms import OutOfServiceReason
from cucmsim.formats.phonevalues import CallManager
from cucmsim.phone.link import LinkError, LinkOptions
from cucmsim.phone.names import NameNotFoundError, Names
from cucmsim.phone.steps import PeerCheck, PeerRefused, PeerUnproven, Register
from cucmsim.phone.wire import UnfitPeerError, Wire, open_tcp, open_tls

__all__ = ["Hearer", "MemberLinks", "Route", "route_of"]


class Hearer(Protocol):
    """Who is told; `index` counts the members from 0."""

    def on_connected(self, index: int, local: tuple[str, int]) -> None:
        """Take note that a connection stands; `local` is our end of it."""
        ...

    def on_data(self, index: int, data: bytes) -> None:
        """Take what came."""
        ...

    def on_lost(self, index: int, reason: OutOfServiceReason, text: str) -> None:
        """Take note that a connection could not be opened, or is lost."""
        ...

    def on_unfit(self, index: int, outcome: PeerRefused | PeerUnproven) -> None:
        """Take note that a server was not talked to because of its certificate."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """How to connect to the members, each a host and a port; `check` None: over TCP."""

    members: Sequence[tuple[str, int]]
    names: Names
    options: LinkOptions
    check: PeerCheck | None = None

    async def open(self, index: int) -> Wire:
        """Connect to a member. Raises LinkError, NameNotFoundError, UnfitPeerError."""
        name, port = self.members[index]
        host = await self.names.resolve(name)
        if self.check is None:
            return await open_tcp(host, port, self.options)
        return await open_tls(host, port, self.options, self.check)


_SCCP_TO_SECURE: Final = 443
"""From the plain port to that of TLS: 2000 and 2443, moved alike. A file tells the plain one."""

_PORTS: Final[Mapping[tuple[str, bool], Callable[[CallManager], int]]] = {
    ("SIP", False): lambda member: member.sip_port,
    ("SIP", True): lambda member: member.secured_sip_port,
    ("SCCP", False): lambda member: member.ethernet_phone_port,
    ("SCCP", True): lambda member: member.ethernet_phone_port + _SCCP_TO_SECURE,
}


def route_of(step: Register, names: Names, options: LinkOptions) -> Route:
    """Return how a step wants to connect. Raises FormatError for a LSC or MIC that is damaged."""
    if step.is_secure and step.certified is not None:
        signer = step.certified.signer()
        options = replace(options, certificate=signer.certificate, private_key=signer.private_key)
    port_of = _PORTS[step.protocol, step.is_secure]
    members = tuple((member.process_node_name, port_of(member)) for member in step.members)
    return Route(members, names, options, step.check if step.is_secure else None)


class MemberLinks:
    """The connections of one registration."""

    def __init__(self, route: Route, hearer: Hearer) -> None:
        self._route = route
        self._hearer = hearer
        self._outgoing: dict[int, asyncio.Queue[bytes]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def open(self, index: int) -> None:
        """Connect to a member."""
        outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._outgoing[index] = outgoing
        self._tasks[index] = asyncio.create_task(self._converse(index, outgoing))

    def send(self, index: int, data: bytes) -> None:
        """Send to a member, in order."""
        if index in self._outgoing:
            self._outgoing[index].put_nowait(data)

    def close(self, index: int) -> None:
        """Close the connection to a member, or stop opening it."""
        self._outgoing.pop(index, None)
        task = self._tasks.pop(index, None)
        if task is not None:
            task.cancel()
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def end(self) -> None:
        """Close everything."""
        for index in tuple(self._tasks):
            self.close(index)
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))

    def _forget(self, index: int) -> None:
        """Let go of a connection that ended by itself."""
        self._outgoing.pop(index, None)
        task = self._tasks.pop(index, None)
        if task is not None:
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _converse(self, index: int, outgoing: asyncio.Queue[bytes]) -> None:
        try:
            wire = await self._route.open(index)
        except UnfitPeerError as unfit:
            self._forget(index)
            self._hearer.on_unfit(index, unfit.outcome)
        except (LinkError, NameNotFoundError, FormatError) as error:
            self._forget(index)
            self._hearer.on_lost(index, _REASONS[self._route.check is None], str(error))
        else:
            text = await self._exchange(index, wire, outgoing)
            self._forget(index)
            self._hearer.on_lost(index, text[0], text[1])

    async def _exchange(
        self, index: int, wire: Wire, outgoing: asyncio.Queue[bytes]
    ) -> tuple[OutOfServiceReason, str]:
        """Carry bytes both ways until the connection ends; return why."""
        sending = asyncio.create_task(_send_all(wire, outgoing))
        name, _ = self._route.members[index]
        try:
            self._hearer.on_connected(index, wire.local)
            while data := await wire.receive():
                self._hearer.on_data(index, data)
        except LinkError as error:
            return OutOfServiceReason.CM_RESET_TCP, str(error)
        finally:
            sending.cancel()
            await wire.close()
        return OutOfServiceReason.CM_CLOSED_TCP, f"{name} closed the connection"


_REASONS: Mapping[bool, OutOfServiceReason] = {
    True: OutOfServiceReason.TCP_TIMEOUT,
    False: OutOfServiceReason.TLS_ERROR,
}


async def _send_all(wire: Wire, outgoing: asyncio.Queue[bytes]) -> None:
    """Send what is put in; a connection that does not take it any more is closed."""
    try:
        while True:
            await wire.send(await outgoing.get())
    except LinkError:
        await wire.close()
