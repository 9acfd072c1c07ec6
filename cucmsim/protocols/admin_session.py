r"""A session of the command line as the server sees it: a terminal's bytes in, commands out.

    session.start(banner)              the banner and the first prompt
    CommandEntered("show itl")         a line; then any number of
    session.write(text)                    output, which the pager may hold: OutputResumed follows
    session.ask(Question(...))             a question: Answered follows
    session.finish()                   the next prompt

What is typed while a command runs is kept for the next prompt, Ctrl-C apart, which is `Interrupted`
at once and forgets the rest. `?` and Tab are answered here, from the grammar. Lines end in CR LF; a
client without a terminal gets LF, no echo and no pager, and its session ends with its input.

Source: cucm.md 1.1 (prompt, pager, session time-out, running number).
"""

import re
from collections import deque
from collections.abc import Iterable
from enum import Enum, auto

from cucmsim.errors import LocalProtocolError, RemoteProtocolError
from cucmsim.protocols.admin_editor import BELL, Echo, LineEditor, Terminal
from cucmsim.protocols.admin_events import (
    Answered,
    CommandEntered,
    EndReason,
    Event,
    Interrupted,
    OutputResumed,
    Question,
    SessionEnded,
    SessionSettings,
)
from cucmsim.protocols.admin_grammar import Grammar
from cucmsim.protocols.admin_history import History
from cucmsim.protocols.admin_keys import Key, KeyReader, Stroke
from cucmsim.protocols.admin_pager import Pager

__all__ = ["AdminSession", "State"]

PROMPT = "admin:"
_MOST_STROKES = 1_000_000
_BOLD = re.compile(r"\x1b\[[0-9;]*m")
"""What switches bold on and off, which means nothing to a dumb terminal."""
_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\n\t"}


class State(Enum):
    """What a key does next."""

    NEW = auto()
    PROMPT = auto()
    RUNNING = auto()
    ASKING = auto()
    PAGING = auto()
    CLOSED = auto()


_ALLOWED = {
    "start": (State.NEW,),
    "write": (State.RUNNING,),
    "ask": (State.RUNNING,),
    "finish": (State.RUNNING, State.ASKING, State.PAGING),
}
"""When our own side may do what."""


