"""The read of a file from the client's side: against our server's side, and by single packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorCode,
    ErrorPacket,
    OptionAck,
    Packet,
    ReadRequest,
    decode_packet,
    encode_packet,
)
from cucmsim.protocols.tftp import FileRequested, ServerTransfer
from cucmsim.protocols.tftp_client import (
    TRANSITIONS,
    Datagram,
    Event,
    FileReceived,
    Input,
    ReadFailed,
    ReadFailure,
    Retransmitted,
    State,
    TftpRead,
)
from cucmsim.protocols.tftp_requests import PROXIED

NAME = "CTLSEP2834A2823B58.tlv"
PEER, STRANGER = ("192.0.2.1", 40000), ("192.0.2.1", 40001)
LIMIT = 2048 * 1024


def test_an_option_stands_behind_the_mode() -> None:
    read = TftpRead(NAME, size_limit=LIMIT, options=(PROXIED,))
    [request] = read.datagrams_to_send(0.0)
    assert request.data == b"\0\1" + NAME.encode() + b"\0octet\0proxied\x001\0"


def read_of(limit: int = LIMIT) -> TftpRead:
    """Return a read whose request was sent at 0.0."""
    read = TftpRead(NAME, size_limit=limit)
    read.datagrams_to_send(0.0)
    return read


def give(read: TftpRead, packet: Packet, peer: tuple[str, int] = PEER) -> list[Packet]:
    """Give the read a packet; return what it sends to PEER."""
    read.receive_datagram(encode_packet(packet), peer, 0.1)
    return sent(read)


def sent(read: TftpRead, peer: tuple[str, int] = PEER) -> list[Packet]:
    datagrams = read.datagrams_to_send(0.1)
    assert all(each.peer == peer for each in datagrams)
    return [decode_packet(each.data) for each in datagrams]


def events(read: TftpRead) -> list[Event]:
    taken = []
    while (event := read.next_event()) is not None:
        taken.append(event)
    return taken


def failure(read: TftpRead) -> ReadFailed:
    (event,) = events(read)
    assert isinstance(event, ReadFailed)
    assert read.state is State.ENDED
    assert read.next_timeout() is None
    return event


def test_the_request_is_the_31_bytes_that_phones_send() -> None:
    (request,) = TftpRead(NAME, size_limit=LIMIT).datagrams_to_send(0.0)
    assert request == Datagram(b"\0\1" + NAME.encode() + b"\0octet\0")
    assert len(request.data) == 31


def test_a_name_that_no_request_can_hold_is_refused() -> None:
    with pytest.raises(FormatError):
        TftpRead("a\0b", size_limit=LIMIT)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024, 5000])
def test_a_file_comes_whole_from_our_server(size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    server, read = ServerTransfer(), TftpRead(NAME, size_limit=LIMIT)
    while read.state is not State.ENDED:
        for datagram in read.datagrams_to_send(0.0):
            server.receive_datagram(datagram.data, 0.0)
        if isinstance(server.next_event(), FileRequested):
            server.send_file(content, 0.0)
        for data in server.datagrams_to_send(0.0):
            read.receive_datagram(data, PEER, 0.0)
    assert events(read) == [FileReceived(content)]


def test_each_block_is_acknowledged_and_the_short_one_ends_the_file() -> None:
    read = read_of()
    assert give(read, Data(1, b"a" * 512)) == [Ack(1)]
    assert read.state is State.RECEIVING
    assert events(read) == []
    assert give(read, Data(2, b"b")) == [Ack(2)]
    assert events(read) == [FileReceived(b"a" * 512 + b"b")]
    assert read.next_timeout() is None


def test_block_numbers_begin_again_at_zero_after_65535() -> None:
    read = read_of(limit=512 * 65540)
    for number in range(1, 65537):
        read.receive_datagram(encode_packet(Data(number % 65536, b"x" * 512)), PEER, 0.0)
    read.receive_datagram(encode_packet(Data(1, b"")), PEER, 0.0)
    (event,) = events(read)
    assert isinstance(event, FileReceived)
    assert len(event.data) == 512 * 65536


def test_a_repeated_block_is_acknowledged_again_and_kept_once() -> None:
    read = read_of()
    give(read, Data(1, b"a" * 512))
    assert give(read, Data(1, b"a" * 512)) == [Ack(1)]
    give(read, Data(2, b""))
    assert events(read) == [FileReceived(b"a" * 512)]


@pytest.mark.parametrize("block", [0, 2, 7])
def test_a_block_out_of_turn_is_passed_over(block: int) -> None:
    read = read_of()
    assert give(read, Data(block, b"a")) == []
    assert read.state is State.ASKED
    assert give(read, Data(1, b"b")) == [Ack(1)]
    assert events(read) == [FileReceived(b"b")]


def test_file_not_found_is_told_apart_from_other_errors() -> None:
    read = read_of()
    assert give(read, ErrorPacket(ErrorCode.FILE_NOT_FOUND, "File not found")) == []
    assert failure(read) == ReadFailed(ReadFailure.NOT_FOUND, 1, "File not found")

    read = read_of()
    give(read, ErrorPacket(ErrorCode.ACCESS_VIOLATION, "no"))
    assert failure(read) == ReadFailed(ReadFailure.ERROR, 2, "no")


def test_an_error_in_the_middle_ends_the_read() -> None:
    read = read_of()
    give(read, Data(1, b"a" * 512))
    give(read, ErrorPacket(0, "disk gone"))
    assert failure(read) == ReadFailed(ReadFailure.ERROR, 0, "disk gone")


def test_a_file_beyond_the_limit_is_broken_off() -> None:
    read = read_of(limit=1000)
    give(read, Data(1, b"a" * 512))
    (answer,) = give(read, Data(2, b"a" * 489))
    assert isinstance(answer, ErrorPacket)
    assert answer.code == ErrorCode.DISK_FULL
    assert failure(read).failure is ReadFailure.TOO_LARGE


def test_a_file_of_exactly_the_limit_is_taken() -> None:
    read = read_of(limit=1000)
    give(read, Data(1, b"a" * 512))
    give(read, Data(2, b"a" * 488))
    assert events(read) == [FileReceived(b"a" * 1000)]


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (OptionAck((("blksize", "1024"),)), ErrorCode.OPTIONS_REFUSED),
        (Ack(1), ErrorCode.ILLEGAL_OPERATION),
        (ReadRequest("x"), ErrorCode.ILLEGAL_OPERATION),
        (Data(1, b"a" * 513), ErrorCode.ILLEGAL_OPERATION),
    ],
)
def test_what_has_no_place_in_a_read_ends_it(packet: Packet, code: ErrorCode) -> None:
    read = read_of()
    (answer,) = give(read, packet)
    assert isinstance(answer, ErrorPacket)
    assert answer.code == code
    assert failure(read).failure is ReadFailure.ERROR


@pytest.mark.parametrize("agreed", [(("Proxied", "1"),), (("blksize", "512"),)])
def test_a_server_may_agree_to_an_option_that_changes_nothing(
    agreed: tuple[tuple[str, str], ...],
) -> None:
    read = TftpRead(NAME, size_limit=LIMIT, options=(PROXIED,))
    read.datagrams_to_send(0.0)
    assert give(read, OptionAck(agreed)) == give(read, OptionAck(agreed)) == [Ack(0)]
    read.handle_timeout(0.6)
    assert read.datagrams_to_send(0.6) == [Datagram(encode_packet(Ack(0)), PEER)]
    assert give(read, Data(1, b"a" * 512)) == [Ack(1)]
    assert give(read, OptionAck(agreed)) == []  # a late copy
    give(read, Data(2, b""))
    assert events(read) == [Retransmitted(1), FileReceived(b"a" * 512)]


def test_an_option_that_was_not_offered_is_refused() -> None:
    read = TftpRead(NAME, size_limit=LIMIT, options=(PROXIED,))
    read.datagrams_to_send(0.0)
    (answer,) = give(read, OptionAck((("blksize", "1024"),)))
    assert isinstance(answer, ErrorPacket)
    assert answer.code == ErrorCode.OPTIONS_REFUSED
    assert failure(read).failure is ReadFailure.ERROR


def test_bytes_that_are_no_packet_end_the_read() -> None:
    read = read_of()
    read.receive_datagram(b"\0\3", PEER, 0.1)
    assert [type(each) for each in sent(read)] == [ErrorPacket]
    assert failure(read).failure is ReadFailure.ERROR


def test_a_stranger_is_told_so_and_disturbs_nothing() -> None:
    read = read_of()
    give(read, Data(1, b"a" * 512))
    read.receive_datagram(encode_packet(Data(2, b"evil")), STRANGER, 0.1)
    (answer,) = sent(read, STRANGER)
    assert answer == ErrorPacket(ErrorCode.UNKNOWN_TRANSFER_ID, "unknown transfer")
    give(read, Data(2, b"b"))
    assert events(read) == [FileReceived(b"a" * 512 + b"b")]


def test_the_request_is_sent_again_after_half_a_second_to_the_servers_own_port() -> None:
    read = TftpRead(NAME, size_limit=LIMIT, max_retransmissions=2)
    first = read.datagrams_to_send(1.0)
    assert read.next_timeout() == 1.5
    read.handle_timeout(1.4)
    assert read.datagrams_to_send(1.4) == []
    for count, now in enumerate((1.5, 2.0), 1):
        read.handle_timeout(now)
        assert read.datagrams_to_send(now) == first
        assert events(read) == [Retransmitted(count)]
    read.handle_timeout(2.5)
    assert failure(read).failure is ReadFailure.TIMEOUT
    read.handle_timeout(3.0)
    assert read.datagrams_to_send(3.0) == []


def test_an_acknowledgement_is_sent_again_and_a_block_starts_the_count_anew() -> None:
    read = read_of()
    give(read, Data(1, b"a" * 512))
    read.handle_timeout(0.6)
    assert read.datagrams_to_send(0.6) == [Datagram(encode_packet(Ack(1)), PEER)]
    read.receive_datagram(encode_packet(Data(2, b"b" * 512)), PEER, 0.7)
    read.handle_timeout(1.2)
    assert events(read) == [Retransmitted(1), Retransmitted(1)]


def test_a_network_that_reaches_nobody_ends_the_read_once() -> None:
    read = read_of()
    read.handle_unreachable("connection refused")
    assert failure(read) == ReadFailed(ReadFailure.UNREACHABLE, text="connection refused")
    read.handle_unreachable("again")
    read.receive_datagram(encode_packet(Data(1, b"")), PEER, 0.2)
    assert events(read) == []


@given(datagrams=st.lists(st.binary(max_size=20)), starts=st.booleans())
def test_nothing_that_comes_raises(datagrams: list[bytes], *, starts: bool) -> None:
    read = read_of()
    if starts:
        give(read, Data(1, b"a" * 512))
    for data in datagrams:
        read.receive_datagram(data, PEER, 0.1)
    assert (read.state is State.ENDED) == (read.next_timeout() is None)


def test_every_transition_but_the_end_is_in_the_table() -> None:
    open_states = {State.ASKED, State.RECEIVING}
    assert set(TRANSITIONS) == {(state, cause) for state in open_states for cause in Input}
