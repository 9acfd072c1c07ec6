"""Addresses and ports of this machine for a lab, so that any number of labs get on with each other.

Where every address of 127.0.0.0/8 is ours (Linux), a lab has a block of 250 of them and the usual
ports, so that its files and captures look like a real cluster's. Elsewhere (macOS has 127.0.0.1
alone) it has a block of ports. A block is held by a bound socket: the system lets go of it with
the process, however that ends, and no two processes ever have the same one.
"""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Final, Self

from cucmsim.errors import StartError
from cucmsim.phone.localends import LocalEnds

__all__ = ["GivenPlace", "Place"]

_FIRST_BLOCK: Final = 16 << 8
"""127.16.0.x; what is below is left to others."""
_BLOCKS: Final = (250 - 16) << 8
_LOCK_HOST, _LOCK_PORT = 250, 6969
_PHONES: Final = 101
_HELPERS: Final = 201
_TFTP: Final = 69
_TRANSFER_PORTS, _FIRST_END = "31000-31099", 20_000
"""Below the ports that the system picks."""
_FIRST_TRANSFER, _TRANSFERS = 400, 20
_FIRST_PHONE, _PHONE_PORTS, _MOST_PHONES = 600, 80, 5
"""In a block of ports, behind those of the nodes."""
_LOCALHOST: Final = "127.0.0.1"
_PORT_BLOCK, _FIRST_PORT, _PORT_BLOCKS = 1000, 11_000, 20
_NODE_PORTS: Final = 40
_FIRST_HELPER: Final = 20
"""In the first node's ports, behind those that it uses."""
_SCCP_TO_SECURE: Final = 443
_SERVICES: Final = (
    *("tftp", "http", "https", "https_client", "tvs", "capf"),
    *("sip", "sip_tls", "sccp", "web", "ssh"),
)
_MOST_NODES = 10
"""That a block of ports holds."""
_taken = count()


class Place:
    """A block of addresses, or of ports, held until it is closed. Made by `take`."""

    def __init__(self, lock: socket.socket, number: int, base_port: int | None) -> None:
        self._lock = lock
        self.number = number
        """Which block it is: the same number is the same addresses and ports."""
        self._base_port = base_port

    @classmethod
    def take(cls, number: int | None = None) -> Self:
        """Take a block, any that is free or the one of a number. Raises StartError."""
        has_addresses = _has_addresses()
        blocks = _BLOCKS if has_addresses else _PORT_BLOCKS
        for candidate in _candidates(number, blocks):
            base = None if has_addresses else _FIRST_PORT + candidate * _PORT_BLOCK
            with suppress(OSError):
                return cls(_lock(candidate, base), candidate, base)
        raise StartError(_why(number))

    def address(self, node: int) -> str:
        """Return the address of the `node`-th node, from 1."""
        return _LOCALHOST if self._base_port is not None else _host(self.number, node)

    def ports(self, node: int) -> Mapping[str, int]:
        """Return the ports of the `node`-th node, as in a description; none: the usual ones."""
        if self._base_port is None:
            return {}
        if node > _MOST_NODES:
            raise StartError(f"found {node} nodes, expected {_MOST_NODES} at most on one address")
        first = self._base_port + (node - 1) * _NODE_PORTS
        ports = {service: first + place for place, service in enumerate(_SERVICES, 1)}
        return {**ports, "sccp_tls": ports["sccp"] + _SCCP_TO_SECURE}

    def phone_address(self, phone: int) -> str | None:
        """Return an address for the `phone`-th phone, from 0; None: whatever the system takes."""
        return None if self._base_port is not None else _host(self.number, _PHONES + phone)

    def helper(self, helper: int, port: int) -> tuple[str, int]:
        """Return where the `helper`-th server beside the clusters is, from 0: address and port.

        `port` is the one it has where it has an address of its own.
        """
        if self._base_port is None:
            return _host(self.number, _HELPERS + helper), port
        return _LOCALHOST, self._base_port + _FIRST_HELPER + helper

    def transfer_ports(self, node: int) -> str:
        """Return the ports that the `node`-th node's TFTP sends files from, as in a description."""
        if self._base_port is None:
            return _TRANSFER_PORTS
        first = self._base_port + _FIRST_TRANSFER + (node - 1) * _TRANSFERS
        return f"{first}-{first + _TRANSFERS - 1}"

    def phone_ends(self, phone: int) -> LocalEnds:
        """Return whence the `phone`-th phone speaks, from 0, from one port after the other."""
        if self._base_port is None:
            return LocalEnds(_host(self.number, _PHONES + phone), _FIRST_END)
        if phone >= _MOST_PHONES:
            raise StartError(f"found {phone + 1} phones, expected {_MOST_PHONES} on one address")
        first = self._base_port + _FIRST_PHONE + phone * _PHONE_PORTS
        return LocalEnds(_LOCALHOST, first, _PHONE_PORTS)

    def close(self) -> None:
        """Let go of the block."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class GivenPlace(Place):
    """Addresses that somebody gives, such as those of a real network, and a real server's ports."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0, None)
        self._addresses = tuple(addresses)

    def address(self, node: int) -> str:
        """Return the address of the `node`-th node, from 1. Raises StartError."""
        if node > len(self._addresses):
            given = ", ".join(self._addresses)
            raise StartError(f"found {given}, expected an address for node {node} besides")
        return self._addresses[node - 1]

    def ports(self, node: int) -> Mapping[str, int]:
        """Return the ports that are not the usual ones of a description."""
        del node
        return {"tftp": _TFTP}

    def phone_address(self, phone: int) -> str | None:
        """Return None: simulated phones beside the real one speak from wherever they can."""
        del phone
        return None

    def helper(self, helper: int, port: int) -> tuple[str, int]:
        """Return any free port of this machine: the addresses given are of nodes."""
        del helper, port
        return _LOCALHOST, 0


def _candidates(number: int | None, blocks: int) -> Iterator[int]:
    """Yield the blocks to try: those of other processes begin elsewhere."""
    if number is not None:
        yield number % blocks
        return
    start = os.getpid() * 64 + next(_taken)
    for step in range(min(blocks, 1024)):
        yield (start + step) % blocks


def _has_addresses() -> bool:
    """Tell whether addresses besides 127.0.0.1 can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((_host(0, 1), 0))
        except OSError:
            return False
        return True


def _lock(number: int, base_port: int | None) -> socket.socket:
    """Bind what holds a block. Raises OSError when another has it."""
    where = (
        (_host(number, _LOCK_HOST), _LOCK_PORT) if base_port is None else (_LOCALHOST, base_port)
    )
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        held.bind(where)
    except OSError:
        held.close()
        raise
    return held


def _host(number: int, host: int) -> str:
    block = _FIRST_BLOCK + number
    return f"127.{block >> 8}.{block & 0xFF}.{host}"


def _why(number: int | None) -> str:
    if number is None:
        return "no block of addresses or ports is free for another lab on this machine"
    return (
        f"the addresses or ports of lab {number} are in use: another run with the same seed is"
        " under way; wait for its end, or choose another seed"
    )
