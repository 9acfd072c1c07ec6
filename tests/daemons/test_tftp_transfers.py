"""The hot loop against the state machine: the same datagrams, the same answers."""

import errno
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsim.daemons.tftp_transfers import Ask, Channel, Segments, Transfer
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorPacket,
    ReadRequest,
    decode_packet,
    encode_packet,
)
from cucmsim.protocols.tftp import Outcome, ServerTransfer, State, TransferEnded
from cucmsim.protocols.tftp_requests import Limits, Mode, negotiate

NOW = 1000.0
LIMITS = Limits(timeout_s=0.5, max_retransmissions=2)


@dataclass
class Wire:
    """A channel that keeps what is sent, and may fail as a socket does."""

    sent: list[bytes] = field(default_factory=list)
    inbox: list[bytes] = field(default_factory=list)
    calls: int = 0
    send_fails: OSError | None = None
    segments_fail: OSError | None = None
    ended: list[tuple[Outcome, str]] = field(default_factory=list)

    def send(self, packet: bytes) -> None:
        self.calls += 1
        if self.send_fails:
            raise self.send_fails
        self.sent.append(packet)

    def send_segments(self, packets: Sequence[bytes], control: Segments) -> None:
        self.calls += 1
        size = int.from_bytes(control[0][2], sys.byteorder)
        assert {len(packet) for packet in packets[:-1]} <= {size}
        assert len(packets[-1]) <= size
        if self.segments_fail:
            raise self.segments_fail
        self.sent.extend(packets)

    def receive(self, _room: int) -> bytes:
        if not self.inbox:
            raise BlockingIOError(errno.EAGAIN, "nothing")
        return self.inbox.pop(0)

    def transfer(self, request: ReadRequest, content: bytes, *, own_port: bool = True) -> Transfer:
        terms = negotiate(request, Mode.OCTET, len(content), LIMITS)
        ask = Ask(("127.0.0.1", 9), encode_packet(request), request, "f", Mode.OCTET, NOW)
        receive = self.receive if own_port else None
        channel = Channel(self.send, self.send_segments, receive, None, lambda: None)

        def ended(_transfer: Transfer, outcome: Outcome, reason: str) -> None:
            self.ended.append((outcome, reason))

        return Transfer(ask, content, terms, LIMITS, channel, lambda: NOW, ended)


def windowed(windowsize: int, blksize: int = 8) -> ReadRequest:
    options = (("blksize", str(blksize)), ("windowsize", str(windowsize)))
    return ReadRequest("f", "octet", options)


PACKETS = st.one_of(
    st.integers(-3, 6),  # an ACK so far from the last one sent
    st.sampled_from([b"", b"\0\5\0\0", b"\0\3\0\1x", b"\0\4\0\1tail"]),
    st.just("silence"),
)


@settings(max_examples=400)
@given(
    content=st.binary(max_size=300),
    blksize=st.integers(8, 40),
    windowsize=st.one_of(st.none(), st.integers(1, 9)),
    events=st.lists(st.one_of(st.just(0), st.just(0), PACKETS), max_size=60),
    own_port=st.booleans(),
)
def test_the_hot_loop_and_the_state_machine_say_the_same(
    content: bytes,
    blksize: int,
    windowsize: int | None,
    events: list[int | bytes | str],
    own_port: bool,  # noqa: FBT001 - a case
) -> None:
    request = ReadRequest("f") if windowsize is None else windowed(windowsize, blksize)
    machine = ServerTransfer(LIMITS)
    machine.receive_datagram(encode_packet(request), NOW)
    machine.next_event()
    machine.send_file(content, NOW)
    expected = machine.datagrams_to_send(NOW)
    wire = Wire()
    transfer = wire.transfer(request, content, own_port=own_port)
    transfer.start()
    for event in events:
        assert wire.sent == expected
        assert transfer.over == (machine.state is State.ENDED)
        if transfer.over:
            break
        assert transfer.acked == machine.acked
        if event == "silence":
            machine.advance(machine.acked, float("-inf"))
            machine.handle_timeout(NOW)
            while transfer._idle < transfer._patience - 1:
                transfer.sweep()
            transfer.sweep()
        else:
            data = event
            if isinstance(event, int):
                data = encode_packet(Ack((transfer.block + event) % 65536))
            assert isinstance(data, bytes)
            machine.receive_datagram(data, NOW)
            if own_port:
                wire.inbox.append(data)
                transfer.readable()
            else:
                transfer.take(data)
        expected += machine.datagrams_to_send(NOW)
    assert wire.sent == expected
    assert transfer.resent == machine.resent
    event_of_end = machine.next_event()
    if isinstance(event_of_end, TransferEnded):
        assert wire.ended[0][0] is event_of_end.outcome
    else:
        assert wire.ended == []


