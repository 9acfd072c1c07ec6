"""The directory's pages, asked as a phone asks and read as XML."""

from collections.abc import Callable

import httpx
import pytest
from lxml import etree

from cucmsim.web.directory import PAGE_SIZE, DirectoryEntry, directory_app, search

ANNA = DirectoryEntry("Anna Berg", "2001")
BERT = DirectoryEntry("Bert Alder", "2002")
LOBBY = DirectoryEntry("Lobby", "3001")
MANY = [DirectoryEntry(f"Desk {index:02}", f"40{index:02}") for index in range(40)]

Ask = Callable[..., "object"]


async def _ask(entries: list[DirectoryEntry], path: str) -> etree._Element:
    transport = httpx.ASGITransport(app=directory_app(lambda: entries))
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.1.1:8443") as client:
        answer = await client.get(f"/ccmcip/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    return etree.fromstring(answer.content)


async def test_the_menu_leads_to_the_search_form_with_the_name_of_the_phone() -> None:
    menu = await _ask([], "xmldirectory.jsp?name=SEP0011215A1AE3")
    assert menu.tag == "CiscoIPPhoneMenu"
    assert menu.findtext("MenuItem/URL") == (
        "https://127.0.1.1:8443/ccmcip/xmldirectoryinput.jsp?name=SEP0011215A1AE3"
    )
    assert (await _ask([], "xmldirectory.jsp")).findtext("MenuItem/URL") == (
        "https://127.0.1.1:8443/ccmcip/xmldirectoryinput.jsp"
    )


async def test_the_form_asks_for_first_name_last_name_and_number() -> None:
    form = await _ask([], "xmldirectoryinput.jsp?name=SEP0011215A1AE3")
    assert form.tag == "CiscoIPPhoneInput"
    assert form.findtext("URL") == "https://127.0.1.1:8443/ccmcip/xmldirectorylist.jsp"
    assert [item.findtext("QueryStringParam") for item in form.iter("InputItem")] == ["f", "l", "n"]


async def test_results_show_name_and_number() -> None:
    found = await _ask([LOBBY, BERT, ANNA], "xmldirectorylist.jsp?f=&l=&n=2")
    assert found.tag == "CiscoIPPhoneDirectory"
    assert found.findtext("Prompt") == "Records 1 to 2 of 2"
    assert [entry.findtext("Name") for entry in found.iter("DirectoryEntry")] == [
        "Anna Berg",
        "Bert Alder",
    ]
    assert [entry.findtext("Telephone") for entry in found.iter("DirectoryEntry")] == [
        "2001",
        "2002",
    ]
    assert "Next" not in [key.findtext("Name") for key in found.iter("SoftKeyItem")]


async def test_results_come_by_the_page() -> None:
    first = await _ask(MANY, "xmldirectorylist.jsp?f=desk")
    assert first.findtext("Prompt") == "Records 1 to 31 of 40"
    assert len(first.findall("DirectoryEntry")) == PAGE_SIZE
    following = next(
        key.findtext("URL") for key in first.iter("SoftKeyItem") if key.findtext("Name") == "Next"
    )
    assert following == "https://127.0.1.1:8443/ccmcip/xmldirectorylist.jsp?f=desk&start=32"
    second = await _ask(MANY, "xmldirectorylist.jsp?f=desk&start=32")
    assert second.findtext("Prompt") == "Records 32 to 40 of 40"


@pytest.mark.parametrize("start", ["99", "41"])
async def test_a_page_after_the_last_is_empty(start: str) -> None:
    assert (await _ask(MANY, f"xmldirectorylist.jsp?start={start}")).findtext("Prompt") == (
        "No matches"
    )


@pytest.mark.parametrize("start", ["0", "-1", "x", "99999999"])
async def test_a_start_that_is_no_place_means_the_first_page(start: str) -> None:
    assert (await _ask([ANNA], f"xmldirectorylist.jsp?start={start}")).findtext("Prompt") == (
        "Records 1 to 1 of 1"
    )


async def test_names_are_escaped() -> None:
    found = await _ask([DirectoryEntry("R&D <lab>", "1")], "xmldirectorylist.jsp")
    assert found.findtext("DirectoryEntry/Name") == "R&D <lab>"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [ANNA, BERT, LOBBY]),
        ({"f": "an"}, [ANNA]),
        ({"l": "al"}, [BERT]),
        ({"f": "b", "l": "b"}, [BERT]),
        ({"n": "300"}, [LOBBY]),
        ({"f": "x"}, []),
    ],
)
def test_a_search_matches_the_beginnings(
    wanted: dict[str, str], found: list[DirectoryEntry]
) -> None:
    assert search([LOBBY, BERT, ANNA], wanted) == found


def test_a_nameless_entry_is_found_by_its_number() -> None:
    assert search([DirectoryEntry("", "7")], {"n": "7"}) == [DirectoryEntry("", "7")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("UserID=a&Password=b&devicename=SEP1", "AUTHORIZED"),
        ("UserID=a&Password=&devicename=SEP1", "UN-AUTHORIZED"),
        ("UserID=a&Password=b", "UN-AUTHORIZED"),
        ("", "UN-AUTHORIZED"),
    ],
)
async def test_whoever_gives_name_password_and_device_is_authorised(query: str, said: str) -> None:
    transport = httpx.ASGITransport(app=directory_app(list))
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.1.1:8443") as client:
        answer = await client.get(f"/ccmcip/authenticate.jsp?{query}")
    assert (answer.status_code, answer.text) == (200, said)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
