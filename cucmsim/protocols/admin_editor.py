r"""One line being typed: what is in it, and what the terminal is sent to show it.

A character typed at the end is echoed as it is and a backspace as `\b \b`, so a program that reads
along sees what it sent. Anything else is the shortest rewrite: back to the first difference, the
new text, blanks over what was longer, back to the cursor. On a terminal that knows escape
sequences a line may be longer than the screen is wide; a dumb one gets backspaces and nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum
from unicodedata import combining, east_asian_width

from cucmsim.protocols.admin_keys import Key, Stroke

__all__ = ["BELL", "Echo", "LineEditor", "Terminal", "cells"]

BELL = "\a"
_LONGEST_LINE = 8192
_DUMB = frozenset({"", "dumb", "unknown", "network"})
_ROWS, _COLUMNS = 24, 80


class Echo(StrEnum):
    """What is shown of what is typed."""

    TEXT = "text"
    STARS = "stars"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Terminal:
    """The client's terminal. `kind` is its TERM; None is a pipe, which gets neither echo nor pager.

    `ssh -tt` from a script asks for a terminal of no size: that one gets 80 columns and 24 rows.
    """

    kind: str | None = "vt100"
    columns: int = _COLUMNS
    rows: int = _ROWS

    @property
    def is_pipe(self) -> bool:
        """Whether there is no terminal at all."""
        return self.kind is None

    @property
    def is_dumb(self) -> bool:
        """Whether escape sequences mean nothing to it."""
        return self.kind is None or self.kind in _DUMB

    @property
    def width(self) -> int:
        """Columns, at least 2."""
        return max(self.columns or _COLUMNS, 2)

    @property
    def page(self) -> int:
        """How many lines stand above the pager's prompt."""
        return max((self.rows or _ROWS) - 1, 1)


def cells(text: str) -> int:
    """Return how many columns `text` takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 1 + (east_asian_width(one) in ("W", "F")) for one in text)


class LineEditor:
    """Holds a line while it is typed, after a prompt whose last line is `prompt`."""

    def __init__(self, terminal: Terminal, prompt: str, echo: Echo = Echo.TEXT) -> None:
        self.text = ""
        self.prompt = prompt
        self._terminal = terminal
        self._echo = echo
        self._cursor = 0

    @property
    def before_cursor(self) -> str:
        """What stands left of the cursor."""
        return self.text[: self._cursor]

    def resize(self, terminal: Terminal) -> None:
        """Draw for another width from now on."""
        self._terminal = terminal

    def redrawn(self) -> str:
        """Return prompt and line, to be shown again on a fresh row."""
        text, cursor = self.text, self._cursor
        self.text, self._cursor = "", 0
        return self.prompt + self._show(text, cursor)

    def press(self, stroke: Stroke) -> str:
        """Apply an editing key or a character; return what the terminal is sent."""
        if not isinstance(stroke, Key):
            return self.insert(stroke)
        text, cursor = self._edited(stroke)
        return BELL if (text, cursor) == (self.text, self._cursor) else self._show(text, cursor)

    def insert(self, added: str) -> str:
        """Insert text at the cursor; a line that would be too long rings the bell."""
        if len(self.text) + len(added) > _LONGEST_LINE:
            return BELL
        cursor = self._cursor
        if cursor == len(self.text):
            return self._append(added)
        text = self.text[:cursor] + added + self.text[cursor:]
        return self._show(text, cursor + len(added))

    def replace(self, text: str) -> str:
        """Show another line in place of this one, the cursor at its end."""
        return self._show(text, len(text))

    def to_end(self) -> str:
        """Put the cursor behind the last character."""
        return self._show(self.text, len(self.text))

    def _append(self, added: str) -> str:
        """Add to the end: what nearly every key does."""
        self.text += added
        self._cursor = len(self.text)
        drawn = "" if self._terminal.is_pipe else self._shown(added)
        return drawn + self._wrapped(self._column(self._shown(self.text)), drawn)

    def _edited(self, key: Key) -> tuple[str, int]:
        """Return text and cursor after an editing key; a key that edits nothing changes nothing."""
        text, cursor = self.text, self._cursor
        match key:
            case Key.BACKSPACE:
                start = max(cursor - 1, 0)
                return text[:start] + text[cursor:], start
            case Key.DELETE:
                return text[:cursor] + text[cursor + 1 :], cursor
            case Key.KILL_LINE:
                return "", 0
            case Key.KILL_END:
                return text[:cursor], cursor
            case Key.KILL_WORD:
                start = text[:cursor].rstrip().rfind(" ") + 1
                return text[:start] + text[cursor:], start
            case _:
                return text, self._moved(key)

    def _moved(self, key: Key) -> int:
        places = {
            Key.LEFT: max(self._cursor - 1, 0),
            Key.RIGHT: min(self._cursor + 1, len(self.text)),
            Key.HOME: 0,
            Key.END: len(self.text),
        }
        return places.get(key, self._cursor)

    def _show(self, text: str, cursor: int) -> str:
        """Make the line `text` with its cursor there; return what brings the screen to that."""
        old, here = self._shown(self.text), len(self._shown(self.before_cursor))
        self.text, self._cursor = text, cursor
        new, there = self._shown(text), len(self._shown(self.before_cursor))
        if self._terminal.is_pipe:
            return ""
        if new == old and there >= here:
            return new[here:there]
        start = min(_common(old, new), here)
        drawn = new[start:] + " " * max(cells(old) - cells(new), 0)
        if new == old:
            start, drawn = here, ""
        end = self._column(new[:start]) + cells(drawn)
        return (
            self._back(self._column(old[:here]), self._column(new[:start]))
            + drawn
            + self._wrapped(end, drawn)
            + self._back(end, self._column(new[:there]))
        )

    def _shown(self, text: str) -> str:
        if self._echo is Echo.NOTHING:
            return ""
        return "*" * len(text) if self._echo is Echo.STARS else text

    def _column(self, text: str) -> int:
        """Return the place behind `text`, counted from the first column of the prompt's row."""
        return cells(self.prompt) % self._terminal.width + cells(text)

    def _wrapped(self, end: int, drawn: str) -> str:
        """Go to the next row when the last column was written: terminals wait there otherwise."""
        full = bool(drawn) and end % self._terminal.width == 0
        return " \r" if full and not self._terminal.is_dumb else ""

    def _back(self, start: int, end: int) -> str:
        """Go back from one place to another."""
        width = self._terminal.width
        rows = start // width - end // width
        if rows == 0 or self._terminal.is_dumb:
            return "\b" * (start - end)
        column = end % width
        return f"\x1b[{rows}A\r" + (f"\x1b[{column}C" if column else "")


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike, by halving: lines may be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
