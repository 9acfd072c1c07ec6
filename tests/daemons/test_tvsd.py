"""The TVS daemon over loopback: answers, the tools' transcripts, trace lines, bad clients."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from cucmsim.clock import SystemClock
from cucmsim.daemons.stream import Limits, Recorder
from cucmsim.daemons.tls import TlsIdentity, TlsPolicy
from cucmsim.daemons.tvsd import TvsServer
from cucmsim.errors import StartError
from cucmsim.formats.names import format_name, rfc2253_name, serial_bytes
from cucmsim.formats.tvs import (
    QueryAnswer,
    QueryRequest,
    VerificationAnswer,
    VerificationRequest,
    encode_message,
    query_message,
    verification_message,
)
from cucmsim.phone.link import Link, LinkOptions
from cucmsim.phone.tvsclient import ask
from cucmsim.pki.certificates import load_certificate
from cucmsim.pki.keys import load_private_key
from cucmsim.services.journal import Journal
from cucmsim.services.verification import Verification
from cucmsim.services.view import View
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

VECTORS = Path(__file__).parents[1] / "vectors"
DEVICE = "CP-8861-SEPB000B4BA0AEE"


def der(name: str) -> bytes:
    return (VECTORS / "keys" / f"{name}.crt.der").read_bytes()


def identity(name: str) -> TlsIdentity:
    key = load_private_key((VECTORS / "keys" / f"{name}.key.der").read_bytes())
    return TlsIdentity(load_certificate(der(name)), key)


def stored(data: bytes, *roles: int) -> StoredCertificate:
    certificate = load_certificate(data)
    digest = base64.b64encode(hashlib.sha1(data).digest()).decode()
    return StoredCertificate(
        pkid=digest,
        servername="",
        subjectname=rfc2253_name(certificate.subject),
        issuername=rfc2253_name(certificate.issuer),
        serialnumber=serial_bytes(certificate).hex(),
        certificate_der=data,
        hash=digest,
        roles=roles,
    )


def query_for(data: bytes) -> QueryRequest:
    certificate = load_certificate(data)
    subject, issuer = format_name(certificate.subject), format_name(certificate.issuer)
    return QueryRequest(DEVICE, subject, issuer, serial_bytes(certificate))


class Running:
    """A started daemon with its view, journal and trace."""

    def __init__(self, limits: Limits | None, policy: TlsPolicy | None, reserved: int) -> None:
        certificates = (stored(der("tomcat"), 7), stored(der("callmanager-casigned"), 0, 3))
        self.view = View(Replica(version=1, certificates=certificates))
        self.journal = Journal()
        self.lines: list[str] = []
        self.verification = Verification("pub", self.view, _no_ctl, trace=self.lines.append)
        self.lines.clear()
        self.server = TvsServer(
            ("127.0.0.1", 0),
            self.verification,
            identity("tvs-pub"),
            Recorder("pub", "tvs", self.journal, SystemClock()),
            policy=policy,
            limits=limits,
            trace=self.lines.append,
            reserved=reserved,
        )

    @property
    def port(self) -> int:
        return self.server.ports[0]

    async def link(self, options: LinkOptions | None = None) -> Link:
        return await Link.connect("127.0.0.1", self.port, options)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the daemon has no event for a test to await
                await asyncio.sleep(0.005)

    async def failure(self) -> str:
        """Wait for the journal's next entry and return its answer."""
        await self.until(lambda: bool(self.journal.since()))
        return self.journal.since()[-1][1].answer


def _no_ctl() -> None:
    return None


@asynccontextmanager
async def running(
    limits: Limits | None = None, policy: TlsPolicy | None = None, *, reserved: int = 0
) -> AsyncIterator[Running]:
    context = Running(limits, policy, reserved)
    await context.server.start()
    try:
        yield context
    finally:
        await context.server.stop(0)