class AdminSession:
    """One client's session; the module's head shows the calls."""

    def __init__(self, grammar: Grammar, terminal: Terminal, settings: SessionSettings) -> None:
        self.state = State.NEW
        self.settings = settings
        self._grammar = grammar
        self._terminal = terminal
        self._keys = KeyReader()
        self._strokes: deque[Stroke] = deque()
        self._events: deque[Event] = deque()
        self._output: list[str] = []
        self._history = History()
        self._editor = LineEditor(terminal, PROMPT)
        self._question = Question("")
        self._pager = Pager(terminal, is_on=True)
        self._row = ""
        self._is_single = False
        self._active = 0.0

    @property
    def terminal(self) -> Terminal:
        """The client's terminal as it is now."""
        return self._terminal

    # what the client does

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes of the client.

        Raises:
            RemoteProtocolError: it typed a million keys ahead.

        """
        strokes = self._keys.read(data)
        self._active = now
        if len(self._strokes) + len(strokes) > _MOST_STROKES:
            raise RemoteProtocolError(f"found more than {_MOST_STROKES} keys typed ahead")
        self._add(strokes)
        self._advance()

    def receive_eof(self) -> None:
        """Note that the client sends nothing more; what it sent is still worked off."""
        self.settings.has_ended_input = True
        self._advance()

    def resize(self, terminal: Terminal) -> None:
        """Note that the client's window has another size."""
        self._terminal = self._pager.terminal = terminal
        self._editor.resize(terminal)

    def next_event(self) -> Event | None:
        """Return what happened next; None when nothing did."""
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> bytes:
        """Return what the client is sent now."""
        text = "".join(self._output)
        self._output.clear()
        if not self._terminal.is_pipe:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return text.encode(errors="replace")

    def next_timeout(self) -> float | None:
        """Return when the session is over if no key is pressed; None while a command runs."""
        if self.state in (State.NEW, State.RUNNING, State.CLOSED) or not self.settings.timeout_s:
            return None
        return self._active + self.settings.timeout_s

    def handle_timeout(self, now: float) -> None:
        """End the session if its time is over."""
        due = self.next_timeout()
        if due is not None and now >= due:
            self._output.append("\n")
            self._end(EndReason.TIMEOUT)

    # what our own side does

    def start(self, banner: str, now: float) -> None:
        """Send the banner and the first prompt."""
        self._check("start")
        self._output.append(banner)
        self._prompt(now)
        self._advance()

    def start_command(self, line: str, now: float) -> None:
        """Begin with a command that was given otherwise: it is run, and the session ends."""
        self._check("start")
        self._is_single, self._active = True, now
        self._run(line)

    def write(self, text: str) -> None:
        """Send output of the running command; control characters but LF and TAB are left out."""
        self._check("write")
        self._show(self._pager.take(text.translate(_CONTROLS)))
        self._page()
        self._advance()

    def ask(self, question: Question) -> None:
        """Ask what the running command wants to know."""
        self._check("ask")
        self._pager.restart()
        self.state, self._question = State.ASKING, question
        self._show(_BOLD.sub("", question.prompt) if self._terminal.is_dumb else question.prompt)
        self._editor = LineEditor(self._terminal, self._row, question.echo)
        self._advance()

    def finish(self, now: float) -> None:
        """Show the next prompt: the command is over."""
        self._check("finish")
        if self.state is State.PAGING:
            self._output.append(self._pager.erased)
        if self._row:
            self._show("\n")
        self.settings.commands += 1
        if self._is_single:
            self._end(EndReason.LEFT)
            return
        self._prompt(now)
        self._advance()

    def close(self) -> None:
        """End the session: the command that ran was the last."""
        self._end(EndReason.LEFT)

    def _check(self, action: str) -> None:
        if self.state not in _ALLOWED[action]:
            raise LocalProtocolError(f"cannot {action} while {self.state.name}")

    # keys

    def _add(self, strokes: Iterable[Stroke]) -> None:
        """Queue keys; Ctrl-C overtakes what was typed before it, except at the prompt."""
        for stroke in strokes:
            if stroke is Key.INTERRUPT and self.state in (State.RUNNING, State.PAGING):
                self._strokes.clear()
                self._interrupt()
            else:
                self._strokes.append(stroke)

    def _advance(self) -> None:
        """Work off keys as far as the state allows."""
        handlers = {
            State.PROMPT: self._at_prompt,
            State.ASKING: self._at_question,
            State.PAGING: self._at_pager,
        }
        while self._strokes and self.state in handlers:
            handlers[self.state](self._strokes.popleft())
        if self.settings.has_ended_input and self.state in handlers:
            self._without_input()

    def _without_input(self) -> None:
        """Go on without keys: what was begun counts as entered, the rest ends the session."""
        if self.state is State.PROMPT and self._editor.text:
            self._at_prompt(Key.ENTER)
        elif self.state is State.ASKING and self._editor.text and not self._question.keys:
            self._at_question(Key.ENTER)
        else:
            self._end(EndReason.END_OF_INPUT)

    def _at_prompt(self, stroke: Stroke) -> None:
        match stroke:
            case Key.ENTER:
                self._enter_command()
            case Key.INTERRUPT:
                self._output.append(self._editor.to_end())
                self._new_line()
                self._prompt(self._active)
            case Key.END_OF_INPUT if not self._editor.text:
                self._end(EndReason.LEFT)
            case Key.UP | Key.DOWN:
                line = self._history.step(self._editor.text, back=stroke is Key.UP)
                self._output.append(BELL if line is None else self._editor.replace(line))
            case Key.TAB:
                self._complete()
            case Key.REDRAW:
                self._output.append("\n" + self._editor.redrawn())
            case "?" if not self._grammar.takes_rest(self._editor.before_cursor):
                self._list(self._grammar.question_mark(self._editor.before_cursor))
            case _:
                self._output.append(self._editor.press(stroke))

    def _enter_command(self) -> None:
        self._output.append(self._editor.to_end())
        self._new_line()
        line = self._editor.text
        if not line.strip():
            self._prompt(self._active)
            return
        self._history.add(line)
        self._run(line)

    def _run(self, line: str) -> None:
        self._row = ""
        self._pager = Pager(self._terminal, is_on=self.settings.pagination)
        self.state = State.RUNNING
        self._events.append(CommandEntered(line.strip()))

    def _complete(self) -> None:
        found = self._grammar.complete(self._editor.before_cursor)
        if found.alternatives:
            self._list("".join(f"    {one}\n" for one in found.alternatives))
        else:
            self._output.append(self._editor.insert(found.added) if found.added else BELL)

    def _list(self, text: str) -> None:
        """Show help below the line, and the line again."""
        self._output += ["\n", text, self._editor.redrawn()]

    def _at_question(self, stroke: Stroke) -> None:
        match stroke:
            case Key.INTERRUPT:
                self.state = State.RUNNING
                self._interrupt()
            case Key.END_OF_INPUT if not self._editor.text:
                self._at_question(Key.INTERRUPT)
            case str() if self._question.keys and stroke in self._question.keys:
                self._answer(stroke)
            case Key.ENTER if not self._question.keys:
                self._output.append(self._editor.to_end())
                if self._question.echo is not Echo.NOTHING:
                    self._new_line()
                self._answer(self._editor.text)
            case _:
                ignored = self._question.keys or stroke in (Key.UP, Key.DOWN, Key.TAB, Key.REDRAW)
                self._output.append(BELL if ignored else self._editor.press(stroke))

    def _answer(self, text: str) -> None:
        if self._question.echo is not Echo.NOTHING:
            self._row = ""
        self.state = State.RUNNING
        self._events.append(Answered(text))

    def _at_pager(self, stroke: Stroke) -> None:
        match stroke:
            case Key.ENTER:
                shown = self._pager.one_line()
            case " ":
                shown = self._pager.one_page()
            case "q" | "Q":
                self._pager.refuse()
                shown = ""
            case _:
                return
        self._output.append(self._pager.erased)
        self._show(shown)
        self.state = State.RUNNING
        self._page()
        if self.state is State.RUNNING:
            self._events.append(OutputResumed())

    def _page(self) -> None:
        """Wait for a key if the pager holds something."""
        if self._pager.is_holding:
            self.state = State.PAGING
            self._output.append(self._pager.prompt)

    def _interrupt(self) -> None:
        if self.state is State.PAGING:
            self._output.append(self._pager.erased)
        self._pager.refuse()
        self.state = State.RUNNING
        self._events.append(Interrupted())

    # the screen

    def _prompt(self, now: float) -> None:
        number = f"{self.settings.commands} " if self.settings.command_count else ""
        self._active, self._row = now, ""
        self.state = State.PROMPT
        self._editor = LineEditor(self._terminal, number + PROMPT)
        self._output.append(number + PROMPT)
        self._history.rewind()

    def _show(self, text: str) -> None:
        """Send text, and keep in mind what stands on the cursor's row."""
        self._output.append(text)
        self._row = (self._row + text).rpartition("\n")[2]

    def _new_line(self) -> None:
        """End the row that was typed; a pipe has typed nothing that could be seen."""
        if not self._terminal.is_pipe:
            self._output.append("\n")

    def _end(self, reason: EndReason) -> None:
        self.state = State.CLOSED
        self._strokes.clear()
        self._events.append(SessionEnded(reason))
