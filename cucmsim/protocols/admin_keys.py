"""Keys of a terminal, read from its bytes.

Text is UTF-8; what is not becomes U+FFFD. CR, LF, CR LF and CR NUL are one Enter each. Cursor keys
come as `ESC [ A` or `ESC O A`; sequences that mean nothing here are swallowed whole, also when
they arrive in pieces.
"""

import codecs
import re
from enum import StrEnum

__all__ = ["Key", "KeyReader", "Stroke"]


class Key(StrEnum):
    """A key that is not a character."""

    ENTER = "enter"
    TAB = "tab"
    BACKSPACE = "backspace"
    DELETE = "delete"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    HOME = "home"
    END = "end"
    KILL_LINE = "kill line"
    KILL_END = "kill to the end"
    KILL_WORD = "kill word"
    REDRAW = "redraw"
    INTERRUPT = "interrupt"
    END_OF_INPUT = "end of input"


Stroke = Key | str
"""A key, or one character."""

_CONTROLS = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\t": Key.TAB,
    "\x08": Key.BACKSPACE,
    "\x7f": Key.BACKSPACE,
    "\x01": Key.HOME,
    "\x02": Key.LEFT,
    "\x03": Key.INTERRUPT,
    "\x04": Key.END_OF_INPUT,
    "\x05": Key.END,
    "\x06": Key.RIGHT,
    "\x0b": Key.KILL_END,
    "\x0c": Key.REDRAW,
    "\x0e": Key.DOWN,
    "\x10": Key.UP,
    "\x15": Key.KILL_LINE,
    "\x17": Key.KILL_WORD,
}
_SEQUENCES = {
    "A": Key.UP,
    "B": Key.DOWN,
    "C": Key.RIGHT,
    "D": Key.LEFT,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "3~": Key.DELETE,
    "4~": Key.END,
    "7~": Key.HOME,
    "8~": Key.END,
}
_SEQUENCE = re.compile(r"\x1b(?:\[([0-?]*[ -/]*[@-~])|O([ -~])|[ -NP-Z\\-~])")
_BROKEN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?(?=[^ -~])")
_LONGEST = 32


class KeyReader:
    """Turns bytes into keys, however they are cut."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._after_return = False

    def read(self, data: bytes) -> list[Stroke]:
        """Return the keys that `data` completes."""
        text = self._rest + self._decoder.decode(data)
        strokes: list[Stroke] = []
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                strokes += self._plain(text[place])
                place += 1
                continue
            self._after_return = False
            found = _SEQUENCE.match(text, place) or _BROKEN.match(text, place)
            if found is None and len(text) - place < _LONGEST:
                break
            strokes += () if found is None else _meaning(found)
            place += 1 if found is None else len(found.group())
        self._rest = text[place:]
        return strokes

    def _plain(self, character: str) -> list[Stroke]:
        """Return what one character means: nothing for the second half of CR LF and CR NUL."""
        follows, self._after_return = self._after_return, character == "\r"
        if follows and character in "\n\0":
            return []
        if character in _CONTROLS:
            return [_CONTROLS[character]]
        return [character] if character.isprintable() else []


def _meaning(found: re.Match[str]) -> list[Stroke]:
    key = _SEQUENCES.get("".join(filter(None, found.groups())))
    return [] if key is None else [key]