def test_block_0_follows_block_65535() -> None:
    wire = Wire()
    transfer = wire.transfer(windowed(1), bytes(8 * 65536) + b"end")
    transfer.start()
    for number in range(65536):
        wire.inbox.append(encode_packet(Ack(number)))
        transfer.readable()
    assert decode_packet(wire.sent[-1]) == Data(0, bytes(8))
    wire.inbox.append(encode_packet(Ack(0)))
    transfer.readable()
    assert decode_packet(wire.sent[-1]) == Data(1, b"end")
    wire.inbox.append(encode_packet(Ack(1)))
    transfer.readable()
    assert wire.ended == [(Outcome.COMPLETE, "")]


@pytest.mark.parametrize(("windowsize", "calls"), [(3, 3), (4, 1), (16, 1), (64, 1)])
def test_a_window_of_four_blocks_leaves_in_one_call(windowsize: int, calls: int) -> None:
    wire = Wire()
    transfer = wire.transfer(windowed(windowsize), bytes(8 * 100))
    transfer.start()
    wire.calls = 0
    transfer.take(encode_packet(Ack(0)))
    assert wire.calls == calls
    assert len(wire.sent) == 1 + windowsize


def test_a_window_over_a_datagrams_size_leaves_in_two_calls() -> None:
    wire = Wire()
    transfer = wire.transfer(windowed(64, 1468), bytes(1468 * 100))
    transfer.start()
    wire.calls = 0
    transfer.take(encode_packet(Ack(0)))
    assert wire.calls == 2
    assert [len(packet) for packet in wire.sent[1:]] == [1472] * 64


@pytest.mark.parametrize("calls", [1, 2])
def test_where_the_kernel_does_not_cut_blocks_are_sent_one_by_one(calls: int) -> None:
    wire = Wire(segments_fail=OSError(errno.EINVAL, "frame too small"))
    transfer = wire.transfer(windowed(4), bytes(8 * 100))
    transfer.start()
    for _ in range(calls):
        transfer.take(encode_packet(Ack(transfer.block)))
    numbers = [int.from_bytes(packet[2:4], "big") for packet in wire.sent[1:]]
    assert numbers == list(range(1, 4 * calls + 1))
    assert wire.calls == 1 + 1 + 4 * calls


@pytest.mark.parametrize("failure", ["send_fails", "segments_fail"])
def test_a_closed_port_ends_the_transfer_once(failure: str) -> None:
    wire = Wire()
    transfer = wire.transfer(windowed(4), bytes(8 * 100))
    transfer.start()
    setattr(wire, failure, ConnectionRefusedError())
    wire.inbox.append(encode_packet(ErrorPacket(0, "")))
    wire.inbox.insert(0, encode_packet(Ack(0)))
    transfer.readable()
    if failure == "send_fails":
        transfer.readable()
    assert len(wire.ended) == 1


@pytest.mark.parametrize("options", [(), (("blksize", "8"),)])
def test_a_packet_that_cannot_be_sent_is_a_lost_packet(
    options: tuple[tuple[str, str], ...],
) -> None:
    wire = Wire(send_fails=OSError(errno.EPERM, "a firewall"))
    transfer = wire.transfer(ReadRequest("f", "octet", options), bytes(600))
    transfer.start()
    for _ in range(4):
        transfer.sweep()
    transfer.take(encode_packet(Ack(transfer.block)))
    assert (wire.sent, wire.ended) == ([], [])
    wire.send_fails = None
    for _ in range(4):
        transfer.sweep()
    assert len(wire.sent) == 1


def test_no_room_to_send_is_a_lost_packet() -> None:
    wire = Wire()
    transfer = wire.transfer(ReadRequest("f"), bytes(600))
    transfer.start()
    wire.send_fails = BlockingIOError(errno.EAGAIN, "no room")
    wire.inbox.append(encode_packet(Ack(1)))
    transfer.readable()
    assert wire.ended == []
    assert transfer.block == 2


def test_the_last_retransmission_and_a_closed_port_end_the_transfer_once() -> None:
    wire = Wire()
    transfer = wire.transfer(ReadRequest("f"), bytes(600))
    transfer.start()
    wire.send_fails = ConnectionRefusedError()
    for _ in range(9):
        transfer.sweep()
    assert [outcome for outcome, _ in wire.ended] == [Outcome.GONE]


def test_an_ack_behind_a_stray_one_is_read_too() -> None:
    wire = Wire()
    transfer = wire.transfer(ReadRequest("f"), bytes(600))
    transfer.start()
    wire.inbox += [encode_packet(Ack(900)), encode_packet(Ack(1))]
    transfer.readable()
    assert transfer.block == 2
