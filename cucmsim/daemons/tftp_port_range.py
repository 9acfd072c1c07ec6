"""TFTP transfers from a range of ports, as tftpd-hpa's --port-range: what a firewall lets through.

Each transfer takes the port after the one used last, round and round; one that somebody has is
passed over. So the ports of a run are the same the next time, too.
"""

import errno
from itertools import cycle, islice

from cucmsim.daemons.tftp_listener import Context, Listener
from cucmsim.daemons.tftp_transfers import Channel, Peer

__all__ = ["PortRangeListener"]


class PortRangeListener(Listener):
    """One bound port, whose transfers have those of `TftpOptions.transfer_ports`."""

    def __init__(self, context: Context, address: str, port: int) -> None:
        super().__init__(context, address, port)
        self._range = context.options.transfer_ports
        self._ports = cycle(self._range)
        self._address = address

    def _open(self, peer: Peer) -> Channel:
        """Open the next port that is free. Raises OSError."""
        for port in islice(self._ports, len(self._range)):
            self._source = self._address, port
            try:
                return super()._open(peer)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        first, last = self._range[0], self._range[-1]
        raise OSError(
            errno.EADDRINUSE, f"no port of {self._address} from {first} to {last} is free"
        )
