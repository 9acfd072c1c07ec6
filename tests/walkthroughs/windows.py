"""Windows in which a walkthrough is followed: a shell, or `ssh` at a node, on a real terminal.

A window is given the turns of its blocks: it waits for the prompt, compares what was shown until
then with what the walkthrough says, and types. Differences raise AssertionError, which names the
line of the walkthrough, what was expected there and what was found.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tests.fixtures.programs import program
from tests.fixtures.terminal import OnTerminal, on_terminal
from tests.walkthroughs.matching import Difference, Values, match_lines, plain
from tests.walkthroughs.transcript import Block, Line, Turn

__all__ = ["Account", "Journal", "Window", "shell", "ssh_session"]

TIMEOUT_S = 60.0
_GLANCE_S = 0.2
_SHELL_PROMPT = "\x1e$?\x1f"
_AT_SHELL = re.compile("\x1e([0-9]+)\x1f\\Z")
_AT_ADMIN = re.compile("(?:^|(?<=\n))admin:\\Z()")
_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_COLUMNS = 400
"""So wide that no command goes over two lines."""
_LEAVE = ("exit", "quit")


@dataclass
class Journal:
    """Which walkthrough is followed, its terminals, and the values it has named so far."""

    path: str
    values: Values = field(default_factory=Values)
    terminals: list[OnTerminal] = field(default_factory=list)

    def read_others(self, terminal: OnTerminal) -> None:
        """Read what is shown elsewhere: a program whose terminal is full stands still."""
        for other in self.terminals:
            while other is not terminal and other._read(0):
                pass

    def compare(self, expected: Sequence[Line], found: Sequence[str], *, whole: bool) -> int:
        """Compare lines; return how many of `found` were used. Raises AssertionError."""
        result = match_lines(expected, found, self.values, whole=whole)
        if isinstance(result, Difference):
            self._fail(result, expected, found)
        self.values, used = result
        return used

    def _fail(
        self, difference: Difference, expected: Sequence[Line], found: Sequence[str]
    ) -> NoReturn:
        line = difference.expected
        number = line.number if line is not None else expected[-1].number
        raise AssertionError(
            f"{self.path}:{number}\n"
            f"  expected: {'nothing more' if line is None else plain(line.text)}\n"
            f"  found:    {'nothing more' if difference.found is None else plain(difference.found)}"
            "\n  all that was shown:\n" + "\n".join(f"    {each}" for each in found)
        )


@dataclass(frozen=True)
class Account:
    """Where a node's command line is, and who logs in."""

    address: str
    port: int
    password: str
    user: str = "admin"


