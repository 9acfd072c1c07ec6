"""help, exit, pagination, time-out, running number."""

import pytest

from cucmsim.services.admin.table import COMMANDS
from tests.services.admin.conftest import Desk


async def test_help_shows_a_command_s_description_and_example(desk: Desk) -> None:
    shown = await desk.give("help show itl")
    assert shown.startswith("show itl help:\nShows the contents of the ITL file.\n")
    assert shown.endswith("Example: \nadmin:show itl\n")


async def test_help_alone_lists_the_first_words_and_of_nothing_known_is_refused(desk: Desk) -> None:
    shown = await desk.give("help")
    assert "    show*\n" in shown
    assert "    exit\n" in shown
    assert await desk.give("help me") == ("No help found for me\nExecuted command unsuccessfully\n")


@pytest.mark.parametrize("word", ["exit", "quit"])
async def test_exit_and_quit_end_the_session(desk: Desk, word: str) -> None:
    assert await desk.give(word) == ""
    assert desk.outcome.leaves


async def test_pagination_is_shown_and_set_in_the_documented_words(desk: Desk) -> None:
    # cucm.md 1.1: answers of show cli pagination and set cli pagination
    assert await desk.give("show cli pagination") == "Automatic Pagination : On.\n"
    assert await desk.give("set cli pagination off") == "Automatic pagination is turned off\n"
    assert await desk.give("show cli pagination") == "Automatic Pagination : Off.\n"
    assert not desk.context.session.pagination


async def test_the_running_number_is_switched_for_this_session(desk: Desk) -> None:
    assert await desk.give("set commandcount enable") == ""
    assert desk.context.session.command_count
    await desk.give("set commandcount disable")
    assert not desk.context.session.command_count


async def test_a_time_out_is_for_new_sessions_only(desk: Desk) -> None:
    await desk.give("set cli session timeout 60")
    assert desk.context.platform.values.session_timeout_minutes == 60
    assert desk.context.session.timeout_s == 1800
    assert await desk.give("show cli session timeout") == "CLI session timeout is 60 minutes.\n"


@pytest.mark.parametrize("minutes", ["4", "100000", "-5", "ten", "\u0665", "9" * 5000])
async def test_a_time_out_out_of_range_is_refused(desk: Desk, minutes: str) -> None:
    shown = await desk.give(f"set cli session timeout {minutes}")
    assert "Suggested values are 5 to 99999\nExecuted command unsuccessfully\n" in shown
    assert desk.context.platform.values.session_timeout_minutes == 30


def test_every_command_has_help() -> None:
    assert [one.syntax.name for one in COMMANDS.values() if not one.syntax.description] == []
