"""Informix's own outer join, `FROM a, OUTER b WHERE a.x = b.y`, written as a LEFT JOIN.

What WHERE says of an outer table becomes the condition of its join; the rest stays. Outer tables
may be grouped, `OUTER (b, c)`, and nested, `OUTER (b, OUTER c)`. A column without a table's name
before it belongs to the table that has it. Source: IBM's Informix Guide to SQL: Syntax, by general
knowledge.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from cucmsim.errors import RefusedError
from cucmsim.services.sql.tokens import Nodes, Token, flat, nested, tokens_of
from cucmsim.services.sql.words import SYNTAX_ERROR

__all__ = ["with_left_joins"]

Columns = Mapping[str, Collection[str]]
"""Table -> the names of its columns."""

_SETS = frozenset({"UNION", "MINUS", "EXCEPT", "INTERSECT"})
_BEHIND_FROM = frozenset({"WHERE", "GROUP", "HAVING", "ORDER", "INTO", "LIMIT"})
_BEHIND_WHERE = _BEHIND_FROM - {"WHERE"}


def with_left_joins(tokens: Sequence[Token], columns: Columns) -> Sequence[Token]:
    """Return the tokens of the same statement without OUTER lists. Raises RefusedError."""
    if not any(token.keyword == "OUTER" for token in tokens):
        return tokens
    return list(flat(_rewritten(nested(tokens), columns)))


def _rewritten(nodes: Nodes, columns: Columns) -> Nodes:
    inner = [node if isinstance(node, Token) else _rewritten(node, columns) for node in nodes]
    written: list[Token | Nodes] = []
    for part in _parts(inner, _SETS):
        written.extend(_select(part, columns))
    return written


def _select(nodes: Nodes, columns: Columns) -> Nodes:
    """Rewrite one SELECT; what is none, or has no OUTER, stays."""
    at = _find(nodes, {"FROM"}, 0)
    end = _find(nodes, _BEHIND_FROM, at)
    items = _split(nodes[at + 1 : end], ",")
    if not any(_is_outer(item) for item in items):
        return nodes
    last = _find(nodes, _BEHIND_WHERE, end)
    has_where = end < len(nodes) and _keyword(nodes[end]) == "WHERE"
    conditions = _conditions(nodes[end + 1 : last]) if has_where else []
    tables, left = _joined(items, conditions, columns)
    where = [*_sql("WHERE"), *_anded(left)] if left else []
    return [*nodes[: at + 1], *tables, *where, *nodes[last:]]


def _joined(
    items: Sequence[Nodes], conditions: Sequence[Nodes], columns: Columns
) -> tuple[Nodes, Sequence[Nodes]]:
    """Return the tables of a FROM with the outer ones joined, and the conditions left over."""
    dominant = [item for item in items if not _is_outer(item)]
    if not dominant:
        raise RefusedError(SYNTAX_ERROR)
    written: list[Token | Nodes] = list(_comma(dominant))
    left = list(conditions)
    for item in filter(_is_outer, items):
        inner = _outer_items(item)
        mine = [one for one in left if _speaks_of(one, inner, dominant, columns)]
        left = [one for one in left if one not in mine]
        tables, conditions_on = _joined(inner, mine, columns)
        on = _anded(conditions_on) if conditions_on else [*_sql("1=1")]
        is_one = len(inner) == 1 and _find(tables, {"JOIN"}, 0) == len(tables)
        written += [*_sql("LEFT JOIN"), *(tables if is_one else [tables]), *_sql("ON"), *on]
    return written, left


def _is_outer(item: Nodes) -> bool:
    return bool(item) and _keyword(item[0]) == "OUTER"


def _outer_items(item: Nodes) -> Sequence[Nodes]:
    """Return the tables of `OUTER b` or `OUTER (b, c)`."""
    rest = item[1:]
    if len(rest) == 1 and not isinstance(rest[0], Token):
        return _split(rest[0], ",")
    return [rest]


def _speaks_of(
    condition: Nodes, items: Sequence[Nodes], others: Sequence[Nodes], columns: Columns
) -> bool:
    """Tell whether a condition has a column of one of the tables in it."""
    names = {name for item in items for name, _ in _tables(item)}
    tables = (table for item in items for _, table in _tables(item))
    of_others = (columns.get(table, ()) for item in others for _, table in _tables(item))
    alone = {one for table in tables for one in columns.get(table, ())}.difference(*of_others)
    words = [Token("sign", ""), *flat(condition), Token("sign", "")]
    for before, word, after in zip(words, words[1:], words[2:], strict=False):
        if word.kind != "word" or before.text == ".":
            continue
        if word.text.lower() in (names if after.text == "." else alone):
            return True
    return False


def _tables(item: Nodes) -> Iterator[tuple[str, str]]:
    """Yield the name by which each table of an item goes, and its own."""
    if _is_outer(item):
        for inner in _outer_items(item):
            yield from _tables(inner)
        return
    words = [one.text.lower() for one in flat(item) if one.kind == "word" and one.keyword != "AS"]
    if words:
        yield words[1] if len(words) > 1 else words[0], words[0]


def _conditions(nodes: Nodes) -> Sequence[Nodes]:
    """Return what AND joins; with an OR beside it everything is one condition."""
    if any(_keyword(node) == "OR" for node in nodes):
        return [nodes]
    parts, is_between = list[list[Token | Nodes]]([[]]), False
    for node in nodes:
        is_and = _keyword(node) == "AND"
        if is_and and not is_between:
            parts.append([])
            continue
        is_between = _keyword(node) == "BETWEEN" or (is_between and not is_and)
        parts[-1].append(node)
    return parts


def _anded(conditions: Sequence[Nodes]) -> Nodes:
    written: list[Token | Nodes] = [conditions[0]]
    for condition in conditions[1:]:
        written += [*_sql("AND"), condition]
    return written


def _comma(items: Sequence[Nodes]) -> Iterator[Token | Nodes]:
    for at, item in enumerate(items):
        yield from (*_sql(","), *item) if at else item


def _split(nodes: Nodes, sign: str) -> Sequence[Nodes]:
    parts = list[list[Token | Nodes]]([[]])
    for node in nodes:
        if isinstance(node, Token) and node.text == sign:
            parts.append([])
        else:
            parts[-1].append(node)
    return parts


def _parts(nodes: Nodes, keywords: Collection[str]) -> Iterator[Nodes]:
    """Yield the nodes up to each of these keywords, which begins the next part."""
    start = 0
    for at, node in enumerate(nodes):
        if _keyword(node) in keywords:
            yield nodes[start:at]
            start = at
    yield nodes[start:]


def _find(nodes: Nodes, keywords: Collection[str], start: int) -> int:
    """Return where the first of these keywords stands; the end when none does."""
    found = (at for at in range(start, len(nodes)) if _keyword(nodes[at]) in keywords)
    return next(found, len(nodes))


def _keyword(node: Token | Nodes) -> str:
    return node.keyword if isinstance(node, Token) else ""


def _sql(text: str) -> Sequence[Token]:
    return list(tokens_of(text))
