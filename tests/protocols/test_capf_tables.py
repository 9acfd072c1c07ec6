"""Every state of both sides with every message in both directions, and what goes with it."""

import contextlib
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import LocalProtocolError, RemoteProtocolError
from cucmsim.formats.capf import (
    Message,
    MessageType,
    NestedCertificate,
    Tag,
    byte_element,
    certificate_element,
    decode_message,
    encode_message,
    short_element,
    text_element,
)
from cucmsim.formats.tlv import Element
from cucmsim.pki.keys import KeyAlgorithm, KeySpec
from cucmsim.protocols import capf_client, capf_server
from cucmsim.protocols.capf_client import (
    CapfClientConversation,
    ClientState,
    Credentials,
    KeyRequested,
    RetryLater,
    SessionEnded,
)
from cucmsim.protocols.capf_common import Aborted, Direction, InProgress, StatusRequested
from cucmsim.protocols.capf_server import (
    AuthenticationReceived,
    CapfServerConversation,
    DeleteAnswered,
    FetchAnswered,
    KeyAnswered,
    ServerState,
    StoreAnswered,
)

M = MessageType
SESSION = 0x01020304
NESTED = NestedCertificate(1, b"der")
EC_384 = KeySpec(KeyAlgorithm.EC, 384)

# a message of each type with what its readers need
ELEMENTS: dict[MessageType, tuple[Element, ...]] = {
    M.AUTH_REQUEST: (byte_element(Tag.VERSION, 3),),
    M.AUTH_RESPONSE: (text_element(Tag.DEVICE_NAME, "SEP001122334455"),),
    M.KEY_GENERATE_REQUEST: (byte_element(Tag.KEY_TYPE, 1), byte_element(Tag.CURVE, 1)),
    M.STORE_CERTIFICATE_REQUEST: (certificate_element(NESTED),),
    M.STORE_CERTIFICATE_RESPONSE: (byte_element(Tag.REASON, 1),),
    M.FETCH_CERTIFICATE_RESPONSE: (byte_element(Tag.REASON, 1), certificate_element(NESTED)),
    M.DELETE_CERTIFICATE_RESPONSE: (byte_element(Tag.REASON, 1),),
    M.END_SESSION: (byte_element(Tag.REASON, 0),),
}

SERVER_SENDS: dict[MessageType, Callable[[CapfServerConversation], None]] = {
    M.AUTH_REQUEST: CapfServerConversation.start,
    M.KEY_GENERATE_REQUEST: lambda server: server.request_key(EC_384),
    M.STORE_CERTIFICATE_REQUEST: lambda server: server.store_certificate(b"der"),
    M.FETCH_CERTIFICATE_REQUEST: CapfServerConversation.request_certificate,
    M.DELETE_CERTIFICATE_REQUEST: CapfServerConversation.request_deletion,
    M.END_SESSION: lambda server: server.end(0),
    M.RETRY_LATER: lambda server: server.retry_later(30),
    M.STATUS_RESPONSE: lambda server: server._send(M.STATUS_RESPONSE),
    M.ABORT_RESPONSE: lambda server: server._send(M.ABORT_RESPONSE),
}
CLIENT_SENDS: dict[MessageType, Callable[[CapfClientConversation], None]] = {
    M.AUTH_RESPONSE: lambda client: client.authenticate(Credentials()),
    M.KEY_GENERATE_RESPONSE: lambda client: client.send_public_key(b"spki"),
    M.STORE_CERTIFICATE_RESPONSE: CapfClientConversation.certificate_stored,
    M.FETCH_CERTIFICATE_RESPONSE: lambda client: client.send_certificate(NESTED),
    M.DELETE_CERTIFICATE_RESPONSE: CapfClientConversation.certificate_deleted,
    M.REQUEST_IN_PROGRESS: CapfClientConversation.report_progress,
    M.ABORT_REQUEST: CapfClientConversation.abort,
    M.STATUS_RESPONSE: lambda client: client._send(M.STATUS_RESPONSE),
    M.ABORT_RESPONSE: lambda client: client._send(M.ABORT_RESPONSE),
}
AFTER_AN_ABORT = (ServerState.ABORTING, ClientState.AGREEING)


def message(message_type: int, *elements: Element, session_id: int = SESSION) -> bytes:
    return encode_message(Message(message_type, session_id, elements))


