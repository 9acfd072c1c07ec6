"""The grammar of the command line: which commands there are, and what a typed line means.

A command is one usage text, from which words, arguments, help and completion all follow:

    show itl                                      literal words
    show cert list <type:own|trust>               an argument that is one of several words
    set cert delete <unit> <name>                 two that can be anything
    set cert import <type:own|trust> <unit> [ca]  the last may be left out
    run sql <statement...>                        the rest of the line, as it was typed

Double quotes keep blanks in a word. Words are not abbreviated, and are as they are spelt. Source of
the words for unknown input: cucm.md 1.1; of the help's form: the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["UNKNOWN_COMMAND", "Argument", "Completion", "Grammar", "Match", "Mismatch", "Syntax"]

UNKNOWN_COMMAND = "No valid command entered"
_WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_USAGE = re.compile(
    r"(?P<open>[<\[])(?P<name>[^:\].>]+)(?::(?P<choices>[^\]>]+))?(?P<rest>\.\.\.)?"
)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a command; with `choices` it is one of those."""

    name: str
    is_required: bool = True
    choices: tuple[str, ...] = ()
    takes_rest: bool = False

    @property
    def shown(self) -> str:
        """How help shows it."""
        inner = "|".join(self.choices) or self.name
        if not self.is_required:
            return f"[{inner}]"
        return f"{{{inner}}}" if self.choices else f"<{inner}>"


@dataclass(frozen=True, slots=True)
class Syntax:
    """A command: its words and arguments, who may give it, and where. Made by `Syntax.of`."""

    words: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    level: int = field(default=0, kw_only=True)
    publisher_only: bool = field(default=False, kw_only=True)
    during_upgrade: bool = field(default=True, kw_only=True)
    description: str = field(default="", kw_only=True)
    example: str = field(default="", kw_only=True)

    @classmethod
    def of(
        cls,
        usage: str,
        *,
        level: int = 0,
        publisher_only: bool = False,
        during_upgrade: bool = True,
        description: str = "",
        example: str = "",
    ) -> "Syntax":
        """Read a usage text; the module's head shows what it can hold."""
        parts = usage.split()
        words = tuple(part for part in parts if part[0] not in "<[")
        return cls(
            words,
            tuple(_argument(part) for part in parts[len(words) :]),
            level=level,
            publisher_only=publisher_only,
            during_upgrade=during_upgrade,
            description=description,
            example=example or " ".join(words),
        )

    @property
    def name(self) -> str:
        """Its words as they are typed."""
        return " ".join(self.words)

    @property
    def usage(self) -> str:
        """Words and arguments as help shows them."""
        return " ".join((*self.words, *(one.shown for one in self.arguments)))


def _argument(part: str) -> Argument:
    found = _USAGE.match(part)
    assert found is not None, part  # noqa: S101 - a usage text is part of the program
    choices = tuple((found["choices"] or "").split("|")) if found["choices"] else ()
    return Argument(found["name"], found["open"] == "<", choices, bool(found["rest"]))


@dataclass(frozen=True, slots=True)
class Match:
    """A command that may be carried out; arguments that were left out are missing."""

    syntax: Syntax
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A line that is no command; `text` says why, `is_unknown` that no command begins so."""

    text: str
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What Tab adds to the line; where that is nothing, what could follow."""

    added: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int


