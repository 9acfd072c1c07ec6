"""`cucmsim capf …` against a server that has an operation pending: output, files, exit status."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cucmsim.cli import capf
from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Arrival, PeerInfo, Record, Recorder
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.errors import CommandError, UnreachableError
from cucmsim.formats.capf import Message, MessageType, NestedCertificate, encode_message
from cucmsim.pki.certificates import (
    certificate_der,
    certificate_pem,
    issue_lsc,
    load_certificate,
)
from cucmsim.pki.keys import KeySpec, dump_private_key_pem, load_private_key, load_public_key
from cucmsim.pki.signatures import Signer
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
NAME = "SEPB000B4BA0AEE"

Play = Callable[[CapfServerConversation, ServerEvent], None]


def signer(name: str) -> Signer:
    certificate = load_certificate((KEYS / f"{name}.crt.der").read_bytes())
    return Signer(certificate, load_private_key((KEYS / f"{name}.key.der").read_bytes()))


class Actor:
    """A server's conversation that plays as a test says."""

    def __init__(self, play: Play) -> None:
        self._protocol = CapfServerConversation(77)
        self._play = play

    @property
    def closed(self) -> bool:
        return self._protocol.is_ended

    def on_handshake(self, peer: PeerInfo) -> None:
        del peer
        self._protocol.start()

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
async def serving(play: Play) -> AsyncIterator[int]:
    def factory(arrival: Arrival, record: Record) -> Actor:
        del arrival, record
        return Actor(play)

    own = signer("capf")
    context = server_context("capf", TlsIdentity(own.certificate, own.private_key), TlsPolicy())
    recorder = Recorder("pub", "capf", Journal(), SystemClock())
    server = StreamServer(("127.0.0.1", 0), context, factory, recorder)
    await server.start()
    try:
        yield server.ports[0]
    finally:
        await server.stop(1)


def command(*arguments: str | Path) -> None:
    app = typer.Typer()
    capf.register(app)
    app([str(argument) for argument in arguments], standalone_mode=False)


async def run(play: Play, operation: str, *arguments: str | Path) -> None:
    async with serving(play) as port:
        where = f"127.0.0.1:{port}"
        await asyncio.to_thread(command, "capf", operation, where, "--device", NAME, *arguments)


def play_install(server: CapfServerConversation, event: ServerEvent) -> None:
    if isinstance(event, AuthenticationReceived):
        server.request_key(KeySpec.parse("ec-256"))
    elif isinstance(event, KeyAnswered):
        assert event.public_key is not None
        key = load_public_key(event.public_key)
        now = datetime(2026, 11, 20, tzinfo=UTC)
        lsc = issue_lsc(signer("capf"), NAME, key, not_before=now, serial=bytes([1]) * 16)
        server.store_certificate(certificate_der(lsc))
    elif isinstance(event, StoreAnswered):
        server.end(event.reason)


def play_delete(server: CapfServerConversation, event: ServerEvent) -> None:
    if isinstance(event, DeleteAnswered):
        server.end(event.reason)
    else:
        server.request_deletion()


async def test_enrol_writes_key_and_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file, out = tmp_path / "key.pem", tmp_path / "lsc.pem"
    key_file.write_text("old")
    key_file.chmod(0o644)
    await run(play_install, "enrol", "--key-out", key_file, "--out", out)
    certificate = x509.load_pem_x509_certificate(out.read_bytes())
    key = load_pem_private_key(key_file.read_bytes(), None)
    assert certificate.public_key() == key.public_key()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert capsys.readouterr().err.endswith(f"{NAME}: LSC installed\n")


async def test_enrol_prints_the_certificate_without_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await run(play_install, "enrol", "--auth-string", "4711", "--tls", "1.2", "--timeout", "5")
    assert "-----BEGIN CERTIFICATE-----" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--key-out", "--out"])
async def test_a_file_that_cannot_be_written_is_refused_before_the_visit(
    tmp_path: Path, option: str
) -> None:
    with pytest.raises(CommandError, match=r"missing/key\.pem: cannot be written") as caught:
        await run(play_install, "enrol", option, tmp_path / "missing" / "key.pem")
    assert caught.value.exit_status == 2


async def test_fetch_sends_the_certificate_held() -> None:
    found: list[ServerEvent] = []

    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        found.append(event)
        if isinstance(event, FetchAnswered):
            server.end(0)
        else:
            server.request_certificate()

    mic = KEYS / f"mic-{NAME}.crt.der"
    await run(play, "fetch", "--certificate", mic, "--mic")
    assert found[1] == FetchAnswered(1, NestedCertificate(2, mic.read_bytes()))
    claim = found[0]
    assert isinstance(claim, AuthenticationReceived)
    assert claim.certificate is None  # no key: not a proof


async def test_delete_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    await run(play_delete, "delete")
    assert f"{NAME}: LSC deleted" in capsys.readouterr().err