def valid(message_type: MessageType) -> bytes:
    return message(message_type, *ELEMENTS.get(message_type, ()))


def server_in(state: ServerState) -> CapfServerConversation:
    server = CapfServerConversation(SESSION)
    server._state = state
    return server


def client_in(state: ClientState) -> CapfClientConversation:
    client = CapfClientConversation("SEP001122334455")
    client._state = state
    client._session_id = None if state is ClientState.CONNECTED else SESSION
    return client


@pytest.mark.parametrize(("state", "message_type"), list(product(ServerState, MessageType)))
def test_the_server_sends_what_the_table_has_and_nothing_else(
    state: ServerState, message_type: MessageType
) -> None:
    server = server_in(state)
    expected = capf_server.TRANSITIONS.get((state, Direction.SENT, message_type))
    send = SERVER_SENDS.get(message_type)
    if send is None:
        assert expected is None
    elif expected is None:
        with pytest.raises(LocalProtocolError, match=f"while {state.value}"):
            send(server)
        assert (server.state, server.data_to_send()) == (state, ())
    else:
        send(server)
        (sent,) = server.data_to_send()
        assert (sent[1], sent[2:6]) == (message_type, bytes([1, 2, 3, 4]))
        assert server.state is expected


@pytest.mark.parametrize(("state", "message_type"), list(product(ServerState, MessageType)))
def test_the_server_takes_what_the_table_has_and_nothing_else(
    state: ServerState, message_type: MessageType
) -> None:
    server = server_in(state)
    expected = capf_server.TRANSITIONS.get((state, Direction.RECEIVED, message_type))
    server.receive_data(valid(message_type))
    if state is ServerState.ENDED:
        assert server.next_event() is None
    elif expected is None:
        with pytest.raises(RemoteProtocolError, match="is not expected while") as caught:
            server.next_event()
        assert caught.value.reason == 7
        assert server.data_to_send() == (message(M.END_SESSION, byte_element(Tag.REASON, 7)),)
        assert server.is_ended
    else:
        assert server.next_event() is not None
        final = ServerState.ENDED if expected in AFTER_AN_ABORT else expected
        assert server.state is final


@pytest.mark.parametrize(("state", "message_type"), list(product(ClientState, MessageType)))
def test_the_phone_sends_what_the_table_has_and_nothing_else(
    state: ClientState, message_type: MessageType
) -> None:
    client = client_in(state)
    expected = capf_client.TRANSITIONS.get((state, Direction.SENT, message_type))
    send = CLIENT_SENDS.get(message_type)
    if send is None:
        assert expected is None
    elif expected is None:
        with pytest.raises(LocalProtocolError, match=f"while {state.value}"):
            send(client)
        assert (client.state, client.data_to_send()) == (state, ())
    else:
        send(client)
        (sent,) = client.data_to_send()
        assert (sent[1], sent[2:6]) == (message_type, bytes([1, 2, 3, 4]))
        assert client.state is expected


@pytest.mark.parametrize(("state", "message_type"), list(product(ClientState, MessageType)))
def test_the_phone_takes_what_the_table_has_and_nothing_else(
    state: ClientState, message_type: MessageType
) -> None:
    client = client_in(state)
    expected = capf_client.TRANSITIONS.get((state, Direction.RECEIVED, message_type))
    client.receive_data(valid(message_type))
    if state is ClientState.ENDED:
        assert client.next_event() is None
    elif expected is None:
        with pytest.raises(RemoteProtocolError, match="is not expected while") as caught:
            client.next_event()
        assert caught.value.reason == 7
        assert client.data_to_send() == ()
        assert client.is_ended
    else:
        assert client.next_event() is not None
        final = ClientState.ENDED if expected in AFTER_AN_ABORT else expected
        assert client.state is final


def test_every_state_is_reached_and_every_conversation_can_end() -> None:
    assert {*capf_server.TRANSITIONS.values(), ServerState.IDLE} == set(ServerState)
    assert {*capf_client.TRANSITIONS.values(), ClientState.CONNECTED} == set(ClientState)
    for state in set(ServerState) - {ServerState.ENDED}:
        onward = {to for (at, _, _), to in capf_server.TRANSITIONS.items() if at is state}
        assert onward - {state}


