"""The taps of the capture at connections: where their bytes pass by on their way.

A tap sees what really goes over the wire, so it lies closest to the socket: whatever drops, delays
or breaks things on purpose lies above it. While the capture is off a tap does nothing.
"""

import asyncio
from collections.abc import Sequence

from cucmsim.services.capture import End, Held, Kind, Sender, Tap, Transport

__all__ = ["StreamTap", "end_of", "tap_stream"]


class StreamTap:
    """The tap of one connection; without a conversation it does nothing."""

    def __init__(self, tap: Tap | None = None, held: Held | None = None) -> None:
        self._tap = tap
        self._held = held
        self._finished = False

    def received(self, data: bytes) -> None:
        """Take bytes that arrived."""
        self._add(Sender.CLIENT, Kind.DATA, data)

    def sent(self, data: bytes) -> None:
        """Take bytes that are sent."""
        self._add(Sender.SERVER, Kind.DATA, data)

    def read(self, data: bytes) -> None:
        """Take what a record of the client held."""
        self._add_plain(Sender.CLIENT, data)

    def told(self, message: bytes) -> None:
        """Take a message to the client before it becomes records."""
        self._add_plain(Sender.SERVER, message)

    def finished_by(self, sender: Sender) -> None:
        """Take note that one side has nothing more to say."""
        self._finished = True
        self._add(sender, Kind.FINISH)

    def lost(self, error: Exception | None) -> None:
        """Take note that the connection is gone, by a reset unless a side had finished."""
        if not self._finished:
            self._add(Sender.CLIENT if error else Sender.SERVER, Kind.RESET)

    def _add(self, sender: Sender, kind: Kind, data: bytes = b"") -> None:
        if self._held is not None and self._tap is not None:
            self._tap.capture.add(self._held, sender, kind, data)

    def _add_plain(self, sender: Sender, data: bytes) -> None:
        held = self._held
        if held is not None and self._tap is not None and held.ends.transport is Transport.TLS:
            self._tap.capture.add_plain(held, sender, data)


def tap_stream(
    tap: Tap | None,
    transport: asyncio.Transport,
    is_tls: bool,  # noqa: FBT001 - there is no other use
) -> StreamTap:
    """Return the tap of a connection that was just accepted."""
    if tap is None or not tap.capture.is_on:
        return StreamTap()
    client, server = (end_of(transport.get_extra_info(name)) for name in ("peername", "sockname"))
    return StreamTap(tap, tap.begin(Transport.TLS if is_tls else Transport.TCP, client, server))


def end_of(name: Sequence[object] | None) -> End:
    """Return an end as a socket names it; of one that is gone there is no name."""
    if not name:
        return End("0.0.0.0", 0)  # noqa: S104 - nothing is bound to it
    return End(str(name[0]), int(str(name[1])))
