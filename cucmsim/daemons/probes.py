"""Looks into the network for the admin command line: names, TCP connections, ICMP echo.

Echo requests go out of an unprivileged ICMP socket, which Linux grants to the groups in
`net.ipv4.ping_group_range`.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Sequence

from cucmsim.errors import RefusedError

__all__ = ["SystemProbes"]

_ECHO_REQUEST, _PAYLOAD = 8, bytes(range(56))
_DATAGRAM = 2048


class SystemProbes:
    """Asks the machine's network; each wait takes `timeout_s` at most."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s

    async def resolve(self, host: str) -> Sequence[str]:
        """Return the addresses of a host."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            return ()
        return tuple(dict.fromkeys(str(one[4][0]) for one in found))

    async def connects(self, address: str, port: int) -> bool:
        """Tell whether a TCP connection can be made."""
        try:
            async with asyncio.timeout(self._timeout_s):
                _, writer = await asyncio.open_connection(address, port)
        except OSError:
            return False
        writer.close()
        return True

    async def echo(self, address: str, number: int) -> float | None:
        """Send an echo request and wait for its answer. Raises RefusedError."""
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as link:
                link.settimeout(0)
                link.connect((address, 0))
                return await self._echoed(link, number)
        except TimeoutError:
            return None
        except PermissionError as error:
            denied = "ping: net.ipv4.ping_group_range lets this process send no echo"
            raise RefusedError(denied) from error
        except OSError as error:
            raise RefusedError(f"ping: {error.strerror or error}") from error

    async def _echoed(self, link: socket.socket, number: int) -> float:
        """Return the milliseconds of an exchange. Raises TimeoutError, OSError."""
        loop, began = asyncio.get_running_loop(), time.perf_counter()
        await loop.sock_sendall(
            link, struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, 0, number) + _PAYLOAD
        )
        async with asyncio.timeout(self._timeout_s):
            while True:
                answer = await loop.sock_recv(link, _DATAGRAM)
                if answer[:1] == b"\0" and answer[6:8] == struct.pack("!H", number):
                    return (time.perf_counter() - began) * 1000
