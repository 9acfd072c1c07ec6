"""HTTP 6970, HTTPS 6971 and 6972 over loopback, with curl and with the bytes of phones."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from cucmsim.clock import SystemClock
from cucmsim.daemons.conversation import Limits, Recorder
from cucmsim.daemons.httpd import HttpOptions, http_server, https_server
from cucmsim.daemons.stream import StreamServer
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.services.journal import Journal

KEYS = Path(__file__).parent.parent / "vectors" / "keys"
ITL = b"\x01\x00\x02\x01\x02" * 1200
FILES = {
    "ITLFile.tlv": ITL,
    "SEPB000B4BA0AEE.cnf.xml": b"<device/>",
    "SEPB000B4BA0AEE.cnf.xml.sgn": b"signature<device/>",
    "Desktops/320x212x16/List.xml": b"<list/>",
}
PHONE = b"GET /%s HTTP/1.1\r\nHost:127.0.0.1:6970\r\n\r\n"


class Files:
    """Files of which half are at hand and the others must be fetched."""

    def cached(self, name: str) -> bytes | None:
        return FILES.get(name) if name.endswith(".tlv") else None

    async def fetch(self, name: str) -> bytes | None:
        await asyncio.sleep(0)
        return FILES.get(name)


def identity(name: str) -> TlsIdentity:
    return TlsIdentity(certificate(name), load_private_key((KEYS / f"{name}.key.der").read_bytes()))


def certificate(name: str) -> x509.Certificate:
    return load_certificate((KEYS / f"{name}.crt.der").read_bytes())


def recorder(journal: Journal | None = None) -> Recorder:
    return Recorder("cucm-pub", "http", journal or Journal(), SystemClock())


@asynccontextmanager
async def running(server: StreamServer) -> AsyncIterator[int]:
    await server.start()
    try:
        yield server.ports[0]
    finally:
        await server.stop(1)


def plain(journal: Journal | None = None, missing_status: int = 404) -> StreamServer:
    limits = Limits(idle_s=5, connections=50)
    return http_server(
        ("127.0.0.1", 0),
        Files(),
        recorder(journal),
        options=HttpOptions(missing_status),
        limits=limits,
    )


def tls(*, asks: bool = False) -> StreamServer:
    trusted = certificate("manufacturing-ca").subject
    policy = TlsPolicy(request_client_certificate=asks)
    return https_server(
        ("127.0.0.1", 0),
        Files(),
        recorder(),
        identity("tomcat" if asks else "callmanager-pub"),
        policy,
        is_trusted=(lambda held: held.issuer == trusted) if asks else None,
    )


async def fetch(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def fetch_tls(port: int, name: str, options: LinkOptions) -> bytes:
    async with await Link.connect("127.0.0.1", port, options) as link:
        await link.send(PHONE % name.encode())
        answer = b""
        while data := await link.receive():
            answer += data
        return answer


async def test_a_phone_gets_a_file_and_the_connection_closes() -> None:
    journal = Journal()
    async with running(plain(journal)) as port:
        answer = await fetch(port, PHONE % b"ITLFile.tlv")
    head = b"HTTP/1.1 200 OK\r\nContent-length: 6000\r\nCache-Control: no-store\r\n"
    assert answer == head + b"Content-type: */*\r\n\r\n" + ITL
    [(_, exchange)] = journal.since()
    assert (exchange.service, exchange.request, exchange.answer, exchange.device) == (
        "http",
        "GET ITLFile.tlv",
        "6000 bytes",
        None,
    )


async def test_a_file_that_must_be_built_is_waited_for() -> None:
    journal = Journal()
    async with running(plain(journal)) as port:
        answer = await fetch(port, PHONE % b"SEPB000B4BA0AEE.cnf.xml.sgn")
    assert answer.endswith(b"\r\n\r\nsignature<device/>")
    assert journal.since()[0][1].device == "SEPB000B4BA0AEE"


@pytest.mark.parametrize("status", [404, 503])
async def test_a_missing_file_has_the_status_of_the_release(status: int) -> None:
    journal = Journal()
    async with running(plain(journal, status)) as port:
        answer = await fetch(port, PHONE % b"nothing.xml")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert journal.since()[0][1].answer == "not found"


async def test_what_tftp_seeks_elsewhere_is_503_and_the_rest_404() -> None:
    journal = Journal()
    options = HttpOptions(404, seeks=lambda name: name.startswith("SEP"))
    server = http_server(("127.0.0.1", 0), Files(), recorder(journal), options=options)
    async with running(server) as port:
        sought = await fetch(port, PHONE % b"SEP001122334455.cnf.xml")
        missing = await fetch(port, PHONE % b"nothing.xml")
        held = await fetch(port, PHONE % b"SEPB000B4BA0AEE.cnf.xml")
    assert sought.startswith(b"HTTP/1.1 503 Service Unavailable\r\nContent-length: 0\r\n")
    assert missing.startswith(b"HTTP/1.1 404 ")
    assert held.endswith(b"<device/>")
    answers = [exchange.answer for _, exchange in journal.since()]
    assert answers == ["not found, TFTP asks other clusters", "not found", "9 bytes"]


async def test_two_requests_on_a_kept_connection_are_answered_in_order() -> None:
    kept = b"GET /ITLFile.tlv HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
    async with running(plain()) as port:
        answer = await fetch(port, kept + PHONE % b"Desktops/320x212x16/List.xml")
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answer.endswith(b"<list/>")


async def test_rubbish_is_refused_and_ends_only_its_own_connection() -> None:
    async with running(plain()) as port:
        _, silent = await asyncio.open_connection("127.0.0.1", port)
        refused = await fetch(port, b"\x16\x03\x01\x00\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert (await fetch(port, PHONE % b"ITLFile.tlv")).endswith(ITL)
        silent.close()
        await silent.wait_closed()


async def test_over_tls_a_signed_configuration_comes_without_its_signature() -> None:
    async with running(tls()) as port:
        answer = await fetch_tls(port, "SEPB000B4BA0AEE.cnf.xml.sgn", LinkOptions())
        assert answer.endswith(b"\r\n\r\n<device/>")
        assert (await fetch_tls(port, "ITLFile.tlv", LinkOptions())).endswith(ITL)


async def test_6972_serves_a_phone_with_a_trusted_certificate() -> None:
    mic = identity("mic-SEPB000B4BA0AEE")
    options = LinkOptions(certificate=mic.certificate, private_key=mic.private_key)
    async with running(tls(asks=True)) as port:
        assert (await fetch_tls(port, "ITLFile.tlv", options)).endswith(ITL)


@pytest.mark.parametrize("name", [None, "lsc-SEPB000B4BA0AEE"])
async def test_6972_turns_away_who_has_no_trusted_certificate(name: str | None) -> None:
    held = identity(name) if name else None
    options = LinkOptions(
        certificate=held.certificate if held else None,
        private_key=held.private_key if held else None,
    )
    async with running(tls(asks=True)) as port:
        try:
            answer = await fetch_tls(port, "ITLFile.tlv", options)
        except LinkError:
            answer = b""
    assert answer == b""


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_fetches_whole_files_ranges_and_over_tls(tmp_path: Path) -> None:
    def curl(*arguments: str) -> bytes:
        command = ["curl", "-s", "-k", "--max-time", "20", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    async with running(plain()) as port, running(tls()) as tls_port:
        url = f"http://127.0.0.1:{port}/ITLFile.tlv"
        assert await asyncio.to_thread(curl, url) == ITL
        assert await asyncio.to_thread(curl, "-r", "10-19", url) == ITL[10:20]
        twice = ["-H", "Connection: keep-alive", url, url, "-o", str(tmp_path / "a"), "-o"]
        await asyncio.to_thread(curl, *twice, str(tmp_path / "b"))
        assert (tmp_path / "b").read_bytes() == ITL
        secure = f"https://127.0.0.1:{tls_port}/ITLFile.tlv"
        assert await asyncio.to_thread(curl, secure) == ITL
