"""The search for servers: against what dnsmasq said, by single messages, and in every state."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.formats.dhcp import (
    DhcpMessage,
    DhcpOption,
    MessageType,
    Operation,
    Options,
    decode_dhcp,
    encode_dhcp,
)
from cucmsim.protocols.dhcp_client import (
    TRANSITIONS,
    Asked,
    Configured,
    DhcpClient,
    DhcpIdentity,
    DhcpPatience,
    Event,
    Input,
    Offered,
    Refused,
    State,
    Unanswered,
)
from tests.fixtures.dhcp import CONVERSATIONS, conversation

MAC = bytes.fromhex("001b54c25a01")
VENDOR = b"Cisco Systems, Inc. IP Phone CP-8961\0"
IDENTITY = DhcpIdentity(MAC, VENDOR)
OWN, GIVEN, SERVER = (IPv4Address(f"10.9.8.{number}") for number in (99, 58, 1))
ID = 0x1234ABCD
INFORM, DISCOVER, REQUEST = MessageType.INFORM, MessageType.DISCOVER, MessageType.REQUEST


def client_of(address: IPv4Address | None = None, **patience: int) -> DhcpClient:
    """Return a client whose first message was sent at 0.0."""
    client = DhcpClient(IDENTITY, ID, address=address, patience=DhcpPatience(**patience))
    client.datagrams_to_send(0.0)
    events(client)
    return client


def events(client: DhcpClient) -> list[Event]:
    return list(iter(client.next_event, None))


def sent(client: DhcpClient, now: float = 0.0) -> list[DhcpMessage]:
    return [decode_dhcp(each.data) for each in client.datagrams_to_send(now)]


def reply(kind: int, *options: tuple[int, bytes], address: IPv4Address = GIVEN) -> DhcpMessage:
    own: Options = ((DhcpOption.MESSAGE_TYPE, bytes((kind,))),)
    return DhcpMessage(Operation.REPLY, ID, MAC, (*own, *options), your_address=address)


FROM_SERVER = (DhcpOption.SERVER_IDENTIFIER, SERVER.packed)
OFFER = reply(MessageType.OFFER, FROM_SERVER)
ACK = reply(MessageType.ACK, FROM_SERVER)
NAK = reply(MessageType.NAK, FROM_SERVER, address=IPv4Address(0))
INFORMED = reply(MessageType.ACK, FROM_SERVER, address=IPv4Address(0))


def give(client: DhcpClient, message: DhcpMessage, now: float = 0.0) -> list[Event]:
    client.receive_datagram(encode_dhcp(message), now)
    return events(client)


def wait(client: DhcpClient) -> float:
    """Let the time come that the client waits for; return it."""
    due = client.next_timeout()
    assert due is not None
    client.handle_timeout(due)
    return due


def informing() -> DhcpClient:
    return client_of(OWN)


def selecting() -> DhcpClient:
    return client_of()


def requesting() -> DhcpClient:
    client = client_of()
    give(client, OFFER)
    sent(client)
    return client


def ended() -> DhcpClient:
    client = requesting()
    give(client, ACK)
    return client


STATES: dict[State, Callable[[], DhcpClient]] = {
    State.INFORMING: informing,
    State.SELECTING: selecting,
    State.REQUESTING: requesting,
    State.ENDED: ended,
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_what_dnsmasq_said_leads_to_its_answer(name: str) -> None:
    _, offer, _, ack = conversation(name)
    client = DhcpClient(IDENTITY, decode_dhcp(offer).transaction_id)
    client.datagrams_to_send(0.0)
    client.receive_datagram(offer, 0.1)
    (request,) = sent(client)
    client.receive_datagram(ack, 0.2)
    assert request.addresses(DhcpOption.REQUESTED_ADDRESS) == (GIVEN,)
    assert request.addresses(DhcpOption.SERVER_IDENTIFIER) == (SERVER,)
    assert events(client) == [
        Asked(DISCOVER, 1),
        Offered(decode_dhcp(offer)),
        Asked(REQUEST, 1),
        Configured(decode_dhcp(ack), is_leased=True),
    ]
    assert client.datagrams_to_send(0.2) == []


@pytest.mark.parametrize("index", [0, 2])
def test_a_message_says_what_udhcpc_says_too(index: int) -> None:
    theirs = decode_dhcp(conversation("option150")[index])
    client = DhcpClient(IDENTITY, ID)
    (ours,) = sent(client)
    if index:
        give(client, OFFER)
        (ours,) = sent(client)
    for option in (DhcpOption.MESSAGE_TYPE, DhcpOption.CLIENT_IDENTIFIER):
        assert ours.option(option) == theirs.option(option)
    for option in (DhcpOption.REQUESTED_ADDRESS, DhcpOption.SERVER_IDENTIFIER):
        assert ours.option(option) == theirs.option(option)
    assert ours.hardware == theirs.hardware


def test_a_phone_is_known_by_its_class_and_its_wishes() -> None:
    (message,) = sent(DhcpClient(IDENTITY, ID))
    assert message.option(DhcpOption.VENDOR_CLASS) == VENDOR
    assert message.option(DhcpOption.PARAMETER_LIST) == bytes((1, 66, 6, 3, 15, 150, 35))


def test_with_an_address_it_asks_for_what_goes_with_it() -> None:
    client = DhcpClient(IDENTITY, ID, address=OWN)
    (message,) = sent(client)
    assert message.message_type == INFORM
    assert message.client_address == OWN
    assert not message.is_broadcast
    assert give(client, INFORMED) == [Asked(INFORM, 1), Configured(INFORMED, is_leased=False)]
    assert client.next_timeout() is None
    assert sent(client) == []


def test_without_an_address_it_wants_answers_broadcast() -> None:
    (message,) = sent(DhcpClient(IDENTITY, ID))
    assert message.message_type == DISCOVER
    assert message.client_address == IPv4Address(0)
    assert message.is_broadcast


def test_who_does_not_answer_inform_is_asked_for_a_lease_which_goes_back() -> None:
    client = client_of(OWN, informs=1)
    wait(client)
    (discover,) = sent(client)
    assert (discover.message_type, discover.client_address) == (DISCOVER, IPv4Address(0))
    give(client, OFFER)
    sent(client)
    assert give(client, ACK) == [Configured(ACK, is_leased=True)]
    (release,) = client.datagrams_to_send(0.0)
    message = decode_dhcp(release.data)
    assert release.server == SERVER
    assert message.message_type == MessageType.RELEASE
    assert message.client_address == GIVEN
    assert message.addresses(DhcpOption.SERVER_IDENTIFIER) == (SERVER,)


def test_a_late_answer_to_inform_is_no_lease() -> None:
    client = client_of(OWN, informs=1)
    wait(client)
    give(client, OFFER)
    assert give(client, INFORMED) == []
    assert client.state is State.REQUESTING


def test_a_refusal_begins_anew() -> None:
    client = requesting()
    assert give(client, NAK) == [Refused(NAK), Asked(DISCOVER, 1)]
    (message,) = sent(client)
    assert message.message_type == DISCOVER
    assert message.option(DhcpOption.REQUESTED_ADDRESS) is None


def test_refusals_end_when_patience_does() -> None:
    client = client_of(discovers=2)
    told = [event for _ in range(3) for each in (OFFER, NAK) for event in give(client, each)]
    assert told.count(Refused(NAK)) == 2
    assert told[-1] == Unanswered()


def test_waits_grow_as_the_rfc_says() -> None:
    client = DhcpClient(IDENTITY, ID, patience=DhcpPatience(discovers=7))
    client.datagrams_to_send(100.0)
    due = [wait(client) for _ in range(7)]
    gaps = [after - before for before, after in zip([100.0, *due], due, strict=False)]
    assert gaps == [4, 8, 16, 32, 64, 64, 64]
    assert client.state is State.ENDED


@pytest.mark.parametrize(("drawn", "due"), [(-1.0, 3.0), (1.0, 5.0)])
def test_a_wait_is_a_second_more_or_less(drawn: float, due: float) -> None:
    client = DhcpClient(IDENTITY, ID, jitter_s=lambda: drawn)
    client.datagrams_to_send(0.0)
    assert client.next_timeout() == due


def test_a_message_tells_for_how_long_it_is_asked() -> None:
    client = selecting()
    wait(client)
    (message,) = sent(client)
    assert message.seconds == 4


def test_a_lease_that_is_never_granted_is_looked_for_elsewhere() -> None:
    client = client_of(requests=2, discovers=2)
    give(client, OFFER)
    for _ in range(2):
        wait(client)
    assert events(client) == [Asked(REQUEST, 2), Asked(DISCOVER, 1)]
    assert client.state is State.SELECTING


def test_nobody_answers() -> None:
    client = client_of(OWN, informs=2, discovers=2)
    for _ in range(4):
        wait(client)
    assert events(client) == [
        Asked(INFORM, 2),
        Asked(DISCOVER, 1),
        Asked(DISCOVER, 2),
        Unanswered(),
    ]
    assert client.next_timeout() is None


def test_nothing_happens_before_it_is_time() -> None:
    client = DhcpClient(IDENTITY, ID)
    client.handle_timeout(1e9)
    assert client.next_timeout() is None
    client.datagrams_to_send(0.0)
    client.handle_timeout(3.9)
    assert sent(client) == []


@pytest.mark.parametrize(
    "message",
    [
        replace(OFFER, transaction_id=ID + 1),
        replace(OFFER, hardware=bytes(6)),
        replace(OFFER, operation=Operation.REQUEST),
        replace(OFFER, your_address=IPv4Address(0)),
        reply(MessageType.OFFER),
        reply(MessageType.OFFER, (DhcpOption.SERVER_IDENTIFIER, b"\1\2")),
        reply(MessageType.OFFER, (DhcpOption.SERVER_IDENTIFIER, SERVER.packed * 2)),
        replace(OFFER, options=()),
        reply(200, FROM_SERVER),
        reply(MessageType.DISCOVER, FROM_SERVER),
    ],
)
def test_what_is_not_for_it_is_passed_over(message: DhcpMessage) -> None:
    client = selecting()
    assert give(client, message) == []
    assert client.state is State.SELECTING


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("cause", "message"),
    [(Input.OFFER, OFFER), (Input.ACK, ACK), (Input.NAK, NAK)],
)
def test_a_message_moves_as_the_table_says(
    state: State, cause: Input, message: DhcpMessage
) -> None:
    client = STATES[state]()
    assert client.state is state
    told = give(client, message)
    assert client.state is TRANSITIONS.get((state, cause), state)
    assert bool(told) == ((state, cause) in TRANSITIONS)


@pytest.mark.parametrize(
    ("state", "cause"), [key for key in TRANSITIONS if key[1] in {Input.SILENCE, Input.EXHAUSTION}]
)
def test_silence_moves_as_the_table_says(state: State, cause: Input) -> None:
    client = STATES[state]()
    while client.state is state:
        wait(client)
    assert client.state is TRANSITIONS[state, cause]


@given(st.sampled_from(list(STATES)), st.binary(max_size=400))
def test_any_bytes_are_passed_over(state: State, data: bytes) -> None:
    client = STATES[state]()
    client.receive_datagram(data, 0.0)
    assert client.state is state


@given(st.sampled_from(list(STATES)), st.sampled_from((OFFER, ACK, NAK)), st.data())
def test_a_damaged_reply_raises_nothing(
    state: State, message: DhcpMessage, draw: st.DataObject
) -> None:
    data = bytearray(encode_dhcp(message))
    data[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    client = STATES[state]()
    client.receive_datagram(bytes(data), 0.0)
    events(client)
