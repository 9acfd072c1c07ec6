"""When what is shown is what a walkthrough says."""

from collections.abc import Sequence

import pytest

from tests.walkthroughs.matching import Difference, Values, match_lines
from tests.walkthroughs.transcript import Line

SHA1 = "9d7da73d16c1501b4d27dc1ed79211f390659982"
PAIRS = " ".join(SHA1.upper()[at : at + 2] for at in range(0, 40, 2))


def matched(expected: str, found: Sequence[str], *, whole: bool = True) -> int | Difference:
    """Return how many lines were used, or where the first difference is."""
    lines = [Line(number, text) for number, text in enumerate(expected.split("\n"), 1)]
    result = match_lines(lines, found, Values(), whole=whole)
    return result if isinstance(result, Difference) else result[1]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("Length of ITL file: 5302", ["Length of ITL file: 5302"]),
        ("3 SIGNERID 2 139", ["3\tSIGNERID\t2\t139  "]),
        ("...", []),
        ("first\n...\nlast", ["first", "last"]),
        ("first\n...\nlast", ["first", "last", "between", "last"]),
        ("...\nb\n...", ["a", "b", "c", "d"]),
        ("Length of ITL file: <number>", ["Length of ITL file: 5302"]),
        ("modified on <date>", ["modified on Wed Feb 26 10:24:27 PST 2014"]),
        ("<sha1:pub>(SHA1)\nSHA-1 <sha1:pub>,", [f"{SHA1}(SHA1)", f"SHA-1 {PAIRS},"]),
        ("6 SERIALNUMBER 10 <serial>", ["6 SERIALNUMBER 10 21:00:2D:17:00:00:00:00:05"]),
        ("header length <324>", ["header length <324>"]),
        ("<word> <text>", ["admin: what follows"]),
        ("<md5>(MD5)", ["b331e5bfb450926e816be37f2d8c24a2(MD5)"]),
    ],
)
def test_these_are_the_same(expected: str, found: list[str]) -> None:
    assert matched(expected, found) == len(found)


@pytest.mark.parametrize(
    ("expected", "found", "number", "instead"),
    [
        ("yes", ["no"], 1, "no"),
        ("yes", [], 1, None),
        ("one\ntwo", ["one"], 2, None),
        ("one", ["one", "two"], None, "two"),
        ("one\n...\nthree", ["one", "two"], 3, None),
        ("Length: <number>", ["Length: many"], 1, "Length: many"),
        ("<number:a> <number:a>", ["1 2"], 1, "1 2"),
        ("<number:a> <number:b>", ["1 1"], 1, "1 1"),
        ("header length <324>", ["header length <300>"], 1, "header length <300>"),
    ],
)
def test_these_differ(
    expected: str, found: list[str], number: int | None, instead: str | None
) -> None:
    difference = matched(expected, found)
    assert isinstance(difference, Difference)
    assert difference.found == instead
    assert (difference.expected.number if difference.expected else None) == number


def test_more_may_follow_what_a_window_shows() -> None:
    assert matched("...\nReady", ["Starting", "Ready", "later"], whole=False) == 2


def test_values_are_remembered_from_block_to_block() -> None:
    first = match_lines([Line(1, "<sha1:old>")], [SHA1], Values())
    assert not isinstance(first, Difference)
    again = match_lines([Line(2, "<sha1:new>")], [PAIRS], first[0])
    assert isinstance(again, Difference)