async def receive(link: Link, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = await link.receive()
        assert chunk, "the server closed too early"
        data += chunk
    return data


TRANSCRIPTS = {
    path.stem: json.loads(path.read_text()) for path in sorted((VECTORS / "tvs").glob("*.json"))
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_the_tools_client_gets_the_answers_of_the_tools_server(name: str) -> None:
    request, answer = (bytes.fromhex(entry["hex"]) for entry in TRANSCRIPTS[name])
    async with running() as context, await context.link() as link:
        await link.send(request)
        assert await receive(link, len(answer)) == answer


async def test_both_requests_are_answered_and_journaled() -> None:
    async with running() as context:
        port = context.port
        verified = await ask("127.0.0.1", port, VerificationRequest(DEVICE, der("tomcat")))
        queried = await ask("127.0.0.1", port, query_for(der("callmanager-casigned")))
        refused = await ask("127.0.0.1", port, query_for(der("callmanager-sub")))
        doubted = await ask("127.0.0.1", port, VerificationRequest("", b"no certificate"))
        assert verified.answer == VerificationAnswer(0, (7,), 86400)
        assert queried.answer == QueryAnswer(0, der("callmanager-casigned"), (0, 3), 86400)
        assert refused.answer == QueryAnswer(1)
        assert doubted.answer == VerificationAnswer(1)
        assert verified.server_certificate == load_certificate(der("tvs-pub"))
        exchanges = [exchange for _, exchange in context.journal.since()]
    assert [exchange.answer for exchange in exchanges] == [
        "trusted, roles 7, for 86400 s",
        "trusted, roles 0, 3, for 86400 s",
        "not trusted",
        "not trusted",
    ]
    assert [exchange.device for exchange in exchanges] == ["SEPB000B4BA0AEE"] * 3 + [None]
    assert exchanges[0].request.startswith("verify 708241DCBAF4A97DEAF79B0F76389228CN=cucm-1051-")
    assert exchanges[1].request.startswith("query ")


async def test_several_requests_on_one_connection_and_in_one_write_are_answered() -> None:
    requests = b"".join(
        (
            encode_message(verification_message(1001, VerificationRequest(DEVICE, der("tomcat")))),
            encode_message(query_message(1002, query_for(der("tomcat")))),
            encode_message(query_message(1003, query_for(der("capf")))),
        )
    )
    async with running() as context, await context.link() as link:
        await link.send(requests)
        answers = await receive(link, 25 + (10 + 4 + 3 + len(der("tomcat")) + 4 + 7) + 14)
        assert answers[:25].hex() == "57010200000003e9000f070001000800010709000400015180"
        assert answers[-14:].hex() == "57010400000003eb000407000101"
        assert len(context.journal.since()) == 3


async def test_a_request_cut_into_single_bytes_is_answered() -> None:
    request = encode_message(verification_message(1, VerificationRequest(DEVICE, b"x")))
    async with running(reserved=0xF5) as context, await context.link() as link:
        for byte in request:
            await link.send(bytes((byte,)))
        assert await receive(link, 14) == bytes.fromhex("570102f5 00000001 0004 07000101")


async def test_a_change_of_the_view_reaches_the_next_request() -> None:
    async with running() as context:
        request = VerificationRequest(DEVICE, der("capf"))
        before = await ask("127.0.0.1", context.port, request)
        context.view.replace(Replica(version=2, certificates=(stored(der("capf"), 4),)))
        after = await ask("127.0.0.1", context.port, request)
    assert (before.answer.reason, after.answer.reason) == (1, 0)


async def test_a_client_certificate_of_any_kind_is_accepted_and_logged() -> None:
    lsc = identity("lsc-SEPB000B4BA0AEE")
    options = LinkOptions(certificate=lsc.certificate, private_key=lsc.private_key)
    with structlog.testing.capture_logs() as logs:
        async with running(policy=TlsPolicy(request_client_certificate=True)) as context:
            await ask("127.0.0.1", context.port, query_for(der("tomcat")), options)
            await ask("127.0.0.1", context.port, query_for(der("tomcat")))
    clients = [line.get("client") for line in logs if line["event"] == "connection finished"]
    assert len(clients) == 2
    assert "SEPB000B4BA0AEE" in str(clients[0])
    assert clients[1] is None


def _dump(data: bytes) -> list[str]:
    shown = data[:50]
    return [shown[start : start + 8].hex(" ") for start in range(0, len(shown), 8)]


async def test_the_trace_of_a_query_has_the_lines_of_seed_002_in_their_order() -> None:
    query = query_for(der("callmanager-casigned"))
    options = LinkOptions(tls_version="1.0", ciphers="AES256-SHA:@SECLEVEL=0")
    async with running(reserved=0xF7) as context:
        reply = await ask("127.0.0.1", context.port, query, options)
        request = encode_message(query_message(1001, query))
        lines = context.lines.copy()
    fd = lines[0].rpartition(" ")[2]
    key = f"{query.serial.hex().upper()}{query.issuer}"
    certificate = der("callmanager-casigned")
    look = "CertificateDBCACHE::getCertificateInformation"
    pointer = next(line for line in lines if line.startswith("convertX509ToDER"))
    assert pointer.startswith("convertX509ToDER -x509cert : 0x")
    assert lines == [
        f"Accepted TCP connection from socket 0x{int(fd):08x}, fd = {fd}",
        "Total Session attempted = 1 accepted = 1",
        "tvsGetNextThread",
        "Recd event",
        f"new ph on fd {fd}",
        "1:UNKNOWN:Got a new SCB from RBTree",
        "ipAddrStr (Phone) 127.0.0.1",
        f"{fd}:UNKNOWN:Got a new ph conn 127.0.0.1 on {fd}, Total Acc = 1..",
        f"added {fd} to readset",
        f"after select, {fd} was set",
        "ipAddrStr (Phone) 127.0.0.1",
        "tvsSSLHandShakeNotify",
        "127.0.0.1: tvsSSLHandShake Session ciphers - AES256-SHA",
        f"added {fd} to readset",
        "Recd event",
        "TLS HS Done for ph_conn",
        f"{fd}:UNKNOWN:Incoming Phone Msg:\nHEX_DUMP: Len = {len(request)}:",
        *_dump(request),
        "tvsPhoneDecodeMsg -\nDecoded Phone Msg:",
        "Protocol Discriminator: 57",
        "MsgType : TVS_MSG_QUERY_CERT_REQ",
        "Session Id : 0",
        f"Length : {len(request) - 10}",
        f"{fd}:UNKNOWN:TVS CORE: Rcvd Event: TVS_EV_QUERY_CERT_REQ in State: TVS_STATE_AWAIT_REQ",
        "tvsHandleQueryCertReq",
        f"tvsHandleQueryCertReq : Subject Name is: {query.subject}",
        f"tvsHandleQueryCertReq : Issuer Name is: {query.issuer}",
        f"tvsHandleQueryCertReq : Serial Number is: {query.serial.hex().upper()}",
        f"{look} - Looking up the certificate cache using Unique MAP ID : {key}",
        f"{look} - Found entry {{rolecount : 2}}",
        f"{look} - {{role : 0}}",
        f"{look} - {{role : 3}}",
        pointer,
        f"{fd}:UNKNOWN:Sending QUERY_CERT_RES msg",
        "tvsPhoneDecodeMsg -\nDecoded Phone Msg:",
        "Protocol Discriminator: 57",
        "MsgType : TVS_MSG_QUERY_CERT_RES",
        "Session Id : 0",
        f"Length : {len(reply.data) - 10}",
        "ReasonInfo : 00$",
        "Number of Certs : 1",
        "Cert[0] :",
        f"Cert Type : 0\nHEX_DUMP: Len = {len(certificate)}:",
        *_dump(certificate),
        "Version : 0",
        "PublicKey :\nHEX_DUMP: Len = 4:",
        "00 01 51 80",
        f"Sending TLS Msg ..\nHEX_DUMP: Len = {len(reply.data)}:",
        *_dump(reply.data),
        "ipAddrStr (Phone) 127.0.0.1",
        "tvsHandleQueryCertReq: Timer started from tvsHandleNewPhConnection",
    ]


async def test_the_trace_of_a_verification_has_the_lines_of_seed_000_in_their_order() -> None:
    async with running() as context:
        await ask("127.0.0.1", context.port, VerificationRequest(DEVICE, der("tomcat")))
        lines = context.lines.copy()
    issuer = format_name(load_certificate(der("tomcat")).issuer)
    expected = [
        "TLS HS Done for ph_conn",
        "MsgType : TVS_MSG_CERT_VERIFICATION_REQ",
        f"tvsGetIssuerNameFromX509 - issuerName : {issuer} and Length: {len(issuer)}",
        "CertificateDBCACHE::getCertificateInformation - Certificate compare return =0",
        "CertificateDBCACHE::getCertificateInformation - Certificate found and equal",
        "MsgType : TVS_MSG_CERT_VERIFICATION_RES",
    ]
    assert [line for line in lines if line in expected] == expected
    assert any("tvsSSLHandShake Session ciphers - " in line for line in lines)


async def test_a_negative_answer_is_traced_without_certificate_and_time_to_live() -> None:
    async with running() as context:
        await ask("127.0.0.1", context.port, query_for(der("capf")))
        lines = context.lines.copy()
    assert "ReasonInfo : 01$" in lines
    assert not any(line.startswith(("Cert[", "PublicKey", "convert")) for line in lines)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "protocol discriminator 0x47, expected 0x57 (at offset 0)"),
        (b"\x57\x02", "version 0x02, expected 0x01 (at offset 1)"),
        (b"\x57\x01\x63", "message type 99, expected 1 to 4 (at offset 2)"),
        (
            b"\x57\x01\x02\x00" + bytes(6),
            "TVS_MSG_CERT_VERIFICATION_RES instead of a request (at offset 2)",
        ),
        (
            bytes.fromhex("57010100000000010004 01ffff00"),
            "expected 65535 more bytes, found 1 (at offset 13)",
        ),
    ],
)
async def test_a_malformed_request_ends_its_connection_with_the_reason(
    sent: bytes, reason: str
) -> None:
    async with running() as context, await context.link() as other:
        async with await context.link() as link:
            await link.send(sent)
            assert await link.receive() == b""
        assert await context.failure() == reason
        await other.send(encode_message(query_message(1, query_for(der("capf")))))
        assert await receive(other, 14)


