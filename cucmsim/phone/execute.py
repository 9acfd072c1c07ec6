"""Buttons pressed from afar: `POST /CGI/Execute` with a `CiscoIPPhoneExecute` document.

Of all that a real phone takes, this one knows the buttons Directories and Settings, and in the
settings the keys `* * #`, which unlock them, and `* * # * *`, which reset the phone; in unlocked
settings the soft key Erase erases CTL and ITL. Anything else is refused in the answer, item by
item. Up to three items are taken, in order of priority. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from cucmsim.errors import FormatError
from cucmsim.formats.phoneblocks import DECLARATION, escape
from cucmsim.phone.xmlvalues import XmlValueError, children, number, parse_xml

__all__ = [
    "ACCEPTED",
    "Button",
    "ExecuteError",
    "ExecuteResult",
    "Keypad",
    "error_document",
    "parse_execute",
    "response_document",
]

_SIZE_LIMIT = 8 * 1024
_ITEMS = 3
_KEYS = {f"Key:KeyPad{digit}": str(digit) for digit in range(10)} | {
    "Key:KeyPadStar": "*",
    "Key:KeyPadPound": "#",
}
_ERASE = "Key:Soft4"
_UNLOCK = "**#"
_RESET = "**#**"


class Button(StrEnum):
    """What pressing buttons came to."""

    DIRECTORIES = "directories"
    SETTINGS = "settings"
    UNLOCK = "unlock settings"
    RESET = "reset"
    ERASE = "erase CTL and ITL"
    KEY = "key"


class ExecuteError(StrEnum):
    """`Number` of a `CiscoIPPhoneError`."""

    PARSING = "1"
    FRAMING = "2"
    INTERNAL = "3"
    AUTHENTICATION = "4"


@dataclass(frozen=True, slots=True)
class ExecuteResult:
    """What became of one item: its URL, a status (0 done, 1 refused) and a word on it."""

    url: str
    status: int
    data: str


ACCEPTED = "Success"


class Keypad:
    """Makes buttons out of keys; it remembers whether the settings are open and what was typed."""

    def __init__(self) -> None:
        self._in_settings = self._is_unlocked = False
        self._typed = ""

    def press(self, url: str) -> Button | None:
        """Return what the key of `url` does; None when this phone does not know it."""
        if url in _KEYS:
            return self._type(_KEYS[url])
        self._typed = ""
        if url == _ERASE:
            return Button.ERASE if self._is_unlocked else None
        self._is_unlocked = False
        self._in_settings = url == "Key:Settings"
        if self._in_settings:
            return Button.SETTINGS
        return Button.DIRECTORIES if url == "Key:Directories" else None

    def _type(self, key: str) -> Button:
        typed = self._typed + key
        self._typed = typed[-len(_RESET) :]
        if not self._in_settings:
            return Button.KEY
        if self._typed == _RESET:
            self._typed = ""
            return Button.RESET
        if self._typed.endswith(_UNLOCK):
            self._is_unlocked = True
            return Button.UNLOCK
        return Button.KEY


def parse_execute(document: bytes) -> tuple[str, ...]:
    """Return the URLs of a `CiscoIPPhoneExecute`, by priority. Raises FormatError."""
    root = parse_xml(document, _SIZE_LIMIT)
    if root.tag != "CiscoIPPhoneExecute":
        raise FormatError(f"found root element {root.tag!r}, expected CiscoIPPhoneExecute", 0)
    items = [item for item in children(root) if item.tag == "ExecuteItem"]
    if not 0 < len(items) <= _ITEMS:
        raise FormatError(f"found {len(items)} items, expected 1 to {_ITEMS}", 0)
    try:
        items.sort(key=lambda item: number(item, "@Priority", 0))
    except XmlValueError as error:
        raise FormatError(str(error), 0) from error
    return tuple(item.get("URL", "") for item in items)


def response_document(results: tuple[ExecuteResult, ...]) -> str:
    """Return the `CiscoIPPhoneResponse` for what became of the items."""
    items = "".join(
        f'<ResponseItem Status="{result.status}" Data="{escape(result.data)}" '
        f'URL="{escape(result.url)}"/>\n'
        for result in results
    )
    return f"{DECLARATION}<CiscoIPPhoneResponse>\n{items}</CiscoIPPhoneResponse>\n"


def error_document(error: ExecuteError) -> str:
    """Return the `CiscoIPPhoneError`."""
    return f'{DECLARATION}<CiscoIPPhoneError Number="{error}"/>\n'
