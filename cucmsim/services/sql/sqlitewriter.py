r"""Informix's SQL put into SQLite's: the few things in which they differ.

Token by token, without a grammar: SQLite parses what comes out, and knows what is wrong with it.

    SELECT SKIP 2 FIRST 5 ...      ... LIMIT 5 OFFSET 2, at the end of that SELECT
    SELECT UNIQUE                  SELECT DISTINCT
    "text"                         'text' (CUCM's Informix takes both quotes for strings)
    name[1,3]                      substr(name,1,3)
    x::lvarchar, CAST(x AS INT)    CAST(x AS TEXT), to_integer(x)
    x MATCHES 'a*'                 x GLOB 'a*'
    x LIKE 'a\_b'                  x LIKE 'a\_b' ESCAPE '\'
    SUBSTRING(x FROM 2 FOR 3)      SUBSTRING(x, 2, 3)
    TODAY, CURRENT YEAR TO DAY     today(), current('YEAR','DAY') (`functions.py`)
    informix.device                device
    a MINUS b                      a EXCEPT b
    -- ..., { ... }, /* ... */     left out

Source: IBM's Informix Guide to SQL: Syntax, by general knowledge; the statements of the documents
(cucm.md 2.1, 2.3) need the quotes and the case of names only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cucmsim.errors import RefusedError
from cucmsim.services.sql.tokens import END, Token
from cucmsim.services.sql.words import SYNTAX_ERROR

__all__ = ["SqliteWriter"]

_TEXTS = frozenset({"CHAR", "CHARACTER", "LVARCHAR", "NCHAR", "NVARCHAR", "TEXT", "VARCHAR"})
_TO_NUMBER = {
    **dict.fromkeys(("BIGINT", "INT", "INT8", "INTEGER", "SERIAL", "SMALLINT"), "to_integer"),
    **dict.fromkeys(
        ("DEC", "DECIMAL", "FLOAT", "MONEY", "NUMERIC", "REAL", "SMALLFLOAT"), "to_number"
    ),
    "BOOLEAN": "to_boolean",
}
_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "FRACTION")
_NO_FUNCTIONS = re.compile(
    "ALL|AND|BETWEEN|BY|CASE|ELSE|EXISTS|FROM|HAVING|IN|JOIN|LIKE|NOT|ON|OR|SELECT|SET|THEN|UNION"
    "|VALUES|WHEN|WHERE"
)
"""Words before a parenthesis that call nothing."""
_REPLACED = {"MATCHES": "GLOB", "MINUS": "EXCEPT", "TODAY": "today()"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


@dataclass(slots=True)
class _Level:
    """A parenthesis that is open: the limit of its SELECT, what called it, a type to cast to."""

    function: str = ""
    limit: str = ""
    type: str | None = None


class SqliteWriter:
    """Writes the tokens of one statement."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._out: list[str] = []
        self._levels = [_Level()]

    def write(self) -> str:
        """Return the statement. Raises RefusedError for what cannot be one."""
        while self._at < len(self._tokens):
            self._write(self._next())
        return " ".join([*self._out, self._levels[0].limit]).rstrip()

    def _write(self, token: Token) -> None:
        level, keyword = self._levels[-1], token.keyword
        match token.text:
            case "(":
                self._open()
            case ")":
                self._close()
            case "[":
                self._substring()
            case "::":
                self._cast(self._type())
            case '"informix"' if self._peek().text == ".":
                self._at += 1
            case _ if keyword == "AS" and level.function == "CAST":
                level.type = self._type()
            case _ if keyword in ("FROM", "FOR") and level.function == "SUBSTRING":
                self._out.append(",")
            case _ if keyword:
                self._word(token)
            case _:
                self._out.append(_quoted(token.text) if token.kind == "string" else token.text)

    def _word(self, token: Token) -> None:
        keyword = token.keyword
        if keyword == "SELECT":
            self._select()
        elif keyword == "LIKE":
            self._like()
        elif keyword in ("CURRENT", "SYSDATE"):
            self._current(keyword)
        elif keyword == "MATCHES":
            self._matches()
        elif keyword == "INFORMIX" and self._peek().text == ".":
            self._at += 1
        elif keyword == "UNIQUE" and self._out[-1:] == ["("]:
            self._out.append("DISTINCT")
        else:
            self._out.append(_REPLACED.get(keyword, token.text))

    def _open(self) -> None:
        before = self._out[-1].upper() if self._out else ""
        if before == "CAST":
            self._out.pop()
        self._levels.append(_Level(before))
        self._out.append("(")

    def _close(self) -> None:
        """Put the limit of a SELECT in parentheses before the parenthesis that ends it."""
        level = self._levels.pop()
        if not self._levels or (level.function == "CAST" and level.type is None):
            raise RefusedError(SYNTAX_ERROR)
        if level.limit:
            self._out.append(level.limit)
        self._out.append(")")
        if level.type is not None:
            self._cast(level.type)

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _peek(self, ahead: int = 0) -> Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else END

    def _select(self) -> None:
        skip = self._counted("SKIP")
        first = self._counted("FIRST") or self._counted("LIMIT")
        if first or skip:
            self._levels[-1].limit = f"LIMIT {first or -1} OFFSET {skip or 0}"
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

    def _matches(self) -> None:
        """Write GLOB, in which a backslash escapes nothing but a bracket holds any sign."""
        self._out.append("GLOB")
        if self._peek().kind == "string":
            pattern = _quoted(self._next().text)
            self._out.append(re.sub(r"\\(.)", r"[\1]", pattern, flags=re.DOTALL))

    def _current(self, keyword: str) -> None:
        """Write the call for CURRENT, with the units it is to have."""
        first, last = ("YEAR", "FRACTION")
        if self._peek().keyword in _UNITS and self._peek(1).keyword == "TO":
            first, last = self._next().keyword, self._peek(1).keyword
            self._at += 2
            if self._peek().text == "(" and self._peek(1).kind == "number":
                self._at += 3
        if last not in _UNITS or _UNITS.index(first) > _UNITS.index(last):
            raise RefusedError(SYNTAX_ERROR)
        if keyword == "SYSDATE":
            last = "SECOND"
        self._out.append(f"current('{first}','{last}')")

    def _type(self) -> str:
        """Take the type that a cast names, "VARCHAR" or "VARCHAR 20". Raises RefusedError."""
        name, size = self._next().keyword, ""
        if name not in _TEXTS and name not in _TO_NUMBER:
            raise RefusedError(SYNTAX_ERROR)
        if self._peek().text == "(":
            size = self._peek(1).text
            self._at += 3 if self._peek(2).text == ")" else 5
            if not size.isdigit() or self._peek(-1).text != ")":
                raise RefusedError(SYNTAX_ERROR)
        return f"{name} {size}".rstrip()

    def _cast(self, wanted: str) -> None:
        """Cast the operand that was written last."""
        name, _, size = wanted.partition(" ")
        operand = self._operand()
        if name in _TO_NUMBER:
            self._out.append(f"{_TO_NUMBER[name]}({operand})")
        elif size:
            self._out.append(f"substr(cast({operand} as text),1,{size})")
        else:
            self._out.append(f"cast({operand} as text)")

    def _substring(self) -> None:
        """Write `name[first,last]` over the name that was written last."""
        texts = [self._peek(ahead).text for ahead in range(4)]
        inside, length = (texts[:1] * 2, 2) if texts[1] == "]" else (texts[0:3:2], 4)
        if texts[length - 1] != "]" or not all(text.isdigit() for text in inside):
            raise RefusedError(SYNTAX_ERROR)
        self._at += length
        first, last = (int(text) for text in inside)
        self._out.append(f"substr({self._operand()},{first},{last - first + 1})")

    def _operand(self) -> str:
        """Take back the name, value or call that was written last. Raises RefusedError."""
        if not self._out:
            raise RefusedError(SYNTAX_ERROR)
        taken = [self._out.pop()]
        if taken[0] == ")":
            self._take_back_parenthesis(taken)
        while self._out and (taken[-1].startswith(".") or self._out[-1] == "."):
            taken.append(self._out.pop())
        glue = "" if "." in taken else " "
        return glue.join(reversed(taken))

    def _take_back_parenthesis(self, taken: list[str]) -> None:
        depth = 1
        while depth:
            taken.append(self._out.pop())
            depth += (taken[-1] == ")") - (taken[-1] == "(")
        before = self._out[-1] if self._out else ""
        if _NAME.fullmatch(before) and not _NO_FUNCTIONS.fullmatch(before.upper()):
            taken.append(self._out.pop())


def _quoted(text: str) -> str:
    """Return a string in either quotes in single ones."""
    if text.startswith("'"):
        return text
    return "'" + text[1:-1].replace('""', '"').replace("'", "''") + "'"
