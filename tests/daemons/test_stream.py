"""The stream server against good, slow, silent, mad and vanished clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from cryptography.x509.oid import NameOID

from cucmsim.clock import SystemClock
from cucmsim.daemons.stream import Arrival, Limits, PeerInfo, Record, Recorder, StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, TlsVersion, server_context
from cucmsim.errors import RemoteProtocolError, StartError
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.services.journal import Journal

KEYS = Path(__file__).parents[1] / "vectors" / "keys"


def identity(name: str) -> TlsIdentity:
    if name == "ec":
        return _elliptic()
    certificate = x509.load_der_x509_certificate((KEYS / f"{name}.crt.der").read_bytes())
    key = load_der_private_key((KEYS / f"{name}.key.der").read_bytes(), None)
    return TlsIdentity(certificate, key)  # type: ignore[arg-type] # test keys are RSA


def _elliptic() -> TlsIdentity:
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ec")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=9))
    certificate = builder.public_key(key.public_key()).sign(key, hashes.SHA384())
    return TlsIdentity(certificate, key, chain=(identity("enterprise-ca").certificate,))


class Shouter:
    """Answers each line in capitals; `later` waits for the gate, `bye` closes, `mad` is refused."""

    def __init__(self, arrival: Arrival, record: Record, gate: asyncio.Event) -> None:
        self.arrival, self.record, self.gate = arrival, record, gate
        self.peer: PeerInfo | None = None
        self.outcome: str | None = None
        self.closed = False
        self.confirmed = False
        self._buffer = b""
        self._out: list[bytes] = []

    def on_handshake(self, peer: PeerInfo) -> None:
        self.peer = peer
        self._out.append(b"HELLO\n")

    def receive_data(self, data: bytes) -> None:
        self._buffer += data

    def decide(self) -> Coroutine[None, None, None] | None:
        while b"\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\n", 1)
            if line.startswith(b"later"):
                return self._later(line)
            if line == b"bug":
                raise ZeroDivisionError
            if line == b"mad":
                self._out.append(b"REFUSED\n")
                raise RemoteProtocolError("a mad line at offset 0")
            self._answer(line)
        return None

    async def _later(self, line: bytes) -> None:
        await self.gate.wait()
        self.confirmed = True
        if line == b"later mad":
            raise RemoteProtocolError("mad in the end")
        if line == b"later bug":
            raise ZeroDivisionError
        self._answer(line)

    def _answer(self, line: bytes) -> None:
        self.closed = line == b"bye"
        self._out.append(line.upper() + b"\n")
        self.record("SEP000000000001", line.decode(), line.upper().decode())

    def data_to_send(self) -> Sequence[bytes]:
        out, self._out = self._out, []
        return out

    def on_end(self, outcome: str) -> None:
        self.outcome = outcome


class Running:
    """A started server with its conversations and journal."""

    def __init__(self, limits: Limits, policy: TlsPolicy, name: str) -> None:
        self.gate = asyncio.Event()
        self.conversations: list[Shouter] = []
        self.journal = Journal()
        self.ended = asyncio.Condition()
        recorder = Recorder("pub", "shout", self.journal, SystemClock())
        context = server_context("shout", identity(name), policy)
        self.server = StreamServer(("127.0.0.1", 0), context, self._make, recorder, limits)

    def _make(self, arrival: Arrival, record: Record) -> Shouter:
        self.conversations.append(Shouter(arrival, record, self.gate))
        return self.conversations[-1]

    @property
    def port(self) -> int:
        return self.server.ports[0]

    async def link(self, options: LinkOptions | None = None) -> Link:
        link = await Link.connect("127.0.0.1", self.port, options)
        assert await link.receive() == b"HELLO\n"
        return link

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the server has no event for a test to await
                await asyncio.sleep(0.005)

    async def end_of(self, number: int) -> str:
        await self.until(
            lambda: (
                len(self.conversations) > number and self.conversations[number].outcome is not None
            )
        )
        return self.conversations[number].outcome or ""


@asynccontextmanager
async def running(
    limits: Limits | None = None,
    policy: TlsPolicy | None = None,
    name: str = "tvs-pub",
) -> AsyncIterator[Running]:
    context = Running(limits or Limits(), policy or TlsPolicy(), name)
    await context.server.start()
    try:
        yield context
    finally:
        await context.server.stop(0)
        assert context.server.open_connections == 0
        assert context.server.ports == ()


async def raw(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
@pytest.mark.parametrize("name", ["tvs-pub", "callmanager-pub-1024", "ec"])
async def test_every_tls_version_reaches_the_conversation(version: str, name: str) -> None:
    async with running(name=name) as context:
        async with await context.link(LinkOptions(tls_version=version)) as link:
            await link.send(b"one\n")
            assert await link.receive() == b"ONE\n"
            if name != "ec":
                assert link.server_certificate == identity(name).certificate
        peer = context.conversations[0].peer
        assert peer is not None
        assert peer.tls_version == link.tls_version
        assert peer.tls_version.startswith("TLSv1")
        assert peer.cipher == link.cipher
        assert peer.certificate is None
        assert await context.end_of(0) == "closed by peer"


async def test_any_client_certificate_is_accepted_and_reported() -> None:
    me = identity("mic-SEPB000B4BA0AEE")
    options = LinkOptions(certificate=me.certificate, private_key=me.private_key)
    async with running(policy=TlsPolicy(request_client_certificate=True)) as context:
        async with await context.link(options), await context.link():
            peers = [conversation.peer for conversation in context.conversations]
        assert [peer and peer.certificate for peer in peers] == [me.certificate, None]


async def test_requests_are_journaled_one_by_one() -> None:
    async with running() as context:
        async with await context.link() as link:
            await link.send(b"one\ntwo\nbye\n")
            answer = b""
            while chunk := await link.receive():
                answer += chunk
        assert answer == b"ONE\nTWO\nBYE\n"
        assert await context.end_of(0) == "done"
        exchanges = [exchange for _, exchange in context.journal.since()]
        assert [exchange.answer for exchange in exchanges] == ["ONE", "TWO", "BYE"]
        assert {exchange.node for exchange in exchanges} == {"pub"}
        assert all(exchange.peer.startswith("127.0.0.1:") for exchange in exchanges)
        assert all(0 < exchange.milliseconds < 10_000 for exchange in exchanges)


async def test_a_finished_connection_is_one_log_line() -> None:
    with structlog.testing.capture_logs() as logs:
        async with running() as context:
            async with await context.link():
                pass
            await context.end_of(0)
    lines = [line for line in logs if line["event"] == "connection finished"]
    assert len(lines) == 1
    assert lines[0]["outcome"] == "closed by peer"
    assert lines[0]["milliseconds"] > 0
    assert lines[0]["log_level"] == "info"


async def test_a_decision_that_waits_holds_up_only_its_own_connection() -> None:
    async with running() as context, await context.link() as slow, await context.link() as fast:
        await slow.send(b"later\nafter\n")
        await fast.send(b"one\n")
        assert await fast.receive() == b"ONE\n"
        context.gate.set()
        assert await slow.receive() == b"LATER\n"
        assert await slow.receive() == b"AFTER\n"


async def test_a_decision_is_taken_even_when_the_client_left_meanwhile() -> None:
    async with running() as context:
        link = await context.link()
        await link.send(b"later\n")
        await context.until(lambda: bool(context.conversations))
        await link.close()
        context.gate.set()
        await context.end_of(0)
        assert context.conversations[0].confirmed


@pytest.mark.parametrize(
    ("line", "outcome"), [(b"later mad\n", "mad in the end"), (b"later bug\n", "internal error")]
)
async def test_a_decision_that_fails_late_ends_its_connection(line: bytes, outcome: str) -> None:
    async with running() as context:
        context.gate.set()
        async with await context.link() as link:
            await link.send(line)
            assert await link.receive() == b""
        assert await context.end_of(0) == outcome


async def test_a_connection_that_breaks_during_a_decision_ends_after_it() -> None:
    async with running() as context:
        link = await context.link()
        await link.send(b"later\n")
        (connection,) = context.server._connections
        await context.until(lambda: connection._task is not None)
        connection._transport.abort()
        await context.until(lambda: connection._lost)
        assert context.conversations[0].outcome is None
        context.gate.set()
        assert await context.end_of(0) == "connection lost"
        assert context.conversations[0].confirmed
        await link.close()


async def test_a_decision_under_way_does_not_count_as_idle() -> None:
    async with running(Limits(idle_s=0.05)) as context, await context.link() as link:
        await link.send(b"later\n")
        (connection,) = context.server._connections
        timers: list[object] = []
        await context.until(lambda: _another(connection._timer, timers) > 3)
        context.gate.set()
        assert await link.receive() == b"LATER\n"


def _another(timer: object, seen: list[object]) -> int:
    """Count the different timers seen so far."""
    if timer not in seen:
        seen.append(timer)
    return len(seen)


async def test_a_client_that_never_reads_is_not_read_from() -> None:
    async with running(Limits(idle_s=0.3)) as context:
        link = await context.link(LinkOptions(timeout_s=0.2))
        link._writer.transport.pause_reading()  # type: ignore[attr-defined] # a read transport too
        with pytest.raises(LinkError, match="cannot send"):
            await _send_without_end(link)
        link._writer.transport.abort()
        assert await context.end_of(0)


async def _send_without_end(link: Link) -> None:
    while True:
        await link.send(b"x" * 16000 + b"\n")


async def test_stopping_in_the_middle_of_a_request_waits_for_its_rest() -> None:
    async with running() as context:
        link = await context.link()
        await link.send(b"o")
        await context.until(lambda: bool(context.conversations[0]._buffer))
        async with asyncio.TaskGroup() as group:
            group.create_task(context.server.stop(5))
            await link.send(b"ne\n")
            assert await link.receive() == b"ONE\n"
            assert await link.receive() == b""
        await link.close()


async def test_a_refused_client_gets_the_last_message_and_the_reason_is_kept() -> None:
    async with running() as context:
        async with await context.link() as link:
            await link.send(b"mad\n")
            assert await link.receive() == b"REFUSED\n"
            assert await link.receive() == b""
        assert await context.end_of(0) == "a mad line at offset 0"
        assert [(entry.request, entry.answer) for _, entry in context.journal.since()] == [
            ("connection", "a mad line at offset 0")
        ]


async def test_a_fault_of_ours_ends_one_connection_only() -> None:
    with structlog.testing.capture_logs() as logs:
        async with running() as context:
            async with await context.link() as other:
                async with await context.link() as link:
                    await link.send(b"bug\n")
                    assert await link.receive() == b""
                await other.send(b"one\n")
                assert await other.receive() == b"ONE\n"
            assert await context.end_of(1) == "internal error"
    assert [line["event"] for line in logs].count("internal error") == 1


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.0\r\n\r\n", b"\x57\x01\x01\x00" * 20, b"\x16\x03\x01\x00\x05hello"]
)
async def test_garbage_instead_of_tls_ends_the_connection_with_a_reason(garbage: bytes) -> None:
    async with running() as context:
        reader, writer = await raw(context.port)
        writer.write(garbage)
        await reader.read()
        writer.close()
        assert (await context.end_of(0)).startswith("TLS handshake failed: ")


async def test_garbage_after_the_handshake_ends_the_connection_with_a_reason() -> None:
    async with running() as context:
        link = await context.link()
        link._writer.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert await _read_to_end(link)
        assert (await context.end_of(0)).startswith("TLS failed: ")
        await link.close()


async def _read_to_end(link: Link) -> bool:
    try:
        while await link.receive():
            pass
    except LinkError:
        pass
    return True


async def test_a_silent_client_loses_its_place_at_the_handshake_deadline() -> None:
    async with running(Limits(handshake_s=0.05)) as context:
        reader, writer = await raw(context.port)
        assert await reader.read() == b""
        writer.close()
        assert await context.end_of(0) == "no TLS handshake within 0.05 s"


async def test_half_a_handshake_is_cut_at_the_same_deadline() -> None:
    async with running(Limits(handshake_s=0.05)) as context:
        reader, writer = await raw(context.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        assert await reader.read() == b""
        writer.close()
        assert await context.end_of(0) == "no TLS handshake within 0.05 s"


async def test_an_idle_client_is_closed_without_reproach() -> None:
    async with running(Limits(idle_s=0.05)) as context:
        async with await context.link() as link:
            assert await link.receive() == b""
        assert await context.end_of(0) == "idle for 0.05 s"


async def test_single_bytes_do_not_extend_the_deadline() -> None:
    async with running(Limits(idle_s=0.1)) as context:
        async with await context.link() as link:
            await link.send(b"o")
            await link.send(b"n")
            assert await link.receive() == b""
        assert await context.end_of(0) == "no complete request within 0.1 s"


async def test_a_message_arriving_byte_by_byte_is_answered() -> None:
    async with running() as context, await context.link() as link:
        for byte in b"slow\n":
            await link.send(bytes([byte]))
        assert await link.receive() == b"SLOW\n"


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [(b"", "connection cut"), (b"on", "connection cut in the middle of a request")],
)
async def test_a_cut_connection_says_where_it_was_cut(sent: bytes, outcome: str) -> None:
    async with running() as context:
        link = await context.link()
        await link.send(sent or b"one\n")
        if not sent:
            await link.receive()
        else:
            await context.until(lambda: bool(context.conversations[0]._buffer))
        link._writer.close()
        assert await context.end_of(0) == outcome


async def test_a_client_that_leaves_before_the_handshake_is_named() -> None:
    async with running() as context:
        _, writer = await raw(context.port)
        writer.close()
        assert await context.end_of(0) == "connection cut during the TLS handshake"


async def test_one_client_too_many_is_turned_away_and_the_next_admitted() -> None:
    async with running(Limits(connections=1)) as context:
        async with await context.link():
            with pytest.raises(LinkError):
                await Link.connect("127.0.0.1", context.port)
        await context.end_of(0)
        async with await context.link() as link:
            await link.send(b"one\n")
            assert await link.receive() == b"ONE\n"


async def test_a_hundred_idle_connections_do_not_disturb_another() -> None:
    async with running() as context:
        idle = [await raw(context.port) for _ in range(100)]
        async with asyncio.timeout(5), await context.link() as link:
            await link.send(b"one\n")
            assert await link.receive() == b"ONE\n"
        for _, writer in idle:
            writer.close()


async def test_stopping_waits_for_a_request_under_way() -> None:
    async with running() as context:
        link = await context.link()
        await link.send(b"later\n")
        await context.until(lambda: context.server._connections.copy().pop()._task is not None)
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(context.server.stop(5))
            context.gate.set()
            assert await link.receive() == b"LATER\n"
            assert await link.receive() == b""
        assert stopping.done()
        assert await context.end_of(0) == "server stopped"
        await link.close()


async def test_stopping_cuts_what_does_not_finish_in_time() -> None:
    async with running() as context:
        link = await context.link()
        await link.send(b"later\n")
        await context.until(lambda: context.server._connections.copy().pop()._task is not None)
        await context.server.stop(0.01)
        assert await context.end_of(0) == "aborted, the server stopped"
        assert not context.conversations[0].confirmed
        await link.close()


async def test_a_port_in_use_is_named() -> None:
    async with running() as context:
        recorder = Recorder("pub", "shout", Journal(), SystemClock())
        second = StreamServer(
            ("127.0.0.1", context.port), context.server.context, context._make, recorder
        )
        with pytest.raises(StartError, match=rf"shout: .*127\.0\.0\.1:{context.port}.*in use"):
            await second.start()
        assert second.ports == ()
        await second.stop(0)


async def test_the_keylog_file_receives_lines_and_is_private(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    options = LinkOptions(keylog=tmp_path / "client.log")
    async with running(policy=TlsPolicy(keylog=keylog)) as context, await context.link(options):
        pass
    assert b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" in keylog.read_bytes()
    assert keylog.stat().st_mode & 0o077 == 0
    assert sorted(keylog.read_bytes().splitlines()) == sorted(
        (tmp_path / "client.log").read_bytes().splitlines()
    )


async def test_the_policy_bounds_the_versions() -> None:
    policy = TlsPolicy(minimum_version=TlsVersion.TLS_1_2, maximum_version=TlsVersion.TLS_1_2)
    async with running(policy=policy) as context:
        for version in ("1.0", "1.3"):
            with pytest.raises(LinkError, match="TLS handshake"):
                await Link.connect("127.0.0.1", context.port, LinkOptions(tls_version=version))
        async with await context.link() as link:
            assert link.tls_version == "TLSv1.2"


def test_a_key_that_does_not_fit_is_a_start_error() -> None:
    wrong = TlsIdentity(identity("tvs-pub").certificate, identity("tvs-sub").private_key)
    with pytest.raises(StartError, match=r"tvs: TLS cannot be set up: .*mismatch"):
        server_context("tvs", wrong, TlsPolicy())
    with pytest.raises(StartError, match="tvs: TLS cannot be set up: no cipher match"):
        server_context("tvs", identity("tvs-pub"), TlsPolicy(ciphers="NOTHING"))


async def test_a_message_is_one_tls_record_even_in_tls_1_0() -> None:
    async with running() as context:
        reader, writer = await raw(context.port)
        proxy = await asyncio.start_server(
            lambda r, w: _relay(r, w, reader, writer, records), "127.0.0.1", 0
        )
        records: list[bytes] = []
        port = proxy.sockets[0].getsockname()[1]
        options = LinkOptions(tls_version="1.0", ciphers="AES256-SHA:@SECLEVEL=0")
        async with await Link.connect("127.0.0.1", port, options) as link:
            assert await link.receive() == b"HELLO\n"
        proxy.close()
        writer.close()
        stream = b"".join(records)
        kinds = []
        while stream:
            kinds.append(stream[0])
            stream = stream[5 + int.from_bytes(stream[3:5], "big") :]
        assert kinds.count(23) == 1


async def _relay(
    from_client: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
    from_server: asyncio.StreamReader,
    to_server: asyncio.StreamWriter,
    records: list[bytes],
) -> None:
    async def pass_on(
        source: asyncio.StreamReader, target: asyncio.StreamWriter, *, keep: bool
    ) -> None:
        while data := await source.read(65536):
            if keep:
                records.append(data)
            target.write(data)
        target.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(pass_on(from_client, to_server, keep=False))
        group.create_task(pass_on(from_server, to_client, keep=True))
