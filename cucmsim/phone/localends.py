"""From which address, and from which ports in order, a phone speaks.

Ports that the system picks differ from run to run, and stand in the journal and in the Via and
Contact of SIP. `LocalEnds` picks them: one after the other for UDP, and again for TCP, in a ring.
A port that somebody has is passed over. One that was just used is used again: on Linux a bound port
may connect anew while its last connection is in TIME_WAIT, to whichever end closed it.
"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Iterator
from typing import Final, TypeAlias

__all__ = ["LocalEnds", "Streams", "connect_stream"]

_LAST_PORT: Final = 65_535
_TAKEN: Final = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
"""What connecting says when this port already has a connection to that server."""

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LocalEnds:
    """The ends of one phone: `count` ports of `address`, from `first_port` on.

    Raises ValueError for an address or ports that there cannot be.
    """

    def __init__(self, address: str, first_port: int, count: int = 1000) -> None:
        if not 1 <= first_port <= first_port + count - 1 <= _LAST_PORT:
            raise ValueError(
                f"found {count} ports from {first_port} on, expected some from 1 to {_LAST_PORT}"
            )
        self.address = str(ipaddress.ip_address(address))
        """The address it speaks from."""
        self._family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self._first_port, self._count = first_port, count
        self._used = {socket.SOCK_DGRAM: 0, socket.SOCK_STREAM: 0}

    def bind_datagrams(self) -> socket.socket:
        """Return a UDP socket on the next free port. Raises OSError."""
        return next(self._bound(socket.SOCK_DGRAM))

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a TCP connection to `host` from the next free port. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, family=self._family, type=socket.SOCK_STREAM)
        free = self._bound(socket.SOCK_STREAM)
        while True:
            bound = next(free)
            try:
                await loop.sock_connect(bound, found[0][4])
            except BaseException as error:
                bound.close()
                if not (isinstance(error, OSError) and error.errno in _TAKEN):
                    raise
            else:
                return bound

    def _bound(self, kind: socket.SocketKind) -> Iterator[socket.socket]:
        """Yield sockets on free ports, beginning with the port after that used last.

        Raises OSError where the address is not ours, and when every port was tried.
        """
        for _ in range(self._count):
            port = self._first_port + self._used[kind] % self._count
            self._used[kind] += 1
            bound = socket.socket(self._family, kind)
            try:
                bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
                if kind is socket.SOCK_STREAM:
                    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                bound.bind((self.address, port))
            except OSError as error:
                bound.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                yield bound
        last = self._first_port + self._count - 1
        raise OSError(
            errno.EADDRINUSE, f"no port of {self.address} from {self._first_port} to {last} is free"
        )


async def connect_stream(host: str, port: int, ends: LocalEnds | None) -> Streams:
    """Connect over TCP, from any port where `ends` is None. Raises OSError."""
    if ends is None:
        return await asyncio.open_connection(host, port)
    return await asyncio.open_connection(sock=await ends.connect(host, port))
