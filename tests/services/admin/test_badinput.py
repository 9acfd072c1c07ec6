"""Every command of the table with input that nobody meant: refused in words, nothing half done."""

import asyncio
import shlex
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from cucmsim.errors import StoreError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.protocols.admin_grammar import Syntax
from cucmsim.services.admin.platform import INSTALL_LEVEL
from cucmsim.services.admin.scripted import Script
from cucmsim.services.admin.shell import carry_out, grammar_of
from cucmsim.services.admin.table import COMMANDS
from cucmsim.store.store import Store
from tests.services.admin.conftest import Desk

BAD = (
    '"a b"',
    "x" * 200 + '"',
    "Ωμέγα';--",
    "\x1b[31mred\x07\x00\x85",
    "../../../etc/passwd",
    "-٣%s{0}",
)
"""Blanks, quotes, 200 signs, another script, control characters, paths, numbers that are none."""
NO_ANSWER = ["no"] * 30
SHOWN = {"\n", "\t", "\x1b"}  # the pager of `file view` writes in bold
ENDLESS = ("file tail",)
PATIENCE_S = 60
SECRET = "Typed-2445-Secret"


def _arguments(syntax: Syntax) -> list[str]:
    """Return arguments that fit: those of the example, choices where it has none."""
    given = syntax.example.removeprefix(syntax.name).strip()
    if given:
        return shlex.split(given)
    return [one.choices[0] if one.choices else "1" for one in syntax.arguments if one.is_required]


def _lines(syntax: Syntax) -> Iterator[str]:
    """Yield the lines that a command is given: too little, too much, and each bad word in place."""
    fitting = _arguments(syntax)
    required = sum(one.is_required for one in syntax.arguments)
    if required:
        yield " ".join((syntax.name, *fitting[: required - 1]))
    if not any(one.takes_rest for one in syntax.arguments):
        yield " ".join((syntax.name, *["1"] * len(syntax.arguments), "surplus"))
    for place, argument in enumerate(syntax.arguments):
        before = (fitting + ["1"] * place)[:place]
        for bad in BAD if not argument.choices else BAD[:1]:
            yield " ".join((syntax.name, *before, bad))


async def _given(desk: Desk, line: str, answers: list[str]) -> str:
    """Give a line; nothing may be logged, and nothing shown that a terminal would obey."""
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(PATIENCE_S):
            shown = await desk.give(line, answers)
    assert [one for one in logs if "exc_info" in one or one["log_level"] == "error"] == [], line
    for answer in answers:
        shown = shown.replace(answer, "")  # the script's own echo; a terminal takes no controls
    obeyed = {one for one in shown if unicodedata.category(one) == "Cc"} - SHOWN
    assert not obeyed, (line, obeyed)
    assert "\x1b[31m" not in shown, line
    assert "Traceback" not in shown
    if not desk.outcome.succeeded:
        assert shown.strip(), line
    return shown


@pytest.mark.parametrize("at", ["publisher", "subscriber"])
async def test_no_command_trips_over_words_that_make_no_sense(
    clerk: Desk, subscriber_clerk: Desk, at: str
) -> None:
    desk = clerk if at == "publisher" else subscriber_clerk
    accounts = set(desk.context.platform.administrators)
    for syntax in COMMANDS:
        for line in _lines(syntax):
            await _given(desk, line, NO_ANSWER)
    assert set(desk.context.platform.administrators) == accounts


def _away(*_args: object, **_kwargs: object) -> object:
    raise StoreError("the database is away")


async def test_without_a_database_commands_say_so_or_do_without(
    clerk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("transaction", "load_replica", "update_replica", "read_tables", "read_alarms"):
        monkeypatch.setattr(Store, name, _away)
    monkeypatch.setattr(Store, "is_connected", False)
    failed = set[str]()
    for syntax in COMMANDS:
        line = " ".join((syntax.name, *_arguments(syntax)))
        if not line.startswith(ENDLESS):
            await _given(clerk, line, ["yes"] * 30)
            failed |= {syntax.name} if not clerk.outcome.succeeded else set()
    assert {"run sql", "set cert delete", "utils dbreplication reset"} <= failed
    assert not {"show cert list", "show hostname", "show network cluster"} & failed


async def test_answers_that_make_no_sense_are_no_yes(clerk: Desk) -> None:
    before = await clerk.context.store.load_replica()
    for syntax in COMMANDS:
        line = " ".join((syntax.name, *_arguments(syntax)))
        for bad in (*BAD, ""):
            if not line.startswith(ENDLESS):
                await _given(clerk, line, [bad] * 30)
    assert (await clerk.context.store.load_replica()).own == before.own


class _Secretive(Script):
    """Types a secret wherever typing is hidden, and goes on with everything else."""

    async def ask(self, question: Question) -> str:
        self._answers.append(SECRET if question.echo is not Echo.TEXT else _fitting(question))
        return await super().ask(question)


def _fitting(question: Question) -> str:
    """Return an answer that leads on: a port, a yes, no licence for anything else."""
    if not question.prompt:
        return ""  # the end of a paste
    return "22" if "port" in question.prompt else "1" if "level" in question.prompt else "yes"


def _holding(directory: Path) -> list[Path]:
    """Return the files with the secret in them: the database, traces, logs."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if SECRET.encode() in path.read_bytes()]


async def test_no_secret_that_is_typed_is_kept_or_shown(clerk: Desk, tmp_path: Path) -> None:
    await clerk.context.platform.add(clerk.context.user, INSTALL_LEVEL, "before")
    asked = set[str]()
    for syntax, command in COMMANDS.items():
        line = " ".join((syntax.name, *_arguments(syntax)))
        if line.startswith(ENDLESS):
            continue
        script = _Secretive()
        context = replace(clerk.context, grammar=grammar_of((command,), INSTALL_LEVEL))
        with structlog.testing.capture_logs() as logs:
            await carry_out(line, context, {syntax: command}, script)
        assert SECRET not in script.text + repr(logs), line
        asked |= (
            {syntax.name} if any(one.echo is not Echo.TEXT for one in script.questions) else set()
        )
    assert asked >= {"set password user admin", "set cert bulk sftp", "file get"}
    assert await asyncio.to_thread(_holding, tmp_path) == []


async def test_a_secret_in_a_statement_is_not_logged_when_it_fails(clerk: Desk) -> None:
    for statement in (
        "update device set authenticationstring='{}', name='SEP001122334455'",
        "update device set authenticationstring='{}' where nothing=1",
        "insert into device (pkid, authenticationstring) values (newid(), '{}')",
        "update device set authenticationstring='{0}{0}{0}'",
    ):
        with structlog.testing.capture_logs() as logs:
            shown = await clerk.give("run sql " + statement.format(SECRET))
        assert SECRET not in shown + repr(logs)
