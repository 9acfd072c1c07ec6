"""What a walkthrough in `docs/walkthroughs` holds, read without I/O: its files, and what is typed.

The form is told in `docs/walkthroughs/README.md`. A fenced block is a file, or a part of what a
window shows; that is cut into turns: a prompt, what is typed at it, and what is shown then.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "Block",
    "Line",
    "MalformedError",
    "Turn",
    "Typed",
    "Walkthrough",
    "parse_walkthrough",
]

_FENCE = re.compile(r"```(\w*) ?(\S*)$")
_ANSWER = re.compile(r"«(?:(hidden|stars): )?([^»]*)»$")
_PROMPTS = {"console": "$ ", "ssh": "admin:"}
CTRL_C = "^C"


class MalformedError(ValueError):
    """A walkthrough is not of the form; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the walkthrough; `number` counts from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What is typed, and what of it is shown: all, nothing (`hidden`), or stars."""

    text: str
    shown: str


@dataclass(frozen=True, slots=True)
class Turn:
    """At `prompt`, type; then `shown` follows. `prompt` is empty for the window's own.

    `typed` None: nothing is typed, the window shows more. Ctrl-C is typed without a prompt.
    """

    at: Line
    prompt: str
    typed: Typed | None
    shown: tuple[Line, ...]

    @property
    def is_interrupt(self) -> bool:
        """Tell whether Ctrl-C is typed."""
        return self.typed is not None and self.typed.text == CTRL_C


@dataclass(frozen=True, slots=True)
class Block:
    """What a window shows: `kind` "console" or "ssh"; `name` the window's, or the node's."""

    kind: str
    name: str
    at: Line
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Walkthrough:
    """Files by name, and blocks in their order."""

    files: dict[str, str]
    blocks: tuple[Block, ...]


def parse_walkthrough(text: str) -> Walkthrough:
    """Read a walkthrough. Raises MalformedError."""
    files, blocks = {}, []
    for kind, name, at, lines in _fenced(text):
        if kind in _PROMPTS:
            blocks.append(Block(kind, name, at, tuple(_turns(_PROMPTS[kind], lines))))
        elif name:
            files[name] = "".join(f"{line.text}\n" for line in lines)
    for block in blocks:
        if block.kind == "ssh" and not block.name:
            raise MalformedError(f"line {block.at.number}: ssh at which node?")
    return Walkthrough(files, tuple(blocks))


def _fenced(text: str) -> Iterator[tuple[str, str, Line, list[Line]]]:
    """Yield language, name, opening line and lines of each fenced block."""
    opened: tuple[str, str, Line, list[Line]] | None = None
    for number, row in enumerate(text.splitlines(), 1):
        line = Line(number, row)
        if opened is not None and row == "```":
            yield opened
            opened = None
        elif opened is not None:
            opened[3].append(line)
        elif row.startswith("```"):
            fence = _FENCE.match(row)
            if fence is None:
                raise MalformedError(f"line {number}: expected ```LANGUAGE NAME, found {row}")
            opened = (fence[1], fence[2], line, [])
    if opened is not None:
        raise MalformedError(f"line {opened[2].number}: the block is not closed")


def _turns(prompt: str, lines: Sequence[Line]) -> Iterator[Turn]:
    """Cut the lines of a window where something is typed."""
    shown: list[Line] = []
    at, asked, typed = (lines[0] if lines else Line(0, "")), "", None
    for line in lines:
        found = _typed(prompt, line)
        if found is None:
            shown.append(line)
            continue
        if typed is not None or shown:
            yield Turn(at, asked, typed, tuple(shown))
        shown, (asked, typed), at = [], found, line
    yield Turn(at, asked, typed, tuple(shown))


def _typed(prompt: str, line: Line) -> tuple[str, Typed] | None:
    """Return the prompt ("" for the window's own) and what is typed at it; None: nothing is."""
    if line.text.startswith(prompt):
        command = line.text[len(prompt) :]
        return "", Typed(command, command)
    if line.text == CTRL_C:
        return "", Typed(CTRL_C, CTRL_C)
    if (answer := _ANSWER.search(line.text)) is None:
        return None
    how, text = answer[1], answer[2]
    shown = {"hidden": "", "stars": "*" * len(text), None: text}[how]
    return line.text[: answer.start()], Typed(text, shown)
