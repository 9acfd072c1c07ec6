"""HTTP, the https directory and registration in a whole cluster, and what a restart changes."""

import asyncio
import json
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from cucmsim.clock import SystemClock
from cucmsim.cluster.cluster import Cluster
from cucmsim.cluster.node import ServiceAction
from cucmsim.cluster.ports import ServiceName
from cucmsim.daemons.capfd import CapfServer
from cucmsim.entropy import SystemEntropy
from cucmsim.errors import RefusedError
from cucmsim.formats.signedfile import decode_signed_file
from cucmsim.pki.profiles import Unit
from cucmsim.services.certificates import make_own_certificates, plan_for_unit
from tests.fixtures.clusters import ADDRESSES, PHONE, PUBLISHER, Lab, Outcome

REGISTER = (Path(__file__).parent.parent / "vectors" / "sip" / "register.sip").read_bytes()
SIP_PHONES = """
[[phones]]
mac = "C80084AA8743"
model = "7821"
protocol = "SIP"
lines = [{ number = "2222", display = "Workshop" }]
"""
DEVICE = "SEPC80084AA8743"


def ports(cluster: Cluster) -> dict[str, int]:
    return next(node.services for node in cluster.ready().nodes if node.name == PUBLISHER)


async def fetch(cluster: Cluster, name: str) -> httpx.Response:
    url = f"http://{ADDRESSES[PUBLISHER]}:{ports(cluster)['http']}/{name}"
    async with httpx.AsyncClient() as client:
        return await client.get(url)


async def regenerate_callmanager(cluster: Cluster) -> None:
    described = cluster.settings
    plan = plan_for_unit(
        cluster.view.replica.nodes[PUBLISHER],
        Unit.CALLMANAGER,
        release=described.cluster.release,
        fields=described.certificates.subject,
        publisher_fqdn=described.publisher.fqdn,
        entropy=SystemEntropy(),
        settings=described.certificates.of(Unit.CALLMANAGER),
    )
    [own] = await make_own_certificates([plan], clock=SystemClock(), entropy=SystemEntropy())
    async with cluster._store.transaction() as transaction:
        await transaction.put_own_certificate(
            own.node, own.unit.value, own.certificate_der, own.private_key_der, own.roles
        )


@pytest.mark.usefixtures("quiet")
async def test_http_serves_what_tftp_has_loaded_until_tftp_is_restarted(lab: Lab) -> None:
    async with lab.running() as cluster:
        before = await fetch(cluster, f"{PHONE}.cnf.xml.sgn")
        assert before.status_code == 200
        assert before.headers["content-type"] == "*/*"
        await regenerate_callmanager(cluster)
        again = decode_signed_file((await fetch(cluster, f"{PHONE}.cnf.xml.sgn")).content)
        first = decode_signed_file(before.content)
        assert again.header.signer == first.header.signer
        await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.RESTART)
        after = decode_signed_file((await fetch(cluster, f"{PHONE}.cnf.xml.sgn")).content)
        assert after.header.signer != first.header.signer


@pytest.mark.usefixtures("quiet")
async def test_http_has_no_files_while_tftp_is_stopped(lab: Lab) -> None:
    async with lab.running() as cluster:
        await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.STOP)
        assert (await fetch(cluster, "ITLFile.tlv")).status_code == 503
        await cluster.act_on_service(PUBLISHER, "tftp", ServiceAction.START)
        assert (await fetch(cluster, "ITLFile.tlv")).status_code == 200


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("release", "status"), [("11.5", 503), ("12.5", 404)])
async def test_a_missing_file_over_http_is_answered_by_release(
    lab: Lab, release: str, status: int
) -> None:
    lab.release = release
    async with lab.running() as cluster:
        assert (await fetch(cluster, "nothing.xml")).status_code == status


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("release", "shown"), [("11.5", "CallManager"), ("10.5", "tomcat")])
async def test_6971_shows_the_certificate_of_the_release(
    lab: Lab, release: str, shown: str
) -> None:
    lab.release = release
    async with lab.running() as cluster:
        held = cluster.view.replica.own[PUBLISHER, shown].certificate_der
        address = (ADDRESSES[PUBLISHER], ports(cluster)["https"])
        pem = await asyncio.to_thread(_certificate_of, address)
    assert pem == ssl.DER_cert_to_PEM_cert(held)


def _any_server() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def _certificate_of(address: tuple[str, int]) -> str:
    with (
        socket.create_connection(address, timeout=10) as link,
        _any_server().wrap_socket(link) as secured,
    ):
        return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")


@pytest.mark.usefixtures("quiet")
async def test_the_directory_lists_the_lines_of_phones(lab: Lab) -> None:
    lab.phones = SIP_PHONES
    async with lab.running() as cluster:
        url = f"https://{ADDRESSES[PUBLISHER]}:{ports(cluster)['web']}/ccmcip/xmldirectorylist.jsp"
        async with httpx.AsyncClient(verify=_any_server()) as client:
            page = (await client.get(url)).text
    assert "<Name>Workshop</Name>" in page
    assert "<Telephone>2222</Telephone>" in page


