"""The web pages of a phone, rendered from a `PhoneView`: HTML for people, XML for programs.

Paths of both generations (phone.md 3.6): `/CGI/Java/Serviceability?adapter=...`, the XML forms
`/DeviceInformationX` and so on, log files under `/FS/` (`messages...`, or `cache/logN.log` on a
79xx). Rows are laid out as on the real pages, for programs that read them with patterns:
`<TR><TD><B> ITL file</B></TD><td width=20></TD><TD><B>Installed</B></TD></TR>`. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from cucmsim.phone import xmlpages
from cucmsim.phone.rows import (
    Rows,
    device_rows,
    ethernet_rows,
    network_rows,
    port_rows,
    stream_rows,
)
from cucmsim.phone.values import Generation
from cucmsim.phone.view import PhoneView

__all__ = ["SERVICEABILITY", "Page", "page"]

SERVICEABILITY = "/CGI/Java/Serviceability"

_HTML = "text/html; charset=UTF-8"
_XML = "text/xml; charset=UTF-8"
_TEXT = "text/plain; charset=UTF-8"

_TABLES: Mapping[str, tuple[str, Callable[[PhoneView], Rows]]] = MappingProxyType(
    {
        "device.statistics.device": ("Device information", device_rows),
        "device.statistics.configuration": ("Network setup", network_rows),
        "device.statistics.ethernet": ("Ethernet information", ethernet_rows),
        "device.statistics.port.access": ("Access", port_rows),
        "device.statistics.port.network": ("Network", port_rows),
        **{
            f"device.statistics.streaming.{index}": (f"Stream {index + 1}", stream_rows)
            for index in range(5)
        },
    }
)
_MENU = (
    ("", (("Device information", "device.statistics.device"),)),
    ("", (("Network setup", "device.statistics.configuration"),)),
    (
        "Network statistics",
        (
            ("Ethernet information", "device.statistics.ethernet"),
            ("Access", "device.statistics.port.access"),
            ("Network", "device.statistics.port.network"),
        ),
    ),
    (
        "Device logs",
        (
            ("Console logs", "device.statistics.consolelog"),
            ("Core dumps", "device.statistics.coredumps"),
            ("Status messages", "device.settings.status.messages"),
            ("Debug display", "device.trace.display.alarm"),
        ),
    ),
    (
        "Streaming statistics",
        tuple(
            (f"Stream {index + 1}", f"device.statistics.streaming.{index}") for index in range(5)
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent for a path: HTTP status, media type and the body."""

    status: int
    media_type: str
    body: bytes


def page(view: PhoneView, path: str, query: str = "") -> Page:
    """Return what the phone answers for `path` and the raw `query`; status 404 when nothing."""
    if path.startswith("/FS/"):
        return _log_file(view, path)
    document = xmlpages.document(view, path, query)
    if document is not None:
        return Page(200, _XML, document.encode())
    adapter = _adapter(path, query)
    if adapter in _TABLES:
        title, rows = _TABLES[adapter]
        return _html(view, title, _table(rows(view)))
    content = _LISTS.get(adapter)
    if content is None:
        return Page(404, _HTML, b"<HTML><BODY><H1>404 Not Found</H1></BODY></HTML>\n")
    title, body = content
    return _html(view, title, body(view))


def _adapter(path: str, query: str) -> str:
    """Return which page is meant: the start page is the device's."""
    if path in {"/", "/index.html", "/DeviceInformation"}:
        return "device.statistics.device"
    if path == "/NetworkConfiguration":
        return "device.statistics.configuration"
    if path != SERVICEABILITY:
        return ""
    name, _, value = query.partition("=")
    return value if name == "adapter" else ""


def _log_file(view: PhoneView, path: str) -> Page:
    found = next((log for log in view.logs if f"{_log_directory(view)}{log.name}" == path), None)
    if found is None:
        return Page(404, _TEXT, b"404 Not Found\n")
    return Page(200, _TEXT, found.data)


def _log_directory(view: PhoneView) -> str:
    return "/FS/cache/" if view.identity.generation is Generation.SERIES_79XX else "/FS/"


def _table(rows: Rows) -> str:
    """Return rows as the real pages lay them out; scrapers depend on it."""
    lines = (
        f"<TR><TD><B> {escape(label)}</B></TD><td width=20></TD>"
        f"<TD><B>{escape(value)}</B></TD></TR>\n"
        for label, value in rows
    )
    return f"<TABLE BORDER=0>\n{''.join(lines)}</TABLE>\n"


def _messages(view: PhoneView) -> str:
    generation = view.identity.generation
    lines = (
        f"<TR><TD><B>{escape(message.format(generation))}</B></TD></TR>\n"
        for message in view.status.messages
    )
    return f"<TABLE BORDER=0>\n{''.join(lines)}</TABLE>\n"


def _console_logs(view: PhoneView) -> str:
    directory = _log_directory(view)
    lines = (
        f'<TR><TD><B><A HREF="{directory}{escape(log.name)}">{escape(log.name)}</A></B></TD></TR>\n'
        for log in view.logs
    )
    return f"<TABLE BORDER=0>\n{''.join(lines)}</TABLE>\n"


def _core_dumps(view: PhoneView) -> str:
    del view
    return "<TABLE BORDER=0>\n</TABLE>\n"


_LISTS: Mapping[str, tuple[str, Callable[[PhoneView], str]]] = MappingProxyType(
    {
        "device.statistics.consolelog": ("Console logs", _console_logs),
        "device.statistics.coredumps": ("Core dumps", _core_dumps),
        "device.settings.status.messages": ("Status messages", _messages),
        "device.trace.display.alarm": ("Debug display", _messages),
    }
)


def _html(view: PhoneView, title: str, content: str) -> Page:
    model, name = view.identity.model, view.identity.name
    text = (
        "<HTML>\n<HEAD>\n"
        '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">\n'
        "<TITLE>Cisco Systems, Inc.</TITLE>\n</HEAD>\n"
        '<BODY BGCOLOR="#FFFFFF" LINK="#003366" VLINK="#003366">\n'
        '<TABLE BORDER=0 WIDTH="100%" CELLSPACING=0 CELLPADDING=6 BGCOLOR="#003366">\n'
        f'<TR><TD ALIGN=CENTER><FONT COLOR="#FFFFFF" SIZE=5><B>{escape(title)}</B></FONT></TD></TR>'
        "\n"
        '<TR><TD ALIGN=CENTER><FONT COLOR="#FFFFFF" SIZE=4>'
        f"<B>Cisco IP Phone CP-{escape(model)} ( {escape(name)} )</B></FONT></TD></TR>\n</TABLE>\n"
        '<TABLE BORDER=0 CELLSPACING=0 CELLPADDING=8><TR>\n<TD VALIGN=TOP BGCOLOR="#E6E6E6" '
        f"WIDTH=190>\n{_menu()}</TD>\n<TD VALIGN=TOP>\n{content}</TD>\n"
        "</TR></TABLE>\n</BODY>\n</HTML>\n"
    )
    return Page(200, _HTML, text.encode())


def _menu() -> str:
    """Return the links to all pages, in groups with a heading or none."""
    groups = (
        "<BR>\n".join(
            (
                *((f"<B>{heading}</B>",) if heading else ()),
                *(
                    f'<A HREF="{SERVICEABILITY}?adapter={adapter}">{title}</A>'
                    for title, adapter in links
                ),
            )
        )
        for heading, links in _MENU
    )
    return "".join(f"<P>{group}</P>\n" for group in groups)
