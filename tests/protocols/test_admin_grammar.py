"""What lines mean, what help and completion make of the usage texts."""

import pytest

from cucmsim.protocols.admin_grammar import Completion, Grammar, Match, Mismatch, Syntax

IMPORT = Syntax.of("set cert import <type:own|trust> <unit> [caCert]", level=1)
DELETE = Syntax.of("set cert delete <unit> <name>", level=1)
SQL = Syntax.of("run sql <statement...>")
HELP = Syntax.of("help [command...]")
SHOW = Syntax.of("show itl", description="Shows the contents of the ITL file.", example="show itl")
FILE_LIST = Syntax.of("file list")
FILE_LIST_LOG = Syntax.of("file list activelog <file-spec>")
PASSWORD = Syntax.of("set password user <user:admin|security>", level=4)
GRAMMAR = Grammar((IMPORT, DELETE, SQL, HELP, SHOW, FILE_LIST, FILE_LIST_LOG, PASSWORD))


@pytest.mark.parametrize(
    ("line", "syntax", "arguments"),
    [
        ("show itl", SHOW, {}),
        ("  show   itl ", SHOW, {}),
        ("set cert import own tomcat", IMPORT, {"type": "own", "unit": "tomcat"}),
        (
            "set cert import trust tomcat ca.pem",
            IMPORT,
            {"type": "trust", "unit": "tomcat", "caCert": "ca.pem"},
        ),
        ('set cert delete CAPF-trust "a b"', DELETE, {"unit": "CAPF-trust", "name": "a b"}),
        ('set cert delete CAPF-trust "a b', DELETE, {"unit": "CAPF-trust", "name": "a b"}),
        (
            "run sql select  *  from 'a  b' ",
            SQL,
            {"statement": "select  *  from 'a  b'"},
        ),
        ("help", HELP, {}),
        ("help show itl", HELP, {"command": "show itl"}),
        ("file list activelog cm/*", FILE_LIST_LOG, {"file-spec": "cm/*"}),
    ],
)
def test_a_line_gives_its_command_and_arguments(
    line: str, syntax: Syntax, arguments: dict[str, str]
) -> None:
    assert GRAMMAR.match(line) == Match(syntax, arguments)


@pytest.mark.parametrize(
    "line", ["", "show", "shw itl", "Show itl", "sh itl", "ls /", "show 'itl'"]
)
def test_words_that_begin_no_command_are_none(line: str) -> None:
    assert GRAMMAR.match(line) == Mismatch("No valid command entered", is_unknown=True)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("show itl now", "Unknown parameter: now"),
        ("set cert delete CAPF", "Mandatory parameter missing: name"),
        ("run sql", "Mandatory parameter missing: statement"),
        # cucm.md 1.1, "Bad arguments example": the form, blank at the line's end included
        (
            "set cert import both tomcat",
            "Enter valid values for the type. \nSuggested values are own, trust",
        ),
    ],
)
def test_wrong_arguments_are_named(line: str, text: str) -> None:
    assert GRAMMAR.match(line) == Mismatch(text)


def test_a_command_above_ones_level_is_unknown() -> None:
    ordinary = GRAMMAR.for_level(1)
    assert ordinary.match("set password user admin") == Mismatch(
        "No valid command entered", is_unknown=True
    )
    assert "password" not in ordinary.question_mark("set ")
    assert isinstance(ordinary.match("set cert delete CAPF x"), Match)


@pytest.mark.parametrize(
    ("line", "completion"),
    [
        ("sho", Completion("w ")),
        ("", Completion("", ("file*", "help", "run*", "set*", "show*"))),
        ("s", Completion("", ("set*", "show*"))),
        ("set cert ", Completion("", ("set cert delete", "set cert import"))),
        ("set cert i", Completion("mport ")),
        ("set cert import t", Completion("rust ")),
        ("set cert import own ", Completion("")),
        ("set cert delete x y z ", Completion("")),
        ("file l", Completion("ist ")),
        ("unknown ", Completion("")),
    ],
)
def test_tab_adds_what_is_sure_and_lists_the_rest(line: str, completion: Completion) -> None:
    assert GRAMMAR.complete(line) == completion


def test_tab_adds_what_all_candidates_begin_with() -> None:
    grammar = Grammar(Syntax.of(usage) for usage in ("show account", "show accountlocking"))
    assert grammar.complete("show a") == Completion("ccount")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("set c", "    set cert*\n"),
        ("file ", "    file list*\n"),
        ("set cert import", "    set cert import\n"),
        (
            "set cert import ",
            (
                "Syntax:\nset cert import {own|trust} <unit> [caCert]\n"
                "type\tmandatory\town|trust\nunit\tmandatory\ncaCert\toptional\n"
            ),
        ),
        ("show itl ", "Syntax:\nshow itl\n"),
        (
            "set cert delete CAPF",
            "Syntax:\nset cert delete <unit> <name>\nunit\tmandatory\nname\tmandatory\n",
        ),
        ("nothing like it", "No valid command entered\n"),
    ],
)
def test_a_question_mark_shows_what_can_follow(line: str, shown: str) -> None:
    assert GRAMMAR.question_mark(line) == shown


@pytest.mark.parametrize(
    ("line", "takes"),
    [
        ("run sql select ", True),
        ("run sql ", False),
        ("run sql", False),
        ("run sql s", True),
        ("run", False),
        ('set cert delete CAPF "a ', True),
        ("set cert delete CAPF ", False),
    ],
)
def test_only_a_quoted_word_or_the_rest_of_a_line_takes_anything(line: str, *, takes: bool) -> None:
    assert GRAMMAR.takes_rest(line) is takes


def test_help_has_the_documented_form() -> None:
    # cucm.md 1.1: "<cmd> help:", a description, "Example: " and "admin:<cmd>"
    assert GRAMMAR.help_on(("show", "itl")) == (
        "show itl help:\nShows the contents of the ITL file.\n\nSyntax:\nshow itl\n\n"
        "Example: \nadmin:show itl\n"
    )


def test_help_on_a_beginning_lists_and_on_nothing_known_is_none() -> None:
    assert GRAMMAR.help_on(("set", "cert")) == "    set cert delete\n    set cert import\n"
    assert GRAMMAR.help_on(("nothing",)) is None
