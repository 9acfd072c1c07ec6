"""A phone's visit to CAPF, against a server of a few lines that does as it is told."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Arrival, PeerInfo, Record, Recorder
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.errors import RemoteProtocolError
from cucmsim.formats.capf import Message, MessageType, NestedCertificate, encode_message
from cucmsim.phone.capfclient import CapfOperation, CapfOutcome, CapfPhone, visit_capf
from cucmsim.phone.link import LinkError
from cucmsim.pki.certificates import (
    certificate_der,
    certificate_public_key,
    issue_lsc,
    load_certificate,
)
from cucmsim.pki.keys import KeySpec, PublicKey, load_private_key, load_public_key
from cucmsim.pki.signatures import Signer
from cucmsim.protocols.capf_client import Credentials
from cucmsim.protocols.capf_server import (
    AuthenticationReceived,
    CapfServerConversation,
    DeleteAnswered,
    FetchAnswered,
    KeyAnswered,
    ServerEvent,
    StoreAnswered,
)
from cucmsim.services.journal import Journal

KEYS = Path(__file__).parent.parent / "vectors" / "keys"
NAME = "SEP001122334455"
PHONE = CapfPhone(NAME, Credentials(password="4711"))

Play = Callable[[CapfServerConversation, ServerEvent], None]
Start = Callable[[CapfServerConversation], None]


def signer(name: str) -> Signer:
    certificate = load_certificate((KEYS / f"{name}.crt.der").read_bytes())
    return Signer(certificate, load_private_key((KEYS / f"{name}.key.der").read_bytes()))


class Actor:
    """A conversation that starts and plays as a test says; closes when told."""

    def __init__(self, start: Start, play: Play) -> None:
        self._protocol = CapfServerConversation(77)
        self._start, self._play = start, play
        self._extra: list[bytes] = []

    @property
    def closed(self) -> bool:
        return self._protocol.is_ended

    def on_handshake(self, peer: PeerInfo) -> None:
        del peer
        self._start(self._protocol)

    def receive_data(self, data: bytes) -> None:
        self._protocol.receive_data(data)

    def decide(self) -> Coroutine[None, None, None] | None:
        while (event := self._protocol.next_event()) is not None:
            self._play(self._protocol, event)
        return None

    def data_to_send(self) -> Sequence[bytes]:
        return self._protocol.data_to_send()

    def on_end(self, outcome: str) -> None:
        pass


@asynccontextmanager
async def serving(play: Play, start: Start = CapfServerConversation.start) -> AsyncIterator[int]:
    def factory(arrival: Arrival, record: Record) -> Actor:
        del arrival, record
        return Actor(start, play)

    capf = signer("capf")
    context = server_context("capf", TlsIdentity(capf.certificate, capf.private_key), TlsPolicy())
    recorder = Recorder("pub", "capf", Journal(), SystemClock())
    server = StreamServer(("127.0.0.1", 0), context, factory, recorder)
    await server.start()
    try:
        yield server.ports[0]
    finally:
        await server.stop(1)


async def visit(
    play: Play, phone: CapfPhone = PHONE, start: Start = CapfServerConversation.start
) -> CapfOutcome:
    async with serving(play, start) as port:
        return await visit_capf("127.0.0.1", port, phone)


def lsc_for(public_key: PublicKey) -> bytes:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    lsc = issue_lsc(
        signer("capf"),
        NAME,
        public_key,
        not_before=now,
        serial=bytes([1]) * 16,
        validity=timedelta(days=1),
    )
    return certificate_der(lsc)


def install(
    spec: str, certificate: Callable[[PublicKey], bytes] = lsc_for
) -> tuple[Play, list[ServerEvent]]:
    events: list[ServerEvent] = []

    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        events.append(event)
        if isinstance(event, AuthenticationReceived):
            server.request_key(KeySpec.parse(spec))
        elif isinstance(event, KeyAnswered):
            assert event.public_key is not None
            server.store_certificate(certificate(load_public_key(event.public_key)))
        elif isinstance(event, StoreAnswered):
            server.end(1 if event.succeeded else 7)

    return play, events


@pytest.mark.parametrize("spec", ["rsa-1024", "ec-256", "ec-521"])
async def test_an_install_gives_a_key_and_its_certificate(spec: str) -> None:
    play, events = install(spec)
    outcome = await visit(play)
    assert (outcome.operation, outcome.reason, outcome.succeeded) == ("install", 1, True)
    assert outcome.certificate is not None
    assert outcome.private_key is not None
    assert outcome.certificate.public_key() == outcome.private_key.public_key()
    assert outcome.server_certificate == signer("capf").certificate
    names = [type(event).__name__ for event in events]
    assert names == ["AuthenticationReceived", "InProgress", "KeyAnswered", "StoreAnswered"]


async def test_the_phone_says_who_it_is() -> None:
    play, events = install("ec-256")
    await visit(play)
    claim = events[0]
    assert isinstance(claim, AuthenticationReceived)
    assert (claim.device_name, claim.version, claim.password) == (NAME, 3, "4711")


@pytest.mark.parametrize(
    "certificate",
    [b"no certificate", lsc_for(certificate_public_key(signer("tvs-pub").certificate))],
)
async def test_a_certificate_that_is_not_for_the_new_key_is_refused(certificate: bytes) -> None:
    play, events = install("ec-256", lambda _: certificate)
    outcome = await visit(play)
    assert events[-1] == StoreAnswered(7)
    assert (outcome.succeeded, outcome.certificate) == (False, None)


async def test_a_fetch_sends_what_the_phone_holds() -> None:
    found: list[ServerEvent] = []

    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        if isinstance(event, FetchAnswered):
            found.append(event)
            server.end(0)
        else:
            server.request_certificate()

    held = NestedCertificate(2, b"der")
    outcome = await visit(play, CapfPhone(NAME, held=held))
    assert (outcome.operation, outcome.succeeded) == (CapfOperation.FETCH, True)
    await visit(play)
    assert found == [FetchAnswered(1, held), FetchAnswered(7, None)]


async def test_a_delete_is_confirmed() -> None:
    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        if isinstance(event, DeleteAnswered):
            server.end(event.reason)
        else:
            server.request_deletion()

    outcome = await visit(play)
    assert (outcome.operation, outcome.succeeded) == (CapfOperation.DELETE, True)


@pytest.mark.parametrize(("reason", "succeeded"), [(0, True), (7, False), (9, False)])
async def test_the_end_of_the_session_is_told(reason: int, *, succeeded: bool) -> None:
    outcome = await visit(lambda server, _: server.end(reason, "so it is"))
    assert (outcome.operation, outcome.reason, outcome.text) == ("none", reason, "so it is")
    assert outcome.succeeded is succeeded


async def test_a_busy_server_is_told() -> None:
    outcome = await visit(lambda server, _: server.retry_later(30))
    assert (outcome.busy, outcome.retry_delay, outcome.succeeded) == (True, 30, False)


async def test_a_server_that_closes_early_is_a_link_error() -> None:
    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        del server, event
        raise RemoteProtocolError("gone")

    with pytest.raises(LinkError, match="closed before the end of the session"):
        await visit(play)


async def test_a_server_that_breaks_the_rules_is_told() -> None:
    def start(server: CapfServerConversation) -> None:
        server._outgoing.append(encode_message(Message(MessageType.AUTH_RESPONSE, 1)))

    with pytest.raises(RemoteProtocolError, match="auth response is not expected"):
        await visit(lambda server, _: server.end(0), start=start)


async def test_a_server_that_asks_and_gives_up_ends_the_visit() -> None:
    def start(server: CapfServerConversation) -> None:
        server.start()
        for message_type in (MessageType.STATUS_REQUEST, MessageType.ABORT_REQUEST):
            server._outgoing.append(encode_message(Message(message_type, 77)))

    outcome = await visit(lambda server, _: server.end(0), start=start)
    assert (outcome.reason, outcome.succeeded) == (None, False)


async def test_no_server_is_a_link_error() -> None:
    async with serving(lambda server, _: server.end(0)) as port:
        pass
    with pytest.raises(LinkError, match="cannot connect"):
        await visit_capf("127.0.0.1", port, PHONE)
