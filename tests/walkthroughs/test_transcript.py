"""What a walkthrough says is to be typed, and what is to be shown."""

import pytest

from tests.walkthroughs.following import accounts
from tests.walkthroughs.transcript import (
    Line,
    MalformedError,
    Turn,
    Typed,
    parse_walkthrough,
)

LAB = """
# 003

```toml lab.toml
[cluster]
administrator_password = "lab-admin-2222"
[[nodes]]
name = "pub"
address = "127.0.1.31"
[[nodes]]
name = "sub"
address = "127.0.1.32"
ports = { ssh = 22 }
```

```
a block that nobody checks
```
"""
FILE_GET = """\
```ssh pub
admin:file get tftp ITLRecovery.p12
Would you like to proceed [y/n]? «y»
Password: «stars: tomato»

Download directory: «hidden: up/»
Transfer completed.
admin:show myself
```
"""


def test_named_blocks_are_files() -> None:
    walkthrough = parse_walkthrough(LAB)
    assert list(walkthrough.files) == ["lab.toml"]
    assert walkthrough.files["lab.toml"].startswith("[cluster]\nadministrator")
    assert walkthrough.blocks == ()


def test_the_description_says_how_to_log_in() -> None:
    found = accounts(parse_walkthrough(LAB))
    assert [(each.address, each.port) for each in found.values()] == [
        ("127.0.1.31", 2222),
        ("127.0.1.32", 22),
    ]
    assert {each.password for each in found.values()} == {"lab-admin-2222"}


def test_a_transcript_is_cut_where_something_is_typed() -> None:
    (block,) = parse_walkthrough(FILE_GET).blocks
    assert (block.kind, block.name, block.at.number) == ("ssh", "pub", 1)
    command, proceed, password, directory, myself = block.turns
    assert command.typed == Typed("file get tftp ITLRecovery.p12", "file get tftp ITLRecovery.p12")
    assert (command.prompt, command.shown) == ("", ())
    assert (proceed.prompt, proceed.typed) == (
        "Would you like to proceed [y/n]? ",
        Typed("y", "y"),
    )
    assert (password.typed, password.shown) == (Typed("tomato", "******"), (Line(5, ""),))
    assert directory.typed == Typed("up/", "")
    assert directory.shown == (Line(7, "Transfer completed."),)
    assert myself.at == Line(8, "admin:show myself")


def test_a_window_shows_more_before_anything_is_typed_and_after_ctrl_c() -> None:
    (block,) = parse_walkthrough("```console phone\nreset\n^C\n...\n```").blocks
    more, interrupt = block.turns
    assert more == Turn(Line(2, "reset"), "", None, (Line(2, "reset"),))
    assert interrupt.is_interrupt
    assert not more.is_interrupt
    assert interrupt.shown == (Line(4, "..."),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```console\n$ true\n", "line 1: the block is not closed"),
        ("text\n```toml two names\n```", "line 2: expected ```LANGUAGE NAME, found"),
        ("```ssh\nadmin:show itl\n```", "line 1: ssh at which node"),
    ],
)
def test_what_is_not_of_the_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_walkthrough(text)
