"""What a network interface of this machine is: its MAC address, its IPv4 address, its mask.

Asked of the kernel by ioctl (netdevice(7)), which takes no privilege. Linux only: the numbers are
Linux's, and so is binding a socket to an interface.
"""

import fcntl
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from cucmsim.errors import CucmsimError

__all__ = ["Interface", "InterfaceError", "read_interface"]

_GET_ADDRESS: Final = 0x8915
_GET_MASK: Final = 0x891B
_GET_HARDWARE: Final = 0x8927
_REQUEST: Final = struct.Struct("16s24x")
_NAME_SIZE: Final = 15
_IN_ANSWER: Final = slice(20, 24)
_HARDWARE: Final = slice(18, 24)


class InterfaceError(CucmsimError):
    """There is no such interface, or something may not be done with it; says what to do."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface; `mac` is of six bytes, `address` and `mask` None where it has none."""

    name: str
    mac: bytes
    address: IPv4Address | None
    mask: IPv4Address | None


def read_interface(name: str) -> Interface:
    """Return what an interface is now. Raises InterfaceError when there is none of that name."""
    there = [each for _, each in socket.if_nameindex()]
    if name not in there or len(name.encode()) > _NAME_SIZE:
        raise InterfaceError(f"no interface {name}, expected one of {', '.join(sorted(there))}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        hardware = _ask(probe, _GET_HARDWARE, name)
        address, mask = _ask(probe, _GET_ADDRESS, name), _ask(probe, _GET_MASK, name)
    return Interface(
        name,
        b"" if hardware is None else hardware[_HARDWARE],
        None if address is None else IPv4Address(address[_IN_ANSWER]),
        None if mask is None else IPv4Address(mask[_IN_ANSWER]),
    )


def _ask(probe: socket.socket, question: int, name: str) -> bytes | None:
    """Return the kernel's answer about an interface, None where there is none."""
    try:
        return fcntl.ioctl(probe.fileno(), question, _REQUEST.pack(name.encode()))
    except OSError:
        return None