async def register(cluster: Cluster) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(ADDRESSES[PUBLISHER], ports(cluster)["sip"])
    writer.write(REGISTER)
    assert await reader.readuntil(b"\r\n") == b"SIP/2.0 100 Trying\r\n"
    await reader.readuntil(b"SIP/2.0 200 OK\r\n")
    return reader, writer


@pytest.mark.usefixtures("quiet")
async def test_a_registered_phone_is_listed_and_can_be_reset(lab: Lab) -> None:
    lab.phones = SIP_PHONES
    async with lab.running() as cluster:
        reader, writer = await register(cluster)
        transport = httpx.AsyncHTTPTransport(uds=str(lab.data / "cluster.sock"))
        async with httpx.AsyncClient(transport=transport, base_url="http://cluster") as client:
            [held] = (await client.get("/registrations")).json()
            assert (held["device"], held["node"], held["number"]) == (DEVICE, PUBLISHER, "2222")
            assert (await client.get("/alarms")).json() == []
            order = asyncio.create_task(client.post("/orders", json={"action": "reset"}))
            notify = await reader.readuntil(b"action=reset\r\n")
            writer.write(_answer(notify))
            [outcome] = (await order).json()
            assert outcome == {"device": DEVICE, "action": "reset", "status": 200, "accepted": True}
            refused = await client.post("/orders", json={"action": "reset", "devices": ["SEP1"]})
            assert refused.status_code == 409
            assert refused.json()["detail"] == "not registered here: SEP1"
        writer.close()
        await writer.wait_closed()


def _answer(notify: bytes) -> bytes:
    """Answer a NOTIFY as a phone does."""
    head = notify[notify.rindex(b"NOTIFY sip:") :].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = (b"Via", b"From", b"To", b"Call-ID", b"CSeq")
    kept = [line for line in head if line.split(b":")[0] in names]
    return b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""])


@pytest.mark.usefixtures("quiet")
async def test_reset_on_the_command_line_says_what_each_phone_answered(lab: Lab) -> None:
    lab.phones = SIP_PHONES
    async with lab.running() as cluster:
        none = await asyncio.to_thread(lab.cli, "reset", "CONFIG", DEVICE)
        assert (none.status, none.errors) == (1, f"cucmsim: {DEVICE} is not registered\n")
        reader, writer = await register(cluster)
        told = asyncio.create_task(asyncio.to_thread(lab.cli, "reset", "CONFIG", "--all"))
        writer.write(_answer(await reader.readuntil(b"action=reset\r\n")))
        assert await told == Outcome(0, f"{DEVICE}: reset: accepted\n1 phone\n", "")
        one = asyncio.create_task(
            asyncio.to_thread(lab.cli, "reset", "CONFIG", DEVICE, "--action", "restart")
        )
        answer = _answer(await reader.readuntil(b"action=restart\r\n"))
        writer.write(answer.replace(b"200 OK", b"400 Bad"))
        assert await one == Outcome(1, f"{DEVICE}: restart: refused with 400\n1 phone\n", "")
        writer.close()
        await writer.wait_closed()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected either a DEVICE or --all"),
        ((DEVICE, "--all"), "expected either a DEVICE or --all"),
        (("--all", "--action", "prt-report"), "'prt-report' is not one of"),
        (("phone",), "expected SEP and 12 hexadecimal digits"),
    ],
)
async def test_reset_refuses_what_it_cannot_do(
    lab: Lab, arguments: tuple[str, ...], said: str
) -> None:
    async with lab.running():
        outcome = await asyncio.to_thread(lab.cli, "reset", "CONFIG", *arguments)
    assert outcome.status == 2
    assert said in outcome.errors


def test_a_service_that_is_not_named_does_not_run(lab: Lab) -> None:
    lab.nodes = lab.nodes.replace('role = "publisher"', 'role = "publisher"\nservices = ["tvs"]')
    with lab.process() as running:
        assert set(running.ports[PUBLISHER]) == {"tvs"}
        assert json.loads(lab.ready_file.read_text())["nodes"]


async def test_an_unknown_service_is_refused(lab: Lab) -> None:
    async with lab.running() as cluster:
        with pytest.raises(RefusedError, match="no service 'sccp'"):
            await cluster.act_on_service(PUBLISHER, "sccp", ServiceAction.RESTART)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("value", "idle_s"), [("20", 1200.0), ("x", None)])
async def test_the_keep_alive_timer_holds_from_the_restart_of_capf(
    lab: Lab, value: str, idle_s: float | None
) -> None:
    async with lab.running() as cluster:
        usual_s = cluster.settings.limits.capf_idle_timeout_s
        async with cluster._store.transaction() as transaction:
            await transaction.set_service_parameter("capf", "KeepAliveTimer", value)
        built = cluster.nodes[PUBLISHER]._running[ServiceName.CAPF]
        assert isinstance(built, CapfServer)
        assert built.limits.idle_s == usual_s
        await cluster.act_on_service(PUBLISHER, "capf", ServiceAction.RESTART)
        built = cluster.nodes[PUBLISHER]._running[ServiceName.CAPF]
        assert isinstance(built, CapfServer)
        assert built.limits.idle_s == (idle_s or usual_s)
