"""A capture as a file for Wireshark: conversations become frames, in the order they were seen."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from cucmsim import __version__
from cucmsim.formats.frames import Endpoint, TcpDialogue, udp_frame
from cucmsim.formats.pcapng import (
    Frame,
    encode_interface,
    encode_packet,
    encode_secrets,
    encode_section,
)
from cucmsim.services.capture import (
    Conversation,
    End,
    Kind,
    Packet,
    Sender,
    Snapshot,
    Transport,
)

__all__ = ["pcapng_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Made = tuple[datetime, list[bytes]]
"""The frames of one moment."""


def pcapng_of(snapshot: Snapshot) -> bytes:
    """Return a capture as pcapng: an interface a node, and the secrets of TLS.

    The first frame of a conversation has the service in its comment.
    """
    conversations = snapshot.conversations
    nodes = list(dict.fromkeys(one.ends.node for one in conversations))
    dropped = f"{snapshot.dropped} older conversations were dropped" if snapshot.dropped else ""
    blocks = [encode_section(f"cucmsim {__version__}", dropped)]
    blocks += [encode_interface(node) for node in nodes]
    if snapshot.secrets:
        blocks.append(encode_secrets(snapshot.secrets))
    numbered = [
        (number, place, frame)
        for conversation in conversations
        for place, (number, frame) in enumerate(
            _frames(conversation, nodes.index(conversation.ends.node))
        )
    ]
    numbered.sort(key=lambda one: one[:2])
    return b"".join((*blocks, *(encode_packet(frame) for _, _, frame in numbered)))


def _frames(conversation: Conversation, interface: int) -> Iterator[tuple[int, Frame]]:
    """Yield the frames of a conversation, each with the number of what it is of."""
    ends = conversation.ends
    comment = f"{ends.node} {ends.service}"
    is_udp = ends.transport is Transport.UDP
    for number, (time, frames) in _datagrams(conversation) if is_udp else _segments(conversation):
        time_us = (time - _EPOCH) // timedelta(microseconds=1)
        for data in frames:
            yield number, Frame(interface, time_us, data, comment)
            comment = ""


def _datagrams(conversation: Conversation) -> Iterator[tuple[int, _Made]]:
    ends = conversation.ends
    client, address = _endpoint(ends.client), ends.server.address
    for packet in conversation.packets:
        server = Endpoint(address, packet.server_port or ends.server.port)
        pair = (client, server) if packet.sender is Sender.CLIENT else (server, client)
        yield packet.number, (packet.time, [udp_frame(*pair, packet.data)])


def _segments(conversation: Conversation) -> Iterator[tuple[int, _Made]]:
    ends = conversation.ends
    dialogue = TcpDialogue(_endpoint(ends.client), _endpoint(ends.server), conversation.number)
    yield conversation.number, (conversation.started, dialogue.open())
    for packet in _whole(conversation.packets):
        by_client = packet.sender is Sender.CLIENT
        match packet.kind:
            case Kind.DATA:
                frames = dialogue.data(packet.data, by_client=by_client)
            case Kind.FINISH:
                frames = dialogue.finish(by_client=by_client)
            case Kind.RESET:
                frames = dialogue.reset(by_client=by_client)
        yield packet.number, (packet.time, frames)


def _whole(packets: Iterable[Packet]) -> Iterator[Packet]:
    """Yield packets up to a reset, and each side's end once."""
    finished = set()
    for packet in packets:
        if packet.kind is Kind.FINISH:
            if packet.sender in finished:
                continue
            finished.add(packet.sender)
        yield packet
        if packet.kind is Kind.RESET:
            return


def _endpoint(end: End) -> Endpoint:
    return Endpoint(end.address, end.port)
