"""The corporate directory as phones show it: menu, search form and results, in XML.

A phone opens `/ccmcip/xmldirectory.jsp`, follows the menu to the search form
(`xmldirectoryinput.jsp?name=SEP...`, seed 000) and asks for results (`xmldirectorylist.jsp` with
`l`, `f`, `n` and `start`), which come by the page of 31. The entries are the lines of the
cluster's phones: CUCM lists its end users, of which there are none here. URLs lead back to the
address the phone asked, so that a lab needs no name server.

Before a phone obeys somebody's buttons it asks `/ccmcip/authenticate.jsp` with `UserID`, `Password`
and `devicename`: AUTHORIZED or UN-AUTHORIZED.

Source: cucm.md 4.1 (the URLs); seed 000 (the order of requests); the objects are those of Cisco's
XML services: CiscoIPPhoneMenu, CiscoIPPhoneInput, CiscoIPPhoneDirectory.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

__all__ = ["PAGE_SIZE", "DirectoryEntry", "directory_app", "search"]

PAGE_SIZE = 31
"""How many entries a page of results has, as phones show them."""

_NUMBER = re.compile(r"[0-9]{1,7}")
_FORM = (("First Name", "f", "A"), ("Last Name", "l", "A"), ("Number", "n", "T"))


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One entry: a name as it is shown, and a directory number."""

    name: str
    number: str


Entries = Callable[[], Iterable[DirectoryEntry]]
"""Returns the entries there are now."""


def directory_app(entries: Entries) -> Starlette:
    """Return the application that serves the directory's pages."""

    async def menu(request: Request) -> Response:
        target = f"{_base(request)}/xmldirectoryinput.jsp{_query_of(request)}"
        root = _object("CiscoIPPhoneMenu", Title="Directories", Prompt="Select a directory")
        _add(root, "MenuItem", Name="Corporate Directory", URL=target)
        return _xml(root)

    async def form(request: Request) -> Response:
        root = _object(
            "CiscoIPPhoneInput", Title="Directory Search", Prompt="Enter search criteria"
        )
        etree.SubElement(root, "URL").text = f"{_base(request)}/xmldirectorylist.jsp"
        for shown, parameter, flags in _FORM:
            _add(
                root,
                "InputItem",
                DisplayName=shown,
                QueryStringParam=parameter,
                InputFlags=flags,
                DefaultValue="",
            )
        return _xml(root)

    async def results(request: Request) -> Response:
        found = search(entries(), request.query_params)
        return _xml(_results(request, found))

    return Starlette(
        routes=[
            Route("/ccmcip/authenticate.jsp", authenticate),
            Route("/ccmcip/xmldirectory.jsp", menu),
            Route("/ccmcip/xmldirectoryinput.jsp", form),
            Route("/ccmcip/xmldirectorylist.jsp", results),
        ]
    )


async def authenticate(request: Request) -> Response:
    """Say whether a person may control a phone: anyone with a name and a password may."""
    asked = request.query_params
    complete = all(asked.get(name) for name in ("UserID", "Password", "devicename"))
    return PlainTextResponse("AUTHORIZED" if complete else "UN-AUTHORIZED")


def search(entries: Iterable[DirectoryEntry], wanted: Mapping[str, str]) -> list[DirectoryEntry]:
    """Return the entries that match, by name.

    `f` is how the name begins, `l` how one of its words begins, `n` how the number begins; case
    does not count, and what is empty matches all.
    """
    first, last = wanted.get("f", "").casefold(), wanted.get("l", "").casefold()
    number = wanted.get("n", "")
    found = [
        entry
        for entry in entries
        if entry.name.casefold().startswith(first)
        and any(word.startswith(last) for word in entry.name.casefold().split() or [""])
        and entry.number.startswith(number)
    ]
    return sorted(found, key=lambda entry: (entry.name.casefold(), entry.number))


def _results(request: Request, found: Sequence[DirectoryEntry]) -> etree._Element:
    """Return one page of results, with a soft key to the next while there is one."""
    start = _start_of(request.query_params.get("start", "1"))
    page = found[start - 1 : start - 1 + PAGE_SIZE]
    shown = f"Records {start} to {start - 1 + len(page)} of {len(found)}" if page else "No matches"
    root = _object("CiscoIPPhoneDirectory", Title="Directory", Prompt=shown)
    for entry in page:
        _add(root, "DirectoryEntry", Name=entry.name, Telephone=entry.number)
    _add(root, "SoftKeyItem", Name="Dial", URL="SoftKey:Dial", Position="1")
    _add(root, "SoftKeyItem", Name="Exit", URL="SoftKey:Exit", Position="3")
    if start - 1 + len(page) < len(found):
        url = str(request.url.include_query_params(start=start + PAGE_SIZE))
        _add(root, "SoftKeyItem", Name="Next", URL=url, Position="4")
    return root


def _start_of(text: str) -> int:
    """Return the number of the first entry wanted; 1 for what is no number."""
    return max(1, int(text)) if _NUMBER.fullmatch(text) else 1


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/ccmcip"


def _query_of(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""


def _object(tag: str, **children: str) -> etree._Element:
    root = etree.Element(tag)
    for name, text in children.items():
        etree.SubElement(root, name).text = text
    return root


def _add(root: etree._Element, tag: str, **children: str) -> None:
    root.append(_object(tag, **children))


def _xml(root: etree._Element) -> Response:
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Response(body, media_type="text/xml; charset=utf-8")
