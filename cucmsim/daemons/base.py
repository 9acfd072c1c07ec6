"""What every daemon has in common, and how a port that cannot be bound is explained."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Sequence
from typing import Protocol

from cucmsim.errors import StartError

__all__ = ["Daemon", "DaemonGroup", "bind_error", "listen_tcp", "listen_udp"]

_PRIVILEGED = 1024
_BACKLOG = 128
_RECEIVE_BUFFER = 4 << 20
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h


class Daemon(Protocol):
    """A service of a node on its ports."""

    @property
    def name(self) -> str:
        """The service's short name: `tftp`, `tvs`, `capf`."""
        ...

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports bound, in the order they were asked for; empty while stopped."""
        ...

    async def start(self) -> None:
        """Bind every port and serve. Raises StartError, with nothing left bound."""
        ...

    async def stop(self, drain_s: float) -> None:
        """Take nothing new, let what runs finish for `drain_s` seconds, then close."""
        ...


class DaemonGroup:
    """Several daemons that are one service: all of them run, or none."""

    def __init__(self, name: str, members: Sequence[Daemon]) -> None:
        self.name = name
        self._members = members

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports bound, in the order of the members; empty while stopped."""
        return tuple(port for member in self._members for port in member.ports)

    async def start(self) -> None:
        """Bind every port and serve. Raises StartError, with nothing left bound."""
        for place, member in enumerate(self._members):
            try:
                await member.start()
            except BaseException:
                for started in self._members[:place]:
                    await started.stop(0)
                raise

    async def stop(self, drain_s: float) -> None:
        """Stop all at the same time."""
        await asyncio.gather(*(member.stop(drain_s) for member in self._members))


def bind_error(service: str, address: str, port: int, error: OSError) -> StartError:
    """Explain why `address:port` could not be bound, and what to do about it."""
    where = f"{service}: cannot listen on {address}:{port}"
    if error.errno == errno.EADDRINUSE:
        return StartError(
            f"{where}: the port is in use; `ss -lntup sport = :{port}` shows by whom. Stop that "
            "program, or choose another port"
        )
    if error.errno == errno.EACCES and port < _PRIVILEGED:
        return StartError(
            f"{where}: ports below {_PRIVILEGED} need privileges; choose a higher port, or allow "
            "it with `sysctl net.ipv4.ip_unprivileged_port_start`"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return StartError(
            f"{where}: this machine does not have the address {address}; choose one that it has "
            "(config/lab-single-address.toml uses 127.0.0.1 only)"
        )
    return StartError(f"{where}: {error.strerror or error}")


def listen_tcp(service: str, address: str, port: int) -> socket.socket:
    """Return a socket that listens on `address:port`. Raises StartError naming them."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise bind_error(service, address, port, error) from error
    return bound


def listen_udp(service: str, address: str, port: int) -> socket.socket:
    """Return a bound socket with a large receive buffer. Raises StartError naming both."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
        _enlarge_buffer(bound)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise bind_error(service, address, port, error) from error
    return bound


def _enlarge_buffer(listening: socket.socket) -> None:
    """Make room for the requests of a thousand phones: 4 MiB, or what the system allows."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    with contextlib.suppress(OSError):  # only with CAP_NET_ADMIN beyond net.core.rmem_max
        listening.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
