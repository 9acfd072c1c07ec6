"""The server's state machine: playbooks, every state with every input, and a lossy network."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsim.errors import LocalProtocolError
from cucmsim.formats.tftp import (
    Ack,
    Data,
    ErrorPacket,
    OptionAck,
    Options,
    Packet,
    ReadRequest,
    decode_packet,
    encode_packet,
)
from cucmsim.protocols.tftp import (
    TRANSITIONS,
    FileRequested,
    Input,
    Outcome,
    ServerTransfer,
    State,
    TransferEnded,
    last_block,
)
from cucmsim.protocols.tftp_requests import Limits, Mode, Terms

T0 = 1000.0


class Conversation:
    """Talks to a transfer in packets, at a time that only the test moves."""

    def __init__(
        self, *options: tuple[str, str], mode: str = "octet", limits: Limits | None = None
    ) -> None:
        self.transfer = ServerTransfer(limits)
        self.now = T0
        self.request = ReadRequest("f", mode, options)

    def says(self, packet: Packet) -> list[Packet]:
        return self.sends(encode_packet(packet))

    def sends(self, data: bytes) -> list[Packet]:
        self.transfer.receive_datagram(data, self.now)
        return self.hears()

    def hears(self) -> list[Packet]:
        return [decode_packet(data) for data in self.transfer.datagrams_to_send(self.now)]

    def asks_for(self, content: bytes) -> list[Packet]:
        assert self.says(self.request) == []
        assert isinstance(self.transfer.next_event(), FileRequested)
        self.transfer.send_file(content, self.now)
        return self.hears()

    def waits(self) -> list[Packet]:
        deadline = self.transfer.next_timeout()
        assert deadline is not None
        self.now = deadline
        self.transfer.handle_timeout(self.now)
        return self.hears()

    def ended(self) -> Outcome:
        assert self.transfer.state is State.ENDED
        event = self.transfer.next_event()
        assert isinstance(event, TransferEnded)
        assert self.transfer.next_event() is None
        assert self.transfer.next_timeout() is None
        return event.outcome


def test_a_file_of_two_blocks_crosses() -> None:
    phone = Conversation()
    assert phone.says(ReadRequest("/f", "OCTET")) == []
    assert phone.transfer.next_event() == FileRequested("f", Mode.OCTET)
    phone.transfer.send_file(b"a" * 512 + b"b", T0)
    assert phone.hears() == [Data(1, b"a" * 512)]
    assert phone.says(Ack(1)) == [Data(2, b"b")]
    assert phone.says(Ack(2)) == []
    assert phone.ended() is Outcome.COMPLETE


@pytest.mark.parametrize(("size", "blocks"), [(0, 1), (1, 1), (511, 1), (512, 2), (513, 2)])
def test_the_last_block_is_the_first_that_is_not_full(size: int, blocks: int) -> None:
    assert last_block(size, 512) == blocks
    phone = Conversation()
    (packet,) = phone.asks_for(bytes(size))
    for number in range(1, blocks):
        assert isinstance(packet, Data)
        assert len(packet.payload) == 512
        (packet,) = phone.says(Ack(number))
    assert packet == Data(blocks, bytes(size % 512))


def test_options_are_acknowledged_before_block_1() -> None:
    phone = Conversation(("blksize", "8"), ("tsize", "0"))
    assert phone.asks_for(b"0123456789") == [OptionAck((("blksize", "8"), ("tsize", "10")))]
    assert phone.says(Ack(0)) == [Data(1, b"01234567")]
    assert phone.says(Ack(1)) == [Data(2, b"89")]


def test_options_that_are_all_refused_are_not_acknowledged() -> None:
    assert Conversation(("blksize", "1")).asks_for(b"x") == [Data(1, b"x")]


def test_a_window_is_sent_before_an_ack() -> None:
    phone = Conversation(("windowsize", "3"), ("blksize", "8"))
    phone.asks_for(b"abcdefgh" * 4)
    first = [Data(number, b"abcdefgh") for number in (1, 2, 3)]
    assert phone.says(Ack(0)) == first
    assert phone.says(Ack(3)) == [Data(4, b"abcdefgh"), Data(5, b"")]
    assert phone.says(Ack(5)) == []
    assert phone.ended() is Outcome.COMPLETE


def test_an_ack_within_the_window_moves_it() -> None:
    phone = Conversation(("windowsize", "3"), ("blksize", "8"))
    phone.asks_for(b"abcdefgh" * 6)
    phone.says(Ack(0))
    assert [packet.block for packet in phone.says(Ack(1)) if isinstance(packet, Data)] == [2, 3, 4]


def test_a_repeated_ack_sends_a_window_again_but_once() -> None:
    phone = Conversation(("windowsize", "2"), ("blksize", "8"))
    phone.asks_for(b"abcdefgh" * 6)
    window = phone.says(Ack(0))
    assert phone.says(Ack(0)) == window
    assert phone.says(Ack(0)) == []
    assert phone.transfer.resent == 1
    assert phone.waits() == window
    assert phone.says(Ack(0)) == window


def test_a_repeated_ack_of_a_single_block_is_not_answered() -> None:
    phone = Conversation()
    phone.asks_for(bytes(2000))
    phone.says(Ack(1))
    assert phone.says(Ack(1)) == []
    assert phone.says(Ack(0)) == []
    assert phone.says(Ack(900)) == []
    assert len(phone.says(Ack(2))) == 1


def test_block_0_follows_block_65535() -> None:
    phone = Conversation(("blksize", "8"))
    phone.asks_for(bytes(8 * 65536) + b"end")
    for number in range(65535):
        phone.says(Ack(number))
    assert phone.says(Ack(65535)) == [Data(0, bytes(8))]
    assert phone.says(Ack(0)) == [Data(1, b"end")]
    assert phone.says(Ack(1)) == []
    assert phone.ended() is Outcome.COMPLETE


def test_netascii_is_converted_before_it_is_cut() -> None:
    phone = Conversation(("blksize", "8"), mode="netascii")
    assert phone.asks_for(b"line\n" * 3) == [OptionAck((("blksize", "8"),))]
    assert phone.says(Ack(0)) == [Data(1, b"line\r\nli")]


def test_silence_brings_the_packet_again_until_the_limit() -> None:
    phone = Conversation(limits=Limits(timeout_s=2, max_retransmissions=2))
    sent = phone.asks_for(b"x")
    assert phone.transfer.next_timeout() == T0 + 2
    phone.transfer.handle_timeout(T0 + 1.9)
    assert phone.hears() == []
    assert phone.waits() == sent
    assert phone.waits() == sent
    assert phone.now == T0 + 4
    assert phone.waits() == []
    assert phone.ended() is Outcome.SILENCE


def test_progress_starts_the_count_of_retransmissions_again() -> None:
    phone = Conversation(limits=Limits(max_retransmissions=1))
    phone.asks_for(bytes(512))
    assert phone.waits()
    phone.says(Ack(1))
    assert phone.waits()
    assert phone.says(Ack(2)) == []
    assert phone.ended() is Outcome.COMPLETE
    assert phone.transfer.resent == 2


def test_the_clients_timeout_is_used() -> None:
    phone = Conversation(("timeout", "7"))
    phone.asks_for(b"x")
    assert phone.transfer.next_timeout() == T0 + 7


def test_a_transfer_without_a_file_has_no_timeout() -> None:
    phone = Conversation()
    phone.transfer.handle_timeout(T0)
    phone.says(phone.request)
    assert phone.transfer.next_timeout() is None


@pytest.mark.parametrize("sent", [False, True])
def test_the_same_request_again_is_not_answered_twice(sent: bool) -> None:  # noqa: FBT001 - a case
    phone = Conversation()
    phone.says(phone.request)
    if sent:
        phone.transfer.send_file(bytes(600), T0)
        phone.hears()
    assert phone.says(phone.request) == []
    assert phone.transfer.state is (State.SENDING if sent else State.DECIDING)


def test_a_request_in_the_middle_of_a_transfer_is_illegal() -> None:
    phone = Conversation()
    phone.asks_for(bytes(600))
    phone.says(Ack(1))
    (answer,) = phone.says(phone.request)
    assert isinstance(answer, ErrorPacket)
    assert answer.code == 4
    assert phone.ended() is Outcome.ILLEGAL


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\0\2f\0octet\0", 2),
        (b"\0\1f\0mail\0", 4),
        (b"\0\1../f\0octet\0", 2),
        (b"\0\1\0octet\0", 1),
        (b"\0\4\0\1", 5),
        (b"\xff", 4),
    ],
)
def test_a_wrong_request_is_answered_with_its_code(data: bytes, code: int) -> None:
    phone = Conversation()
    (answer,) = phone.sends(data)
    assert isinstance(answer, ErrorPacket)
    assert answer.code == code
    assert phone.ended() is Outcome.REFUSED
    assert phone.sends(data) == []


def test_a_file_that_is_not_there_is_refused() -> None:
    phone = Conversation()
    phone.says(phone.request)
    phone.transfer.next_event()
    phone.transfer.refuse(1, "File not found ä")
    assert phone.hears() == [ErrorPacket(1, "File not found ?")]
    assert phone.ended() is Outcome.REFUSED


def test_an_error_of_the_client_is_never_answered() -> None:
    fresh = Conversation()
    assert fresh.says(ErrorPacket(0, "")) == []
    assert fresh.ended() is Outcome.PEER_ERROR
    running = Conversation()
    running.asks_for(b"x")
    assert running.says(ErrorPacket(3, "disk full")) == []
    assert running.ended() is Outcome.PEER_ERROR


@pytest.mark.parametrize(
    "data", [b"", b"\0\4\0\1tail", b"\0\3\0\1x", b"\0\6a\0b\0", b"\0\2f\0octet\0"]
)
def test_what_has_no_place_in_a_transfer_ends_it(data: bytes) -> None:
    phone = Conversation()
    phone.asks_for(b"x")
    (answer,) = phone.sends(data)
    assert isinstance(answer, ErrorPacket)
    assert answer.code == 4
    assert phone.ended() is Outcome.ILLEGAL


def test_an_old_ack_before_the_decision_is_ignored() -> None:
    phone = Conversation()
    phone.says(phone.request)
    assert phone.says(Ack(12)) == []
    assert phone.transfer.state is State.DECIDING


def test_a_closed_port_ends_the_transfer() -> None:
    phone = Conversation()
    phone.transfer.handle_unreachable()
    assert phone.transfer.state is State.LISTENING
    phone.asks_for(b"x")
    phone.transfer.handle_unreachable()
    assert phone.ended() is Outcome.GONE


def test_a_transfer_that_ran_elsewhere_goes_on() -> None:
    transfer = ServerTransfer.resumed(Limits(), ReadRequest("f"), Terms(8), b"x" * 20, 1)
    transfer.advance(1, T0)
    transfer.handle_timeout(T0 + 1)
    assert transfer.datagrams_to_send(T0 + 1) == [encode_packet(Data(2, b"x" * 8))]
    transfer.advance(2, T0 + 1.5)
    assert transfer.next_timeout() == T0 + 2.5
    transfer.receive_datagram(encode_packet(Ack(3)), T0 + 2)
    assert transfer.next_event() == TransferEnded(Outcome.COMPLETE, "3 blocks")
    offered = ServerTransfer.resumed(
        Limits(), ReadRequest("f"), Terms(8, accepted=(("blksize", "8"),)), b"", -1
    )
    assert offered.state is State.NEGOTIATING


# --- every state with every input ---


def in_state(state: State) -> Conversation:
    phone = Conversation(("blksize", "8"))
    if state is State.LISTENING:
        return phone
    phone.says(phone.request)
    if state is not State.DECIDING:
        phone.transfer.send_file(b"0123456789", T0)
    if state is State.SENDING:
        phone.says(Ack(0))
    if state is State.ENDED:
        phone.says(ErrorPacket(0, ""))
    phone.transfer.next_event()
    phone.hears()
    assert phone.transfer.state is state
    return phone


def give_up(phone: Conversation) -> None:
    for _ in range(7):
        phone.waits()


def acknowledge_all(phone: Conversation) -> None:
    phone.says(Ack(1))
    phone.says(Ack(2))


PEER_INPUTS: dict[Input, Callable[[Conversation], object]] = {
    Input.REQUEST: lambda phone: phone.says(phone.request),
    Input.PROGRESS: lambda phone: phone.says(Ack(phone.transfer.acked + 1)),
    Input.LAST_ACK: acknowledge_all,
    Input.PEER_ERROR: lambda phone: phone.says(ErrorPacket(0, "")),
    Input.ILLEGAL: lambda phone: phone.says(Data(1, b"")),
    Input.GONE: lambda phone: phone.transfer.handle_unreachable(),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("what", PEER_INPUTS)
def test_an_input_of_the_peer_leads_where_the_table_says_or_raises_nothing(
    state: State, what: Input
) -> None:
    phone = in_state(state)
    PEER_INPUTS[what](phone)
    if state is State.LISTENING and what in (Input.PROGRESS, Input.LAST_ACK, Input.ILLEGAL):
        what = Input.REFUSAL  # no transfer to take part in
    if state is State.NEGOTIATING and what is Input.LAST_ACK:
        assert phone.transfer.state is state  # an ACK of a block that was not sent is ignored
        return
    assert phone.transfer.state is TRANSITIONS.get((state, what), state)


@pytest.mark.parametrize("state", [State.NEGOTIATING, State.SENDING])
def test_silence_ends_a_running_transfer(state: State) -> None:
    phone = in_state(state)
    give_up(phone)
    assert phone.transfer.state is TRANSITIONS[state, Input.SILENCE]


@pytest.mark.parametrize("state", [state for state in State if state is not State.DECIDING])
def test_a_decision_without_a_request_is_our_own_fault(state: State) -> None:
    transfer = in_state(state).transfer
    with pytest.raises(LocalProtocolError):
        transfer.refuse(1, "File not found")
    with pytest.raises(LocalProtocolError):
        transfer.send_file(b"", T0)


@pytest.mark.parametrize(
    ("options", "what"), [((("blksize", "8"),), Input.OFFER), ((), Input.FILE)]
)
def test_a_decision_leads_where_the_table_says(options: Options, what: Input) -> None:
    phone = Conversation(*options)
    phone.asks_for(b"")
    assert phone.transfer.state is TRANSITIONS[State.DECIDING, what]


# --- a client of the RFCs over a network that loses, repeats and delays ---


class Client:
    """What a careful client does; made from the RFCs, not from the server."""

    def __init__(self, blksize: int, windowsize: int) -> None:
        self.blksize, self.windowsize = blksize, windowsize
        self.received = b""
        self.next = 1
        self.pending = 0
        self.done = False

    def request(self) -> ReadRequest:
        return ReadRequest(
            "f", "octet", (("blksize", str(self.blksize)), ("windowsize", str(self.windowsize)))
        )

    def take(self, packet: Packet) -> list[Packet]:
        if isinstance(packet, OptionAck):
            return [Ack(0)] if self.next == 1 else []
        assert isinstance(packet, Data), packet
        if packet.block != self.next % 65536:
            self.pending = 0
            return [Ack((self.next - 1) % 65536)]
        self.received += packet.payload
        self.next += 1
        self.pending += 1
        self.done = len(packet.payload) < self.blksize
        if not self.done and self.pending < self.windowsize:
            return []
        self.pending = 0
        return [Ack((self.next - 1) % 65536)]


@settings(max_examples=200)
@given(
    content=st.binary(max_size=400),
    blksize=st.integers(8, 40),
    windowsize=st.integers(1, 9),
    fate=st.lists(st.sampled_from(["lost", "twice", "good", "good"]), max_size=40),
)
def test_a_file_crosses_a_bad_network_whole(
    content: bytes, blksize: int, windowsize: int, fate: list[str]
) -> None:
    fates = iter(fate)
    client = Client(blksize, windowsize)
    server = Conversation(limits=Limits(max_retransmissions=100))
    server.request = client.request()
    to_client = server.asks_for(content)
    for _ in range(2000):
        if client.done and server.transfer.state is State.ENDED:
            break
        if not to_client:
            to_client = server.waits()
        packet = to_client.pop(0)
        for _ in range({"lost": 0, "good": 1, "twice": 2}[next(fates, "good")]):
            for answer in client.take(packet):
                for _ in range({"lost": 0, "good": 1, "twice": 2}[next(fates, "good")]):
                    to_client += server.says(answer)
    assert client.received == content
    assert server.ended() is Outcome.COMPLETE


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.integers(0, 9).map(lambda n: bytes((0, 4, 0, n))))
    )
)
def test_any_datagrams_raise_nothing(datagrams: list[bytes]) -> None:
    phone = Conversation(("windowsize", "4"), ("blksize", "8"))
    phone.asks_for(bytes(50))
    for data in datagrams:
        phone.transfer.receive_datagram(data, T0)
    phone.hears()
