"""A phone's web server over real sockets: pages, buttons, and whoever may press them."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from cucmsim.errors import FormatError, StartError
from cucmsim.phone.execute import Button, Keypad, parse_execute
from cucmsim.phone.web import PhoneFace, PhoneWeb
from tests.phone.phoneviews import phone_view


class Phone:
    """What a phone's web server asks and tells; it opens no directory while `is_busy`."""

    def __init__(self) -> None:
        self.pressed: list[Button] = []
        self.is_busy = False
        self.asked: list[tuple[str, str]] = []

    async def press(self, button: Button) -> bool:
        self.pressed.append(button)
        return not self.is_busy

    async def authorize(self, name: str, password: str) -> bool:
        self.asked.append((name, password))
        return password == "cisco"


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
async def client(phone: Phone) -> AsyncIterator[httpx.AsyncClient]:
    web = PhoneWeb(PhoneFace(phone_view, phone.press, phone.authorize))
    await web.start()
    base = f"http://127.0.0.1:{web.port}"
    async with httpx.AsyncClient(base_url=base, auth=("admin", "cisco"), trust_env=False) as client:
        yield client
    await web.stop()
    assert web.port == 0


def execute(*urls: str) -> dict[str, str]:
    items = "".join(f'<ExecuteItem Priority="0" URL="{url}"/>' for url in urls)
    return {"XML": f"<CiscoIPPhoneExecute>{items}</CiscoIPPhoneExecute>"}


async def test_pages_are_served(client: httpx.AsyncClient) -> None:
    found = await client.get(
        "/CGI/Java/Serviceability", params={"adapter": "device.statistics.configuration"}
    )
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/html; charset=UTF-8"
    assert re.search(r"<B> ITL file</B></TD><td width=20></TD><TD><B>Installed", found.text)
    assert (await client.get("/FS/messages")).text.startswith("1 NOT Aug 20 08:54:12")
    assert (await client.get("/PortInformationX?1")).text.count("<RxtotalPkt>") == 1
    assert (await client.head("/")).status_code == 200
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.get("/CGI/Execute")).status_code == 404


async def test_the_directory_button(client: httpx.AsyncClient, phone: Phone) -> None:
    answer = await client.post("/CGI/Execute", data=execute("Key:Directories"))
    assert phone.pressed == [Button.DIRECTORIES]
    assert '<ResponseItem Status="0" Data="Success" URL="Key:Directories"/>' in answer.text
    assert phone.asked == [("admin", "cisco")]


async def test_a_button_that_cannot_do_its_work(client: httpx.AsyncClient, phone: Phone) -> None:
    phone.is_busy = True
    answer = await client.post("/CGI/Execute", data=execute("Key:Directories"))
    assert 'Status="1" Data="Failure"' in answer.text


async def test_settings_and_the_keys_that_reset(client: httpx.AsyncClient, phone: Phone) -> None:
    star, pound = "Key:KeyPadStar", "Key:KeyPadPound"
    for urls in [("Key:Settings", star, star), (pound, star), (star,)]:
        answer = await client.post("/CGI/Execute", data=execute(*urls))
        assert 'Status="1"' not in answer.text
    assert phone.pressed == [Button.SETTINGS, Button.UNLOCK, Button.RESET]


async def test_what_the_phone_does_not_know_is_refused(
    client: httpx.AsyncClient, phone: Phone
) -> None:
    answer = await client.post("/CGI/Execute", data=execute("Key:Soft1", "Dial:2001"))
    assert answer.text.count('Status="1" Data="Not supported by this phone') == 2
    assert phone.pressed == []


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"XML=",
        b"XML=%3CCiscoIPPhoneText%2F%3E",
        b"XML=%3CCiscoIPPhoneExecute%2F%3E",
        b"\xff\xfe",
        b"XML=" + b"x" * 20_000,
        b"&".join(b"a=b" for _ in range(9)),
    ],
)
async def test_what_is_no_document_is_error_1(client: httpx.AsyncClient, form: bytes) -> None:
    answer = await client.post("/CGI/Execute", content=form)
    assert '<CiscoIPPhoneError Number="1"/>' in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        "Basic %%%",
        "Basic " + base64.b64encode(b"admin").decode(),
        "Basic " + base64.b64encode(b"\xff").decode(),
        "Basic " + base64.b64encode(b"admin:wrong").decode(),
    ],
)
async def test_nobody_presses_buttons_unasked(
    client: httpx.AsyncClient, phone: Phone, header: str
) -> None:
    request = client.build_request("POST", "/CGI/Execute", data=execute("Key:Directories"))
    request.headers["Authorization"] = header
    answer = await client.send(request, auth=None)
    assert answer.status_code == 401
    assert '<CiscoIPPhoneError Number="4"/>' in answer.text
    assert phone.pressed == []


