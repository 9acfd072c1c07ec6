"""The directory button over real sockets: trust, console log, menu, search, authorisation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cucmsim.formats.phonevalues import Endpoint, PhoneUrls
from cucmsim.phone.device import Phone, PhoneOptions
from cucmsim.phone.directory import ServiceBrowser
from cucmsim.phone.directorypages import InputField, ScreenEntry
from cucmsim.phone.events import (
    DirectoryAnswered,
    DirectoryRequested,
    HttpsConnected,
    HttpsConnecting,
)
from cucmsim.phone.execute import Button
from cucmsim.phone.http import HttpPatience
from cucmsim.phone.lookup import Decision
from cucmsim.phone.names import Names
from cucmsim.phone.performer import Network
from cucmsim.phone.trust import Refused
from cucmsim.phone.values import PhoneIdentity, Refusal
from cucmsim.phone.web import PhoneWeb
from tests.fixtures.clock import MovedClock
from tests.fixtures.clusters import ADDRESSES, PUBLISHER
from tests.fixtures.phonelab import PhoneLab

OLD = PhoneIdentity("001B54C25A01", "7962")
NEW = PhoneIdentity("B000B4BA0AEE", "8861")
BOTH = pytest.mark.parametrize("identity", [OLD, NEW], ids=["79xx", "88xx"])
DAY_S = 86_400

pytestmark = pytest.mark.usefixtures("quiet")


class Desk:
    """A booted phone and what it writes down."""

    def __init__(self, phones: PhoneLab, identity: PhoneIdentity) -> None:
        self.lines: list[str] = []
        self.clock = MovedClock()
        self.phone = Phone(
            identity,
            phones.network(),
            options=PhoneOptions(settle_s=0),
            clock=self.clock,
            on_line=self.lines.append,
        )

    async def press(self) -> list[str]:
        """Press the button; return what the console log says of it."""
        before = len(self.lines)
        await self.phone.press(Button.DIRECTORIES)
        return [line.split(": ", 2)[-1] for line in self.lines[before:]]


@pytest.fixture
def phones(tmp_path: Path) -> PhoneLab:
    return PhoneLab(tmp_path / "lab")


@asynccontextmanager
async def booted(phones: PhoneLab, identity: PhoneIdentity) -> AsyncIterator[Desk]:
    """Run the cluster and boot a phone from it."""
    async with phones.lab.running():
        desk = Desk(phones, identity)
        await desk.phone.start()
        await desk.phone.boot()
        yield desk


async def test_a_first_press_has_tvs_vouch_for_tomcat_as_seed_000_shows(phones: PhoneLab) -> None:
    async with booted(phones, OLD) as desk:
        lines = await desk.press()

    address, ports = ADDRESSES[PUBLISHER], phones.ports[PUBLISHER]
    place, port = f"<{address}> c:8 s:9", ports["web"]
    url = f"https://{PUBLISHER}:{port}/ccmcip/xmldirectory.jsp"
    log = "Startup Module Loader|cip"
    assert lines == [
        f"{log}.dir.TandunDirectories:? - Directory url {url}",
        f"clpSetupSsl: Trying to connect to IPV4, IP: {address}, Port : {port}",
        f"clpSetupSsl: TCP connect() waiting, {place} port: {port}",
        f"clpSetupSsl: TCP connected, {place}",
        f"clpSetupSsl: start SSL/TLS handshake, {place}",
        "srvr_cert_vfy: Server Certificate Validation needs to be done",
        "findByCertAndRoleInTL: Searching TL from CTL file",
        "findByCertAndRoleInTL: Searching TL from ITL file",
        f"EROR:https_cert_vfy: HTTPS cert not in CTL, <{address}>",
        "processTvsClntReq: TVS Certificate Authentication request",
        "lookupAuthCertTvsCacheEntry: No matching entry found at cache",
        "processTvsClntReq: No server sock exists, must be created",
        "secReq_initClient: clnt sock fd 11 bound to </tmp/secClnt_sec>",
        "getTvsServerInfo: Phone in IPv4 only mode",
        "getTvsServerInfo: Retrieving IPv4 address",
        (
            "connectToTvsServer: Successfully started a TLS connection establishment to the TVS "
            f"server: IP:{address}, port:{ports['tvs']}; Waiting for it to get connected."
        ),
        "srvr_cert_vfy: Server Certificate Validation needs to be done",
        "findByIssuerAndSerialAndRoleInTL: Searching TL from CTL file",
        "findByIssuerAndSerialAndRoleInTL: Searching TL from ITL file",
        "verifyCertWithHashFromTL: cert hash and hash in TL MATCH",
        f"tvs_cert_vfy: TVS cert verified with hash from TL, <{address}>",
        (
            "sendTvsClientReqToSrvr: Authenticate Certificate : request sent to TVS server - "
            "waiting for response"
        ),
        "processTvsSrvrResponse: Authentication Response received, status : 0",
        (
            "saveCertToTvsCache: Saving certificate in TVS cache with default time-to-live value: "
            "86400 seconds"
        ),
        "Authenticated the HTTPS conn via TVS",
        f"{log}.http.ae:? - listener.httpSucceed: {url}?name={OLD.name}",
    ]


@BOTH
async def test_a_second_press_asks_nobody_until_a_day_has_passed(
    phones: PhoneLab, identity: PhoneIdentity
) -> None:
    asked = []
    async with booted(phones, identity) as desk:
        for ahead_s in (0, DAY_S - 60, DAY_S + 60):
            desk.clock.ahead_s = ahead_s
            lines = await desk.press()
            asked.append(any("TVS server" in line for line in lines))
            assert desk.phone.browser.screen.title == "Directories"
    assert asked == [True, False, True]


async def test_the_menu_leads_to_the_form_and_a_search_to_entries(phones: PhoneLab) -> None:
    async with booted(phones, NEW) as desk:
        await desk.press()
        form = await desk.phone.browser.choose(1)
        assert form.url.endswith(f"/ccmcip/xmldirectoryinput.jsp?name={NEW.name}")
        assert InputField("Number", "n") in form.fields
        found = await desk.phone.browser.search({"n": "2001"})
        assert found.entries == (ScreenEntry("Reception", "2001"),)
        with pytest.raises(ValueError, match="no form"):
            await desk.phone.browser.search({})
        with pytest.raises(ValueError, match="the menu has 0"):
            await desk.phone.browser.choose(1)


async def test_a_phone_without_configuration_has_no_directory(phones: PhoneLab) -> None:
    desk = Desk(phones, NEW)
    assert not await desk.phone.press(Button.DIRECTORIES)
    assert desk.phone.browser.screen.failure == "Host Not Found"
    assert desk.phone.browser.screen.reason == "no directory URL in the configuration"
    assert not await desk.phone.authorize("admin", "cisco")


async def test_buttons_from_afar_need_what_the_authentication_url_takes(phones: PhoneLab) -> None:
    item = '<ExecuteItem Priority="0" URL="Key:Directories"/>'
    document = f"<CiscoIPPhoneExecute>{item}</CiscoIPPhoneExecute>"
    async with booted(phones, NEW) as desk:
        web = PhoneWeb(desk.phone.face)
        await web.start()
        url = f"http://127.0.0.1:{web.port}/CGI/Execute"
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answers = [
                await client.post(url, data={"XML": document}, auth=("admin", password))
                for password in ("cisco", "")
            ]
        await web.stop()
    assert [answer.status_code for answer in answers] == [200, 401]
    assert 'Status="0" Data="Success"' in answers[0].text
    assert desk.phone.browser.screen.title == "Directories"
    assert "cisco" not in "".join(desk.lines).replace("cisco.com", "")


MENU = b"<CiscoIPPhoneMenu><Title>T</Title></CiscoIPPhoneMenu>"


class Site:
    """A web server that answers everything with the same bytes, and a browser for it."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer
        self.asked = b""
        self.events: list[object] = []
        network = Network((), Names(), http=HttpPatience(idle_s=30))
        self.browser = ServiceBrowser("SEP1", network, self.events.append, self._decide)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        writer.close()

    async def _decide(self, server: str, certificate_der: bytes) -> Decision:
        assert server
        assert certificate_der
        return Refused(Refusal.TVS_REFUSED)


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    ("answer", "failure", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP Error [404]!", "404 Not Found"),
        (ok(b"<a/>"), "XML Error [4]: Parse Error", "found 'a'"),
        (ok(b"<a"), "XML Error [4]: Parse Error", "not well-formed"),
        (ok(b"x" * 70_000), "XML Error [4]: Parse Error", "more than 65536 bytes"),
        (b"", "Host Not Found", ""),
    ],
)
async def test_what_cannot_be_shown_is_told_on_the_screen(
    answer: bytes, failure: str, reason: str
) -> None:
    site = Site(answer)
    async with site.served() as url:
        screen = await site.browser.open(url)
        assert not await site.browser.authorize(PhoneUrls(authentication=url), "a", "b")
    assert screen.failure == failure
    assert reason in screen.reason
    assert site.browser.screen is screen


