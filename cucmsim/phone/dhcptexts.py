"""Console lines about DHCP, in words of ours; both generations say the same.

That logs of real phones have a module DHCP is known (phone.md 3.3), what it says is not.
"""

from cucmsim.phone.console import ConsoleLine, Level
from cucmsim.phone.dhcpevents import (
    DhcpAnswered,
    DhcpAsked,
    DhcpEvent,
    DhcpOffered,
    DhcpRefused,
)

__all__ = ["dhcp_lines"]


def dhcp_lines(event: DhcpEvent) -> tuple[ConsoleLine]:
    """Return the line that the log shows for `event`."""
    match event:
        case DhcpAsked(interface, kind, count):
            again = f" ({count})" if count > 1 else ""
            return _line(f"{kind} sent on {interface}{again}")
        case DhcpOffered(server, address):
            return _line(f"OFFER of {address} from {server}")
        case DhcpRefused(reason):
            return _line(f"NAK {reason}".rstrip(), Level.WARNING)
        case DhcpAnswered(server, servers, source):
            return _line(f"ACK from {server}, TFTP servers {', '.join(servers)} ({source})")
        case _:
            return _line(f"timeout, no answer on {event.interface}", Level.ERROR)


def _line(text: str, level: Level = Level.NOTICE) -> tuple[ConsoleLine]:
    return (ConsoleLine(level, "DHCP", text),)
