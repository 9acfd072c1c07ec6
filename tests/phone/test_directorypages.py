"""Pages of a phone's services: what the screen shows of them, and where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsim.errors import FormatError
from cucmsim.phone.directorypages import (
    DirectoryScreen,
    InputField,
    ScreenEntry,
    ScreenItem,
    named_url,
    parse_page,
    search_url,
    with_parameters,
)

BASE = "https://cucm-pub:8443/ccmcip/xmldirectory.jsp?name=SEP1"
MENU = b"""<?xml version="1.0" encoding="UTF-8"?>
<CiscoIPPhoneMenu><Title>Directories</Title><Prompt>Select</Prompt>
<MenuItem><Name>Corporate Directory</Name><URL>xmldirectoryinput.jsp?name=SEP1</URL></MenuItem>
<MenuItem><Name>Nothing</Name></MenuItem>
<SoftKeyItem><Name>Exit</Name><URL>SoftKey:Exit</URL><Position>1</Position></SoftKeyItem>
</CiscoIPPhoneMenu>"""
FORM = b"""<CiscoIPPhoneInput><Title>Search</Title><URL>https://h/list.jsp?x=1</URL>
<InputItem><DisplayName>Last Name</DisplayName><QueryStringParam>l</QueryStringParam></InputItem>
<InputItem><DisplayName>Number</DisplayName><QueryStringParam>n</QueryStringParam>
<DefaultValue>2</DefaultValue></InputItem></CiscoIPPhoneInput>"""
FOUND = b"""<CiscoIPPhoneDirectory><Title>Directory</Title><Prompt>Records 1 to 1 of 1</Prompt>
<DirectoryEntry><Name>Anna Berg</Name><Telephone>2001</Telephone></DirectoryEntry>
</CiscoIPPhoneDirectory>"""
TEXT = b"<CiscoIPPhoneText><Title>News</Title><Text>one\ntwo</Text></CiscoIPPhoneText>"


def test_a_menu_shows_its_items_with_numbers() -> None:
    screen = parse_page(MENU, BASE)
    target = "https://cucm-pub:8443/ccmcip/xmldirectoryinput.jsp?name=SEP1"
    assert screen.items == (ScreenItem("Corporate Directory", target), ScreenItem("Nothing", ""))
    assert screen.soft_keys == (ScreenItem("Exit", "SoftKey:Exit"),)
    assert list(screen.lines()) == [
        "Directories",
        "  1 Corporate Directory",
        "  2 Nothing",
        "Select",
        "[Exit]",
    ]


def test_a_form_leads_to_its_url_with_what_was_typed() -> None:
    screen = parse_page(FORM, BASE)
    assert screen.fields == (InputField("Last Name", "l"), InputField("Number", "n", "2"))
    assert list(screen.lines()) == ["Search", "  Last Name:", "  Number: 2"]
    assert search_url(screen, {"l": "Be rg"}) == "https://h/list.jsp?x=1&l=Be+rg&n=2"
    assert search_url(screen, {"n": ""}) == "https://h/list.jsp?x=1&l=&n="


def test_a_directory_shows_names_and_numbers() -> None:
    screen = parse_page(FOUND, BASE)
    assert screen.entries == (ScreenEntry("Anna Berg", "2001"),)
    assert list(screen.lines()) == ["Directory", "  Anna Berg  2001", "Records 1 to 1 of 1"]


def test_a_text_shows_its_lines() -> None:
    assert list(parse_page(TEXT, BASE).lines()) == ["News", "  one", "  two"]


@pytest.mark.parametrize(
    ("page", "said"),
    [(b'<CiscoIPPhoneError Number="4"/>', "Error [4]"), (b"<CiscoIPPhoneError/>", "Error [?]")],
)
def test_an_error_is_shown_by_its_number(page: bytes, said: str) -> None:
    assert list(parse_page(page, BASE).lines()) == [said]


def test_the_button_says_which_phone_asks() -> None:
    assert named_url("https://h/a", "SEP1") == "https://h/a?name=SEP1"
    assert named_url("https://h/a?b=1", "SEP1") == "https://h/a?b=1&name=SEP1"
    assert named_url("https://h/a?name=x", "SEP1") == "https://h/a?name=x"
    assert named_url("https://h/a?n=#DEVICENAME#", "SEP1") == "https://h/a?n=SEP1"
    assert with_parameters("https://h/a", {}) == "https://h/a"


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html/>",
        b"<CiscoIPPhoneImage/>",
        b"<!DOCTYPE a><CiscoIPPhoneMenu/>",
        b"<CiscoIPPhoneInput><URL>http://[x</URL></CiscoIPPhoneInput>",
        b"<CiscoIPPhoneMenu>" + b" " * 70_000 + b"</CiscoIPPhoneMenu>",
    ],
)
def test_what_is_no_page_for_a_phone_is_refused(page: bytes) -> None:
    with pytest.raises(FormatError):
        parse_page(page, BASE)


@given(st.sampled_from([MENU, FORM, FOUND, TEXT]), st.integers(0, 400), st.binary(max_size=3))
def test_a_damaged_page_raises_format_error_only(page: bytes, at: int, put: bytes) -> None:
    try:
        screen = parse_page(page[:at] + put + page[at + 1 :], BASE)
    except FormatError:
        return
    assert isinstance(screen, DirectoryScreen)
