"""TFTP from one port: every answer leaves from the port the request came to.

A published port of a container, and most address translation, lets answers through only from the
port that was asked. RFC 1350's fresh port for each transfer does not cross it. Here the transfers
of a listening port are told apart by the client's address and port instead, as dnsmasq's
--tftp-single-port does. Packets of a client without a transfer, such as the repeated last ACK of
one that is finished, are dropped: an ERROR could end the next transfer of the same client.
"""

from collections.abc import Sequence

from cucmsim.daemons.tftp_listener import Listener
from cucmsim.daemons.tftp_transfers import Channel, Peer, Segments

__all__ = ["SinglePortListener"]

_RRQ = b"\0\1"
_ACK = b"\0\4"


class SinglePortListener(Listener):
    """One bound port that also carries its transfers."""

    def _received(self, data: bytes, peer: Peer) -> None:
        """Give a datagram to the client's transfer, or take it as a request."""
        running = self.transfers.get(peer)
        if running is not None and data[:2] != _RRQ:
            running.take(data)
        elif data[:2] != _ACK:
            self._requested(data, peer)

    def sweep(self) -> None:
        """Read what has arrived, then look after every transfer's timeout."""
        self.readable()
        super().sweep()

    def _open(self, peer: Peer) -> Channel:
        """Send through the listening port."""
        sendto, sendmsg = self._socket.sendto, self._socket.sendmsg

        def send(packet: bytes) -> None:
            sendto(packet, peer)

        def send_segments(packets: Sequence[bytes], control: Segments) -> None:
            sendmsg(packets, control, 0, peer)

        return Channel(send, send_segments, None, None, _leave_open)


def _leave_open() -> None:
    """Close nothing: the port is everybody's."""
