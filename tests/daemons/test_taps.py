"""The taps of the capture: what passes at sockets, and nothing while it is off."""

import asyncio
import socket
from collections.abc import Sequence
from typing import cast

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.taps import tap_stream
from cucmsim.daemons.tftp_listener import TftpOptions
from cucmsim.daemons.tftp_tap import DatagramTap
from cucmsim.daemons.tftp_transfers import Channel, Segments
from cucmsim.daemons.tftpd import TftpServer
from cucmsim.services.capture import Capture, End, Kind, Packet, Sender, Tap, Transport
from cucmsim.services.journal import Journal
from tests.fixtures.clusters import TftpRefusedError, tftp_get

RRQ = b"\0\1a.xml\0octet\0"
PEER = ("127.0.0.1", 50000)
C, S = Sender.CLIENT, Sender.SERVER


class Files:
    """Has one file of 700 bytes."""

    def cached(self, name: str) -> bytes | None:
        return bytes(700) if name == "a.xml" else None

    async def fetch(self, name: str) -> bytes | None:
        del name
        return None


def tap_of(capture: Capture) -> Tap:
    return Tap(capture, "pub", "tftp", "192.0.2.1")


@pytest.fixture
def capture() -> Capture:
    capture = Capture(SystemClock())
    capture.start()
    return capture


def packets(capture: Capture) -> list[list[Packet]]:
    return [list(one.packets) for one in capture.snapshot().conversations]


@pytest.mark.parametrize("single_port", [False, True])
async def test_a_transfer_is_captured_to_its_last_ack(
    capture: Capture,
    single_port: bool,  # noqa: FBT001 - a case
) -> None:
    server = TftpServer(
        Files(),
        [("127.0.0.1", 0)],
        node="pub",
        journal=Journal(),
        clock=SystemClock(),
        options=TftpOptions(single_port=single_port),
        tap=tap_of(capture),
    )
    await server.start()
    port = server.ports[0]
    await asyncio.to_thread(tftp_get, "127.0.0.1", port, "a.xml")
    with pytest.raises(TftpRefusedError):
        await asyncio.to_thread(tftp_get, "127.0.0.1", port, "b.xml")
    capture.stop()
    await asyncio.to_thread(tftp_get, "127.0.0.1", port, "a.xml")
    await server.stop(5)
    transfer, refusal = packets(capture)
    told = [(one.sender, one.data[:4]) for one in transfer]
    blocks = [(S, b"\0\3\0\1"), (C, b"\0\4\0\1"), (S, b"\0\3\0\2"), (C, b"\0\4\0\2")]
    assert told == [(C, RRQ[:4]), *blocks]
    assert (transfer[1].server_port is None) == single_port
    assert [(one.sender, one.data[:4]) for one in refusal] == [(C, b"\0\1b."), (S, b"\0\5\0\1")]


def test_segments_are_datagrams_and_what_is_asked_again_is_no_new_conversation(
    capture: Capture,
) -> None:
    sent: list[bytes] = []

    def send_segments(parts: Sequence[bytes], control: Segments) -> None:
        del control
        sent.extend(parts)

    tap = DatagramTap(tap_of(capture), "127.0.0.1", 69)
    channel = Channel(sent.append, send_segments, None, None, lambda: None)
    assert tap.channel(channel, PEER) is channel  # asked before the capture was on
    tap.received(RRQ, PEER)
    tap.received(RRQ, PEER)
    tapped = tap.channel(channel, PEER)
    tapped.send_segments([b"one", b"two"], ())
    tapped.send(b"three")
    assert sent == [b"one", b"two", b"three"]
    (conversation,) = packets(capture)
    assert [one.data for one in conversation] == [RRQ, RRQ, b"one", b"two", b"three"]
    tap.received(b"\0\4\0\1", PEER)
    tap.received(RRQ.replace(b"a", b"b"), PEER)
    tap.received(b"no request at all", ("127.0.0.1", 50001))
    assert [len(one) for one in packets(capture)] == [6, 1, 1]


def test_clients_that_were_dropped_are_forgotten() -> None:
    capture = Capture(SystemClock(), 500)
    capture.start()
    tap = DatagramTap(tap_of(capture), "127.0.0.1", 69)
    for port in range(1, 600):
        tap.received(RRQ, ("127.0.0.1", port))
    assert len(tap._held) < 400
    assert capture.state.conversations + capture.state.dropped == 599


class Transported:
    """A transport that knows its ends."""

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return PEER if name == "peername" else None


@pytest.mark.parametrize(
    ("error", "by_whom"), [(None, S), (ConnectionResetError("reset"), C)], ids=["ours", "theirs"]
)
def test_a_connection_that_just_goes_was_reset(
    capture: Capture, error: Exception | None, by_whom: Sender
) -> None:
    transport = cast("asyncio.Transport", Transported())
    tap = tap_stream(tap_of(capture), transport, False)  # noqa: FBT003
    tap.received(b"asked")
    tap.read(b"asked")
    tap.sent(b"told")
    tap.lost(error)
    (held,) = capture.snapshot().conversations
    assert [(one.sender, one.kind) for one in held.packets] == [
        (C, Kind.DATA),
        (S, Kind.DATA),
        (by_whom, Kind.RESET),
    ]
    assert (held.ends.transport, held.plain) == (Transport.TCP, ())
    assert held.ends.server == End("192.0.2.1", 0)


def test_an_orderly_end_is_no_reset(capture: Capture) -> None:
    transport = cast("asyncio.Transport", Transported())
    tap = tap_stream(tap_of(capture), transport, True)  # noqa: FBT003
    tap.told(b"told")
    tap.finished_by(S)
    tap.lost(None)
    (held,) = capture.snapshot().conversations
    assert [one.kind for one in held.packets] == [Kind.FINISH]
    assert held.plain == ((S, b"told"),)


def test_a_connection_is_not_looked_at_while_the_capture_is_off() -> None:
    capture = Capture(SystemClock())
    with socket.socket() as nobody:
        transport = cast("asyncio.Transport", nobody)  # whatever is asked of it fails
        tap_stream(tap_of(capture), transport, True).received(b"x")  # noqa: FBT003
        tap_stream(None, transport, True).told(b"x")  # noqa: FBT003
    assert capture.state.conversations == 0
