"""How a command is found, driven, refused and ended, whatever it does."""

import pytest
import structlog

from cucmsim.errors import RefusedError, StartError, StoreError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.admin.command import Arguments, Command, Context, Mark, Steps
from tests.services.admin.conftest import Desk


async def _dialogue(_context: Context, arguments: Arguments) -> Steps:
    answer = yield Question("Continue (y/n)?")
    yield f"got {answer} for {arguments['name']}\n"
    secret = yield Question("Password: ", Echo.STARS)
    yield f"{len(secret)} characters\n"


async def _failing(_context: Context, arguments: Arguments) -> Steps:
    yield "begun\n"
    errors = {
        "refused": RefusedError("CSR does not exist"),
        "store": StoreError("the database is away"),
        "start": StartError("port 1 in use, secret path"),
        "fault": ZeroDivisionError("secret"),
    }
    raise errors[arguments["how"]]


async def _marked(_context: Context, arguments: Arguments) -> Steps:
    yield "own words\n"
    yield Mark[arguments["mark"]]


COMMANDS = (
    Command.of("try dialogue <name>", _dialogue),
    Command.of("try failing <how>", _failing),
    Command.of("try mark <mark>", _marked),
    Command.of("try publisher <mark>", _marked, publisher_only=True, during_upgrade=False),
)


async def test_a_command_asks_and_gets_the_answers(desk: Desk) -> None:
    shown = await desk.give("try dialogue tomcat", ["y", "12345"], COMMANDS)
    assert shown == "Continue (y/n)?y\ngot y for tomcat\nPassword: *****\n5 characters\n"
    assert desk.outcome.succeeded


async def test_a_script_without_answers_fails_the_command(desk: Desk) -> None:
    shown = await desk.give("try dialogue tomcat", [], COMMANDS)
    assert shown.endswith("in the script\nExecuted command unsuccessfully\n")
    assert not desk.outcome.succeeded


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("refused", "CSR does not exist\n"),
        ("store", "the database is away\n"),
        ("start", ""),
        ("fault", ""),
    ],
)
async def test_a_failing_command_ends_with_the_server_s_verdict(
    desk: Desk, how: str, said: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        shown = await desk.give(f"try failing {how}", (), COMMANDS)
    assert shown == f"begun\n{said}Executed command unsuccessfully\n"
    assert not desk.outcome.succeeded
    assert [entry["command"] for entry in logs] == ["try failing"] * (how != "refused")


async def test_marks_fail_without_a_verdict_and_end_the_session(desk: Desk) -> None:
    assert await desk.give("try mark FAILED", (), COMMANDS) == "own words\n"
    assert not desk.outcome.succeeded
    await desk.give("try mark LEAVE", (), COMMANDS)
    assert desk.outcome.succeeded
    assert desk.outcome.leaves


async def test_an_unknown_command_is_refused_in_two_lines(desk: Desk) -> None:
    # cucm.md 1.1, "Unknown command"
    shown = await desk.give("ls /", (), COMMANDS)
    assert shown == "Executed command unsuccessfully\nNo valid command entered\n"
    assert not desk.outcome.succeeded


async def test_wrong_arguments_are_named_before_the_verdict(desk: Desk) -> None:
    # cucm.md 1.1, "Bad arguments example"
    shown = await desk.give("try mark", (), COMMANDS)
    assert shown == "Mandatory parameter missing: mark\nExecuted command unsuccessfully\n"


async def test_a_command_of_the_publisher_is_refused_on_a_subscriber(
    desk: Desk, subscriber_desk: Desk
) -> None:
    assert await desk.give("try publisher FAILED", (), COMMANDS) == "own words\n"
    assert await subscriber_desk.give("try publisher FAILED", (), COMMANDS) == (
        "This command is only available on the publisher node.\nExecuted command unsuccessfully\n"
    )


async def test_some_commands_are_refused_during_an_upgrade(desk: Desk) -> None:
    desk.operations.is_upgrading = True
    assert await desk.give("try publisher FAILED", (), COMMANDS) == (
        "This command is not allowed during an upgrade.\nExecuted command unsuccessfully\n"
    )
    assert await desk.give("try mark FAILED", (), COMMANDS) == "own words\n"
