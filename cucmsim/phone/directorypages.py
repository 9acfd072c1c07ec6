"""What a phone shows of the XML objects of its services, the directory above all.

CiscoIPPhoneMenu, CiscoIPPhoneInput, CiscoIPPhoneDirectory, CiscoIPPhoneText and CiscoIPPhoneError
are understood; anything else is refused. URLs of items are made absolute against that of the page.
Source: seed 000 (the order of requests), Cisco's XML services. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from lxml import etree

from cucmsim.errors import FormatError
from cucmsim.phone.xmlvalues import parse_xml, text

__all__ = [
    "PAGE_LIMIT",
    "DirectoryScreen",
    "InputField",
    "ScreenEntry",
    "ScreenItem",
    "named_url",
    "parse_page",
    "search_url",
    "with_parameters",
]

PAGE_LIMIT = 64 * 1024
"""Bytes of a page that a phone takes."""

_DEVICE_NAME = "#DEVICENAME#"


@dataclass(frozen=True, slots=True)
class ScreenItem:
    """Something to choose, by its number in a menu or as a soft key: a name and where it leads."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class InputField:
    """A field of a form: the name shown, the parameter it fills, and what stands in it first."""

    name: str
    parameter: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class ScreenEntry:
    """An entry of a directory."""

    name: str
    number: str


@dataclass(frozen=True, slots=True)
class DirectoryScreen:
    """What the phone's screen shows.

    `failure` is what it says where no page can be shown, such as `Host Not Found`, and `reason`
    why that is, which a real screen keeps to itself; `is_unreachable`: nobody answered. `target` is
    where a form leads.
    """

    url: str = ""
    title: str = ""
    prompt: str = ""
    text: str = ""
    items: tuple[ScreenItem, ...] = ()
    fields: tuple[InputField, ...] = ()
    entries: tuple[ScreenEntry, ...] = ()
    soft_keys: tuple[ScreenItem, ...] = ()
    target: str = ""
    failure: str = ""
    reason: str = ""
    is_unreachable: bool = False

    def lines(self) -> Iterator[str]:
        """Return the screen as lines of text."""
        if self.failure:
            yield self.failure
            return
        yield self.title
        for number, item in enumerate(self.items, 1):
            yield f"  {number} {item.name}"
        for field in self.fields:
            yield f"  {field.name}: {field.default}".rstrip()
        for entry in self.entries:
            yield f"  {entry.name}  {entry.number}".rstrip()
        yield from (f"  {line}" for line in self.text.splitlines())
        if self.prompt:
            yield self.prompt
        if self.soft_keys:
            yield "  ".join(f"[{key.name}]" for key in self.soft_keys)


def parse_page(data: bytes, url: str) -> DirectoryScreen:
    """Return what the page of `url` shows. Raises FormatError."""
    root = parse_xml(data, PAGE_LIMIT)
    if root.tag == "CiscoIPPhoneError":
        return DirectoryScreen(url, failure=f"Error [{text(root, '@Number') or '?'}]")
    known = ("Menu", "Input", "Directory", "Text")
    if root.tag not in {f"CiscoIPPhone{kind}" for kind in known}:
        kinds = ", ".join(known)
        raise FormatError(f"found {root.tag!r}, expected a CiscoIPPhone object: {kinds}", 0)
    return DirectoryScreen(
        url=url,
        title=text(root, "Title"),
        prompt=text(root, "Prompt"),
        text=text(root, "Text"),
        items=_items(root, "MenuItem", url),
        fields=tuple(
            InputField(
                text(item, "DisplayName"),
                text(item, "QueryStringParam"),
                text(item, "DefaultValue"),
            )
            for item in root.iterchildren("InputItem")
        ),
        entries=tuple(
            ScreenEntry(text(item, "Name"), text(item, "Telephone"))
            for item in root.iterchildren("DirectoryEntry")
        ),
        soft_keys=_items(root, "SoftKeyItem", url),
        target=_absolute(url, text(root, "URL")),
    )


def _items(root: etree._Element, tag: str, url: str) -> tuple[ScreenItem, ...]:
    return tuple(
        ScreenItem(text(item, "Name"), _absolute(url, text(item, "URL")))
        for item in root.iterchildren(tag)
    )


def _absolute(base: str, url: str) -> str:
    """Return a URL as it is meant on the page `base`. Raises FormatError for one that is none."""
    try:
        return urljoin(base, url) if url else ""
    except ValueError as error:
        raise FormatError(f"found URL {url!r} ({error})", 0) from error


def search_url(screen: DirectoryScreen, values: Mapping[str, str]) -> str:
    """Return where the form leads when `values`, by parameter, are typed into it."""
    filled = {field.parameter: field.default for field in screen.fields} | dict(values)
    return with_parameters(screen.target, filled)


def named_url(url: str, device_name: str) -> str:
    """Return the URL that the directory button asks: the phone says who it is.

    Seed 000: `…/xmldirectoryinput.jsp?name=SEP0011215A1AE3` follows `…/xmldirectory.jsp`.
    """
    if _DEVICE_NAME in url:
        return url.replace(_DEVICE_NAME, device_name)
    return with_parameters(url, {"name": device_name})


def with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Return `url` with parameters added to its query; one that is there already is kept."""
    parts = urlsplit(url)
    there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in parameters.items() if name not in there})
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))