async def test_the_plain_url_serves_where_there_is_no_secured_one() -> None:
    site = Site(ok(MENU))
    async with site.served() as url:
        assert (await site.browser.press(PhoneUrls(directory=url))).title == "T"
    assert site.asked.startswith(b"GET /a?name=SEP1 HTTP/1.1\r\nHost:127.0.0.1:")
    assert site.events == [DirectoryRequested(url), DirectoryAnswered(f"{url}?name=SEP1")]


@pytest.mark.parametrize(
    ("answer", "allowed"), [(b"AUTHORIZED\r\n", True), (b"UN-AUTHORIZED", False), (b"", False)]
)
async def test_only_the_word_authorized_lets_anybody_in(answer: bytes, *, allowed: bool) -> None:
    site = Site(ok(answer))
    async with site.served() as url:
        urls = PhoneUrls(authentication=f"{url}?x=1")
        assert await site.browser.authorize(urls, "a b", "p&w") is allowed
    asked = b"GET /a?x=1&UserID=a+b&Password=p%26w&devicename=SEP1 HTTP/1.1\r\n"
    assert site.asked.startswith(asked)
    assert site.events == []


@pytest.mark.parametrize(
    "url", ["SoftKey:Exit", "ftp://127.0.0.1/", "http://127.0.0.1:x/", "http://[::1/", "http:///"]
)
async def test_a_url_that_is_not_for_a_phone_is_no_host(url: str) -> None:
    assert (await Site().browser.open(url)).failure == "Host Not Found"


async def test_a_server_that_is_not_trusted_is_asked_nothing(phones: PhoneLab) -> None:
    site, address = Site(), ADDRESSES[PUBLISHER]
    port = phones.ports[PUBLISHER]["web"]
    url = f"https://{address}:{port}/ccmcip/xmldirectory.jsp"
    async with phones.lab.running():
        screen = await site.browser.open(url)
    server = Endpoint(address, port)
    assert site.events == [HttpsConnecting(server), HttpsConnected(server)]
    assert screen.failure == "Host Not Found"
    assert screen.reason == "the server's certificate: TVS does not trust it"
    assert not screen.is_unreachable
    assert (await site.browser.open(url)).is_unreachable
