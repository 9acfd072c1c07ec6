"""The tap of the capture at a TFTP port and its transfers.

It lies closest to the socket: a fault that drops a packet on purpose lies above it. While the
capture is off a transfer has the socket's own methods; one that began then is not captured.
"""

import os
import socket
from collections.abc import Callable, Sequence

from cucmsim.daemons.taps import end_of
from cucmsim.daemons.tftp_transfers import Channel, Peer, Segments
from cucmsim.services.capture import End, Held, Kind, Sender, Tap, Transport

__all__ = ["DatagramTap"]

_RRQ = b"\0\1"
_MANY = 256  # clients to be remembered before it is looked which of them are dropped


class DatagramTap:
    """The tap of one TFTP port and its transfers."""

    def __init__(self, tap: Tap, address: str, port: int) -> None:
        self._tap = tap
        self._server = End(address, port)
        self._held: dict[End, Held] = {}
        self._many = _MANY

    @property
    def is_on(self) -> bool:
        """Whether anything is to be told."""
        return self._tap.capture.is_on

    def received(self, data: bytes, peer: Peer) -> None:
        """Take a datagram at the listening port; a new request begins a conversation."""
        client = end_of(peer)
        held = self._held.get(client)
        if _begins(held, data):
            held = self._begin(client)
        self._add(held, Sender.CLIENT, data)

    def sent(self, data: bytes, peer: Peer) -> None:
        """Take a datagram from the listening port."""
        self._add(self._held.get(end_of(peer)), Sender.SERVER, data)

    def channel(self, channel: Channel, peer: Peer) -> Channel:
        """Return `channel` with this tap in it."""
        held = self._held.get(end_of(peer))
        if held is None:
            return channel
        port = None if channel.descriptor is None else _port_of(channel.descriptor)

        def send(data: bytes) -> None:
            channel.send(data)
            self._add(held, Sender.SERVER, data, port)

        def send_segments(packets: Sequence[bytes], control: Segments) -> None:
            channel.send_segments(packets, control)
            for packet in packets:
                self._add(held, Sender.SERVER, packet, port)

        return channel._replace(
            send=send, send_segments=send_segments, receive=self._receive(channel, held, port)
        )

    def _receive(
        self, channel: Channel, held: Held, port: int | None
    ) -> Callable[[int], bytes] | None:
        wire = channel.receive
        if wire is None:
            return None

        def receive(size: int) -> bytes:
            data = wire(size)
            self._add(held, Sender.CLIENT, data, port)
            return data

        return receive

    def _begin(self, client: End) -> Held | None:
        """Begin a conversation in place of an earlier one; forget those that were dropped."""
        if len(self._held) > self._many:
            self._held = {end: held for end, held in self._held.items() if held.is_kept}
            self._many = 2 * len(self._held) + _MANY
        held = self._tap.begin(Transport.UDP, client, self._server)
        if held is not None:
            self._held[client] = held
        return held

    def _add(self, held: Held | None, sender: Sender, data: bytes, port: int | None = None) -> None:
        if held is not None:
            self._tap.capture.add(held, sender, Kind.DATA, data, port)


def _begins(held: Held | None, data: bytes) -> bool:
    """Tell whether a datagram begins a conversation: the first does, and a new request."""
    if held is None or not held.is_kept:
        return True
    return data[:2] == _RRQ and held.packets[0].data != data


def _port_of(descriptor: int) -> int:
    """Return the port of a socket that others hold."""
    with socket.socket(fileno=os.dup(descriptor)) as same:
        port: int = same.getsockname()[1]
        return port
