"""Faults at the services over TCP of a whole cluster: what the wire shows, and the journal says."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from cryptography import x509

from cucmsim.cluster.cluster import Cluster
from cucmsim.formats.names import format_name, serial_bytes
from cucmsim.formats.tvs import (
    QueryAnswer,
    QueryRequest,
    Reason,
    VerificationRequest,
    encode_message,
    verification_message,
)
from cucmsim.phone.link import Link, LinkError, LinkOptions
from cucmsim.phone.tvsclient import TvsReply, WrongAnswerError, ask
from cucmsim.pki.certificates import load_certificate
from cucmsim.services.faults.kinds import FaultKind, Value
from cucmsim.services.faults.plan import FaultRule
from cucmsim.services.journal import Exchange
from tests.fixtures.clusters import ADDRESSES, PHONE, PUBLISHER, Lab

pytestmark = pytest.mark.usefixtures("quiet")

ADDRESS = ADDRESSES[PUBLISHER]
OTHER_CLIENT = "127.0.0.77"


@dataclass
class Running:
    """A cluster, as a client of its publisher sees it."""

    cluster: Cluster

    def port(self, service: str) -> int:
        nodes = self.cluster.ready().nodes
        return next(node.services[service] for node in nodes if node.name == PUBLISHER)

    def once(self, kind: FaultKind, **values: Value) -> None:
        """Have a fault happen once to the phone, which speaks from our address."""
        faults = self.cluster.faults
        faults.clear()
        faults.learn("127.0.0.1", PHONE)
        faults.add(FaultRule(kind, device=PHONE, times=1, values=values))

    async def link(self, service: str, options: LinkOptions | None = None) -> Link:
        return await Link.connect(ADDRESS, self.port(service), options)

    @property
    def exchanges(self) -> list[Exchange]:
        return [exchange for _, exchange in self.cluster.journal.since()]

    async def faulty(self, kind: FaultKind) -> Exchange:
        """Wait for the exchange that the last fault of a kind happened to."""
        async with asyncio.timeout(30):
            while True:
                found = [each for each in self.exchanges if each.fault.startswith(f"{kind} (")]
                if found:
                    return found[-1]
                await asyncio.sleep(0.005)

    def certificate(self, unit: str) -> x509.Certificate:
        return load_certificate(self.cluster.view.replica.own[PUBLISHER, unit].certificate_der)

    async def verify(self, options: LinkOptions | None = None) -> TvsReply:
        der = self.cluster.view.replica.own[PUBLISHER, "TVS"].certificate_der
        request = VerificationRequest(f"CP-7962-{PHONE}", der)
        return await ask(ADDRESS, self.port("tvs"), request, options)

    async def query(self) -> TvsReply:
        held = self.certificate("CallManager")
        names = format_name(held.subject), format_name(held.issuer)
        request = QueryRequest(f"CP-7962-{PHONE}", *names, serial_bytes(held))
        return await ask(ADDRESS, self.port("tvs"), request)


@asynccontextmanager
async def running(lab: Lab) -> AsyncIterator[Running]:
    async with lab.running() as cluster:
        yield Running(cluster)


async def test_tvs_answers_wrongly_once_and_then_rightly(lab: Lab) -> None:
    async with running(lab) as lab_:
        right = (await lab_.verify()).answer

        lab_.once(FaultKind.TVS_NOT_TRUSTED)
        assert (await lab_.verify()).answer.reason == Reason.NOT_TRUSTED
        exchange = await lab_.faulty(FaultKind.TVS_NOT_TRUSTED)
        assert (exchange.device, exchange.answer) == (PHONE, "not trusted")
        assert (await lab_.verify()).answer == right

        lab_.once(FaultKind.TVS_WRONG_SESSION)
        with pytest.raises(WrongAnswerError, match="session id 1002, expected 1001"):
            await lab_.verify()
        lab_.once(FaultKind.TVS_MALFORMED)
        with pytest.raises(WrongAnswerError):
            await lab_.verify()
        lab_.once(FaultKind.TVS_WRONG_CERTIFICATE)
        assert (await lab_.verify()).answer == right  # a verification has no certificate in it
        told = (await lab_.query()).answer
        assert isinstance(told, QueryAnswer)
        assert told.reason == Reason.TRUSTED
        held = lab_.certificate("CallManager")
        assert load_certificate(told.certificate_der or b"").serial_number != held.serial_number
        lab_.once(FaultKind.TVS_SLOW, delay_s=0.4)
        assert (await lab_.verify()).answer == right
        assert (await lab_.faulty(FaultKind.TVS_SLOW)).milliseconds >= 400


async def test_a_silent_tvs_says_nothing_until_its_idle_deadline(lab: Lab) -> None:
    lab.extra = "[limits]\nidle_timeout_s = 0.5"
    async with running(lab) as lab_:
        lab_.once(FaultKind.TVS_SILENT)
        with pytest.raises(LinkError, match="closed without an answer"):
            await lab_.verify()
        exchange = await lab_.faulty(FaultKind.TVS_SILENT)
        assert (exchange.device, exchange.answer) == (PHONE, "nothing (silent)")
        assert (await lab_.verify()).answer.reason == Reason.TRUSTED


async def test_tvs_splits_an_answer_into_records_of_one_byte(lab: Lab) -> None:
    async with running(lab) as lab_:
        lab_.once(FaultKind.TVS_SPLIT)
        der = lab_.cluster.view.replica.own[PUBLISHER, "TVS"].certificate_der
        request = VerificationRequest(f"CP-7962-{PHONE}", der)
        async with await lab_.link("tvs") as link:
            await link.send(encode_message(verification_message(1, request)))
            assert [len(await link.receive()) for _ in range(10)] == [1] * 10
        lab_.once(FaultKind.TVS_SPLIT)
        assert (await lab_.verify()).answer.reason == Reason.TRUSTED


async def test_tvs_refuses_one_device_with_a_reset_and_nobody_else(lab: Lab) -> None:
    async with running(lab) as lab_:
        lab_.once(FaultKind.TVS_REFUSE)
        assert await shown(lab_.port("tvs"), OTHER_CLIENT) == lab_.certificate("TVS")
        reader, writer = await asyncio.open_connection(ADDRESS, lab_.port("tvs"))
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        exchange = await lab_.faulty(FaultKind.TVS_REFUSE)
        assert (exchange.device, exchange.request, exchange.answer) == (
            PHONE,
            "connection",
            "reset",
        )
        assert (await lab_.verify()).answer.reason == Reason.TRUSTED


TLS_PORTS = ["tvs", "capf", "https", "https_client", "sip_tls", "sccp_tls", "web"]


async def test_tls_is_another_for_one_connection_of_one_device(lab: Lab) -> None:
    async with running(lab) as lab_:
        for service in TLS_PORTS:
            lab_.once(FaultKind.TLS_CERTIFICATE, name="somebody")
            ours = await shown(lab_.port(service), OTHER_CLIENT)
            impostor = await shown(lab_.port(service), "127.0.0.1")
            assert impostor.subject.rfc4514_string().count("CN=somebody") == 1, service
            assert impostor.public_key() != ours.public_key()
            assert await shown(lab_.port(service), "127.0.0.1") == ours
            exchange = await lab_.faulty(FaultKind.TLS_CERTIFICATE)
            assert exchange.device in (PHONE, None)

            lab_.once(FaultKind.TLS_VERSIONS, low="1.1", high="1.1")
            async with await lab_.link(service) as link:
                assert link.tls_version == "TLSv1.1", service
            lab_.once(FaultKind.TLS_CIPHERS, ciphers="AES128-SHA")
            async with await lab_.link(service) as link:
                assert link.cipher == "AES128-SHA", service
            async with await lab_.link(service) as link:
                assert link.tls_version == "TLSv1.3", service
            lab_.once(FaultKind.TLS_VERSIONS, low="1.3")
            with pytest.raises(LinkError, match=r"protocol|closed during"):
                await lab_.link(service, LinkOptions(tls_version="1.2"))
            exchange = await lab_.faulty(FaultKind.TLS_VERSIONS)
            assert (exchange.request, exchange.device) == ("connection", PHONE)


async def test_the_web_server_records_who_asked_for_what_but_no_password(lab: Lab) -> None:
    async with running(lab) as lab_:
        asked = f"GET /ccmcip/authenticate.jsp?UserID=u&Password=secret&devicename={PHONE}"
        async with await lab_.link("web") as link:
            await link.send(f"{asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            while await link.receive():
                pass
        (exchange,) = [each for each in lab_.exchanges if each.service == "web"]
        found = exchange.device, exchange.request, exchange.answer
        assert found == (PHONE, "GET /ccmcip/authenticate.jsp", "200")

        lab_.once(FaultKind.TLS_CIPHERS, ciphers="NONSENSE")
        with pytest.raises(LinkError):
            await lab_.link("web")
        exchange = await lab_.faulty(FaultKind.TLS_CIPHERS)
        assert (exchange.request, exchange.answer) == ("connection", "closed")


async def test_ciphers_that_do_not_exist_let_nobody_in_and_the_journal_says_why(lab: Lab) -> None:
    async with running(lab) as lab_:
        lab_.once(FaultKind.TLS_CIPHERS, ciphers="NONSENSE")
        with pytest.raises(LinkError):
            await lab_.link("tvs")
        assert "no cipher match" in (await lab_.faulty(FaultKind.TLS_CIPHERS)).fault


async def shown(port: int, client: str) -> x509.Certificate:
    """Return the certificate that a client at an address is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    _, writer = await asyncio.open_connection(
        ADDRESS, port, ssl=context, local_addr=(client, 0), ssl_shutdown_timeout=1
    )
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return load_certificate(der)