async def test_another_operation_than_expected_is_done_and_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        await run(play_delete, "enrol")
    text = "expected install, but the server had delete pending (LSC deleted)"
    assert str(caught.value) == f"{NAME}: {text}"
    assert caught.value.exit_status == 1
    with pytest.raises(CommandError, match="expected delete, but the server had install"):
        await run(play_install, "delete", "--out", tmp_path / "lsc.pem")
    assert (tmp_path / "lsc.pem").exists()


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (0, "nothing is pending for it"),
        (7, "refused: wrong proof"),
        (9, r"unknown device \(reason 9, so there\)"),
        (8, "session ended"),
    ],
)
async def test_an_answer_of_no_ends_with_1_and_says_why(reason: int, message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        await run(lambda server, _: server.end(reason, "so there"), "enrol")
    assert caught.value.exit_status == 1


async def test_a_busy_server_ends_with_1() -> None:
    with pytest.raises(CommandError, match="busy, retry later"):
        await run(lambda server, _: server.retry_later(30), "enrol")


async def test_an_operation_that_failed_ends_with_1() -> None:
    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        if isinstance(event, DeleteAnswered):
            server.end(7)
        else:
            server.request_deletion()

    with pytest.raises(CommandError, match="delete failed: refused"):
        await run(play, "delete")


async def test_a_server_that_gives_up_or_breaks_the_rules_ends_with_1() -> None:
    def abort(server: CapfServerConversation, _: ServerEvent) -> None:
        server._outgoing.append(encode_message(Message(MessageType.ABORT_REQUEST, 77)))

    with pytest.raises(CommandError, match="the server gave up"):
        await run(abort, "enrol")

    def break_rules(server: CapfServerConversation, _: ServerEvent) -> None:
        server._outgoing.append(encode_message(Message(MessageType.AUTH_REQUEST, 77)))

    with pytest.raises(CommandError, match="broke the rules") as caught:
        await run(break_rules, "enrol")
    assert caught.value.exit_status == 1


async def test_a_certificate_with_its_key_is_a_proof(tmp_path: Path) -> None:
    found: list[ServerEvent] = []

    def play(server: CapfServerConversation, event: ServerEvent) -> None:
        found.append(event)
        play_delete(server, event)

    lsc = signer(f"lsc-{NAME}")
    (tmp_path / "lsc.pem").write_bytes(certificate_pem(lsc.certificate))
    (tmp_path / "key.pem").write_bytes(dump_private_key_pem(lsc.private_key))
    mic = KEYS / f"mic-{NAME}"
    await run(
        play,
        "delete",
        *("--certificate", tmp_path / "lsc.pem", "--key", tmp_path / "key.pem"),
        *("--sudi", f"{mic}.crt.der", "--sudi-key", f"{mic}.key.der"),
    )
    claim = found[0]
    assert isinstance(claim, AuthenticationReceived)
    assert claim.certificate is not None
    assert claim.certificate.certificate_der == certificate_der(lsc.certificate)
    assert claim.sudi is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--key", "k.pem"), "--key needs --certificate"),
        (("--sudi", "k.pem"), "--sudi and --sudi-key need each other"),
        (("--certificate", "absent.pem"), "absent.pem: No such file"),
        (("--certificate", "junk"), "junk: no certificate"),
        (("--certificate", KEYS / f"lsc-{NAME}.crt.der", "--key", "junk"), "no private key"),
        (("--certificate", KEYS / f"lsc-{NAME}.crt.der", "--key", "pem"), "no private key"),
        (
            ("--certificate", KEYS / f"lsc-{NAME}.crt.der", "--key", KEYS / "tvs-pub.key.der"),
            "is not the key of",
        ),
        (("--tls", "0.9"), "expected one of 1.0, 1.1, 1.2, 1.3"),
        (("--ciphers", "NOTHING"), "no cipher match"),
    ],
)
def test_wrong_usage_ends_with_2(
    arguments: tuple[str | Path, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("junk").write_text("junk")
    Path("pem").write_text("-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(CommandError, match=message) as caught:
        command("capf", "enrol", "127.0.0.1", "--device", NAME, *arguments)
    assert caught.value.exit_status == 2


async def test_the_old_tls_of_old_phones_needs_no_security_level() -> None:
    await run(play_install, "enrol", "--tls", "1.0", "--ciphers", "AES256-SHA")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--ciphers", "NOTHING"), "no cipher match"), (("--device", "S" * 70_000), "at most 65535")],
)
async def test_what_cannot_be_sent_ends_with_2(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        await run(play_install, "enrol", *arguments)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("where", ["host:", "host:x", "host:0", "host:70000"])
def test_a_wrong_port_ends_with_2(where: str) -> None:
    with pytest.raises(CommandError, match="expected HOST or HOST:PORT") as caught:
        command("capf", "enrol", where, "--device", NAME)
    assert caught.value.exit_status == 2


def test_nobody_there_ends_with_69() -> None:
    options = ("--ciphers", "AES256-SHA:@SECLEVEL=0", "--timeout", "2")
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1: cannot connect") as caught:
        command("capf", "fetch", "127.0.0.1:1", "--device", NAME, *options)
    assert caught.value.exit_status == 69


def test_the_key_file_is_never_readable_by_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        capf._write_key(tmp_path / "key.pem", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
