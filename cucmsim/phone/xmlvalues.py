"""Read values out of XML as a phone does: leniently where real files demand it, else not at all.

The one fault passed over is a prefix that is used but not declared, which real SIP files have.
`text`, `flag` and `number` take an element, or None where a parent is missing, and a path below it.
"""

from collections.abc import Iterable

from lxml import etree

from cucmsim.errors import FormatError

__all__ = [
    "XmlValueError",
    "children",
    "flag",
    "number",
    "offset_of_line",
    "parse_xml",
    "priority",
    "refusal",
    "text",
]

_UNDECLARED_PREFIX = etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE
_TRUE = {"true", "1"}
_FALSE = {"false", "0"}
_MAX_PORT = 65_535
_MAX_DIGITS = 18


class XmlValueError(ValueError):
    """A value that is not what its element should hold, at `line` of the file."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse_xml(data: bytes, size_limit: int) -> etree._Element:
    """Return the root element of `data`. Raises FormatError."""
    if len(data) > size_limit:
        raise FormatError(f"found {len(data)} bytes, expected at most {size_limit}", size_limit)
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise FormatError(f"found no XML ({error}), expected a configuration file", 0) from error
    for entry in parser.error_log:
        if entry.type != _UNDECLARED_PREFIX:
            raise FormatError(
                f"found XML that is not well-formed: {entry.message.strip()}",
                offset_of_line(data, entry.line),
            )
    if root is None:
        raise FormatError("found nothing, expected a configuration file", 0)
    if root.getroottree().docinfo.internalDTD is not None:
        raise FormatError("found a document type declaration, expected none", 0)
    return root


def text(parent: etree._Element | None, path: str = ".") -> str:
    """Return the text at `path`, stripped; empty where there is none. `@name` is an attribute."""
    if parent is None:
        return ""
    if path.startswith("@"):
        return parent.get(path[1:], "").strip()
    return (parent.findtext(path) or "").strip()


def flag(parent: etree._Element | None, path: str, *, default: bool) -> bool:
    """Return the truth value at `path`. Raises XmlValueError for other words."""
    found = text(parent, path).lower()
    if not found:
        return default
    if found not in _TRUE | _FALSE:
        raise refusal(parent, path, f"found {found[:20]!r}, expected true or false")
    return found in _TRUE


def number(parent: etree._Element | None, path: str, default: int, *, is_port: bool = False) -> int:
    """Return the whole number at `path`. Raises XmlValueError for what is none, or no port."""
    found = text(parent, path)
    if not found:
        return default
    if not _is_number(found):
        raise refusal(parent, path, f"found {found[:20]!r}, expected a number")
    value = int(found)
    if is_port and not 0 < value <= _MAX_PORT:
        raise refusal(parent, path, f"found {value}, expected a port")
    return value


def children(parent: etree._Element | None, path: str = ".") -> tuple[etree._Element, ...]:
    """Return the elements below `path`, without comments; none where `path` is missing."""
    if parent is None or (found := parent.find(path)) is None:
        return ()
    return tuple(found.iterchildren(tag=etree.Element))


def priority(members: Iterable[etree._Element]) -> list[etree._Element]:
    """Return members in the order of their attribute `priority`, else as they stand."""
    ranked = enumerate(members)
    return [member for _, member in sorted(ranked, key=lambda item: _rank(*item))]


def _rank(position: int, member: etree._Element) -> int:
    given = text(member, "@priority")
    return int(given) if _is_number(given) else position


def _is_number(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS


def refusal(parent: etree._Element | None, path: str, message: str) -> XmlValueError:
    """Return the error for what stands at `path`."""
    found = None if parent is None or path.startswith("@") else parent.find(path)
    element = parent if found is None else found
    line = 0 if element is None else element.sourceline
    return XmlValueError(
        f"{path.rpartition('/')[2]}: {message}", line if isinstance(line, int) else 0
    )


def offset_of_line(data: bytes, line: int) -> int:
    """Return the offset where `line` (from 1) begins."""
    return sum(len(part) for part in data.splitlines(keepends=True)[: max(line, 1) - 1])