async def fetched(lab_: Running, name: str, service: str = "http") -> bytes:
    """Return all that comes until the end of the connection."""
    reader, writer = await asyncio.open_connection(ADDRESS, lab_.port(service))
    writer.write(f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


async def test_http_answers_with_a_status_or_with_less_than_it_says(lab: Lab) -> None:
    name = f"{PHONE}.cnf.xml.sgn"
    async with running(lab) as lab_:
        whole = await fetched(lab_, name)
        head = whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

        lab_.once(FaultKind.HTTP_STATUS, status=500)
        assert (await fetched(lab_, name)).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        exchange = await lab_.faulty(FaultKind.HTTP_STATUS)
        assert (exchange.request, exchange.answer) == (f"GET {name}", "status 500")
        assert await fetched(lab_, name) == whole

        lab_.once(FaultKind.HTTP_TRUNCATE, keep=40)
        assert await fetched(lab_, name) == whole[: len(head) + 40]
        told = (await lab_.faulty(FaultKind.HTTP_TRUNCATE)).answer
        assert told == f"{len(whole) - len(head)} bytes, cut after 40"
        lab_.once(FaultKind.HTTP_TRUNCATE, keep=1_000_000)
        assert await fetched(lab_, name) == whole[:-1]


async def test_an_answer_that_stalls_leaves_the_connection_as_it_is(lab: Lab) -> None:
    lab.extra = "[limits]\nidle_timeout_s = 0.5"
    async with running(lab) as lab_:
        whole = await fetched(lab_, f"{PHONE}.cnf.xml.sgn")
        lab_.once(FaultKind.HTTP_STALL, keep=10)
        reader, writer = await asyncio.open_connection(ADDRESS, lab_.port("http"))
        writer.write(f"GET /{PHONE}.cnf.xml.sgn HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(10) == whole[len(head) : len(head) + 10]
        assert not reader.at_eof()
        assert await asyncio.wait_for(reader.read(), 30) == b""  # the idle deadline
        writer.close()
        assert (await lab_.faulty(FaultKind.HTTP_STALL)).device == PHONE