class Grammar:
    """The commands that somebody may give."""

    def __init__(self, syntaxes: Iterable[Syntax]) -> None:
        self._syntaxes = tuple(sorted(syntaxes, key=lambda one: one.words))

    def for_level(self, level: int) -> "Grammar":
        """Return the commands of privilege `level` and below; the others are unknown then."""
        return Grammar(one for one in self._syntaxes if one.level <= level)

    def match(self, line: str) -> Match | Mismatch:
        """Return the command that a line gives."""
        words = _split(line)
        texts = tuple(word.text for word in words)
        syntax = self._longest(texts)
        if syntax is None:
            return Mismatch(UNKNOWN_COMMAND, is_unknown=True)
        return _bind(syntax, words[len(syntax.words) :], line)

    def complete(self, line: str) -> Completion:
        """Return what Tab does behind `line`."""
        texts, begun = _begun(line)
        candidates = tuple(dict.fromkeys(self._next_words(texts, begun)))
        if not candidates:
            return Completion("")
        if len(candidates) == 1:
            return Completion(candidates[0][len(begun) :] + " ")
        added = _common_start(candidates)[len(begun) :]
        return Completion(added) if added else Completion("", self._listed(texts, begun))

    def question_mark(self, line: str) -> str:
        """Return what `?` behind `line` shows: the commands that go on so, or the arguments."""
        texts, begun = _begun(line)
        listed = self._listed(texts, begun)
        if listed:
            return "".join(f"    {one}\n" for one in listed)
        syntax = self._longest((*texts, begun) if begun else texts)
        if syntax is None:
            return f"{UNKNOWN_COMMAND}\n"
        arguments = "".join(f"{one.name}\t{_kind(one)}\n" for one in syntax.arguments)
        return f"Syntax:\n{syntax.usage}\n{arguments}"

    def takes_rest(self, line: str) -> bool:
        """Tell whether the end of `line` belongs to an argument that takes anything, `?` too."""
        if line.count('"') % 2:
            return True
        syntax = self._longest(tuple(word.text for word in _split(line)))
        if syntax is None or not any(one.takes_rest for one in syntax.arguments):
            return False
        before = sum(not one.takes_rest for one in syntax.arguments)
        texts, begun = _begun(line)
        return len(texts) + bool(begun) > len(syntax.words) + before

    def help_on(self, words: Sequence[str]) -> str | None:
        """Return what `help WORDS` shows; None where there is no such command."""
        texts = tuple(words)
        for syntax in self._syntaxes:
            if syntax.words == texts:
                return (
                    f"{syntax.name} help:\n{syntax.description}\n\nSyntax:\n{syntax.usage}\n\n"
                    f"Example: \nadmin:{syntax.example}\n"
                )
        listed = self._listed(texts, "")
        return "".join(f"    {one}\n" for one in listed) if listed else None

    def _longest(self, texts: Sequence[str]) -> Syntax | None:
        """Return the command whose words a line begins with, the one of most words."""
        fitting = [one for one in self._syntaxes if tuple(texts[: len(one.words)]) == one.words]
        return max(fitting, key=lambda one: len(one.words), default=None)

    def _next_words(self, texts: tuple[str, ...], begun: str) -> Iterator[str]:
        """Yield the words that can stand where `begun` does, behind `texts`."""
        place = len(texts)
        for syntax in self._syntaxes:
            if syntax.words[:place] == texts and len(syntax.words) > place:
                if syntax.words[place].startswith(begun):
                    yield syntax.words[place]
            elif syntax.words == texts[: len(syntax.words)]:
                yield from _choices(syntax, place - len(syntax.words), begun)

    def _listed(self, texts: tuple[str, ...], begun: str) -> tuple[str, ...]:
        """List the commands that go on behind `texts`; `*` marks those with more words."""
        place, listed = len(texts), dict[str, None]()
        for syntax in self._syntaxes:
            if syntax.words[:place] != texts or len(syntax.words) <= place:
                continue
            if syntax.words[place].startswith(begun):
                more = "*" if len(syntax.words) > place + 1 else ""
                name = " ".join(syntax.words[: place + 1])
                if more:
                    listed.pop(name, None)
                listed[name + more] = None
        return tuple(listed)


def _split(line: str) -> list[_Word]:
    """Return the words of a line; quotes hold a word together and are taken off."""
    return [_Word(one.group().replace('"', ""), one.start()) for one in _WORD.finditer(line)]


def _begun(line: str) -> tuple[tuple[str, ...], str]:
    """Return the whole words of a line, and the one that is being typed at its end."""
    texts = tuple(word.text for word in _split(line))
    if not texts or line[-1].isspace():
        return texts, ""
    return texts[:-1], texts[-1]


def _choices(syntax: Syntax, place: int, begun: str) -> Iterator[str]:
    if place < len(syntax.arguments):
        yield from (one for one in syntax.arguments[place].choices if one.startswith(begun))


def _bind(syntax: Syntax, words: Sequence[_Word], line: str) -> Match | Mismatch:
    """Give each argument its word."""
    bound: dict[str, str] = {}
    for place, argument in enumerate(syntax.arguments):
        if place >= len(words):
            if argument.is_required:
                return Mismatch(f"Mandatory parameter missing: {argument.name}")
            return Match(syntax, bound)
        word = words[place]
        if argument.takes_rest:
            return Match(syntax, bound | {argument.name: line[word.start :].rstrip()})
        if argument.choices and word.text not in argument.choices:
            expected = ", ".join(argument.choices)
            return Mismatch(
                f"Enter valid values for the {argument.name}. \nSuggested values are {expected}"
            )
        bound[argument.name] = word.text
    if len(words) > len(syntax.arguments):
        return Mismatch(f"Unknown parameter: {words[len(syntax.arguments)].text}")
    return Match(syntax, bound)


def _kind(argument: Argument) -> str:
    kind = "mandatory" if argument.is_required else "optional"
    return f"{kind}\t{'|'.join(argument.choices)}".rstrip()


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:same] if same is not None else first
