r"""Informix's SQL put into SQLite's: the few things in which they differ.

Token by token, without a grammar: SQLite parses what comes out, and knows what is wrong with it.

    SELECT SKIP 2 FIRST 5 ...      ... LIMIT 5 OFFSET 2, at the end of that SELECT
    SELECT UNIQUE                  SELECT DISTINCT
    "text"                         'text' (CUCM's Informix takes both quotes for strings)
    name[1,3]                      substr(name,1,3)
    x MATCHES 'a*'                 x GLOB 'a*'
    x LIKE 'a\_b'                  x LIKE 'a\_b' ESCAPE '\'
    -- ..., { ... }, /* ... */     left out

Source: IBM's Informix Guide to SQL: Syntax, by general knowledge; the statements of the documents
(cucm.md 2.1, 2.3) need the quotes and the case of names only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cucmsim.errors import RefusedError
from cucmsim.services.sql.words import (
    ILLEGAL_CHARACTER,
    NO_RESOURCE,
    SYNTAX_ERROR,
    UNMATCHED_QUOTE,
    no_routine,
)

__all__ = ["LONGEST_STATEMENT", "Statement", "parse_statement"]

LONGEST_STATEMENT = 32_768
"""Characters; what Informix takes at most is 64 K, a command line less."""

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|\{[^}]*\}|/\*.*?\*/)
    | (?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<sign><>|!=|<=|>=|\|\||[-+*/%().,=<>\[\];])
    | (?P<quote>['"])
    """,
    re.VERBOSE | re.DOTALL,
)
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_DEFINITIONS = frozenset(
    {"CREATE", "DROP", "ALTER", "GRANT", "REVOKE", "RENAME", "TRUNCATE", "LOCK", "DATABASE"}
)
_ONLY_SQLITE = frozenset(
    {
        "ABORT",
        "COLLATE",
        "CONFLICT",
        "GLOB",
        "INDEXED",
        "ISNULL",
        "NOTNULL",
        "PRAGMA",
        "RAISE",
        "RECURSIVE",
        "REGEXP",
        "RETURNING",
        "ROLLBACK",
        "WINDOW",
        "WITHOUT",
    }
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement for SQLite. `verb` is SELECT, INSERT, UPDATE or DELETE."""

    verb: str
    sql: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def keyword(self) -> str:
        """The word in capitals; empty for everything else."""
        return self.text.upper() if self.kind == "word" else ""


def parse_statement(text: str) -> Statement:
    """Read what stands after `run sql`.

    Raises:
        RefusedError: it is no statement that the command carries out, in the server's words.

    """
    tokens = [token for token in _tokens(text[: LONGEST_STATEMENT + 1]) if token.kind != "space"]
    if tokens and tokens[-1].text == ";":
        tokens.pop()
    if not tokens or len(text) > LONGEST_STATEMENT:
        raise RefusedError(SYNTAX_ERROR)
    verb = tokens[0].keyword
    if verb in _DEFINITIONS:
        raise RefusedError(NO_RESOURCE)
    if verb in ("EXECUTE", "CALL"):
        raise RefusedError(_unknown_procedure(tokens))
    if verb not in _VERBS or any(
        token.text == ";" or token.keyword in _ONLY_SQLITE for token in tokens
    ):
        raise RefusedError(SYNTAX_ERROR)
    return Statement(verb, _Writer(tokens).write())


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise RefusedError(ILLEGAL_CHARACTER)
        kind = str(match.lastgroup)
        if kind == "quote":
            raise RefusedError(UNMATCHED_QUOTE)
        at = match.end()
        yield _Token(kind, match[0])


def _unknown_procedure(tokens: list[_Token]) -> str:
    names = [token.text for token in tokens[1:] if token.kind == "word"]
    names = [name for name in names if name.upper() not in ("PROCEDURE", "FUNCTION")]
    return no_routine(names[0]) if names else SYNTAX_ERROR


class _Writer:
    """Writes tokens for SQLite; remembers the limit of every SELECT that is open."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._out: list[str] = []
        self._limits: list[str] = [""]

    def write(self) -> str:
        """Return the statement."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            self._write(token)
        return " ".join([*self._out, self._limits[0]]).rstrip()

    def _write(self, token: _Token) -> None:
        if token.text == "(":
            self._limits.append("")
        elif token.text == ")":
            self._close()
        if token.text == "[":
            self._substring()
        elif token.keyword == "SELECT":
            self._select()
        elif token.keyword == "MATCHES":
            self._out.append("GLOB")
        elif token.keyword == "LIKE":
            self._like()
        else:
            self._out.append(_quoted(token.text) if token.kind == "string" else token.text)

    def _close(self) -> None:
        """Put the limit of a SELECT in parentheses before the parenthesis that ends it."""
        limit = self._limits.pop()
        if not self._limits:
            raise RefusedError(SYNTAX_ERROR)
        if limit:
            self._out.append(limit)

    def _peek(self, ahead: int = 0) -> _Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else _Token("end", "")

    def _select(self) -> None:
        skip = self._counted("SKIP")
        first = self._counted("FIRST") or self._counted("LIMIT")
        if first or skip:
            self._limits[-1] = f"LIMIT {first or -1} OFFSET {skip or 0}"
        self._out.append("SELECT")
        if self._peek().keyword == "UNIQUE":
            self._at += 1
            self._out.append("DISTINCT")

    def _counted(self, keyword: str) -> str:
        """Take a keyword with its number; empty where it is not next."""
        if self._peek().keyword != keyword or self._peek(1).kind != "number":
            return ""
        number = self._peek(1).text
        self._at += 2
        return number

    def _like(self) -> None:
        self._out.append("LIKE")
        pattern = self._peek()
        if pattern.kind == "string" and "\\" in pattern.text:
            self._at += 1
            self._out.append(_quoted(pattern.text))
            if self._peek().keyword != "ESCAPE":
                self._out.append("ESCAPE '\\'")

    def _substring(self) -> None:
        """Write `name[first,last]` over the name that was written last."""
        texts = [self._peek(ahead).text for ahead in range(4)]
        inside, length = (texts[:1] * 2, 2) if texts[1] == "]" else (texts[0:3:2], 4)
        end = texts[length - 1]
        if end != "]" or not all(text.isdigit() for text in inside) or not self._out:
            raise RefusedError(SYNTAX_ERROR)
        self._at += length
        name = self._out.pop()
        while self._out and (name.startswith(".") or self._out[-1] == "."):
            name = self._out.pop() + name
        first, last = (int(text) for text in inside)
        self._out.append(f"substr({name},{first},{last - first + 1})")


def _quoted(text: str) -> str:
    """Return a string in either quotes in single ones."""
    if text.startswith("'"):
        return text
    return "'" + text[1:-1].replace('""', '"').replace("'", "''") + "'"