class Window:
    """A terminal with a prompt. `waits` False: its last command may go on running."""

    def __init__(
        self, terminal: OnTerminal, prompt: re.Pattern[str], journal: Journal, *, waits: bool
    ) -> None:
        journal.terminals.append(terminal)
        self._terminal = terminal
        self._prompt = prompt
        self._journal = journal
        self._waits = waits
        self._position = 0
        self._due: list[Line] = []
        self._ready = False
        self._status: tuple[Line, int] | None = None
        self._command = Line(0, "")
        self.has_ended = False

    def play(self, block: Block) -> None:
        """Do what a block says."""
        for turn in block.turns:
            self._play(turn)
        if self._waits:
            self._reach_prompt()
        else:
            self._see()

    def close(self) -> None:
        """Stop what still runs here and check how the last command ended."""
        if not self._waits and not self._ready:
            self._terminal.type("\x03")
            self._until(lambda text: self._prompt.search(text) is not None, Line(0, "its end"))
        self._check_status("")

    def _play(self, turn: Turn) -> None:
        if turn.typed is None:
            self._due += turn.shown
        elif turn.is_interrupt:
            self._see()
            self._interrupt(turn)
        elif turn.prompt:
            self._reach_question(turn)
            self._type(turn, f"{turn.typed.text}\r")
        else:
            self._reach_prompt()
            self._check_status(turn.typed.text)
            self._command = turn.at
            self._type(turn, f"{turn.typed.text}\r")

    def _type(self, turn: Turn, keys: str) -> None:
        assert turn.typed is not None
        self._position = len(self._terminal.screen)
        self._ready = False
        self._due = [Line(turn.at.number, turn.typed.shown), *turn.shown]
        self._terminal.type(keys)

    def _interrupt(self, turn: Turn) -> None:
        """Press Ctrl-C; what a command's exit status is then does not matter."""
        self._terminal.type("\x03")
        self._command = Line(0, "")
        self._until(lambda text: "^C" in text, turn.at)
        self._position = self._terminal.screen.index("^C", self._position) + len("^C")
        self._due = list(turn.shown)

    def _reach_prompt(self) -> None:
        """Wait for the window's prompt and compare all that was shown before it."""
        if self._ready:
            return
        text = self._until(self._is_done, self._due[-1] if self._due else self._command)
        match = self._prompt.search(text)
        self._compare(text if match is None else text[: match.start()])
        self._ready, self.has_ended = True, match is None
        if match is not None and match[1] and self._command.number:
            self._status = (self._command, int(match[1]))

    def _reach_question(self, turn: Turn) -> None:
        """Wait until a command asks; the question is the last thing on the screen."""
        asked = plain(turn.prompt)
        text = self._until(
            lambda text: plain(_lines(text)[-1]) == asked or self._is_done(text), turn.at
        )
        self._due.append(Line(turn.at.number, turn.prompt))
        self._compare(text)

    def _see(self) -> None:
        """Wait until all that is due was shown; more may come."""
        if not self._due:
            return
        self._waited(lambda text: self._shows_due(text) or self._is_done(text))
        used = self._journal.compare(self._due, _complete(self._text()), whole=False)
        for _ in range(used):
            self._position = self._terminal.screen.index("\n", self._position) + 1
        self._due = []

    def _shows_due(self, text: str) -> bool:
        match = match_lines(self._due, _complete(text), self._journal.values, whole=False)
        return not isinstance(match, Difference)

    def _is_done(self, text: str) -> bool:
        return self._prompt.search(text) is not None

    def _compare(self, text: str) -> None:
        found = _lines(text)
        while found and not plain(found[-1]):
            found.pop()
        due = self._due
        while due and not plain(due[-1].text):
            due = due[:-1]
        if due or self._waits:
            self._journal.compare(due or [self._command], found or [""], whole=self._waits)
        self._due = []

    def _check_status(self, command: str) -> None:
        """Raise AssertionError if a command failed and nobody asks for its exit status."""
        status, self._status = self._status, None
        if status is not None and status[1] and not command.startswith("echo $?"):
            raise AssertionError(
                f"{self._journal.path}:{status[0].number}\n  {status[0].text}\n"
                f"  ended with exit status {status[1]}; the next command is not `echo $?`"
            )

    def _text(self) -> str:
        text = self._terminal.screen[self._position :].replace("\r\n", "\n")
        return _COLOURS.sub("", text)

    def _until(self, is_done: Callable[[str], bool], due: Line) -> str:
        """Wait; return what is shown since the last turn. Raises AssertionError."""
        has_left = self._command.text.removeprefix("admin:") in _LEAVE
        if self._waited(is_done) or has_left:
            return self._text()
        raise AssertionError(
            f"{self._journal.path}:{due.number}\n  did not come: {due.text}\n"
            f"  all that was shown:\n{self._text()}"
        )

    def _waited(self, is_done: Callable[[str], bool]) -> bool:
        """Tell whether it came to that before time was up and the program ended."""
        deadline = time.monotonic() + TIMEOUT_S
        while not is_done(self._text()):
            self._journal.read_others(self._terminal)
            has_ended = self._terminal.process.poll() is not None
            if not self._terminal._read(_GLANCE_S) and (has_ended or time.monotonic() > deadline):
                return is_done(self._text())
        return True


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r") for line in text.split("\n")]


def _complete(text: str) -> list[str]:
    """Return the lines that are shown to their end."""
    return _lines(text)[:-1]


@contextmanager
def shell(directory: Path, journal: Journal, *, waits: bool) -> Iterator[Window]:
    """Open a shell in `directory`, where `cucmsim` is the one under test."""
    environ = {
        "PS1": _SHELL_PROMPT,
        "TERM": "dumb",
        "HOME": str(directory),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    script = f"cd '{directory}' && exec bash --norc --noprofile --noediting -i"
    with on_terminal(["sh", "-c", script], environ) as terminal:
        window = Window(terminal, _AT_SHELL, journal, waits=waits)
        window._reach_prompt()
        yield window


@contextmanager
def ssh_session(account: Account, journal: Journal) -> Iterator[Window]:
    """Log in at a node with OpenSSH and keyboard-interactive."""
    options = {
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
        "PreferredAuthentications": "keyboard-interactive",
        "NumberOfPasswordPrompts": "1",
    }
    command = [
        program("ssh"),
        "-F",
        "none",
        *(f"-o{key}={value}" for key, value in options.items()),
    ]
    target = f"{account.user}@{account.address}"
    command += ["-p", str(account.port), target]
    with on_terminal(command, columns=_COLUMNS) as terminal:
        terminal.expect("Password: ")
        terminal.type(f"{account.password}\r")
        terminal.expect("\nadmin:")
        window = Window(terminal, _AT_ADMIN, journal, waits=True)
        window._position, window._ready = len(terminal.screen), True
        yield window
