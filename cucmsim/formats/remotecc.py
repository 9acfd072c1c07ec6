"""What phone and server tell each other of their features: the bodies of REGISTER and its answer.

A first REGISTER carries two XML parts: "register all my lines with this one" and the options the
phone offers; the 200 answers with a selection of them. Only element names and their nesting matter,
so an offer is read as the set of what it names.
Source: a 7821 with 12.1.1 at CUCM 11.5. Vectors: tests/vectors/sip/register.sip, register-ok.sip.
"""

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from cucmsim.errors import FormatError
from cucmsim.formats.sip import Header, Message
from cucmsim.formats.sip_multipart import Part, bodies_of, format_multipart

__all__ = [
    "BOUNDARY",
    "BULK_REGISTER",
    "OPTIONS_INDICATION",
    "REQUEST_TYPE",
    "RESPONSE_TYPE",
    "RemoteccOffer",
    "format_register_response",
    "parse_offer",
    "parse_xml",
    "register_body",
]

REQUEST_TYPE: Final = "application/x-cisco-remotecc-request+xml"
RESPONSE_TYPE: Final = "application/x-cisco-remotecc-response+xml"
BOUNDARY: Final = "uniqueBoundary"

BULK_REGISTER: Final = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<x-cisco-remotecc-request>
<bulkregisterreq>
<contact all="true">
<register></register>
</contact>
</bulkregisterreq>
</x-cisco-remotecc-request>
"""
"""One REGISTER for all lines."""

OPTIONS_INDICATION: Final = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<x-cisco-remotecc-request>
  <optionsind>
    <combine max="6">
      <remotecc>
        <status></status>
      </remotecc>
      <service-control></service-control>
    </combine>
    <dialog usage="hook status">
      <unot></unot>
      <sub></sub>
    </dialog>
    <dialog usage="shared line">
      <unot></unot>
      <sub></sub>
    </dialog>
    <presence usage="blf speed dial">
      <unot></unot>
      <sub></sub>
    </presence>
    <joinreq></joinreq>
    <cfwdall-anyline></cfwdall-anyline>
    <coaching></coaching>
    <oosalarm></oosalarm>
    <rpid-orig-called></rpid-orig-called>
    <x-cisco-number></x-cisco-number>
    <bfcp></bfcp>
    <ix></ix>
    <gatewayrecording></gatewayrecording>
    <conferenceDisplayInstance></conferenceDisplayInstance>
  </optionsind>
</x-cisco-remotecc-request>"""
"""What a phone of the 78xx and 88xx offers."""

_SELECTION: Final = (
    (
        "combine",
        '<combine max="6">\n<remotecc><status/></remotecc>\n<service-control/>\n</combine>\n',
    ),
    ("dialog hook status", '<dialog usage="hook status"><unot/></dialog>\n'),
    ("dialog shared line", '<dialog usage="shared line"><unot/></dialog>\n'),
    ("presence blf speed dial", '<presence usage="blf speed dial"><unot/></presence>\n'),
    ("joinreq", "<joinreq></joinreq>\n"),
    ("ix", "<ix/>\n"),
    ("bfcp", "<bfcp/>\n"),
)
"""What the server takes of an offer, in its order."""


@dataclass(frozen=True, slots=True)
class RemoteccOffer:
    """What the body of a REGISTER says.

    `options` are the names below `optionsind`, followed by the usage where one is given.
    """

    all_lines: bool = False
    options: frozenset[str] = field(default=frozenset())


def register_body() -> bytes:
    """Return the body of a first REGISTER: both parts, 1313 bytes."""
    headers = (
        Header("Content-Type", REQUEST_TYPE),
        Header("Content-Disposition", "session;handling=optional"),
    )
    parts = (Part(headers, BULK_REGISTER), Part(headers, OPTIONS_INDICATION))
    return format_multipart(parts, BOUNDARY)


def parse_offer(message: Message) -> RemoteccOffer:
    """Read what the body of a REGISTER says; other types are passed over. Raises FormatError."""
    all_lines, options = False, set[str]()
    for part in bodies_of(message):
        if part.content_type != REQUEST_TYPE:
            continue
        root = parse_xml(part.body, "x-cisco-remotecc-request")
        all_lines = (
            all_lines or root.find("bulkregisterreq/contact[@all='true']/register") is not None
        )
        for indication in root.iterfind("optionsind"):
            options.update(_name_of(option) for option in indication.iterchildren("*"))
    return RemoteccOffer(all_lines, frozenset(options))


def _name_of(option: etree._Element) -> str:
    return " ".join((str(option.tag), *option.get("usage", "").split()))


def format_register_response(offer: RemoteccOffer) -> bytes:
    """Return the body of the 200: the selection of what was offered."""
    taken = "".join(text for name, text in _SELECTION if name in offer.options)
    return (
        "<x-cisco-remotecc-response>\n<response>\n<code>200</code>\n"
        f"<optionsind>\n{taken}</optionsind>\n"
        "</response>\n</x-cisco-remotecc-response>\n\r\n"
    ).encode()


def parse_xml(data: bytes, root_name: str) -> etree._Element:
    """Read XML that came over the network: no entities, no outside files, nothing huge.

    Raises FormatError, also when the root element is not `root_name`.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data.strip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FormatError(f"XML that cannot be read: {str(error)[:80]}", 0) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise FormatError("XML with a document type", 0)
    if root.tag != root_name:
        raise FormatError(f"XML of {str(root.tag)[:40]!r}, expected {root_name}", 0)
    return root
