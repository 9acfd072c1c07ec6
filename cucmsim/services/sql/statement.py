"""What stands after `run sql`: which statements there are, and what SQLite is to run for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cucmsim.errors import RefusedError
from cucmsim.services.sql.outerjoins import with_left_joins
from cucmsim.services.sql.sqlitewriter import SqliteWriter
from cucmsim.services.sql.tokens import Token, tokens_of
from cucmsim.services.sql.words import NO_RESOURCE, SYNTAX_ERROR, no_routine
from cucmsim.store.tables import CUCM_TABLES

__all__ = ["LONGEST_STATEMENT", "Statement", "parse_statement"]

LONGEST_STATEMENT = 32_768
"""Characters; what Informix takes at most is 64 K, a command line less."""

_COLUMNS = {name: table.columns.keys() for name, table in CUCM_TABLES.items()}
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


def parse_statement(text: str) -> Statement:
    """Read what stands after `run sql`.

    Raises:
        RefusedError: it is no statement that the command carries out, in the server's words.

    """
    tokens = list(tokens_of(text[: LONGEST_STATEMENT + 1]))
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
    return Statement(verb, SqliteWriter(with_left_joins(tokens, _COLUMNS)).write())


def _unknown_procedure(tokens: Sequence[Token]) -> str:
    names = [token.text for token in tokens[1:] if token.kind == "word"]
    names = [name for name in names if name.upper() not in ("PROCEDURE", "FUNCTION")]
    return no_routine(names[0]) if names else SYNTAX_ERROR
