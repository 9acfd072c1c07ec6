"""The phone's link and TVS client against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cucmsim.clock import SystemClock
from cucmsim.daemons.stream import Arrival, Record, Recorder, StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy, server_context
from cucmsim.formats.tvs import QueryRequest, VerificationRequest
from cucmsim.phone.link import Link, LinkError, LinkOptions, UnusableOptionsError
from cucmsim.phone.tvsclient import WrongAnswerError, ask
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.services.journal import Journal

KEYS = Path(__file__).parents[1] / "vectors" / "keys"
QUERY = QueryRequest("CP-8861-SEP000000000001", "CN=x", "CN=x", b"\1")
FAST = LinkOptions(timeout_s=0.1)


def identity(name: str) -> TlsIdentity:
    key = load_private_key((KEYS / f"{name}.key.der").read_bytes())
    return TlsIdentity(load_certificate((KEYS / f"{name}.crt.der").read_bytes()), key)


class Parrot:
    """Answers whatever comes with `says`, and closes when there is nothing to say."""

    says = b""

    def __init__(self, _arrival: Arrival, _record: Record) -> None:
        self.closed = False
        self._out: list[bytes] = []

    def on_handshake(self, peer: object) -> None:
        """Wait for the client."""

    def receive_data(self, _data: bytes) -> None:
        self._out = [self.says] if self.says else []
        self.closed = not self.says

    def decide(self) -> None:
        return None

    def data_to_send(self) -> list[bytes]:
        out, self._out = self._out, []
        return out

    def on_end(self, outcome: str) -> None:
        """Nothing to do."""


@asynccontextmanager
async def parrot(says: bytes) -> AsyncIterator[int]:
    kind = type("Parrot", (Parrot,), {"says": says})
    context = server_context("parrot", identity("tvs-pub"), TlsPolicy())
    recorder = Recorder("pub", "parrot", Journal(), SystemClock())
    server = StreamServer(("127.0.0.1", 0), context, kind, recorder)
    await server.start()
    try:
        yield server.ports[0]
    finally:
        await server.stop(0)


_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def plain(serve: _Serve) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_a_closed_port_is_named() -> None:
    async with plain(_hang_up) as port:
        pass
    with pytest.raises(
        LinkError, match=rf"127\.0\.0\.1:{port}: cannot connect: Connection refused$"
    ):
        await ask("127.0.0.1", port, QUERY)


async def test_a_host_without_address_is_named() -> None:
    with pytest.raises(LinkError, match=r"no such host\.invalid:1: cannot connect"):
        await ask("no such host.invalid", 1, QUERY)


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def _say_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def _stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def _read_until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (_hang_up, "closed during the TLS handshake|reset"),
        (_say_http, "TLS handshake: "),
        (_stay_silent, r"no answer within 0\.1 s"),
    ],
)
async def test_a_server_without_tls_is_told_apart(serve: _Serve, reason: str) -> None:
    async with plain(serve) as port:
        with pytest.raises(LinkError, match=reason):
            await ask("127.0.0.1", port, QUERY, FAST)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (b"hello", "protocol discriminator 0x68"),
        (bytes.fromhex("57010200000003e9000407000100"), "CERT_VERIFICATION_RES, expected TVS_MSG_"),
        (bytes.fromhex("57010400000003e8000407000101"), "session id 1000, expected 1001"),
    ],
)
async def test_a_wrong_answer_is_refused_with_the_reason(says: bytes, reason: str) -> None:
    async with parrot(says) as port:
        with pytest.raises(WrongAnswerError, match=reason):
            await ask("127.0.0.1", port, QUERY)


async def test_no_answer_is_a_link_error() -> None:
    async with parrot(b"") as port:
        with pytest.raises(LinkError, match="closed without an answer"):
            await ask("127.0.0.1", port, VerificationRequest("x", b"y"))


async def test_half_an_answer_is_waited_for_until_the_timeout() -> None:
    async with parrot(b"\x57\x01\x04") as port:
        with pytest.raises(LinkError, match="no answer within"):
            await ask("127.0.0.1", port, QUERY, LinkOptions(timeout_s=0.2))


async def test_a_link_reports_version_cipher_and_certificate() -> None:
    options = LinkOptions(tls_version="1.2", ciphers="AES256-SHA:@SECLEVEL=0")
    async with parrot(b"x") as port, await Link.connect("127.0.0.1", port, options) as link:
        assert (link.tls_version, link.cipher) == ("TLSv1.2", "AES256-SHA")
        assert link.server_certificate == identity("tvs-pub").certificate


async def test_sending_after_the_server_closed_is_no_crash() -> None:
    async with parrot(b"") as port, await Link.connect("127.0.0.1", port) as link:
        await link.send(b"x")
        assert await link.receive() == b""
        assert await link.receive() == b""


async def test_options_that_tls_cannot_use_are_refused() -> None:
    with pytest.raises(UnusableOptionsError, match="no cipher match"):
        await Link.connect("127.0.0.1", 1, LinkOptions(ciphers="NOTHING"))
    mixed = LinkOptions(
        certificate=identity("tvs-pub").certificate, private_key=identity("tvs-sub").private_key
    )
    with pytest.raises(UnusableOptionsError, match="mismatch"):
        await Link.connect("127.0.0.1", 1, mixed)