async def test_a_request_that_never_ends_is_cut_at_the_deadline() -> None:
    async with running(Limits(idle_s=0.05)) as context:
        async with await context.link() as link:
            await link.send(b"\x57\x01\x01\x00\x00\x00\x00\x01\xff\xff")
            assert await link.receive() == b""
        assert await context.failure() == "no complete request within 0.05 s"


async def test_a_connection_cut_within_a_request_says_so() -> None:
    async with running() as context:
        async with await context.link() as link:
            await link.send(b"\x57\x01")
        assert await context.failure() == "closed by peer in the middle of a request"


async def test_silent_clients_do_not_disturb_the_others() -> None:
    async with running() as context:
        silent = [await asyncio.open_connection("127.0.0.1", context.port) for _ in range(100)]
        half = [writer for _, writer in silent[:50]]
        for writer in half:
            writer.write(b"\x16\x03\x01\x02\x00\x01\x00")
        async with asyncio.timeout(5):
            reply = await ask("127.0.0.1", context.port, query_for(der("tomcat")))
        assert reply.answer.reason == 0
        for _, writer in silent:
            writer.close()


async def test_stop_closes_the_port_and_lets_go_of_the_view() -> None:
    async with running() as context:
        port = context.port
        await context.server.stop(1)
        assert context.server.ports == ()
        assert context.view._listeners == []
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_second_daemon_on_the_same_port_does_not_start() -> None:
    async with running() as context:
        second = TvsServer(
            ("127.0.0.1", context.port),
            context.verification,
            identity("tvs-sub"),
            Recorder("pub", "tvs", Journal(), SystemClock()),
        )
        with pytest.raises(StartError, match="tvs: cannot listen"):
            await second.start()
