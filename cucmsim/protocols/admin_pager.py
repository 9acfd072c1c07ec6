"""The pager of the command line: a screenful at a time.

Source: cucm.md 1.1, with the prompt's escapes. What takes the prompt away again is not known: CR
and `ESC[K` here; a dumb terminal gets the prompt without escapes, and blanks over it.
"""

from cucmsim.protocols.admin_editor import Terminal, cells

__all__ = ["Pager"]

_WORDS = "Press <enter> for 1 line, <space> for one page, or <q> to quit"


class Pager:
    """Lets through as many lines as the screen has room for, and keeps the rest."""

    def __init__(self, terminal: Terminal, *, is_on: bool) -> None:
        self.terminal = terminal
        self._is_on = is_on and not terminal.is_pipe
        self._room = terminal.page
        self._held = ""
        self._line = ""
        self._is_refused = False

    @property
    def is_holding(self) -> bool:
        """Whether something waits for a key."""
        return bool(self._held)

    @property
    def prompt(self) -> str:
        """What stands on the last row meanwhile."""
        return _WORDS if self.terminal.is_dumb else f"\x1b[1m{_WORDS}\x1b[0m\x1b[K"

    @property
    def erased(self) -> str:
        """What takes the prompt away."""
        return f"\r{' ' * len(_WORDS)}\r" if self.terminal.is_dumb else "\r\x1b[K"

    def take(self, text: str) -> str:
        """Return what of `text` is shown now; the rest is held."""
        if self._is_refused:
            return ""
        if not self._is_on:
            return text
        self._held += text
        return self._let_through()

    def one_line(self) -> str:
        """Return the next line."""
        self._room = 1
        return self._let_through()

    def one_page(self) -> str:
        """Return the next page."""
        self._room = self.terminal.page
        return self._let_through()

    def refuse(self) -> None:
        """Show nothing more of this output."""
        self._held, self._is_refused = "", True

    def restart(self) -> None:
        """Show again, a whole page: the person has just read and answered a question."""
        self._room, self._is_refused = self.terminal.page, False

    def _let_through(self) -> str:
        shown = ""
        while self._held and self._room > 0:
            line, newline, rest = self._held.partition("\n")
            self._line += line
            shown, self._held = shown + line + newline, rest
            if newline:
                self._room -= max(1, -(-cells(self._line.expandtabs()) // self.terminal.width))
                self._line = ""
        return shown