def test_a_message_of_an_unknown_type_is_refused() -> None:
    server = server_in(ServerState.GENERATING)
    server.receive_data(message(99))
    with pytest.raises(RemoteProtocolError, match="type 99 is not expected"):
        server.next_event()


@pytest.mark.parametrize("state", [ServerState.GENERATING, ServerState.STORING])
def test_the_server_refuses_another_session_id(state: ServerState) -> None:
    server = server_in(state)
    server.receive_data(message(M.REQUEST_IN_PROGRESS, session_id=5))
    with pytest.raises(RemoteProtocolError, match="session id 5, expected 16909060"):
        server.next_event()


def test_the_phone_refuses_another_session_id_than_the_first() -> None:
    client = CapfClientConversation("SEP001122334455")
    client.receive_data(message(M.AUTH_REQUEST, session_id=5))
    client.next_event()
    assert client.session_id == 5
    client.receive_data(message(M.STATUS_REQUEST, session_id=6))
    with pytest.raises(RemoteProtocolError, match="session id 6, expected 5"):
        client.next_event()


@pytest.mark.parametrize(
    ("state", "data"),
    [
        (ServerState.AUTHENTICATING, message(M.AUTH_RESPONSE)),  # who?
        (ServerState.AUTHENTICATING, message(M.AUTH_RESPONSE, text_element(13, "a\0b"))),
        (ServerState.AUTHENTICATING, b"GET / HTTP/1.1\r\n\r\n"),
        (ServerState.AUTHENTICATING, b"\x55\x02\x01\x02\x03\x04\x00\x02\x0d\x00"),
        (ServerState.STORING, message(M.STORE_CERTIFICATE_RESPONSE)),
        (ServerState.DELETING, message(M.DELETE_CERTIFICATE_RESPONSE, short_element(1, 1))),
        (ServerState.FETCHING, message(M.FETCH_CERTIFICATE_RESPONSE, Element(4, b"\1"))),
    ],
)
def test_a_malformed_message_is_answered_with_reason_7_once(
    state: ServerState, data: bytes
) -> None:
    server = server_in(state)
    server.receive_data(data)
    with pytest.raises(RemoteProtocolError) as caught:
        server.next_event()
    assert caught.value.reason == 7
    assert server.data_to_send() == (message(M.END_SESSION, byte_element(Tag.REASON, 7)),)
    server.receive_data(data)
    assert server.next_event() is None
    assert server.data_to_send() == ()


@pytest.mark.parametrize(
    ("state", "data"),
    [
        (ClientState.WAITING, message(M.END_SESSION)),
        (ClientState.SUBMITTED, message(M.STORE_CERTIFICATE_REQUEST)),
        (ClientState.WAITING, message(M.KEY_GENERATE_REQUEST)),
        (ClientState.WAITING, message(M.KEY_GENERATE_REQUEST, byte_element(17, 2))),
        (ClientState.WAITING, message(M.KEY_GENERATE_REQUEST, byte_element(17, 1))),
        (
            ClientState.WAITING,
            message(M.KEY_GENERATE_REQUEST, byte_element(17, 1), byte_element(18, 3)),
        ),
        (ClientState.WAITING, message(M.KEY_GENERATE_REQUEST, short_element(10, 100))),
    ],
)
def test_a_malformed_message_ends_the_phones_side(state: ClientState, data: bytes) -> None:
    client = client_in(state)
    client.receive_data(data)
    with pytest.raises(RemoteProtocolError):
        client.next_event()
    assert client.is_ended


def test_a_phone_that_runs_far_ahead_is_given_up() -> None:
    server = server_in(ServerState.DECIDING)
    server.receive_data(bytes([0x55]) * 131_086)
    with pytest.raises(RemoteProtocolError, match="131087 bytes sent ahead"):
        server.receive_data(b"\0")
    assert server.is_ended


@pytest.mark.parametrize(
    ("spec", "elements"),
    [
        (KeySpec(KeyAlgorithm.RSA, 1024), "0a00020400 11000100"),
        (KeySpec(KeyAlgorithm.RSA, 4096), "0a00021000 11000100"),
        (KeySpec(KeyAlgorithm.EC, 256), "11000101 12000100"),
        (KeySpec(KeyAlgorithm.EC, 384), "11000101 12000101"),
        (KeySpec(KeyAlgorithm.EC, 521), "11000101 12000102"),
    ],
)
def test_each_kind_of_key_is_asked_for_and_understood(spec: KeySpec, elements: str) -> None:
    server = server_in(ServerState.DECIDING)
    server.request_key(spec)
    (sent,) = server.data_to_send()
    assert sent[8:] == bytes.fromhex(elements)
    client = client_in(ClientState.WAITING)
    client.receive_data(sent)
    assert client.next_event() == KeyRequested(spec)


