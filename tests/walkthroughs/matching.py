"""Compare what is shown with what a walkthrough says, which may leave lines and values out.

`...` on a line of its own stands for any lines. `<kind>` stands for a value of that kind;
`<kind:name>` for the same value wherever it stands, and for another than every other name's.
Blanks at the ends of lines, and how many blanks or tabs separate words, do not count.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.walkthroughs.transcript import Line

__all__ = ["KINDS", "Difference", "Values", "match_lines", "plain"]

_PAIRS = r"[0-9A-Fa-f]{2}(?:[ :]?[0-9A-Fa-f]{2})"
KINDS: Mapping[str, str] = {
    "number": r"\d+",
    "word": r"\S+",
    "text": r".*",
    "time": r"\d\d:\d\d:\d\d(?:\.\d+)?",
    "date": r"[A-Za-z0-9][A-Za-z0-9:., +-]*\d",
    "hex": r"[0-9A-Fa-f]+",
    "serial": rf"{_PAIRS}*",
    "md5": rf"{_PAIRS}{{15}}",
    "sha1": rf"{_PAIRS}{{19}}",
}
_VALUE = re.compile(rf"<({'|'.join(KINDS)})(?::([\w-]+))?>")
_ANY_LINES = "..."


@dataclass(frozen=True, slots=True)
class Difference:
    """The line of the walkthrough that was not shown, and what was shown in its place."""

    expected: Line | None
    found: str | None


@dataclass(slots=True)
class Values:
    """The named values seen so far."""

    seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def with_line(self, expected: str, found: str) -> "Values | None":
        """Return the values after a line was compared; None when it differs."""
        names: list[tuple[str, str]] = []
        match = re.fullmatch(_pattern(plain(expected), names), plain(found))
        if match is None:
            return None
        seen = dict(self.seen)
        for (kind, name), value in zip(names, match.groups(), strict=True):
            known = re.sub("[ :]", "", value).lower()
            others = [seen[key] for key in seen if key[0] == kind and key[1] != name]
            if name and (seen.setdefault((kind, name), known) != known or known in others):
                return None
        return Values(seen)


def plain(line: str) -> str:
    """Return the line with one blank between words."""
    return " ".join(line.split())


def _pattern(expected: str, names: list[tuple[str, str]]) -> str:
    """Return a pattern of a line, a group for each value; put kinds and names into `names`."""
    pattern, end = "", 0
    for value in _VALUE.finditer(expected):
        pattern += re.escape(expected[end : value.start()]) + f"({KINDS[value[1]]})"
        names.append((value[1], value[2] or ""))
        end = value.end()
    return pattern + re.escape(expected[end:])


def match_lines(
    expected: Sequence[Line], found: Sequence[str], values: Values, *, whole: bool = True
) -> tuple[Values, int] | Difference:
    """Compare; return the values and how many lines of `found` were used.

    With `whole` all of `found` has to be expected, without it more may follow.
    """
    return _Comparison(expected, found, whole=whole).run(values)


class _Comparison:
    def __init__(self, expected: Sequence[Line], found: Sequence[str], *, whole: bool) -> None:
        self._expected = expected
        self._found = found
        self._whole = whole
        self._furthest = (-1, 0)

    def run(self, values: Values) -> tuple[Values, int] | Difference:
        matched = self._from(0, 0, values)
        if matched is not None:
            return matched
        at, shown = self._furthest
        expected = self._expected[at] if at < len(self._expected) else None
        return Difference(expected, self._found[shown] if shown < len(self._found) else None)

    def _from(self, at: int, shown: int, values: Values) -> tuple[Values, int] | None:
        while at < len(self._expected):
            self._furthest = max(self._furthest, (at, shown))
            if self._expected[at].text.strip() == _ANY_LINES:
                return self._after_any(at + 1, shown, values)
            if shown == len(self._found):
                return None
            seen = values.with_line(self._expected[at].text, self._found[shown])
            if seen is None:
                return None
            at, shown, values = at + 1, shown + 1, seen
        self._furthest = max(self._furthest, (at, shown))
        return None if self._whole and shown < len(self._found) else (values, shown)

    def _after_any(self, at: int, shown: int, values: Values) -> tuple[Values, int] | None:
        if at == len(self._expected):
            return values, len(self._found)
        tries = (self._from(at, start, values) for start in range(shown, len(self._found) + 1))
        return next((each for each in tries if each is not None), None)
