"""The web server over loopback: RSA and ECDSA certificates, old TLS, a port that is taken."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cucmsim.asgi import AsgiLimits
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.webd import WebServer
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import StartError
from cucmsim.phone.link import Link, LinkOptions
from cucmsim.pki.certificates import load_certificate, new_serial, self_signed
from cucmsim.pki.keys import KeySpec, generate_key, load_private_key
from cucmsim.pki.profiles import SubjectFields, Unit, default_profile
from cucmsim.pki.release import Release

KEYS = Path(__file__).parent.parent / "vectors" / "keys"


async def _hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", _hello)])


def rsa() -> TlsIdentity:
    certificate, key = (KEYS / f"tomcat.{kind}.der" for kind in ("crt", "key"))
    return TlsIdentity(
        load_certificate(certificate.read_bytes()), load_private_key(key.read_bytes())
    )


def ecdsa() -> TlsIdentity:
    key = generate_key(KeySpec.parse("ec-384"))
    made = self_signed(
        default_profile(Unit.TOMCAT_ECDSA, Release(11, 5)),
        "cucm-pub-EC",
        SubjectFields("Lab", "cucmsim", "Lab", "Lab", "US"),
        key,
        not_before=datetime.now(UTC),
        serial=new_serial(SystemEntropy()),
    )
    return TlsIdentity(made, key)


@asynccontextmanager
async def running(*identities: TlsIdentity, keylog: Path | None = None) -> AsyncIterator[int]:
    server = WebServer(("127.0.0.1", 0), APP, identities, TlsPolicy(keylog=keylog))
    await server.start()
    try:
        yield server.ports[0]
    finally:
        await server.stop(1)
        await server.stop(1)
    assert len(server.ports) == 0


async def test_a_handshake_that_never_ends_is_cut_as_the_limits_say() -> None:
    limits = AsgiLimits(handshake_s=0.05)
    server = WebServer(("127.0.0.1", 0), APP, [rsa()], TlsPolicy(), limits)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[0])
        writer.write(b"\x16\x03\x01")
        async with asyncio.timeout(30):  # without a limit of ours: 60 s
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
    finally:
        await server.stop(1)


async def test_an_answer_bears_the_date_of_the_clock_it_was_given() -> None:
    server = WebServer(
        ("127.0.0.1", 0),
        APP,
        [rsa()],
        TlsPolicy(),
        now=lambda: datetime(2031, 3, 2, 12, 0, 5, tzinfo=UTC),
    )
    await server.start()
    try:
        _, answer = await _get(server.ports[0], LinkOptions())
    finally:
        await server.stop(1)
    assert answer.count(b"date: ") == 1
    assert b"\r\ndate: Sun, 02 Mar 2031 12:00:05 GMT\r\n" in answer


async def _get(port: int, options: LinkOptions) -> tuple[str, bytes]:
    async with await Link.connect("127.0.0.1", port, options) as link:
        await link.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := await link.receive():
            answer += data
        assert link.server_certificate is not None
        return link.server_certificate.subject.rfc4514_string(), answer


async def test_an_old_phone_gets_a_page_with_the_rsa_certificate(tmp_path: Path) -> None:
    keylog = tmp_path / "keys.log"
    async with running(rsa(), ecdsa(), keylog=keylog) as port:
        options = LinkOptions(tls_version="1.0", ciphers="AES256-SHA:@SECLEVEL=0")
        name, answer = await _get(port, options)
    assert "cucm-pub-EC" not in name
    assert answer.endswith(b"\r\n\r\nhello")
    assert keylog.read_text().count("CLIENT_RANDOM") >= 1


async def test_a_client_that_knows_only_ecdsa_gets_that_certificate() -> None:
    async with running(rsa(), ecdsa()) as port:
        options = LinkOptions(tls_version="1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
        name, answer = await _get(port, options)
    assert "cucm-pub-EC" in name
    assert answer.endswith(b"hello")


async def test_a_port_that_is_taken_is_named() -> None:
    async with running(rsa()) as port:
        second = WebServer(("127.0.0.1", port), APP, [rsa()], TlsPolicy())
        with pytest.raises(StartError, match=f"web: cannot listen on 127.0.0.1:{port}"):
            await second.start()


def test_ciphers_that_mean_nothing_are_refused_with_the_reason() -> None:
    with pytest.raises(StartError, match="web: TLS cannot be set up"):
        WebServer(("127.0.0.1", 0), APP, [rsa()], TlsPolicy(ciphers="NONSENSE"))


def test_a_key_of_another_certificate_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    wrong = TlsIdentity(rsa().certificate, generate_key(KeySpec.parse("rsa-2048")))
    with pytest.raises(StartError, match="web: TLS cannot be set up"):
        WebServer(("127.0.0.1", 0), APP, [wrong], TlsPolicy())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_reads_a_page() -> None:
    async with running(rsa()) as port:
        command = ["curl", "-s", "-k", "--max-time", "20", f"https://127.0.0.1:{port}/"]
        done = await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"hello"