def test_a_key_request_without_key_type_is_for_rsa() -> None:
    client = client_in(ClientState.WAITING)
    client.receive_data(message(M.KEY_GENERATE_REQUEST, short_element(Tag.KEY_SIZE, 1024)))
    assert client.next_event() == KeyRequested(KeySpec(KeyAlgorithm.RSA, 1024))


def test_the_phone_reports_progress_as_often_as_it_likes() -> None:
    client, server = client_in(ClientState.GENERATING), server_in(ServerState.GENERATING)
    for _ in range(50):
        client.report_progress()
    client.send_public_key(None)
    server.receive_data(b"".join(client.data_to_send()))
    events = [server.next_event() for _ in range(51)]
    assert events == [InProgress()] * 50 + [KeyAnswered(None, 7)]


def test_a_phone_can_fail_at_each_step() -> None:
    client, server = client_in(ClientState.STORING), server_in(ServerState.STORING)
    client.certificate_stored(7)
    server.receive_data(b"".join(client.data_to_send()))
    stored = server.next_event()
    assert stored == StoreAnswered(7)
    assert not stored.succeeded

    client, server = client_in(ClientState.FETCHING), server_in(ServerState.FETCHING)
    client.send_certificate(None)
    server.receive_data(b"".join(client.data_to_send()))
    assert server.next_event() == FetchAnswered(7, None)

    client, server = client_in(ClientState.DELETING), server_in(ServerState.DELETING)
    client.certificate_deleted(7)
    server.receive_data(b"".join(client.data_to_send()))
    deleted = server.next_event()
    assert deleted == DeleteAnswered(7)
    assert not deleted.succeeded


def test_a_busy_server_sends_the_phone_away() -> None:
    server = CapfServerConversation(SESSION)
    server.retry_later(30)
    client = CapfClientConversation("SEP001122334455")
    client.receive_data(b"".join(server.data_to_send()))
    assert client.next_event() == RetryLater(30)
    assert client.is_ended
    client = client_in(ClientState.WAITING)
    client.receive_data(message(M.RETRY_LATER))
    assert client.next_event() == RetryLater(None)


def test_the_server_says_why_it_ends() -> None:
    server = server_in(ServerState.DECIDING)
    server.end(9, "no such phone")
    client = client_in(ClientState.WAITING)
    client.receive_data(b"".join(server.data_to_send()))
    assert client.next_event() == SessionEnded(9, "no such phone")


def test_a_status_request_is_answered_at_once() -> None:
    server = server_in(ServerState.GENERATING)
    server.receive_data(message(M.STATUS_REQUEST))
    assert server.next_event() == StatusRequested()
    (answer,) = server.data_to_send()
    assert decode_message(answer) == Message(19, SESSION, (byte_element(1, 0),))
    assert server.state is ServerState.GENERATING


def test_the_phone_aborts_and_the_server_agrees() -> None:
    client, server = client_in(ClientState.GENERATING), server_in(ServerState.GENERATING)
    client.abort()
    server.receive_data(b"".join(client.data_to_send()))
    assert server.next_event() == Aborted()
    assert server.is_ended
    client.receive_data(b"".join(server.data_to_send()))
    assert client.next_event() == Aborted()
    assert client.is_ended


def test_an_authentication_string_never_shows() -> None:
    event = AuthenticationReceived("SEP001122334455", 3, "4711")
    assert "4711" not in repr(event)
    assert "4711" not in repr(Credentials(password="4711"))


@given(st.lists(st.binary(max_size=60), max_size=4), st.sampled_from(ServerState))
def test_whatever_a_phone_sends_only_remote_protocol_errors_come_of_it(
    parts: list[bytes], state: ServerState
) -> None:
    server = server_in(state)
    with contextlib.suppress(RemoteProtocolError):
        for number, part in enumerate(parts):
            server.receive_data(part if number % 2 else message(len(part) % 26, Element(13, part)))
            while server.next_event() is not None:
                server.data_to_send()