async def test_without_a_check_any_name_will_do(phone: Phone) -> None:
    web = PhoneWeb(PhoneFace(phone_view, phone.press))
    await web.start()
    url = f"http://127.0.0.1:{web.port}/CGI/Execute"
    async with httpx.AsyncClient(auth=("a", "b"), trust_env=False) as client:
        answer = await client.post(url, data=execute("Key:Settings"))
    await web.stop()
    assert 'Status="0"' in answer.text


async def test_a_port_in_use_is_named(phone: Phone) -> None:
    face = PhoneFace(phone_view, phone.press)
    first = PhoneWeb(face)
    await first.start()
    with pytest.raises(StartError, match=f"port {first.port}"):
        await PhoneWeb(face, port=first.port).start()
    await first.stop()


async def test_stopping_what_never_started_is_no_fault(phone: Phone) -> None:
    await PhoneWeb(PhoneFace(phone_view, phone.press), "::1").stop()


async def test_junk_does_not_hurt_it(client: httpx.AsyncClient) -> None:
    port = client.base_url.port
    for junk in (b"\x00" * 100, b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(junk)
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()
    assert (await client.get("/")).status_code == 200


def test_the_keys_count_only_in_the_settings() -> None:
    keypad = Keypad()
    keys = [f"Key:KeyPad{key}" for key in ("Star", "Star", "Pound", "Star", "Star")]
    assert {keypad.press(key) for key in keys} == {Button.KEY}
    assert keypad.press("Key:Settings") is Button.SETTINGS
    assert keypad.press("Key:KeyPad5") is Button.KEY
    assert [keypad.press(key) for key in keys][-1] is Button.RESET
    assert keypad.press("Key:Directories") is Button.DIRECTORIES
    assert keypad.press("Key:KeyPadStar") is Button.KEY


def test_items_go_by_priority() -> None:
    document = (
        b'<CiscoIPPhoneExecute><ExecuteItem Priority="2" URL="b"/>'
        b'<ExecuteItem Priority="0" URL="a"/></CiscoIPPhoneExecute>'
    )
    assert parse_execute(document) == ("a", "b")


@pytest.mark.parametrize(
    "items", [b"", b'<ExecuteItem URL="a"/>' * 4, b'<ExecuteItem Priority="x"/>']
)
def test_no_items_or_too_many_are_refused(items: bytes) -> None:
    with pytest.raises(FormatError):
        parse_execute(b"<CiscoIPPhoneExecute>" + items + b"</CiscoIPPhoneExecute>")


async def test_unlocked_settings_have_a_soft_key_that_erases(
    client: httpx.AsyncClient, phone: Phone
) -> None:
    star, pound, erase = "Key:KeyPadStar", "Key:KeyPadPound", "Key:Soft4"
    answers = [
        (await client.post("/CGI/Execute", data=execute(*urls))).text
        for urls in [("Key:Settings", erase), (star, star, pound), (erase,)]
    ]
    assert 'Status="1"' in answers[0]
    assert phone.pressed == [Button.SETTINGS, Button.UNLOCK, Button.ERASE]
    assert (await client.post("/CGI/Execute", data=execute("Key:Directories"))).status_code == 200
    assert 'Status="1"' in (await client.post("/CGI/Execute", data=execute(erase))).text
