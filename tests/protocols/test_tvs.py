"""The TVS conversation: the tools' transcripts on both sides, the table, and damage."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import LocalProtocolError, RemoteProtocolError
from cucmsim.formats.tvs import (
    QueryAnswer,
    QueryRequest,
    QueryTags,
    VerificationAnswer,
    VerificationRequest,
    encode_message,
    query_answer_message,
    query_message,
    verification_answer_message,
    verification_message,
)
from cucmsim.protocols.tvs import (
    TRANSITIONS,
    Answered,
    Input,
    Requested,
    State,
    TvsClient,
    TvsServer,
)

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "vectors" / "tvs").glob("*.json"))
VERIFY = VerificationRequest("CP-8861-SEPB000B4BA0AEE", b"0\x03abc")
QUERY = QueryRequest("CP-8861-SEPB000B4BA0AEE", "CN=s", "CN=i", b"\x01\x02")
TRUSTED = VerificationAnswer(0, (7,), 86400)
FOUND = QueryAnswer(0, b"0\x00", (0, 2), 60)
VERDICTS = {
    "tvs-verify-callmanager-casigned": VerificationAnswer(0, (0, 3), 86400),
    "tvs-verify-callmanager-sub": VerificationAnswer(1),
    "tvs-verify-tomcat": TRUSTED,
}


def transcript(path: Path) -> tuple[bytes, bytes]:
    request, answer = json.loads(path.read_text())
    assert (request["from"], answer["from"]) == ("client", "server")
    return bytes.fromhex(request["hex"]), bytes.fromhex(answer["hex"])


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_our_server_answers_the_tools_client_as_the_tools_server_did(path: Path, step: int) -> None:
    request, answer = transcript(path)
    server = TvsServer()
    for start in range(0, len(request), step):
        assert server.next_event() is None
        server.receive_data(request[start : start + step])
    event = server.next_event()
    assert isinstance(event, Requested)
    assert event.data == request
    assert isinstance(event.request, VerificationRequest)
    server.answer(VERDICTS[path.stem])
    assert server.data_to_send() == (answer,)
    assert server.data_to_send() == ()
    server.receive_end()
    assert server.state is State.CLOSED


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_our_client_asks_the_tools_server_as_the_tools_client_did(path: Path, step: int) -> None:
    request, answer = transcript(path)
    certificate_der = request[10 + 27 + 3 :]
    client = TvsClient(first_session_id=1)
    client.verify(VerificationRequest("CP-8861-SEPB000B4BA0AEE", certificate_der))
    assert client.data_to_send() == (request,)
    for start in range(0, len(answer), step):
        assert client.next_event() is None
        client.receive_data(answer[start : start + step])
    assert client.next_event() == Answered(VERDICTS[path.stem], 1, answer)
    assert client.next_event() is None
    client.receive_end()
    assert client.state is State.CLOSED


def test_both_sides_talk_about_several_requests_on_one_connection() -> None:
    server, client = TvsServer(reserved=0xF7), TvsClient(tags=QueryTags(5, 6))
    client.verify(VERIFY)
    client_sent = client.data_to_send()
    server.receive_data(b"".join(client_sent))
    assert server.next_event() == Requested(VERIFY, 1001, client_sent[0])
    server.answer(TRUSTED)
    assert client.next_event() is None
    client.receive_data(b"".join(server.data_to_send()))
    event = client.next_event()
    assert event is not None
    assert event.answer == TRUSTED
    client.query(QUERY)
    server.receive_data(b"".join(client.data_to_send()))
    asked = server.next_event()
    assert asked is not None
    assert (asked.request, asked.session_id) == (QUERY, 1002)
    server.answer(FOUND)
    (data,) = server.data_to_send()
    assert data[3] == 0xF7
    client.receive_data(data)
    assert client.next_event() == Answered(FOUND, 1002, data)


def test_requests_that_come_together_are_answered_in_order() -> None:
    server = TvsServer()
    first = encode_message(verification_message(5, VERIFY))
    second = encode_message(query_message(6, QUERY))
    server.receive_data(first + second + first[:5])
    assert server.next_event() == Requested(VERIFY, 5, first)
    assert server.next_event() is None
    server.answer(TRUSTED)
    assert server.next_event() == Requested(QUERY, 6, second)
    server.answer(FOUND)
    assert server.next_event() is None
    assert [data[4:8] for data in server.data_to_send()] == [
        bytes((0, 0, 0, 5)),
        bytes((0, 0, 0, 6)),
    ]


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.0\r\n", b"\x57\x02", b"\x57\x01\x02", b"\x57\x01\x09"]
)
def test_the_server_refuses_what_is_no_request(data: bytes) -> None:
    server = TvsServer()
    server.receive_data(data + bytes(10))
    with pytest.raises(RemoteProtocolError, match="at offset"):
        server.next_event()
    assert server.state is State.CLOSED
    server.receive_data(encode_message(verification_message(5, VERIFY)))
    assert server.next_event() is None
    server.receive_end()


def test_an_end_within_a_message_is_a_fault_that_says_where() -> None:
    server = TvsServer()
    server.receive_data(encode_message(verification_message(5, VERIFY))[:-1])
    assert server.next_event() is None
    with pytest.raises(RemoteProtocolError, match=r"middle of a message \(at offset 44\)"):
        server.receive_end()
    assert server.state is State.CLOSED


def test_the_client_refuses_an_answer_to_something_else() -> None:
    for session_id, answer, reason in (
        (1001, query_answer_message(1001, FOUND), "QUERY_CERT_RES, expected TVS_MSG_CERT_VERIF"),
        (1001, verification_answer_message(1, TRUSTED), "session id 1, expected 1001"),
    ):
        client = TvsClient(first_session_id=session_id)
        client.verify(VERIFY)
        client.receive_data(encode_message(answer))
        with pytest.raises(RemoteProtocolError, match=reason):
            client.next_event()
        assert client.state is State.CLOSED
        assert client.next_event() is None


def test_the_client_refuses_an_answer_before_it_asked() -> None:
    client = TvsClient()
    client.receive_data(encode_message(verification_answer_message(1000, TRUSTED)))
    with pytest.raises(RemoteProtocolError, match="nothing asked for"):
        client.next_event()


def test_session_ids_start_again_after_the_last() -> None:
    client = TvsClient(first_session_id=0xFFFFFFFF)
    for expected in (0xFFFFFFFF, 0):
        client.verify(VERIFY)
        (data,) = client.data_to_send()
        assert int.from_bytes(data[4:8]) == expected
        client.receive_data(encode_message(verification_answer_message(expected, TRUSTED)))
        assert client.next_event() is not None


def test_an_answer_of_the_wrong_kind_is_our_own_fault() -> None:
    server = TvsServer()
    with pytest.raises(LocalProtocolError):
        server.answer(TRUSTED)
    server.receive_data(encode_message(query_message(6, QUERY)))
    server.next_event()
    with pytest.raises(LocalProtocolError, match="VerificationAnswer does not answer"):
        server.answer(TRUSTED)
    server.answer(FOUND)
    with pytest.raises(LocalProtocolError):
        server.answer(FOUND)


def _put_into(state: State) -> TvsServer | TvsClient:
    """Return a conversation in `state`, reached by lawful inputs."""
    if state in (State.READY, State.AWAIT_ANSWER):
        client = TvsClient()
        if state is State.AWAIT_ANSWER:
            client.verify(VERIFY)
        return client
    server = TvsServer()
    if state is State.DECIDING:
        server.receive_data(encode_message(verification_message(5, VERIFY)))
        assert server.next_event()
    if state is State.CLOSED:
        server.receive_end()
    return server


@pytest.mark.parametrize(("state", "what"), list(product(State, Input)))
def test_every_pair_of_state_and_input_goes_by_the_table(state: State, what: Input) -> None:
    conversation = _put_into(state)
    assert conversation.state is state
    if (state, what) in TRANSITIONS:
        conversation._step(what)
        assert conversation.state is TRANSITIONS[state, what]
    else:
        with pytest.raises(LocalProtocolError):
            conversation._step(what)
        assert conversation.state is state


def test_asking_twice_at_once_or_after_the_end_is_our_own_fault() -> None:
    client = TvsClient()
    client.verify(VERIFY)
    with pytest.raises(LocalProtocolError):
        client.query(QUERY)
    client.receive_end()
    with pytest.raises(LocalProtocolError):
        client.verify(VERIFY)


_GOOD = encode_message(verification_message(5, VERIFY)) + encode_message(query_message(6, QUERY))


@given(
    st.lists(st.tuples(st.integers(0, len(_GOOD) - 1), st.integers(0, 255)), max_size=5), st.data()
)
def test_damage_is_a_remote_fault_or_nothing(
    damage: list[tuple[int, int]], data: st.DataObject
) -> None:
    damaged = bytearray(_GOOD)
    for position, value in damage:
        damaged[position] = value
    cut = data.draw(st.integers(0, len(_GOOD)))
    server, client = TvsServer(), TvsClient()
    client.verify(VERIFY)
    for part in (bytes(damaged[:cut]), bytes(damaged[cut:])):
        _feed_server(server, part)
        _feed_client(client, part)


def _feed_server(server: TvsServer, data: bytes) -> None:
    server.receive_data(data)
    try:
        while event := server.next_event():
            verification = isinstance(event.request, VerificationRequest)
            server.answer(TRUSTED if verification else FOUND)
    except RemoteProtocolError:
        assert server.state is State.CLOSED


def _feed_client(client: TvsClient, data: bytes) -> None:
    client.receive_data(data)
    try:
        client.next_event()
    except RemoteProtocolError:
        assert client.state is State.CLOSED


@given(st.binary(max_size=100))
def test_any_bytes_are_a_remote_fault_or_nothing(data: bytes) -> None:
    _feed_server(TvsServer(), data)
    client = TvsClient()
    client.verify(VERIFY)
    _feed_client(client, data)
