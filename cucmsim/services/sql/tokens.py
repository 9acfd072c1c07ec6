"""The signs and words of a statement, and their nesting in parentheses."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Union

from cucmsim.errors import RefusedError
from cucmsim.services.sql.words import ILLEGAL_CHARACTER, SYNTAX_ERROR, UNMATCHED_QUOTE

__all__ = ["END", "Nodes", "Token", "flat", "nested", "tokens_of"]

_DEEPEST = 50
_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|\{[^}]*\}|/\*.*?\*/)
    | (?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<sign><>|!=|<=|>=|\|\||::|[-+*/%().,=<>\[\];])
    | (?P<quote>['"])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, string, number or sign, as it was written."""

    kind: str
    text: str

    @property
    def keyword(self) -> str:
        """The word in capitals; empty for everything else."""
        return self.text.upper() if self.kind == "word" else ""


END = Token("end", "")
"""What stands behind the last token."""

Nodes = Sequence[Union[Token, "Nodes"]]
"""Tokens, and for each pair of parentheses the nodes in it."""


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the tokens of a statement, no blanks and comments. Raises RefusedError."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise RefusedError(ILLEGAL_CHARACTER)
        kind = str(match.lastgroup)
        if kind == "quote":
            raise RefusedError(UNMATCHED_QUOTE)
        at = match.end()
        if kind != "space":
            yield Token(kind, match[0])


def nested(tokens: Iterable[Token]) -> Nodes:
    """Return what stands in parentheses as nodes of its own. Raises RefusedError."""
    open_nodes: list[list[Token | Nodes]] = [[]]
    for token in tokens:
        if token.text == "(":
            open_nodes.append([])
        elif token.text == ")":
            closed = open_nodes.pop()
            if not open_nodes:
                raise RefusedError(SYNTAX_ERROR)
            open_nodes[-1].append(closed)
        else:
            open_nodes[-1].append(token)
        if len(open_nodes) > _DEEPEST:
            raise RefusedError(SYNTAX_ERROR)
    if len(open_nodes) != 1:
        raise RefusedError(SYNTAX_ERROR)
    return open_nodes[0]


def flat(nodes: Nodes) -> Iterator[Token]:
    """Yield the tokens of nodes, parentheses written again."""
    for node in nodes:
        if isinstance(node, Token):
            yield node
        else:
            yield Token("sign", "(")
            yield from flat(node)
            yield Token("sign", ")")
