"""A runner of walkthroughs notices what differs, and says which line does."""

from pathlib import Path

import pytest

from tests.fixtures.programs import program
from tests.walkthroughs import windows
from tests.walkthroughs.following import follow
from tests.walkthroughs.transcript import parse_walkthrough

GREETING = """\
```sh greet.sh
read -p 'Who? ' who; echo "Hello, $who."
```
```console
$ . ./greet.sh
Who? «phone»
Hello, phone.
$ false
$ echo $?
1
```
```console window
$ sh -c 'echo first; exec sleep 600'
first
```
```console window
^C
$ read -sp 'Password: '; echo; echo "$REPLY" | tr a-z A-Z
Password: «hidden: tomato»
TOMATO
```
"""


def followed(text: str, directory: Path) -> None:
    program("bash")
    follow(parse_walkthrough(text), "000.md", directory)


def test_what_shows_what_it_says_is_followed_to_its_end(tmp_path: Path) -> None:
    followed(GREETING, tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("Hello, phone.", "Hello, server.", r"000.md:7\n +expected: Hello, server.\n +found: +Hel"),
        ("Hello, phone.\n", "", r"000.md:6\n +expected: nothing more\n +found: +Hello, phone."),
        ("Who? «phone»", "What? «phone»", r"000.md:6\n +did not come: What\? «phone»"),
        ("$ echo $?\n1\n", "", r"000.md:8\n +\$ false\n +ended with exit status 1"),
        ("first;", "second;", r"000.md:14\n +expected: first\n +found: +second"),
        ("hidden: tomato", "tomato", r"000.md:19\n +expected: tomato\n"),
    ],
)
def test_what_differs_is_named_with_its_line(
    right: str, wrong: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "TIMEOUT_S", 2.0)
    with pytest.raises(AssertionError, match=message):
        followed(GREETING.replace(right, wrong), tmp_path)
